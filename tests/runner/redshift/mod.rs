//! A stand-in for Amazon Redshift: it speaks the wire protocol in front of a PostgreSQL server, takes Redshift's SQL and
//! refuses what Redshift refuses. Everything that it pretends is written down in `README.md`, with its source.

mod alter;
mod edit;
mod faults;
mod late_binding;
mod lexer;
mod load;
mod refused;
mod session;
mod statement;
mod storage;
mod wire;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use libtest_mimic::Failed;

use crate::postgres_server::{Server, USER};

use faults::Faults;

/// Everybody's.
const PASSWORD: &str = "Stand-in-1";

/// A stand-in that listens for as long as the process lives.
pub(crate) struct StandIn {
    port: u16,
}

/// What all sessions know.
struct Shared {
    socket: PathBuf,
    user: String,
    database: String,
    files: PathBuf,
    faults: Faults,
}

impl StandIn {
    /// Makes a database of the server into one of Redshift. `files` is the folder in place of S3.
    pub(crate) fn start(server: &Server, database: &str, files: &Path) -> Result<Self, Failed> {
        server.psql(database, include_str!("catalogue.sql"))?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            socket: server.socket(),
            user: USER.to_owned(),
            database: database.to_owned(),
            files: files.to_owned(),
            faults: Faults::default(),
        });
        thread::spawn(move || {
            for client in listener.incoming().filter_map(Result::ok) {
                let shared = Arc::clone(&shared);
                // However a session ends, the client sees that it is over.
                thread::spawn(move || session::serve(client, &shared));
            }
        });
        Ok(Self { port })
    }

    /// What leads a client there, in place of the server itself.
    pub(crate) fn variables(&self, server: &Server, database: &str) -> Vec<(&'static str, String)> {
        let mut variables = server.variables(database);
        variables.retain(|(name, _)| *name != "PGHOST");
        variables.push(("PGHOST", "127.0.0.1".to_owned()));
        variables.push(("PGPORT", self.port.to_string()));
        variables.push(("PGPASSWORD", PASSWORD.to_owned()));
        variables
    }
}
