use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Reader;
use crate::project::LoadError;
use crate::project::bigquery::{BigQueryAccess, Budget, WrittenBigQuery};
use crate::project::iam::{Iam, WrittenIam};

/// How a warehouse is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Connection {
    /// The embedded engine: a database file, relative to the project's root; or `:memory:`.
    DuckDb {
        /// The file.
        path: PathBuf,
    },
    /// PostgreSQL.
    Postgres(Box<Server>),
    /// Amazon Redshift.
    Redshift(Box<Server>),
    /// Google's BigQuery.
    BigQuery(Box<BigQueryAccess>),
}

impl Connection {
    /// What reading so many bytes costs, where that is what a warehouse is paid for.
    pub fn cost(&self, bytes: u64) -> Option<f64> {
        let Self::BigQuery(access) = self else { return None };
        Some(access.cost(bytes))
    }

    /// What a run may be estimated to read at the most.
    pub fn budget(&self) -> Option<Budget> {
        let Self::BigQuery(access) = self else { return None };
        access.budget
    }

    /// How many bytes a budget buys, where that is what a warehouse is paid for.
    pub fn bytes_of(&self, budget: Budget) -> Option<u64> {
        let Self::BigQuery(access) = self else { return None };
        Some(access.bytes_of(budget))
    }
}

/// A server that speaks the protocol of PostgreSQL. What is `None` is as the server or the protocol's clients have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// `postgres://user@host:port/database?…`, in place of host and port; the other fields come before it.
    pub url: Option<Secret>,
    /// A name, an address, or the folder of a socket.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The database.
    pub database: Option<String>,
    /// Who connects.
    pub user: Option<String>,
    /// The password; otherwise it is looked for in the password file.
    pub password: Option<Secret>,
    /// The file of passwords, in the form of `.pgpass`; `~/.pgpass` if it is not named.
    pub password_file: Option<PathBuf>,
    /// How far the server has to prove who it is.
    pub ssl_mode: Option<SslMode>,
    /// A file of certificates that are trusted, in PEM; otherwise those of the system.
    pub ssl_root_cert: Option<PathBuf>,
    /// How long to wait for the connection.
    pub connect_timeout: Option<Duration>,
    /// How long a statement may run.
    pub statement_timeout: Option<Duration>,
    /// What the server lists the sessions under.
    pub application_name: Option<String>,
    /// Redshift: the label of all statements, by which its queues and its tables of the system tell them apart.
    pub query_group: Option<String>,
    /// Who gives the user and the password, if it is AWS.
    pub iam: Option<Iam>,
}

/// How far a server has to prove who it is, as `sslmode` of libpq has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// No encryption.
    Disable,
    /// Encryption if the server has it.
    Prefer,
    /// Encryption.
    Require,
    /// Encryption, and a certificate that somebody trusted has signed.
    VerifyCa,
    /// The same, for the very name of the host.
    VerifyFull,
}

/// The words of [`SslMode`].
pub const SSL_MODES: [(&str, SslMode); 6] = [
    ("disable", SslMode::Disable),
    ("allow", SslMode::Prefer),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A connection as the settings have it: `${NAME}` still stands in its strings.
#[derive(Debug, Clone)]
pub(super) enum WrittenConnection {
    DuckDb { path: Option<String> },
    Postgres(WrittenServer),
    Redshift(WrittenServer, Option<WrittenIam>),
    BigQuery(WrittenBigQuery),
}

#[derive(Debug, Clone)]
pub(super) struct WrittenServer {
    texts: Vec<(&'static str, String)>,
    ssl_mode: Option<SslMode>,
}

/// Texts of a server in the settings, and the variables that stand for them where they are missing.
const TEXTS: [(&str, Option<&str>); 12] = [
    ("url", None),
    ("host", Some("PGHOST")),
    ("port", Some("PGPORT")),
    ("database", Some("PGDATABASE")),
    ("user", Some("PGUSER")),
    ("password", Some("PGPASSWORD")),
    ("passfile", Some("PGPASSFILE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("statement_timeout", None),
    ("application_name", Some("PGAPPNAME")),
    ("query_group", None),
];

impl WrittenServer {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let texts = TEXTS.iter().filter_map(|(key, _)| Some((*key, reader.text(key)?.value)));
        let texts = texts.collect();
        Self { texts, ssl_mode: reader.one_of("sslmode", &SSL_MODES).map(|mode| mode.value) }
    }

    /// Fills in what is left open: `fill` puts the values of variables into a text, `variable` gives one.
    pub(super) fn resolve(
        &self,
        fill: &dyn Fn(&str) -> Result<String, LoadError>,
        variable: &dyn Fn(&str) -> Option<String>,
        environment: &str,
    ) -> Result<Server, LoadError> {
        let wrong = |key: &str, value: &str, wanted: &str| LoadError::WrongValue {
            environment: environment.to_owned(),
            message: format!("`{key}` is `{value}`, which is not {wanted}"),
        };
        let mut values = Vec::new();
        let has_url = self.texts.iter().any(|(key, _)| *key == "url");
        for (key, stand_in) in TEXTS {
            let written = self.texts.iter().find(|(name, _)| *name == key).map(|(_, text)| fill(text)).transpose();
            // An address says it all: variables that happen to be set must not lead elsewhere.
            let is_of_address =
                ["host", "port", "database", "user", "application_name", "connect_timeout"].contains(&key);
            let fallback = stand_in.filter(|_| !(has_url && is_of_address)).and_then(variable);
            let value = written?.or(fallback).filter(|value| !value.is_empty());
            values.extend(value.map(|value| (key, value)));
        }
        let get = |key: &str| values.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        let number = |key: &str| {
            let parsed = get(key).map(|value| value.trim().parse().map_err(|_| wrong(key, &value, "a whole number")));
            parsed.transpose()
        };
        let seconds = |key: &str| -> Result<Option<Duration>, LoadError> {
            Ok(number(key)?.filter(|seconds| *seconds > 0).map(Duration::from_secs))
        };
        let port = number("port")?;
        let port =
            port.map(|port| u16::try_from(port).map_err(|_| wrong("port", &port.to_string(), "the number of a port")));
        let ssl_mode = variable("PGSSLMODE").filter(|word| self.ssl_mode.is_none() && !has_url && !word.is_empty());
        let ssl_mode = ssl_mode.map(|word| {
            let known = SSL_MODES.iter().find(|(name, _)| *name == word).map(|(_, mode)| *mode);
            known.ok_or_else(|| wrong("PGSSLMODE", &word, "a mode of SSL such as `require` or `verify-full`"))
        });
        Ok(Server {
            url: get("url").map(Secret),
            host: get("host"),
            port: port.transpose()?,
            database: get("database"),
            user: get("user"),
            password: get("password").map(Secret),
            password_file: get("passfile").map(PathBuf::from),
            ssl_mode: self.ssl_mode.or(ssl_mode.transpose()?),
            ssl_root_cert: get("sslrootcert").map(PathBuf::from),
            connect_timeout: seconds("connect_timeout")?,
            statement_timeout: seconds("statement_timeout")?,
            application_name: get("application_name"),
            query_group: get("query_group"),
            iam: None,
        })
    }
}
