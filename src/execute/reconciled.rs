//! What a comparison has found out.

use crate::adapter::{Rows, Usage};
use crate::execute::repair::Objection;
use crate::execute::sample::Draw;
use crate::execute::written_by::WrittenBy;
use crate::plan::ComparedColumn;

/// Why a column is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// The config says that it tells when a row was made.
    Declared,
    /// It is made of the time of the query, or of chance.
    Volatile,
    /// Asked twice, the query gave two values of it for the same rows.
    Unstable,
    /// Only the query has it.
    OnlyInQuery,
    /// Only the table has it.
    OnlyInTable,
}

/// How rows come into a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Renewal {
    /// Each run builds all of it.
    #[default]
    Whole,
    /// A run adds those that a filter lets through.
    Filter,
    /// A run replaces intervals whose inputs have changed.
    Intervals,
}

/// What a model is known to do, to judge by where differences may come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habits {
    /// How its rows come in.
    pub renewal: Renewal,
    /// Whether many rows of its source become one.
    pub aggregates: bool,
    /// Whether columns tell its rows apart.
    pub has_key: bool,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct Reconciled {
    /// What the model does.
    pub habits: Habits,
    /// Rows that the query gives.
    pub expected: u64,
    /// Rows of the table.
    pub actual: u64,
    /// How many intervals have been looked at; `None` if there is no time.
    pub intervals: Option<usize>,
    /// From which time on rows count, if not all do.
    pub since: Option<String>,
    /// What was drawn, if not all intervals were looked at.
    pub drawn: Option<Draw>,
    /// Those that differ, in order.
    pub differing: Vec<IntervalDifference>,
    /// How many of the missing rows come late or not yet.
    pub waiting: Waiting,
    /// How many values of the key the table has more than once.
    pub duplicate_keys: u64,
    /// How many of them the query gives more than once.
    pub duplicate_keys_of_query: u64,
    /// Columns that are not compared.
    pub left_out: Vec<(String, LeftOut)>,
    /// Columns that are of another type on the other side.
    pub retyped: Vec<ComparedColumn>,
    /// By which text the rows were written, if somebody has asked.
    pub written_by: WrittenBy,
    /// Some of the rows that differ: the first column is `+` or `-`.
    pub examples: Rows,
    /// Whether the table has been mended since.
    pub is_repaired: bool,
    /// Why it has not, though that was asked for.
    pub objections: Vec<Objection>,
    /// How many rows that has written, where somebody counted them.
    pub rows_written: Option<u64>,
    /// What all of it took of the warehouse, where that tells.
    pub usage: Option<Usage>,
}

/// An interval in which the sides differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntervalDifference {
    /// Its name; `None` for rows without a time, and where there are no intervals.
    pub name: Option<String>,
    /// Rows that the query gives.
    pub expected: u64,
    /// Rows of the table.
    pub actual: u64,
    /// Rows that the table lacks.
    pub missing: u64,
    /// Rows that only the table has.
    pub extra: u64,
    /// Rows with the same key and other values.
    pub different: u64,
}

/// Missing rows by their time, beside the newest of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Newer: the next run may bring them.
    pub newer: u64,
    /// As new as that.
    pub tied: u64,
    /// Older.
    pub late: u64,
    /// The time of the oldest of these.
    pub oldest: Option<String>,
    /// How many seconds older that is.
    pub late_by: u64,
}

impl Waiting {
    /// How many rows a filter has passed over that asks for what is newer than the newest of the table.
    pub fn passed_over(&self) -> u64 {
        self.late + self.tied
    }
}

impl Reconciled {
    /// Whether both sides have the same columns, with the same types.
    pub fn has_same_columns(&self) -> bool {
        let is_of_one = |(_, why): &(String, LeftOut)| matches!(why, LeftOut::OnlyInQuery | LeftOut::OnlyInTable);
        self.retyped.is_empty() && !self.left_out.iter().any(is_of_one)
    }

    /// Rows that the table lacks, rows that only it has, and rows with other values.
    pub fn totals(&self) -> (u64, u64, u64) {
        let sum = |part: fn(&IntervalDifference) -> u64| self.differing.iter().map(part).sum();
        (sum(|it| it.missing), sum(|it| it.extra), sum(|it| it.different))
    }

    /// Which part of the table was looked at, in words; `None` for all of it.
    pub fn part(&self) -> Option<String> {
        let since = self.since.as_ref().map(|since| format!("since {since}"));
        let drawn = self.drawn.map(|draw| format!("{draw} intervals"));
        match (since, drawn) {
            (Some(since), Some(drawn)) => Some(format!("{since}, {drawn}")),
            (since, drawn) => since.or(drawn),
        }
    }

    /// Which part of all rows, of the query or of the table, is the same on both sides: 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is a share")]
    pub fn accuracy(&self) -> f64 {
        let (missing, extra, different) = self.totals();
        let all = self.expected + extra;
        if all == 0 { 1.0 } else { (self.expected - missing - different) as f64 / all as f64 }
    }
}
