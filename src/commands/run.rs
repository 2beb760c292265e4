use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::artifact::{self, Journal, Undertaking};
use crate::commands::shared::{ProjectArgs, SelectArgs, look_at, show};
use crate::compile::Compilation;
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
    #[command(flatten)]
    how: HowArgs,
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

/// How the run goes about what is there.
#[derive(Debug, Args)]
struct HowArgs {
    /// Build incremental tables anew from all of their input
    #[arg(long, short)]
    full_refresh: bool,
    /// Take up the last run where it failed or was killed: only the steps that it did not get done
    #[arg(long, conflicts_with_all = ["select", "exclude", "actions", "tags", "full_refresh"])]
    resume: bool,
}

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let last = if args.how.resume { Some(last_run(args, &root, &compilation)?) } else { None };
    let selection = match &last {
        None => args.select.select(&compilation)?,
        Some(last) => {
            let is_left = |name: &String| last.steps.contains(name);
            let actions = compilation.graph.iter();
            actions.filter(|(_, action)| is_left(&action.target.to_string())).map(|(id, _)| id).collect()
        }
    };
    if last.as_ref().is_some_and(|last| last.steps.is_empty()) {
        terminal.progress("nothing to take up: the last run did all of its steps\n");
        return Ok(());
    }
    let adapter = look_at(&root, &compilation)?;
    let targets: Vec<Target> = selection.iter().map(|id| compilation.graph.get(id).target.clone()).collect();
    let state = adapter.state(&targets)?;
    let full_refresh = last.as_ref().map_or(args.how.full_refresh, |last| last.full_refresh);
    let options = PlanOptions { full_refresh };
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
    adapter.prepare()?;
    artifact::write_compiled(&root, &compilation)?;
    let cancelled = cancel_on_interrupt()?;
    let threads = args.threads.and_then(|threads| usize::try_from(threads).ok());
    let threads = threads.or(compilation.project.environment.threads).unwrap_or_else(|| adapter.parallelism());
    let options = ExecuteOptions { threads, fail_fast: args.fail_fast };
    let undertaking = Undertaking {
        environment: compilation.project.environment.name.clone(),
        vars: args.project.vars(),
        full_refresh,
        steps: plan.steps.iter().map(|step| step.target.to_string()).collect(),
    };
    let mut journal = Journal::begin(&root, &undertaking)?;
    let mut reporter = RunReporter::new(terminal, &compilation);
    let mut unwritten = None;
    let results = execute(&plan, adapter.as_ref(), options, &cancelled, &mut |event| {
        // What is done counts, and is told, even if it cannot be written down.
        unwritten = unwritten.take().or(journal.record(event, &compilation.graph).err());
        reporter.handle(event);
    })?;
    if let Some(error) = unwritten {
        terminal.error(&format!("the journal of the run cannot be written: {error}"), None);
    }
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

/// What is left of the last run, which must have been the same command.
fn last_run(args: &RunArgs, root: &Path, compilation: &Compilation) -> Result<Undertaking, CommandError> {
    let unable = |message: String, help: &str| CommandError::Unable { message, help: Some(help.to_owned()) };
    let Some(last) = Journal::last(root)? else {
        return Err(unable("there is no run to take up".to_owned(), "begin one with `trueup run`"));
    };
    if last.environment != compilation.project.environment.name {
        let help = format!("take it up with --env {}, or begin a new one without --resume", last.environment);
        return Err(unable(format!("the last run was in the environment `{}`", last.environment), &help));
    }
    if last.vars != args.project.vars() {
        let vars = last.vars.iter().map(|var| format!(" --vars {var}")).collect::<String>();
        let (message, help) = if vars.is_empty() {
            (
                "the last run was without --vars".to_owned(),
                "leave them out, or begin a new run without --resume".to_owned(),
            )
        } else {
            (
                "the last run had other --vars".to_owned(),
                format!("take it up with{vars}, or begin a new one without --resume"),
            )
        };
        return Err(unable(message, &help));
    }
    Ok(last)
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
