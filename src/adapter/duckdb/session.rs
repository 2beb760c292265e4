use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use duckdb::{Connection, InterruptHandle};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::adapter::{AdapterError, Rows, Session, json};
use crate::relation::Column;

/// One connection to the engine.
pub(super) struct DuckDbSession {
    connection: Connection,
    /// Kept alive for as long as the session is, so that a cancel finds it.
    _handle: Arc<InterruptHandle>,
    cancelled: Arc<AtomicBool>,
}

impl DuckDbSession {
    pub(super) fn new(connection: Connection, handle: Arc<InterruptHandle>, cancelled: Arc<AtomicBool>) -> Self {
        Self { connection, _handle: handle, cancelled }
    }

    /// The engine forgets an interruption that comes while nothing runs.
    fn check(&self) -> Result<(), AdapterError> {
        let cancelled = self.cancelled.load(Ordering::SeqCst);
        if cancelled { Err(AdapterError::from_message("cancelled")) } else { Ok(()) }
    }

    /// The first rows of a query, each value as what `cast` makes of a column and its type.
    fn texts(&mut self, sql: &str, limit: usize, cast: fn(String, &str) -> String) -> Result<Rows, AdapterError> {
        let columns = self.describe(sql)?;
        let limit = if limit == usize::MAX { String::new() } else { format!(" limit {limit}") };
        let casts = (1..).zip(&columns).map(|(at, column)| cast(format!("#{at}"), &column.data_type) + "::varchar");
        let casts: Vec<String> = casts.collect();
        let sql = format!("select {} from (\n{sql}\n){limit}", casts.join(", "));
        let run = || -> duckdb::Result<Vec<Vec<Option<String>>>> {
            let mut statement = self.connection.prepare(&sql)?;
            let width = columns.len();
            let rows = statement.query_map([], |row| (0..width).map(|at| row.get(at)).collect())?;
            rows.collect()
        };
        let rows = run().map_err(|failure| error(&failure))?;
        Ok(Rows { columns, rows })
    }

    fn batch(&self, sql: &str) -> Result<(), AdapterError> {
        self.connection.execute_batch(sql).map_err(|failure| error(&failure))
    }
}

impl Session for DuckDbSession {
    fn execute(&mut self, sql: &str) -> Result<Option<u64>, AdapterError> {
        self.check()?;
        // What writes rows answers with their number; `create table as` too, which `Connection::execute` leaves out.
        let run = || -> duckdb::Result<Option<u64>> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let is_count = row.as_ref().column_names().first().is_some_and(|name| name == "Count");
            if is_count { Ok(row.get::<_, Option<u64>>(0).ok().flatten()) } else { Ok(None) }
        };
        run().map_err(|failure| error(&failure))
    }

    fn query(&mut self, sql: &str, limit: usize) -> Result<Rows, AdapterError> {
        // Text is how every type can be shown; DuckDB itself knows best how.
        self.texts(sql, limit, |column, _| column)
    }

    // Without asking for the types of the columns first, which would read the query a second time.
    fn number(&mut self, sql: &str) -> Result<Option<u64>, AdapterError> {
        self.check()?;
        let run = || -> duckdb::Result<Option<u64>> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            rows.next()?.map_or(Ok(None), |row| row.get(0))
        };
        run().map_err(|failure| error(&failure))
    }

    fn has_rows(&mut self, sql: &str) -> Result<bool, AdapterError> {
        self.check()?;
        let run = || -> duckdb::Result<bool> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query([])?;
            Ok(rows.next()?.is_some())
        };
        run().map_err(|failure| error(&failure))
    }

    fn query_json(&mut self, sql: &str, limit: usize) -> Result<Vec<Map<String, Value>>, AdapterError> {
        let rows = self.texts(sql, limit, |column, data_type| {
            if is_nested(data_type) { format!("to_json({column}::{})", exact(data_type)) } else { column }
        })?;
        Ok(json::objects(rows, is_nested))
    }

    fn describe(&mut self, sql: &str) -> Result<Vec<Column>, AdapterError> {
        const HEAD: &str = "describe ";
        self.check()?;
        let run = || -> duckdb::Result<Vec<Column>> {
            let mut statement = self.connection.prepare(&format!("{HEAD}{sql}"))?;
            let rows = statement.query_map([], |row| Ok(Column { name: row.get(0)?, data_type: row.get(1)? }))?;
            rows.collect()
        };
        run().map_err(|failure| {
            let mut error = error(&failure);
            error.position = error.position.and_then(|position| position.checked_sub(HEAD.len()));
            error
        })
    }

    fn begin(&mut self) -> Result<(), AdapterError> {
        self.batch("begin transaction")
    }

    fn commit(&mut self) -> Result<(), AdapterError> {
        self.check()?;
        self.batch("commit")
    }

    fn roll_back(&mut self) {
        let _ = self.batch("rollback");
    }
}

