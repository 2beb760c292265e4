//! What will be sent to the warehouse: from the graph, a selection, and what the warehouse holds. Pure: nothing here
//! talks to a warehouse.

mod alternatives;
mod audit;
mod build_in_one;
mod fill;
mod history;
mod in_one;
mod incremental;
mod interval;
mod lateness;
mod ledger;
mod model;
mod multi_statement;
mod partitions;
mod reconcile;
mod redirect;
mod rows;
mod schema_change;
mod script;
mod statement;
mod status;
mod swap;
mod texts;
mod trailing_blanks;
mod unit_test;
mod watermark;

use std::collections::{BTreeMap, BTreeSet};
use std::{iter, slice};

use crate::action::{Action, ActionId, Kind, Materialization, Node, Rendered, Texts};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, article};
use crate::dialect::{self, Dialect, Replacement, Storage, syntax};
use crate::graph::{Graph, Selection};
use crate::plan::audit::audits;
use crate::plan::multi_statement::{JobWriter, belong_together, defines};
use crate::plan::statement::in_order;
use crate::plan::texts::Translator;
use crate::relation::{ColumnMarks, JobOptions, PhysicalOptions, RelationKind, Target, WarehouseState};

pub use alternatives::{Inlined, only_query, rows_of};
pub use audit::{Audit, AuditCheck, Verdict, audits_of_rows, check_audits};
pub use fill::FillWork;
pub use history::{
    COUNTED_OVER, HistoryBuild, HistoryCommand, HistoryEntry, HistoryFinding, HistoryOutcome, check_history,
    create_history, has_history_build, insert_history, last_of_history, missing_history_columns, runs_of_history,
    writes_of_history, written_fingerprint,
};
pub use incremental::IncrementalWork;
pub use interval::{Backfill, IntervalStart, IntervalWork};
pub use lateness::lateness;
pub use ledger::{Contents, Held, IntervalInput, IntervalRange, Ledger};
pub use multi_statement::{MultiStatement, REJECTED, ScriptGuard};
pub use reconcile::{ComparedColumn, MOST_NAMED, Reconciliation, Time, every_row};
pub use schema_change::SchemaMismatch;
pub use script::{FieldExtension, Script, ScriptStatement, TableDefinition};
pub use statement::{Statement, WarehouseText};
pub use status::StatusQuery;
pub use trailing_blanks::{BlanksQuery, touched_relations, trailing_blanks};
pub use unit_test::{Fixture, FixtureRows, RowBatch, TestPlace, UnitTestPlan, plan_tested_step, plan_unit_test};

/// What a run will do.
#[derive(Debug)]
pub struct Plan {
    /// Schemas to be made first.
    pub schemas: Vec<Statement>,
    /// One for each selected action that runs, each behind those that it needs.
    pub steps: Vec<Step>,
}

/// One action's share of a plan.
#[derive(Debug)]
pub struct Step {
    /// The action.
    pub id: ActionId,
    /// Its name in the warehouse.
    pub target: Target,
    /// The actions of this plan that must have succeeded before.
    pub needs: Vec<ActionId>,
    /// What is to be done.
    pub work: Work,
    /// Whether statements of the project run besides its query: they may change settings or leave temporary tables.
    pub has_operations: bool,
    /// How its jobs run.
    pub job: JobOptions,
    /// What is said of its columns when the statements have run.
    pub marks: ColumnMarks,
}

/// What a step does.
#[derive(Debug)]
pub enum Work {
    /// Nothing: the action is disabled.
    Disabled,
    /// Builds a relation anew, in one transaction.
    Build(Script),
    /// Replaces the intervals of a table whose inputs have changed, each in one transaction.
    Intervals(Box<IntervalWork>),
    /// Adds to a table, in one transaction; the statements depend on the columns that the query gives at that time.
    Incremental(Box<IncrementalWork>),
    /// Makes or refills a table by statements that depend on the columns that its query gives.
    Fill(Box<FillWork>),
    /// Runs statements as they are written, in one transaction if they do not have their own.
    Operations(Script),
    /// Keeps a query as a view and counts its rows.
    Assertion {
        /// Makes the view.
        create: Script,
        /// Gives the number of rows.
        count: Statement,
        /// Gives the rows.
        rows: Statement,
    },
}

