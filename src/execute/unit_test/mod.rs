//! Runs unit tests: each in an embedded engine of its own that lives in memory, or all in a schema of a warehouse.

mod fixture;
mod warehouse;

use std::time::{Duration, Instant};

use crate::action::{ActionId, Kind};
use crate::adapter::{Adapter, DuckDb, Rows, Session};
use crate::compile::Compilation;
use crate::diagnostic::Diagnostics;
use crate::dialect::{ComparedColumn, Comparison, Dialect, TestBed};
use crate::execute::step::failure;
use crate::execute::{Failure, Outcome, run_step};
use crate::plan::{Statement, TestPlace, UnitTestPlan, plan_tested_step, plan_unit_test};
use crate::relation::{Column, Target};

pub use warehouse::{Connect, UnitTestsError, UnitTestsOptions, run_unit_tests_on};

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
    /// It cannot run there: a text has no translation, or reads what it should not.
    Unfit(Diagnostics),
}

/// Runs one unit test of a project that compiles, in an embedded engine.
pub fn run_unit_test(compilation: &Compilation, id: ActionId) -> UnitTestResult {
    let started = Instant::now();
    let targets: Vec<Target> = compilation.graph.iter().map(|(_, action)| action.target.clone()).collect();
    let outcome = match DuckDb::in_memory(&targets) {
        Ok(engine) => run_on(&engine, TestPlace::OwnWarehouse, compilation, id),
        Err(error) => UnitTestOutcome::Failed(Failure::from_message(error.to_string())),
    };
    UnitTestResult { id, outcome, took: started.elapsed() }
}

fn run_on(adapter: &dyn Adapter, place: TestPlace<'_>, compilation: &Compilation, id: ActionId) -> UnitTestOutcome {
    let dialect = adapter.dialect();
    let graph = &compilation.graph;
    let Kind::Test(test) = &graph.get(id).kind else { return UnitTestOutcome::Passed };
    let (plan, diagnostics) = plan_unit_test(graph, test, place, compilation.project.settings.dialect, dialect);
    if diagnostics.has_errors() {
        return UnitTestOutcome::Unfit(diagnostics);
    }
    let (Some(plan), Some(bed)) = (plan, dialect.test_bed()) else { return UnitTestOutcome::Passed };
    let result = adapter.session().map_err(Failure::from).and_then(|mut session| {
        let owner = graph.get(id).target.clone();
        let mut run = TestRun { compilation, plan: &plan, adapter, dialect, bed, session: session.as_mut(), owner };
        let outcome = run.outcome();
        // The next test may be of the same table.
        if plan.has_table_before && place != TestPlace::OwnWarehouse {
            run.drop_tested()?;
        }
        outcome
    });
    result.unwrap_or_else(UnitTestOutcome::Failed)
}

/// A test that is under way.
struct TestRun<'a> {
    compilation: &'a Compilation,
    plan: &'a UnitTestPlan,
    adapter: &'a dyn Adapter,
    dialect: &'a dyn Dialect,
    bed: &'a dyn TestBed,
    session: &'a mut dyn Session,
    /// The test itself.
    owner: Target,
}

impl TestRun<'_> {
    fn outcome(&mut self) -> Result<UnitTestOutcome, Failure> {
        for input in &self.plan.inputs {
            self.make(input)?;
        }
        let rows = match self.rows_of_model()? {
            Ok(rows) => rows,
            Err(diagnostics) => return Ok(UnitTestOutcome::Unfit(diagnostics)),
        };
        self.begin(&self.plan.actual);
        self.make_of_query(&self.plan.actual, "", &rows)?;
        self.make(&self.plan.expected)?;
        self.compare()
    }

    /// A query that gives the rows of the model: its own, or one of its table after a run on the table before.
    fn rows_of_model(&mut self) -> Result<Result<Statement, Diagnostics>, Failure> {
        let Self { plan, dialect, .. } = *self;
        if !plan.has_table_before {
            return Ok(Ok(plan.query.clone()));
        }
        let graph = &self.compilation.graph;
        let target = &graph.get(plan.tested).target;
        let state = self.adapter.state(std::slice::from_ref(target)).map_err(Failure::from)?;
        let from = self.compilation.project.settings.dialect;
        let (step, diagnostics) = plan_tested_step(graph, plan.tested, &self.owner_of(target), &state, from, dialect);
        if diagnostics.has_errors() {
            return Ok(Err(diagnostics));
        }
        match run_step(&step, self.session, dialect, &|_| (), None) {
            Outcome::Failed(failure) => Err(failure),
            _ => Ok(Ok(Statement::new(format!("select * from {}", dialect.relation(target))))),
        }
    }

    fn drop_tested(&mut self) -> Result<(), Failure> {
        let table = &self.compilation.graph.get(self.plan.tested).target;
        self.begin(table);
        self.execute(&Statement::new(format!("drop table if exists {}", self.dialect.relation(table))))
    }

    fn compare(&mut self) -> Result<UnitTestOutcome, Failure> {
        let actual_name = self.dialect.relation(&self.plan.actual);
        let expected_name = self.dialect.relation(&self.plan.expected.table);
        let mut columns_of =
            |table: &str| self.session.describe(&format!("select * from {table}")).map_err(Failure::from);
        let actual = columns_of(&actual_name)?;
        let expected = columns_of(&expected_name)?;
        if let Some(message) = other_columns(&actual, &expected) {
            return Ok(UnitTestOutcome::Differs { message, rows: None });
        }
        let columns = expected.iter().map(|column| {
            let of_actual = actual.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name)).unwrap_or(column);
            ComparedColumn { name: &column.name, is: &of_actual.data_type, should: &column.data_type }
        });
        let comparison = Comparison { actual: actual_name, expected: expected_name, columns: columns.collect() };
        let rows = self
            .session
            .query(&self.bed.difference(&comparison), usize::MAX)
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

    fn execute(&mut self, statement: &Statement) -> Result<(), Failure> {
        self.session.execute(statement.sql()).map(|_| ()).map_err(|error| failure(error, statement))
    }
}

/// In which columns two tables differ, if they do.
fn other_columns(actual: &[Column], expected: &[Column]) -> Option<String> {
    let difference = |from: &[Column], other: &[Column]| {
        let missing =
            from.iter().filter(|column| other.iter().all(|known| !known.name.eq_ignore_ascii_case(&column.name)));
        missing.map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
    };
    let parts = [("the rows lack ", difference(expected, actual)), ("they have ", difference(actual, expected))];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(words, names)| format!("{words}{names}"))
        .collect();
    (!parts.is_empty()).then(|| format!("the columns are not those expected: {}", parts.join("; ")))
}

fn rows_word(number: usize) -> String {
    match number {
        1 => "1 row".to_owned(),
        more => format!("{more} rows"),
    }
}
