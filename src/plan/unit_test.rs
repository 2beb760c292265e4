//! A unit test as statements: tables for its inputs, the model over them, the rows expected.

use crate::action::{Action, ActionId, Kind, Materialization, Model, Texts, UnitTest};
use crate::diagnostic::Diagnostics;
use crate::dialect::Dialect;
use crate::graph::{Graph, InputMatch};
use crate::plan::statement::Statement;
use crate::plan::texts::Translator;
use crate::plan::{Context, PlanOptions, Step, Work, model};
use crate::relation::{ColumnMarks, Target, WarehouseState};

/// What has to be done for a unit test, in an empty warehouse.
#[derive(Debug)]
pub struct UnitTestPlan {
    /// The model under test.
    pub tested: ActionId,
    /// Makes the inputs.
    pub inputs: Vec<Statement>,
    /// Whether one of the inputs is the model's own table before the run.
    pub has_table_before: bool,
    /// The model's query for a full build.
    pub query: Statement,
    /// Gives the expected rows.
    pub expected: Statement,
}

/// Plans a unit test. Pre and post operations are no part of it.
pub fn plan_unit_test(
    graph: &Graph,
    test: &UnitTest,
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
        has_table_before |= matched == InputMatch::Before;
        let target = match matched {
            InputMatch::Before => graph.get(tested).target.clone(),
            InputMatch::Action(id) => graph.get(id).target.clone(),
            InputMatch::Literal => Target {
                database: input.relation.database.clone(),
                schema: input.relation.schema.clone(),
                name: input.relation.name.clone(),
            },
        };
        inputs.extend(super::create_schema(&target, to).map(Statement::new));
        let rows = translator.text(&input.rows);
        inputs.push(Statement::new(format!("create table {} as\n", to.relation(&target))).then_text(&rows));
    }
    let plan = UnitTestPlan {
        tested,
        inputs,
        has_table_before,
        query: Statement::text(&translator.query(&model.texts.query).0),
        expected: Statement::text(&translator.text(&test.expected)),
    };
    (Some(plan), translator.diagnostics)
}

/// The step that a run would do on the table as it was before, without pre and post operations.
pub fn plan_tested_step(
    graph: &Graph,
    tested: ActionId,
    state: &WarehouseState,
    from: &dyn Dialect,
    to: &dyn Dialect,
) -> (Step, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let action: &Action<ActionId> = graph.get(tested);
    let work = match &action.kind {
        Kind::Model(model) => {
            let context = Context { state, options: PlanOptions::default(), rebuilt: &[] };
            model::plan(action, &without_operations(model), &context, &mut translator)
        }
        _ => Work::Disabled,
    };
    (
        Step {
            id: tested,
            target: action.target.clone(),
            needs: Vec::new(),
            work,
            has_operations: false,
            job: action.job.clone(),
            marks: ColumnMarks::default(),
        },
        translator.diagnostics,
    )
}

fn without_operations(model: &Model) -> Model {
    let only_query = |texts: &Texts| Texts { query: texts.query.clone(), ..Texts::default() };
    let mut model = model.clone();
    model.texts = only_query(&model.texts);
    if let Materialization::Incremental(incremental) = &mut model.materialization {
        incremental.texts = only_query(&incremental.texts);
    }
    model
}
