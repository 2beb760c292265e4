//! Keeps what has been done in a table of the warehouse, and reads from it what was done last.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::action::{ActionId, Kind};
use crate::adapter::{Adapter, AdapterError, Usage};
use crate::compile::Compilation;
use crate::execute::status::seconds;
use crate::execute::{LeftOut, Outcome, Reconciled, RunResults, StepResult};
use crate::plan::{
    HistoryBuild, HistoryCommand, HistoryEntry, HistoryFinding, HistoryOutcome, Statement, check_history,
    create_history, insert_history, last_of_history, missing_history_columns,
};
use crate::relation::{Column, Target};

/// How often an entry is tried to be written that other runs are in the way of.
const TRIES: usize = 3;

/// What has been written of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryWritten {
    /// All of it, but for the columns that the table does not have, each with the statement that adds it.
    Without(Vec<(&'static str, String)>),
    /// Nothing: it is another table, and lacks this column.
    Foreign {
        /// Its name.
        missing: &'static str,
    },
}

/// The last that is known of an action.
#[derive(Debug, Clone, Default)]
pub struct LastOfAction {
    /// Its last run.
    pub run: Option<LastDone>,
    /// Its last comparison that came to an end.
    pub comparison: Option<LastDone>,
}

/// Something that was done with an action.
#[derive(Debug, Clone)]
pub struct LastDone {
    /// What came of it.
    pub outcome: HistoryOutcome,
    /// How many seconds ago it began.
    pub seconds_ago: u64,
    /// How long it took.
    pub took: Option<Duration>,
    /// Rows written.
    pub rows: Option<u64>,
    /// Bytes read.
    pub bytes_read: Option<u64>,
    /// What it cost.
    pub cost: Option<f64>,
    /// What a comparison found.
    pub found: Option<HistoryFinding>,
}

/// What is known of a history.
#[derive(Debug, Clone)]
pub enum HistoryState<K> {
    /// The table is not there.
    Missing,
    /// It is another table: a column that tells the rows of a history apart is not there.
    Foreign {
        /// Its name.
        missing: &'static str,
    },
    /// What it tells.
    Known(K),
}

impl<K> HistoryState<K> {
    /// The same with something else in the place of what it tells.
    pub(super) fn map<L>(self, into: impl FnOnce(K) -> L) -> HistoryState<L> {
        match self {
            Self::Missing => HistoryState::Missing,
            Self::Foreign { missing } => HistoryState::Foreign { missing },
            Self::Known(known) => HistoryState::Known(into(known)),
        }
    }
}

/// Writes entries of what was done, and first makes the table if it is not there.
pub fn write_history(
    adapter: &dyn Adapter,
    table: &Target,
    entries: &[HistoryEntry],
) -> Result<HistoryWritten, AdapterError> {
    let dialect = adapter.dialect();
    let state = adapter.state(std::slice::from_ref(table))?;
    let columns = state.get(table).map(|relation| relation.columns.as_slice());
    if let Some(Err(missing)) = columns.map(check_history) {
        return Ok(HistoryWritten::Foreign { missing });
    }
    let mut session = adapter.session()?;
    let mut not_made = None;
    if columns.is_none() {
        for statement in create_history(table, dialect) {
            // Another run may be about to make it, too; whether it is there shows when it is written to.
            not_made = session.execute(statement.sql()).err();
        }
    }
    for statement in insert_history(table, columns, entries, dialect) {
        let mut tries = 1;
        while let Err(error) = session.execute(statement.sql()) {
            if !error.is_conflict || tries == TRIES {
                return Err(not_made.unwrap_or(error));
            }
            tries += 1;
        }
    }
    let missing = columns.map(|columns| missing_history_columns(table, columns, dialect));
    Ok(HistoryWritten::Without(missing.unwrap_or_default()))
}

/// Reads the last that is known of each action of a project in its environment, by the names that the project has for them, in
/// one query.
pub fn read_history(
    adapter: &dyn Adapter,
    table: &Target,
    compilation: &Compilation,
) -> Result<HistoryState<HashMap<String, LastOfAction>>, AdapterError> {
    let project = &compilation.project;
    let (name, environment) = (&project.settings.name, &project.environment.name);
    let query =
        |columns: &[Column]| last_of_history(table, columns, name, environment, SystemTime::now(), adapter.dialect());
    ask_history(adapter, table, query, |row, known: &mut HashMap<String, LastOfAction>| {
        // What a later version writes may have other words.
        let Some((command, action, done)) = last_done(row) else { return };
        let last = known.entry(action).or_default();
        match command {
            HistoryCommand::Run => last.run = Some(done),
            HistoryCommand::Reconcile => last.comparison = Some(done),
        }
    })
}

/// Asks a history one query, which depends on the columns that the table has, and takes its rows.
pub(super) fn ask_history<K: Default>(
    adapter: &dyn Adapter,
    table: &Target,
    query: impl FnOnce(&[Column]) -> Statement,
    mut take: impl FnMut(&[Option<String>], &mut K),
) -> Result<HistoryState<K>, AdapterError> {
    let state = adapter.state(std::slice::from_ref(table))?;
    let Some(relation) = state.get(table) else { return Ok(HistoryState::Missing) };
    if let Err(missing) = check_history(&relation.columns) {
        return Ok(HistoryState::Foreign { missing });
    }
    let mut known = K::default();
    for row in adapter.session()?.rows(query(&relation.columns).sql())? {
        take(&row, &mut known);
    }
    Ok(HistoryState::Known(known))
}

fn last_done(row: &[Option<String>]) -> Option<(HistoryCommand, String, LastDone)> {
    let [command, action, outcome, ago, millis, rows, bytes, cost, accuracy, missing, extra, different, late, part] =
        row
    else {
        return None;
    };
    let number = |text: &Option<String>| seconds(text.as_ref()).map(i64::unsigned_abs);
    let real = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
    let count = |text: &Option<String>| number(text).unwrap_or_default();
    let found = real(accuracy).map(|accuracy| HistoryFinding {
        part: part.clone(),
        accuracy,
        missing: count(missing),
        extra: count(extra),
        different: count(different),
        late: number(late),
    });
    let done = LastDone {
        outcome: HistoryOutcome::named(outcome.as_deref()?)?,
        // The clock of the warehouse may be behind the one that wrote it.
        seconds_ago: u64::try_from(seconds(ago.as_ref())?).unwrap_or_default(),
        took: number(millis).map(Duration::from_millis),
        rows: number(rows),
        bytes_read: number(bytes),
        cost: real(cost),
        found,
    };
    Some((HistoryCommand::named(command.as_deref()?)?, action.clone()?, done))
}

/// Of the texts of an action, whatever their layout.
pub(super) fn fingerprint(compilation: &Compilation, id: ActionId) -> Option<u64> {
    let print = &compilation.analysis.facts(id)?.fingerprint;
    let is_incremental = matches!(&compilation.graph.get(id).kind, Kind::Model(model) if model.incremental().is_some());
    Some(if is_incremental { print.texts() } else { print.text })
}

/// Makes entries of a command that goes through actions.
#[derive(Debug)]
pub struct HistoryWriter<'a> {
    compilation: &'a Compilation,
    run: String,
}

