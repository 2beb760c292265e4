//! What can be said of the SQL without a warehouse.

mod checks;

use rayon::prelude::*;

use crate::action::{Action, ActionId, Kind, Materialization, Rendered, Texts};
use crate::diagnostic::Diagnostics;
use crate::dialect::Dialect;
use crate::graph::Graph;

/// Checks every text of every action, in the SQL that the project is written in.
pub fn analyze(graph: &Graph, dialect: &dyn Dialect) -> Diagnostics {
    let actions: Vec<_> = graph.iter().map(|(_, action)| action).collect();
    let found: Vec<Diagnostics> = actions.par_iter().map(|action| analyze_action(action, dialect)).collect();
    let mut diagnostics = Diagnostics::default();
    diagnostics.extend(found.into_iter().flatten());
    diagnostics
}

fn analyze_action(action: &Action<ActionId>, dialect: &dyn Dialect) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    let mut read = |text: &Rendered, is_query: bool| {
        if text.is_broken() {
            return Vec::new();
        }
        if is_query {
            diagnostics.extend(checks::one_statement(text, dialect));
        }
        checks::syntax(text, dialect, &mut diagnostics)
    };
    let Kind::Model(model) = &action.kind else {
        for text in texts(&action.kind) {
            read(text, !matches!(action.kind, Kind::Operations { .. }));
        }
        return diagnostics;
    };
    let full = &model.texts;
    let query = read(&full.query, true);
    for text in operations(full) {
        read(text, false);
    }
    if let Materialization::Incremental(incremental) = &model.materialization {
        let known: Vec<&str> = operations(full).map(Rendered::text).collect();
        for text in operations(&incremental.texts).filter(|text| !known.contains(&text.text())) {
            read(text, false);
        }
        let text = &incremental.texts.query;
        if text.text() != full.query.text() {
            let statements = read(text, true);
            diagnostics.extend(checks::outer_name(&action.target, &query, &statements, text, dialect));
        }
    }
    diagnostics
}

/// Every text of an action that is no model.
fn texts(kind: &Kind) -> Vec<&Rendered> {
    match kind {
        Kind::Operations { statements, .. } => statements.iter().collect(),
        Kind::Declaration | Kind::Model(_) | Kind::Node(_) | Kind::Unknown => Vec::new(),
        Kind::Assertion(assertion) => vec![&assertion.query],
        Kind::Test(test) => test.inputs.iter().map(|input| &input.rows).chain([&test.expected]).collect(),
    }
}

fn operations(texts: &Texts) -> impl Iterator<Item = &Rendered> {
    texts.pre_operations.iter().chain(&texts.post_operations)
}
