//! A state of a project, as far as it can be compared with another one.

use std::collections::BTreeMap;

use crate::action::{Action, ActionId, Kind, Materialization, Rendered, Texts};
use crate::analysis::bound::{Column, Relation};
use crate::analysis::{Facts, hash, of_text};
use crate::compile::Compilation;
use crate::dialect::{Dialect, syntax};
use crate::relation::DataType;

/// The actions of a project by their names, without what an environment adds to these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// By name.
    pub actions: BTreeMap<String, SnapshotAction>,
}

/// An action, in numbers that differ if it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotAction {
    /// What it is, in a word.
    pub kind: String,
    /// Its file.
    pub file: String,
    /// Of the letters of all its texts.
    pub source: u64,
    /// Of its query, whatever the layout.
    pub text: u64,
    /// Of which rows it gives.
    pub rows: u64,
    /// Whether `rows` and the numbers of the columns hold all of the query.
    pub is_exact: bool,
    /// Of what an incremental run selects, whatever the layout.
    pub increment: u64,
    /// Of the statements that run as they are, whatever the layout.
    pub statements: u64,
    /// Of how the relation lies and grows.
    pub settings: u64,
    /// Of what is said of it.
    pub documentation: u64,
    /// Its columns.
    pub columns: Vec<SnapshotColumn>,
    /// Whether there may be others.
    pub is_open: bool,
    /// The columns that decide on its rows.
    pub influences: Vec<Read>,
    /// The names of what it depends on.
    pub depends_on: Vec<String>,
}

/// A column of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotColumn {
    /// Its name; empty if nobody knows.
    pub name: String,
    /// Its type, in the words of the dialect; empty if nobody knows all of it.
    pub data_type: String,
    /// Of what it is made.
    pub print: u64,
    /// The columns that it comes from.
    pub origins: Vec<Read>,
}

/// A column of another action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// The name of the action.
    pub relation: String,
    /// The column; the fields of a struct behind it, with dots.
    pub column: String,
}

impl SnapshotColumn {
    /// Whether nobody knows its type, or a part of it.
    pub fn is_vague(&self) -> bool {
        self.data_type.is_empty()
    }
}

impl Snapshot {
    /// Of a project that has been compiled.
    pub fn of(compilation: &Compilation) -> Self {
        let named = |(id, action): (ActionId, &Action<ActionId>)| {
            (action.canonical.to_string(), of_action(compilation, id, action))
        };
        Self { actions: compilation.graph.iter().map(named).collect() }
    }
}

fn of_action(compilation: &Compilation, id: ActionId, action: &Action<ActionId>) -> SnapshotAction {
    let dialect = compilation.project.settings.dialect;
    let unknown = Facts::default();
    let facts = compilation.analysis.facts(id).unwrap_or(&unknown);
    let print = facts.fingerprint.clone().unwrap_or_default();
    let (increment, statements, source) = of_texts(&action.kind, dialect);
    let canonical = |id: ActionId| compilation.graph.get(id).canonical.to_string();
    let read = |relation: &Relation, column: &str| match relation {
        Relation::Action(id) => Some(Read { relation: canonical(*id), column: column.to_owned() }),
        Relation::Own | Relation::Undeclared(_) => None,
    };
    let column = |(place, column): (usize, &Column)| SnapshotColumn {
        name: column.name.clone().unwrap_or_default(),
        data_type: type_name(&column.data_type, dialect),
        print: print.columns.get(place).copied().unwrap_or_default(),
        origins: column.origins.iter().filter_map(|origin| read(&origin.relation, &origin.column)).collect(),
    };
    let mut influences: Vec<Read> =
        facts.influences.iter().filter_map(|influence| read(&influence.relation, &influence.column)).collect();
    influences.sort();
    influences.dedup();
    SnapshotAction {
        kind: action.kind.word().to_owned(),
        file: compilation.project.sources.get(action.name_span.file).path().to_string(),
        source,
        text: print.text,
        rows: print.rows,
        is_exact: print.is_exact,
        increment,
        statements,
        settings: settings(action),
        documentation: hash(&[format!("{:?}", action.documentation), format!("{:?}", action.tags)]),
        columns: facts.columns.visible().map(column).collect(),
        is_open: facts.columns.is_open,
        influences,
        depends_on: compilation.graph.dependencies(id).into_iter().map(canonical).collect(),
    }
}

fn type_name(data_type: &DataType, dialect: &dyn Dialect) -> String {
    if data_type.is_vague() { String::new() } else { dialect.semantics().type_name(data_type) }
}

/// Of the incremental query, of the statements, and of the letters of all texts.
fn of_texts(kind: &Kind, dialect: &dyn Dialect) -> (u64, u64, u64) {
    let number = |text: &Rendered| of_text(text.text(), &syntax::understand(text.text(), dialect).0).to_string();
    let numbers = |texts: &[&Rendered]| hash(&texts.iter().map(|text| number(text)).collect::<Vec<_>>());
    let letters = |texts: &[&Rendered]| hash(&texts.iter().map(|text| text.text()).collect::<Vec<_>>());
    match kind {
        Kind::Model(model) => {
            let full = operations(&model.texts);
            let Materialization::Incremental(incremental) = &model.materialization else {
                let all = [full.as_slice(), &[&model.texts.query]].concat();
                return (0, numbers(&full), letters(&all));
            };
            let more = operations(&incremental.texts);
            let new_rows: Vec<&Rendered> =
                std::iter::once(&incremental.texts.query).chain(&incremental.filter).collect();
            let all = [full.as_slice(), &more, &new_rows, &[&model.texts.query]].concat();
            (numbers(&new_rows), numbers(&[full, more].concat()), letters(&all))
        }
        Kind::Operations { statements, .. } => {
            let statements: Vec<&Rendered> = statements.iter().collect();
            (0, numbers(&statements), letters(&statements))
        }
        Kind::Assertion(assertion) => (0, 0, letters(&[&assertion.query])),
        Kind::Test(test) => {
            let rows = test.inputs.iter().map(|input| &input.rows);
            let texts: Vec<&Rendered> = rows.chain([&test.expected]).collect();
            (0, numbers(&texts), letters(&texts))
        }
        Kind::Node(node) => (0, hash(&[format!("{node:?}")]), 0),
        Kind::Declaration | Kind::Unknown => (0, 0, 0),
    }
}

fn operations(texts: &Texts) -> Vec<&Rendered> {
    texts.pre_operations.iter().chain(&texts.post_operations).collect()
}

/// Of everything in the config that changes what a run does.
fn settings(action: &Action<ActionId>) -> u64 {
    let mut parts = vec![format!("{:?} {:?}", action.disabled, action.job)];
    if let Kind::Model(model) = &action.kind {
        parts.push(format!("{:?} {:?}", model.options, model.unique_key));
        match &model.materialization {
            Materialization::View { materialized } => parts.push(format!("{materialized}")),
            Materialization::Table => {}
            Materialization::Incremental(incremental) => {
                parts.push(format!("{:?} {:?}", incremental.strategy, incremental.on_schema_change));
                parts.push(format!("{} {:?}", incremental.protected, incremental.update_partition_filter));
                parts.push(format!("{:?} {:?}", incremental.predicates, incremental.partitions));
            }
        }
    }
    hash(&parts)
}
