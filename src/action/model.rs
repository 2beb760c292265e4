use std::num::NonZeroUsize;

use crate::action::Rendered;
use crate::config::TimeSpan;
use crate::relation::{PhysicalOptions, Width};

/// An action that makes a relation out of a query.
#[derive(Debug, Clone, Hash)]
pub struct Model {
    /// What it becomes.
    pub materialization: Materialization,
    /// For a full build.
    pub texts: Texts,
    /// How it lies in the warehouse.
    pub options: PhysicalOptions,
    /// The columns that together tell its rows apart; empty if none are declared.
    pub unique_key: Vec<String>,
    /// When readers see what a run has made of it.
    pub publishing: Publishing,
}

/// When readers see what a run has made of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Publishing {
    /// As soon as it is made.
    #[default]
    AsBuilt,
    /// When its assertions have found nothing wrong with it. Until then they see what was there before.
    Audited,
}

impl Model {
    /// How it grows, if it is an incremental table.
    pub fn incremental(&self) -> Option<&Incremental> {
        match &self.materialization {
            Materialization::Incremental(incremental) => Some(incremental),
            Materialization::View { .. } | Materialization::Table => None,
        }
    }

    /// The columns that no two rows of its table may have the same values of, from the first one on.
    pub fn distinct_key(&self) -> Option<&[String]> {
        let may_repeat = self.incremental()?.strategy == IncrementalStrategy::DeleteInsert;
        Some(self.unique_key.as_slice()).filter(|key| !may_repeat && !key.is_empty())
    }

    /// How it is kept by intervals, if it is.
    pub fn intervals(&self) -> Option<Intervals> {
        match self.incremental()?.strategy {
            IncrementalStrategy::Interval(intervals) => Some(intervals),
            _ => None,
        }
    }
}

/// The texts of a model, rendered with `incremental()` either false or true.
#[derive(Debug, Clone, Default, Hash)]
pub struct Texts {
    /// What it selects.
    pub query: Rendered,
    /// Run before it, in the order written.
    pub pre_operations: Vec<Rendered>,
    /// Run after it.
    pub post_operations: Vec<Rendered>,
}

/// What a model becomes in the warehouse.
#[derive(Debug, Clone, Hash)]
pub enum Materialization {
    /// A view.
    View {
        /// Whether the warehouse keeps its rows.
        materialized: bool,
    },
    /// A table, built anew on each run.
    Table,
    /// A table that each run adds to.
    Incremental(Box<Incremental>),
}

impl Materialization {
    /// `view`, `table`, `incremental`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::View { .. } => "view",
            Self::Table => "table",
            Self::Incremental(_) => "incremental",
        }
    }
}

/// How an incremental table grows.
#[derive(Debug, Clone, Hash)]
pub struct Incremental {
    /// With `incremental()` true.
    pub texts: Texts,
    /// Which of the new rows count: the `incremental_where` block.
    pub filter: Option<Rendered>,
    /// What becomes of the rows that are there.
    pub strategy: IncrementalStrategy,
    /// Whether the config names the strategy; otherwise it follows from the unique key.
    pub names_strategy: bool,
    /// What happens if the query's columns are no longer those of the table.
    pub on_schema_change: OnSchemaChange,
    /// Whether a full refresh leaves it alone.
    pub protected: bool,
    /// A condition on the table's rows that a merge looks at. BigQuery reads only those partitions.
    pub update_partition_filter: Option<String>,
    /// Further conditions of the merge.
    pub predicates: Vec<String>,
    /// The partitions that an overwrite replaces, as expressions; empty for those that the new rows touch.
    pub partitions: Vec<String>,
}

/// What becomes of the rows that are there when new ones come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncrementalStrategy {
    /// New rows are added.
    Append,
    /// Rows with the same unique key are replaced, others are added.
    Merge,
    /// Rows with the key of a new row are deleted, and all new rows added: several may have one key.
    DeleteInsert,
    /// The partitions that the new rows touch are replaced whole.
    InsertOverwrite,
    /// Whole intervals of event time are replaced: those whose inputs have changed.
    Interval(Intervals),
}

/// How a table is kept by intervals of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Intervals {
    /// How long one is.
    pub width: Width,
    /// How many go into one statement; all that are next to each other if it does not say.
    pub batch: Option<NonZeroUsize>,
    /// How far behind the newest event inputs are looked at; `None` for all of them.
    pub lookback: Option<TimeSpan>,
}

impl Intervals {
    /// What stands in a text for the first moment of an interval, and for the first one behind it: dates that no data has, as long
    /// as those that take their places. In a full build they mean what they say, and all rows lie between them.
    pub fn marks(width: Width) -> [&'static str; 2] {
        match width {
            Width::Hour => ["1001-01-01 00:00:00", "9001-01-01 00:00:00"],
            Width::Day | Width::Month => ["1001-01-01", "9001-01-01"],
        }
    }
}

/// What happens if the columns of an incremental model are no longer those of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum OnSchemaChange {
    /// New columns are left out; the columns of the table must all be there.
    #[default]
    Ignore,
    /// The step fails before it writes.
    Fail,
    /// New columns are added to the table; a missing one fails.
    Extend,
    /// New columns are added, missing ones dropped.
    Synchronize,
}
