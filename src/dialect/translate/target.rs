//! The SQL that a translation ends in: what a printed tree must heed, and what has to be written otherwise.

/// A warehouse as the end of a translation.
#[derive(Debug)]
pub(crate) struct Target {
    /// As it stands in messages.
    pub(crate) name: &'static str,
    /// Words that it does not take for every kind of name.
    keywords: &'static str,
    /// Whether a name without quotes is one in small letters, and a name in quotes is kept as it is.
    pub(crate) folds_names: bool,
    /// Whether QUALIFY, and `*` with EXCEPT, REPLACE or RENAME, are its own.
    pub(crate) selects_more: bool,
    /// Whether an array may be written without the word ARRAY.
    pub(crate) bare_arrays: bool,
}

impl Target {
    /// DuckDB. Its words are those of `duckdb_keywords()`, all but `unreserved`; without DEFAULT, which no warehouse takes
    /// for a name and which stands for a value in INSERT.
    pub(crate) const DUCKDB: Self = Self {
        name: "DuckDB",
        keywords: "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint \
            create deferrable desc describe distinct do else end except false fetch for foreign from group having in \
            initially intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer \
            pivot_wider placing primary qualify references returning select show some summarize symmetric table then to \
            trailing true union unique unpivot using variadic when where window with \
            between bigint bit boolean char character coalesce dec decimal exists extract float grouping grouping_id \
            inout int integer interval national nchar none nullif numeric out overlay position precision real row setof \
            smallint substring time timestamp treat trim values varchar \
            anti asof at authorization binary by collation columns concurrently cross freeze full generated glob ilike \
            inner is isnull join left like map natural notnull outer overlaps positional right semi similar struct \
            tablesample try_cast unpack verbose",
        folds_names: false,
        selects_more: true,
        bare_arrays: true,
    };

    /// PostgreSQL. Its words are those of `pg_get_keywords()` that are reserved or may not be a column's name behind AS is
    /// left out; without DEFAULT and those that stand for a value.
    pub(crate) const POSTGRES: Self = Self {
        name: "PostgreSQL",
        keywords: "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint \
            create deferrable desc distinct do else end except false fetch for foreign from grant group having in \
            initially intersect into lateral leading limit not null offset on only or order placing primary references \
            returning select some symmetric table then to trailing true union unique user using variadic when where \
            window with \
            authorization binary collation concurrently cross freeze full ilike inner is isnull join left like natural \
            notnull outer overlaps right similar tablesample verbose \
            between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout \
            int integer interval least national nchar none normalize nullif numeric out overlay position precision real \
            row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement \
            xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable \
            day filter hour minute month over second varying within without year",
        folds_names: true,
        selects_more: false,
        bare_arrays: false,
    };

    /// Whether a name has to stand in quotes.
    pub(crate) fn is_keyword(&self, name: &str) -> bool {
        self.keywords.split_whitespace().any(|word| word.eq_ignore_ascii_case(name))
    }
}
