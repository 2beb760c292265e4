use std::fs::File;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use rayon::prelude::*;

use crate::action::{ActionId, Kind};
use crate::adapter;
use crate::commands::run::cancel_on_interrupt;
use crate::commands::shared::{ProjectArgs, SelectArgs, connect, show};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::execute::{
    ExecuteOptions, RunResults, UnitTestOutcome, UnitTestResult, UnitTestsError, UnitTestsOptions, execute,
    run_unit_test, run_unit_tests_on,
};
use crate::graph::Selection;
use crate::plan::{PlanOptions, plan};
use crate::relation::Target;
use crate::report::{Terminal, TestReport, junit};

/// Run the unit tests, and check the assertions on what the warehouse holds
#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Only the unit tests, which need no warehouse
    #[arg(long, conflicts_with = "assertions")]
    unit: bool,
    /// Only the assertions
    #[arg(long)]
    assertions: bool,
    /// Run the unit tests on the environment's warehouse, in schemas that are dropped behind them, and not in the
    /// embedded engine
    #[arg(long, conflicts_with = "assertions")]
    on_warehouse: bool,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// How many assertions, or unit tests on the warehouse, may run at the same time [default: what the warehouse takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    threads: Option<u32>,
}

pub(super) fn run(args: &TestArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let selection = with_checks(&args.select.select(&args.project, &root, &compilation)?, &compilation);
    let of_kind = |wanted: fn(&Kind) -> bool| -> Vec<ActionId> {
        let graph = &compilation.graph;
        selection.iter().filter(|id| wanted(&graph.get(*id).kind) && !graph.get(*id).disabled).collect()
    };
    let tests = if args.assertions { Vec::new() } else { of_kind(|kind| matches!(kind, Kind::Test(_))) };
    let assertions = if args.unit { Vec::new() } else { of_kind(|kind| matches!(kind, Kind::Assertion(_))) };

    let report = TestReport::new(terminal, &compilation);
    let threads = args.threads.and_then(|threads| usize::try_from(threads).ok());
    // The embedded engine is ended with the process.
    let mut listening = None;
    let unit_results = if args.on_warehouse && !tests.is_empty() {
        let cancelled = listening.insert(cancel_on_interrupt()?);
        test_on_warehouse(&root, &compilation, &tests, threads, &report, terminal, cancelled)?
    } else {
        let results: Vec<UnitTestResult> = tests.par_iter().map(|id| run_unit_test(&compilation, *id)).collect();
        for result in &results {
            report.unit_test(result);
        }
        results
    };
    let mut checked = None;
    if !assertions.is_empty() {
        let cancelled = listening.map_or_else(cancel_on_interrupt, Ok)?;
        checked = Some(check(&root, &compilation, assertions, threads, &report, terminal, &cancelled)?);
    }
    if let Some(path) = &args.junit {
        let file = File::create(path)
            .map_err(|error| CommandError::unable(format!("cannot write {}: {error}", path.display())))?;
        junit(&compilation, &unit_results, checked.as_ref(), file)
            .map_err(|error| CommandError::unable(format!("cannot write {}: {error}", path.display())))?;
    }
    report.summary(&unit_results, checked.as_ref());
    let unit_passed = unit_results.iter().all(|result| matches!(result.outcome, UnitTestOutcome::Passed));
    let passed = unit_passed && checked.as_ref().is_none_or(RunResults::succeeded);
    if passed { Ok(()) } else { Err(CommandError::Failed) }
}

/// Runs the unit tests in schemas that are named after the time and this process.
fn test_on_warehouse(
    root: &Path,
    compilation: &Compilation,
    tests: &[ActionId],
    threads: Option<usize>,
    report: &TestReport<'_>,
    terminal: &Terminal,
    cancelled: &AtomicBool,
) -> Result<Vec<UnitTestResult>, CommandError> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let schema = format!("trueup_test_{}_{}", since_1970.as_millis(), process::id());
    let targets: Vec<Target> = compilation.graph.iter().map(|(_, action)| action.target.clone()).collect();
    let connect = || adapter::connect(&compilation.project, root, &targets);
    let options = UnitTestsOptions { schema: &schema, threads, cancelled };
    match run_unit_tests_on(&connect, compilation, tests, options, &mut |result| report.unit_test(result)) {
        Err(left @ UnitTestsError::Left { .. }) => Err(left.into()),
        _ if cancelled.load(Ordering::SeqCst) => Err(CommandError::Cancelled),
        Err(UnitTestsError::Project(diagnostics)) => {
            show(&diagnostics, compilation, terminal);
            Err(CommandError::Failed)
        }
        results => Ok(results?),
    }
}

/// The tests and assertions of the selected actions too: whoever selects a model means them.
fn with_checks(selection: &Selection, compilation: &Compilation) -> Selection {
    let graph = &compilation.graph;
    let checks = selection
        .iter()
        .filter(|id| matches!(graph.get(*id).kind, Kind::Model(_) | Kind::Operations { .. } | Kind::Declaration));
    let checks = checks.flat_map(|id| graph.dependents(id));
    let checks = checks.filter(|id| matches!(graph.get(*id).kind, Kind::Assertion(_) | Kind::Test(_)));
    selection.iter().chain(checks).collect()
}

fn check(
    root: &std::path::Path,
    compilation: &Compilation,
    assertions: Vec<ActionId>,
    threads: Option<usize>,
    report: &TestReport<'_>,
    terminal: &Terminal,
    cancelled: &AtomicBool,
) -> Result<RunResults, CommandError> {
    let graph = &compilation.graph;
    let adapter = connect(root, compilation)?;
    let read: Vec<ActionId> = assertions.iter().flat_map(|id| graph.dependencies(*id)).collect();
    let targets: Vec<Target> = read.iter().map(|id| graph.get(*id).target.clone()).collect();
    let state = adapter.state(&targets)?;
    let missing = targets.iter().find(|target| state.get(target).is_none());
    if let Some(target) = missing {
        return Err(CommandError::Unable {
            message: format!(
                "the assertions need `{target}`, which is not in environment `{}`",
                compilation.project.environment.name
            ),
            help: Some("build it with `trueup run` first; `trueup test --unit` needs no warehouse".to_owned()),
        });
    }
    let selection: Selection = assertions.into_iter().collect();
    let dialect = compilation.project.settings.dialect;
    let (plan, diagnostics) = plan(graph, &selection, &state, dialect, adapter.dialect(), PlanOptions::default());
    show(&diagnostics, compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    let options = ExecuteOptions { threads: threads.unwrap_or_else(|| adapter.parallelism()), fail_fast: false };
    let results = execute(&plan, adapter.as_ref(), options, cancelled, &mut |event| report.assertion(event))?;
    if cancelled.load(Ordering::SeqCst) { Err(CommandError::Cancelled) } else { Ok(results) }
}
