use std::cell::OnceCell;
use std::time::{Instant, SystemTime};

use clap::Args;

use crate::action::{ActionId, Kind};
use crate::artifact::reconciled_json;
use crate::commands::history::{keep, new_run_id};
use crate::commands::shared::{ProjectArgs, SelectArgs, bytes_of, connect, moment, show, tell};
use crate::error::CommandError;
use crate::execute::{HistoryWriter, ReconcileError, ReconcileOptions, Share, reconcile, written_by};
use crate::project::Budget;
use crate::relation::{RelationKind, Target, Width};
use crate::report::{OutputFormat, Terminal, reconciliation};

/// Compare tables with what a full recompute would hold
///
/// By default all incremental tables. What their queries give is computed and compared in the warehouse, and the tables are not
/// touched: by count and hash for each interval of `eventTime`, then row by row where these differ. Exit code 1 if something
/// differs and is not repaired.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// The models, by name; the same as --select
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// How long an interval is
    #[arg(long, value_enum, default_value_t, value_name = "INTERVAL")]
    by: IntervalArg,
    /// Only rows from this time on, by their `eventTime`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// Look at this share of the intervals alone, such as `10%`, drawn by chance, 500 at the most
    #[arg(long, value_name = "SHARE")]
    sample: Option<Share>,
    /// Stop before more than this is read: money such as 5.00, or bytes such as "200 GiB" (BigQuery)
    #[arg(long, value_name = "AMOUNT", value_parser = Budget::parse)]
    budget: Option<Budget>,
    /// Write the intervals anew that differ, each table in one transaction
    #[arg(long)]
    repair: bool,
    /// How many rows that differ are shown
    #[arg(long, default_value_t = 6, value_name = "N")]
    examples: usize,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum IntervalArg {
    /// An hour
    Hour,
    /// A day
    #[default]
    Day,
    /// A month
    Month,
}

impl IntervalArg {
    pub(super) fn width(self) -> Width {
        match self {
            Self::Hour => Width::Hour,
            Self::Day => Width::Day,
            Self::Month => Width::Month,
        }
    }
}

pub(super) fn run(args: &ReconcileArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let is_asked = !args.models.is_empty() || !args.select.is_empty();
    let selection = args.select.with(&args.models).select(&args.project, &root, &compilation)?;
    let graph = &compilation.graph;
    let mut wanted = Vec::new();
    for (id, action) in graph.iter().filter(|(id, _)| selection.contains(*id)) {
        match &action.kind {
            Kind::Model(model) if !action.kind.is_view() && (is_asked || model.incremental().is_some()) => {
                wanted.push((id, action));
            }
            _ => {}
        }
    }
    if wanted.is_empty() {
        let message = if is_asked { "none of these is a table" } else { "the project has no incremental table" };
        let help = "name a table: `trueup reconcile NAME`; views are always what their query gives";
        return Err(CommandError::Unable { message: message.to_owned(), help: Some(help.to_owned()) });
    }
    let adapter = connect(&root, &compilation)?;
    let targets: Vec<Target> = wanted.iter().map(|(_, action)| action.target.clone()).collect();
    let state = adapter.state(&targets)?;
    let connection = &compilation.project.environment.connection;
    let budget = args.budget.or_else(|| connection.budget());
    let mut budget = budget.map(|budget| bytes_of(budget, &compilation)).transpose()?;
    let options = ReconcileOptions {
        width: args.by.width(),
        since: args.since.as_deref(),
        sample: args.sample,
        budget: None,
        repair: args.repair,
        examples: args.examples,
    };
    let history = HistoryWriter::new(&compilation, new_run_id());
    let mut entries = Vec::new();
    let mut is_right = true;
    let mut failure: Option<CommandError> = None;
    let ids: Vec<ActionId> = wanted.iter().map(|(id, _)| *id).collect();
    // Only where something differs, and without it nothing else is changed.
    let texts = OnceCell::new();
    let ask_for_texts = || {
        let (table, _) = compilation.project.history()?;
        written_by(adapter.as_ref(), &table, &compilation, &ids).ok()
    };
    for (id, action) in wanted {
        let relation = state.get(&action.target).filter(|relation| relation.kind == RelationKind::Table);
        let Some(relation) = relation else {
            terminal.progress(&format!("{}: not built yet\n", action.target));
            continue;
        };
        let (started_at, started) = (SystemTime::now(), Instant::now());
        let found = reconcile(&compilation, adapter.as_ref(), id, relation, ReconcileOptions { budget, ..options });
        if let Err(
            error @ (ReconcileError::NoTime(_) | ReconcileError::NoIntervals(_) | ReconcileError::NothingToDraw(_)),
        ) = &found
            && !is_asked
        {
            terminal.progress(&format!("{error}: passed over\n"));
            continue;
        }
        let usage = found.as_ref().ok().and_then(|found| found.usage.as_ref());
        let cost = usage.and_then(|usage| connection.cost(usage.bytes_billed));
        budget = budget.map(|budget| budget.saturating_sub(usage.map_or(0, |usage| usage.bytes_processed)));
        entries.push(history.of_comparison(id, found.as_ref().ok(), (started_at, started.elapsed())));
        match found {
            Ok(mut found) => {
                if !found.differing.is_empty() {
                    let known = texts.get_or_init(|| ask_for_texts().unwrap_or_default());
                    found.written_by = known.get(&id).copied().unwrap_or_default();
                }
                is_right &= found.differing.is_empty() || found.is_repaired;
                let name = action.target.to_string();
                match args.format {
                    OutputFormat::Text => terminal.print(&reconciliation(&name, &found, cost, terminal.color())),
                    OutputFormat::Json => terminal.print(&reconciled_json(&name, None, &found)),
                }
            }
            Err(error) => {
                let ends = matches!(error, ReconcileError::Budget(..));
                if let ReconcileError::Project(diagnostics) = &error {
                    show(diagnostics, &compilation, terminal);
                }
                if let Some(earlier) = failure.replace(error.into()) {
                    tell(&earlier, terminal);
                }
                if ends {
                    break;
                }
            }
        }
    }
    keep(adapter.as_ref(), &compilation, &entries, terminal);
    match failure {
        Some(error) => Err(error),
        None if is_right => Ok(()),
        None => Err(CommandError::Failed),
    }
}
