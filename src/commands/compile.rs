use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;

use crate::analysis::Memory;
use crate::artifact::{self, read_memory};
use crate::commands::run::cancel_on_interrupt;
use crate::commands::shared::{DOTENV, DenyArgs, ProjectArgs};
use crate::error::CommandError;
use crate::files::Watch;
use crate::project::{CATALOG_FILE, SETTINGS_FILES, SOURCE_FOLDERS};
use crate::report::{OutputFormat, Terminal, compile_summary};

/// Check the whole project and write the compiled SQL
#[derive(Debug, Args)]
pub struct CompileArgs {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    deny: DenyArgs,
    /// What is printed
    #[arg(long, value_enum, default_value_t)]
    format: CompileFormat,
    /// Compile again whenever a file of the project changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// What `compile` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum CompileFormat {
    /// Diagnostics, for people
    #[default]
    Text,
    /// Diagnostics, for programs: one JSON object a line
    Json,
    /// The compiled graph as `dataform compile --json` prints it, also if there are errors
    Dataform,
}

pub(super) fn run(args: &CompileArgs, terminal: &Terminal) -> Result<(), CommandError> {
    if !args.watch {
        let root = args.project.root()?;
        return compile(args, &root, terminal, &mut read_memory(&root));
    }
    let ended = cancel_on_interrupt()?;
    watch(args, &args.project.root()?, terminal, &ended);
    Ok(())
}

/// Compiles on each change. Whatever is wrong is shown, and can be mended.
fn watch(args: &CompileArgs, root: &Path, terminal: &Terminal, ended: &AtomicBool) {
    let paths: Vec<&str> = SETTINGS_FILES.into_iter().chain(SOURCE_FOLDERS).chain([CATALOG_FILE, DOTENV]).collect();
    let mut watch = Watch::new(root, &paths);
    let mut memory = read_memory(root);
    terminal.progress("compiling on every change; Ctrl-C ends it\n\n");
    loop {
        if let Err(CommandError::Unable { message, help }) = compile(args, root, terminal, &mut memory) {
            terminal.error(&message, help.as_deref());
        }
        if !watch.wait(ended) {
            return;
        }
    }
}

fn compile(args: &CompileArgs, root: &Path, terminal: &Terminal, memory: &mut Memory) -> Result<(), CommandError> {
    let started = Instant::now();
    artifact::make_folder(root)?;
    let compilation = args.project.compile_again(root, memory)?;
    match args.format {
        CompileFormat::Text => terminal.diagnostics(&compilation, OutputFormat::Text),
        CompileFormat::Json => terminal.diagnostics(&compilation, OutputFormat::Json),
        CompileFormat::Dataform => {
            terminal.diagnostics(&compilation, OutputFormat::Text);
            terminal.print(&artifact::dataform_graph(&compilation));
        }
    }
    if compilation.diagnostics.has_errors() {
        terminal.progress(&compile_summary(&compilation, started.elapsed()));
        return Err(CommandError::Failed);
    }
    args.deny.check(&compilation, terminal)?;
    artifact::write_compiled(root, &compilation)?;
    terminal.progress(&compile_summary(&compilation, started.elapsed()));
    if !args.watch {
        // The process ends here, and the system takes all of it back at once.
        std::mem::forget(compilation);
    }
    Ok(())
}
