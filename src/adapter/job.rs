//! What is said of the work of a warehouse that keeps a record of it: `BigQuery` has jobs, which outlive the process that asks
//! for them.

use std::io;

/// What a run is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// No two runs have the same; one that is taken up keeps it.
    pub id: String,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
}

/// Where a job is found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobRef {
    /// The project that it is billed to.
    pub project: String,
    /// Where it runs, if that is known.
    pub location: Option<String>,
    /// Its id there.
    pub id: String,
}

/// A job that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedJob {
    /// The target of the action that it belongs to, as `database.schema.name`.
    pub action: String,
    /// The job.
    pub job: JobRef,
    /// Whether the step is done if this job ends well.
    pub is_last: bool,
}

/// Keeps a record of jobs.
pub trait JobLog: Send + Sync {
    /// Called before a job is asked for. If it fails the job is not asked for.
    fn announce(&self, job: &LoggedJob) -> io::Result<()>;
}

/// A job that another process has left at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftJob {
    /// Whose it is, as its label says.
    pub action: String,
    /// The job.
    pub job: JobRef,
}

/// What came of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It ended well.
    Done,
    /// It failed, or was cancelled, and can be done again as if it had not begun.
    Failed,
    /// It failed, or was cancelled, when it had changed rows.
    HalfDone,
    /// There is no such job, or it is not to be seen.
    Unknown,
}

/// What work took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes read.
    pub bytes_processed: u64,
    /// Bytes to be paid for.
    pub bytes_billed: u64,
    /// Milliseconds of slots.
    pub slot_millis: u64,
    /// How many queries were answered from what an earlier one had given.
    pub cache_hits: u64,
    /// The jobs, in order.
    pub jobs: Vec<JobRef>,
}

impl Usage {
    /// Adds what more work took.
    pub fn add(&mut self, other: Self) {
        self.bytes_processed += other.bytes_processed;
        self.bytes_billed += other.bytes_billed;
        self.slot_millis += other.slot_millis;
        self.cache_hits += other.cache_hits;
        self.jobs.extend(other.jobs);
    }
}

/// What a statement would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes.
    pub bytes: u64,
    /// Whether it may be more.
    pub is_lower_bound: bool,
}
