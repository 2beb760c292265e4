use std::collections::BTreeMap;
use std::time::Duration;

/// How the statements of an action run, where a warehouse has jobs. What is `None` is as the environment has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobOptions {
    /// What the jobs are found by.
    pub labels: BTreeMap<String, String>,
    /// Where they run.
    pub reservation: Option<String>,
    /// A job that would be billed for more is refused.
    pub maximum_bytes_billed: Option<u64>,
    /// Whether they begin at once.
    pub priority: Option<JobPriority>,
    /// How long each may take.
    pub timeout: Option<Duration>,
}

/// When a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPriority {
    /// At once.
    Interactive,
    /// When there is room for it.
    Batch,
}

/// The words of [`JobPriority`].
pub const JOB_PRIORITIES: [(&str, JobPriority); 2] =
    [("interactive", JobPriority::Interactive), ("batch", JobPriority::Batch)];

impl JobPriority {
    /// As the config has it: `interactive`, `batch`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Batch => "batch",
        }
    }
}
