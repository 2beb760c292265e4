use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use walkdir::WalkDir;

/// The least time between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// How long nothing may change until a change is told.
const STILLNESS: Duration = Duration::from_millis(20);

/// A look may take this part of the time between two.
const SHARE: u32 = 20;

/// Sees that files change, by looking at their times and lengths now and then: this works on every disk, also on those
/// of containers and networks, which send no events.
#[derive(Debug)]
pub struct Watch {
    paths: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, (SystemTime, u64)>,
}

impl Watch {
    /// Begins with the files as they are now. Each path is a file or a folder, in `root`, and need not be there.
    pub fn new(root: &Path, paths: &[&str]) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.join(path)).collect();
        let seen = look(&paths);
        Self { paths, seen }
    }

    /// Waits until something has changed and nothing changes any more, or until `ended` is true; then it gives `false`.
    pub fn wait(&mut self, ended: &AtomicBool) -> bool {
        let mut has_changed = false;
        let mut pause = PAUSE;
        loop {
            thread::sleep(pause);
            if ended.load(Ordering::SeqCst) {
                return false;
            }
            let started = Instant::now();
            let found = look(&self.paths);
            pause = PAUSE.max(started.elapsed() * SHARE);
            let is_still = found == self.seen;
            self.seen = found;
            if is_still && has_changed {
                return true;
            }
            // An editor that saves, or a change of branches, touches many files: wait for the last one.
            has_changed |= !is_still;
            if has_changed {
                pause = STILLNESS;
            }
        }
    }
}

fn look(paths: &[PathBuf]) -> BTreeMap<PathBuf, (SystemTime, u64)> {
    let entries = paths.iter().flat_map(|path| WalkDir::new(path).follow_links(true)).filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file()).filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some((entry.into_path(), (metadata.modified().ok()?, metadata.len())))
    });
    files.collect()
}
