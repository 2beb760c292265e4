use clap::Args;
use serde_json::{Map, Value};

use crate::action::Reference;
use crate::commands::shared::{ProjectArgs, connect, show};
use crate::diagnostic::did_you_mean;
use crate::error::CommandError;
use crate::plan;
use crate::report::{OutputFormat, Terminal, rows_text};

/// Show the first rows of a model's query
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The model, by its name or `schema.name`
    model: String,
    #[command(flatten)]
    project: ProjectArgs,
    /// How many rows
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// How the rows are written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &ShowArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let graph = &compilation.graph;
    let reference = Reference::from_parts(args.model.split('.').map(str::to_owned));
    let found: Vec<_> = reference.iter().flat_map(|reference| graph.names().find(reference)).collect();
    let id = match found.as_slice() {
        [id] => *id,
        [] => {
            let names: Vec<&str> = graph.iter().map(|(_, action)| action.canonical.name.as_str()).collect();
            let help = did_you_mean(&args.model, names).or_else(|| Some("`trueup list` shows them all".to_owned()));
            return Err(CommandError::Unable { message: format!("no action is called `{}`", args.model), help });
        }
        several => {
            let names: Vec<String> = several.iter().map(|id| graph.get(*id).canonical.to_string()).collect();
            return Err(CommandError::Unable {
                message: format!("`{}` may mean several actions", args.model),
                help: Some(format!("it is one of {}", names.join(", "))),
            });
        }
    };
    let action = graph.get(id);
    if !action.kind.has_output() {
        let message = format!("`{}` is {}, which has no rows", args.model, action.kind.word());
        return Err(CommandError::unable(message));
    }
    let adapter = connect(&root, &compilation)?;
    let mut session = adapter.session()?;
    let (statement, diagnostics) = plan::query(action, compilation.project.settings.dialect, adapter.dialect());
    show(&diagnostics, &compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    let rows = session.query(statement.sql(), args.limit).map_err(|error| CommandError::Unable {
        message: error.message,
        help: Some("`trueup run` builds what the model reads".to_owned()),
    })?;
    match args.format {
        OutputFormat::Text => terminal.print(&rows_text(&rows, terminal.width())),
        OutputFormat::Json => {
            for row in rows.rows {
                let names = rows.columns.iter().map(|column| column.name.clone());
                let values = row.into_iter().map(|value| value.map_or(Value::Null, Value::String));
                let object: Map<String, Value> = names.zip(values).collect();
                terminal.print(&format!("{}\n", Value::Object(object)));
            }
        }
    }
    Ok(())
}
