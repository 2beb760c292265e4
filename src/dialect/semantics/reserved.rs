//! Words that cannot be names without quotes.

use std::sync::LazyLock;

use fnv::FnvHashSet;

/// Words in lower case.
pub(super) struct Words(LazyLock<FnvHashSet<&'static str>>);

impl Words {
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// Words with blanks between them.
macro_rules! words {
    ($words:literal $(,)?) => {
        Words(LazyLock::new(|| $words.split_ascii_whitespace().collect()))
    };
}

/// As "Lexical structure" of the reference lists them.
pub(super) static BIGQUERY: Words = words!(
    "all and any array as asc assert_rows_modified at between by case cast collate contains create cross \
    cube current default define desc distinct else end enum escape except exclude exists extract false \
    fetch following for from full group grouping groups hash having if ignore in inner intersect \
    interval into is join lateral left like limit lookup merge natural new no not null nulls of on or \
    order outer over partition preceding proto qualify range recursive respect right rollup rows select \
    set some struct tablesample then to treat true unbounded union unnest using when where window with \
    within",
);

/// Those of `duckdb_keywords()` that do not read a column without quotes.
pub(super) static DUCKDB: Words = words!(
    "all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case \
    cast check collate collation column concurrently constraint create cross default deferrable desc \
    describe distinct do else end except false fetch for foreign freeze from full glob group having \
    ilike in initially inner intersect into is isnull join lambda lateral leading left like limit \
    natural not notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider \
    placing positional primary qualify references returning right select semi show similar some \
    summarize symmetric table tablesample then to trailing true union unique unpack unpivot using \
    variadic verbose when where window with",
);

/// Those of `pg_get_keywords()` that are reserved, also as the names of functions and types alone.
pub(super) static POSTGRES: Words = words!(
    "all analyse analyze and any array as asc asymmetric authorization binary both case cast check \
    collate collation column concurrently constraint create cross current_catalog current_date \
    current_role current_schema current_time current_timestamp current_user default deferrable desc \
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in \
    initially inner intersect into is isnull join lateral leading left like limit localtime \
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary \
    references returning right select session_user similar some symmetric table tablesample then to \
    trailing true union unique user using variadic verbose when where window with",
);

/// As "Reserved words" of the reference lists them.
pub(super) static REDSHIFT: Words = words!(
    "aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup \
    between binary blanksasnull both bytedict bzip2 case cast check collate column constraint create \
    credentials cross current_date current_time current_timestamp current_user current_user_id default \
    deferrable deflate defrag delta delta32k desc disable distinct do else emptyasnull enable encode \
    encrypt encryption end except explicit false for foreign freeze from full globaldict256 \
    globaldict64k grant group gzip having identity ignore ilike in initially inner intersect interval \
    into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop minus \
    mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open \
    or order outer overlaps parallel partition percent permissions pivot placing primary raw readratio \
    recover references rejectlog resort respect restore right select session_user similar snapshot some \
    sysdate system table tag tdes text255 text32k then timestamp to top trailing true truncatecolumns \
    union unique unnest unpivot user using verbose wallet when where with without",
);
