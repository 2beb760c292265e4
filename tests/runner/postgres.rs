//! `tests/postgres/*.md`: sessions on a real PostgreSQL server, each in a database of its own. `PGHOST` and its like lead
//! there, so `warehouse: postgres` is all that a project has to say.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::postgres_server::{self, Server};
use crate::{console, markdown};

/// One trial for each session; they are passed over where no server is installed.
pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let trials = markdown::files("tests/postgres").into_iter().map(|path| {
        let name = format!("postgres::{}", markdown::stem(&path, "tests/postgres"));
        Trial::test(name, move || run(&path)).with_ignored_flag(!is_installed)
    });
    trials.collect()
}

fn run(session: &Path) -> Result<(), Failed> {
    let server = Server::shared()?;
    let database = server.new_database(&markdown::stem(session, "tests/postgres"))?;
    let folder = tempfile::tempdir()?;
    console::run_with(session, folder.path(), Path::new(""), &server.variables(&database))
}