impl Work {
    /// How much of a table it builds; `None` of what builds none, and of a backfill, which is neither all of it nor what has come
    /// since the last run. A view counts as built whole.
    pub fn build(&self) -> Option<HistoryBuild> {
        match self {
            Self::Build(_) | Self::Fill(_) => Some(HistoryBuild::Full),
            Self::Incremental(_) => Some(HistoryBuild::Incremental),
            Self::Intervals(work) if work.backfill.is_some() => None,
            Self::Intervals(work) => match work.start {
                IntervalStart::Grows => Some(HistoryBuild::Incremental),
                IntervalStart::BuildsAll(_) => Some(HistoryBuild::Full),
                IntervalStart::BuildsEmpty(_) => Some(HistoryBuild::Batches),
            },
            Self::Disabled | Self::Operations(_) | Self::Assertion { .. } => None,
        }
    }

    /// Whether it leaves a table that is marked as unfinished, so that the mark has to be taken away at the end.
    pub fn is_marked(&self) -> bool {
        match self {
            Self::Build(script) => script.is_marked,
            Self::Fill(work) => work.is_marked,
            Self::Intervals(work) => work.start.build().is_some_and(Self::is_marked),
            Self::Disabled | Self::Incremental(_) | Self::Operations(_) | Self::Assertion { .. } => false,
        }
    }
}

/// How a run differs from an ordinary one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanOptions<'a> {
    /// Build incremental tables anew, but for the protected ones.
    pub full_refresh: bool,
    /// Do these intervals again, of what is kept by intervals.
    pub backfill: Option<&'a Backfill>,
}

/// What the plan of a model depends on besides the model.
struct Context<'a> {
    state: &'a WarehouseState,
    options: PlanOptions<'a>,
    /// What its texts refer to.
    inputs: &'a [&'a Action<ActionId>],
    /// Views of the plan that stand on the model.
    rebuilt: &'a [&'a Target],
    /// The assertions that may audit it.
    audits: &'a [&'a Action<ActionId>],
}

/// Plans the selected actions. A text that has no translation to the warehouse's SQL is a diagnostic.
pub fn plan(
    graph: &Graph,
    selection: &Selection,
    state: &WarehouseState,
    from: &dyn Dialect,
    to: &dyn Dialect,
    options: PlanOptions<'_>,
) -> (Plan, Diagnostics) {
    let mut translator = Translator::new(from, to);
    if let Some(diagnostic) = no_translation(from, to) {
        translator.diagnostics.push(diagnostic);
        return (Plan { schemas: Vec::new(), steps: Vec::new() }, translator.diagnostics);
    }
    let mut steps = Vec::new();
    for id in graph.order().iter().copied().filter(|id| selection.contains(*id)) {
        let action = graph.get(id);
        let folded = folds_columns(from, to).then(|| folded(action));
        let action = folded.as_ref().unwrap_or(action);
        translator.begin();
        let work = if action.disabled {
            Work::Disabled
        } else {
            match &action.kind {
                Kind::Model(model) => {
                    let rebuilt = rebuilt(graph, selection, id, state, to);
                    let audits = audits(graph, id);
                    let inputs = ledger::reads(graph, action);
                    let context = Context { state, options, inputs: &inputs, rebuilt: &rebuilt, audits: &audits };
                    model::plan(action, model, &context, &mut translator)
                }
                Kind::Operations { statements, .. } => operations(statements, &mut translator),
                Kind::Assertion(assertion) => assert(&action.target, &assertion.query, &mut translator),
                Kind::Node(node) => {
                    translator.diagnostics.push(not_run(action, node));
                    continue;
                }
                Kind::Declaration | Kind::Test(_) | Kind::Unknown => continue,
            }
        };
        let needs = nearest_selected(graph, selection, id);
        let has_operations = has_operations(&action.kind, from);
        let (job, marks) = (action.job.clone(), column_marks(action, state));
        steps.push(Step { id, target: action.target.clone(), needs, work, has_operations, job, marks });
    }
    let schemas = schemas(graph, &steps, state, to);
    let mut diagnostics = translator.diagnostics;
    diagnostics.extend(same_relation(graph, to));
    (Plan { schemas, steps }, diagnostics)
}

