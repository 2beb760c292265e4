use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Once;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use clap::Args;
use jiff::civil::{Date, DateTime};

use crate::action::{ActionId, Reference};
use crate::adapter::{self, Adapter};
use crate::analysis::Memory;
use crate::artifact::{read_memory, read_snapshot, write_memory};
use crate::compare::{Change, Comparison, Snapshot, compare};
use crate::compile::{Compilation, compile_again, link};
use crate::diagnostic::{Diagnostics, Severity, did_you_mean};
use crate::error::CommandError;
use crate::files::{Disk, FileSystem, Revision};
use crate::graph::{Selection, Selector, States};
use crate::plan::check_audits;
use crate::project::{Budget, Defaults, Naming, Overrides, SETTINGS_FILES, unreadable as unreadable_file};
use crate::relation::Target;
use crate::report::{DiagnosticFormat, OutputFormat, Terminal, compile_summary, count, render_diagnostics};
use crate::template::running_longer_than;

/// Variables for the settings, beside them.
pub(super) const DOTENV: &str = ".env";

/// Where a project is.
#[derive(Debug, Args)]
pub(super) struct FolderArgs {
    /// The project's folder [default: the nearest one upwards that holds a settings file]
    #[arg(long, value_name = "DIR", env = "TRUEUP_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
}

/// Arguments of every command that works on a project.
#[derive(Debug, Args)]
pub(super) struct ProjectArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// The environment [default: the settings' `default_environment`]
    #[arg(long, value_name = "NAME", env = "TRUEUP_ENV", hide_env_values = true)]
    env: Option<String>,
    /// Variables of the project, over those of the settings
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = variable)]
    vars: Vec<(String, String)>,
    #[command(flatten)]
    names: NameArgs,
}

/// Dataform's flags that change where a project's actions go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Names")]
struct NameArgs {
    /// The database (BigQuery: project) of actions that name none
    #[arg(long, value_name = "NAME")]
    default_database: Option<String>,
    /// The schema (BigQuery: dataset) of actions that name none
    #[arg(long, value_name = "NAME")]
    default_schema: Option<String>,
    /// BigQuery's location
    #[arg(long, value_name = "NAME")]
    default_location: Option<String>,
    /// The schema of assertions that name none
    #[arg(long, value_name = "NAME")]
    assertion_schema: Option<String>,
    /// Put behind the name of every database, with `_` between
    #[arg(long, value_name = "TEXT", value_parser = suffix)]
    database_suffix: Option<String>,
    /// Put behind the name of every schema, with `_` between
    #[arg(long, value_name = "TEXT", value_parser = suffix)]
    schema_suffix: Option<String>,
    /// Put before the name of every relation, with `_` between
    #[arg(long, value_name = "TEXT", value_parser = suffix)]
    table_prefix: Option<String>,
    /// Leave assertions out of runs
    #[arg(long)]
    disable_assertions: bool,
    /// BigQuery's reservation for actions that name none
    #[arg(long, value_name = "NAME")]
    default_reservation: Option<String>,
}

/// What may be added to a name without changing its quoting.
fn suffix(text: &str) -> Result<String, String> {
    let fits = text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_' || char == '-');
    if fits { Ok(text.to_owned()) } else { Err("it may have letters, digits, `_` and `-` in it".to_owned()) }
}

