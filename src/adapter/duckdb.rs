//! The embedded engine. A database that a target names is a file of its own beside the environment's, attached under
//! that name.

mod session;
pub(in crate::adapter) mod sources;

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::{env, fs, io, process, thread};

use duckdb::{Config, Connection, InterruptHandle};

use crate::adapter::{Adapter, AdapterError, ConnectError, Session};
use crate::dialect::{self, Dialect};
use crate::project::Source;
use crate::relation::{Column, Layout, Relation, RelationKind, Target, WarehouseState};

use session::{DuckDbSession, error};

/// What stands for a file where there is none.
const IN_MEMORY: &str = ":memory:";

/// The name of the database for targets that name none, where the project has no default one.
const DEFAULT_DATABASE: &str = "trueup";

/// An embedded DuckDB.
pub struct DuckDb {
    connection: Mutex<Connection>,
    default_database: String,
    root: PathBuf,
    sources: Vec<Source>,
    running: Mutex<Vec<Weak<InterruptHandle>>>,
    cancelled: Arc<AtomicBool>,
}

impl DuckDb {
    /// An empty one in memory, for one thing at a time.
    pub fn in_memory(targets: &[Target]) -> Result<Self, ConnectError> {
        let config = Config::default().threads(1);
        Self::start(Path::new(IN_MEMORY), None, targets, config)
    }

    /// Opens a database file, and makes it if it is not there. `:memory:` is one that is gone afterwards.
    ///
    /// That file is the database of the name `database`, if the project has a default one; each other database that a
    /// target names is a file beside it.
    pub fn open(path: &Path, database: Option<&str>, targets: &[Target]) -> Result<Self, ConnectError> {
        Self::start(path, database, targets, Ok(Config::default()))
    }

    fn start(
        path: &Path,
        database: Option<&str>,
        targets: &[Target],
        config: duckdb::Result<Config>,
    ) -> Result<Self, ConnectError> {
        let failed = |path: &Path, failure: &duckdb::Error| connect_error(path, failure);
        let config = config.and_then(|config| config.custom_user_agent("trueup"));
        let config = config.map_err(|failure| failed(path, &failure))?;
        let connection = Connection::open_in_memory_with_flags(config).map_err(|failure| failed(path, &failure))?;
        let databases: BTreeSet<&str> = targets.iter().filter_map(|target| target.database.as_deref()).collect();
        let default_database = database.unwrap_or(DEFAULT_DATABASE).to_owned();
        let attach = |name: &str, path: &Path| {
            let in_memory = path == Path::new(IN_MEMORY);
            if let Some(folder) = path.parent().filter(|_| !in_memory) {
                fs::create_dir_all(folder).map_err(|failure| ConnectError::Failed {
                    path: path.display().to_string(),
                    error: AdapterError::from_message(format!("its folder cannot be made: {failure}")),
                })?;
            }
            let sql = format!(
                "attach {} as {}",
                dialect::DuckDb.string(&path.to_string_lossy()),
                dialect::DuckDb.identifier(name)
            );
            let attached = connection.execute_batch(&sql).or_else(|failure| {
                let again = !in_memory && !is_in_use(&failure) && is_half_made(path).unwrap_or(false);
                if !again || fs::remove_file(path).is_err() {
                    return Err(failure);
                }
                connection.execute_batch(&sql)
            });
            attached.map_err(|failure| failed(path, &failure))
        };
        attach(&default_database, path)?;
        // What does not fit in memory goes beside the database. DuckDB itself would put it where the process was started.
        let temporary = if path == Path::new(IN_MEMORY) {
            env::temp_dir().join(format!("trueup-{}", process::id()))
        } else {
            path.with_added_extension("tmp")
        };
        remove_spilled(&temporary);
        let sql = format!("set temp_directory = {}", dialect::DuckDb.string(&temporary.to_string_lossy()));
        connection.execute_batch(&sql).map_err(|failure| failed(path, &failure))?;
        for name in databases.into_iter().filter(|name| !name.eq_ignore_ascii_case(&default_database)) {
            attach(name, &beside(path, name))?;
        }
        Ok(Self {
            connection: Mutex::new(connection),
            default_database,
            root: PathBuf::new(),
            sources: Vec::new(),
            running: Mutex::default(),
            cancelled: Arc::default(),
        })
    }

