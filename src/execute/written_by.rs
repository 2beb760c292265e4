//! Whether the rows of a table come from the text that the project has now, as far as the history tells.

use std::collections::HashMap;
use std::time::SystemTime;

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError};
use crate::compile::Compilation;
use crate::execute::HistoryState;
use crate::execute::history::{ask_history, fingerprint};
use crate::execute::status::seconds;
use crate::plan::{HistoryBuild, HistoryCommand, HistoryOutcome, writes_of_history, written_fingerprint};
use crate::relation::{Column, Target};

/// By which text the rows of a table were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WrittenBy {
    /// Nobody knows.
    #[default]
    Unknown,
    /// All by the present one.
    Present,
    /// Some may be from a run of another one.
    Other {
        /// How many seconds ago the last such run began.
        seconds_ago: u64,
    },
}

/// Asks the history of a project which text has written the rows of tables. What it does not tell of is left out.
pub fn written_by(
    adapter: &dyn Adapter,
    table: &Target,
    compilation: &Compilation,
    ids: &[ActionId],
) -> Result<HashMap<ActionId, WrittenBy>, AdapterError> {
    let project = &compilation.project;
    let names = (project.settings.name.as_str(), project.environment.name.as_str());
    let by_name: HashMap<String, ActionId> =
        ids.iter().map(|id| (compilation.graph.get(*id).canonical.to_string(), *id)).collect();
    let actions: Vec<String> = by_name.keys().cloned().collect();
    let query =
        |columns: &[Column]| writes_of_history(table, columns, names, &actions, SystemTime::now(), adapter.dialect());
    let take = |row: &[Option<String>], known: &mut HashMap<ActionId, WrittenBy>| {
        let [Some(action), ago, command, outcome, build, version, print] = row else { return };
        let Some(id) = by_name.get(action).copied().filter(|id| !known.contains_key(id)) else { return };
        let write = Write { ago, command, outcome, build };
        let is_of_this_version = version.as_deref() == Some(env!("CARGO_PKG_VERSION"));
        let print = print.as_ref().filter(|_| is_of_this_version);
        let present = fingerprint(compilation, id).map(written_fingerprint);
        if let Some(says) = write.says(print.zip(present.as_ref()).map(|(print, present)| print == present)) {
            known.insert(id, says);
        }
    };
    Ok(match ask_history(adapter, table, query, take)? {
        HistoryState::Known(known) => known,
        HistoryState::Missing | HistoryState::Foreign { .. } => HashMap::new(),
    })
}

/// An entry of the history that tells of rows which were written, or found to be right.
struct Write<'a> {
    ago: &'a Option<String>,
    command: &'a Option<String>,
    outcome: &'a Option<String>,
    build: &'a Option<String>,
}

impl Write<'_> {
    /// What it says if it is the newest one of which not all are known to be of the present text; `None` if an older one decides.
    fn says(&self, is_present: Option<bool>) -> Option<WrittenBy> {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let is_run = HistoryCommand::named(&word(self.command)) == Some(HistoryCommand::Run);
        let outcome = HistoryOutcome::named(&word(self.outcome));
        let ended_well = matches!(outcome, Some(HistoryOutcome::Success | HistoryOutcome::Repaired));
        // A comparison that ended well has found, or made, all rows those of its text.
        let build = HistoryBuild::named(&word(self.build));
        let is_whole = !is_run || matches!(build, Some(HistoryBuild::Full | HistoryBuild::Batches));
        match (is_run, is_present) {
            (_, Some(true)) => (ended_well && is_whole).then_some(WrittenBy::Present),
            (true, Some(false)) if ended_well => {
                let seconds_ago = seconds(self.ago.as_ref()).and_then(|ago| u64::try_from(ago).ok());
                Some(WrittenBy::Other { seconds_ago: seconds_ago.unwrap_or_default() })
            }
            // One that was broken off may have left whole intervals.
            (true, _) => Some(WrittenBy::Unknown),
            (false, _) => None,
        }
    }
}
