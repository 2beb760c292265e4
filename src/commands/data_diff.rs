use std::path::Path;

use clap::Args;

use crate::action::{Action, ActionId, Kind};
use crate::artifact::reconciled_json;
use crate::commands::reconcile::IntervalArg;
use crate::commands::shared::{ProjectArgs, SelectArgs, action_named, connect, moment, tell, the_action};
use crate::compile::Compilation;
use crate::error::CommandError;
use crate::execute::{Pair, ReconcileOptions, RowKey, compare_relations, comparison_of_built};
use crate::relation::Target;
use crate::report::{OutputFormat, Terminal, relations_beside};

/// Compare the rows of two relations, or of two environments
///
/// Two relations of the warehouse: `trueup data-diff BASE NEW`, each an action of the project or `schema.name`. Or the same
/// actions in another environment in the same warehouse: `trueup data-diff MODEL --base prod`, or those that a branch has changed:
/// `trueup data-diff state:modified --state origin/main --base prod`. The rows are compared in the warehouse, as `reconcile` does it.
/// Exit code 1 if something differs, be it the columns.
#[derive(Debug, Args)]
pub struct DataDiffArgs {
    /// BASE and NEW; with --base any number of actions, by name or by selector
    #[arg(value_name = "RELATION", num_args = 1.., required = true)]
    relations: Vec<String>,
    #[command(flatten)]
    project: ProjectArgs,
    /// The environment that holds what was there before
    #[arg(long, value_name = "ENVIRONMENT")]
    base: Option<String>,
    /// What state: compares with: a revision of git, or a manifest.json that has been kept
    #[arg(long, value_name = "REV|FILE", default_value = "HEAD", requires = "base")]
    state: String,
    /// Columns that tell rows apart; by default those of the action's key
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    key: Vec<String>,
    /// The column that says when; by default the action's `eventTime`
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// How long an interval is
    #[arg(long, value_enum, default_value_t, value_name = "INTERVAL")]
    by: IntervalArg,
    /// Only rows from this time on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<String>,
    /// How many rows that differ are shown
    #[arg(long, default_value_t = 6, value_name = "N")]
    examples: usize,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &DataDiffArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let pairs = match &args.base {
        Some(base) => in_environments(args, &root, &compilation, base)?,
        None => vec![two_relations(args, &compilation)?],
    };
    let adapter = connect(&root, &compilation)?;
    let options = ReconcileOptions {
        width: args.by.width(),
        since: args.since.as_deref(),
        sample: None,
        budget: None,
        repair: false,
        examples: args.examples,
    };
    let targets: Vec<Target> = pairs.iter().flat_map(|(base, new, _)| [base.clone(), new.clone()]).collect();
    let state = adapter.state(&targets)?;
    let mut is_same = true;
    let mut failure: Option<CommandError> = None;
    for (base, new, of) in pairs {
        if args.base.is_some() && state.get(&base).is_none() && state.get(&new).is_some() {
            // As every model is that a branch adds.
            terminal.progress(&format!("{new}: there is no {base} to compare it with\n"));
            is_same = false;
            continue;
        }
        let (known, left_out) = of.map(|id| comparison_of_built(&compilation, id)).unwrap_or_default();
        let key = if args.key.is_empty() { RowKey::Known(known) } else { RowKey::Asked(args.key.clone()) };
        let known = of.and_then(|id| compilation.graph.get(id).documentation.times.event.as_ref());
        let time = args.time.as_deref().or(known.map(|time| time.name.as_str()));
        if let (Some(_), None) = (&args.since, time) {
            return Err(CommandError::Unable {
                message: format!("nothing says when the rows of `{new}` happened"),
                help: Some("name the column: `--time COLUMN`".to_owned()),
            });
        }
        let pair = Pair { base: &base, new: &new, key, time, left_out, state: &state };
        let found = match compare_relations(adapter.as_ref(), &pair, options) {
            Ok(found) => found,
            Err(error) => {
                if let Some(earlier) = failure.replace(error.into()) {
                    tell(&earlier, terminal);
                }
                continue;
            }
        };
        is_same &= found.differing.is_empty() && found.has_same_columns();
        let (base, new) = (base.to_string(), new.to_string());
        match args.format {
            OutputFormat::Text => terminal.print(&relations_beside(&base, &new, &found, terminal.color())),
            OutputFormat::Json => terminal.print(&reconciled_json(&new, Some(&base), &found)),
        }
    }
    match failure {
        Some(error) => Err(error),
        None if is_same => Ok(()),
        None => Err(CommandError::Failed),
    }
}

/// What was there, what is there now, and the action that says more about it.
type Wanted = (Target, Target, Option<ActionId>);

fn two_relations(args: &DataDiffArgs, compilation: &Compilation) -> Result<Wanted, CommandError> {
    let [base, new] = args.relations.as_slice() else {
        return Err(CommandError::Unable {
            message: "it takes two relations to compare".to_owned(),
            help: Some("`trueup data-diff BASE NEW`, or `trueup data-diff MODEL --base ENVIRONMENT`".to_owned()),
        });
    };
    let (base, base_action) = relation(base, compilation)?;
    let (new, action) = relation(new, compilation)?;
    Ok((base, new, action.or(base_action)))
}

/// The same actions in two environments.
fn in_environments(
    args: &DataDiffArgs,
    root: &Path,
    compilation: &Compilation,
    base: &str,
) -> Result<Vec<Wanted>, CommandError> {
    let other = args.project.link_for(root, base)?;
    let (own, others) = (&compilation.project.environment, &other.project.environment);
    if own.connection != others.connection {
        return Err(CommandError::Unable {
            message: format!("environments `{}` and `{}` are not in the same warehouse", own.name, others.name),
            help: Some("rows are compared in the warehouse, so that both sides have to be there".to_owned()),
        });
    }
    let selection = SelectArgs::of(Vec::new(), &args.state).with(&args.relations);
    let selection = selection.select(&args.project, root, compilation)?;
    let pair = |(id, action): (ActionId, &Action<ActionId>)| {
        let is_it = |(_, other): &(ActionId, &Action<ActionId>)| other.canonical == action.canonical;
        let (_, there) = other.graph.iter().find(is_it).ok_or_else(|| {
            CommandError::unable(format!("environment `{}` has no `{}`", others.name, action.canonical))
        })?;
        Ok((there.target.clone(), action.target.clone(), Some(id)))
    };
    let has_rows = |(_, action): &(ActionId, &Action<ActionId>)| match &action.kind {
        Kind::Model(_) | Kind::Declaration => !action.disabled,
        kind => matches!(kind, Kind::Operations { .. }) && kind.has_output() && !action.disabled,
    };
    let selected = compilation.graph.iter().filter(|(id, _)| selection.contains(*id));
    let pairs: Vec<Wanted> = selected.filter(has_rows).map(pair).collect::<Result<_, CommandError>>()?;
    if pairs.is_empty() {
        return Err(CommandError::unable("none of these is a table or a view"));
    }
    Ok(pairs)
}

/// An action of the project, or what stands at that path in the warehouse.
fn relation(name: &str, compilation: &Compilation) -> Result<(Target, Option<ActionId>), CommandError> {
    let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
    if action_named(name, compilation)?.is_none()
        && let [database @ .., schema, name] = parts.as_slice()
        && database.len() < 2
    {
        let (database, schema) = (database.first().cloned(), Some(schema.clone()));
        return Ok((Target { database, schema, name: name.clone() }, None));
    }
    let id = the_action(name, compilation)?;
    Ok((compilation.graph.get(id).target.clone(), Some(id)))
}
