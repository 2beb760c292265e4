use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::adapter::postgres::Hold;
use crate::adapter::postgres::error::error;
use crate::adapter::{AdapterError, Rows, Session};
use crate::relation::Column;

/// One connection.
pub(super) struct PostgresSession {
    client: Client,
    runtime: Handle,
    /// Kept alive for as long as the session is, so that a cancel finds it.
    _hold: Arc<Hold>,
    cancelled: Arc<AtomicBool>,
}

impl PostgresSession {
    pub(super) fn new(client: Client, runtime: Handle, hold: Arc<Hold>, cancelled: Arc<AtomicBool>) -> Self {
        Self { client, runtime, _hold: hold, cancelled }
    }

    fn check(&self) -> Result<(), AdapterError> {
        let cancelled = self.cancelled.load(Ordering::SeqCst);
        if cancelled { Err(AdapterError::from_message("cancelled")) } else { Ok(()) }
    }

    /// What the server answers, values as text.
    fn send(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, AdapterError> {
        let answer = self.runtime.block_on(self.client.simple_query(sql));
        answer.map_err(|failure| error(&failure, sql))
    }
}

impl Session for PostgresSession {
    fn execute(&mut self, sql: &str) -> Result<Option<u64>, AdapterError> {
        self.check()?;
        let counts = self.send(sql)?.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(rows),
            _ => None,
        });
        Ok(counts.last())
    }

    fn query(&mut self, sql: &str, limit: usize) -> Result<Rows, AdapterError> {
        self.check()?;
        let columns = self.describe(sql)?;
        let limited = if limit == usize::MAX {
            sql.to_owned()
        } else {
            format!("select * from (\n{sql}\n) as rows_of_query limit {limit}")
        };
        let mut rows = self.rows(&limited)?;
        rows.truncate(limit);
        Ok(Rows { columns, rows })
    }

    fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, AdapterError> {
        self.check()?;
        let rows = self.send(sql)?.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
            _ => None,
        });
        Ok(rows.collect())
    }

    fn describe(&mut self, sql: &str) -> Result<Vec<Column>, AdapterError> {
        self.check()?;
        let prepared = self.runtime.block_on(self.client.prepare(sql)).map_err(|failure| error(&failure, sql))?;
        let types = prepared.columns().iter();
        let types = types.map(|column| format!("format_type({}, {})", column.type_().oid(), column.type_modifier()));
        let types: Vec<String> = types.collect();
        if types.is_empty() {
            return Ok(Vec::new());
        }
        let messages = self.send(&format!("select {}", types.join(", ")))?;
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let names = prepared.columns().iter().map(|column| column.name().to_owned());
        let data_type = |at| row.and_then(|row| row.get(at)).unwrap_or_default().to_owned();
        Ok(names.enumerate().map(|(at, name)| Column { name, data_type: data_type(at) }).collect())
    }

    fn begin(&mut self) -> Result<(), AdapterError> {
        self.check()?;
        self.send("begin").map(drop)
    }

    fn commit(&mut self) -> Result<(), AdapterError> {
        self.check()?;
        self.send("commit").map(drop)
    }

    fn roll_back(&mut self) {
        let _ = self.send("rollback");
    }
}
