//! What will be sent to the warehouse: from the graph, a selection, and what the warehouse holds. Pure: nothing here
//! talks to a warehouse.

mod incremental;
mod model;
mod statement;
mod texts;
mod trailing_blanks;
mod unit_test;

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{Action, ActionId, Kind, Node, Rendered, Texts};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, article};
use crate::dialect::{Dialect, syntax};
use crate::graph::{Graph, Selection};
use crate::plan::texts::Translator;
use crate::relation::{Target, WarehouseState};

pub use incremental::{IncrementalWork, SchemaMismatch};
pub use statement::{Statement, WarehouseText};
pub use trailing_blanks::{BlanksQuery, touched_relations, trailing_blanks};
pub use unit_test::{UnitTestPlan, plan_tested_step, plan_unit_test};

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
}

/// What a step does.
#[derive(Debug)]
pub enum Work {
    /// Nothing: the action is disabled.
    Disabled,
    /// Builds a relation anew, in one transaction.
    Build(Script),
    /// Adds to a table, in one transaction; the statements depend on the columns that the query gives at that time.
    Incremental(Box<IncrementalWork>),
    /// Runs statements as they are written, in one transaction if they do not have their own.
    Operations(Script),
    /// Keeps a query as a view and counts its rows.
    Assertion {
        /// Makes the view.
        create: Statement,
        /// Gives the number of rows.
        count: Statement,
        /// Gives the rows.
        rows: Statement,
    },
}

/// Statements that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Script {
    /// In order.
    pub statements: Vec<ScriptStatement>,
    /// Whether the warehouse has to put a transaction around them.
    pub in_transaction: bool,
}

/// A statement with its part in a script.
#[derive(Debug)]
pub enum ScriptStatement {
    /// Just runs.
    Run(Statement),
    /// Its number of rows is that of the step.
    Count(Statement),
    /// A query that gives rows if something is wrong; then nothing of the script takes effect.
    Guard {
        /// The query. Its rows are shown.
        query: Statement,
        /// What is wrong if there are rows.
        message: String,
        /// What to do.
        help: String,
    },
}

impl ScriptStatement {
    /// The statement, whatever its part.
    pub fn statement(&self) -> &Statement {
        match self {
            Self::Run(statement) | Self::Count(statement) | Self::Guard { query: statement, .. } => statement,
        }
    }
}

/// How a run differs from an ordinary one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Build incremental tables anew, but for the protected ones.
    pub full_refresh: bool,
}

/// Plans the selected actions. A text that has no translation to the warehouse's SQL is a diagnostic.
pub fn plan(
    graph: &Graph,
    selection: &Selection,
    state: &WarehouseState,
    from: &dyn Dialect,
    to: &dyn Dialect,
    options: PlanOptions,
) -> (Plan, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let mut steps = Vec::new();
    for id in graph.order().iter().copied().filter(|id| selection.contains(*id)) {
        let action = graph.get(id);
        translator.begin();
        let work = if action.disabled {
            Work::Disabled
        } else {
            match &action.kind {
                Kind::Model(model) => model::plan(action, model, state, &mut translator, options),
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
        let has_operations = has_operations(&action.kind);
        steps.push(Step { id, target: action.target.clone(), needs, work, has_operations });
    }
    let schemas = schemas(graph, &steps, to);
    let mut diagnostics = translator.diagnostics;
    if to.ignores_case() {
        diagnostics.extend(same_but_for_case(graph, to));
    }
    (Plan { schemas, steps }, diagnostics)
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

/// Relations whose names differ only in the case of letters are one in a warehouse that does not tell it.
fn same_but_for_case(graph: &Graph, to: &dyn Dialect) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<String, ActionId> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for (id, action) in graph.iter().filter(|(_, action)| action.kind.has_output()) {
        let Some(first) = seen.insert(action.target.to_string().to_lowercase(), id) else { continue };
        let first = graph.get(first);
        let message = format!("`{}` and `{}` are one relation in {}", first.target, action.target, to.name());
        diagnostics.push(
            Diagnostic::error(Code::DuplicateAction, message)
                .at(action.name_span, "")
                .at(first.name_span, "the first one")
                .help("rename one of them: their names differ only in the case of letters"),
        );
    }
    diagnostics
}

fn has_operations(kind: &Kind) -> bool {
    let in_texts = |texts: &Texts| {
        let mut all = texts.pre_operations.iter().chain(&texts.post_operations);
        all.any(|statement| !statement.text().trim().is_empty())
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
            before = translator.texts(&model.texts.pre_operations);
            Statement::text(&translator.text(&model.texts.query))
        }
        Kind::Assertion(assertion) => Statement::text(&translator.text(&assertion.query)),
        Kind::Operations { .. } | Kind::Declaration | Kind::Test(_) | Kind::Node(_) | Kind::Unknown => {
            Statement::new(format!("select * from {}", to.relation(&action.target)))
        }
    };
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

fn schemas(graph: &Graph, steps: &[Step], dialect: &dyn Dialect) -> Vec<Statement> {
    let targets =
        steps.iter().filter(|step| !matches!(step.work, Work::Disabled)).map(|step| &graph.get(step.id).target);
    let by_schema: BTreeMap<_, &Target> = targets.map(|target| ((&target.database, &target.schema), target)).collect();
    by_schema.into_values().filter_map(|target| create_schema(target, dialect)).collect()
}

/// Makes the schema of a target where it is not there yet.
fn create_schema(target: &Target, dialect: &dyn Dialect) -> Option<Statement> {
    let schema = dialect.identifier(target.schema.as_ref()?);
    let database = target.database.as_ref().map(|name| format!("{}.", dialect.identifier(name))).unwrap_or_default();
    Some(Statement::new(format!("create schema if not exists {database}{schema}")))
}

fn operations(statements: &[Rendered], translator: &mut Translator<'_>) -> Work {
    let texts = translator.texts(statements);
    let has_own_transaction = texts.iter().any(|text| controls_transactions(&text.sql, translator.to));
    let statements = texts.iter().map(|text| ScriptStatement::Run(Statement::text(text))).collect();
    Work::Operations(Script { statements, in_transaction: !has_own_transaction })
}

/// Whether a script has statements that begin or end a transaction, or that cannot be in one.
fn controls_transactions(sql: &str, dialect: &dyn Dialect) -> bool {
    const CONTROLS: [&str; 11] =
        ["abort", "attach", "begin", "checkpoint", "commit", "detach", "end", "rollback", "start", "use", "vacuum"];
    let is_letter = |char: char| char.is_alphanumeric() || char == '_';
    syntax::read(sql, dialect).iter().filter_map(|piece| sql.get(piece.range.clone())).any(|statement| {
        let word = statement.split(|char| !is_letter(char)).next().unwrap_or_default();
        CONTROLS.iter().any(|control| word.eq_ignore_ascii_case(control))
    })
}

fn assert(target: &Target, query: &Rendered, translator: &mut Translator<'_>) -> Work {
    let name = translator.to.relation(target);
    let text = translator.text(query);
    Work::Assertion {
        create: Statement::new(format!("create or replace view {name} as\n")).then_text(&text),
        count: Statement::new(format!("select count(*) from {name}")),
        rows: Statement::new(format!("select * from {name}")),
    }
}
