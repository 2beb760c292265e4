//! Which pieces of code run now, in the whole process.
//!
//! The engine stops code that runs too long, but only where it looks at the clock: a function of the engine itself that
//! goes through four thousand million empty places of an array does not. Nothing inside of a process can stop such a
//! thread, so a program may ask here, and end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Pieces = BTreeMap<u64, (Instant, Arc<str>)>;

static RUNNING: Mutex<(u64, Pieces)> = Mutex::new((0, BTreeMap::new()));

/// A piece that runs as long as this value lives.
pub(super) struct Running(u64);

impl Running {
    /// A piece of that file begins to run.
    pub(super) fn begin(file: &Arc<str>) -> Self {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.0 += 1;
        let number = running.0;
        running.1.insert(number, (Instant::now(), Arc::clone(file)));
        Self(number)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.0);
    }
}

/// The path of a file of which a piece of JavaScript has run for longer than that, in any compilation of this process.
pub fn running_longer_than(limit: Duration) -> Option<Arc<str>> {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let late = running.1.values().find(|(since, _)| since.elapsed() > limit);
    late.map(|(_, file)| Arc::clone(file))
}