/// A day, or a moment of one: every warehouse reads it as it is.
pub(super) fn moment(text: &str) -> Result<String, String> {
    let is_one = text.parse::<Date>().is_ok() || text.parse::<DateTime>().is_ok();
    if is_one { Ok(text.to_owned()) } else { Err("write it as 2024-01-31 or 2024-01-31 18:00:00".to_owned()) }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl FolderArgs {
    /// The project's folder.
    pub(super) fn root(&self) -> Result<PathBuf, CommandError> {
        let has_settings = |folder: &Path| SETTINGS_FILES.iter().any(|name| folder.join(name).is_file());
        if let Some(folder) = &self.project {
            if !folder.is_dir() {
                return Err(CommandError::unable(format!("there is no folder {}", folder.display())));
            }
            if !has_settings(folder) {
                return Err(CommandError::Unable {
                    message: format!("there is no project in {}: no {}", folder.display(), SETTINGS_FILES.join(", ")),
                    help: Some(format!("make one with `trueup init {}`", folder.display())),
                });
            }
            return Ok(folder.clone());
        }
        let here = env::current_dir()?;
        let found = here.ancestors().find(|folder| has_settings(folder)).map(Path::to_path_buf);
        found.ok_or_else(|| CommandError::Unable {
            message: format!("there is no project here: no {} in this folder or above it", SETTINGS_FILES.join(", ")),
            help: Some("go to a project's folder, name it with --project, or make one with `trueup init`".to_owned()),
        })
    }
}

impl ProjectArgs {
    /// The project's folder.
    pub(super) fn root(&self) -> Result<PathBuf, CommandError> {
        self.folder.root()
    }

    /// The variables of the command line as they are written there, in order.
    pub(super) fn vars(&self) -> Vec<String> {
        let mut vars: Vec<String> = self.vars.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vars.sort();
        vars
    }

    fn overrides(&self) -> Overrides {
        let names = &self.names;
        Overrides {
            environment: self.env.clone(),
            vars: self.vars.iter().cloned().collect(),
            defaults: Defaults {
                database: names.default_database.clone(),
                schema: names.default_schema.clone(),
                assertion_schema: names.assertion_schema.clone(),
                location: names.default_location.clone(),
            },
            naming: Naming {
                database_suffix: names.database_suffix.clone(),
                schema_suffix: names.schema_suffix.clone(),
                name_prefix: names.table_prefix.clone(),
                scratch: None,
            },
            disable_assertions: names.disable_assertions,
            default_reservation: names.default_reservation.clone(),
        }
    }

    /// Reads and checks the project.
    pub(super) fn compile(&self) -> Result<(PathBuf, Compilation), CommandError> {
        let root = self.root()?;
        let mut memory = read_memory(&root);
        let compilation = self.compile_again(&root, &mut memory)?;
        write_memory(&root, &mut memory);
        Ok((root, compilation))
    }

    /// The same with what is remembered of the last time.
    pub(super) fn compile_again(&self, root: &Path, memory: &mut Memory) -> Result<Compilation, CommandError> {
        watch_engine();
        let files: Arc<dyn FileSystem> = Arc::new(Disk::new(root));
        self.compile_files(root, &files, memory)
    }

    /// Reads and checks the files of a state of the project.
    fn compile_files(
        &self,
        root: &Path,
        files: &Arc<dyn FileSystem>,
        memory: &mut Memory,
    ) -> Result<Compilation, CommandError> {
        let mut compilation = compile_again(files, &self.overrides(), &variables(root)?, memory)?;
        let Compilation { project, graph, diagnostics, .. } = &mut compilation;
        diagnostics.extend(check_audits(graph, project.settings.dialect));
        diagnostics.sort();
        Ok(compilation)
    }

    /// Reads the project for another environment, without a look at its SQL.
    pub(super) fn link_for(&self, root: &Path, environment: &str) -> Result<Compilation, CommandError> {
        let files: Arc<dyn FileSystem> = Arc::new(Disk::new(root));
        let overrides = Overrides { environment: Some(environment.to_owned()), ..self.overrides() };
        Ok(link(&files, &overrides, &variables(root)?)?)
    }

    /// Reads the project without a look at its SQL.
    pub(super) fn link(&self) -> Result<(PathBuf, Compilation), CommandError> {
        let root = self.root()?;
        let files: Arc<dyn FileSystem> = Arc::new(Disk::new(&root));
        watch_engine();
        let compilation = link(&files, &self.overrides(), &variables(&root)?)?;
        Ok((root, compilation))
    }

    /// Reads and checks the project, shows what is wrong, and ends if that keeps it from working.
    pub(super) fn compile_or_fail(&self, terminal: &Terminal) -> Result<(PathBuf, Compilation), CommandError> {
        let started = Instant::now();
        let (root, compilation) = self.compile()?;
        terminal.diagnostics(&compilation, OutputFormat::Text);
        if compilation.diagnostics.has_errors() {
            terminal.progress(&compile_summary(&compilation, started.elapsed()));
            return Err(CommandError::Failed);
        }
        Ok((root, compilation))
    }
}

/// Compares a project with a revision of git, or with what a manifest holds.
pub(super) fn compare_with(
    base: &str,
    project: &ProjectArgs,
    root: &Path,
    compilation: &Compilation,
) -> Result<Comparison, CommandError> {
    let path = Path::new(base);
    let before = if path.is_file() {
        read_snapshot(path).map_err(|error| CommandError::Unable {
            message: format!("{base} is no manifest that could be compared with: {error}"),
            help: Some("make one with `trueup compile` of this version: it is `.trueup/manifest.json`".to_owned()),
        })?
    } else {
        let files: Arc<dyn FileSystem> = Arc::new(Revision::read(root, base)?);
        Snapshot::of(&project.compile_files(root, &files, &mut read_memory(root))?)
    };
    Ok(compare(&before, &Snapshot::of(compilation)))
}

/// What keeps a command from going on.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct DenyArgs {
    /// Fail where there are warnings, too
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Denied>,
}