/// The relations whose state a plan depends on: those that are selected, and what a run that was killed may have left
/// where relations swap names in more than one step.
pub fn targets(graph: &Graph, selection: &Selection, dialect: &dyn Dialect) -> Vec<Target> {
    let selected = selection.iter().map(|id| graph.get(id));
    let of_action = |action: &Action<ActionId>| {
        let is_model = matches!(action.kind, Kind::Model(_));
        let may_be_left = is_model && dialect.capabilities().multi_statements;
        let left = may_be_left.then(|| [swap::new(&action.target, dialect), swap::old(&action.target, dialect)]);
        iter::once(action.target.clone()).chain(left.into_iter().flatten())
    };
    selected.flat_map(of_action).collect()
}

/// The relations that others take the place of and that do not hand on by themselves who may read them: the plan needs that
/// in its state.
pub fn displaced(
    graph: &Graph,
    selection: &Selection,
    state: &WarehouseState,
    to: &dyn Dialect,
    options: PlanOptions<'_>,
) -> Vec<(Target, RelationKind)> {
    let context = Context { state, options, inputs: &[], rebuilt: &[], audits: &[] };
    let actions = selection.iter().map(|id| graph.get(id)).filter(|action| !action.disabled);
    let of_action = |action: &Action<ActionId>| match &action.kind {
        Kind::Model(model) => model::displaced(action, model, &context, to),
        _ => None,
    };
    actions.filter_map(of_action).collect()
}

/// What is said of the columns of an action that no statement can say: by the config, or by somebody who has said it of the
/// relation that is there.
pub fn column_marks(action: &Action<ActionId>, state: &WarehouseState) -> ColumnMarks {
    let existing = state.get(&action.target).map(|existing| existing.layout.column_descriptions.clone());
    let mut marks = ColumnMarks { descriptions: existing.unwrap_or_default(), ..ColumnMarks::default() };
    for column in &action.documentation.columns {
        let path = column.path.join(".");
        if !column.policy_tags.is_empty() {
            marks.policy_tags.insert(path.clone(), column.policy_tags.clone());
        }
        marks.descriptions.extend(column.description.clone().map(|description| (path, description)));
    }
    marks.descriptions.retain(|path, _| path.contains('.'));
    marks
}

/// Whether the names of columns in a config, which are sent in quotes, have to be those that translated text makes: in
/// small letters, where the warehouse tells them apart.
fn folds_columns(from: &dyn Dialect, to: &dyn Dialect) -> bool {
    to.translation_from(from).is_some() && !to.ignores_case()
}

fn folded(action: &Action<ActionId>) -> Action<ActionId> {
    let mut action = action.clone();
    let columns = action.documentation.columns.iter_mut().flat_map(|column| &mut column.path);
    columns.for_each(|name| name.make_ascii_lowercase());
    if let Kind::Model(model) = &mut action.kind {
        model.unique_key.iter_mut().for_each(|name| name.make_ascii_lowercase());
        let partitioning = model.options.postgres.partition_by.iter_mut();
        partitioning.for_each(|partitioning| partitioning.column.make_ascii_lowercase());
    }
    action
}

/// The models of a project are in one dialect; where that is not the warehouse's, it must have a translation from it.
fn no_translation(from: &dyn Dialect, to: &dyn Dialect) -> Option<Diagnostic> {
    if from.name() == to.name() || to.translation_from(from).is_some() {
        return None;
    }
    let message = format!("models in the SQL of {} do not run on {}", from.name(), to.name());
    let takes = |to: &&dyn Dialect| to.name() == from.name() || to.translation_from(from).is_some();
    let takers = dialect::names().filter_map(dialect::named).filter(takes);
    let takers: Vec<String> = takers.map(|to| format!("`warehouse: {}`", to.name())).collect();
    let help = format!("choose an environment with {} by --env", takers.join(" or "));
    Some(Diagnostic::error(Code::Untranslatable, message).help(help))
}

