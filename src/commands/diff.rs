use clap::{Args, ValueEnum};

use crate::artifact::comparison_json;
use crate::commands::shared::{ProjectArgs, compare_with};
use crate::compare::Level;
use crate::error::CommandError;
use crate::report::{Terminal, comparison_markdown, comparison_text};

/// Tell what is different from another revision, and who feels it
///
/// Both states are compiled, and compared by what their queries mean: layout, comments, the order of definitions and the names that
/// a query gives to itself make no difference. Nothing is asked of a warehouse.
#[derive(Debug, Args)]
pub struct DiffArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// A revision of git, or a `manifest.json` that has been kept
    #[arg(long, value_name = "REV|FILE", default_value = "HEAD")]
    base: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: DiffFormat,
    /// End with exit code 1 if a change matters as much as that, or more
    #[arg(long, value_enum, value_name = "LEVEL")]
    fail_on: Option<LevelArg>,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum DiffFormat {
    /// Lines for a terminal
    #[default]
    Text,
    /// One JSON object
    Json,
    /// A table for a pull request
    Markdown,
}

/// How much a change matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LevelArg {
    /// Only layout, comments, or how the same thing is said
    Formatting,
    /// Descriptions, tags and labels
    Documentation,
    /// How a relation lies or is brought up to date
    Settings,
    /// A relation or a column is new
    Additive,
    /// What is in a column is another thing
    Columns,
    /// Other rows, or perhaps
    Rows,
    /// A relation or a column is gone, or has another type
    Breaking,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Formatting => Self::Formatting,
            LevelArg::Documentation => Self::Documentation,
            LevelArg::Settings => Self::Settings,
            LevelArg::Additive => Self::Additive,
            LevelArg::Columns => Self::Columns,
            LevelArg::Rows => Self::Rows,
            LevelArg::Breaking => Self::Breaking,
        }
    }
}

pub(super) fn run(args: &DiffArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let (root, compilation) = args.project.compile()?;
    // What is wrong with the project is for `compile` to tell; what has changed can be told for all that.
    let comparison = compare_with(&args.base, &args.project, &root, &compilation)?;
    terminal.print(&match args.format {
        DiffFormat::Text => comparison_text(&comparison),
        DiffFormat::Json => comparison_json(&comparison),
        DiffFormat::Markdown => comparison_markdown(&comparison),
    });
    let threshold = args.fail_on.map(Level::from);
    if threshold.is_some_and(|threshold| comparison.level().is_some_and(|level| level >= threshold)) {
        return Err(CommandError::Failed);
    }
    Ok(())
}
