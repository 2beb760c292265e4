//! Runs a plan: steps in order of their needs, as many at a time as the warehouse takes.

mod allowance;
mod cost;
mod crew;
mod estimate;
mod event;
mod history;
mod interval;
mod lateness;
mod reconcile;
mod reconciled;
mod repair;
mod result;
mod sample;
mod schedule;
mod status;
mod step;
mod trailing_blanks;
mod unit_test;
mod written_by;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError};
use crate::plan::{Plan, Step, Work};

pub use allowance::OverBudget;
pub use cost::{
    Alternative, Bound, Cheapest, CostError, CostSource, Costs, Figure, Gap, Keeping, Known, ModelCost, NoFigure,
    Rates, Sample, Sampled, cost,
};
pub use estimate::{Estimates, Reads, StepEstimate, estimate};
pub use event::Event;
pub use history::{HistoryState, HistoryWriter, HistoryWritten, LastDone, LastOfAction, read_history, write_history};
pub use lateness::{Lateness, LatenessStep, measure_lateness};
pub use reconcile::{
    Pair, ReconcileError, ReconcileOptions, RowKey, compare_relations, comparison_of_built, reconcile,
};
pub use reconciled::{Habits, IntervalDifference, LeftOut, Reconciled, Renewal, Waiting};
pub use repair::Objection;
pub use result::{Failure, Finding, Outcome, Rejection, RunResults, SkipReason, StepResult};
pub use sample::{Draw, Share};
pub use status::{Arrivals, Newest, RelationStatus, Seen, Sight, Watched, look_at_all};
pub use step::{Retry, TRIES};
pub use trailing_blanks::{TrailingBlanks, find_trailing_blanks};
pub use unit_test::{
    Connect, UnitTestOutcome, UnitTestResult, UnitTestsError, UnitTestsOptions, run_unit_test, run_unit_tests_on,
};

pub use written_by::{WrittenBy, written_by};

use crew::{Crew, Taken, Threads};
use schedule::Schedule;
use step::run_step;

/// How long a wish to cancel may go unseen.
const POLL: Duration = Duration::from_millis(100);

/// How long nothing ends before it is asked what is in the way.
const LOOK_FOR_WAITS: Duration = Duration::from_secs(2);

/// How a run goes about its work.
#[derive(Debug, Clone, Copy)]
pub struct ExecuteOptions {
    /// How many steps, or intervals of a step, may run at the same time.
    pub threads: usize,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
}

