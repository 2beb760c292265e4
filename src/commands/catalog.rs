use std::collections::BTreeMap;

use clap::Args;

use crate::action::{Action, ActionId, Kind};
use crate::artifact::write_catalog;
use crate::commands::shared::{ProjectArgs, connect};
use crate::diagnostic::Code;
use crate::error::CommandError;
use crate::project::Catalog;
use crate::relation::Target;
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
    let targets: Vec<Target> = wanted.iter().map(|action| action.target.clone()).collect();
    let state = adapter.state(&targets)?;

    let old = compilation.project.catalog.as_ref();
    let names: BTreeMap<String, &Action<ActionId>> =
        graph.iter().map(|(_, action)| (action.canonical.to_string(), action)).collect();
    let mut others: BTreeMap<String, NotThere> = BTreeMap::new();
    for name in old.into_iter().flat_map(|old| old.relations.keys()) {
        let why = if names.contains_key(name) { NotThere::NotAsked } else { NotThere::Forgotten };
        others.insert(name.clone(), why);
    }
    let mut relations = BTreeMap::new();
    for action in wanted {
        let name = action.canonical.to_string();
        others.remove(&name);
        match state.get(&action.target) {
            Some(relation) if !relation.columns.is_empty() => {
                relations.insert(name, relation.columns.clone());
            }
            _ => {
                others.insert(name, NotThere::Missing);
            }
        }
    }
    let catalog = Catalog { dialect: adapter.dialect(), relations };
    write_catalog(&root, &catalog)?;
    terminal.progress(&catalog_changes(old, &catalog, &others));
    Ok(())
}

/// Whether it is a relation whose columns are asked for.
fn is_wanted(kind: &Kind, all: bool) -> bool {
    matches!(kind, Kind::Declaration) || all && kind.has_output() && !matches!(kind, Kind::Assertion(_))
}
