//! How trueup talks to a warehouse. SQL goes in as text; nothing here writes any for a model.

mod bigquery;
mod duckdb;
mod job;
mod json;
mod postgres;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::dialect::{self, Dialect};
use crate::project::{BigQueryAccess, Connection, Project};
use crate::relation::{Access, Column, ColumnMarks, JobOptions, RelationKind, Target, WarehouseState};

pub use bigquery::BigQuery;
pub use duckdb::DuckDb;
pub use job::{Estimate, JobLog, JobRef, LeftJob, LoggedJob, RunIdentity, Settled, Usage};
pub use postgres::Postgres;

/// A warehouse.
pub trait Adapter: Send + Sync {
    /// The SQL that it takes.
    fn dialect(&self) -> &'static dyn Dialect;

    /// Makes ready what the environment promises before anything runs, such as relations that stand for files.
    fn prepare(&self) -> Result<(), AdapterError>;

    /// What it holds of these targets.
    fn state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError>;

    /// Who may read these relations, where a new one does not inherit that from the one that it takes the place of.
    fn access(&self, _relations: &[(Target, RelationKind)]) -> Result<HashMap<Target, Access>, AdapterError> {
        Ok(HashMap::new())
    }

    /// A connection of its own for one thread.
    fn session(&self) -> Result<Box<dyn Session + '_>, AdapterError>;

    /// How many sessions can work at the same time to any good.
    fn parallelism(&self) -> usize;

    /// Says which run the statements belong to from now on. A warehouse that has jobs tells `log` of each that changes
    /// something before it begins.
    fn begin_run(&self, _run: RunIdentity, _log: Arc<dyn JobLog>) {}

    /// Jobs that are at work for this project and environment, but not for this process.
    fn left_jobs(&self, _run: &RunIdentity) -> Result<Vec<LeftJob>, AdapterError> {
        Ok(Vec::new())
    }

    /// Waits for the end of a job, and says what came of it.
    fn settle(&self, _job: &JobRef) -> Result<Settled, AdapterError> {
        Ok(Settled::Unknown)
    }

    /// What the sessions wait for at this moment because others hold it, a sentence each. May take a query.
    fn waits(&self) -> Vec<String> {
        Vec::new()
    }

    /// Stops every statement that runs, in all sessions, and lets no other begin: their calls return an error. One that
    /// begins at this very moment may slip through, so call it again for as long as something runs.
    fn cancel(&self);

    /// Lets statements begin again after [`cancel`](Self::cancel), when all that it stopped has ended.
    fn go_on(&self);
}

/// A connection. Statements of one session run one after the other.
pub trait Session {
    /// Says whose statements come from now on, and how they are to run.
    fn begin_step(&mut self, _action: &Target, _options: &JobOptions) {}

    /// Says what the statements that follow depend on besides their text: with something else they are others.
    fn depend_on(&mut self, _what: &str) {}

    /// Says that with so many statements more that change something the step is done.
    fn expect(&mut self, _statements: usize) {}

    /// What the statements since [`begin_step`](Self::begin_step) took, where the warehouse tells; it begins again at zero.
    fn usage(&mut self) -> Option<Usage> {
        None
    }

    /// Says of columns what no statement can say.
    fn mark_columns(&mut self, _table: &Target, _marks: &ColumnMarks) -> Result<(), AdapterError> {
        Ok(())
    }

    /// Gives columns of a table those fields inside of their types that they do not have yet. Repeating it changes nothing.
    fn extend_columns(&mut self, _table: &Target, _columns: &[Column]) -> Result<(), AdapterError> {
        Ok(())
    }

    /// Takes away the label that says that a table is unfinished.
    fn finish_table(&mut self, _table: &Target) -> Result<(), AdapterError> {
        Ok(())
    }

    /// What a statement would read, without running it; `None` where the warehouse does not tell.
    fn estimate(&mut self, _sql: &str) -> Result<Option<Estimate>, AdapterError> {
        Ok(None)
    }

    /// Runs one statement, or several with semicolons between them. Gives the number of rows that the last one wrote, if
    /// it wrote any.
    fn execute(&mut self, sql: &str) -> Result<Option<u64>, AdapterError>;

    /// Runs a script of several statements as one. Gives the number of rows that the statement `counted` in it wrote.
    fn execute_script(&mut self, sql: &str, _counted: Option<&str>) -> Result<Option<u64>, AdapterError> {
        self.execute(sql)
    }

    /// Puts rows into a table. Their values are as [`query_json`](Self::query_json) gives them.
    fn load(&mut self, _table: &Target, _rows: &[Map<String, Value>]) -> Result<(), AdapterError> {
        Err(AdapterError::from_message("this warehouse takes rows by its SQL alone"))
    }

