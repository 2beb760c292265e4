use std::path::PathBuf;

use crate::config::{Entry, Reader, Value, ValueKind};
use crate::dialect::{self, Dialect};
use crate::project::bigquery::WrittenBigQuery;
use crate::project::connection::{Connection, WrittenConnection, WrittenServer};
use crate::project::iam::WrittenIam;
use crate::project::settings::read_dialect;
use crate::project::{History, LoadError, Naming};

/// A named warehouse connection with its naming rules.
#[derive(Debug, Clone)]
pub struct Environment {
    /// As on the command line: `local`, `prod`.
    pub name: String,
    /// Where it runs.
    pub connection: Connection,
    /// On top of the project's own.
    pub naming: Naming,
    /// Relations that are read from files, by `schema.name`: on the embedded engine where they lie, on PostgreSQL loaded.
    pub sources: Vec<Source>,
    /// How many steps may run at once; otherwise as many as the engine takes.
    pub threads: Option<usize>,
    /// Where it is kept what runs have done, in place of what the settings say.
    pub history: Option<History>,
}

/// A relation that stands for files: data that lies in a lake, or was made by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The schema, and the name in it.
    pub relation: (String, String),
    /// A path or a glob, relative to the project's root, ending in `.parquet`, `.csv`, `.json`, `.jsonl` or `.ndjson`,
    /// each also with `.gz`.
    pub path: String,
    /// Names and DuckDB types; read off the files where there are none.
    pub columns: Vec<(String, String)>,
}

/// An environment as the settings have it: `${NAME}` still stands in its strings.
#[derive(Debug, Clone)]
pub(super) struct WrittenEnvironment {
    pub(super) name: String,
    connection: WrittenConnection,
    naming: Naming,
    sources: Vec<Source>,
    threads: Option<usize>,
    history: Option<History>,
}

/// The environment of a project that names none.
const LOCAL: &str = "local";

impl Environment {
    /// The one that a project has without saying so: a DuckDB file under `.trueup/`.
    pub(super) fn embedded() -> Self {
        Self {
            name: LOCAL.to_owned(),
            connection: Connection::DuckDb { path: default_path(LOCAL) },
            naming: Naming::default(),
            sources: Vec::new(),
            threads: None,
            history: None,
        }
    }
}

/// Named after the environment: a file named like a schema would make `schema.table` ambiguous in DuckDB's own tools.
fn default_path(environment: &str) -> PathBuf {
    let safe = |char: char| if char.is_alphanumeric() || "-_.".contains(char) { char } else { '_' };
    PathBuf::from(".trueup").join(format!("{}.duckdb", environment.chars().map(safe).collect::<String>()))
}

impl WrittenEnvironment {
    pub(super) fn resolve(&self, secret: &dyn Fn(&str) -> Option<String>) -> Result<Environment, LoadError> {
        let fill = |text: &str| {
            fill_in(text, secret).map_err(|variable| LoadError::NoVariable { environment: self.name.clone(), variable })
        };
        let fill_maybe = |text: &Option<String>| text.as_deref().map(fill).transpose();
        let connection = match &self.connection {
            WrittenConnection::DuckDb { path } => {
                Connection::DuckDb { path: fill_maybe(path)?.map_or_else(|| default_path(&self.name), PathBuf::from) }
            }
            WrittenConnection::Postgres(server) => {
                Connection::Postgres(Box::new(server.resolve(&fill, secret, &self.name)?))
            }
            WrittenConnection::Redshift(server, iam) => {
                let server = server.resolve(&fill, secret, &self.name)?;
                Connection::Redshift(Box::new(match iam {
                    Some(iam) => iam.resolve(server, &fill, secret, &self.name)?,
                    None => server,
                }))
            }
            WrittenConnection::BigQuery(access) => {
                Connection::BigQuery(Box::new(access.resolve(&fill, secret, &self.name)?))
            }
        };
        Ok(Environment {
            name: self.name.clone(),
            connection,
            naming: Naming {
                database_suffix: fill_maybe(&self.naming.database_suffix)?,
                schema_suffix: fill_maybe(&self.naming.schema_suffix)?,
                name_prefix: fill_maybe(&self.naming.name_prefix)?,
                scratch: None,
            },
            sources: self
                .sources
                .iter()
                .map(|source| Ok(Source { path: fill(&source.path)?, ..source.clone() }))
                .collect::<Result<_, LoadError>>()?,
            threads: self.threads,
            history: self.history.as_ref().map(|history| history.fill(&fill)).transpose()?,
        })
    }
}

