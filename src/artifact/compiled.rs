use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::action::{Action, ActionId, Kind, Materialization, Node, Rendered, Texts};
use crate::artifact::manifest::manifest;
use crate::artifact::write_atomically;
use crate::compile::Compilation;

/// Writes the compiled SQL of every action to `.trueup/compiled/`, both texts of incremental models, and
/// `.trueup/manifest.json`. Files of actions that are gone are removed.
pub fn write_compiled(root: &Path, compilation: &Compilation) -> io::Result<()> {
    let folder = root.join(".trueup").join("compiled");
    let mut written = BTreeSet::new();
    for (path, text) in compiled(compilation) {
        let path = folder.join(path);
        if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            write_atomically(&path, &text)?;
        }
        written.insert(path);
    }
    remove_others(&folder, &written)?;
    write_atomically(&root.join(".trueup").join("manifest.json"), &manifest(compilation))
}

/// The files of `.trueup/compiled/`, by their path in it, with what they hold.
pub fn compiled(compilation: &Compilation) -> impl Iterator<Item = (PathBuf, String)> {
    compilation.graph.iter().flat_map(|(_, action)| texts(action))
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
    name.chars().map(safe).collect::<String>().trim_start_matches('.').to_owned()
}

fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
        if entry.file_type().is_file() && !written.contains(entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
