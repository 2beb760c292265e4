//! Servers that speak the protocol of PostgreSQL: itself, and Redshift with a dialect of its own.

mod error;
mod pass_file;
mod server;
mod session;
mod state;
mod tls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::CancelToken;

use crate::adapter::{Adapter, AdapterError, ConnectError, Session};
use crate::dialect::Dialect;
use crate::project::Server;
use crate::relation::{Target, WarehouseState};

use error::error;
use server::Door;
use session::PostgresSession;

/// How long a request to cancel may take: the server may be gone.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A server, and the sessions on it.
pub struct Postgres {
    dialect: &'static dyn Dialect,
    door: Door,
    /// Statements before those of a plan: the same for every session.
    settings: String,
    runtime: Runtime,
    running: Mutex<Vec<Weak<CancelToken>>>,
    cancelled: Arc<AtomicBool>,
}

impl Postgres {
    /// Finds the server and looks whether it answers.
    pub fn connect(server: &Server, dialect: &'static dyn Dialect, default_port: u16) -> Result<Self, ConnectError> {
        let door = Door::find(server, default_port).map_err(|message| ConnectError::Settings { message })?;
        let failed = |message: String| ConnectError::Unreachable { server: door.name(), message };
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.to_string()))?;
        let client = runtime.block_on(door.connect(runtime.handle()));
        client.map_err(|failure| failed(error(&failure, "").message))?;
        let mut settings = "set timezone = 'UTC'; set client_min_messages = warning;".to_owned();
        if let Some(limit) = server.statement_timeout {
            settings += &format!(" set statement_timeout = {};", limit.as_millis());
        }
        settings += dialect.session().unwrap_or_default();
        Ok(Self { dialect, door, settings, runtime, running: Mutex::default(), cancelled: Arc::default() })
    }
}

impl Adapter for Postgres {
    fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    fn prepare(&self) -> Result<(), AdapterError> {
        Ok(())
    }

    fn state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError> {
        state::read(self.session()?.as_mut(), targets, self.dialect)
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, AdapterError> {
        let open = async {
            let client = self.door.connect(self.runtime.handle()).await?;
            client.batch_execute(&self.settings).await?;
            Ok(client)
        };
        let client = self.runtime.block_on(open).map_err(|failure| error(&failure, &self.settings))?;
        let token = Arc::new(client.cancel_token());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|token| token.strong_count() > 0);
        running.push(Arc::downgrade(&token));
        drop(running);
        Ok(Box::new(PostgresSession::new(client, self.runtime.handle().clone(), token, Arc::clone(&self.cancelled))))
    }

    fn parallelism(&self) -> usize {
        thread::available_parallelism().map_or(4, usize::from).clamp(4, 8)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let tokens: Vec<Arc<CancelToken>> = running.iter().filter_map(Weak::upgrade).collect();
        drop(running);
        self.runtime.block_on(async {
            for token in tokens {
                // One that cannot be cancelled now is asked again as long as it runs.
                let _ = timeout(CANCEL_TIMEOUT, self.door.cancel(&token)).await;
            }
        });
    }
}
