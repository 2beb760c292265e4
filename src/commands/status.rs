use std::collections::HashMap;
use std::path::Path;

use clap::Args;

use crate::action::{Action, ActionId, Age, Kind};
use crate::adapter::Adapter;
use crate::artifact::{read_last_run, status_json};
use crate::commands::shared::{DenyArgs, ProjectArgs, SelectArgs, connect, look_at};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::execute::{HistoryState, LastDone, LastOfAction, RelationStatus, Sight, Watched, look_at_all, read_history};
use crate::plan::Ledger;
use crate::report::{OutputFormat, Terminal, status_text};

/// Show how fresh, accurate and cheap the tables are, side by side
///
/// The age of the newest event beside `freshness`; the share of the newest rows that came later than `lateness`; what the last
/// `trueup reconcile` found, from the history; and the last run. One cheap query for each table, and one for the history. Exit code 1
/// if something is older than its `errorAfter`, or cannot be looked at.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Models, or declared tables, by name; the same as --select [default: all tables]
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// The declared tables that have an `eventTime`, besides the models that are named
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    deny: DenyArgs,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What to do about a declared table that is not there.
const DECLARED: &str = "it is only declared: somebody else has to make it, under this name";

pub(super) fn run(args: &StatusArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    args.deny.check(&compilation, terminal)?;
    let wanted = wanted(args, &root, &compilation)?;
    // What stands for files is made ready only if somebody asks for it.
    let reads_declared = |action: &Action<ActionId>| {
        matches!(&action.kind, Kind::Declaration)
            || matches!(&action.kind, Kind::Model(model) if model.intervals().is_some())
    };
    let has_declared = wanted.iter().any(|(_, action)| reads_declared(action));
    let adapter = if has_declared { connect(&root, &compilation) } else { look_at(&root, &compilation) }?;
    let watched: Vec<Watched<'_>> = wanted
        .iter()
        .map(|(id, action)| Watched {
            target: &action.target,
            is_declared: matches!(action.kind, Kind::Declaration),
            times: &action.documentation.times,
            expectations: action.documentation.expectations,
            ledger: Ledger::of(&compilation.graph, *id, adapter.dialect()),
        })
        .collect();
    let sights = look_at_all(adapter.as_ref(), &watched);
    let mut known = last_done(adapter.as_ref(), &root, &compilation, terminal);
    let relations: Vec<RelationStatus<'_>> = wanted
        .into_iter()
        .zip(sights)
        .map(|((_, action), sight)| RelationStatus { action, sight, last: known.of(action) })
        .collect();
    for relation in &relations {
        if let Sight::Failed(error) = &relation.sight {
            let is_declared = matches!(relation.action.kind, Kind::Declaration);
            terminal.error(
                &format!("cannot look at `{}`: {}", relation.action.target, error.message),
                error.help.as_deref().or(is_declared.then_some(DECLARED)),
            );
        }
    }
    match args.format {
        OutputFormat::Text => terminal.print(&status_text(&relations, terminal)),
        OutputFormat::Json => terminal.print(&status_json(&relations)),
    }
    let is_wrong = |relation: &RelationStatus<'_>| {
        matches!(relation.sight, Sight::Failed(_)) || matches!(relation.age(), Some(Age::TooOld(_)))
    };
    if relations.iter().any(is_wrong) {
        return Err(CommandError::Failed);
    }
    let old = relations.iter().filter(|relation| matches!(relation.age(), Some(Age::Old(_)))).count();
    args.deny.check_count(old, terminal)
}

/// What is to be shown: all tables; or what is asked for, as far as it can be looked at.
fn wanted<'a>(
    args: &StatusArgs,
    root: &Path,
    compilation: &'a Compilation,
) -> Result<Vec<(ActionId, &'a Action<ActionId>)>, CommandError> {
    let is_asked = !args.models.is_empty() || !args.select.is_empty();
    let selection = args.select.with(&args.models).select(&args.project, root, compilation)?;
    let is_wanted = |id: ActionId, action: &Action<ActionId>| {
        let has_time = action.documentation.times.event.is_some();
        let is_selected = selection.contains(id);
        match &action.kind {
            Kind::Model(_) if is_asked => is_selected,
            Kind::Model(_) => !args.sources && !action.kind.is_view() && !action.disabled,
            Kind::Declaration => has_time && (args.sources || is_asked && is_selected),
            Kind::Operations { has_output: true, .. } => has_time && is_asked && is_selected,
            _ => false,
        }
    };
    let actions = compilation.graph.iter().filter(|(id, action)| is_wanted(*id, action));
    let wanted: Vec<(ActionId, &Action<ActionId>)> = actions.collect();
    if !wanted.is_empty() {
        return Ok(wanted);
    }
    let (message, help) = if is_asked {
        ("nothing of that can be looked at", "name a table, a view, or a declaration that has an `eventTime`")
    } else if args.sources {
        (
            "no declaration says when its rows happened",
            "name the column in the config of one that is to be watched: `eventTime: \"…\"`",
        )
    } else {
        ("the project has no table", "name a view to look at it: `trueup status NAME`")
    };
    Err(CommandError::Unable { message: message.to_owned(), help: Some(help.to_owned()) })
}

/// What is known of what was done last.
enum Known {
    /// From the history, by the names that the project has for its actions.
    History(HashMap<String, LastOfAction>),
    /// From the last run in this folder, by names in the warehouse.
    LastRun(HashMap<String, LastDone>),
}

impl Known {
    fn of(&mut self, action: &Action<ActionId>) -> LastOfAction {
        match self {
            Self::History(known) => known.remove(&action.canonical.to_string()).unwrap_or_default(),
            Self::LastRun(known) => {
                LastOfAction { run: known.remove(&action.target.to_string()), ..LastOfAction::default() }
            }
        }
    }
}

/// Asks the history; where there is none that is told in a line, and the last run in this folder counts.
fn last_done(adapter: &dyn Adapter, root: &Path, compilation: &Compilation, terminal: &Terminal) -> Known {
    const INSTEAD: &str = "shown is the last run in this folder";
    let why = match compilation.project.history() {
        None => format!("no history is kept; {INSTEAD}. `history: true` in the settings keeps one\n"),
        Some((table, _)) => match read_history(adapter, &table, compilation) {
            Ok(HistoryState::Known(known)) => return Known::History(known),
            Ok(HistoryState::Missing) => {
                format!("the history `{table}` is not there yet; {INSTEAD}. The next run makes it\n")
            }
            Ok(HistoryState::Foreign { missing }) => {
                format!(
                    "`{table}` is no history, without a column `{missing}`; {INSTEAD}. Give `history` another name\n"
                )
            }
            Err(error) => format!("the history `{table}` cannot be read; {INSTEAD}. {}\n", error.message),
        },
    };
    terminal.progress(&why);
    Known::LastRun(read_last_run(root, compilation))
}