/// What only BigQuery's own pipelines run. What depends on it runs all the same.
fn not_run(action: &Action<ActionId>, node: &Node) -> Diagnostic {
    let (word, name) = (node.word(), &action.target);
    let what = match node {
        Node::RunTime { .. } => "its text is made by code when its turn comes, in Dataform",
        Node::Notebook { .. } | Node::DataPreparation(_) | Node::PropertyGraph(_) => "BigQuery runs it, in Dataform",
    };
    Diagnostic::warning(Code::NotRun, format!("{} {word} is not run: `{name}`", article(word)))
        .at(action.name_span, "")
        .help(format!("{what}; what depends on it is run with what is there"))
}

/// Relations whose names differ only in what a warehouse does not tell: the case of letters, or the database.
fn same_relation(graph: &Graph, to: &dyn Dialect) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<String, ActionId> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (id, action) in graph.iter().filter(|(_, action)| action.kind.has_output()) {
        let relation = to.relation(&action.target);
        let key = if to.ignores_case() { relation.to_lowercase() } else { relation };
        let Some(first) = seen.insert(key, id) else { continue };
        let first = graph.get(first);
        let differ = if first.target.database == action.target.database {
            "their names differ only in the case of letters"
        } else {
            "a connection reaches one database, so that their names are the same"
        };
        let message = format!("`{}` and `{}` are one relation in {}", first.target, action.target, to.name());
        diagnostics.push(
            Diagnostic::error(Code::DuplicateAction, message)
                .at(action.name_span, "")
                .at(first.name_span, "the first one")
                .help(format!("rename one of them: {differ}")),
        );
    }
    diagnostics
}

fn has_operations(kind: &Kind, dialect: &dyn Dialect) -> bool {
    let in_texts = |texts: &Texts| {
        let is_script = texts::statements(&texts.query, dialect).len() > 1;
        let mut all = texts.pre_operations.iter().chain(&texts.post_operations);
        is_script || all.any(|statement| !statement.text().trim().is_empty())
    };
    match kind {
        Kind::Operations { .. } => true,
        Kind::Model(model) => in_texts(&model.texts) || model.incremental().is_some_and(|more| in_texts(&more.texts)),
        Kind::Declaration | Kind::Assertion(_) | Kind::Test(_) | Kind::Node(_) | Kind::Unknown => false,
    }
}

/// What gives the rows of an action, without building it.
#[derive(Debug)]
pub struct Preview {
    /// The pre-operations of a model, which make what its query needs.
    pub before: Vec<Statement>,
    /// Whether they can be undone: they neither begin nor end a transaction.
    pub can_be_undone: bool,
    /// Gives the rows.
    pub query: Statement,
}

/// The query of a model or an assertion in the warehouse's SQL, to look at its rows; all rows of any other relation.
pub fn preview(action: &Action<ActionId>, from: &dyn Dialect, to: &dyn Dialect) -> (Preview, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let mut before = Vec::new();
    let query = match &action.kind {
        Kind::Model(model) => {
            before = if to.capabilities().multi_statements {
                translator.statements(&model.texts.pre_operations)
            } else {
                translator.texts(&model.texts.pre_operations)
            };
            Statement::text(&translator.query(&model.texts.query).0)
        }
        Kind::Assertion(assertion) => Statement::text(&translator.query(&assertion.query).0),
        Kind::Operations { .. } | Kind::Declaration | Kind::Test(_) | Kind::Node(_) | Kind::Unknown => {
            Statement::new(format!("select * from {}", to.relation(&action.target)))
        }
    };
    if to.capabilities().multi_statements {
        // One job, which has a query alone, or definitions before it: nothing of these stays.
        let can_be_undone = before.iter().all(|text| defines(text, to));
        let query = in_order(&before).then_statement(&query);
        return (Preview { before: Vec::new(), can_be_undone, query }, translator.diagnostics);
    }
    let can_be_undone = before.iter().all(|text| !controls_transactions(&text.sql, to));
    let before = before.iter().map(Statement::text).collect();
    (Preview { before, can_be_undone, query }, translator.diagnostics)
}

