//! `tests/cases/<name>/session.md`: whole projects, as a user meets them. A folder `project` beside the session is what
//! it starts with; a short project can stand in the session itself.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::{console, markdown};

/// One trial for each case.
pub(crate) fn trials() -> Vec<Trial> {
    let files = markdown::files("tests/cases").into_iter().filter(|path| path.ends_with("session.md"));
    let trials = files.map(|path| {
        let folder = path.parent().unwrap_or(&path);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Trial::test(format!("case::{name}"), move || run(&path))
    });
    trials.collect()
}

fn run(session: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let project = session.with_file_name("project");
    if project.is_dir() {
        console::copy(&project, folder.path())?;
    }
    console::run(session, folder.path(), Path::new(""))
}
