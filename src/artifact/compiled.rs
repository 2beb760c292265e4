use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::action::{Action, ActionId, Kind, Materialization, Node, Rendered, Texts};
use crate::artifact::manifest::write_manifest;
use crate::artifact::memory::{read_kept, write_kept};
use crate::artifact::write::{refuse_links, write_atomically, write_in_place, write_new};
use crate::compile::Compilation;

/// The folder of the compiled SQL, under the project's root.
const FOLDER: &str = ".trueup/compiled";

/// Where what is known of them is kept for the next process.
const KEPT: &str = ".trueup/compiled.bin";

/// How many letters stand between two statements, at most.
const SEPARATION: usize = 4;

/// The longest name of a file that every file system takes, less than its 255 bytes by what is put behind it.
const LONGEST_NAME: usize = 180;

/// What is known of the compiled files since they were last written or read: they need not be read again.
#[derive(Debug, Default)]
pub struct Written {
    /// By their paths in the folder.
    files: HashMap<PathBuf, Known>,
    has_news: bool,
}

/// What is known of a file: how it was found, and the hash of its text.
type Known = (Found, u64);

/// A file as a look at the folder shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    length: u64,
    modified: SystemTime,
}

/// How old a file has to be so that another change would give it another time.
const SETTLED: Duration = Duration::from_secs(2);

/// What an earlier process has known of the compiled files.
pub fn read_written(root: &Path) -> Written {
    let read = |bytes: &[u8]| postcard::from_bytes(bytes).unwrap_or_default();
    let files: Vec<(PathBuf, Known)> = read_kept(root, KEPT, read).unwrap_or_default();
    Written { files: files.into_iter().collect(), has_news: false }
}

/// Keeps what is new of it for the next one.
pub fn write_written(root: &Path, written: &mut Written) {
    if std::mem::take(&mut written.has_news) {
        let mut files: Vec<(&PathBuf, &Known)> = written.files.iter().collect();
        files.sort_unstable_by_key(|(_, (_, hash))| *hash);
        write_kept(root, KEPT, || postcard::to_stdvec(&files).unwrap_or_default());
    }
}

/// [`write_compiled`] for who compiles once.
pub fn write_compiled_once(root: &Path, compilation: &Compilation) -> io::Result<()> {
    let mut written = read_written(root);
    write_compiled(root, compilation, &mut written)?;
    write_written(root, &mut written);
    Ok(())
}

/// Writes the compiled SQL of every action to `.trueup/compiled/`, both texts of incremental models, and
/// `.trueup/manifest.json`. Files of actions that are gone are removed.
pub fn write_compiled(root: &Path, compilation: &Compilation, written: &mut Written) -> io::Result<()> {
    let manifest = || write_in_place(root, Path::new(".trueup/manifest.json"), &|out| write_manifest(compilation, out));
    let (files, manifest) = rayon::join(|| write_files(root, compilation, written), manifest);
    files.and(manifest)
}

fn write_files(root: &Path, compilation: &Compilation, written: &mut Written) -> io::Result<()> {
    let folder = Path::new(FOLDER);
    // What is looked through for files that are gone must be ours.
    refuse_links(root, &folder.join("file"))?;
    let files = files(compilation);
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.path.parent()).collect();
    for inner in folders {
        refuse_links(root, &folder.join(inner).join("file"))?;
    }
    let mut there = found_in(&root.join(folder), files.len());
    let known = &written.files;
    // What a file holds that is as it should be, and whether that is new.
    let write = |file: &CompiledFile<'_>| -> io::Result<Option<(PathBuf, Known, bool)>> {
        let (path, text) = (folder.join(&file.path), file.content.text());
        let found = there.get(&file.path).copied();
        if let Some(found) = found.filter(|found| found.length == text.len() as u64) {
            let entry = (found, hash(&text));
            let is_known = known.get(&file.path) == Some(&entry);
            if is_known || holds(&root.join(&path), &text) {
                return Ok(Some((file.path.clone(), entry, !is_known)));
            }
        }
        if found.is_some() || write_new(&root.join(&path), &text).is_err() {
            write_atomically(root, &path, &*text)?;
        }
        Ok(None)
    };
    // The system makes the files of one folder one after the other, and who waits for that burns time.
    let least = if there.is_empty() { files.len().max(1) } else { 1 };
    let entries = files.par_iter().with_min_len(least).map(write);
    let mut entries: Vec<Option<(PathBuf, Known, bool)>> = entries.collect::<io::Result<_>>()?;
    let is_settled = |found: &Found| found.modified.elapsed().is_ok_and(|age| age > SETTLED);
    entries.retain(|entry| entry.as_ref().is_some_and(|(_, (found, _), _)| is_settled(found)));
    written.has_news |= entries.len() != known.len() || entries.iter().flatten().any(|(_, _, is_new)| *is_new);
    written.files = entries.into_iter().flatten().map(|(path, entry, _)| (path, entry)).collect();
    for file in &files {
        there.remove(&file.path);
    }
    for path in there.into_keys() {
        remove(&root.join(folder).join(path))?;
    }
    Ok(())
}

/// The same in each process of one build.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Whether the file at a path has that text.
fn holds(path: &Path, text: &str) -> bool {
    fs::read(path).is_ok_and(|found| found == text.as_bytes())
}

/// A file of `.trueup/compiled/`.
struct CompiledFile<'a> {
    /// From that folder.
    path: PathBuf,
    content: Content<'a>,
}

/// What stands in it.
enum Content<'a> {
    /// One behind the other.
    Statements(Vec<&'a Rendered>),
    /// Something else than SQL.
    Other(String),
}

