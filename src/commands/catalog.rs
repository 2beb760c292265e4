use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use crate::action::{Action, ActionId, Kind};
use crate::adapter::Adapter;
use crate::artifact::write_catalog;
use crate::commands::shared::{ProjectArgs, connect};
use crate::diagnostic::Code;
use crate::error::CommandError;
use crate::project::Catalog;
use crate::relation::{Column, Target};
use crate::report::{NotThere, OutputFormat, Terminal, catalog_changes};

/// Save what the warehouse tells of the columns of declared tables
///
/// Names and types go to `catalog.json` in the project's folder. With that file in git, `trueup compile` knows them
/// everywhere, without a warehouse.
#[derive(Debug, Args)]
pub struct CatalogArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// Also the columns of what the project itself makes
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &CatalogArgs, terminal: &Terminal) -> Result<(), CommandError> {
    // A mistake in the SQL may be one only by the old catalog.
    let (root, mut compilation) = args.project.link()?;
    compilation.diagnostics.retain(|found| found.code != Code::InvalidCatalog);
    if compilation.diagnostics.has_errors() {
        terminal.diagnostics(&compilation, OutputFormat::Text);
        return Err(CommandError::Failed);
    }
    let graph = &compilation.graph;
    let wanted: Vec<&Action<ActionId>> =
        graph.iter().map(|(_, action)| action).filter(|action| is_wanted(&action.kind, args.all)).collect();
    if wanted.is_empty() {
        return Err(CommandError::Unable {
            message: "the project declares no table".to_owned(),
            help: Some("`trueup catalog --all` reads the columns of what it makes itself".to_owned()),
        });
    }
    let adapter = connect(&root, &compilation)?;
    let old = compilation.project.catalog.as_ref();
    let names: BTreeSet<String> = graph.iter().map(|(_, action)| action.canonical.to_string()).collect();
    let kept = old.into_iter().flat_map(|old| old.relations.keys());
    let mut others: BTreeMap<String, NotThere> = kept
        .map(|name| (name.clone(), if names.contains(name) { NotThere::NotAsked } else { NotThere::Forgotten }))
        .collect();
    let mut catalog = Catalog { dialect: adapter.dialect(), relations: BTreeMap::new() };
    for (name, found) in columns_of(&wanted, adapter.as_ref())? {
        others.remove(&name);
        match found {
            Ok(columns) => drop(catalog.relations.insert(name, columns)),
            Err(message) => drop(others.insert(name, NotThere::Missing { message })),
        }
    }
    write_catalog(&root, &catalog)?;
    terminal.progress(&catalog_changes(old, &catalog, &others));
    Ok(())
}

/// The name of a relation in the project, and its columns, or why there are none in the warehouse's words.
type Found = (String, Result<Vec<Column>, String>);

/// The columns of each action's relation.
fn columns_of(wanted: &[&Action<ActionId>], adapter: &dyn Adapter) -> Result<Vec<Found>, CommandError> {
    let targets: Vec<Target> = wanted.iter().map(|action| action.target.clone()).collect();
    let state = adapter.state(&targets)?;
    let mut session = adapter.session()?;
    let columns = wanted.iter().map(|action| {
        let known = state.get(&action.target).map(|relation| relation.columns.clone()).unwrap_or_default();
        let found = if known.is_empty() {
            // Not all that can be selected from is in the catalogue of a warehouse with its columns.
            let sql = format!("select * from {}", adapter.dialect().relation(&action.target));
            session.describe(&sql).map_err(|error| error.message)
        } else {
            Ok(known)
        };
        (action.canonical.to_string(), found)
    });
    Ok(columns.collect())
}

/// Whether it is a relation whose columns are asked for.
fn is_wanted(kind: &Kind, all: bool) -> bool {
    matches!(kind, Kind::Declaration) || all && kind.has_output() && !matches!(kind, Kind::Assertion(_))
}
