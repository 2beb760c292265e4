use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// How a relation lies in its warehouse. Each warehouse takes what it has a word for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PhysicalOptions {
    /// An SQL expression; rows with the same value make a partition.
    pub partition_by: Option<String>,
    /// Columns to cluster by.
    pub cluster_by: Vec<String>,
    /// Days that a partition is kept.
    pub partition_expiration_days: Option<u64>,
    /// Whether queries must filter on the partition.
    pub require_partition_filter: bool,
    /// BigQuery: what an old project says of the partitions that are looked at, in a table that is not incremental. It has no
    /// effect.
    pub update_partition_filter: Option<String>,
    /// Further options of BigQuery, as written.
    pub additional_options: BTreeMap<String, String>,
    /// BigQuery: where the files are, if it is an Iceberg table.
    pub iceberg: Option<Iceberg>,
    /// BigQuery: whether a table that is built anew keeps what has been granted on it.
    pub preserve_governance_controls: bool,
    /// PostgreSQL's own.
    pub postgres: PostgresOptions,
    /// Redshift's own.
    pub redshift: RedshiftOptions,
}

/// How PostgreSQL keeps a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PostgresOptions {
    /// Made before the table takes its place.
    pub indexes: Vec<Index>,
    /// Whether the rows stay out of the write-ahead log: faster, and gone after a crash of the server.
    pub unlogged: bool,
    /// Whether the rows lie in partitions.
    pub partition_by: Option<RangePartitioning>,
}

/// Partitions of a table that each hold a range of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RangePartitioning {
    /// The column. Without quotes.
    pub column: String,
    /// How wide the ranges are.
    pub width: RangeWidth,
}

/// The width of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RangeWidth {
    /// Of dates and timestamps.
    Granularity(Granularity),
    /// Of whole numbers: how many. Ranges begin at its multiples.
    Step(NonZeroU64),
}

/// A part of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Granularity(&'static str);

/// From the shortest to the longest. A week begins on Monday.
pub const GRANULARITIES: [(&str, Granularity); 6] = [
    ("hour", Granularity("hour")),
    ("day", Granularity("day")),
    ("week", Granularity("week")),
    ("month", Granularity("month")),
    ("quarter", Granularity("quarter")),
    ("year", Granularity("year")),
];

impl Granularity {
    /// As `date_trunc` has it: `month`.
    pub fn word(self) -> &'static str {
        self.0
    }
}

/// An index of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Index {
    /// Names of columns, or expressions as SQL has them. Never empty.
    pub columns: Vec<String>,
    /// Whether no two rows may have the same.
    pub unique: bool,
    /// `btree`, `gin`, …; PostgreSQL's default is the first.
    pub method: Option<String>,
    /// Names of columns that are kept beside.
    pub include: Vec<String>,
    /// Which rows are in it: a condition in SQL.
    pub condition: Option<String>,
}

/// Where BigQuery keeps an Iceberg table. Its files are Parquet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Iceberg {
    /// `project.location.connection`, the same as a path, or `DEFAULT`.
    pub connection: String,
    /// `gs://bucket/folder/…`
    pub storage_uri: String,
}

/// Where Redshift keeps the rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RedshiftOptions {
    /// How rows are spread over the nodes.
    pub dist_style: Option<DistStyle>,
    /// The distribution key.
    pub dist_key: Option<String>,
    /// The sort key.
    pub sort_keys: Vec<String>,
    /// How the sort key is used.
    pub sort_style: Option<SortStyle>,
    /// Whether a view is bound to what it reads; late-binding otherwise.
    pub bind: bool,
    /// Whether the table is left out of snapshots.
    pub no_backup: bool,
    /// How the values of some columns are packed, by the name of the column: `az64`, `zstd`, ….
    pub encode: BTreeMap<String, Encoding>,
}

/// How Redshift packs the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding(&'static str);

/// As the manual lists them under "Compression encodings".
pub const ENCODINGS: [(&str, Encoding); 13] = {
    const fn encoding(word: &'static str) -> (&'static str, Encoding) {
        (word, Encoding(word))
    }
    [
        encoding("az64"),
        encoding("bytedict"),
        encoding("delta"),
        encoding("delta32k"),
        encoding("lzo"),
        encoding("mostly8"),
        encoding("mostly16"),
        encoding("mostly32"),
        encoding("raw"),
        encoding("runlength"),
        encoding("text255"),
        encoding("text32k"),
        encoding("zstd"),
    ]
};

impl Encoding {
    /// As Redshift writes it.
    pub fn word(self) -> &'static str {
        self.0
    }
}

/// How Redshift spreads the rows of a table over its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DistStyle {
    /// In turn.
    Even,
    /// By the distribution key.
    Key,
    /// All of them on each node.
    All,
    /// As Redshift thinks best.
    Auto,
}

impl DistStyle {
    /// As Redshift writes it: `even`, `key`, `all`, `auto`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Key => "key",
            Self::All => "all",
            Self::Auto => "auto",
        }
    }
}

/// How Redshift uses the columns of a sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortStyle {
    /// In their order.
    Compound,
    /// All alike.
    Interleaved,
}

impl SortStyle {
    /// As Redshift writes it: `compound`, `interleaved`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compound => "compound",
            Self::Interleaved => "interleaved",
        }
    }
}