/// Runs every step of a plan, and tells `report` of each thing that happens, from this thread alone.
///
/// When `cancelled` becomes true no further step begins, and those that run are cancelled and leave everything as it was.
pub fn execute(
    plan: &Plan,
    adapter: &dyn Adapter,
    options: ExecuteOptions,
    cancelled: &AtomicBool,
    report: &mut dyn FnMut(&Event),
) -> Result<RunResults, AdapterError> {
    let started_at = SystemTime::now();
    let started = Instant::now();
    let mut session = adapter.session()?;
    for schema in &plan.schemas {
        let made = session.execute(schema.sql());
        // Another run has made it at the same moment: it is there by now.
        if made.as_ref().is_err_and(|error| error.is_conflict) { session.execute(schema.sql()) } else { made }?;
    }
    drop(session);

    let mut results = Vec::with_capacity(plan.steps.len());
    let mut schedule = Schedule::new(&plan.steps);
    report(&Event::RunStarted { steps: plan.steps.len() });
    let mut finish = |schedule: &mut Schedule, result: StepResult, report: &mut dyn FnMut(&Event)| {
        schedule.finish(&result);
        report(&Event::StepFinished(result.clone()));
        results.push(result);
    };
    let (to_workers, jobs) = mpsc::channel::<&Step>();
    let jobs = Mutex::new(jobs);
    let (from_workers, done) = mpsc::channel::<News>();
    let threads = Threads::new(options.threads.max(1));
    let crew = Crew { adapter, threads: &threads };
    thread::scope(|scope| {
        let workers = options.threads.clamp(1, plan.steps.len().max(1));
        for _ in 0..workers {
            let (from_workers, jobs) = (from_workers.clone(), &jobs);
            scope.spawn(move || work(crew, jobs, &from_workers, cancelled));
        }
        let mut running: Vec<Taken<'_>> = Vec::new();
        let mut patience = Patience::default();
        let mut stop = false;
        loop {
            stop |= cancelled.load(Ordering::SeqCst);
            // No more than can begin at once: what waits in a queue could not be held back any more.
            while running.len() < workers {
                let Some(thread) = threads.take_one() else { break };
                let Some((step, skip)) = schedule.next(stop.then_some(SkipReason::Cancelled)) else { break };
                if let Some(reason) = skip {
                    let result = StepResult::skipped(step.id, reason);
                    finish(&mut schedule, result, report);
                } else if matches!(step.work, Work::Disabled) {
                    finish(&mut schedule, StepResult::disabled(step.id), report);
                } else {
                    report(&Event::StepStarted { id: step.id });
                    running.push(thread);
                    // The receiver lives as long as this scope.
                    let _ = to_workers.send(step);
                }
            }
            if running.is_empty() {
                break;
            }
            let result = match done.recv_timeout(POLL) {
                Ok(News::Finished(result)) => result,
                Ok(News::Retrying(id, retry)) => {
                    report(&Event::Retrying { id, retry });
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if cancelled.load(Ordering::SeqCst) {
                        adapter.cancel();
                    } else if let Some(waits) = patience.new_waits(adapter) {
                        report(&Event::Waiting { waits });
                    }
                    continue;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            running.pop();
            stop |= options.fail_fast && result.outcome.is_failure();
            finish(&mut schedule, result, report);
        }
        drop(to_workers);
    });
    let results = RunResults { started_at, took: started.elapsed(), steps: results };
    report(&Event::RunFinished);
    Ok(results)
}

/// Asks now and then what the sessions wait for, and tells of each wait once.
#[derive(Default)]
struct Patience {
    asked: Option<Instant>,
    told: BTreeSet<String>,
}

impl Patience {
    fn new_waits(&mut self, adapter: &dyn Adapter) -> Option<Vec<String>> {
        if self.asked.get_or_insert_with(Instant::now).elapsed() < LOOK_FOR_WAITS {
            return None;
        }
        let mut waits = adapter.waits();
        self.asked = Some(Instant::now());
        waits.retain(|wait| self.told.insert(wait.clone()));
        Some(waits).filter(|waits| !waits.is_empty())
    }
}

/// What a worker tells.
enum News {
    Retrying(ActionId, Retry),
    Finished(StepResult),
}

/// Takes steps until there are no more. A session that cannot be had fails its step.
fn work(crew: Crew<'_>, jobs: &Mutex<mpsc::Receiver<&Step>>, news: &mpsc::Sender<News>, cancelled: &AtomicBool) {
    let adapter = crew.adapter;
    let mut session = None;
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(step) = job else { return };
        let (started_at, started) = (SystemTime::now(), Instant::now());
        let tries = Cell::new(1);
        let retrying = |retry: Retry| {
            tries.set(tries.get().max(retry.number));
            // Whoever listens no longer has ended the run.
            let _ = news.send(News::Retrying(step.id, retry));
        };
        let opened = session.take().map_or_else(|| adapter.session(), Ok);
        let mut usage = None;
        let outcome = match opened {
            Ok(mut opened) => {
                let outcome = run_step(step, opened.as_mut(), adapter.dialect(), &retrying, Some(crew));
                usage = opened.usage().map(Box::new);
                // What a project's own statements set, and their temporary tables, are nobody else's.
                session = Some(opened).filter(|_| !step.has_operations && !outcome.is_failure());
                outcome
            }
            Err(error) => Outcome::Failed(Failure::from(error)),
        };
        let outcome = match outcome {
            // It did not fail by itself.
            Outcome::Failed(_) if cancelled.load(Ordering::SeqCst) => Outcome::Skipped(SkipReason::Cancelled),
            outcome => outcome,
        };
        let (tries, started_at, took) = (tries.get(), Some(started_at), started.elapsed());
        let result = StepResult { id: step.id, outcome, build: step.work.build(), started_at, took, tries, usage };
        if news.send(News::Finished(result)).is_err() {
            return;
        }
    }
}
