use std::io;
use std::process::Command;

use clap::Args;

use crate::commands::shared::FolderArgs;
use crate::error::CommandError;
use crate::report::Terminal;

/// Fetch the npm packages that the project's `package.json` names
#[derive(Debug, Args)]
pub struct InstallArgs {
    #[command(flatten)]
    project: FolderArgs,
}

/// The one command that touches the network, through npm. Scripts of the packages are not run: what a project's code
/// requires is only read.
pub(super) fn run(args: &InstallArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let root = args.project.root()?;
    if !root.join("package.json").is_file() {
        terminal.progress("there is nothing to install: the project has no package.json\n");
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&root);
    let status = npm.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => CommandError::Unable {
            message: "npm is missing".to_owned(),
            help: Some("install Node.js, which brings it, or put the packages into node_modules/ yourself".to_owned()),
        },
        _ => error.into(),
    })?;
    if status.success() { Ok(()) } else { Err(CommandError::Failed) }
}
