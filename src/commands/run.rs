use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

use crate::adapter::{Adapter, JobRef, LeftJob, LoggedJob, RunIdentity, Settled};
use crate::artifact::{self, Journal, LastRun, Undertaking};
use crate::commands::history::{keep, new_run_id};
use crate::commands::shared::{DenyArgs, ProjectArgs, SelectArgs, bytes_of, look_at, moment, show};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::execute::{Estimates, ExecuteOptions, HistoryWriter, estimate, execute, find_trailing_blanks};
use crate::graph::Selection;
use crate::plan::{Backfill, Plan, PlanOptions, Work, column_marks, displaced, plan, targets};
use crate::project::Budget;
use crate::relation::Target;
use crate::report::{RunReporter, Terminal, blanks_warnings, byte_count, estimates_text, money, plan_text, read_text};

const NOTHING_LEFT: &str = "nothing to take up: the last run did all of its steps\n";

/// Run the graph, or the selected part of it
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    deny: DenyArgs,
    /// Print the plan and the SQL, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// How many steps, or batches of intervals, may run at the same time [default: what the warehouse takes]
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
    /// Do the intervals from this time on again, of models that are kept by intervals
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with_all = ["full_refresh", "resume"])]
    from: Option<String>,
    /// Up to this time, which is no longer among them [default: to the end]
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "from")]
    to: Option<String>,
    /// Do not begin if more than this would be read: money such as 5.00, or bytes such as "200 GiB" (BigQuery)
    #[arg(long, value_name = "AMOUNT", value_parser = Budget::parse)]
    budget: Option<Budget>,
    /// Take up the last run where it failed or was killed: only the steps that it did not get done
    #[arg(long, conflicts_with_all = ["select", "exclude", "actions", "tags", "full_refresh"])]
    resume: bool,
}

