//! The examples on DuckDB and on PostgreSQL: the same tables, row for row, after the first run, after one with new data,
//! and after a full refresh.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use walkdir::WalkDir;

use crate::postgres_server::{self, Server};
use crate::project::Project;

const DATABASE: &str = ".trueup/local.duckdb";

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let trials = ["streamify", "wikipedia"].into_iter().map(|example| {
        let name = format!("two_warehouses::{example}");
        Trial::test(name, move || run(example)).with_ignored_flag(!is_installed)
    });
    trials.collect()
}

fn run(example: &str) -> Result<(), Failed> {
    let server = Server::shared()?;
    let database = server.new_database(example)?;
    let project = Project::copy(&format!("example_project/{example}"))?;
    let on_postgres = |arguments: &[&str]| -> Result<(), Failed> {
        let mut command = project.command(arguments);
        let output = command.args(["--env", "shared"]).envs(server.variables(&database)).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { Err(format!("trueup {arguments:?} on PostgreSQL\n{said}").into()) }
    };
    let compare = |when: &str| {
        let (one, other) = (on_duckdb(&project)?, tables(server, &database, &project)?);
        if one.values().filter(|rows| rows.lines().count() > 1).count() < 4 {
            return Err(format!("there is next to nothing: {one:?}").into());
        }
        let differs = one.iter().filter(|(name, rows)| other.get(*name) != Some(rows));
        match differs.into_iter().next() {
            None => Ok(()),
            Some((name, rows)) => {
                let other = other.get(name).map_or("nothing", String::as_str);
                let lines = rows.lines().zip(other.lines()).find(|(one, other)| one != other);
                let counts = (rows.lines().count(), other.lines().count());
                Err(Failed::from(format!("{when}: {name} differs: lines {counts:?}, first {lines:#?}")))
            }
        }
    };
    let late = last_loads(project.path())?;
    let aside = tempfile::tempdir()?;
    for (number, file) in late.iter().enumerate() {
        fs::copy(file, aside.path().join(number.to_string()))?;
        fs::remove_file(file)?;
    }
    project.succeed(&["run"])?;
    on_postgres(&["run"])?;
    compare("after the first run")?;
    for (number, file) in late.iter().enumerate() {
        fs::copy(aside.path().join(number.to_string()), file)?;
    }
    project.succeed(&["run"])?;
    on_postgres(&["run"])?;
    compare("after new data")?;
    on_postgres(&["run", "--full-refresh"])?;
    compare("after a full refresh")?;
    on_postgres(&["test"])
}

/// The files of the newest load.
fn last_loads(project: &Path) -> Result<Vec<PathBuf>, Failed> {
    let files = WalkDir::new(project.join("lake")).sort_by_file_name().into_iter().filter_map(Result::ok);
    let loads: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().starts_with("load-")).collect();
    let last = loads.iter().map(walkdir::DirEntry::file_name).max().ok_or("there are no loads")?.to_owned();
    Ok(loads.into_iter().filter(|file| file.file_name() == last).map(walkdir::DirEntry::into_path).collect())
}

/// The rows of every relation that the project makes, in an order of their own, numbers as short as they can be.
fn on_duckdb(project: &Project) -> Result<BTreeMap<String, String>, Failed> {
    let look = project.look(DATABASE)?;
    let mut contents = BTreeMap::new();
    for name in names(project)? {
        let lines = look.lines(&name)?;
        contents.insert(name, sorted(lines.iter().map(String::as_str)));
    }
    Ok(contents)
}

fn tables(server: &Server, database: &str, project: &Project) -> Result<BTreeMap<String, String>, Failed> {
    let mut contents = BTreeMap::new();
    for name in names(project)? {
        let script = format!("set timezone = 'UTC';\nselect * from {name};\n");
        let rows = server.psql_script(database, &script)?.map_err(|error| format!("{name}: {error}"))?;
        contents.insert(name, sorted(rows.lines().skip(1)));
    }
    Ok(contents)
}

/// `schema.name` of all that the project makes and that is no assertion.
fn names(project: &Project) -> Result<Vec<String>, Failed> {
    project.look(DATABASE)?.texts(
        "select schema_name || '.' || table_name from duckdb_tables() where not internal union \
         select schema_name || '.' || view_name from duckdb_views() \
         where not internal and schema_name not like '%assertions' and schema_name not in ('lake', 'fresh_streams') \
         order by all",
    )
}

fn sorted<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let cell = |cell: &str| match (cell.trim_end(), cell.parse::<f64>()) {
        ("t", _) => "true".to_owned(),
        ("f", _) => "false".to_owned(),
        // A key of digits stays as it is.
        (text, Ok(number)) if !text.starts_with('0') || text.starts_with("0.") || text == "0" => number.to_string(),
        (text, _) => text.to_owned(),
    };
    let mut lines: Vec<String> =
        lines.map(|line| line.split(" | ").map(cell).collect::<Vec<_>>().join(" | ") + "\n").collect();
    lines.sort();
    lines.concat()
}
