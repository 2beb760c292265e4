use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;

use crate::analysis::Memory;
use crate::artifact::{self, Written, read_memory, read_written, write_memory, write_written};
use crate::commands::run::cancel_on_interrupt;
use crate::commands::shared::{DOTENV, DenyArgs, ProjectArgs};
use crate::compile::Compilation;
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

/// What one compilation leaves to the next one.
struct Kept {
    memory: Memory,
    written: Written,
    /// The last one itself. Its memory would go back to the system bit by bit, and the next one takes as much.
    compilation: Option<Compilation>,
}

impl Kept {
    fn read(root: &Path) -> Self {
        let (memory, written) = rayon::join(|| read_memory(root), || read_written(root));
        Self { memory, written, compilation: None }
    }
}

pub(super) fn run(args: &CompileArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let root = args.project.root()?;
    if args.watch {
        let ended = cancel_on_interrupt()?;
        watch(args, &root, terminal, &ended);
        return Ok(());
    }
    let mut kept = Kept::read(&root);
    let result = compile(args, &root, terminal, &mut kept);
    // The process ends here, and the system takes all of it back at once.
    std::mem::forget(kept);
    result
}

/// Compiles on each change. Whatever is wrong is shown, and can be mended.
fn watch(args: &CompileArgs, root: &Path, terminal: &Terminal, ended: &AtomicBool) {
    let paths: Vec<&str> = SETTINGS_FILES.into_iter().chain(SOURCE_FOLDERS).chain([CATALOG_FILE, DOTENV]).collect();
    let mut watch = Watch::new(root, &paths);
    let mut kept = Kept::read(root);
    terminal.progress("compiling on every change; Ctrl-C ends it\n\n");
    loop {
        if let Err(CommandError::Unable { message, help }) = compile(args, root, terminal, &mut kept) {
            terminal.error(&message, help.as_deref());
        }
        if !watch.wait(ended) {
            return;
        }
    }
}

fn compile(args: &CompileArgs, root: &Path, terminal: &Terminal, kept: &mut Kept) -> Result<(), CommandError> {
    let started = Instant::now();
    artifact::make_folder(root)?;
    let last = kept.compilation.take();
    rayon::spawn(|| drop(last));
    let compilation = args.project.compile_again(root, &mut kept.memory)?;
    let compilation = kept.compilation.insert(compilation);
    let result = write(args, root, terminal, compilation, &mut kept.written);
    if result.is_ok() || compilation.diagnostics.has_errors() {
        terminal.progress(&compile_summary(compilation, started.elapsed()));
    }
    // Nobody has to wait for that.
    rayon::join(|| write_memory(root, &mut kept.memory), || write_written(root, &mut kept.written));
    result
}

/// Shows what is wrong, and writes the compiled SQL if that is nothing.
fn write(
    args: &CompileArgs,
    root: &Path,
    terminal: &Terminal,
    compilation: &Compilation,
    written: &mut Written,
) -> Result<(), CommandError> {
    match args.format {
        CompileFormat::Text => terminal.diagnostics(compilation, OutputFormat::Text),
        CompileFormat::Json => terminal.diagnostics(compilation, OutputFormat::Json),
        CompileFormat::Dataform => {
            terminal.diagnostics(compilation, OutputFormat::Text);
            terminal.print(&artifact::dataform_graph(compilation));
        }
    }
    if compilation.diagnostics.has_errors() {
        return Err(CommandError::Failed);
    }
    args.deny.check(compilation, terminal)?;
    artifact::write_compiled(root, compilation, written)?;
    Ok(())
}
