//! A unit test as statements: tables for its inputs, the model over them, the rows expected.

use std::collections::BTreeMap;

use crate::action::{Action, ActionId, Kind, Materialization, Model, Publishing, Reference, Rendered, Texts, UnitTest};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::syntax::{self, Batch};
use crate::dialect::{self, Dialect, Storage, TestBed};
use crate::graph::{Graph, InputMatch};
use crate::plan::statement::Statement;
use crate::plan::texts::Translator;
use crate::plan::{Context, PlanOptions, Step, Work, model};
use crate::project::Scratch;
use crate::relation::{ColumnMarks, Partitioning, PhysicalOptions, RelationKind, Target, WarehouseState};

/// Where the tables of a unit test lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestPlace<'a> {
    /// In a warehouse of its own, each under its own name.
    OwnWarehouse,
    /// All in one schema of a warehouse that holds others, too.
    Scratch(&'a Scratch),
}

/// What has to be done for a unit test.
#[derive(Debug)]
pub struct UnitTestPlan {
    /// The model under test.
    pub tested: ActionId,
    /// The tables that the model reads, and what it held before the run.
    pub inputs: Vec<Fixture>,
    /// Whether one of the inputs is the model's own table before the run.
    pub has_table_before: bool,
    /// The model's query for a full build.
    pub query: Statement,
    /// The rows of the model go there.
    pub actual: Target,
    /// A table of the rows expected.
    pub expected: Fixture,
}

/// A table with rows that a test gives.
#[derive(Debug)]
pub struct Fixture {
    /// Its name.
    pub table: Target,
    /// Makes its schema, where it may be missing.
    pub schema: Option<Statement>,
    /// How it lies, with a blank at the end.
    pub clauses: String,
    /// What it holds.
    pub rows: FixtureRows,
}

/// The rows of a test.
#[derive(Debug)]
pub enum FixtureRows {
    /// A query of the warehouse's.
    Query(Statement),
    /// Queries of the embedded engine's whose rows come one after the other: as one of the warehouse's they would be longer than
    /// that takes. The first one names the columns.
    Embedded(Vec<RowBatch>),
}

/// Some rows of a test.
#[derive(Debug)]
pub struct RowBatch {
    /// Gives the rows.
    pub query: Statement,
    /// How many of them the first batch has, too.
    pub repeated: usize,
}

/// Plans a unit test. Pre and post operations are no part of it.
pub fn plan_unit_test(
    graph: &Graph,
    test: &UnitTest,
    place: TestPlace<'_>,
    from: &dyn Dialect,
    to: &dyn Dialect,
) -> (Option<UnitTestPlan>, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let Some(tested) = graph.tested(test) else { return (None, translator.diagnostics) };
    let Kind::Model(model) = &graph.get(tested).kind else { return (None, translator.diagnostics) };
    let mut inputs = Vec::new();
    let mut has_table_before = false;
    for input in &test.inputs {
        let matched = graph.match_input(tested, input);
        let mut clauses = String::new();
        let table = match matched {
            InputMatch::Before => {
                has_table_before = true;
                clauses = clauses_before(model, to);
                graph.get(tested).target.clone()
            }
            InputMatch::Action(id) => graph.get(id).target.clone(),
            InputMatch::Literal => {
                if place != TestPlace::OwnWarehouse {
                    let message = format!(
                        "`{}` is read without a ref, so that it cannot be led to the rows of a test",
                        input.relation
                    );
                    let diagnostic = Diagnostic::error(Code::UnfitAction, message).at(input.span, "");
                    translator
                        .diagnostics
                        .push(diagnostic.help("declare it, and write a ref; or test without --on-warehouse"));
                }
                let Reference { database, schema, name } = input.relation.clone();
                Target { database, schema, name }
            }
        };
        if inputs.iter().any(|other: &Fixture| other.table == table) {
            let message = format!("another input of this test stands for `{}` too", input.relation);
            let diagnostic = Diagnostic::error(Code::UnfitAction, message).at(input.span, "");
            translator.diagnostics.push(diagnostic.help("put all rows into one `input`"));
        }
        let schema = super::create_schema(&table, to).filter(|_| place == TestPlace::OwnWarehouse);
        let rows = rows(&input.rows, &mut translator);
        inputs.push(Fixture { table, schema: schema.map(Statement::new), clauses, rows });
    }
    let own = |name: &str| match place {
        TestPlace::OwnWarehouse => Target { database: None, schema: None, name: name.to_owned() },
        TestPlace::Scratch(scratch) => scratch.relation(name),
    };
    let plan = UnitTestPlan {
        tested,
        inputs,
        has_table_before,
        query: Statement::text(&translator.query(&model.texts.query).0),
        actual: own("trueup_actual"),
        expected: Fixture {
            table: own("trueup_expected"),
            schema: None,
            clauses: String::new(),
            rows: rows(&test.expected, &mut translator),
        },
    };
    (Some(plan), translator.diagnostics)
}

