use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process;

/// How much is given to the system at once, in bytes.
const PIECE: usize = 64 << 10;

/// Writes a file under `root` whole or not at all: beside its place first, then moved. Makes the folders above it. Who
/// may read and write the file stays as it is. Refuses to write through links: a project could bring some that lead
/// anywhere.
pub fn write_atomically(root: &Path, path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    write_in_place(root, path, &|out| out.write_all(content.as_ref()))
}

/// The same for what is written piece by piece.
pub(super) fn write_in_place(
    root: &Path,
    path: &Path,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    refuse_links(root, path)?;
    let path = root.join(path);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", process::id()));
    // What lies there was left by a process that was killed, or is a link.
    let _ = fs::remove_file(&beside);
    let mut out = BufWriter::with_capacity(PIECE, create(Path::new(&beside))?);
    write(&mut out)?;
    out.into_inner()?;
    if let Ok(there) = fs::metadata(&path) {
        fs::set_permissions(&beside, there.permissions())?;
    }
    fs::rename(&beside, path)
}

/// Writes a file where none is, in half the time that [`write_atomically`] takes. A process that is killed may leave a part of it,
/// so this is for what is compared and written again. Whether a folder is a link has to be looked at before.
pub(super) fn write_new(path: &Path, content: &str) -> io::Result<()> {
    create(path)?.write_all(content.as_bytes())
}

/// Makes a file that is not there, and the folders above it.
fn create(path: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    match (create(), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            create()
        }
        (created, _) => created,
    }
}

/// Fails if one of the folders between `root` and the file at `path` is a link.
pub(super) fn refuse_links(root: &Path, path: &Path) -> io::Result<()> {
    let folders: Vec<&Path> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
    match folders.iter().rev().map(|folder| root.join(folder)).find(|folder| folder.is_symlink()) {
        Some(link) => Err(io::Error::other(format!(
            "{} is a link, and nothing is written through links: remove it",
            link.display()
        ))),
        None => Ok(()),
    }
}
