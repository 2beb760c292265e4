//! Runs unit tests, each in an embedded engine of its own that lives in memory: no warehouse is needed.

use std::time::{Duration, Instant};

use crate::action::{ActionId, Kind};
use crate::adapter::{Adapter, DuckDb, Rows, Session};
use crate::compile::Compilation;
use crate::diagnostic::Diagnostics;
use crate::dialect::Dialect;
use crate::execute::step::failure;
use crate::execute::{Failure, Outcome, run_step};
use crate::plan::{Statement, UnitTestPlan, plan_tested_step, plan_unit_test};
use crate::relation::{Column, Target};

/// How many of the differing rows are shown.
const SHOWN: usize = 20;

/// How a unit test went.
#[derive(Debug)]
pub struct UnitTestResult {
    /// The test.
    pub id: ActionId,
    /// What came of it.
    pub outcome: UnitTestOutcome,
    /// How long it took.
    pub took: Duration,
}

/// What came of a unit test.
#[derive(Debug)]
pub enum UnitTestOutcome {
    /// The rows are those that were expected.
    Passed,
    /// They are not.
    Differs {
        /// In a line.
        message: String,
        /// The first value of each row is `-` for a row that is missing, `+` for one that was not expected.
        rows: Option<Rows>,
    },
    /// There were no rows to compare.
    Failed(Failure),
    /// A text has no translation.
    Untranslatable(Diagnostics),
}

/// Runs one unit test of a project that compiles.
pub fn run_unit_test(compilation: &Compilation, id: ActionId) -> UnitTestResult {
    let started = Instant::now();
    let outcome = match compare(compilation, id) {
        Ok(outcome) => outcome,
        Err(failure) => UnitTestOutcome::Failed(failure),
    };
    UnitTestResult { id, outcome, took: started.elapsed() }
}

fn compare(compilation: &Compilation, id: ActionId) -> Result<UnitTestOutcome, Failure> {
    let graph = &compilation.graph;
    let from = compilation.project.settings.dialect;
    let Kind::Test(test) = &graph.get(id).kind else { return Ok(UnitTestOutcome::Passed) };
    let targets: Vec<Target> = graph.iter().map(|(_, action)| action.target.clone()).collect();
    let engine = DuckDb::in_memory(&targets).map_err(|error| Failure::from_message(error.to_string()))?;
    let to = engine.dialect();
    let (plan, diagnostics) = plan_unit_test(graph, test, from, to);
    if diagnostics.has_errors() {
        return Ok(UnitTestOutcome::Untranslatable(diagnostics));
    }
    let Some(plan) = plan else { return Ok(UnitTestOutcome::Passed) };
    let mut session = engine.session().map_err(Failure::from)?;
    let session = session.as_mut();
    for input in &plan.inputs {
        execute(session, input)?;
    }
    let actual = match actual(compilation, &plan, &engine, session)? {
        Ok(actual) => actual,
        Err(diagnostics) => return Ok(UnitTestOutcome::Untranslatable(diagnostics)),
    };
    compare_rows(session, &actual, &plan.expected)
}

/// A query that gives the rows of the model: of its query, or of its table after a run on the table before.
fn actual(
    compilation: &Compilation,
    plan: &UnitTestPlan,
    engine: &DuckDb,
    session: &mut dyn Session,
) -> Result<Result<Statement, Diagnostics>, Failure> {
    if !plan.has_table_before {
        return Ok(Ok(plan.query.clone()));
    }
    let graph = &compilation.graph;
    let target = &graph.get(plan.tested).target;
    let state = engine.state(std::slice::from_ref(target)).map_err(Failure::from)?;
    let from = compilation.project.settings.dialect;
    let (step, diagnostics) = plan_tested_step(graph, plan.tested, &state, from, engine.dialect());
    if diagnostics.has_errors() {
        return Ok(Err(diagnostics));
    }
    match run_step(&step, session, engine.dialect(), &|_| ()) {
        Outcome::Failed(failure) => Err(failure),
        _ => Ok(Ok(Statement::new(format!("select * from {}", engine.dialect().relation(target))))),
    }
}

