//! Servers that speak the protocol of PostgreSQL: itself, and Redshift with a dialect of its own.

mod error;
mod iam;
mod pass_file;
mod server;
mod session;
mod sources;
mod state;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage};

use crate::adapter::{Adapter, AdapterError, ConnectError, Session};
use crate::dialect::Dialect;
use crate::project::{Server, Source};
use crate::relation::{Target, WarehouseState};

use error::{Failure, error};
use iam::{LoginError, log_in};
use server::Door;
use session::PostgresSession;

/// How long a request to cancel may take: the server may be gone.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a session may go on after it was asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How long a server that has answered before may stay away, as when it starts again.
const RETURN_TIMEOUT: Duration = Duration::from_secs(20);

/// A server, and the sessions on it.
pub struct Postgres {
    dialect: &'static dyn Dialect,
    door: Door,
    /// Statements before those of a plan: the same for every session.
    settings: String,
    root: PathBuf,
    sources: Vec<Source>,
    runtime: Runtime,
    running: Mutex<Vec<Weak<Hold>>>,
    cancelled: Arc<AtomicBool>,
    first_cancel: OnceLock<Instant>,
}

/// What stops a session from outside.
struct Hold {
    token: CancelToken,
    /// The server's process.
    process: String,
}

impl Postgres {
    /// Finds the server and looks whether it answers.
    pub fn connect(server: &Server, dialect: &'static dyn Dialect, default_port: u16) -> Result<Self, ConnectError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| ConnectError::Settings { message: error.to_string() })?;
        let refused = |LoginError { message, help }| ConnectError::Login { message, help };
        let (login, server) = runtime.block_on(log_in(server)).map_err(refused)?;
        let door = Door::find(&server, login, default_port).map_err(|message| ConnectError::Settings { message })?;
        runtime.block_on(door.connect(runtime.handle())).map_err(|failure| match failure {
            Failure::Login(failure) => refused(failure),
            Failure::Server(failure) => {
                let AdapterError { message, help, .. } = error(&failure, "");
                ConnectError::Unreachable { server: door.name(), message, help }
            }
        })?;
        let mut settings = "set timezone = 'UTC';".to_owned();
        if let Some(limit) = server.statement_timeout {
            settings += &format!(" set statement_timeout = {};", limit.as_millis());
        }
        if let Some(label) = &server.query_group {
            settings += &format!(" set query_group to {};", dialect.string(label));
        }
        settings += dialect.session().unwrap_or_default();
        Ok(Self {
            dialect,
            door,
            settings,
            root: PathBuf::new(),
            sources: Vec::new(),
            runtime,
            running: Mutex::default(),
            cancelled: Arc::default(),
            first_cancel: OnceLock::new(),
        })
    }

    /// The same with relations that stand for files; their paths are from `root`.
    #[must_use]
    pub fn with_sources(self, root: &Path, sources: &[Source]) -> Self {
        Self { root: root.to_path_buf(), sources: sources.to_vec(), ..self }
    }

    /// A connection that is ready for a plan, and the server's process behind it.
    async fn open(&self) -> Result<(Client, String), Failure> {
        let client = self.door.connect(self.runtime.handle()).await?;
        client.batch_execute(&self.settings).await?;
        let process = first_column(&client, "select pg_backend_pid()").await?.concat();
        Ok((client, process))
    }

    /// The same, with patience for a server that starts again.
    async fn open_again(&self) -> Result<(Client, String), Failure> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            match self.open().await {
                Err(failure) if failure.is_away() && started.elapsed() < RETURN_TIMEOUT => {
                    if self.cancelled.load(Ordering::SeqCst) {
                        return Err(failure);
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                }
                opened => return opened,
            }
        }
    }

    fn holds(&self) -> Vec<Arc<Hold>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().filter_map(Weak::upgrade).collect()
    }

    /// Runs a query on a connection of its own, and gives its first column.
    async fn ask(&self, sql: &str) -> Result<Vec<String>, Failure> {
        Ok(first_column(&self.door.connect(self.runtime.handle()).await?, sql).await?)
    }
}

async fn first_column(client: &Client, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?.into_iter();
    let values = messages.filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(values.collect())
}

impl Adapter for Postgres {
    fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    /// Loads the files of the sources that have changed since.
    fn prepare(&self) -> Result<(), AdapterError> {
        if self.sources.is_empty() {
            return Ok(());
        }
        let opened = self.runtime.block_on(self.open_again());
        let (client, _) = opened.map_err(|failure| failure.in_run(&self.settings))?;
        self.sources.iter().try_for_each(|source| sources::load(&client, self.runtime.handle(), &self.root, source))
    }

    fn state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError> {
        state::read(self.session()?.as_mut(), targets, self.dialect)
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, AdapterError> {
        let opened = self.runtime.block_on(self.open_again());
        let (client, process) = opened.map_err(|failure| failure.in_run(&self.settings))?;
        let hold = Arc::new(Hold { token: client.cancel_token(), process });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|hold| hold.strong_count() > 0);
        running.push(Arc::downgrade(&hold));
        drop(running);
        Ok(Box::new(PostgresSession::new(client, self.runtime.handle().clone(), hold, Arc::clone(&self.cancelled))))
    }

    fn parallelism(&self) -> usize {
        thread::available_parallelism().map_or(4, usize::from).clamp(4, 8)
    }

    fn waits(&self) -> Vec<String> {
        let processes: Vec<String> = self.holds().iter().map(|hold| hold.process.clone()).collect();
        let Some(sql) = self.dialect.waits(&processes).filter(|_| !processes.is_empty()) else { return Vec::new() };
        // Whoever cannot be asked is not in the way of the run itself.
        self.runtime.block_on(self.ask(&sql)).unwrap_or_default()
    }

    fn go_on(&self) {
        self.cancelled.store(false, Ordering::SeqCst);
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let holds = self.holds();
        let is_late = self.first_cancel.get_or_init(Instant::now).elapsed() > GRACE;
        self.runtime.block_on(async {
            for hold in &holds {
                // One that cannot be cancelled now is asked again as long as it runs.
                let _ = timeout(CANCEL_TIMEOUT, self.door.cancel(&hold.token)).await;
            }
            if is_late && !holds.is_empty() {
                let ends = holds.iter().map(|hold| format!("pg_terminate_backend({})", hold.process));
                let sql = format!("select {}", ends.collect::<Vec<_>>().join(", "));
                let _ = timeout(CANCEL_TIMEOUT, self.ask(&sql)).await;
            }
        });
    }
}
