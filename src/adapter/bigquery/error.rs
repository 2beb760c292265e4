//! What BigQuery says no to: whether the same may go well the next time, where in the SQL it points, and what to do.

use crate::adapter::AdapterError;
use crate::adapter::bigquery::protocol::ErrorProto;

/// Why there is no answer, or none that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The service said no.
    Refused {
        /// The status of HTTP; 0 for what became of a job.
        status: u16,
        /// A word such as `rateLimitExceeded`.
        reason: String,
        /// In its own words.
        message: String,
    },
    /// The service did not answer, or not in a way that can be read.
    Lost(String),
    /// It cannot be proved who asks.
    Login(String),
    /// A script failed, and what it had done before is not undone.
    HalfDone(Box<Self>),
    /// The run was ended.
    Cancelled,
}

/// Reasons for which the same may go well the next time; <https://cloud.google.com/bigquery/docs/error-messages>.
const PASSING: [&str; 7] = [
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
];

/// What a message says of a failure that passes, whatever its reason is. The first two are those of transactions and of DML
/// statements that meet on one table.
const PASSING_WORDS: [&str; 3] = [
    "aborted due to concurrent update",
    "Could not serialize access to table",
    "Retrying the job may solve the problem",
];

/// A status of the server's that stays as it is.
const NOT_IMPLEMENTED: u16 = 501;

impl Failure {
    /// What became of a job.
    pub(super) fn of_job(error: &ErrorProto) -> Self {
        Self::Refused { status: 0, reason: error.reason.clone(), message: error.message.clone() }
    }

    /// Whether the same may go well the next time.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Refused { status, reason, message } => {
                [408, 429].contains(status)
                    || (*status >= 500 && *status != NOT_IMPLEMENTED)
                    || PASSING.contains(&reason.as_str())
                    || PASSING_WORDS.iter().any(|words| message.contains(words))
            }
            Self::Lost(_) => true,
            Self::Login(_) | Self::HalfDone(_) | Self::Cancelled => false,
        }
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether those who ask may not.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { status: 403, reason, .. } if reason == "accessDenied")
    }

    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }

    /// For people. `sql` is the text that was sent.
    pub(super) fn into_error(self, sql: &str) -> AdapterError {
        let (reason, message) = match self {
            Self::Cancelled => return AdapterError::from_message("cancelled"),
            Self::Lost(message) => {
                let message = format!("BigQuery does not answer: {message}");
                let help =
                    "look at the network, and at `endpoint` of the environment; the step can be run again".to_owned();
                return AdapterError { help: Some(help), ..AdapterError::from_message(message) };
            }
            Self::Login(message) => {
                return AdapterError { help: Some(LOGIN.to_owned()), ..AdapterError::from_message(message) };
            }
            Self::HalfDone(failure) => {
                let error = failure.into_error(sql);
                return AdapterError { help: Some(HALF_DONE.to_owned()), ..error };
            }
            Self::Refused { reason, message, .. } => (reason, message),
        };
        let (message, place) = split_place(&message);
        let position = place.and_then(|(line, column)| byte_at(sql, line, column));
        AdapterError { help: help(&reason, message), position, ..AdapterError::from_message(message) }
    }
}

/// What to do where it cannot be proved who asks.
pub(super) const LOGIN: &str = "log in with `gcloud auth application-default login`, or name a key by `keyfile` in the \
                                environment or by GOOGLE_APPLICATION_CREDENTIALS";

const HALF_DONE: &str = "what the script had done before it failed stays: look at it, and begin a new run, which does the step \
                         from its start; what stands between `begin transaction` and `commit transaction` would be undone";

fn help(reason: &str, message: &str) -> Option<String> {
    let help = match reason {
        "accessDenied" => {
            "ask for the roles `BigQuery Job User` on the project of the jobs and `BigQuery Data Editor` on the datasets"
        }
        "billingNotEnabled" => "turn billing on for the project, or name another by `project` in the environment",
        "bytesBilledLimitExceeded" => {
            "let it read less, or allow more by `maximum_bytes_billed` in the environment or `maximumBytesBilled` in the config"
        }
        "quotaExceeded" => "wait until the quota is free again, or ask for more of it; the message names it",
        "rateLimitExceeded" | "jobRateLimitExceeded" => {
            "it was tried again for as long as `retry_timeout` allows: run fewer steps at a time (`threads`)"
        }
        "backendError" | "internalError" | "jobBackendError" | "jobInternalError" => {
            "it was tried again for as long as that is safe and `retry_timeout` allows: run it again with --resume"
        }
        "resourcesExceeded" => "let the query sort, join or group less at a time",
        "responseTooLarge" => "let the query give less",
        "stopped" => "the job was stopped from outside or ran longer than `job_timeout`: run it again with --resume",
        "notFound" if message.contains("Dataset") => {
            "make the dataset, or look at `location` in the environment: jobs see the datasets of their own location alone"
        }
        _ => return None,
    };
    Some(help.to_owned())
}

/// A message without the place at its end, `at [3:14]`, and that place: line and column, from 1.
pub(super) fn split_place(message: &str) -> (&str, Option<(usize, usize)>) {
    let place = || {
        let inner = message.trim_end().strip_suffix(']')?;
        let (before, place) = inner.rsplit_once(" at [")?;
        let (line, column) = place.split_once(':')?;
        Some((before, (line.parse().ok()?, column.parse().ok()?)))
    };
    match place() {
        Some((before, place)) => (before, Some(place)),
        None => (message, None),
    }
}

/// The byte of a text at a line and a column, both from 1. Columns count letters, and a tab reaches to the next multiple of 8,
/// as in `ZetaSQL`'s `ParseLocationTranslator`.
fn byte_at(sql: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = sql.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let text = sql.get(start..)?.lines().next().unwrap_or_default();
    let mut at = 1;
    for (offset, char) in text.char_indices() {
        if at >= column {
            return Some(start + offset);
        }
        at = if char == '\t' { (at - 1) / 8 * 8 + 9 } else { at + 1 };
    }
    Some(start + text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_off_messages() {
        assert_eq!(split_place("Unrecognized name: a at [3:14]"), ("Unrecognized name: a", Some((3, 14))));
        assert_eq!(split_place("Syntax error: Unexpected \"]\""), ("Syntax error: Unexpected \"]\"", None));
        assert_eq!(split_place("at [x:1]"), ("at [x:1]", None));
    }

    #[test]
    fn places_are_bytes() {
        let sql = "select\n\tä, b\r\nfrom t";
        assert_eq!(byte_at(sql, 1, 1), Some(0));
        assert_eq!(&sql[byte_at(sql, 2, 9).unwrap_or_default()..][.."ä".len()], "ä");
        assert_eq!(&sql[byte_at(sql, 2, 12).unwrap_or_default()..][..1], "b");
        assert_eq!(byte_at(sql, 3, 99), Some(sql.len()));
        assert_eq!(byte_at(sql, 0, 1), None);
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        let refused = |status, reason: &str, message: &str| Failure::Refused {
            status,
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        assert!(refused(403, "rateLimitExceeded", "").passes());
        assert!(refused(503, "", "").passes());
        assert!(
            refused(0, "invalidQuery", "Transaction is aborted due to concurrent update against table p:d.t.").passes()
        );
        assert!(!refused(403, "quotaExceeded", "").passes());
        assert!(!refused(400, "invalidQuery", "Syntax error").passes());
        assert!(!refused(501, "notImplemented", "").passes());
        assert!(!refused(403, "accessDenied", "").passes());
    }
}
