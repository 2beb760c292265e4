//! One file for each command: its arguments, whose doc comments are the help, and a short function.

mod compile;
mod explain;
mod run;
mod shared;
mod show;

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
    /// Run the graph, or the selected part of it
    Run(run::RunArgs),
    /// Show the first rows of a model's query
    Show(show::ShowArgs),
}

/// Runs a command.
pub fn run(command: &Command, terminal: &Terminal) -> Result<(), CommandError> {
    match command {
        Command::Compile(args) => compile::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Run(args) => run::run(args, terminal),
        Command::Show(args) => show::run(args, terminal),
    }
}