    /// The same with relations that stand for files; their paths are from `root`.
    #[must_use]
    pub fn with_sources(self, root: &Path, sources: &[Source]) -> Self {
        Self { root: root.to_path_buf(), sources: sources.to_vec(), ..self }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `shop.duckdb` and `raw` give `shop.raw.duckdb`.
fn beside(path: &Path, name: &str) -> PathBuf {
    if path == Path::new(IN_MEMORY) {
        return path.to_path_buf();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}.{name}.duckdb"))
}

/// Removes what a process that was killed has left: this one has the database for itself by now.
fn remove_spilled(folder: &Path) {
    let is_spilled = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("duckdb_temp_");
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(is_spilled) {
        // If it cannot be removed it is only in the way of disk space.
        let _ = fs::remove_file(entry.path());
    }
}

/// Whether a process was killed while it made the file: there is no database yet without its three headers, each of 4096
/// bytes, of which the first has `DUCK` at byte 8.
fn is_half_made(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    fs::File::open(path)?.take(3 * 4096).read_to_end(&mut start)?;
    Ok(start.is_empty() || start.len() < 3 * 4096 && start.get(8..12) == Some(b"DUCK"))
}

fn is_in_use(failure: &duckdb::Error) -> bool {
    error(failure).message.contains("lock on file")
}

fn connect_error(path: &Path, failure: &duckdb::Error) -> ConnectError {
    let error = error(failure);
    let path = path.display().to_string();
    if is_in_use(failure) {
        let holder = error.message.split_once("held in ").map(|(_, rest)| rest);
        let holder = holder.and_then(|rest| rest.split_once("(PID ")).and_then(|(_, rest)| rest.split_once(')'));
        return ConnectError::InUse { path, holder: holder.map(|(pid, _)| format!("process {pid}")) };
    }
    ConnectError::Failed { path, error }
}

impl Adapter for DuckDb {
    fn dialect(&self) -> &'static dyn Dialect {
        &dialect::DuckDb
    }

    fn prepare(&self) -> Result<(), AdapterError> {
        let mut session = self.session()?;
        for source in &self.sources {
            sources::prepare(session.as_mut(), &self.root, source)?;
        }
        Ok(())
    }

    fn state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError> {
        let mut session = self.session()?;
        // One query for the whole project. Views have their columns here too.
        let rows = session.query(
            "select c.database_name, c.schema_name, c.table_name, c.column_name, c.data_type, t.table_name is not null \
             from duckdb_columns() c left join duckdb_tables() t using (database_oid, schema_oid, table_oid) \
             where not c.internal order by c.database_name, c.schema_name, c.table_name, c.column_index",
            usize::MAX,
        )?;
        let mut found: HashMap<(String, String, String), Relation> = HashMap::new();
        for row in rows.rows {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || values.next().unwrap_or_default();
            let key = (next().to_lowercase(), next().to_lowercase(), next().to_lowercase());
            let column = Column { name: next(), data_type: next() };
            let kind = if next() == "true" { RelationKind::Table } else { RelationKind::View };
            found
                .entry(key)
                .or_insert_with(|| Relation { kind, columns: Vec::new(), layout: Layout::default() })
                .columns
                .push(column);
        }
        let relations = targets.iter().filter_map(|target| {
            let database = target.database.as_deref().unwrap_or(&self.default_database);
            let schema = target.schema.as_deref().unwrap_or("main");
            let key = (database.to_lowercase(), schema.to_lowercase(), target.name.to_lowercase());
            found.get(&key).map(|relation| (target.clone(), relation.clone()))
        });
        Ok(WarehouseState { relations: relations.collect(), ..WarehouseState::default() })
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, AdapterError> {
        let connection = self.connection().try_clone().map_err(|failure| error(&failure))?;
        let database = dialect::DuckDb.identifier(&self.default_database);
        // Warehouses work in UTC; errors come as JSON, so that their position can be read.
        let settings = format!("use {database}; set timezone = 'UTC'; set errors_as_json = true");
        connection.execute_batch(&settings).map_err(|failure| error(&failure))?;
        let handle = connection.interrupt_handle();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|handle| handle.strong_count() > 0);
        running.push(Arc::downgrade(&handle));
        drop(running);
        Ok(Box::new(DuckDbSession::new(connection, handle, Arc::clone(&self.cancelled))))
    }

    fn parallelism(&self) -> usize {
        thread::available_parallelism().map_or(2, usize::from).max(2)
    }

    fn go_on(&self) {
        self.cancelled.store(false, Ordering::SeqCst);
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for handle in running.iter().filter_map(Weak::upgrade) {
            handle.interrupt();
        }
    }
}
