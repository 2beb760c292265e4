//! How many sessions may work at the same time, and what a step does with those that nobody else needs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use crate::adapter::{Adapter, Session};
use crate::execute::Failure;
use crate::execute::step::{Retry, Worker};
use crate::plan::IncrementalWork;

/// The threads of a run that are free.
#[derive(Debug)]
pub(super) struct Threads(AtomicUsize);

/// Threads that are taken, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'t> {
    threads: &'t Threads,
    /// How many.
    pub count: usize,
}

impl Threads {
    pub(super) fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// Takes as many as are free, and no more than that.
    pub(super) fn take(&self, most: usize) -> Taken<'_> {
        let taken = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| Some(free - free.min(most)));
        let free = taken.unwrap_or_else(|free| free);
        Taken { threads: self, count: free.min(most) }
    }

    /// Takes one, if one is free.
    pub(super) fn take_one(&self) -> Option<Taken<'_>> {
        Some(self.take(1)).filter(|taken| taken.count == 1)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.threads.0.fetch_add(self.count, Ordering::SeqCst);
    }
}

/// Where a step finds more sessions than its own.
#[derive(Clone, Copy)]
pub(super) struct Crew<'a> {
    pub adapter: &'a dyn Adapter,
    pub threads: &'a Threads,
}

/// What a thread tells.
enum News {
    Retrying(Retry),
    Done(Result<Option<u64>, Failure>),
    /// Whether the server had room for its session.
    Began(bool),
}

impl Crew<'_> {
    /// Does work that can be done in any order, each part in a transaction of its own, with as many sessions as the server has room
    /// for. Gives the number of rows that were written, or the first failure, behind which nothing more begins; `None` if there was
    /// no room for one.
    pub(super) fn share(&self, parts: Vec<IncrementalWork>, retrying: &dyn Fn(Retry)) -> Result<Option<u64>, Failure> {
        let more = self.threads.take(parts.len().saturating_sub(1));
        let (parts, stop) = (Mutex::new(parts.into_iter()), AtomicBool::new(false));
        let next = || {
            let part = parts.lock().unwrap_or_else(PoisonError::into_inner).next();
            part.filter(|_| !stop.load(Ordering::SeqCst))
        };
        let (tell, told) = mpsc::channel::<News>();
        let (mut written, mut failed, mut has_begun) = (0, None, false);
        thread::scope(|scope| {
            for _ in 0..=more.count {
                let (tell, next, stop) = (tell.clone(), &next, &stop);
                scope.spawn(move || {
                    let session = self.adapter.session();
                    drop(tell.send(News::Began(session.is_ok())));
                    if let Ok(mut session) = session {
                        self.work(session.as_mut(), next, stop, &tell);
                    }
                });
            }
            drop(tell);
            for news in told {
                match news {
                    News::Began(has_room) => has_begun |= has_room,
                    News::Retrying(retry) => retrying(retry),
                    News::Done(Ok(rows)) => written += rows.unwrap_or_default(),
                    News::Done(Err(failure)) => {
                        failed.get_or_insert(failure);
                    }
                }
            }
        });
        failed.map_or(Ok(has_begun.then_some(written)), Err)
    }

    fn work(
        &self,
        session: &mut dyn Session,
        next: &dyn Fn() -> Option<IncrementalWork>,
        stop: &AtomicBool,
        tell: &mpsc::Sender<News>,
    ) {
        // Whoever listens stays to the end.
        let retrying = |retry| drop(tell.send(News::Retrying(retry)));
        while let Some(part) = next() {
            let done = Worker::new(session, self.adapter.dialect(), &retrying, None).run_new_rows(&part);
            stop.fetch_or(done.is_err(), Ordering::SeqCst);
            drop(tell.send(News::Done(done)));
        }
    }
}