fn runs(graph: &Graph, id: ActionId) -> bool {
    !matches!(graph.get(id).kind, Kind::Declaration | Kind::Test(_) | Kind::Node(_) | Kind::Unknown)
}

/// The actions of the plan that come first, through those that are not selected.
fn nearest_selected(graph: &Graph, selection: &Selection, id: ActionId) -> Vec<ActionId> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = graph.dependencies(id);
    while let Some(next) = open.pop() {
        if !seen.insert(next) {
            continue;
        }
        if selection.contains(next) && runs(graph, next) {
            found.insert(next);
        } else {
            open.extend(graph.dependencies(next));
        }
    }
    found.into_iter().collect()
}

/// The views of the plan that stand on a relation, through views alone, and what is still a view until its step has come:
/// where relations swap places, these may be lost until then. Empty where they do not.
fn rebuilt<'g>(
    graph: &'g Graph,
    selection: &Selection,
    id: ActionId,
    state: &WarehouseState,
    dialect: &dyn Dialect,
) -> Vec<&'g Target> {
    let mut found = Vec::new();
    if dialect.capabilities().replacement == Replacement::InPlace {
        return found;
    }
    let mut seen = BTreeSet::from([id]);
    let mut open = graph.dependents(id);
    while let Some(next) = open.pop() {
        let action = graph.get(next);
        let is_view = match &action.kind {
            Kind::Model(model) => {
                let was_view = state.get(&action.target).is_some_and(|relation| relation.kind != RelationKind::Table);
                was_view || matches!(model.materialization, Materialization::View { .. })
            }
            Kind::Assertion(_) => true,
            _ => false,
        };
        if is_view && !action.disabled && seen.insert(next) {
            found.extend(selection.contains(next).then_some(&action.target));
            open.extend(graph.dependents(next));
        }
    }
    found.sort();
    found
}

fn schemas(graph: &Graph, steps: &[Step], state: &WarehouseState, dialect: &dyn Dialect) -> Vec<Statement> {
    let targets =
        steps.iter().filter(|step| !matches!(step.work, Work::Disabled)).map(|step| &graph.get(step.id).target);
    let missing = targets.filter(|target| !state.with_schema.contains(target));
    let schemas: BTreeSet<String> = missing.filter_map(|target| create_schema(target, dialect)).collect();
    schemas.into_iter().map(Statement::new).collect()
}

/// Makes the schema of a target where it is not there yet.
fn create_schema(target: &Target, dialect: &dyn Dialect) -> Option<String> {
    Some(format!("create schema if not exists {}", dialect.schema(target)?))
}

fn operations(statements: &[Rendered], translator: &mut Translator<'_>) -> Work {
    if translator.to.capabilities().multi_statements {
        let statements = statements.iter().filter_map(|piece| piece_of_operations(piece, translator)).collect();
        return Work::Operations(Script { statements, ..Script::default() });
    }
    let texts = translator.texts(statements);
    let has_own_transaction = texts.iter().any(|text| controls_transactions(&text.sql, translator.to));
    let statements = texts.iter().map(|text| ScriptStatement::Run(Statement::text(text))).collect();
    let in_transaction = translator.to.capabilities().transactional_ddl && !has_own_transaction;
    Work::Operations(Script { statements, in_transaction, ..Script::default() })
}

/// What is one job: as it is written, unless a transaction has to hold its statements together.
fn piece_of_operations(piece: &Rendered, translator: &mut Translator<'_>) -> Option<ScriptStatement> {
    let dialect = translator.to;
    let statements = translator.statements(slice::from_ref(piece));
    if !belong_together(&statements, dialect) {
        return translator.texts([piece]).first().map(|text| ScriptStatement::Run(Statement::text(text)));
    }
    let mut job = JobWriter::new(dialect);
    job.operations(&statements);
    Some(job.finish())
}

