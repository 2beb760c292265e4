//! What is remembered of one compilation for the next, under `.trueup/`.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::analysis::Memory;
use crate::artifact::write::{refuse_links, write_atomically};

/// Where it lies, from the project's root.
const FILE: &str = ".trueup/memory.bin";

/// What earlier compilations by the same build of trueup have found out; nothing if there were none.
pub fn read_memory(root: &Path) -> Memory {
    read_kept(root, FILE, Memory::from_bytes).unwrap_or_default()
}

/// Keeps what is new for the next compilation, if the project has a folder for such things. Without it that takes longer, and
/// is the same: no error is worth a word.
pub fn write_memory(root: &Path, memory: &mut Memory) {
    if memory.has_news() {
        write_kept(root, FILE, || memory.to_bytes());
    }
}

/// Reads what the same build of trueup has kept in a file under the root.
pub(super) fn read_kept<T>(root: &Path, file: &str, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let bytes = fs::read(root.join(file)).ok()?;
    bytes.strip_prefix(build()?.as_bytes()).map(read)
}

/// Keeps something for [`read_kept`], if the folder is there.
pub(super) fn write_kept(root: &Path, file: &str, bytes: impl FnOnce() -> Vec<u8>) {
    let has_folder = root.join(file).parent().is_some_and(Path::is_dir);
    if let Some(build) = build().filter(|_| has_folder) {
        let _ = write_atomically(root, Path::new(file), [build.into_bytes(), bytes()].concat());
    }
}

/// Makes the folder for all that is written about a project.
pub fn make_folder(root: &Path) -> io::Result<()> {
    refuse_links(root, Path::new(FILE))?;
    root.join(FILE).parent().map_or(Ok(()), fs::create_dir_all)
}

/// A line that another build of trueup does not have: it might find out more.
fn build() -> Option<String> {
    let program = fs::metadata(env::current_exe().ok()?).ok()?;
    let made = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("trueup {} {} {}\n", env!("CARGO_PKG_VERSION"), program.len(), made.as_nanos()))
}
