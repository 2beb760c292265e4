use std::io;
use std::path::Path;
use std::{fs, process};

/// Writes a file whole or not at all: beside its place first, then moved. Makes the folders above it. Who may read and
/// write the file stays as it is.
pub fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", process::id()));
    fs::write(&beside, text)?;
    if let Ok(there) = fs::metadata(path) {
        fs::set_permissions(&beside, there.permissions())?;
    }
    fs::rename(&beside, path)
}
