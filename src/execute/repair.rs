//! Mends a table where it is not what its query gives, if a run might write these rows, too.

use crate::adapter::AdapterError;
use crate::dialect::Dialect;
use crate::execute::allowance::{Allowance, Refusal};
use crate::execute::interval::look;
use crate::execute::reconcile::Task;
use crate::execute::{Failure, Finding, Reconciled};
use crate::plan::{ComparedColumn, Ledger, Reconciliation, SchemaMismatch, Statement};

/// What keeps rows that a query gives out of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// So many values of its unique key come more than once.
    DuplicateKeys(u64),
    /// An assertion that is asked before rows are published finds some.
    Assertion(Finding),
}

/// Writes the intervals anew that differ, unless something speaks against it.
pub(super) fn repair(
    reader: &mut Allowance<'_>,
    task: &Task<'_>,
    reconciliation: &Reconciliation<'_>,
    shared: &[ComparedColumn],
    found: &mut Reconciled,
) -> Result<(), Refusal> {
    found.objections = objections(reader, task, found)?;
    if !found.objections.is_empty() {
        return Ok(());
    }
    let dialect = reconciliation.dialect;
    let intervals: Vec<Option<String>> = found.differing.iter().map(|interval| interval.name.clone()).collect();
    let done = task.ledger.map(|ledger| done(ledger, &intervals, task, reader, dialect)).transpose()?.flatten();
    let statements = reconciliation.repair(&intervals, shared);
    for statement in &statements {
        reader.take(statement)?;
    }
    for statement in statements {
        // The last one puts the rows in.
        found.rows_written = reader.session.execute(statement.sql())?;
    }
    // A ledger that is behind lets the next run do an interval once more, and one that is ahead would not let it do that.
    for statement in done.unwrap_or_default() {
        reader.session.execute(statement.sql())?;
    }
    found.is_repaired = true;
    Ok(())
}

fn objections(reader: &mut Allowance<'_>, task: &Task<'_>, found: &Reconciled) -> Result<Vec<Objection>, Refusal> {
    let mut objections = Vec::new();
    if task.is_unique && found.duplicate_keys_of_query > 0 {
        objections.push(Objection::DuplicateKeys(found.duplicate_keys_of_query));
    }
    for check in &task.audits {
        let count = reader.number(&check.count)?;
        if count > 0 {
            objections.push(Objection::Assertion(Finding { assertion: check.assertion.clone(), count }));
        }
    }
    Ok(objections)
}

/// What says in the ledger that intervals are done, with what their inputs hold now; where only a part of each is written, that
/// the next run has to do them. `None` if none of them has a name.
fn done(
    ledger: &Ledger,
    intervals: &[Option<String>],
    task: &Task<'_>,
    reader: &mut Allowance<'_>,
    dialect: &dyn Dialect,
) -> Result<Option<Vec<Statement>>, Refusal> {
    let names: Vec<&str> = intervals.iter().flatten().map(String::as_str).collect();
    let ranges = ledger.covering(&names, task.options.width);
    let ranges = ranges.map_err(|SchemaMismatch { message, help }| refusal(message, Some(help)))?;
    let Some(first) = ranges.first() else { return Ok(None) };
    if task.options.width < ledger.intervals.width {
        let asked = ranges.iter().map(|range| ledger.ask_for(range, dialect));
        return Ok(Some(asked.chain([ledger.begin()]).collect()));
    }
    let held = look(ledger, Some(&first.first), reader.session, dialect);
    let held = held.map_err(|Failure { message, help, .. }| refusal(message, help))?;
    Ok(Some(ledger.rewrite(&ranges, &held, dialect)))
}

fn refusal(message: String, help: Option<String>) -> Refusal {
    AdapterError { help, ..AdapterError::from_message(message) }.into()
}
