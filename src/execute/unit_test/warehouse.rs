use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError, ConnectError};
use crate::compile::Compilation;
use crate::diagnostic::Diagnostics;
use crate::dialect::{Dialect, TestBed};
use crate::execute::unit_test::run_on;
use crate::execute::{POLL, UnitTestResult};
use crate::plan::TestPlace;
use crate::project::Scratch;

/// Why unit tests did not run on a warehouse.
#[derive(Debug, thiserror::Error)]
pub enum UnitTestsError {
    /// It is not one for them.
    #[error("unit tests do not run on {0} yet")]
    Unsupported(&'static str),
    /// The project cannot be put into a schema.
    #[error("the project has mistakes")]
    Project(Diagnostics),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A schema cannot be made.
    #[error(transparent)]
    Warehouse(#[from] AdapterError),
    /// A schema cannot be dropped.
    #[error("the schema {schema} of the unit tests may still be there: {message}")]
    Left {
        /// Its quoted name.
        schema: String,
        /// Why.
        message: String,
    },
}

/// How unit tests run on a warehouse.
#[derive(Debug, Clone, Copy)]
pub struct UnitTestsOptions<'a> {
    /// The start of the names of schemas that nobody else has.
    pub schema: &'a str,
    /// How many tests may run at the same time; otherwise as many as the warehouse takes.
    pub threads: Option<usize>,
    /// When it becomes true the tests that run are cancelled and no other begins.
    pub cancelled: &'a AtomicBool,
}

/// Gives a connection. It is asked twice: with one that has been cancelled nothing can be dropped.
pub type Connect<'a> = dyn Fn() -> Result<Arc<dyn Adapter>, ConnectError> + 'a;

/// A schema with the project in it. The tests in it run one after the other.
struct Lane {
    compilation: Compilation,
    scratch: Scratch,
}

/// Runs unit tests in schemas that are made for them and dropped behind them, and tells `report` of each that has ended, from
/// this thread alone.
pub fn run_unit_tests_on(
    connect: &Connect<'_>,
    compilation: &Compilation,
    tests: &[ActionId],
    options: UnitTestsOptions<'_>,
    report: &mut dyn FnMut(&UnitTestResult),
) -> Result<Vec<UnitTestResult>, UnitTestsError> {
    let adapter = connect()?;
    let dialect = adapter.dialect();
    let bed = dialect.test_bed().ok_or(UnitTestsError::Unsupported(dialect.name()))?;
    // A schema takes about as long as a test.
    let most = options.threads.unwrap_or_else(|| adapter.parallelism().min(tests.len().div_ceil(2)));
    let lanes = (1..=most.clamp(1, tests.len().max(1))).map(|number| lane(compilation, options.schema, number));
    let lanes = lanes.collect::<Result<Vec<Lane>, UnitTestsError>>()?;
    // A warehouse with several locations finds out in which one it is to be.
    adapter.state(&[])?;
    let made = make_schemas(adapter.as_ref(), bed, &lanes);
    let results = made.map(|()| run_all(adapter.as_ref(), &lanes, tests, options.cancelled, report));
    drop(adapter);
    // Whatever came of it: what failed to be made may be there all the same.
    let dropped = drop_schemas(connect, dialect, &lanes);
    let results = results?;
    dropped?;
    Ok(results)
}

fn lane(compilation: &Compilation, schema: &str, number: usize) -> Result<Lane, UnitTestsError> {
    let scratch = Scratch { database: compilation.project.default_database(), schema: format!("{schema}_{number}") };
    let compilation = compilation.in_scratch(scratch.clone());
    if compilation.diagnostics.has_errors() {
        return Err(UnitTestsError::Project(compilation.diagnostics));
    }
    Ok(Lane { compilation, scratch })
}

impl Lane {
    /// The quoted name of the schema.
    fn schema(&self, dialect: &dyn Dialect) -> String {
        dialect.schema(&self.scratch.relation(String::new())).unwrap_or_default()
    }
}

fn make_schemas(adapter: &dyn Adapter, bed: &dyn TestBed, lanes: &[Lane]) -> Result<(), AdapterError> {
    let mut session = adapter.session()?;
    for lane in lanes {
        session.execute(&bed.create_schema(&lane.schema(adapter.dialect())))?;
    }
    Ok(())
}

/// Drops all of them, and says which one is the first that cannot be.
fn drop_schemas(connect: &Connect<'_>, dialect: &dyn Dialect, lanes: &[Lane]) -> Result<(), UnitTestsError> {
    let left = |lane: &Lane, message: String| UnitTestsError::Left { schema: lane.schema(dialect), message };
    let connected = connect().map_err(|error| error.to_string());
    let ready = connected.and_then(|adapter| adapter.state(&[]).map(|_| adapter).map_err(|error| error.message));
    let drop_one = |lane: &Lane| {
        let adapter = ready.as_ref().map_err(Clone::clone)?;
        let sql = format!("drop schema if exists {} cascade", lane.schema(dialect));
        let dropped = adapter.session().and_then(|mut session| session.execute(&sql));
        dropped.map(|_| ()).map_err(|error| error.message)
    };
    let dropped: Vec<_> = lanes.iter().map(|lane| drop_one(lane).map_err(|message| left(lane, message))).collect();
    dropped.into_iter().collect()
}

fn run_all(
    adapter: &dyn Adapter,
    lanes: &[Lane],
    tests: &[ActionId],
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(&UnitTestResult),
) -> Vec<UnitTestResult> {
    let mut results = Vec::with_capacity(tests.len());
    let (to_reporter, done) = mpsc::channel();
    let begun = AtomicUsize::new(0);
    thread::scope(|scope| {
        for Lane { compilation, scratch } in lanes {
            let (to_reporter, begun) = (to_reporter.clone(), &begun);
            scope.spawn(move || {
                while let Some(id) = tests.get(begun.fetch_add(1, Ordering::SeqCst)).copied() {
                    let started = Instant::now();
                    let outcome = run_on(adapter, TestPlace::Scratch(scratch), compilation, id);
                    // One that was cancelled has not failed by itself.
                    if cancelled.load(Ordering::SeqCst) {
                        break;
                    }
                    // The receiver lives as long as this scope.
                    let _ = to_reporter.send(UnitTestResult { id, outcome, took: started.elapsed() });
                }
            });
        }
        drop(to_reporter);
        loop {
            match done.recv_timeout(POLL) {
                Ok(result) => {
                    report(&result);
                    results.push(result);
                }
                Err(mpsc::RecvTimeoutError::Timeout) if cancelled.load(Ordering::SeqCst) => adapter.cancel(),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    results
}
