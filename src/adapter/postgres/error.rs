use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::adapter::AdapterError;
use crate::adapter::postgres::iam::LoginError;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the server or the way to it said no to.
    Server(Error),
    /// What AWS said no to, which was to give the password.
    Login(LoginError),
}

impl From<Error> for Failure {
    fn from(failure: Error) -> Self {
        Self::Server(failure)
    }
}

impl Failure {
    /// The same in the middle of a run. `sql` is the text that was sent.
    pub(super) fn in_run(self, sql: &str) -> AdapterError {
        match self {
            Self::Server(failure) => error(&failure, sql),
            Self::Login(LoginError { message, help }) => AdapterError { help, ..AdapterError::from_message(message) },
        }
    }

    /// Whether the server may be there in a moment.
    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Server(failure) if is_away(failure))
    }
}

/// What the server or the way to it said no to. `sql` is the text that was sent.
pub(super) fn error(failure: &Error, sql: &str) -> AdapterError {
    let Some(said) = failure.as_db_error() else {
        let cause = failure.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let message = if failure.is_closed() {
            "the connection to the server was lost".to_owned()
        } else {
            format!("{failure}{cause}")
        };
        return AdapterError::from_message(message);
    };
    let (position, message) = match said.position() {
        Some(ErrorPosition::Original(at)) => (byte(sql, *at), words(said)),
        // Of a statement that a function of ours ran.
        Some(ErrorPosition::Internal { query, .. }) => (None, format!("{}\nin: {query}", words(said))),
        None => (None, words(said)),
    };
    let (message, help) = match circumstance(said) {
        Some((what, help)) => (format!("{what}: {message}"), Some(help.to_owned())),
        None => (message, None),
    };
    AdapterError { message, position, is_conflict: is_conflict(said), help }
}

/// What keeps a server from doing what it was asked to, though the SQL is right, and what to do about it.
fn circumstance(said: &DbError) -> Option<(&'static str, &'static str)> {
    let code = said.code();
    let is = |other: &SqlState| code == other;
    if is(&SqlState::QUERY_CANCELED) {
        // The server tells the two apart by the message alone.
        return Some(if said.message().contains("statement timeout") {
            (
                "the statement ran longer than `statement_timeout`",
                "allow more by `statement_timeout` in the environment, or let the model read or write less; where the \
                 environment sets none, it is that of the role or the database",
            )
        } else {
            ("the statement was stopped from outside", "run it again, or ask who looks after the server")
        });
    }
    let table = [
        (
            SqlState::DISK_FULL,
            "the server's disk is full",
            "make room there, and run again; nothing of this step has stayed",
        ),
        (
            SqlState::OUT_OF_MEMORY,
            "the server is out of memory",
            "run fewer steps at a time (`threads`), or have `work_mem` lowered",
        ),
        (
            SqlState::TOO_MANY_CONNECTIONS,
            "the server takes no more connections",
            "run fewer steps at a time (`threads`), or have `max_connections` raised",
        ),
        (
            SqlState::CONFIGURATION_LIMIT_EXCEEDED,
            "a limit of the server was reached",
            "have the limit raised, or let the model sort, group or join fewer rows at once",
        ),
        (
            SqlState::READ_ONLY_SQL_TRANSACTION,
            "the server or the role takes no changes",
            "connect to the primary server, not to a standby, and look at `default_transaction_read_only`",
        ),
        (
            SqlState::CANNOT_CONNECT_NOW,
            "the server does not take connections at the moment",
            "it starts, stops or recovers: wait, and run again",
        ),
        (
            SqlState::LOCK_NOT_AVAILABLE,
            "another session held what the statement needs",
            "run again when it is done, or allow a longer `lock_timeout`",
        ),
    ];
    table.into_iter().find(|(known, ..)| is(known)).map(|(_, what, help)| (what, help))
}

/// The message, its detail and its hint.
fn words(said: &DbError) -> String {
    let mut words = said.message().to_owned();
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        words = format!("{words}\n{more}");
    }
    words
}

/// The server counts characters, from one.
fn byte(sql: &str, position: u32) -> Option<usize> {
    let before = usize::try_from(position).ok()?.checked_sub(1)?;
    sql.char_indices().nth(before).map(|(at, _)| at)
}

/// Nobody listens, or it starts or stops.
fn is_away(failure: &Error) -> bool {
    let starts = [
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        // Another one may be closed in a moment.
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    let io = failure.source().and_then(|source| source.downcast_ref::<io::Error>());
    let silent = [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound, io::ErrorKind::ConnectionReset];
    failure.code().is_some_and(|code| starts.contains(code))
        || failure.is_closed()
        || io.is_some_and(|io| silent.contains(&io.kind()))
}

/// How Redshift says that another transaction was in the way; the first of them is its error 1023.
const CONFLICTS: [&str; 4] = [
    "serializable isolation violation",
    "conflict with concurrent transaction",
    "could not open relation with oid",
    "could not complete because of conflict",
];

/// Whether the same transaction may work if it is tried again.
fn is_conflict(said: &DbError) -> bool {
    // The message of Redshift's error is its number alone: the words are its detail.
    let message = words(said).to_ascii_lowercase();
    *said.code() == SqlState::T_R_SERIALIZATION_FAILURE
        || *said.code() == SqlState::T_R_DEADLOCK_DETECTED
        // Two who make the same schema or type at the same moment.
        || *said.code() == SqlState::UNIQUE_VIOLATION && message.contains("\"pg_")
        || message.contains("tuple concurrently updated")
        || message.contains("tuple concurrently deleted")
        || CONFLICTS.iter().any(|words| message.contains(words))
}
