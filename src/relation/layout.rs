use std::collections::BTreeMap;
use std::fmt;

/// The label of a table whose first rows are there while the step that makes it is not at its end.
pub const UNFINISHED_LABEL: &str = "trueup_unfinished";

/// How a table lies in its warehouse, and what is said of it there, as far as the warehouse tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// `None` for a table in one piece.
    pub partitioning: Option<Partitioning>,
    /// The columns that it is clustered by, in their order.
    pub clustering: Vec<String>,
    /// For people.
    pub description: Option<String>,
    /// For programs.
    pub labels: BTreeMap<String, String>,
    /// By the path of the column, with dots between its names.
    pub column_descriptions: BTreeMap<String, String>,
    /// Whether a column has a policy tag, which `create or replace` would lose.
    pub has_policy_tags: bool,
    /// Whether the step that made it did not come to its end, as [`UNFINISHED_LABEL`] says. That is none of `labels`.
    pub is_unfinished: bool,
}

/// What is said of columns that no statement can say, by the path of the column with dots between its names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ColumnMarks {
    /// The tags by which access to a column is granted.
    pub policy_tags: BTreeMap<String, Vec<String>>,
    /// Descriptions of columns inside of records.
    pub descriptions: BTreeMap<String, String>,
}

impl ColumnMarks {
    /// Whether there is nothing to be said.
    pub fn is_empty(&self) -> bool {
        self.policy_tags.is_empty() && self.descriptions.is_empty()
    }
}

/// What the partitions of a table are made by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Partitioning {
    /// A part of the calendar, in UTC.
    Time {
        /// A column of dates or times; `None` for the time at which a row came in.
        column: Option<String>,
        /// How long each is.
        unit: TimeUnit,
    },
    /// Ranges of a whole number.
    Range {
        /// The column.
        column: String,
        /// Where the first one begins.
        start: i64,
        /// Behind the last one.
        end: i64,
        /// How wide each is.
        interval: i64,
    },
}

impl Partitioning {
    /// The column, if it is one of the table's own.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Time { column, .. } => column.as_deref(),
            Self::Range { column, .. } => Some(column),
        }
    }

    /// Whether two are the same; names of columns may differ in the case of letters.
    pub fn is_same(&self, other: &Self) -> bool {
        let lower = |partitioning: &Self| {
            let mut partitioning = partitioning.clone();
            match &mut partitioning {
                Self::Time { column, .. } => column.iter_mut().for_each(|name| name.make_ascii_lowercase()),
                Self::Range { column, .. } => column.make_ascii_lowercase(),
            }
            partitioning
        };
        lower(self) == lower(other)
    }
}

/// For people: `day of ts`, `day of the time at which rows came in`, `n from 0 to 100 by 10`.
impl fmt::Display for Partitioning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { column: Some(column), unit } => write!(f, "{} of {column}", unit.word()),
            Self::Time { column: None, unit } => write!(f, "{} of the time at which rows came in", unit.word()),
            Self::Range { column, start, end, interval } => write!(f, "{column} from {start} to {end} by {interval}"),
        }
    }
}

/// How much time a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl TimeUnit {
    /// As SQL has it, in small letters: `day`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The unit of that name, in any case of letters.
    pub fn named(word: &str) -> Option<Self> {
        let units = [Self::Hour, Self::Day, Self::Month, Self::Year];
        units.into_iter().find(|unit| unit.word().eq_ignore_ascii_case(word))
    }
}
