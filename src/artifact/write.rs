use std::io;
use std::path::Path;
use std::{fs, process};

/// Writes a file whole or not at all: beside its place first, then moved. Makes the folders above it.
pub fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", process::id()));
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}
