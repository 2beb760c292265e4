//! One file for each command: its arguments, whose doc comments are the help, and a short function.

mod catalog;
mod compile;
mod completions;
mod cost;
mod data_diff;
mod diff;
mod explain;
mod format;
mod history;
mod init;
mod install;
mod lateness;
mod lineage;
mod list;
mod reconcile;
mod run;
mod shared;
mod show;
mod status;
mod test;
mod translate;

use clap::Subcommand;

pub use shared::tell;

use crate::error::CommandError;
use crate::report::Terminal;

/// The commands, in alphabetical order.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Save what the warehouse tells of the columns of declared tables
    Catalog(catalog::CatalogArgs),
    /// Check the whole project and write the compiled SQL
    Compile(compile::CompileArgs),
    /// Print a script that completes the command line in a shell
    Completions(completions::CompletionsArgs),
    /// Show what models would cost as a view, as a table, and as an incremental table
    Cost(cost::CostArgs),
    /// Compare the rows of two relations, or of two environments
    DataDiff(data_diff::DataDiffArgs),
    /// Tell what is different from another revision, and who feels it
    Diff(diff::DiffArgs),
    /// Explain a diagnostic by its code
    Explain(explain::ExplainArgs),
    /// Lay out `.sqlx` files, without changing what they mean
    Format(format::FormatArgs),
    /// Make a new project that compiles, runs and passes its tests
    Init(init::InitArgs),
    /// Fetch the npm packages that the project's `package.json` names
    Install(install::InstallArgs),
    /// Show how late the rows of a table came
    Lateness(lateness::LatenessArgs),
    /// Show where columns come from, and where they go
    Lineage(lineage::LineageArgs),
    /// List the actions, or the selected ones
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Compare tables with what a full recompute would hold
    Reconcile(reconcile::ReconcileArgs),
    /// Run the graph, or the selected part of it
    Run(run::RunArgs),
    /// Show the first rows of a model's query
    Show(show::ShowArgs),
    /// Show how fresh, accurate and cheap the tables are
    Status(status::StatusArgs),
    /// Run the unit tests, and check the assertions on what the warehouse holds
    Test(test::TestArgs),
    /// Translate SQL from standard input to another dialect
    Translate(translate::TranslateArgs),
}

/// Runs a command. `definition` is that of the whole command line.
pub fn run(command: &Command, definition: clap::Command, terminal: &Terminal) -> Result<(), CommandError> {
    match command {
        Command::Catalog(args) => catalog::run(args, terminal),
        Command::Compile(args) => compile::run(args, terminal),
        Command::Completions(args) => completions::run(args, terminal, definition),
        Command::Cost(args) => cost::run(args, terminal),
        Command::DataDiff(args) => data_diff::run(args, terminal),
        Command::Diff(args) => diff::run(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Format(args) => format::run(args, terminal),
        Command::Init(args) => init::run(args, terminal),
        Command::Install(args) => install::run(args, terminal),
        Command::Lateness(args) => lateness::run(args, terminal),
        Command::Lineage(args) => lineage::run(args, terminal),
        Command::List(args) => list::run(args, terminal),
        Command::Reconcile(args) => reconcile::run(args, terminal),
        Command::Run(args) => run::run(args, terminal),
        Command::Show(args) => show::run(args, terminal),
        Command::Status(args) => status::run(args, terminal),
        Command::Test(args) => test::run(args, terminal),
        Command::Translate(args) => translate::run(args, terminal),
    }
}