/// What is not let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Denied {
    /// All that is reported
    Warnings,
}

impl DenyArgs {
    /// Ends a command if there are warnings and none is let pass.
    pub(super) fn check(self, compilation: &Compilation, terminal: &Terminal) -> Result<(), CommandError> {
        self.check_count(compilation.diagnostics.count(Severity::Warning), terminal)
    }

    /// The same with warnings that a command has found itself.
    pub(super) fn check_count(self, warnings: usize, terminal: &Terminal) -> Result<(), CommandError> {
        if self.deny.is_none() || warnings == 0 {
            return Ok(());
        }
        terminal
            .progress(&format!("found {}, which `--deny warnings` does not let pass\n", count(warnings, "warning")));
        Err(CommandError::Failed)
    }
}

/// Which actions a command is about.
#[derive(Debug, Clone, Args)]
pub(super) struct SelectArgs {
    /// Names, tag:…, path:…, type:…, state:modified, state:new, with + for what is above or below; spaces unite, commas intersect
    #[arg(long, short, value_name = "SELECTOR", num_args = 1..)]
    select: Vec<String>,
    /// The same, to be left out
    #[arg(long, value_name = "SELECTOR", num_args = 1..)]
    exclude: Vec<String>,
    /// Names of actions, as Dataform takes them
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    actions: Vec<String>,
    /// Tags, as Dataform takes them
    #[arg(long, value_name = "TAG", value_delimiter = ',', num_args = 1..)]
    tags: Vec<String>,
    /// Also all that the selected actions depend on
    #[arg(long)]
    include_deps: bool,
    /// Also all that depends on the selected actions
    #[arg(long)]
    include_dependents: bool,
    /// What state: compares with: a revision of git, or a manifest.json that has been kept
    #[arg(long, value_name = "REV|FILE", default_value = "HEAD")]
    base: String,
}

impl SelectArgs {
    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        [&self.select, &self.exclude, &self.actions, &self.tags].into_iter().all(Vec::is_empty)
    }

    /// What selectors ask for. `base` is what `state:` compares with.
    pub(super) fn of(select: Vec<String>, base: &str) -> Self {
        Self {
            select,
            exclude: Vec::new(),
            actions: Vec::new(),
            tags: Vec::new(),
            include_deps: false,
            include_dependents: false,
            base: base.to_owned(),
        }
    }

    /// Asks for these, too. A name may have a blank in it.
    pub(super) fn with(&self, names: &[String]) -> Self {
        let (named, select): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.contains(' '));
        let mut all = self.clone();
        all.select.extend(select.into_iter().cloned());
        all.actions.extend(named.into_iter().cloned());
        all
    }

    /// The actions that were asked for; all of them if none were.
    pub(super) fn select(
        &self,
        project: &ProjectArgs,
        root: &Path,
        compilation: &Compilation,
    ) -> Result<Selection, CommandError> {
        let asks_state = self.select.iter().chain(&self.exclude).any(|text| text.contains("state:"));
        let states = if asks_state {
            let comparison = compare_with(&self.base, project, root, compilation)?;
            States {
                modified: comparison.of(compilation, Change::needs_run),
                new: comparison.of(compilation, Change::is_addition),
            }
        } else {
            States::default()
        };
        let selector = Selector {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            actions: self.actions.clone(),
            tags: self.tags.clone(),
            include_deps: self.include_deps,
            include_dependents: self.include_dependents,
            states,
        };
        Ok(selector.select(&compilation.graph, &compilation.project.sources)?)
    }
}

/// The only action of that name, if there is one.
pub(super) fn action_named(name: &str, compilation: &Compilation) -> Result<Option<ActionId>, CommandError> {
    let reference = Reference::from_parts(name.split('.').map(str::to_owned));
    let names = compilation.graph.names();
    let found: Vec<ActionId> = reference.iter().flat_map(|reference| names.find(reference)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        several => {
            let names: Vec<String> =
                several.iter().map(|id| compilation.graph.get(*id).canonical.to_string()).collect();
            Err(CommandError::Unable {
                message: format!("`{name}` may mean several actions"),
                help: Some(format!("it is one of {}", names.join(", "))),
            })
        }
    }
}