    /// The first rows of a query, each value as text.
    fn query(&mut self, sql: &str, limit: usize) -> Result<Rows, AdapterError>;

    /// All rows of a query, where nobody asks for their types.
    fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, AdapterError> {
        Ok(self.query(sql, usize::MAX)?.rows)
    }

    /// The first value of a query that gives one number.
    fn number(&mut self, sql: &str) -> Result<Option<u64>, AdapterError> {
        let rows = self.query(sql, 1)?.rows;
        Ok(rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok()))
    }

    /// Whether a query gives any row.
    fn has_rows(&mut self, sql: &str) -> Result<bool, AdapterError> {
        Ok(!self.query(sql, 1)?.rows.is_empty())
    }

    /// The same rows as objects of JSON: numbers, booleans, lists and structs are what they are, all else is text.
    fn query_json(&mut self, sql: &str, limit: usize) -> Result<Vec<Map<String, Value>>, AdapterError> {
        Ok(json::objects(self.query(sql, limit)?, |_| false))
    }

    /// The columns of a query, without running it.
    fn describe(&mut self, sql: &str) -> Result<Vec<Column>, AdapterError>;

    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), AdapterError>;

    /// Makes everything since `begin` visible at once.
    fn commit(&mut self) -> Result<(), AdapterError>;

    /// Undoes everything since `begin`. Never fails: a session that cannot do it has lost its transaction anyway.
    fn roll_back(&mut self);
}

/// Rows as people see them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// What the rows have.
    pub columns: Vec<Column>,
    /// `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What a warehouse said no to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AdapterError {
    /// In the warehouse's words, in one line or few.
    pub message: String,
    /// The byte of the SQL that it points at.
    pub position: Option<usize>,
    /// Whether another transaction was in the way, so that the same transaction may work if it is tried again.
    pub is_conflict: bool,
    /// What to do, where that does not follow from the message.
    pub help: Option<String>,
}

impl AdapterError {
    /// With nothing known but that.
    pub fn from_message(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, is_conflict: false, help: None }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Another process has it open.
    #[error("{path} is in use by another process{}", holder.as_ref().map(|holder| format!(" ({holder})")).unwrap_or_default())]
    InUse {
        /// The database file.
        path: String,
        /// Who, if the engine tells.
        holder: Option<String>,
    },
    /// The settings of the connection make no sense.
    #[error("{message}")]
    Settings {
        /// What is wrong.
        message: String,
    },
    /// AWS or Google does not give what lets in.
    #[error("{message}")]
    Login {
        /// Why.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// The server does not answer, or lets nobody in.
    #[error("cannot connect to {server}: {message}")]
    Unreachable {
        /// `user@host:port/database`
        server: String,
        /// In its own words, or those of the network.
        message: String,
        /// What to do, where it is not the settings that are wrong.
        help: Option<String>,
    },
    /// Anything else.
    #[error("cannot open {path}: {error}")]
    Failed {
        /// The database file.
        path: String,
        /// Why.
        error: AdapterError,
    },
}

/// Connects to the warehouse of a project's environment. `root` is the project's folder; `targets` are all that may be
/// touched.
pub fn connect(project: &Project, root: &Path, targets: &[Target]) -> Result<Arc<dyn Adapter>, ConnectError> {
    let environment = &project.environment;
    match &environment.connection {
        Connection::DuckDb { path } => {
            let path = if path == Path::new(":memory:") { path.clone() } else { root.join(path) };
            let adapter = DuckDb::open(&path, project.default_database().as_deref(), targets)?;
            Ok(Arc::new(adapter.with_sources(root, &environment.sources)))
        }
        Connection::Postgres(server) => {
            let adapter = Postgres::connect(server, &dialect::Postgres, 5432)?;
            Ok(Arc::new(adapter.with_sources(root, &environment.sources)))
        }
        Connection::Redshift(server) => Ok(Arc::new(Postgres::connect(server, &dialect::Redshift, 5439)?)),
        Connection::BigQuery(access) => {
            let settings = &project.settings;
            let location = access.location.clone().or_else(|| settings.defaults.location.clone());
            let reservation = access.jobs.reservation.clone().or_else(|| settings.bigquery.reservation.clone());
            let jobs = JobOptions { reservation, ..access.jobs.clone() };
            let access = BigQueryAccess { location, jobs, ..(**access).clone() };
            let adapter = BigQuery::connect(&access, root, project.default_database().as_deref())?;
            Ok(Arc::new(adapter.with_targets(targets)))
        }
    }
}
