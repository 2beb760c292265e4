use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::adapter::JobRef;

/// How long a job that was asked to stop is left alone.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The jobs that are at work for this process, so that they can be stopped; each with when it was last asked to.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Vec<(JobRef, Option<Instant>)>>);

/// A job is in the list for as long as this lives.
pub(super) struct Entry<'a> {
    running: &'a Running,
    job: JobRef,
}

impl Running {
    pub(super) fn enter(&self, job: &JobRef) -> Entry<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((job.clone(), None));
        Entry { running: self, job: job.clone() }
    }

    /// Those that are to be asked to stop now.
    pub(super) fn to_be_stopped(&self) -> Vec<JobRef> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = jobs.iter_mut().filter(|(_, asked)| asked.is_none_or(|asked| asked.elapsed() > ASK_AGAIN));
        due.map(|(job, asked)| {
            *asked = Some(Instant::now());
            job.clone()
        })
        .collect()
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut jobs = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = jobs.iter().position(|(job, _)| *job == self.job) {
            jobs.swap_remove(at);
        }
    }
}
