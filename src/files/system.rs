use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

use walkdir::WalkDir;

/// The largest file that is read, in bytes. What people write is far smaller; what is larger would fill the memory.
const MAX_FILE_SIZE: u64 = 16 << 20;

/// The same for what is read into a tree as a whole, which takes many times its size.
const MAX_TREE_SIZE: u64 = 2 << 20;

/// How large the file at that path may be, in bytes.
pub fn max_size(path: &str) -> u64 {
    let is_tree = [".sqlx", ".jinja", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending));
    if is_tree { MAX_TREE_SIZE } else { MAX_FILE_SIZE }
}

/// What a compilation needs of the outside world: the project's files, by their path from its root.
///
/// Paths use forward slashes and have no `..` in them. Nothing else in trueup reads a project's sources.
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// Every file at any depth whose path starts with `folder/`, in order of path; none if the folder is missing. Files
    /// and folders whose name starts with a dot, and `node_modules`, are left out.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Whether there is a file at that path which may be read.
    fn is_file(&self, path: &str) -> bool;

    /// The text of a file. Bytes that are not UTF-8 are an error of kind `InvalidData`, a file of more than
    /// [`max_size`] is one of kind `FileTooLarge`, a link that leads out of the project is one of kind
    /// `PermissionDenied`, a hidden file one of kind `InvalidInput`, and a device, a pipe or a socket is one of kind `Unsupported`.
    fn read(&self, path: &str) -> io::Result<String>;
}

/// A folder on disk. What lies outside of it is out of reach, also through links.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    /// Without links in it; missing where the folder is.
    real_root: OnceLock<Option<PathBuf>>,
    /// Folders that files were asked for in, and where they really are.
    real_folders: RwLock<HashMap<PathBuf, PathBuf>>,
}

impl Disk {
    /// The project whose root is that folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), real_root: OnceLock::new(), real_folders: RwLock::default() }
    }

    /// Where a path of the project really leads, and what lies there, if that is inside of the project.
    fn inside(&self, path: &str) -> io::Result<(PathBuf, Metadata)> {
        let joined = self.root.join(path);
        // A link that leads to itself leads to nothing.
        let nowhere = |error| if joined.is_symlink() { io::ErrorKind::NotFound.into() } else { error };
        let (real, found) = self.real(&joined).map_err(nowhere)?;
        let root = self.real_root.get_or_init(|| self.root.canonicalize().ok());
        match root.as_ref().and_then(|root| real.strip_prefix(root).ok()) {
            Some(inside) if is_hidden(&forward_slashes(inside)) => Err(io::ErrorKind::InvalidInput.into()),
            Some(_) => Ok((real, found)),
            None => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    /// A path without links in it. Most files are none and lie in a folder that many others lie in.
    fn real(&self, path: &Path) -> io::Result<(PathBuf, Metadata)> {
        let found = path.symlink_metadata()?;
        let (Some(folder), Some(name), true) = (path.parent(), path.file_name(), found.is_file()) else {
            let real = path.canonicalize()?;
            let found = real.metadata()?;
            return Ok((real, found));
        };
        let known = self.real_folders.read().unwrap_or_else(PoisonError::into_inner).get(folder).cloned();
        let real = if let Some(real) = known {
            real
        } else {
            let real = folder.canonicalize()?;
            let mut folders = self.real_folders.write().unwrap_or_else(PoisonError::into_inner);
            folders.insert(folder.to_owned(), real.clone());
            real
        };
        Ok((real.join(name), found))
    }

    /// The variables of the `.env` file beside the settings, as text: the one hidden file that is read. Kinds of errors
    /// are those of [`FileSystem::read`].
    pub fn read_variables(&self) -> io::Result<String> {
        let path = self.root.join(".env");
        read_file(&path, &path.metadata()?, MAX_TREE_SIZE)
    }
}

impl FileSystem for Disk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let top = self.root.join(folder);
        if !top.exists() {
            return Ok(Vec::new());
        }
        self.inside(folder)?;
        let visible = |name: &std::ffi::OsStr| !name.as_encoded_bytes().starts_with(b".") && name != "node_modules";
        // A link to a folder could lead anywhere, also in a circle: it is not followed if it leads out. Each folder is
        // entered through links once: links that fan out level by level would lead to more paths than can be counted.
        let mut entered = BTreeSet::new();
        let mut stays = |entry: &walkdir::DirEntry| {
            !entry.path_is_symlink()
                || !entry.file_type().is_dir()
                || self.inside(&self.relative(entry.path())).is_ok_and(|(real, _)| entered.insert(real))
        };
        let walk = WalkDir::new(&top).follow_links(true).sort_by_file_name().into_iter();
        let mut paths = Vec::new();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || visible(entry.file_name()) && stays(entry)) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => paths.push(self.relative(entry.path())),
                Ok(_) => {}
                // A link that leads back to where it lies, or to nothing.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => match error.path() {
                    Some(path) if path.is_symlink() => paths.push(self.relative(path)),
                    _ => return Err(error.into()),
                },
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn is_file(&self, path: &str) -> bool {
        self.inside(path).is_ok_and(|(_, found)| found.is_file())
    }

    fn read(&self, path: &str) -> io::Result<String> {
        let (real, found) = self.inside(path)?;
        read_file(&real, &found, max_size(path))
    }
}

impl Disk {
    fn relative(&self, path: &Path) -> String {
        forward_slashes(path.strip_prefix(&self.root).unwrap_or(path))
    }
}

/// The text of the file at a path, which is `found` there.
fn read_file(path: &Path, found: &Metadata, limit: u64) -> io::Result<String> {
    // To open a pipe is to wait for who writes into it.
    if !found.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    if found.len() > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0));
    // It may grow while it is read.
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    text(bytes, limit)
}

/// Whether a path leads to a hidden file or into a hidden folder: these hold secrets and the work of tools. What
/// managers of packages keep in `node_modules` is theirs.
fn is_hidden(path: &str) -> bool {
    path.split('/').take_while(|part| *part != "node_modules").any(|part| part.starts_with('.'))
}

fn text(bytes: Vec<u8>, limit: u64) -> io::Result<String> {
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
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

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) {
        self.files.remove(path);
    }
}

impl FileSystem for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{folder}/");
        let is_skipped = |part: &str| part.starts_with('.') || part == "node_modules";
        let inside = self.files.keys().filter_map(|path| Some((path, path.strip_prefix(&prefix)?)));
        Ok(inside.filter(|(_, rest)| !rest.split('/').any(is_skipped)).map(|(path, _)| path.clone()).collect())
    }

    fn is_file(&self, path: &str) -> bool {
        self.files.contains_key(path) && !is_hidden(path)
    }

    fn read(&self, path: &str) -> io::Result<String> {
        if is_hidden(path) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        text(self.files.get(path).cloned().ok_or(io::ErrorKind::NotFound)?, max_size(path))
    }
}
