use clap::Args;
use clap_complete::Shell;

use crate::error::CommandError;
use crate::report::Terminal;

/// Print a script that completes the command line in a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[expect(clippy::unnecessary_wraps, reason = "commands all have the same form")]
pub(super) fn run(args: &CompletionsArgs, terminal: &Terminal, mut command: clap::Command) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "trueup", &mut script);
    terminal.print(&String::from_utf8_lossy(&script));
    Ok(())
}
