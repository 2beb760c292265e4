//! How late the rows of a table came.

use crate::adapter::{Adapter, AdapterError};
use crate::diagnostic::did_you_mean;
use crate::dialect::Dialect;
use crate::execute::allowance::number;
use crate::plan::lateness;
use crate::relation::{Column, Target};

/// Lengths of time that a lookback may have, in seconds.
const STEPS: [(&str, u64); 14] = [
    ("1 minute", 60),
    ("5 minutes", 300),
    ("15 minutes", 900),
    ("1 hour", 3_600),
    ("3 hours", 3 * 3_600),
    ("6 hours", 6 * 3_600),
    ("12 hours", 12 * 3_600),
    ("1 day", 86_400),
    ("2 days", 2 * 86_400),
    ("3 days", 3 * 86_400),
    ("1 week", 7 * 86_400),
    ("2 weeks", 14 * 86_400),
    ("30 days", 30 * 86_400),
    ("90 days", 90 * 86_400),
];

/// More columns than these would be no help.
const MOST_NAMED: usize = 12;

/// Rows of a table by how late they are.
#[derive(Debug, Clone, Default)]
pub struct Lateness {
    /// Rows with both times.
    pub rows: u64,
    /// Rows without one of them.
    pub untimed: u64,
    /// Rows that came before they happened.
    pub early: u64,
    /// How many bytes a look at all of the table reads, where the warehouse tells that beforehand.
    pub bytes: Option<u64>,
    /// For each length of time, in order: its name, how many rows came in that time, and how many are not older than that.
    pub steps: Vec<LatenessStep>,
}

/// A length of time.
#[derive(Debug, Clone)]
pub struct LatenessStep {
    /// `1 hour`
    pub name: &'static str,
    /// How many rows came in that time.
    pub came: u64,
    /// How many rows are that young, beside the newest: what a run reads that looks so far back.
    pub young: u64,
}

/// Counts the rows of a relation by the time from one of its columns to another. Columns that are not there, or are no times, are an
/// error.
pub fn measure_lateness(
    adapter: &dyn Adapter,
    target: &Target,
    event: &str,
    processed: &str,
) -> Result<Lateness, AdapterError> {
    let dialect = adapter.dialect();
    let table = dialect.relation(target);
    let mut session = adapter.session()?;
    let all = format!("select * from {table}");
    let columns = session.describe(&all)?;
    let time = |name: &str| time_column(&columns, name, dialect);
    let seconds: Vec<u64> = STEPS.iter().map(|(_, seconds)| *seconds).collect();
    let statement = lateness(dialect, &table, &time(event)?, &time(processed)?, &seconds);
    let rows = session.rows(statement.sql())?;
    let numbers: Vec<u64> = rows.first().into_iter().flatten().map(|cell| number(cell.as_ref())).collect();
    let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
    let step = |(place, (name, _)): (usize, &(&'static str, u64))| LatenessStep {
        name,
        came: at(3 + place),
        young: at(3 + STEPS.len() + place),
    };
    // A view, or a table that wants a filter, may not be estimated.
    let bytes = session.estimate(&all).ok().flatten().map(|estimate| estimate.bytes);
    let [rows, untimed, early] = [at(0), at(1), at(2)];
    Ok(Lateness { rows, untimed, early, bytes, steps: STEPS.iter().enumerate().map(step).collect() })
}

/// The column of that name, in any case of letters, which must be a date or a timestamp.
pub(super) fn time_column(columns: &[Column], name: &str, dialect: &dyn Dialect) -> Result<Column, AdapterError> {
    let refuse = |message: String, help: Option<String>| AdapterError { help, ..AdapterError::from_message(message) };
    let Some(column) = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)) else {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let help = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
            let shown: Vec<String> = names.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > MOST_NAMED { ", …" } else { "" };
            format!("name one that it has: {}{more}", shown.join(", "))
        });
        return Err(refuse(format!("there is no column `{name}`"), Some(help)));
    };
    if dialect.semantics().named_type(&column.data_type).is_moment() {
        return Ok(column.clone());
    }
    let help = "name a column that is a date or a timestamp".to_owned();
    Err(refuse(format!("`{name}` is {}, and no time", column.data_type), Some(help)))
}
