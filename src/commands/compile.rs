use std::time::Instant;

use clap::Args;

use crate::artifact;
use crate::commands::shared::ProjectArgs;
use crate::error::CommandError;
use crate::report::{OutputFormat, Terminal, compile_summary};

/// Check the whole project and write the compiled SQL
#[derive(Debug, Args)]
pub struct CompileArgs {
    #[command(flatten)]
    project: ProjectArgs,
    /// How diagnostics are written
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(args: &CompileArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let started = Instant::now();
    let (root, compilation) = args.project.compile()?;
    terminal.diagnostics(&compilation, args.format);
    if compilation.diagnostics.has_errors() {
        terminal.note(&compile_summary(&compilation, started.elapsed()));
        return Err(CommandError::Failed);
    }
    artifact::write_compiled(&root, &compilation)?;
    terminal.note(&compile_summary(&compilation, started.elapsed()));
    Ok(())
}