impl<'a> HistoryWriter<'a> {
    /// Of a run of that name.
    pub fn new(compilation: &'a Compilation, run: impl Into<String>) -> Self {
        Self { compilation, run: run.into() }
    }

    /// What a run did; nothing of what is disabled.
    pub fn of_run(&self, results: &RunResults) -> Vec<HistoryEntry> {
        results.steps.iter().filter_map(|step| self.of_step(step, results.started_at)).collect()
    }

    fn of_step(&self, step: &StepResult, run_started: SystemTime) -> Option<HistoryEntry> {
        let (outcome, rows) = match &step.outcome {
            Outcome::Done { rows } => (HistoryOutcome::Success, *rows),
            Outcome::Failed(_) => (HistoryOutcome::Error, None),
            Outcome::Rejected(_) | Outcome::Violated { .. } => (HistoryOutcome::Fail, None),
            Outcome::Skipped(_) => (HistoryOutcome::Skipped, None),
            Outcome::Disabled => return None,
        };
        let started_at = step.started_at.unwrap_or(run_started);
        let entry = self.entry(HistoryCommand::Run, step.id, outcome, (started_at, step.took), step.usage.as_deref());
        // A step does not know what becomes of a query.
        let is_view = self.compilation.graph.get(step.id).kind.is_view();
        let build = step.build.map(|build| if is_view { HistoryBuild::View } else { build });
        Some(HistoryEntry { build, rows, ..entry })
    }

    /// What a comparison found; `None` if it failed.
    pub fn of_comparison(
        &self,
        id: ActionId,
        found: Option<&Reconciled>,
        (started_at, took): (SystemTime, Duration),
    ) -> HistoryEntry {
        let outcome = match found {
            None => HistoryOutcome::Error,
            Some(found) if found.is_repaired => HistoryOutcome::Repaired,
            Some(found) if found.differing.is_empty() => HistoryOutcome::Success,
            Some(_) => HistoryOutcome::Fail,
        };
        let usage = found.and_then(|found| found.usage.as_ref());
        let finding = found.map(|found| {
            let (missing, extra, different) = found.totals();
            HistoryFinding {
                part: found.part(),
                accuracy: found.accuracy(),
                missing,
                extra,
                different,
                late: found.intervals.map(|_| found.waiting.passed_over()),
            }
        });
        let entry = self.entry(HistoryCommand::Reconcile, id, outcome, (started_at, took), usage);
        // Of a text that gives more than the table has, rows are not known to be right.
        let lacks_columns =
            found.is_some_and(|found| found.left_out.iter().any(|(_, why)| *why == LeftOut::OnlyInQuery));
        let fingerprint = entry.fingerprint.filter(|_| !lacks_columns);
        HistoryEntry { rows: found.and_then(|found| found.rows_written), found: finding, fingerprint, ..entry }
    }

    fn entry(
        &self,
        command: HistoryCommand,
        id: ActionId,
        outcome: HistoryOutcome,
        (started_at, took): (SystemTime, Duration),
        usage: Option<&Usage>,
    ) -> HistoryEntry {
        let project = &self.compilation.project;
        HistoryEntry {
            run: self.run.clone(),
            project: project.settings.name.clone(),
            environment: project.environment.name.clone(),
            command,
            action: self.compilation.graph.get(id).canonical.to_string(),
            outcome,
            build: None,
            started_at,
            took,
            rows: None,
            bytes_read: usage.map(|usage| usage.bytes_processed),
            bytes_billed: usage.map(|usage| usage.bytes_billed),
            cost: usage.and_then(|usage| project.environment.connection.cost(usage.bytes_billed)),
            found: None,
            fingerprint: fingerprint(self.compilation, id),
        }
    }
}