/// Puts the value of each `${NAME}` in its place, or says which name has none.
fn fill_in(text: &str, secret: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(&secret(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

pub(super) fn read_naming(reader: &mut Reader<'_>) -> Naming {
    let mut text = |key| reader.string(key).map(|text| text.value).filter(|text| !text.is_empty());
    Naming {
        database_suffix: text("database_suffix"),
        schema_suffix: text("schema_suffix"),
        name_prefix: text("name_prefix"),
        scratch: None,
    }
}

pub(super) fn read<'a>(settings: &mut Reader<'a>, entry: &'a Entry) -> Option<WrittenEnvironment> {
    settings.item(&entry.value, "an environment", |reader| {
        let written = reader.has("warehouse");
        let warehouse = read_dialect(reader, "warehouse").or((!written).then_some(&dialect::DuckDb as &dyn Dialect));
        let naming = read_naming(reader);
        let threads = reader.count("threads").and_then(|count| usize::try_from(count.value).ok());
        let history = History::read(reader);
        let mut sources = Vec::new();
        if warehouse.is_none() {
            // Which keys are known depends on it.
            reader.allow_rest();
        }
        // The one place where a warehouse is told by its name: its connection is built here.
        let connection = match warehouse?.name() {
            "duckdb" => {
                sources = read_sources(reader);
                WrittenConnection::DuckDb { path: reader.string("path").map(|path| path.value) }
            }
            "postgres" => {
                WrittenIam::refuse(reader, "it belongs to `warehouse: redshift`");
                reader.elsewhere(
                    "query_group",
                    "it belongs to `warehouse: redshift`; here `application_name` labels sessions",
                );
                sources = read_sources(reader);
                WrittenConnection::Postgres(read_server(reader))
            }
            "redshift" => {
                reader.elsewhere("sources", "it belongs to `warehouse: duckdb` or `warehouse: postgres`");
                let iam = WrittenIam::read(reader);
                WrittenConnection::Redshift(read_server(reader), iam)
            }
            _ => {
                for key in ["path", "sources", "host", "database", "user", "password"] {
                    reader.elsewhere(key, "it belongs to another warehouse; here `project` says where jobs run");
                }
                WrittenConnection::BigQuery(WrittenBigQuery::read(reader))
            }
        };
        Some(WrittenEnvironment { name: entry.key.clone(), connection, naming, sources, threads, history })
    })
}

fn read_server(reader: &mut Reader<'_>) -> WrittenServer {
    reader.elsewhere("path", "it belongs to `warehouse: duckdb`");
    WrittenServer::read(reader)
}

fn read_sources(reader: &mut Reader<'_>) -> Vec<Source> {
    let mut sources = Vec::new();
    for entry in reader.entries("sources").unwrap_or_default() {
        let Some((schema, name)) = entry.key.split_once('.') else {
            reader.refuse(
                entry.key_span,
                format!("`{}` is not the name of a relation", entry.key),
                Some("write it as `schema.name`".to_owned()),
            );
            continue;
        };
        let relation = (schema.to_owned(), name.to_owned());
        if let Some((path, columns)) = read_source(reader, &entry.value) {
            sources.push(Source { relation, path, columns });
        }
    }
    sources
}

fn read_source<'a>(reader: &mut Reader<'a>, value: &'a Value) -> Option<(String, Vec<(String, String)>)> {
    if let ValueKind::String(path) = &value.kind {
        return Some((path.clone(), Vec::new()));
    }
    reader.item(value, "a source", |source| {
        let path = source.string("path");
        let columns = source.texts("columns").unwrap_or_default();
        let columns = columns.into_iter().map(|(name, text)| (name, text.value)).collect();
        Some((path?.value, columns))
    })
}
