//! What can be said of the SQL without a warehouse.

pub mod bind;
pub mod bound;
mod checks;
mod keys;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::action::{Action, ActionId, Kind, Materialization, Rendered, Texts};
use crate::diagnostic::Diagnostics;
use crate::graph::Graph;
use crate::project::Settings;

/// Texts of more bytes than that are taken apart one after the other.
const LONG: usize = 64 << 10;

/// Checks every text of every action, in the SQL that the project is written in.
pub fn analyze(graph: &Graph, settings: &Settings) -> Diagnostics {
    let actions: Vec<_> = graph.iter().collect();
    let one_at_a_time = Mutex::new(());
    let analyze = |(id, action): &(ActionId, &Action<ActionId>)| {
        // The trees of long texts fill the memory if there are many of them.
        let is_long = rendered(&action.kind).iter().any(|text| text.text().len() > LONG);
        let _turn = is_long.then(|| one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner));
        analyze_action(action, &described_columns(graph, *id), settings)
    };
    let found: Vec<Diagnostics> = actions.par_iter().map(analyze).collect();
    let mut diagnostics = Diagnostics::default();
    diagnostics.extend(found.into_iter().flatten());
    diagnostics
}

/// The columns that are described of the relations that an action reads.
fn described_columns(graph: &Graph, id: ActionId) -> BTreeSet<&str> {
    let read = graph.dependencies(id).into_iter();
    let columns = read.flat_map(|id| &graph.get(id).documentation.columns);
    columns.filter_map(|column| column.path.first()).map(String::as_str).collect()
}

fn analyze_action(action: &Action<ActionId>, columns: &BTreeSet<&str>, settings: &Settings) -> Diagnostics {
    let dialect = settings.dialect;
    let mut diagnostics = Diagnostics::default();
    let mut read = |text: &Rendered, is_query: bool| {
        if text.is_broken() {
            return Vec::new();
        }
        if is_query {
            diagnostics.extend(checks::one_statement(text, dialect, settings.core.is_some()));
        }
        let statements = checks::syntax(text, dialect, &mut diagnostics);
        diagnostics.extend(checks::session_value(&statements, text, columns, dialect));
        statements
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

/// Every text of an action.
fn rendered(kind: &Kind) -> Vec<&Rendered> {
    let Kind::Model(model) = kind else { return texts(kind) };
    let incremental = match &model.materialization {
        Materialization::Incremental(incremental) => Some(&incremental.texts),
        Materialization::View { .. } | Materialization::Table => None,
    };
    let all = std::iter::once(&model.texts).chain(incremental);
    all.flat_map(|texts| operations(texts).chain([&texts.query])).collect()
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
