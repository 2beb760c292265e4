use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::artifact;
use crate::commands::shared::{ProjectArgs, SelectArgs, connect, show};
use crate::error::CommandError;
use crate::execute::{ExecuteOptions, execute, find_trailing_blanks};
use crate::plan::{PlanOptions, plan};
use crate::relation::Target;
use crate::report::{RunReporter, Terminal, blanks_warnings, plan_text};

/// Run the graph, or the selected part of it
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Build incremental tables anew from all of their input
    #[arg(long, short)]
    full_refresh: bool,
    /// Print the plan and the SQL, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// How many steps may run at the same time [default: what the warehouse takes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    threads: Option<u32>,
    /// End the run at the first failure
    #[arg(long, short = 'x')]
    fail_fast: bool,
}

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let selection = args.select.select(&compilation)?;
    let adapter = connect(&root, &compilation)?;
    let targets: Vec<Target> = selection.iter().map(|id| compilation.graph.get(id).target.clone()).collect();
    let state = adapter.state(&targets)?;
    let options = PlanOptions { full_refresh: args.full_refresh };
    let dialect = compilation.project.settings.dialect;
    let (plan, diagnostics) = plan(&compilation.graph, &selection, &state, dialect, adapter.dialect(), options);
    show(&diagnostics, &compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    if args.dry_run {
        terminal.print(&plan_text(&plan, &compilation, adapter.dialect()));
        return Ok(());
    }
    artifact::write_compiled(&root, &compilation)?;
    let cancelled = cancel_on_interrupt()?;
    let threads = args.threads.and_then(|threads| usize::try_from(threads).ok());
    let threads = threads.or(compilation.project.environment.threads).unwrap_or_else(|| adapter.parallelism());
    let options = ExecuteOptions { threads, fail_fast: args.fail_fast };
    let mut reporter = RunReporter::new(terminal, &compilation);
    let results = execute(&plan, adapter.as_ref(), options, &cancelled, &mut |event| reporter.handle(event))?;
    // What cannot be asked is no reason to fail: the run itself is over.
    let blanks = if cancelled.load(Ordering::SeqCst) {
        Ok(Vec::new())
    } else {
        find_trailing_blanks(&compilation.graph, &results, dialect, adapter.as_ref())
    };
    show(&blanks_warnings(&blanks.unwrap_or_default(), &compilation, adapter.dialect()), &compilation, terminal);
    reporter.summary(&results);
    artifact::write_run_results(&root, &compilation, &results)?;
    if cancelled.load(Ordering::SeqCst) {
        return Err(CommandError::Cancelled);
    }
    if results.succeeded() { Ok(()) } else { Err(CommandError::Failed) }
}

/// The first Ctrl-C stops what runs and lets nothing more begin; a second one ends the process at once, which leaves
/// every table as it was before its step or as it is after it.
pub(super) fn cancel_on_interrupt() -> Result<Arc<AtomicBool>, CommandError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&cancelled);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            end_now();
        }
    })
    .map_err(|error| CommandError::unable(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(cancelled)
}

#[expect(clippy::exit, reason = "a second Ctrl-C asks for exactly this")]
fn end_now() {
    std::process::exit(i32::from(CommandError::Cancelled.exit_code()));
}