impl Content<'_> {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Statements(statements) => join(statements).into(),
            Self::Other(text) => text.into(),
        }
    }
}

/// The files of `.trueup/compiled/`, by their path in it, with what they hold.
pub fn compiled(compilation: &Compilation) -> impl Iterator<Item = (PathBuf, String)> {
    files(compilation).into_iter().map(|file| (file.path, file.content.text().into_owned()))
}

/// All of them. No two have the same path, also where capitals do not count.
fn files(compilation: &Compilation) -> Vec<CompiledFile<'_>> {
    let mut taken = HashSet::with_capacity(compilation.graph.order().len() * 2);
    let files = compilation.graph.iter().flat_map(|(_, action)| of_action(action));
    files.map(|file| CompiledFile { path: free(file.path, &mut taken), ..file }).collect()
}

/// The path, or if another action has it, the same with a number.
fn free(path: PathBuf, taken: &mut HashSet<String>) -> PathBuf {
    let whole = path.to_string_lossy();
    if taken.insert(whole.to_lowercase()) {
        return path;
    }
    let (stem, ending) = whole.split_at(whole.find('/').map_or(0, |slash| slash + 1));
    let (name, ending) = ending.rsplit_once(".sql").unwrap_or((ending, ""));
    let numbered = (2..).map(|number| format!("{stem}{name}~{number}.sql{ending}"));
    let mut free = numbered.filter(|path| taken.insert(path.to_lowercase()));
    free.next().map_or_else(PathBuf::new, PathBuf::from)
}

/// `schema/name.sql`, and for incremental models also `schema/name.incremental.sql`.
fn of_action(action: &Action<ActionId>) -> Vec<CompiledFile<'_>> {
    let schema = action.target.schema.as_deref().map(file_name).unwrap_or_default();
    let name = file_name(&action.target.name);
    let file =
        |ending: &str, content| CompiledFile { path: Path::new(&schema).join(format!("{name}{ending}")), content };
    let sql = |ending: &str, statements| file(ending, Content::Statements(statements));
    match &action.kind {
        Kind::Model(model) => {
            let mut all = vec![sql(".sql", script(&model.texts))];
            if let Materialization::Incremental(incremental) = &model.materialization {
                all.push(sql(".incremental.sql", script(&incremental.texts)));
            }
            all
        }
        Kind::Operations { statements, .. } => vec![sql(".sql", statements.iter().collect())],
        Kind::Assertion(assertion) => vec![sql(".sql", vec![&assertion.query])],
        Kind::Test(test) => vec![sql(".test.sql", vec![&test.expected])],
        Kind::Node(node) => match &**node {
            Node::DataPreparation(preparation) => {
                let steps = preparation.steps.iter().map(|steps| file(".dp.yaml", Content::Other(steps.clone())));
                let query = preparation.query.iter().map(|query| sql(".dp.sql", vec![query]));
                steps.chain(query).collect()
            }
            Node::PropertyGraph(graph) => vec![file(".graph.sql", Content::Other(format!("{}\n", graph.body)))],
            Node::Notebook { .. } | Node::RunTime { .. } => Vec::new(),
        },
        Kind::Declaration | Kind::Unknown => Vec::new(),
    }
}

fn script(texts: &Texts) -> Vec<&Rendered> {
    texts.pre_operations.iter().chain([&texts.query]).chain(&texts.post_operations).collect()
}

fn join(statements: &[&Rendered]) -> String {
    let mut all = String::with_capacity(statements.iter().map(|text| text.text().len() + SEPARATION).sum());
    for text in statements.iter().map(|text| text.text().trim()).filter(|text| !text.is_empty()) {
        if !all.is_empty() {
            // In a comment a semicolon would end nothing.
            let last_line = all.lines().next_back().unwrap_or_default();
            all.push_str(if last_line.contains("--") { "\n;\n\n" } else { ";\n\n" });
        }
        all.push_str(text);
    }
    all.push('\n');
    all
}

/// A name with everything that a file system may not like taken out.
fn file_name(name: &str) -> String {
    let safe = |char: char| if char.is_alphanumeric() || "-_.$".contains(char) { char } else { '_' };
    let safe: String = name.chars().map(safe).collect::<String>().trim_start_matches('.').to_owned();
    let safe = &safe[..safe.floor_char_boundary(LONGEST_NAME)];
    // Windows keeps these names for devices, whatever their ending.
    let first = safe.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = ["CON", "PRN", "AUX", "NUL"].contains(&first.as_str())
        || first.len() == 4 && (first.starts_with("COM") || first.starts_with("LPT"));
    if is_device || safe.is_empty() { format!("_{safe}") } else { safe.to_owned() }
}

/// The files in a folder, by their paths from it: about as many as that.
fn found_in(folder: &Path, count: usize) -> HashMap<PathBuf, Found> {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file() && !is_being_written(entry));
    let found = files.filter_map(|entry| {
        let data = entry.metadata().ok()?;
        let found = Found { length: data.len(), modified: data.modified().ok()? };
        Some((entry.path().strip_prefix(folder).ok()?.to_owned(), found))
    });
    let mut all = HashMap::with_capacity(count);
    all.extend(found);
    all
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether another process may be about to move the file to its place; what a killed one has left is older.
fn is_being_written(entry: &walkdir::DirEntry) -> bool {
    let age = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
    let is_temporary = entry.path().extension().is_some_and(|ending| ending == "tmp");
    is_temporary && age().unwrap_or_default() < Duration::from_mins(1)
}
