//! What several commands do with the history.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::adapter::Adapter;
use crate::compile::Compilation;
use crate::execute::{HistoryWritten, write_history};
use crate::plan::HistoryEntry;
use crate::report::Terminal;

/// When a run began, in a form that sorts, and a number that nobody else draws.
pub(super) fn new_run_id() -> String {
    let began = jiff::Timestamp::now().strftime("%Y%m%dt%H%M%S");
    format!("{began}-{:016x}", RandomState::new().build_hasher().finish())
}

/// Keeps what was done, if the settings ask for a history. What cannot be kept is told, and changes nothing else.
pub(super) fn keep(adapter: &dyn Adapter, compilation: &Compilation, entries: &[HistoryEntry], terminal: &Terminal) {
    let Some((table, _)) = compilation.project.history().filter(|_| !entries.is_empty()) else { return };
    match write_history(adapter, &table, entries) {
        Ok(HistoryWritten::Without(missing)) if missing.is_empty() => {}
        Ok(HistoryWritten::Without(missing)) => {
            let (names, statements): (Vec<_>, Vec<_>) =
                missing.into_iter().map(|(name, statement)| (format!("`{name}`"), statement)).unzip();
            let columns = if names.len() == 1 { "the column" } else { "the columns" };
            let message =
                format!("the history `{table}` is kept without {columns} {}: there is none", names.join(", "));
            terminal.warning(&message, &format!("add what is missing: `{}`", statements.join("; ")));
        }
        Ok(HistoryWritten::Foreign { missing }) => {
            let message = format!("no history is kept: `{table}` is another table, without a column `{missing}`");
            terminal.warning(&message, "give `history` the name of a table that trueup may make");
        }
        Err(error) => {
            let help = error.help.unwrap_or_else(|| {
                "nothing else is changed by that; give whoever runs this the right to write there, or set `history: false`".to_owned()
            });
            terminal.warning(&format!("the history `{table}` cannot be written: {}", error.message), &help);
        }
    }
}
