//! `tests/postgres/*.md` and `tests/redshift/*.md`: sessions on a real PostgreSQL server, or on the stand-in for Redshift in
//! front of it, each in a database of its own. `PGHOST` and its like lead there, so `warehouse: postgres` or `redshift` is
//! all that a project has to say.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::postgres_server::{self, Server};
use crate::redshift::StandIn;
use crate::{console, markdown};

/// The folder of `tests/`, which is also the warehouse.
const WAREHOUSES: [&str; 2] = ["postgres", "redshift"];

/// One trial for each session; they are passed over where no server is installed.
pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let sessions = WAREHOUSES.into_iter().flat_map(|warehouse| {
        markdown::files(&format!("tests/{warehouse}")).into_iter().map(move |path| (warehouse, path))
    });
    let trials = sessions.map(|(warehouse, path)| {
        let name = markdown::stem(&path, &format!("tests/{warehouse}"));
        let database = if warehouse == "postgres" { name.clone() } else { format!("{warehouse}_{name}") };
        Trial::test(format!("{warehouse}::{name}"), move || run(warehouse, &database, &path))
            .with_ignored_flag(!is_installed)
    });
    trials.collect()
}

fn run(warehouse: &str, database: &str, session: &Path) -> Result<(), Failed> {
    let server = Server::shared()?;
    let database = server.new_database(database)?;
    let folder = tempfile::tempdir()?;
    let variables = if warehouse == "redshift" {
        StandIn::start(server, &database, &folder.path().join("s3"))?.variables(server, &database)
    } else {
        server.variables(&database)
    };
    console::run_with(session, folder.path(), Path::new(""), &variables)
}
