//! What can be said of the SQL without a warehouse.

pub mod bind;
pub mod bound;
mod checks;
mod facts;
mod fingerprint;
mod keys;
mod lineage;
mod nulls;
mod relations;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sqlparser::ast::Statement;

use crate::action::{Action, ActionId, Kind, Materialization, Model, Rendered, Texts};
use crate::diagnostic::Diagnostics;
use crate::dialect::syntax::understand;
use crate::graph::Graph;
use crate::project::{Project, Settings};
use bind::Variables;
use bound::Bound;
use checks::Role;
use relations::Index;

pub use facts::Facts;
pub use fingerprint::{Fingerprint, hash, of_text};
pub use lineage::{Direction, Flow, FlowKind, Lineage, Node, Reach};

/// Texts of more bytes than that are taken apart one after the other.
const LONG: usize = 64 << 10;

/// What is known of the actions of a project.
#[derive(Debug, Default)]
pub struct Analysis {
    /// By the actions' ids.
    facts: Vec<Facts>,
}

impl Analysis {
    /// What is known of an action; `None` if nobody has looked.
    pub fn facts(&self, id: ActionId) -> Option<&Facts> {
        self.facts.get(id.index())
    }
}

/// Takes every text of every action apart, in the SQL that the project is written in: what others read before what reads
/// it.
pub fn analyze(graph: &Graph, project: &Project) -> (Analysis, Diagnostics) {
    let settings = &project.settings;
    let index = Index::new(graph);
    let one_at_a_time = Mutex::new(());
    let mut diagnostics = Diagnostics::default();
    for round in index.rounds() {
        let analyze = |id: &ActionId| {
            let action = graph.get(*id);
            // The trees of long texts fill the memory if there are many of them.
            let is_long = rendered(&action.kind).iter().any(|text| text.text().len() > LONG);
            let _turn = is_long.then(|| one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner));
            let mut reader = Reader {
                id: *id,
                action,
                graph,
                index: &index,
                project,
                settings,
                diagnostics: Diagnostics::default(),
            };
            let mut facts = reader.action();
            index.declared_keys(*id).into_iter().for_each(|key| facts.add_key(key));
            index.set(*id, facts);
            reader.diagnostics
        };
        let found: Vec<Diagnostics> = round.par_iter().map(analyze).collect();
        diagnostics.extend(found.into_iter().flatten());
    }
    (Analysis { facts: index.into_facts() }, diagnostics)
}

/// Reads the texts of one action.
struct Reader<'a> {
    id: ActionId,
    action: &'a Action<ActionId>,
    graph: &'a Graph,
    index: &'a Index<'a>,
    project: &'a Project,
    settings: &'a Settings,
    diagnostics: Diagnostics,
}

