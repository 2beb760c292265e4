use clap::{Args, ValueEnum};

use crate::artifact::comparison_json;
use crate::commands::shared::{ProjectArgs, compare_with};
use crate::compare::{LEVELS, Level};
use crate::error::CommandError;
use crate::report::{Terminal, comparison_markdown, comparison_text};

/// Tell what is different from another revision, and who feels it
///
/// Both states are compiled, and compared by what their queries mean: layout, comments, the order of definitions and the names that
/// a query gives to itself make no difference. Nothing is asked of a warehouse.
///
/// A change matters, least first: as formatting, documentation, settings, additive (something is new), columns (what is in one), rows,
/// breaking (something is gone, or of another type).
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
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    fail_on: Option<Level>,
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

fn level(word: &str) -> Result<Level, String> {
    let words = LEVELS.map(Level::word).join(", ");
    LEVELS.into_iter().find(|level| level.word() == word).ok_or_else(|| format!("the levels are {words}"))
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
    if args.fail_on.is_some_and(|threshold| comparison.level().is_some_and(|level| level >= threshold)) {
        return Err(CommandError::Failed);
    }
    Ok(())
}
