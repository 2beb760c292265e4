use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rayon::prelude::*;

use crate::action::{Action, ActionId, Kind, Materialization, Node, Rendered, Texts};
use crate::artifact::manifest::write_manifest;
use crate::artifact::write::{refuse_links, write_atomically, write_in_place, write_new};
use crate::compile::Compilation;

/// The folder of the compiled SQL, under the project's root.
const FOLDER: &str = ".trueup/compiled";

/// The longest name of a file that every file system takes, less than its 255 bytes by what is put behind it.
const LONGEST_NAME: usize = 180;

/// Writes the compiled SQL of every action to `.trueup/compiled/`, both texts of incremental models, and
/// `.trueup/manifest.json`. Files of actions that are gone are removed.
pub fn write_compiled(root: &Path, compilation: &Compilation) -> io::Result<()> {
    let folder = Path::new(FOLDER);
    // What is looked through for files that are gone must be ours.
    refuse_links(root, &folder.join("file"))?;
    let write = |(path, text): (PathBuf, String)| {
        let path = folder.join(path);
        let there = root.join(&path);
        match fs::symlink_metadata(&there) {
            Ok(found) if holds(&there, &found, &text) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && write_new(root, &path, &text).is_ok() => {}
            _ => write_atomically(root, &path, &text)?,
        }
        Ok(there)
    };
    let written: HashSet<PathBuf> = compiled(compilation).par_bridge().map(write).collect::<io::Result<_>>()?;
    remove_others(&root.join(folder), &written)?;
    write_in_place(root, Path::new(".trueup/manifest.json"), &|out| write_manifest(compilation, out))
}

/// Whether what was found at a path is a file with that text.
fn holds(path: &Path, found: &fs::Metadata, text: &str) -> bool {
    let is_alike = found.is_file() && found.len() == text.len() as u64;
    is_alike && fs::read(path).is_ok_and(|found| found == text.as_bytes())
}

/// The files of `.trueup/compiled/`, by their path in it, with what they hold. No two have the same path, also where
/// capitals do not count.
pub fn compiled(compilation: &Compilation) -> impl Iterator<Item = (PathBuf, String)> {
    let mut taken = BTreeSet::new();
    compilation.graph.iter().flat_map(|(_, action)| texts(action)).map(move |(path, text)| {
        let path = free(path, &mut taken);
        (path, text)
    })
}

/// The path, or if another action has it, the same with a number.
fn free(path: PathBuf, taken: &mut BTreeSet<String>) -> PathBuf {
    let whole = path.to_string_lossy().into_owned();
    let (stem, ending) = whole.split_at(whole.find('/').map_or(0, |slash| slash + 1));
    let (name, ending) = ending.rsplit_once(".sql").unwrap_or((ending, ""));
    let numbered = (2..).map(|number| format!("{stem}{name}~{number}.sql{ending}"));
    let mut free = std::iter::once(whole.clone()).chain(numbered).filter(|path| taken.insert(path.to_lowercase()));
    free.next().map_or(path, PathBuf::from)
}

/// `schema/name.sql`, and for incremental models also `schema/name.incremental.sql`.
fn texts(action: &Action<ActionId>) -> Vec<(PathBuf, String)> {
    let path = |ending: &str| {
        let schema = action.target.schema.as_deref().map(file_name).unwrap_or_default();
        Path::new(&schema).join(format!("{}{ending}", file_name(&action.target.name)))
    };
    match &action.kind {
        Kind::Model(model) => {
            let mut all = vec![(path(".sql"), script(&model.texts))];
            if let Materialization::Incremental(incremental) = &model.materialization {
                all.push((path(".incremental.sql"), script(&incremental.texts)));
            }
            all
        }
        Kind::Operations { statements, .. } => vec![(path(".sql"), join(statements.iter()))],
        Kind::Assertion(assertion) => vec![(path(".sql"), join([&assertion.query].into_iter()))],
        Kind::Test(test) => vec![(path(".test.sql"), join([&test.expected].into_iter()))],
        Kind::Node(node) => match &**node {
            Node::DataPreparation(preparation) => {
                let steps = preparation.steps.iter().map(|steps| (path(".dp.yaml"), steps.clone()));
                let query = preparation.query.iter().map(|query| (path(".dp.sql"), join([query].into_iter())));
                steps.chain(query).collect()
            }
            Node::PropertyGraph(graph) => vec![(path(".graph.sql"), format!("{}\n", graph.body))],
            Node::Notebook { .. } | Node::RunTime { .. } => Vec::new(),
        },
        Kind::Declaration | Kind::Unknown => Vec::new(),
    }
}

fn script(texts: &Texts) -> String {
    join(texts.pre_operations.iter().chain([&texts.query]).chain(&texts.post_operations))
}

fn join<'a>(statements: impl Iterator<Item = &'a Rendered>) -> String {
    let mut all = String::new();
    for text in statements.map(|text| text.text().trim()).filter(|text| !text.is_empty()) {
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

fn remove_others(folder: &Path, written: &HashSet<PathBuf>) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        if entry.file_type().is_file() && !written.contains(entry.path()) && !is_being_written(&entry) {
            match fs::remove_file(entry.path()) {
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
    }
    Ok(())
}

/// Whether another process may be about to move the file to its place; what a killed one has left is older.
fn is_being_written(entry: &walkdir::DirEntry) -> bool {
    let is_temporary = entry.path().extension().is_some_and(|ending| ending == "tmp");
    let modified = entry.metadata().ok().and_then(|data| data.modified().ok());
    let age = modified.and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
    is_temporary && age < Duration::from_mins(1)
}