/// How many bytes a budget buys, where the warehouse tells beforehand what is read.
pub(super) fn bytes_of(budget: Budget, compilation: &Compilation) -> Result<u64, CommandError> {
    compilation.project.environment.connection.bytes_of(budget).ok_or_else(|| CommandError::Unable {
        message: "this warehouse does not tell beforehand what would be read".to_owned(),
        help: Some("leave --budget out: only BigQuery tells".to_owned()),
    })
}

/// The action of that name, which must be there.
pub(super) fn the_action(name: &str, compilation: &Compilation) -> Result<ActionId, CommandError> {
    action_named(name, compilation)?.ok_or_else(|| {
        let names = compilation.graph.iter().map(|(_, action)| action.canonical.name.as_str());
        let help = did_you_mean(name, names).or_else(|| Some("`trueup list` shows them all".to_owned()));
        CommandError::Unable { message: format!("no action is called `{name}`"), help }
    })
}

/// Connects to the environment's warehouse and makes it ready.
pub(super) fn connect(root: &Path, compilation: &Compilation) -> Result<Arc<dyn Adapter>, CommandError> {
    let adapter = look_at(root, compilation)?;
    adapter.prepare()?;
    Ok(adapter)
}

/// Connects to the environment's warehouse, and changes nothing there.
pub(super) fn look_at(root: &Path, compilation: &Compilation) -> Result<Arc<dyn Adapter>, CommandError> {
    let history = compilation.project.history().map(|(table, _)| table);
    let targets: Vec<Target> =
        compilation.graph.iter().map(|(_, action)| action.target.clone()).chain(history).collect();
    Ok(adapter::connect(&compilation.project, root, &targets)?)
}

/// Shows diagnostics that came after the compilation.
pub(super) fn show(diagnostics: &Diagnostics, compilation: &Compilation, terminal: &Terminal) {
    let format = DiagnosticFormat::Text { color: terminal.color() };
    terminal.note(&render_diagnostics(diagnostics, &compilation.project.sources, format));
}

/// Tells why a command ended, or a part of it.
pub fn tell(error: &CommandError, terminal: &Terminal) {
    match error {
        // What failed has been shown where it happened.
        CommandError::Failed => {}
        CommandError::Cancelled => terminal.error("cancelled", None),
        CommandError::Unable { message, help } => terminal.error(message, help.as_deref()),
    }
}

/// How long a piece of JavaScript may run before the process ends, whatever it does: four times what the engine allows.
const LAST_RESORT: Duration = Duration::from_secs(20);

/// Ends the process if a piece of JavaScript can be stopped in no other way.
fn watch_engine() {
    static WATCHER: Once = Once::new();
    WATCHER.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_millis(500));
                if let Some(file) = running_longer_than(LAST_RESORT) {
                    let message = format!("JavaScript of {file} has run for {} seconds", LAST_RESORT.as_secs());
                    let help = "look for a function that goes through a huge array or text, such as `Array(2 ** 32 - 1).join()`";
                    Terminal::plain().error(&message, Some(help));
                    #[expect(clippy::exit, reason = "a thread that never looks up cannot be ended in another way")]
                    process::exit(1);
                }
            }
        });
    });
}

/// Looks up the variables that the settings ask for.
fn variables(root: &Path) -> Result<impl Fn(&str) -> Option<String> + use<>, CommandError> {
    let secrets = dotenv(root)?;
    Ok(move |name: &str| env::var(name).ok().or_else(|| secrets.get(name).cloned()))
}

/// The variables of a `.env` file beside the settings. They never override the real environment.
fn dotenv(root: &Path) -> Result<BTreeMap<String, String>, CommandError> {
    let path = root.join(DOTENV);
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    // What the parser says of a line holds the line, which may be a secret.
    let unreadable = |error: dotenvy::Error| match error {
        dotenvy::Error::Io(error) => CommandError::unable(format!("cannot read .env: {error}")),
        _ => CommandError::Unable {
            message: "cannot read .env: not every line is a variable".to_owned(),
            help: Some("write each line as NAME=VALUE, a value with blanks in it in quotes".to_owned()),
        },
    };
    let text = Disk::new(root).read_variables().map_err(|error| {
        let reason = unreadable_file(DOTENV, &error).map_or_else(|| error.to_string(), |found| found.message);
        CommandError::unable(format!("cannot read .env: {reason}"))
    })?;
    dotenvy::from_read_iter(text.as_bytes()).map(|pair| pair.map_err(unreadable)).collect()
}
