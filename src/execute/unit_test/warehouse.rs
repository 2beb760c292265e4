use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError, ConnectError};
use crate::compile::Compilation;
use crate::dialect::Dialect;
use crate::execute::unit_test::run_on;
use crate::execute::{POLL, UnitTestResult};
use crate::plan::TestPlace;
use crate::project::Scratch;
use crate::relation::Target;

/// Why unit tests did not run on a warehouse.
#[derive(Debug, thiserror::Error)]
pub enum UnitTestsError {
    /// It is not one for them.
    #[error("unit tests do not run on {0} yet")]
    Unsupported(&'static str),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Their schema cannot be made.
    #[error(transparent)]
    Warehouse(#[from] AdapterError),
    /// Their schema cannot be dropped.
    #[error("the schema {schema} of the unit tests may still be there: {message}")]
    Left {
        /// Its quoted name.
        schema: String,
        /// Why.
        message: String,
    },
}

/// Runs unit tests one after the other in a schema that is made for them and dropped behind them, and tells `report` of each.
/// `compilation` is that of a project which has all its relations there.
///
/// When `cancelled` becomes true the test that runs is cancelled and no other begins. `connect` is asked for a connection
/// twice: with one that has been cancelled nothing can be dropped.
pub fn run_unit_tests_on(
    connect: &dyn Fn() -> Result<Arc<dyn Adapter>, ConnectError>,
    (compilation, scratch): (&Compilation, &Scratch),
    tests: &[ActionId],
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(&UnitTestResult),
) -> Result<Vec<UnitTestResult>, UnitTestsError> {
    let adapter = connect()?;
    let dialect = adapter.dialect();
    let bed = dialect.test_bed().ok_or(UnitTestsError::Unsupported(dialect.name()))?;
    // A warehouse with several locations finds out in which one it is to be.
    adapter.state(&[])?;
    let schema = quoted(scratch, dialect);
    let made = adapter.session()?.execute(&bed.create_schema(&schema));
    let results = made.map(|_| run_all(adapter.as_ref(), (compilation, scratch), tests, cancelled, report));
    drop(adapter);
    // Whatever came of it: what failed to be made may be there all the same.
    let dropped = drop_schema(connect, &schema);
    let results = results?;
    dropped.map_err(|error| UnitTestsError::Left { schema, message: error.to_string() })?;
    Ok(results)
}

fn drop_schema(
    connect: &dyn Fn() -> Result<Arc<dyn Adapter>, ConnectError>,
    schema: &str,
) -> Result<(), UnitTestsError> {
    let adapter = connect()?;
    adapter.state(&[])?;
    adapter.session()?.execute(&format!("drop schema if exists {schema} cascade"))?;
    Ok(())
}

fn quoted(scratch: &Scratch, dialect: &dyn Dialect) -> String {
    let inside: Target = scratch.relation(String::new());
    dialect.schema(&inside).unwrap_or_default()
}

fn run_all(
    adapter: &dyn Adapter,
    (compilation, scratch): (&Compilation, &Scratch),
    tests: &[ActionId],
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(&UnitTestResult),
) -> Vec<UnitTestResult> {
    let mut results = Vec::with_capacity(tests.len());
    let (to_reporter, done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for id in tests.iter().take_while(|_| !cancelled.load(Ordering::SeqCst)) {
                let started = Instant::now();
                let outcome = run_on(adapter, TestPlace::Scratch(scratch), compilation, *id);
                // One that was cancelled has not failed by itself.
                if cancelled.load(Ordering::SeqCst) {
                    break;
                }
                // The receiver lives as long as this scope.
                let _ = to_reporter.send(UnitTestResult { id: *id, outcome, took: started.elapsed() });
            }
        });
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
