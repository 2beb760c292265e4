use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// What a compilation needs of the outside world: the project's files, by their path from its root.
///
/// Paths use forward slashes. Nothing else in trueup reads a project's sources.
pub trait FileSystem: Sync {
    /// Every file at any depth whose path starts with `folder/`, in order of path; none if the folder is missing. Files
    /// and folders whose name starts with a dot, and `node_modules`, are left out.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// The text of a file. Bytes that are not UTF-8 are an error of kind `InvalidData`.
    fn read(&self, path: &str) -> io::Result<String>;
}

/// A folder on disk.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
}

impl Disk {
    /// The project whose root is that folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl FileSystem for Disk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let top = self.root.join(folder);
        if !top.exists() {
            return Ok(Vec::new());
        }
        let visible = |name: &std::ffi::OsStr| !name.as_encoded_bytes().starts_with(b".") && name != "node_modules";
        let walk = WalkDir::new(&top).follow_links(true).into_iter();
        let mut paths = Vec::new();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || visible(entry.file_name())) {
            let entry = entry?;
            if entry.file_type().is_file() {
                paths.push(forward_slashes(entry.path().strip_prefix(&self.root).unwrap_or(entry.path())));
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn read(&self, path: &str) -> io::Result<String> {
        std::fs::read_to_string(self.root.join(path))
    }
}

fn forward_slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// A project that exists only in memory: for tests and editors.
#[derive(Debug, Default, Clone)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// Puts a file there, or another text in its place.
    pub fn write(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), text.into());
    }
}

impl FileSystem for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{folder}/");
        Ok(self.files.keys().filter(|path| path.starts_with(&prefix)).cloned().collect())
    }

    fn read(&self, path: &str) -> io::Result<String> {
        let bytes = self.files.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}
