//! Why a command ended without doing what it was asked to, and the exit code for it.

use std::io;

use crate::adapter::{AdapterError, ConnectError};
use crate::execute::{CostError, ReconcileError, UnitTestsError};
use crate::files::RevisionError;
use crate::graph::SelectError;
use crate::project::LoadError;
use crate::report::{byte_count, count};

/// Why a command ended without doing what it was asked to. The kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The project has mistakes, or a step failed: it has been reported. Exit code 1.
    #[error("the project has mistakes")]
    Failed,
    /// trueup could not work: usage, settings, connection. Exit code 2.
    #[error("{message}")]
    Unable {
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Interrupted by the user. Exit code 130, as shells have it.
    #[error("cancelled")]
    Cancelled,
}

impl CommandError {
    /// trueup could not work.
    pub fn unable(message: impl Into<String>) -> Self {
        Self::Unable { message: message.into(), help: None }
    }

    /// 1, 2 or 130; 0 is for what went well.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Unable { .. } => 2,
            Self::Cancelled => 130,
        }
    }
}

impl From<ReconcileError> for CommandError {
    fn from(error: ReconcileError) -> Self {
        let help = match &error {
            ReconcileError::Project(_) => return Self::Failed,
            ReconcileError::PreOperations(_) => Some("`trueup run --full-refresh` builds it anew".to_owned()),
            ReconcileError::NoTime(_) => Some("name the column in its config: `eventTime: \"…\"`".to_owned()),
            ReconcileError::NoIntervals(_) => {
                Some("name the column that says when in its config: `eventTime: \"…\"`".to_owned())
            }
            ReconcileError::NothingToDraw(_) => Some("leave --sample out: all rows count then".to_owned()),
            ReconcileError::Budget(_, over, found) => {
                let (needed, left) = (byte_count(over.needed), byte_count(over.left));
                let differ = match (found.differing.len(), found.intervals) {
                    (0, _) => String::new(),
                    (_, None) => "; it differs, which is all that is known".to_owned(),
                    (differing, Some(all)) => {
                        format!("; {differing} of {} differ, which is all that is known", count(all, "interval"))
                    }
                };
                return Self::Unable {
                    message: format!(
                        "{error}: the next query would read {needed}, and {left} are left of the budget{differ}"
                    ),
                    help: Some("read less by --since or --sample, or allow more by --budget".to_owned()),
                };
            }
            ReconcileError::Relations(_, _, error) => error.help.clone(),
            ReconcileError::Adapter(_, error) => {
                error.help.clone().or_else(|| Some("`trueup run` builds what the model reads".to_owned()))
            }
        };
        Self::Unable { message: error.to_string(), help }
    }
}

impl From<CostError> for CommandError {
    fn from(error: CostError) -> Self {
        let help = match &error {
            CostError::Project(_) => return Self::Failed,
            CostError::NoHistory => Some("`history: true` in the settings keeps one from the next run on".to_owned()),
            CostError::NoHistoryYet(_) => Some("the next `trueup run` makes it".to_owned()),
            CostError::Foreign { .. } => Some("give `history` another name".to_owned()),
            CostError::Unreadable(_, error) | CostError::Adapter(error) => error.help.clone(),
        };
        Self::Unable { message: error.to_string(), help }
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        let message = error.to_string();
        let help = match &error {
            LoadError::NoEnvironment { help, .. } => return Self::Unable { message, help: help.clone() },
            LoadError::NoSettings => {
                Some("go to a project's folder, name it with --project, or make one with `trueup init`")
            }
            LoadError::NoVariable { .. } => Some("set it, or write it into a file `.env` beside the settings"),
            LoadError::WrongValue { .. } | LoadError::Io { .. } => None,
        };
        Self::Unable { message, help: help.map(str::to_owned) }
    }
}

impl From<SelectError> for CommandError {
    fn from(error: SelectError) -> Self {
        let message = error.to_string();
        match error {
            SelectError::Nothing { help, .. } => Self::Unable { message, help },
            SelectError::Method { .. } | SelectError::NothingToAddTo => Self::unable(message),
        }
    }
}

impl From<RevisionError> for CommandError {
    fn from(error: RevisionError) -> Self {
        let help = match &error {
            RevisionError::NoGit(_) => "install git, or name a manifest that has been kept",
            RevisionError::NoRepository => {
                "name a manifest that has been kept instead: `.trueup/manifest.json` of an earlier state"
            }
            RevisionError::Refused { .. } => {
                "name a branch, a tag or a commit; `git log --oneline` shows the last ones"
            }
            RevisionError::Answer(_) => return Self::unable(error.to_string()),
        };
        Self::Unable { message: error.to_string(), help: Some(help.to_owned()) }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::unable(error.to_string())
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        let help = match &error {
            ConnectError::InUse { .. } => {
                Some("wait until it is done: one process at a time can write to a DuckDB file")
            }
            ConnectError::Login { help, .. } => return Self::Unable { message: error.to_string(), help: help.clone() },
            ConnectError::Settings { .. } => Some(
                "look at the environment in the settings, and at the variables that stand for what it does not say",
            ),
            ConnectError::Unreachable { help: Some(help), .. } => Some(help.as_str()),
            ConnectError::Unreachable { .. } => Some(
                "look at `host`, `port`, `database`, `user`, `password` and `sslmode` of the environment, or at PGHOST and its like",
            ),
            ConnectError::Failed { .. } => Some(
                "the environment's `path` must be a DuckDB database file, or a new one, in a folder that can be written to",
            ),
        };
        Self::Unable { message: error.to_string(), help: help.map(str::to_owned) }
    }
}

impl From<AdapterError> for CommandError {
    fn from(error: AdapterError) -> Self {
        Self::Unable { message: error.message, help: error.help }
    }
}

impl From<UnitTestsError> for CommandError {
    fn from(error: UnitTestsError) -> Self {
        match error {
            UnitTestsError::Connect(error) => error.into(),
            UnitTestsError::Warehouse(error) => error.into(),
            UnitTestsError::Project(_) => Self::Failed,
            UnitTestsError::Left { .. } => {
                Self::Unable { message: error.to_string(), help: Some("drop it, with all that is in it".to_owned()) }
            }
            UnitTestsError::Unsupported(_) => Self::Unable {
                message: error.to_string(),
                help: Some("leave --on-warehouse out: they run in the embedded engine, translated".to_owned()),
            },
        }
    }
}