pub(super) fn run(args: &RunArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    args.deny.check(&compilation, terminal)?;
    let last = if args.how.resume { Some(last_run(args, &root, &compilation)?) } else { None };
    let mut selection = match &last {
        None => args.select.select(&args.project, &root, &compilation)?,
        Some(last) => steps_of(&compilation, &last.undertaking.steps),
    };
    if selection.iter().next().is_none() && last.is_some() {
        terminal.progress(NOTHING_LEFT);
        return Ok(());
    }
    let adapter = look_at(&root, &compilation)?;
    let identity = RunIdentity {
        id: last
            .as_ref()
            .map(|last| last.undertaking.run.clone())
            .filter(|run| !run.is_empty())
            .unwrap_or_else(new_run_id),
        project: compilation.project.settings.name.clone(),
        environment: compilation.project.environment.name.clone(),
    };
    if !args.dry_run {
        // What is there shows only when all that is at work has ended.
        if let Some(last) = &last {
            let (left, done) = take_up(adapter.as_ref(), last, terminal)?;
            finish(adapter.as_ref(), &compilation, &done)?;
            selection = steps_of(&compilation, &left);
            if left.is_empty() {
                terminal.progress(NOTHING_LEFT);
                return Ok(());
            }
        }
        wait_for_others(adapter.as_ref(), &identity, terminal)?;
    }
    let mut state = adapter.state(&targets(&compilation.graph, &selection, adapter.dialect()))?;
    let full_refresh = last.as_ref().map_or(args.how.full_refresh, |last| last.undertaking.full_refresh);
    let backfill = backfill(&args.how)?;
    let options = PlanOptions { full_refresh, backfill: backfill.as_ref() };
    let replaced = displaced(&compilation.graph, &selection, &state, adapter.dialect(), options);
    state.access = adapter.access(&replaced)?;
    let dialect = compilation.project.settings.dialect;
    let (plan, diagnostics) = plan(&compilation.graph, &selection, &state, dialect, adapter.dialect(), options);
    show(&diagnostics, &compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    if backfill.is_some() {
        has_intervals(&plan)?;
    }
    if args.dry_run {
        terminal.print(&plan_text(&plan, &compilation, adapter.dialect()));
        let estimates = estimate(&plan, adapter.as_ref())?;
        terminal.print(&estimates_text(&estimates, &compilation));
        return within_budget(args, &estimates, &compilation);
    }
    if budget(args, &compilation).is_some() {
        within_budget(args, &estimate(&plan, adapter.as_ref())?, &compilation)?;
    }
    adapter.prepare()?;
    artifact::write_compiled_once(&root, &compilation)?;
    let cancelled = cancel_on_interrupt()?;
    let threads = args.threads.and_then(|threads| usize::try_from(threads).ok());
    let threads = threads.or(compilation.project.environment.threads).unwrap_or_else(|| adapter.parallelism());
    let options = ExecuteOptions { threads, fail_fast: args.fail_fast };
    let undertaking = Undertaking {
        run: identity.id.clone(),
        environment: compilation.project.environment.name.clone(),
        vars: args.project.vars(),
        full_refresh,
        steps: plan.steps.iter().map(|step| step.target.to_string()).collect(),
    };
    let history = HistoryWriter::new(&compilation, identity.id.clone());
    let mut journal = Journal::begin(&root, &undertaking)?;
    adapter.begin_run(identity, Arc::new(journal.of_jobs()?));
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
    let written = artifact::write_run_results(&root, &compilation, &results);
    if cancelled.load(Ordering::SeqCst) {
        adapter.go_on();
    }
    keep(adapter.as_ref(), &compilation, &history.of_run(&results), terminal);
    written?;
    if cancelled.load(Ordering::SeqCst) {
        return Err(CommandError::Cancelled);
    }
    if results.succeeded() { Ok(()) } else { Err(CommandError::Failed) }
}

/// The intervals that the command line asks for.
fn backfill(how: &HowArgs) -> Result<Option<Backfill>, CommandError> {
    let Some(from) = &how.from else { return Ok(None) };
    // One day's name is shorter than a moment of it, and sorts before it.
    let in_order = |to: &String| from.replace('T', " ") < to.replace('T', " ");
    if !how.to.as_ref().is_none_or(in_order) {
        return Err(CommandError::Unable {
            message: "`--to` is not behind `--from`, so that no interval lies between them".to_owned(),
            help: Some("the time of `--to` itself is no longer done: for one day, name the next".to_owned()),
        });
    }
    Ok(Some(Backfill { from: from.clone(), to: how.to.clone() }))
}

fn has_intervals(plan: &Plan) -> Result<(), CommandError> {
    if plan.steps.iter().any(|step| matches!(step.work, Work::Intervals(_))) {
        return Ok(());
    }
    let message = "`--from` says which intervals are done again, and nothing selected is kept by intervals";
    let help = "select a model with `incrementalStrategy: \"interval\"`, or leave `--from` out";
    Err(CommandError::Unable { message: message.to_owned(), help: Some(help.to_owned()) })
}

fn steps_of(compilation: &Compilation, names: &[String]) -> Selection {
    let is_meant = |target: &Target| names.contains(&target.to_string());
    compilation.graph.iter().filter(|(_, action)| is_meant(&action.target)).map(|(id, _)| id).collect()
}

/// Waits for what the last run has left at work, and gives the steps that are still to be done, and those that are done.
fn take_up(
    adapter: &dyn Adapter,
    last: &LastRun,
    terminal: &Terminal,
) -> Result<(Vec<String>, Vec<String>), CommandError> {
    let (mut left, mut done) = (last.undertaking.steps.clone(), Vec::new());
    for LoggedJob { action: step, job, is_last } in &last.jobs {
        match adapter.settle(job)? {
            Settled::Done if *is_last => {
                terminal.progress(&format!("taken up: {step} was done by the job {} of the last run\n", job.id));
                left.retain(|name| name != step);
                done.push(step.clone());
            }
            Settled::HalfDone => return Err(half_done(step, job)),
            Settled::Done | Settled::Failed | Settled::Unknown => {}
        }
    }
    Ok((left, done))
}

/// Nobody knows whether what it did may be done twice.
fn half_done(step: &str, job: &JobRef) -> CommandError {
    let message =
        format!("{step} is done in part: the job {} of the last run failed after it had changed rows", job.id);
    let help = "look at what is there, and begin a new run without --resume, which does the step from its start";
    CommandError::Unable { message, help: Some(help.to_owned()) }
}

/// What comes behind the last job of a step: the last run may not have come to it.
fn finish(adapter: &dyn Adapter, compilation: &Compilation, done: &[String]) -> Result<(), CommandError> {
    if done.is_empty() {
        return Ok(());
    }
    let selection = steps_of(compilation, done);
    let state = adapter.state(&targets(&compilation.graph, &selection, adapter.dialect()))?;
    let mut session = adapter.session()?;
    for id in selection.iter() {
        let action = compilation.graph.get(id);
        let marks = column_marks(action, &state);
        if !marks.is_empty() {
            session.mark_columns(&action.target, &marks)?;
        }
        if state.get(&action.target).is_some_and(|relation| relation.layout.is_unfinished) {
            session.finish_table(&action.target)?;
        }
    }
    Ok(())
}

/// Two runs that write to one table at a time would each add what the other adds.
fn wait_for_others(adapter: &dyn Adapter, run: &RunIdentity, terminal: &Terminal) -> Result<(), CommandError> {
    for LeftJob { action, job } in adapter.left_jobs(run)? {
        terminal.progress(&format!("waiting: the job {} of another run is at work on {action}\n", job.id));
        adapter.settle(&job)?;
    }
    Ok(())
}

/// The most that the run may be estimated to read: of the command line, or else of the settings.
fn budget(args: &RunArgs, compilation: &Compilation) -> Option<Budget> {
    args.how.budget.or_else(|| compilation.project.environment.connection.budget())
}

fn within_budget(args: &RunArgs, estimates: &Estimates, compilation: &Compilation) -> Result<(), CommandError> {
    let Some(budget) = budget(args, compilation) else { return Ok(()) };
    let connection = &compilation.project.environment.connection;
    let most = bytes_of(budget, compilation)?;
    let bytes = estimates.bytes();
    let cost = connection.cost(bytes);
    if bytes <= most {
        return Ok(());
    }
    let allowed = match budget {
        Budget::Bytes(most) => byte_count(most),
        Budget::Money(most) => money(most),
    };
    Err(CommandError::Unable {
        message: format!("the run would read {}, and its budget is {allowed}", read_text(bytes, cost)),
        help: Some(
            "select fewer steps, let them read less, or allow more by --budget; --dry-run shows each step".to_owned(),
        ),
    })
}

/// What is left of the last run, which must have been the same command.
fn last_run(args: &RunArgs, root: &Path, compilation: &Compilation) -> Result<LastRun, CommandError> {
    let unable = |message: String, help: &str| CommandError::Unable { message, help: Some(help.to_owned()) };
    let Some(found) = Journal::last(root)? else {
        return Err(unable("there is no run to take up".to_owned(), "begin one with `trueup run`"));
    };
    let last = &found.undertaking;
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
    Ok(found)
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