fn compare_rows(
    session: &mut dyn Session,
    actual: &Statement,
    expected: &Statement,
) -> Result<UnitTestOutcome, Failure> {
    execute(session, &Statement::new("create temp table trueup_actual as\n").then_statement(actual))?;
    execute(session, &Statement::new("create temp table trueup_expected as\n").then_statement(expected))?;
    let describe = |session: &mut dyn Session, table: &str| {
        session.describe(&format!("select * from {table}")).map_err(Failure::from)
    };
    let actual = describe(session, "trueup_actual")?;
    let expected = describe(session, "trueup_expected")?;
    let difference = |from: &[Column], other: &[Column]| {
        let missing =
            from.iter().filter(|column| other.iter().all(|known| !known.name.eq_ignore_ascii_case(&column.name)));
        missing.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
    };
    let (missing, unexpected) = (difference(&expected, &actual), difference(&actual, &expected));
    if !(missing.is_empty() && unexpected.is_empty()) {
        let parts = [("the rows lack ", missing), ("they have ", unexpected)];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(words, names)| format!("{words}{names}"))
            .collect();
        let message = format!("the columns are not those expected: {}", parts.join("; "));
        return Ok(UnitTestOutcome::Differs { message, rows: None });
    }
    let rows = session
        .query(&difference_query(&actual, &expected), usize::MAX)
        .map_err(|error| Failure::from_message(format!("the rows cannot be compared: {}", error.message)))?;
    if rows.rows.is_empty() {
        return Ok(UnitTestOutcome::Passed);
    }
    let signed = |sign: &str| rows.rows.iter().filter(|row| row.first() == Some(&Some(sign.to_owned()))).count();
    let parts = [(signed("-"), "missing"), (signed("+"), "not expected")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| format!("{} {what}", rows_word(*number))).collect();
    let message = parts.join(", ");
    let shown = Rows { columns: rows.columns, rows: rows.rows.into_iter().take(SHOWN).collect() };
    Ok(UnitTestOutcome::Differs { message, rows: Some(shown) })
}

fn rows_word(number: usize) -> String {
    match number {
        1 => "1 row".to_owned(),
        more => format!("{more} rows"),
    }
}

/// Each row as often as it is there too few or too many times; columns in the order expected.
fn difference_query(actual: &[Column], expected: &[Column]) -> String {
    let dialect = crate::dialect::DuckDb;
    let columns = expected.iter().map(|column| {
        let of_actual = actual.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name)).unwrap_or(column);
        (dialect.identifier(&column.name), of_actual.data_type.as_str(), column.data_type.as_str())
    });
    let (of_actual, of_expected): (Vec<String>, Vec<String>) = columns
        .map(|(name, is, should)| {
            let types = [is, should];
            // A sum of floats depends on the order in which they come, so their last digits do not count.
            let digits = if types.contains(&"FLOAT") { 6 } else { 12 };
            if types.iter().any(|data_type| ["FLOAT", "DOUBLE"].contains(data_type)) {
                let rounded = format!("printf('%.{digits}g', cast({name} as double) + 0.0) as {name}");
                return (rounded.clone(), rounded);
            }
            // Text stands for a value of any type: a date may be written as a string.
            let is_text = should == "VARCHAR" && is != "VARCHAR";
            (name.clone(), if is_text { format!("cast({name} as {is}) as {name}") } else { name })
        })
        .unzip();
    let actual = format!("select {} from trueup_actual", of_actual.join(", "));
    let expected = format!("select {} from trueup_expected", of_expected.join(", "));
    format!(
        "select * from (select '-' as sign, * from ({expected} except all {actual}) \
         union all select '+', * from ({actual} except all {expected})) order by columns(* exclude sign), sign desc"
    )
}

fn execute(session: &mut dyn Session, statement: &Statement) -> Result<(), Failure> {
    session.execute(statement.sql()).map(|_| ()).map_err(|error| failure(error, statement))
}
