//! A state of a project, as far as it can be compared with another one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::LazyLock;

use crate::action::{
    Action, ActionId, ColumnDocumentation, Documentation, Expectations, Kind, Materialization, Publishing, Rendered,
};
use crate::analysis::bound::{Column, Relation};
use crate::analysis::{Facts, Fingerprint, Letters, hash};
use crate::compile::Compilation;
use crate::dialect::Dialect;
use crate::relation::{DataType, JobOptions, PhysicalOptions};

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
    /// What is compared as a whole.
    pub state: State,
    /// Its columns.
    pub columns: Vec<SnapshotColumn>,
    /// Whether there may be others.
    pub is_open: bool,
    /// The columns that decide on its rows.
    pub influences: Vec<Read>,
    /// The names of what it depends on.
    pub depends_on: Vec<String>,
}

/// Numbers that differ if something of an action does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Of the letters of all its texts.
    pub source: u64,
    /// Of what the texts mean.
    pub fingerprint: Fingerprint,
    /// Of how the relation lies and grows.
    pub settings: u64,
    /// Of what is said of it.
    pub documentation: u64,
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
    let canonical = |id: ActionId| compilation.graph.get(id).canonical.to_string();
    let read = |relation: &Relation, column: &str| match relation {
        Relation::Action(id) => Some(Read { relation: canonical(*id), column: column.to_owned() }),
        Relation::Own | Relation::Undeclared(_) => None,
    };
    let reads_of = |column: &Column| {
        let mut reads: Vec<Read> =
            column.origins.iter().filter_map(|origin| read(&origin.relation, &origin.column)).collect();
        reads.sort();
        reads.dedup();
        reads
    };
    let column = |(place, column): (usize, &Column)| SnapshotColumn {
        name: column.name.as_deref().unwrap_or_default().to_owned(),
        data_type: type_name(&column.data_type, dialect),
        print: facts.fingerprint.columns.get(place).copied().unwrap_or_default(),
        origins: reads_of(column),
    };
    let has_output = action.kind.has_output();
    let columns = has_output.then(|| facts.columns.visible().map(column).collect());
    let influences = facts.influences.iter().filter_map(|influence| read(&influence.relation, &influence.column));
    SnapshotAction {
        kind: action.kind.word().to_owned(),
        file: compilation.project.sources.get(action.name_span.file).path().to_string(),
        state: State::of(compilation, id),
        columns: columns.unwrap_or_default(),
        is_open: has_output && facts.columns.is_open,
        influences: influences.collect(),
        depends_on: compilation.graph.dependencies(id).into_iter().map(canonical).collect(),
    }
}

impl State {
    /// Of an action in a project that has been compiled.
    pub fn of(compilation: &Compilation, id: ActionId) -> Self {
        let action = compilation.graph.get(id);
        let fingerprint = compilation.analysis.facts(id).map(|facts| facts.fingerprint.clone()).unwrap_or_default();
        Self {
            source: letters(&action.kind),
            fingerprint,
            settings: settings(action),
            documentation: documentation(action, compilation.project.settings.dialect),
        }
    }
}

fn type_name(data_type: &DataType, dialect: &dyn Dialect) -> String {
    if data_type.is_vague() { String::new() } else { dialect.semantics().type_name(data_type) }
}

/// Of the letters of all texts.
fn letters(kind: &Kind) -> u64 {
    match kind {
        Kind::Model(model) => {
            let (more, filter) = match &model.materialization {
                Materialization::Incremental(incremental) => (Some(&incremental.texts), incremental.filter.as_ref()),
                Materialization::View { .. } | Materialization::Table => (None, None),
            };
            let all = std::iter::once(&model.texts)
                .chain(more)
                .flat_map(|texts| texts.pre_operations.iter().chain(&texts.post_operations).chain([&texts.query]));
            hash(all.chain(filter).map(Rendered::text))
        }
        Kind::Operations { statements, .. } => hash(statements.iter().map(Rendered::text)),
        Kind::Assertion(assertion) => hash([assertion.query.text()]),
        Kind::Test(test) => {
            let rows = test.inputs.iter().map(|input| &input.rows);
            hash(rows.chain([&test.expected]).map(Rendered::text))
        }
        Kind::Declaration | Kind::Node(_) | Kind::Unknown => 0,
    }
}

/// Of what is said of an action, wherever it is written. A type that a declaration gives a column is that of the column.
fn documentation(action: &Action<ActionId>, dialect: &dyn Dialect) -> u64 {
    let Documentation {
        description,
        columns,
        is_contract,
        unique_key,
        times,
        named_columns: _,
        expectations,
        labels,
        metadata,
    } = &action.documentation;
    let is_declared = matches!(action.kind, Kind::Declaration);
    let mut letters = Letters::default();
    let tags = &action.tags;
    letters.add(format_args!("{description:?} {is_contract} {unique_key:?} {labels:?} {metadata:?} {tags:?}"));
    for time in [&times.event, &times.processed] {
        letters.add(format_args!("{:?}", time.as_ref().map(|time| &time.name)));
    }
    if *expectations != Expectations::default() {
        letters.add(format_args!("{expectations:?}"));
    }
    for column in columns {
        let ColumnDocumentation { path, description, tags, policy_tags, data_type, span: _ } = column;
        let is_said =
            |name: &&String| !is_declared || path.len() > 1 || dialect.semantics().named_type(name).is_vague();
        let data_type = data_type.as_ref().filter(is_said);
        letters.add(format_args!("{path:?} {description:?} {tags:?} {policy_tags:?} {data_type:?}"));
    }
    letters.hash()
}

static NO_JOB: LazyLock<String> = LazyLock::new(|| format!("{:?}", JobOptions::default()));
static NO_OPTIONS: LazyLock<String> = LazyLock::new(|| format!("{:?}", PhysicalOptions::default()));

/// Options in letters. Most are those that nobody sets, and it takes long to write them.
fn written<T: Debug + Default + PartialEq>(options: &T, default: &'static LazyLock<String>) -> Cow<'static, str> {
    if *options == T::default() { default.as_str().into() } else { format!("{options:?}").into() }
}

/// Of everything in the config that changes what a run does.
fn settings(action: &Action<ActionId>) -> u64 {
    let mut letters = Letters::default();
    letters.add(format_args!("{:?} {}", action.disabled, written(&action.job, &NO_JOB)));
    if let Kind::Model(model) = &action.kind {
        letters.add(format_args!("{} {:?}", written(&model.options, &NO_OPTIONS), model.unique_key));
        if model.publishing == Publishing::Audited {
            letters.add(format_args!("audited"));
        }
        match &model.materialization {
            Materialization::View { materialized } => letters.add(format_args!("{materialized}")),
            Materialization::Table => {}
            Materialization::Incremental(incremental) => {
                letters.add(format_args!("{:?} {:?}", incremental.strategy, incremental.on_schema_change));
                letters.add(format_args!("{} {:?}", incremental.protected, incremental.update_partition_filter));
                letters.add(format_args!("{:?} {:?}", incremental.predicates, incremental.partitions));
            }
        }
    }
    if let Kind::Node(node) = &action.kind {
        letters.add(format_args!("{node:?}"));
    }
    letters.hash()
}
