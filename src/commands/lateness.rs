use clap::Args;

use crate::artifact::lateness_json;
use crate::commands::shared::{ProjectArgs, connect, the_action};
use crate::error::CommandError;
use crate::execute::measure_lateness;
use crate::report::{OutputFormat, Terminal, lateness_text};

/// Show how late the rows of a table came, and what a lookback of that length would keep and read
///
/// The delay of a row is the time from its `eventTime` to its `processedTime`. Beside each length of time stand the rows that
/// came in it, the share of all rows that an incremental filter keeps which looks so far back, and the share of the table that such
/// a run reads.
#[derive(Debug, Args)]
pub struct LatenessArgs {
    /// The model, or a declared table
    model: String,
    #[command(flatten)]
    project: ProjectArgs,
    /// The column that says when something happened [default: the `eventTime` of the config]
    #[arg(long, value_name = "COLUMN")]
    event: Option<String>,
    /// The column that says when the row came [default: the `processedTime` of the config]
    #[arg(long, value_name = "COLUMN")]
    processed: Option<String>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &LatenessArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile_or_fail(terminal)?;
    let graph = &compilation.graph;
    let id = the_action(&args.model, &compilation)?;
    let action = graph.get(id);
    let times = &action.documentation.times;
    let column = |given: &Option<String>, known: Option<&str>, option: &str, key: &str| {
        given.as_deref().or(known).map(str::to_owned).ok_or_else(|| CommandError::Unable {
            message: format!("nothing says which column of `{}` that is: `{key}`", action.target),
            help: Some(format!("name it in the config, `{key}: \"…\"`, or with `{option} COLUMN`")),
        })
    };
    let event = column(&args.event, times.event.as_ref().map(|time| time.name.as_str()), "--event", "eventTime")?;
    let processed = times.processed.as_ref().map(|time| time.name.as_str());
    let processed = column(&args.processed, processed, "--processed", "processedTime")?;
    let adapter = connect(&root, &compilation)?;
    let found = measure_lateness(adapter.as_ref(), &action.target, &event, &processed).map_err(|error| {
        CommandError::Unable {
            message: format!("cannot look at `{}`: {}", action.target, error.message),
            help: error.help.or_else(|| Some("`trueup run` builds what the project makes".to_owned())),
        }
    })?;
    let name = action.target.to_string();
    match args.format {
        OutputFormat::Text => {
            let cost = found.bytes.and_then(|bytes| compilation.project.environment.connection.cost(bytes));
            terminal.print(&lateness_text(&name, &found, cost));
        }
        OutputFormat::Json => terminal.print(&lateness_json(&name, &found)),
    }
    Ok(())
}
