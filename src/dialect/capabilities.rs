/// What a warehouse can do, as far as a plan depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How a relation takes the place of another.
    pub replacement: Replacement,
    /// How new rows take the place of those with the same key.
    pub upsert: Upsert,
    /// Whether statements that make, change and drop relations are undone with their transaction.
    pub transactional_ddl: bool,
    /// How far back a transaction can be undone.
    pub undoing: Undoing,
    /// Whether columns of a temporary table can be given another type.
    pub retypes_columns: bool,
    /// When a column of a table can be made longer.
    pub widening: Widening,
    /// What it makes of a view whose rows are to be kept.
    pub materialized_views: MaterializedViews,
    /// How two values are compared so that NULL equals NULL.
    pub null_safe: NullSafe,
    /// What a DELETE may have besides its condition.
    pub deletion: Deletion,
    /// Whether it takes several statements as one job, with variables and conditions, so that a step is sent whole.
    pub multi_statements: bool,
    /// How different rows of a table are best changed in several transactions.
    pub writes: Writes,
    /// In which time zone sessions tell times that have one.
    pub zone: SessionZone,
}

/// How different rows of a table are best changed in several transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// One transaction behind the other.
    OneByOne,
    /// Several at the same time.
    Parallel,
}

/// In which time zone sessions tell times that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionZone {
    /// In UTC.
    Utc,
    /// In one where clocks may be put back.
    Any,
}

/// How far back a transaction can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// To its start.
    Whole,
    /// To any place in it that has been marked.
    ToSavepoint,
}

/// What a DELETE may have besides its condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Another name for the table.
    Alias,
    /// That, and a second table behind USING.
    AliasAndUsing,
    /// A second table behind USING.
    Using,
}

impl Deletion {
    /// Whether the table can have another name.
    pub fn has_alias(self) -> bool {
        self != Self::Using
    }

    /// Whether it can read a second table.
    pub fn has_using(self) -> bool {
        self != Self::Alias
    }
}

/// How a relation takes the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// By `create or replace`.
    InPlace,
    /// It is made beside the other, and the two swap their names in one transaction.
    Swap,
}

/// When a column of a table can be made longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Widening {
    /// At any time.
    InTransaction,
    /// While no transaction is open.
    Apart,
}

/// What becomes of a view whose rows are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterializedViews {
    /// A view like any other.
    Missing,
    /// One that is replaced as tables are.
    Replaced,
    /// One that cannot be renamed, so that it is dropped and made anew, in one transaction.
    DroppedFirst,
}

/// How new rows take the place of those with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upsert {
    /// By one MERGE.
    Merge,
    /// The old ones are deleted and the new ones inserted: rows are found by a hash of their keys, which a MERGE on
    /// null-safe keys could not do there.
    DeleteAndInsert,
}

/// How two values are compared so that NULL equals NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullSafe {
    /// `a is not distinct from b`
    NotDistinct,
    /// `(a = b or a is null and b is null)`
    Spelled,
}

impl NullSafe {
    /// The condition that two expressions are equal, or both NULL.
    pub fn equal(self, left: &str, right: &str) -> String {
        match self {
            Self::NotDistinct => format!("{left} is not distinct from {right}"),
            Self::Spelled => format!("({left} = {right} or {left} is null and {right} is null)"),
        }
    }

    /// The condition that they are not.
    pub fn different(self, left: &str, right: &str) -> String {
        match self {
            Self::NotDistinct => format!("{left} is distinct from {right}"),
            // Whether both are NULL is never unknown, so neither is the whole.
            Self::Spelled => format!(
                "({left} <> {right} or {left} is null and {right} is not null or {left} is not null and {right} is null)"
            ),
        }
    }
}
