use clap::Args;
use serde_json::Value;

use crate::action::ActionId;
use crate::adapter::{AdapterError, Session};
use crate::analysis::bound::Column;
use crate::commands::shared::{ProjectArgs, connect, show, the_action};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::plan::{self, Preview};
use crate::relation::DataType;
use crate::report::{OutputFormat, Terminal, rows_text};

/// Show the first rows of a model's query
///
/// Its pre-operations run before it. They are undone afterwards: nothing stays in the warehouse.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The model, by its name or `schema.name`
    model: String,
    #[command(flatten)]
    project: ProjectArgs,
    /// How many rows
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// Show the types of the columns, in the SQL of the project, as far as they are known from it
    #[arg(long)]
    types: bool,
    /// How the rows are written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &ShowArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let graph = &compilation.graph;
    let id = the_action(&args.model, &compilation)?;
    let action = graph.get(id);
    if !action.kind.has_output() {
        let message = format!("`{}` is {}, which has no rows", args.model, action.kind.word());
        return Err(CommandError::unable(message));
    }
    let adapter = connect(&root, &compilation)?;
    let mut session = adapter.session()?;
    let (preview, diagnostics) = plan::preview(action, compilation.project.settings.dialect, adapter.dialect());
    show(&diagnostics, &compilation, terminal);
    if diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    if !preview.can_be_undone {
        return Err(CommandError::Unable {
            message: format!("the pre-operations of `{}` do what cannot be undone", args.model),
            help: Some(format!("build it with `trueup run --select {}` and look at its table", args.model)),
        });
    }
    match args.format {
        OutputFormat::Text => {
            let rows = rows(&preview, session.as_mut(), |session, sql| session.query(sql, args.limit))?;
            let types = if args.types { types(&compilation, id, rows.columns.len()) } else { Vec::new() };
            terminal.print(&rows_text(&rows, &types, terminal.width()));
        }
        OutputFormat::Json => {
            let rows = rows(&preview, session.as_mut(), |session, sql| session.query_json(sql, args.limit))?;
            for row in rows {
                terminal.print(&format!("{}\n", Value::Object(row)));
            }
        }
    }
    Ok(())
}

/// The types of the columns of an action that has so many of them; nothing if that is not sure.
fn types(compilation: &Compilation, id: ActionId, count: usize) -> Vec<String> {
    let columns = compilation.analysis.facts(id).map(|facts| &facts.columns);
    let Some(columns) = columns.filter(|columns| !columns.is_open && columns.visible().count() == count) else {
        return Vec::new();
    };
    let semantics = compilation.project.settings.dialect.semantics();
    let name = |column: &Column| match column.data_type {
        DataType::Unknown => "?".to_owned(),
        _ => semantics.type_name(&column.data_type),
    };
    columns.visible().map(|(_, column)| name(column)).collect()
}

/// The rows of a query behind what is to run before it, of which nothing stays.
fn rows<T>(
    preview: &Preview,
    session: &mut dyn Session,
    query: impl FnOnce(&mut dyn Session, &str) -> Result<T, AdapterError>,
) -> Result<T, CommandError> {
    session.begin()?;
    let before = preview.before.iter().try_for_each(|statement| session.execute(statement.sql()).map(drop));
    let before = before.map_err(|error| format!("a pre-operation failed: {}", error.message));
    let rows = before.and_then(|()| query(session, preview.query.sql()).map_err(|error| error.message));
    session.roll_back();
    rows.map_err(|message| CommandError::Unable {
        message,
        help: Some("`trueup run` builds what the model reads".to_owned()),
    })
}
