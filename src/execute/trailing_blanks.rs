//! Looks for text that the warehouse compares in another way than the SQL of the project means it.

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError};
use crate::dialect::Dialect;
use crate::execute::{Outcome, RunResults};
use crate::graph::Graph;
use crate::plan::{BlanksQuery, touched_relations, trailing_blanks};
use crate::relation::Target;

/// Columns of a relation with values that end in a blank.
#[derive(Debug)]
pub struct TrailingBlanks {
    /// The action whose relation it is.
    pub id: ActionId,
    /// The columns.
    pub columns: Vec<String>,
}

/// Asks the tables that a run has built, and the declared relations that it has read: one query for each. Nothing is asked
/// where project and warehouse agree on blanks.
pub fn find_trailing_blanks(
    graph: &Graph,
    results: &RunResults,
    from: &dyn Dialect,
    adapter: &dyn Adapter,
) -> Result<Vec<TrailingBlanks>, AdapterError> {
    if !from.ignores_trailing_blanks() || adapter.dialect().ignores_trailing_blanks() {
        return Ok(Vec::new());
    }
    let done = results.steps.iter().filter(|step| matches!(step.outcome, Outcome::Done { .. })).map(|step| step.id);
    let touched = touched_relations(graph, done);
    let targets: Vec<Target> = touched.iter().map(|id| graph.get(*id).target.clone()).collect();
    let state = adapter.state(&targets)?;
    let mut session = adapter.session()?;
    let mut found = Vec::new();
    for BlanksQuery { id, columns, query } in trailing_blanks(graph, &touched, &state, adapter.dialect()) {
        let answer = session.query(query.sql(), 1)?;
        let answers = answer.rows.into_iter().flatten();
        // As DuckDB writes it, or PostgreSQL.
        let is_true = |answer: Option<String>| matches!(answer.as_deref(), Some("true" | "t"));
        let columns: Vec<String> =
            columns.into_iter().zip(answers).filter_map(|(name, answer)| is_true(answer).then_some(name)).collect();
        if !columns.is_empty() {
            found.push(TrailingBlanks { id, columns });
        }
    }
    Ok(found)
}
