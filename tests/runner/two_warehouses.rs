//! The examples on DuckDB, and on PostgreSQL or BigQuery: the same tables, row for row, after the first run, after one with new data,
//! and after a full refresh.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use walkdir::WalkDir;

use crate::bigquery;
use crate::postgres_server::{self, Server};
use crate::project::Project;

const DATABASE: &str = ".trueup/local.duckdb";

/// The columns of the table that a stream writes into, in the words of BigQuery.
const CHANGES: &str = "id:INTEGER,user:STRING,title:STRING,timestamp:TIMESTAMP,ingested_at:TIMESTAMP";

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let trials = ["streamify", "wikipedia"].into_iter().map(|example| {
        let name = format!("two_warehouses::{example}");
        Trial::test(name, move || on_postgres(example)).with_ignored_flag(!is_installed)
    });
    let on_bigquery = Trial::test("two_warehouses::wikipedia_on_bigquery", || on_bigquery("wikipedia"));
    trials.chain([on_bigquery.with_ignored_flag(!bigquery::has_python())]).collect()
}

/// A warehouse beside DuckDB.
trait Warehouse {
    /// The environment of the project that is on it.
    fn environment(&self) -> &'static str;

    /// What leads there.
    fn variables(&self) -> Vec<(&'static str, String)>;

    /// Takes in files that have come since.
    fn load(&self, files: &[PathBuf]) -> Result<(), Failed>;

    /// The rows of each of these relations.
    fn tables(&self, project: &Project) -> Result<BTreeMap<String, String>, Failed>;
}

struct OnPostgres {
    server: &'static Server,
    database: String,
}

impl Warehouse for OnPostgres {
    fn environment(&self) -> &'static str {
        "shared"
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        self.server.variables(&self.database)
    }

    /// They are `sources` of the environment.
    fn load(&self, _files: &[PathBuf]) -> Result<(), Failed> {
        Ok(())
    }

    fn tables(&self, project: &Project) -> Result<BTreeMap<String, String>, Failed> {
        tables(self.server, &self.database, project)
    }
}

impl Warehouse for bigquery::Project {
    fn environment(&self) -> &'static str {
        "prod"
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        bigquery::Project::variables(self)
    }

    fn load(&self, files: &[PathBuf]) -> Result<(), Failed> {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let words = ["load", "fresh_streams.wiki_changes", CHANGES].into_iter().chain(files.iter().map(String::as_str));
        self.stand_in(&words.collect::<Vec<_>>()).map(drop)
    }

    fn tables(&self, project: &Project) -> Result<BTreeMap<String, String>, Failed> {
        let look = project.look(DATABASE)?;
        let mut contents = BTreeMap::new();
        for name in names(project)? {
            let (schema, relation) = name.split_once('.').ok_or("it has no schema")?;
            let columns = look.texts(&format!(
                "select column_name from duckdb_columns() where schema_name = '{schema}' and table_name = '{relation}' \
                 order by column_index"
            ))?;
            let columns: Vec<String> = columns.iter().map(|name| format!("cast(r.`{name}` as string)")).collect();
            let rows = self.stand_in(&["query", &format!("select {} from {name} as r", columns.join(", "))])?;
            contents.insert(name, sorted(rows.lines().skip(1)));
        }
        Ok(contents)
    }
}

fn on_postgres(example: &str) -> Result<(), Failed> {
    let server = Server::shared()?;
    run(example, &OnPostgres { server, database: server.new_database(example)? })
}

fn on_bigquery(example: &str) -> Result<(), Failed> {
    let Some(project) = bigquery::Project::new(&format!("example-{example}"))? else { return Ok(()) };
    project.stand_in(&["query", "create schema fresh_streams"])?;
    run(example, &project)?;
    let copy = Project::copy(&format!("example_project/{example}"))?;
    let mut tests = copy.command(&["test", "--unit", "--on-warehouse", "--env", "prod"]);
    let output = tests.envs(project.variables()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    project.all_was_parsed()
}

fn run(example: &str, warehouse: &dyn Warehouse) -> Result<(), Failed> {
    let project = Project::copy(&format!("example_project/{example}"))?;
    let there = |arguments: &[&str]| -> Result<(), Failed> {
        let environment = warehouse.environment();
        let mut command = project.command(arguments);
        let output = command.args(["--env", environment]).envs(warehouse.variables()).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("trueup {arguments:?} in {environment}\n{said}").into())
        }
    };
    let compare = |when: &str| {
        let (one, other) = (on_duckdb(&project)?, warehouse.tables(&project)?);
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
    warehouse.load(&loads(project.path()))?;
    project.succeed(&["run"])?;
    there(&["run"])?;
    compare("after the first run")?;
    for (number, file) in late.iter().enumerate() {
        fs::copy(aside.path().join(number.to_string()), file)?;
    }
    warehouse.load(&late)?;
    project.succeed(&["run"])?;
    there(&["run"])?;
    compare("after new data")?;
    there(&["run", "--full-refresh"])?;
    compare("after a full refresh")?;
    there(&["test"])
}

/// The files of the newest load.
fn last_loads(project: &Path) -> Result<Vec<PathBuf>, Failed> {
    let loads = loads(project);
    let last = loads.iter().filter_map(|path| path.file_name()).max().ok_or("there are no loads")?.to_owned();
    Ok(loads.into_iter().filter(|path| path.file_name() == Some(&last)).collect())
}

fn loads(project: &Path) -> Vec<PathBuf> {
    let files = WalkDir::new(project.join("lake")).sort_by_file_name().into_iter().filter_map(Result::ok);
    let loads = files.filter(|file| file.file_name().to_string_lossy().starts_with("load-"));
    loads.map(walkdir::DirEntry::into_path).collect()
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
        "select schema_name || '.' || table_name from duckdb_tables() where not internal and table_name <> 'trueup_history' union \
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
