use std::path::Path;

use clap::Args;

use crate::action::{Action, ActionId};
use crate::artifact::costs_json;
use crate::commands::shared::{ProjectArgs, SelectArgs, look_at, show};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::execute::{CostError, Keeping, cost};
use crate::report::{OutputFormat, Terminal, costs_text};

/// Show what models would cost as a view, as a table, and as an incremental table
///
/// What building each one takes in a run, and what those take who read it: in bytes and money where the warehouse tells that of a
/// query without running it, else in time, from the history. Nothing is built.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// Models, by name; the same as --select [default: all that somebody reads]
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &CostArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let wanted = wanted(args, &root, &compilation)?;
    let adapter = look_at(&root, &compilation)?;
    match cost(&compilation, adapter.as_ref(), &wanted) {
        Ok(costs) => {
            match args.format {
                OutputFormat::Text => terminal.print(&costs_text(&costs, &compilation)),
                OutputFormat::Json => terminal.print(&costs_json(&costs, &compilation)),
            }
            Ok(())
        }
        Err(CostError::Project(diagnostics)) => {
            show(&diagnostics, &compilation, terminal);
            Err(CommandError::Failed)
        }
        Err(error) => Err(error.into()),
    }
}

/// The models that are asked for, or all that something in the project reads.
fn wanted(args: &CostArgs, root: &Path, compilation: &Compilation) -> Result<Vec<ActionId>, CommandError> {
    let is_asked = !args.models.is_empty() || !args.select.is_empty();
    let selection = args.select.with(&args.models).select(&args.project, root, compilation)?;
    let graph = &compilation.graph;
    let is_read = |id: ActionId| {
        let of = |action: &Action<ActionId>| action.dependencies.iter().any(|it| it.is_read && it.on == id);
        graph.dependents(id).into_iter().any(|reader| reader != id && of(graph.get(reader)))
    };
    let is_wanted = |id: ActionId, action: &Action<ActionId>| {
        Keeping::of(&action.kind).is_some() && !action.disabled && selection.contains(id) && (is_asked || is_read(id))
    };
    let wanted: Vec<ActionId> = graph.iter().filter(|(id, action)| is_wanted(*id, action)).map(|(id, _)| id).collect();
    if !wanted.is_empty() {
        return Ok(wanted);
    }
    let (message, help) = if is_asked {
        (
            "nothing of that can be kept in another way",
            "name a view, a table or an incremental table that is made by a query of the project",
        )
    } else {
        ("no model of the project is read by another one", "name one to see what building it costs: `trueup cost NAME`")
    };
    Err(CommandError::Unable { message: message.to_owned(), help: Some(help.to_owned()) })
}
