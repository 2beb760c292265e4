use clap::{Args, ValueEnum};
use serde_json::json;

use crate::artifact::Columns;
use crate::commands::shared::{ProjectArgs, SelectArgs};
use crate::error::CommandError;
use crate::report::{self, Terminal};

/// List the actions, or the selected ones
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// How they are written
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
    /// The columns of each action, too: name, type, whether it is never NULL, and the columns that it comes from
    #[arg(long)]
    columns: bool,
}

/// How actions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ListFormat {
    /// Type, name and file, one action a line
    #[default]
    Text,
    /// One JSON object a line
    Json,
    /// The name alone
    Name,
    /// The file alone, each once
    Path,
}

pub(super) fn run(args: &ListArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let selection = args.select.select(&args.project, &root, &compilation)?;
    let graph = &compilation.graph;
    let path = |id| compilation.project.sources.get(graph.get(id).name_span.file).path().to_string();
    let width = selection.iter().map(|id| graph.get(id).target.to_string().chars().count()).max().unwrap_or_default();
    let words = selection.iter().map(|id| graph.get(id).kind.word().len()).max().unwrap_or_default().max(11);
    let columns = Columns::new(&compilation);
    let mut lines: Vec<String> = Vec::new();
    // In the order in which they would run.
    for id in graph.order().iter().copied().filter(|id| selection.contains(*id)) {
        let action = graph.get(id);
        let line = match args.format {
            ListFormat::Text => {
                format!("{:<words$} {:<width$}  {}", action.kind.word(), action.target.to_string(), path(id))
            }
            ListFormat::Name => action.target.to_string(),
            ListFormat::Path => path(id),
            ListFormat::Json => {
                let mut line = json!({
                    "name": action.target.to_string(),
                    "type": action.kind.word(),
                    "file": path(id),
                    "tags": action.tags,
                    "disabled": action.disabled,
                    "depends_on": graph.dependencies(id).iter().map(|id| graph.get(*id).target.to_string()).collect::<Vec<_>>(),
                });
                if let Some(line) = line.as_object_mut().filter(|_| args.columns) {
                    line.extend(columns.of(id));
                }
                line.to_string()
            }
        };
        lines.push(line);
        if args.columns && args.format == ListFormat::Text {
            let columns = report::columns(&compilation, id);
            lines.extend(columns.lines().map(|line| format!("  {line}")));
        }
    }
    if args.format == ListFormat::Path {
        lines.sort();
        lines.dedup();
    }
    for line in lines {
        terminal.print(&(line + "\n"));
    }
    Ok(())
}
