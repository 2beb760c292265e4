use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::action::{ActionId, Origin};
use crate::adapter::{Rows, Usage};
use crate::plan::{HistoryBuild, REJECTED, Verdict};

/// How a run went.
#[derive(Debug, Clone)]
pub struct RunResults {
    /// When it began.
    pub started_at: SystemTime,
    /// All of it.
    pub took: Duration,
    /// In the order in which they ended.
    pub steps: Vec<StepResult>,
}

impl RunResults {
    /// What all steps took of the warehouse together; `None` where it does not tell.
    pub fn usage(&self) -> Option<Usage> {
        let usages = self.steps.iter().filter_map(|step| step.usage.as_deref().cloned());
        usages.reduce(|mut all, usage| {
            all.add(usage);
            all
        })
    }

    /// Whether everything that was to be done was done.
    pub fn succeeded(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.outcome, Outcome::Done { .. } | Outcome::Disabled))
    }
}

/// How a step went.
#[derive(Debug, Clone)]
pub struct StepResult {
    /// The action.
    pub id: ActionId,
    /// What came of it.
    pub outcome: Outcome,
    /// How much of a table it was to build; `None` for one that never began, too.
    pub build: Option<HistoryBuild>,
    /// `None` for one that never began.
    pub started_at: Option<SystemTime>,
    /// How long it ran.
    pub took: Duration,
    /// How often its transaction was tried: once if no other was in the way, and not at all if it never began.
    pub tries: u32,
    /// What it took of the warehouse, where that tells.
    pub usage: Option<Box<Usage>>,
}

/// What came of a step.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It worked.
    Done {
        /// Rows written, where the step writes rows.
        rows: Option<u64>,
    },
    /// It did not, and left everything as it was.
    Failed(Failure),
    /// Its new rows have not passed their audit, and are kept aside; what was there stays.
    Rejected(Box<Rejection>),
    /// An assertion found rows.
    Violated {
        /// How many.
        count: u64,
        /// The first of them.
        sample: Rows,
        /// The query for all of them.
        query: String,
    },
    /// It never began, or was stopped and left everything as it was.
    Skipped(SkipReason),
    /// The action is disabled.
    Disabled,
}

impl Outcome {
    /// Whether it speaks against the project or the warehouse; a skipped step does not.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Rejected(_) | Self::Violated { .. })
    }
}

/// Why new rows were not published.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The assertions that found rows.
    pub findings: Vec<Finding>,
    /// Some of the rows that the first one found.
    pub sample: Rows,
    /// Where the new rows are, and what stays.
    pub verdict: Verdict,
}

/// An assertion and how many rows it found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The name of the assertion.
    pub assertion: String,
    /// How many.
    #[serde(rename = "number")]
    pub count: u64,
}

/// ``the new rows are rejected: `s.a` found 2 rows``
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.findings.iter().map(|Finding { assertion, count }| {
            let rows = if *count == 1 { "row" } else { "rows" };
            format!("`{assertion}` found {count} {rows}")
        });
        write!(f, "{REJECTED}: {}", found.collect::<Vec<_>>().join(", "))
    }
}

/// Why a step failed.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// Where in the project.
    pub origin: Option<Origin>,
    /// What to do.
    pub help: Option<String>,
    /// The rows that show it.
    pub rows: Option<Rows>,
    /// The statement that failed.
    pub sql: Option<String>,
    /// Whether another transaction was in the way.
    pub is_conflict: bool,
    /// Whether it is an audit that says no: then the rows that it rejects are left of the step.
    pub rejection: Option<Box<Rejection>>,
}

impl Failure {
    /// With nothing known but that.
    pub fn from_message(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// Something that it needs failed: this, at the root of it.
    Because(ActionId),
    /// The run was ended before, by a person or by the first failure.
    Cancelled,
}

impl StepResult {
    pub(super) fn skipped(id: ActionId, reason: SkipReason) -> Self {
        Self::of_nothing(id, Outcome::Skipped(reason))
    }

    pub(super) fn disabled(id: ActionId) -> Self {
        Self::of_nothing(id, Outcome::Disabled)
    }

    /// Of a step that never began.
    fn of_nothing(id: ActionId, outcome: Outcome) -> Self {
        Self { id, outcome, build: None, started_at: None, took: Duration::ZERO, tries: 0, usage: None }
    }
}
