//! The `console` blocks of README.md, of `docs/` and of the examples: what the documents show is what happens.
//!
//! Each file is one session, in a copy of the repository's examples. It starts where the reader stands: in the folder
//! of the repository, or of the example whose README it is.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::{console, markdown};

/// One trial for each document that shows commands.
pub(crate) fn trials() -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md")];
    files.extend(markdown::files("docs"));
    files.extend(markdown::files("example_project"));
    let shows_commands = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        markdown::blocks(&text).iter().any(|block| block.language == "console")
    };
    let trials = files.into_iter().filter(shows_commands).map(|path| {
        let name = markdown::stem(&path, "");
        Trial::test(format!("shell::{name}"), move || run(&path))
    });
    trials.collect()
}

fn run(document: &Path) -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    console::copy(&root.join("example_project"), &folder.path().join("example_project"))?;
    let start = document.strip_prefix(root)?.parent().filter(|parent| parent.starts_with("example_project"));
    console::run(document, folder.path(), start.unwrap_or(Path::new("")))
}
