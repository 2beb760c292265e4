use std::collections::BTreeMap;
use std::io::{self, Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::files::{Disk, FileSystem, Memory, max_size};

/// The files of a project as a revision of git has them. Packages under `node_modules`, which git does not keep, are those
/// on disk.
#[derive(Debug)]
pub struct Revision {
    files: Memory,
    disk: Disk,
}

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// There is no git.
    #[error("git cannot be started: {0}")]
    NoGit(io::Error),
    /// The folder is in none of its repositories.
    #[error("this folder is in no repository of git")]
    NoRepository,
    /// It says no.
    #[error("git has no `{revision}` for this folder: {reason}")]
    Refused {
        /// As written.
        revision: String,
        /// In git's own words.
        reason: String,
    },
    /// What it says is not understood, or a file cannot be written.
    #[error("the answer of git cannot be read: {0}")]
    Answer(#[from] io::Error),
}

impl Revision {
    /// The files under a folder at that revision: a branch, a tag, a commit.
    pub fn read(root: &Path, revision: &str) -> Result<Self, RevisionError> {
        if git(root, revision, &["rev-parse", "--git-dir"], None)
            .is_err_and(|error| !matches!(error, RevisionError::NoGit(_)))
        {
            return Err(RevisionError::NoRepository);
        }
        // An option must not be smuggled in.
        let commit = git(
            root,
            revision,
            &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")],
            None,
        )?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        let listed = git(root, revision, &["ls-tree", "-r", "-z", &commit], None)?;
        let wanted = blobs(&String::from_utf8_lossy(&listed));
        let mut asked = tempfile::tempfile()?;
        for blob in wanted.values() {
            writeln!(asked, "{blob}")?;
        }
        asked.rewind()?;
        let contents = git(root, revision, &["cat-file", "--batch"], Some(asked))?;
        let mut files = Memory::default();
        let mut rest = contents.as_slice();
        for path in wanted.keys() {
            let (content, after) = next_content(rest).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
            // What is no text is as if it were not there.
            if let Ok(text) = std::str::from_utf8(content)
                && content.len() as u64 <= max_size(path)
            {
                files.write(path.as_str(), text);
            }
            rest = after;
        }
        Ok(Self { files, disk: Disk::new(root) })
    }

    fn of(&self, path: &str) -> &dyn FileSystem {
        if path.starts_with("node_modules/") { &self.disk } else { &self.files }
    }
}

impl FileSystem for Revision {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.files.list(folder)
    }

    fn is_file(&self, path: &str) -> bool {
        self.of(path).is_file(path)
    }

    fn read(&self, path: &str) -> io::Result<String> {
        self.of(path).read(path)
    }
}

/// The files of a listing that a project can have, by path; links and submodules are none.
fn blobs(listing: &str) -> BTreeMap<String, String> {
    let entry = |entry: &str| {
        let (about, path) = entry.split_once('\t')?;
        let mut about = about.split(' ');
        let (mode, kind, blob) = (about.next()?, about.next()?, about.next()?);
        let is_hidden = path.split('/').any(|part| part.starts_with('.') || part == "node_modules");
        (kind == "blob" && mode != "120000" && !is_hidden).then(|| (path.to_owned(), blob.to_owned()))
    };
    listing.split('\0').filter_map(entry).collect()
}

/// One answer of `cat-file --batch`: a line with the size, the bytes, a line end.
fn next_content(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = bytes.iter().position(|byte| *byte == b'\n')?;
    let size: usize = std::str::from_utf8(&bytes[..line]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let start = line + 1;
    Some((bytes.get(start..start + size)?, bytes.get(start + size + 1..)?))
}

fn git(
    root: &Path,
    revision: &str,
    arguments: &[&str],
    input: Option<std::fs::File>,
) -> Result<Vec<u8>, RevisionError> {
    let input = input.map_or_else(Stdio::null, Stdio::from);
    let output =
        Command::new("git").current_dir(root).args(arguments).stdin(input).output().map_err(RevisionError::NoGit)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(RevisionError::Refused { revision: revision.to_owned(), reason })
}
