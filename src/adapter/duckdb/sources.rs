//! Relations that stand for files: data in a lake, or made by hand.

use std::path::Path;

use crate::adapter::{AdapterError, Session};
use crate::dialect::{Dialect, DuckDb};
use crate::project::Source;

/// Makes the view that reads the files as they are at the time of each query. Without any file yet it is empty.
pub(super) fn prepare(session: &mut dyn Session, root: &Path, source: &Source) -> Result<(), AdapterError> {
    let (schema, name) = &source.relation;
    let schema = DuckDb.identifier(schema);
    let view = format!("{schema}.{}", DuckDb.identifier(name));
    let query = query(root, source, files(session, root, source)?.is_empty())?;
    session.execute(&format!("create schema if not exists {schema}"))?;
    session.execute(&format!("create or replace view {view} as {query}"))?;
    Ok(())
}

/// The paths of the files that there are.
pub(in crate::adapter) fn files(
    session: &mut dyn Session,
    root: &Path,
    source: &Source,
) -> Result<Vec<String>, AdapterError> {
    let files = session.query(&format!("select file from glob({}) order by file", path(root, source)), usize::MAX)?;
    Ok(files.rows.into_iter().flatten().flatten().collect())
}

/// The query that reads the files, or gives no row where there are none.
pub(in crate::adapter) fn query(root: &Path, source: &Source, is_empty: bool) -> Result<String, AdapterError> {
    if is_empty { no_rows(source) } else { Ok(read(source, &path(root, source))) }
}

/// The path or pattern as a literal.
fn path(root: &Path, source: &Source) -> String {
    DuckDb.string(&root.join(&source.path).to_string_lossy())
}

/// The query that reads the files, by the ending of their names.
fn read(source: &Source, path: &str) -> String {
    let ending = source.path.trim_end_matches(".gz");
    let ending = ending.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let columns: Vec<String> = source
        .columns
        .iter()
        .map(|(name, data_type)| format!("{}: {}", DuckDb.string(name), DuckDb.string(data_type)))
        .collect();
    let columns = columns.join(", ");
    match ending.as_str() {
        "parquet" if source.columns.is_empty() => format!("select * from read_parquet({path}, union_by_name = true)"),
        "parquet" => {
            let casts = source.columns.iter().map(|(name, data_type)| {
                let name = DuckDb.identifier(name);
                format!("cast({name} as {data_type}) as {name}")
            });
            let casts: Vec<String> = casts.collect();
            format!("select {} from read_parquet({path}, union_by_name = true)", casts.join(", "))
        }
        "csv" | "tsv" if columns.is_empty() => format!("select * from read_csv({path}, union_by_name = true)"),
        "csv" | "tsv" => format!("select * from read_csv({path}, header = true, columns = {{{columns}}})"),
        _ if columns.is_empty() => format!("select * from read_json({path}, union_by_name = true)"),
        _ => format!("select * from read_json({path}, format = 'auto', columns = {{{columns}}})"),
    }
}

fn no_rows(source: &Source) -> Result<String, AdapterError> {
    if source.columns.is_empty() {
        let message = format!("no file matches {}, and the source states no `columns`", source.path);
        return Err(AdapterError::from_message(message));
    }
    let columns = source
        .columns
        .iter()
        .map(|(name, data_type)| format!("cast(null as {data_type}) as {}", DuckDb.identifier(name)));
    Ok(format!("select {} where false", columns.collect::<Vec<_>>().join(", ")))
}
