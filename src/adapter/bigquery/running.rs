use std::sync::{Mutex, PoisonError};

use crate::adapter::JobRef;

/// The jobs that are at work for this process, so that they can be stopped.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Vec<JobRef>>);

/// A job is in the list for as long as this lives.
pub(super) struct Entry<'a> {
    running: &'a Running,
    job: JobRef,
}

impl Running {
    pub(super) fn enter(&self, job: &JobRef) -> Entry<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(job.clone());
        Entry { running: self, job: job.clone() }
    }

    pub(super) fn jobs(&self) -> Vec<JobRef> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut jobs = self.running.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = jobs.iter().position(|job| *job == self.job) {
            jobs.swap_remove(at);
        }
    }
}
