//! One file for each command: its arguments, whose doc comments are the help, and a short function.

mod compile;
mod explain;
mod shared;

use clap::Subcommand;

use crate::error::CommandError;
use crate::report::Terminal;

/// The commands, in alphabetical order.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the whole project and write the compiled SQL
    Compile(compile::CompileArgs),
    /// Explain a diagnostic by its code
    Explain(explain::ExplainArgs),
}

/// Runs a command.
pub fn run(command: &Command, terminal: &Terminal) -> Result<(), CommandError> {
    match command {
        Command::Compile(args) => compile::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
    }
}