/// Whether a script has statements that begin or end a transaction, or that cannot be in one.
fn controls_transactions(sql: &str, dialect: &dyn Dialect) -> bool {
    const CONTROLS: [&str; 11] =
        ["abort", "attach", "begin", "checkpoint", "commit", "detach", "end", "rollback", "start", "use", "vacuum"];
    const PAIRS: [[&str; 2]; 5] = [
        ["alter", "system"],
        ["create", "database"],
        ["create", "external"],
        ["drop", "database"],
        ["drop", "external"],
    ];
    let is_letter = |char: char| char.is_alphanumeric() || char == '_';
    syntax::read(sql, dialect).iter().filter_map(|piece| sql.get(piece.range.clone())).any(|statement| {
        let words = statement.split(|char| !is_letter(char)).filter(|word| !word.is_empty()).take(5);
        let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
        let first = words.first().map(String::as_str).unwrap_or_default();
        CONTROLS.contains(&first)
            || first == "truncate" && dialect.truncate_commits()
            || PAIRS.iter().any(|pair| words.starts_with(&pair.map(str::to_owned)))
            // `create index concurrently`, and Redshift's `alter table … append from`.
            || ["create", "drop", "reindex"].contains(&first) && words.iter().any(|word| word == "concurrently")
            || first == "alter" && words.get(3..).is_some_and(|rest| rest.iter().any(|word| word == "append"))
    })
}

/// Pre-operations that run before the transaction of their model: the last one that cannot be in a transaction, and what
/// comes before it. Then those that belong to it.
fn pre_operations(texts: &[WarehouseText], dialect: &dyn Dialect) -> (Vec<ScriptStatement>, Vec<ScriptStatement>) {
    let alone = |text: &WarehouseText| controls_transactions(&text.sql, dialect);
    let before = texts.iter().rposition(alone).map_or(0, |last| last + 1);
    let (before, within) = texts.split_at(before);
    (model::runs(before), model::runs(within))
}

/// Post-operations that belong to the transaction of their model, and those behind it: the first one that cannot be in a
/// transaction, and what follows it.
fn post_operations(texts: &[WarehouseText], dialect: &dyn Dialect) -> (Vec<ScriptStatement>, Vec<ScriptStatement>) {
    let alone = |text: &WarehouseText| controls_transactions(&text.sql, dialect);
    let within = texts.iter().position(alone).unwrap_or(texts.len());
    let (within, behind) = texts.split_at(within);
    (model::runs(within), model::runs(behind))
}

fn assert(target: &Target, query: &Rendered, translator: &mut Translator<'_>) -> Work {
    let dialect = translator.to;
    let name = dialect.relation(target);
    let (text, behind) = translator.query(query);
    let storage = Storage { options: &PhysicalOptions::default(), description: None, labels: &BTreeMap::new() };
    let after = dialect.clauses(RelationKind::View, &storage).after;
    let view = |create: &str| {
        ScriptStatement::Run(Statement::new(format!("{create} view {name} as\n")).then_text(&text).then(after))
    };
    let mut create = match dialect.capabilities().replacement {
        Replacement::InPlace => Script { statements: vec![view("create or replace")], ..Script::default() },
        // A view can be replaced by one with the same columns alone.
        Replacement::Swap => {
            let lock = dialect.lock(target).map(ScriptStatement::run);
            let drop = ScriptStatement::run(format!("drop view if exists {name}"));
            let statements = lock.into_iter().chain([drop, view("create")]).collect();
            Script { statements, in_transaction: true, ..Script::default() }
        }
    };
    create.in_transaction |= !behind.is_empty() && dialect.capabilities().transactional_ddl;
    create.statements.extend(model::runs(&behind));
    if dialect.capabilities().multi_statements {
        let mut job = JobWriter::new(dialect);
        job.push_all(&create.statements);
        create.statements = vec![job.finish()];
    }
    Work::Assertion {
        create,
        count: Statement::new(format!("select count(*) from {name}")),
        rows: Statement::new(format!("select * from {name}")),
    }
}