/// Rows that are a query of the warehouse's, unless that would be too long.
fn rows(text: &Rendered, translator: &mut Translator<'_>) -> FixtureRows {
    /// For what stands before the query.
    const HEAD: usize = 4096;
    let longest = translator.to.test_bed().map_or(usize::MAX, TestBed::longest_statement);
    if text.text().len().saturating_add(HEAD) < longest {
        let rows = translator.text(text);
        if rows.sql().len().saturating_add(HEAD) < longest {
            return FixtureRows::Query(Statement::text(&rows));
        }
    }
    let batches = syntax::batches(text.text(), translator.from).unwrap_or_else(|problem| {
        let diagnostic = text.place(Diagnostic::error(Code::Untranslatable, problem.message), problem.range);
        translator.diagnostics.push(diagnostic.help(problem.help.unwrap_or_default()));
        Vec::new()
    });
    let mut embedded = Translator::new(translator.from, &dialect::DuckDb);
    let mut translated = Vec::with_capacity(batches.len());
    for Batch { parts, repeated } in batches {
        let mut rows = Rendered::default();
        for part in parts {
            rows.append(&text.part(part));
        }
        translated.push(RowBatch { query: Statement::text(&embedded.text(&rows)), repeated });
        // What is wrong with one row is wrong with all.
        if embedded.diagnostics.has_errors() {
            break;
        }
    }
    translator.diagnostics.extend(embedded.diagnostics);
    FixtureRows::Embedded(translated)
}

/// How the table of an incremental model lies that a test begins with.
fn clauses_before(model: &Model, dialect: &dyn Dialect) -> String {
    let mut options = options(&model.options);
    let is_by_ingestion =
        |expression: &String| matches!(dialect.partitioning(expression), Some(Partitioning::Time { column: None, .. }));
    // No query makes such a table.
    options.partition_by = options.partition_by.filter(|expression| !is_by_ingestion(expression));
    let storage = Storage { options: &options, description: None, labels: &BTreeMap::new() };
    dialect.clauses(RelationKind::Table, &storage).before
}

/// How a table lies, but for what would take rows away or keep them from being read.
fn options(options: &PhysicalOptions) -> PhysicalOptions {
    PhysicalOptions {
        partition_expiration_days: None,
        require_partition_filter: false,
        additional_options: BTreeMap::new(),
        iceberg: None,
        ..options.clone()
    }
}

/// The step that a run would do on the table as it was before, without pre and post operations. Its jobs are those of
/// `owner`.
pub fn plan_tested_step(
    graph: &Graph,
    tested: ActionId,
    owner: &Target,
    state: &WarehouseState,
    from: &dyn Dialect,
    to: &dyn Dialect,
) -> (Step, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let action: &Action<ActionId> = graph.get(tested);
    let work = match &action.kind {
        Kind::Model(model) => {
            let context = Context { state, options: PlanOptions::default(), inputs: &[], rebuilt: &[], audits: &[] };
            model::plan_model(action, &for_test(model), &context, &mut translator)
        }
        _ => Work::Disabled,
    };
    (
        Step {
            id: tested,
            target: owner.clone(),
            needs: Vec::new(),
            work,
            has_operations: false,
            job: action.job.clone(),
            marks: ColumnMarks::default(),
        },
        translator.diagnostics,
    )
}

fn for_test(model: &Model) -> Model {
    let only_query = |texts: &Texts| Texts { query: texts.query.clone(), ..Texts::default() };
    let mut model = model.clone();
    model.options = options(&model.options);
    model.texts = only_query(&model.texts);
    model.publishing = Publishing::AsBuilt;
    if let Materialization::Incremental(incremental) = &mut model.materialization {
        incremental.texts = only_query(&incremental.texts);
    }
    model
}
