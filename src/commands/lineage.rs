use std::collections::BTreeSet;

use clap::{Args, ValueEnum};

use crate::action::{ActionId, Reference};
use crate::analysis::bound::Relation;
use crate::analysis::{Direction, Lineage, Node, Reach};
use crate::commands::shared::ProjectArgs;
use crate::compile::Compilation;
use crate::diagnostic::did_you_mean;
use crate::error::CommandError;
use crate::report::{LineageReport, Terminal};

/// Show where columns come from, and where they go
#[derive(Debug, Args)]
pub struct LineageArgs {
    /// A model, for all of its columns, or `MODEL.COLUMN`; the schema may stand before it
    #[arg(value_name = "MODEL[.COLUMN]")]
    of: String,
    #[command(flatten)]
    project: ProjectArgs,
    /// Only what they come from
    #[arg(long)]
    up: bool,
    /// Only what is made of them
    #[arg(long)]
    down: bool,
    /// So many steps at most
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Also the columns that only decide which rows there are: in a filter, a join or a group
    #[arg(long)]
    filters: bool,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: LineageFormat,
}

/// How lineage is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum LineageFormat {
    /// A tree for each column
    #[default]
    Text,
    /// One JSON object, always with filters
    Json,
    /// A diagram for Mermaid
    Mermaid,
    /// A graph for Graphviz
    Dot,
}

pub(super) fn run(args: &LineageArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (_, compilation) = args.project.compile_or_fail(terminal)?;
    let lineage = Lineage::new(&compilation.graph, &compilation.analysis);
    let roots = roots(&args.of, &compilation, &lineage)?;
    let reach = Reach {
        depth: args.depth.unwrap_or(usize::MAX),
        influences: args.filters || args.format == LineageFormat::Json,
    };
    let walk = |direction, is_asked: bool, is_other_asked: bool| {
        let wanted = is_asked || !is_other_asked;
        if wanted { lineage.walk(&roots, direction, reach) } else { Vec::new() }
    };
    let report = LineageReport {
        compilation: &compilation,
        lineage: &lineage,
        up: walk(Direction::Up, args.up, args.down),
        down: walk(Direction::Down, args.down, args.up),
        roots: &roots,
    };
    terminal.print(&match args.format {
        LineageFormat::Text => report.text(),
        LineageFormat::Json => report.json(),
        LineageFormat::Mermaid => report.mermaid(),
        LineageFormat::Dot => report.dot(),
    });
    Ok(())
}

/// The column that is meant, or all columns of the action.
fn roots(written: &str, compilation: &Compilation, lineage: &Lineage<'_>) -> Result<Vec<Node>, CommandError> {
    let readings = readings(written, compilation);
    let fits = |(id, column): &&(ActionId, Option<String>)| match column {
        None => true,
        Some(column) => has_column(*id, column, compilation, lineage),
    };
    let fitting: Vec<&(ActionId, Option<String>)> = readings.iter().filter(fits).collect();
    match (fitting.as_slice(), readings.as_slice()) {
        ([(id, None)], _) => {
            let columns = lineage.columns(*id);
            let rows = Node { relation: Relation::Action(*id), column: None };
            Ok(std::iter::once(rows).chain(columns).collect())
        }
        ([(id, Some(column))], _) => Ok(vec![lineage.node(Relation::Action(*id), column)]),
        ([], []) => Err(unknown_action(written, compilation)),
        ([], [(id, column), ..]) => {
            let column = column.as_deref().unwrap_or_default();
            let names: Vec<String> = lineage.columns(*id).into_iter().filter_map(|node| node.column).collect();
            let all = || format!("its columns are {}", names.join(", "));
            Err(CommandError::Unable {
                message: format!("`{}` has no column `{column}`", compilation.graph.get(*id).canonical),
                help: Some(did_you_mean(column, names.iter().map(String::as_str)).unwrap_or_else(all)),
            })
        }
        (several, _) => {
            let name = |(id, column): &(ActionId, Option<String>)| match column {
                None => format!("`{}`", compilation.graph.get(*id).canonical),
                Some(column) => format!("`{}.{column}`", compilation.graph.get(*id).canonical),
            };
            let names: BTreeSet<String> = several.iter().map(|reading| name(reading)).collect();
            Err(CommandError::Unable {
                message: format!("`{written}` may mean several things"),
                help: Some(format!("it is one of {}", names.into_iter().collect::<Vec<_>>().join(", "))),
            })
        }
    }
}

/// All that it may mean by the names of the actions: the first parts name the action, those behind them a column.
fn readings(written: &str, compilation: &Compilation) -> Vec<(ActionId, Option<String>)> {
    let graph = &compilation.graph;
    let parts: Vec<&str> = written.split('.').collect();
    let mut readings = Vec::new();
    for length in 1..=parts.len() {
        let (name, column) = parts.split_at(length);
        let reference = Reference::from_parts(name.iter().map(|part| (*part).to_owned()));
        let found = reference.iter().flat_map(|reference| graph.names().find(reference));
        let column = Some(column.join(".")).filter(|column| !column.is_empty());
        readings.extend(found.filter(|id| graph.get(*id).kind.has_output()).map(|id| (id, column.clone())));
    }
    readings
}

/// Whether the action has the column, or may have it.
fn has_column(id: ActionId, column: &str, compilation: &Compilation, lineage: &Lineage<'_>) -> bool {
    let node = lineage.node(Relation::Action(id), column);
    let name = node.column.as_deref().and_then(|path| path.split('.').next()).unwrap_or_default();
    let first = Node { column: Some(name.to_owned()), ..node.clone() };
    let is_open = compilation.analysis.facts(id).is_none_or(|facts| facts.columns.is_open);
    is_open || lineage.described(&node).or_else(|| lineage.described(&first)).is_some()
}

fn unknown_action(written: &str, compilation: &Compilation) -> CommandError {
    let names: Vec<&str> = compilation.graph.iter().map(|(_, action)| action.canonical.name.as_str()).collect();
    let parts: Vec<&str> = written.split('.').collect();
    // Which part is the action is not known.
    let near = std::iter::once(written).chain(parts).find_map(|name| did_you_mean(name, names.iter().copied()));
    CommandError::Unable {
        message: format!("no action is called `{written}`"),
        help: near.or_else(|| Some("`trueup list` shows them all".to_owned())),
    }
}