impl Reader<'_> {
    fn action(&mut self) -> Facts {
        match &self.action.kind {
            Kind::Model(_) => self.model(),
            Kind::Assertion(assertion) => {
                let statements = self.parse(&assertion.query, true);
                let bound = self.bind(&statements, &assertion.query, Role::Query, None, &Variables::default());
                self.facts(&assertion.query, &statements, &bound)
            }
            kind => {
                let mut variables = Variables::default();
                for text in texts(kind) {
                    let statements = self.parse(text, !matches!(kind, Kind::Operations { .. }));
                    let declared = variables_of(&statements, text);
                    variables.names.extend(declared.names);
                    variables.is_open |= declared.is_open;
                    let role = if matches!(kind, Kind::Test(_)) { Role::Test } else { Role::Operation };
                    self.bind(&statements, text, role, None, &variables);
                }
                Facts::declared(self.action, self.project)
            }
        }
    }

    fn model(&mut self) -> Facts {
        let Kind::Model(model) = &self.action.kind else { return Facts::unknown() };
        let full = &model.texts;
        let query = self.parse(&full.query, true);
        let before: Vec<Vec<Statement>> = full.pre_operations.iter().map(|text| self.parse(text, false)).collect();
        let variables = variables_of_all(&before, &full.pre_operations);
        let bound = self.bind(&query, &full.query, Role::Query, None, &variables);
        let facts = self.facts(&full.query, &query, &bound);
        for (text, statements) in full.pre_operations.iter().zip(&before) {
            self.bind(statements, text, Role::Operation, Some(&facts), &variables);
        }
        for text in &full.post_operations {
            let statements = self.parse(text, false);
            self.bind(&statements, text, Role::Operation, Some(&facts), &variables);
        }
        if let Materialization::Incremental(incremental) = &model.materialization {
            let known: Vec<&str> = operations(full).map(Rendered::text).collect();
            let before = &incremental.texts.pre_operations;
            let parsed: Vec<Vec<Statement>> = before
                .iter()
                .map(|text| {
                    let is_known = known.contains(&text.text());
                    if is_known { understand(text.text(), self.settings.dialect).0 } else { self.parse(text, false) }
                })
                .collect();
            let variables = variables_of_all(&parsed, before);
            let others = before.iter().zip(parsed).filter(|(text, _)| !known.contains(&text.text()));
            for (text, statements) in others.collect::<Vec<_>>() {
                self.bind(&statements, text, Role::Operation, Some(&facts), &variables);
            }
            for text in incremental.texts.post_operations.iter().filter(|text| !known.contains(&text.text())) {
                let statements = self.parse(text, false);
                self.bind(&statements, text, Role::Operation, Some(&facts), &variables);
            }
            let text = &incremental.texts.query;
            if text.text() == full.query.text() {
                let found = checks::of_increment(&self.subject(&bound, text, Role::Increment, Some(&facts)));
                self.diagnostics.extend(found);
            } else {
                let statements = self.parse(text, true);
                let bound = self.bind(&statements, text, Role::Increment, Some(&facts), &variables);
                let found = checks::of_increment(&self.subject(&bound, text, Role::Increment, Some(&facts)));
                self.diagnostics.extend(found);
            }
        }
        facts
    }

    /// What is known of the action by the text of its query.
    fn facts(&self, text: &Rendered, statements: &[Statement], bound: &Bound) -> Facts {
        let name = |id: ActionId| self.graph.get(id).canonical.to_string();
        let fingerprint = Some(Fingerprint::new(text.text(), statements, bound, &name));
        Facts { fingerprint, ..Facts::of(self.action, bound, self.project) }
    }

    /// The statements of a text; what is wrong with them by themselves is reported.
    fn parse(&mut self, text: &Rendered, is_query: bool) -> Vec<Statement> {
        if text.is_broken() {
            return Vec::new();
        }
        let dialect = self.settings.dialect;
        if is_query {
            self.diagnostics.extend(checks::one_statement(text, dialect, self.settings.core.is_some()));
        }
        let statements = checks::syntax(text, dialect, &mut self.diagnostics);
        let columns = described_columns(self.graph, self.id);
        self.diagnostics.extend(checks::session_value(&statements, text, &columns, dialect));
        statements
    }

    /// What the names of a text mean; those that mean nothing are reported. `own` is what the table of the model holds.
    fn bind(
        &mut self,
        statements: &[Statement],
        text: &Rendered,
        role: Role,
        own: Option<&Facts>,
        variables: &Variables,
    ) -> Bound {
        let dialect = self.settings.dialect;
        let relations = self.index.seen_by(self.id, own);
        let bound = bind::bind(statements, dialect.semantics(), &relations, variables.clone());
        let found = checks::of_bound(&self.subject(&bound, text, role, own));
        self.diagnostics.extend(found);
        bound
    }

    fn subject<'s>(
        &'s self,
        bound: &'s Bound,
        text: &'s Rendered,
        role: Role,
        own: Option<&'s Facts>,
    ) -> checks::Subject<'s> {
        let Self { id, action, graph, index, project, settings, .. } = *self;
        checks::Subject { bound, text, role, id, action, own, graph, index, project, dialect: settings.dialect }
    }
}

/// The variables that several texts declare.
fn variables_of_all(parsed: &[Vec<Statement>], texts: &[Rendered]) -> Variables {
    let mut variables = Variables::default();
    for (statements, text) in parsed.iter().zip(texts) {
        let declared = variables_of(statements, text);
        variables.names.extend(declared.names);
        variables.is_open |= declared.is_open;
    }
    variables
}

/// The variables that a script declares for what follows.
fn variables_of(statements: &[Statement], text: &Rendered) -> Variables {
    let mut variables = Variables::default();
    for statement in statements {
        if let Statement::Declare { stmts } = statement {
            let names = stmts.iter().flat_map(|declare| &declare.names);
            variables.names.extend(names.map(|name| name.value.to_lowercase()));
        }
    }
    // What is not read may declare more.
    variables.is_open = variables.names.is_empty() && text.text().to_lowercase().contains("declare");
    variables
}

/// The columns that are described of the relations that an action reads.
fn described_columns(graph: &Graph, id: ActionId) -> BTreeSet<&str> {
    let read = graph.dependencies(id).into_iter();
    let columns = read.flat_map(|id| &graph.get(id).documentation.columns);
    columns.filter_map(|column| column.path.first()).map(String::as_str).collect()
}

/// Every text of an action.
fn rendered(kind: &Kind) -> Vec<&Rendered> {
    let Kind::Model(model) = kind else { return texts(kind) };
    texts_of(model).flat_map(|texts| operations(texts).chain([&texts.query])).collect()
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

/// The texts of an action that are run as they are, and queries that have more statements behind them.
fn statements(kind: &Kind) -> Vec<&Rendered> {
    match kind {
        Kind::Model(model) => {
            let queries = texts_of(model).map(|texts| &texts.query).filter(|query| query.text().contains(';'));
            texts_of(model).flat_map(operations).chain(queries).collect()
        }
        Kind::Operations { statements, .. } => statements.iter().collect(),
        _ => Vec::new(),
    }
}

/// Those of a full build, and those of an incremental one.
fn texts_of(model: &Model) -> impl Iterator<Item = &Texts> {
    let incremental = match &model.materialization {
        Materialization::Incremental(incremental) => Some(&incremental.texts),
        Materialization::View { .. } | Materialization::Table => None,
    };
    std::iter::once(&model.texts).chain(incremental)
}

fn operations(texts: &Texts) -> impl Iterator<Item = &Rendered> {
    texts.pre_operations.iter().chain(&texts.post_operations)
}
