//! The command line of trueup.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A compilation makes and drops millions of small things, on all cores.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    trueup::cli::run()
}
