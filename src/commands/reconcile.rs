use clap::Args;

use crate::action::{Action, ActionId, Kind, Model};
use crate::adapter::Adapter;
use crate::analysis::Facts;
use crate::artifact::reconciled_json;
use crate::commands::shared::{ProjectArgs, SelectArgs, connect, show};
use crate::compile::Compilation;
use crate::dialect::Width;
use crate::error::CommandError;
use crate::execute::{LeftOut, ReconcileTask, Reconciled, reconcile};
use crate::plan;
use crate::relation::{Relation, RelationKind, Target};
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
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
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
enum IntervalArg {
    /// An hour
    Hour,
    /// A day
    #[default]
    Day,
    /// A month
    Month,
}

impl IntervalArg {
    fn width(self) -> Width {
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
                wanted.push((id, action, model));
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
    let targets: Vec<Target> = wanted.iter().map(|(_, action, _)| action.target.clone()).collect();
    let state = adapter.state(&targets)?;
    let mut is_right = true;
    for (id, action, model) in wanted {
        let relation = state.get(&action.target).filter(|relation| relation.kind == RelationKind::Table);
        let Some(relation) = relation else {
            terminal.progress(&format!("{}: not built yet\n", action.target));
            continue;
        };
        let found = one(args, &compilation, adapter.as_ref(), (id, action, model), relation, terminal)?;
        is_right &= found.differing.is_empty() || found.is_repaired;
        match args.format {
            OutputFormat::Text => {
                terminal.print(&reconciliation(&action.target.to_string(), &found, terminal.color()));
            }
            OutputFormat::Json => terminal.print(&reconciled_json(&action.target.to_string(), &found)),
        }
    }
    if is_right { Ok(()) } else { Err(CommandError::Failed) }
}

/// The columns that tell rows apart: those that the config names, or else what follows from its assertions and from the query.
fn key(model: &Model, facts: Option<&Facts>) -> Vec<String> {
    if !model.unique_key.is_empty() {
        return model.unique_key.clone();
    }
    let name = |facts: &Facts, place: usize| Some(facts.columns.known.get(place)?.name.as_deref()?.to_owned());
    let named = facts.into_iter().flat_map(|facts| {
        facts.keys.iter().filter_map(|key| key.iter().map(|place| name(facts, *place)).collect::<Option<Vec<String>>>())
    });
    named.filter(|key| !key.is_empty()).min_by_key(Vec::len).unwrap_or_default()
}

fn one(
    args: &ReconcileArgs,
    compilation: &Compilation,
    adapter: &dyn Adapter,
    (id, action, model): (ActionId, &Action<ActionId>, &Model),
    relation: &Relation,
    terminal: &Terminal,
) -> Result<Reconciled, CommandError> {
    let (preview, diagnostics) = plan::preview(action, compilation.project.settings.dialect, adapter.dialect());
    show(&diagnostics, compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    let has_script = !model.texts.pre_operations.is_empty() && adapter.dialect().capabilities().multi_statements;
    if !preview.can_be_undone || has_script {
        return Err(CommandError::Unable {
            message: format!("`{}` cannot be recomputed beside its table: its pre-operations would run", action.target),
            help: Some("`trueup run --full-refresh` builds it anew".to_owned()),
        });
    }
    let times = &action.documentation.times;
    if let (Some(_), None) = (&args.since, &times.event) {
        return Err(CommandError::Unable {
            message: format!("`{}` has no time to begin --since", action.target),
            help: Some("name the column in its config: `eventTime: \"…\"`".to_owned()),
        });
    }
    let facts = compilation.analysis.facts(id);
    let volatile = facts.into_iter().flat_map(|facts| &facts.columns.known).filter(|column| column.is_volatile);
    let declared = times.processed.iter().map(|time| (time.name.clone(), LeftOut::Declared));
    let mut left_out: Vec<(String, LeftOut)> = declared.collect();
    for name in volatile.filter_map(|column| column.name.as_deref()) {
        if !left_out.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            left_out.push((name.to_owned(), LeftOut::Volatile));
        }
    }
    let task = ReconcileTask {
        target: &action.target,
        relation,
        query: &preview,
        key: &key(model, facts),
        time: times.event.as_ref().map(|time| time.name.as_str()),
        width: args.by.width(),
        since: args.since.as_deref(),
        left_out,
        repair: args.repair,
        examples: args.examples,
    };
    reconcile(adapter, &task).map_err(|error| CommandError::Unable {
        message: format!("cannot recompute `{}`: {}", action.target, error.message),
        help: error.help.or_else(|| Some("`trueup run` builds what the model reads".to_owned())),
    })
}