/// Whether values of that type consist of others.
fn is_nested(data_type: &str) -> bool {
    let heads = ["STRUCT(", "MAP(", "UNION("];
    data_type == "JSON" || data_type.ends_with(']') || heads.iter().any(|head| data_type.starts_with(head))
}

/// The same type with text for the numbers in it that a double may not hold.
fn exact(data_type: &str) -> String {
    let mut exact = String::new();
    // Every second part is the quoted name of a field.
    for (at, part) in data_type.split('"').enumerate() {
        if at > 0 {
            exact.push('"');
        }
        if at % 2 == 1 {
            exact += part;
            continue;
        }
        let mut rest = part;
        while let Some((before, behind)) = rest.split_once("DECIMAL(") {
            let (size, after) = behind.split_once(')').unwrap_or((behind, ""));
            let digits = size.split(',').next().and_then(|digits| digits.parse().ok()).unwrap_or(u32::MAX);
            exact += &before.replace("UHUGEINT", "VARCHAR").replace("HUGEINT", "VARCHAR");
            exact += &if digits > f64::DIGITS { "VARCHAR".to_owned() } else { format!("DECIMAL({size})") };
            rest = after;
        }
        exact += &rest.replace("UHUGEINT", "VARCHAR").replace("HUGEINT", "VARCHAR");
    }
    exact
}

/// What DuckDB says with `errors_as_json`.
#[derive(Deserialize)]
struct JsonError {
    exception_type: String,
    exception_message: String,
    position: Option<String>,
}

/// How DuckDB says that two transactions wrote to the same rows, or to the same entry of the catalog.
const CONFLICTS: [&str; 2] = ["conflict on", "could not commit creation of dependency"];

pub(super) fn error(failure: &duckdb::Error) -> AdapterError {
    let message = match failure {
        duckdb::Error::DuckDBFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    // What cannot be parsed has a heading in front of it.
    let json = message.find("{\"exception_type\"").and_then(|start| message.get(start..));
    match serde_json::from_str::<JsonError>(json.unwrap_or(&message)) {
        Ok(error) => AdapterError {
            message: format!("{} error: {}", error.exception_type, error.exception_message.trim()),
            is_conflict: error.exception_type == "TransactionContext"
                && CONFLICTS.iter().any(|words| error.exception_message.to_ascii_lowercase().contains(words)),
            position: error.position.and_then(|position| position.parse().ok()),
            help: None,
        },
        Err(_) => AdapterError::from_message(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_lists_and_structs_lose_nothing() {
        assert_eq!(exact("STRUCT(a DECIMAL(18,3), b DECIMAL(9,2)[])"), "STRUCT(a VARCHAR, b DECIMAL(9,2)[])");
        assert_eq!(exact("MAP(VARCHAR, HUGEINT)"), "MAP(VARCHAR, VARCHAR)");
        assert_eq!(exact("STRUCT(\"DECIMAL(18,3)\" INTEGER)"), "STRUCT(\"DECIMAL(18,3)\" INTEGER)");
    }
}
