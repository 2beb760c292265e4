//! Relations that stand for files: they are read by the embedded engine, and copied into tables.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures_util::{SinkExt, pin_mut};
use tokio::runtime::Handle;
use tokio_postgres::Client;

use crate::adapter::duckdb::sources::{files, query};
use crate::adapter::postgres::error::error;
use crate::adapter::{Adapter, AdapterError, DuckDb, Session};
use crate::dialect::{Dialect, Postgres, Publication};
use crate::project::Source;
use crate::relation::{Column, PhysicalOptions, RelationKind, Target};

/// How much is sent at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// Copies the files of a source into its table, unless it holds just these already: its comment says which. Views that
/// stand on the table stay, and readers see the old rows until all new ones are there.
pub(super) fn load(client: &Client, runtime: &Handle, root: &Path, source: &Source) -> Result<(), AdapterError> {
    let message = |failure: &dyn std::fmt::Display| {
        let (schema, name) = &source.relation;
        let failure = failure.to_string();
        // What follows is advice for people who type the SQL themselves.
        let failure = failure.split("\n\n").next().unwrap_or_default();
        AdapterError::from_message(format!("the source `{schema}.{name}` cannot be loaded: {failure}"))
    };
    let engine = DuckDb::in_memory(&[]).map_err(|failure| message(&failure))?;
    let mut session = engine.session()?;
    let files = files(session.as_mut(), root, source).map_err(|failure| message(&failure))?;
    let mark = format!("trueup loaded {:016x}", fingerprint(source, &files));
    let target = target(source, "");
    let name = Postgres.relation(&target);
    let asked = format!("select obj_description(to_regclass({}), 'pg_class')", Postgres.string(&name));
    let server = |sql: &str| runtime.block_on(client.simple_query(sql)).map_err(|failure| error(&failure, sql));
    let is_loaded = server(&asked)?.iter().any(|answer| match answer {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0) == Some(mark.as_str()),
        _ => false,
    });
    if is_loaded {
        return Ok(());
    }
    let query = query(root, source, files.is_empty()).map_err(|failure| message(&failure))?;
    let columns = session.describe(&query).map_err(|failure| message(&failure))?;
    let csv = tempfile::NamedTempFile::new().map_err(|failure| message(&failure))?;
    write(session.as_mut(), &query, &columns, csv.path()).map_err(|failure| message(&failure))?;
    let made = self::target(source, "__trueup_new");
    let made_name = Postgres.relation(&made);
    let described: Vec<String> = columns.iter().map(described).collect();
    let schema = Postgres.schema(&target).unwrap_or_default();
    let lock = Postgres.lock(&target).unwrap_or_default();
    let begin = format!(
        "begin; {lock}; create schema if not exists {schema}; create table {made_name} ({}); comment on table {made_name} is {}",
        described.join(", "),
        Postgres.string(&mark)
    );
    let publication = Publication {
        target: &target,
        existing: None,
        made: &made,
        kind: RelationKind::Table,
        options: &PhysicalOptions::default(),
        rebuilt: &[],
        materialized: &[],
    };
    let publish = Postgres.publish(&publication).into_iter().map(|command| match command {
        crate::dialect::Command::Run(sql) | crate::dialect::Command::Each { query: sql, .. } => sql,
    });
    let publish = publish.collect::<Vec<_>>().join("; ");
    let loaded = server(&begin)
        .and_then(|_| runtime.block_on(copy(client, &made_name, csv.path())).map_err(|failure| message(&failure)))
        .and_then(|()| server(&format!("{publish}; commit")));
    if loaded.is_err() {
        // One that cannot be undone is undone by the end of the connection.
        let _ = server("rollback");
    }
    loaded.map(|_| ())
}

fn target(source: &Source, ending: &str) -> Target {
    let (schema, name) = &source.relation;
    // As names without quotes are.
    let (schema, name) = (schema.to_lowercase(), name.to_lowercase());
    Target { database: None, schema: Some(schema), name: format!("{name}{ending}") }
}

/// Tells the files by their names, sizes and times, and what is to become of them.
fn fingerprint(source: &Source, files: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    source.columns.hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        if let Ok(data) = fs::metadata(file) {
            data.len().hash(&mut hasher);
            let changed = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            changed.map(|time| time.as_nanos()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The rows as CSV, in which an empty text has quotes and NULL has none.
fn write(session: &mut dyn Session, query: &str, columns: &[Column], path: &Path) -> Result<(), AdapterError> {
    let values = columns.iter().map(|column| {
        let name = crate::dialect::DuckDb.identifier(&column.name);
        if is_nested(&column.data_type) { format!("to_json({name}) as {name}") } else { name }
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let path = crate::dialect::DuckDb.string(&path.to_string_lossy());
    session.execute("set timezone = 'UTC'")?;
    session.execute(&format!("copy (select {values} from ({query})) to {path} (format csv, header false)"))?;
    Ok(())
}

async fn copy(client: &Client, name: &str, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let sink = client.copy_in::<_, Bytes>(&format!("copy {name} from stdin (format csv)")).await?;
    pin_mut!(sink);
    let mut file = File::open(path)?;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        sink.send(Bytes::from(chunk)).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// A column in PostgreSQL's words. Its name is in small letters, as one without quotes is.
fn described(column: &Column) -> String {
    let data_type = match column.data_type.as_str() {
        "VARCHAR" => "text",
        "DOUBLE" => "double precision",
        "FLOAT" => "real",
        "TINYINT" | "UTINYINT" => "smallint",
        "USMALLINT" => "integer",
        "UINTEGER" => "bigint",
        "UBIGINT" | "HUGEINT" | "UHUGEINT" => "numeric",
        "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => "timestamp",
        nested if is_nested(nested) => "jsonb",
        other if other.starts_with("ENUM") => "text",
        other => other,
    };
    format!("{} {data_type}", Postgres.identifier(&column.name.to_lowercase()))
}

/// Whether a type of DuckDB holds others.
fn is_nested(data_type: &str) -> bool {
    data_type == "JSON" || data_type.ends_with(']') || data_type.starts_with("STRUCT") || data_type.starts_with("MAP")
}
