//! What can be said of the SQL without a warehouse.

mod checks;

use rayon::prelude::*;

use crate::action::{Action, ActionId, Kind, Materialization, Model, Rendered, Texts};
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
    for text in texts(&action.kind) {
        if !text.is_broken() {
            diagnostics.extend(checks::syntax(text, dialect));
        }
    }
    diagnostics
}

/// Every text that is a statement by itself. The texts of an incremental model with `incremental()` true follow those
/// with it false; where both are the same it is one.
fn texts(kind: &Kind) -> Vec<&Rendered> {
    match kind {
        Kind::Model(model) => model_texts(model),
        Kind::Operations { statements, .. } => statements.iter().collect(),
        Kind::Declaration => Vec::new(),
        Kind::Assertion(assertion) => vec![&assertion.query],
        Kind::Test(test) => test.inputs.iter().map(|input| &input.rows).chain([&test.expected]).collect(),
    }
}

fn model_texts(model: &Model) -> Vec<&Rendered> {
    let mut all: Vec<&Rendered> = statements(&model.texts).collect();
    if let Materialization::Incremental(incremental) = &model.materialization {
        let full = all.clone();
        all.extend(statements(&incremental.texts).filter(|text| full.iter().all(|known| known.text() != text.text())));
    }
    all
}

fn statements(texts: &Texts) -> impl Iterator<Item = &Rendered> {
    texts.pre_operations.iter().chain([&texts.query]).chain(&texts.post_operations)
}
