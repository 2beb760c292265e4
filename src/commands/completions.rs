use clap::{Args, Subcommand};
use clap_complete::Shell;

use crate::commands::Command;
use crate::error::CommandError;
use crate::report::Terminal;

/// Print a script that completes the command line in a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let mut script = Vec::new();
    let mut commands = Command::augment_subcommands(clap::Command::new("trueup").version(env!("CARGO_PKG_VERSION")));
    clap_complete::generate(args.shell, &mut commands, "trueup", &mut script);
    terminal.print(&String::from_utf8_lossy(&script));
    Ok(())
}
