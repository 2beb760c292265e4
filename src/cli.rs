//! The command line: arguments in, exit code out.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::commands::{self, Command};
use crate::report::{ColorChoice, Terminal};

/// Compile, run and test a project of SQL models.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say only what is wrong, and print the results that were asked for
    #[arg(long, short, global = true)]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    color: ColorChoice,
}

/// The whole program: reads the arguments, runs the command, and gives the exit code.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::detect(cli.color, cli.quiet);
    match commands::run(&cli.command, command(), &terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::tell(&error, &terminal);
            ExitCode::from(error.exit_code())
        }
    }
}

/// The definition of the command line, for shell completions and for the reference in the documentation.
pub fn command() -> clap::Command {
    Cli::command()
}
