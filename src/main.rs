//! The command line of trueup.

use std::process::ExitCode;

fn main() -> ExitCode {
    trueup::cli::run()
}
