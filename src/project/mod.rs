//! A project: its settings, the environment chosen, and the text of its files.

mod bigquery;
mod catalog;
mod conflict;
mod connection;
mod dataform;
mod environment;
mod history;
mod iam;
mod settings;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::files::{FileId, FileSystem, Sources, max_size};
use crate::relation::Target;

pub use bigquery::{BigQueryAccess, Budget, GoogleCredentials};
pub use catalog::{CATALOG_FILE, CATALOG_VERSION, Catalog};
pub use connection::{Connection, SSL_MODES, Secret, Server, SslMode};
pub use dataform::CoreVersion;
pub use environment::{Environment, Source};
pub use history::{History, HistoryTable};
pub use iam::{AwsIdentity, Iam, RedshiftPlace};
pub use settings::{BigQuerySettings, Defaults, Iceberg, Naming, Notebooks, REUSED_ALIASES, Scratch, Settings};

/// The names of settings files, first choice first.
pub const SETTINGS_FILES: [&str; 3] = ["trueup.yaml", "workflow_settings.yaml", "dataform.json"];

/// The folders of a project that hold its sources.
pub const SOURCE_FOLDERS: [&str; 3] = [DEFINITIONS, INCLUDES, MACROS];

/// The folder of the actions.
pub const DEFINITIONS: &str = "definitions";
/// The folder of code that the actions share.
pub const INCLUDES: &str = "includes";
const MACROS: &str = "macros";

/// How many files are read at once. Few enough that one that is too large does not take others with it.
const READ_AT_ONCE: usize = 64;

/// Everything that a compilation reads.
#[derive(Debug, Clone)]
pub struct Project {
    /// What the settings files say, with the overrides of the command line.
    pub settings: Settings,
    /// The environment that was asked for.
    pub environment: Environment,
    /// The door to further files, for code that requires them.
    pub files: Arc<dyn FileSystem>,
    /// The text of all the files that have been read.
    pub sources: Arc<Sources>,
    /// `definitions/**/*.sqlx` and `definitions/**/*.js`, in order of path.
    pub definitions: Vec<FileId>,
    /// `definitions/**/actions.yaml`, in order of path.
    pub action_lists: Vec<FileId>,
    /// `definitions/**/graph.yaml`, in order of path. There should be one at the most.
    pub property_graphs: Vec<FileId>,
    /// Other files under `definitions/` that hold SQL. Only an `actions.yaml` or code makes something of them.
    pub other_sql: Vec<String>,
    /// `includes/**/*.js`, in order of path. Those in deeper folders are known only to who requires them.
    pub includes: Vec<FileId>,
    /// `macros/**/*.jinja`, in order of path.
    pub macros: Vec<FileId>,
    /// Those of all these that have the marks of a merge in them, which has been reported.
    pub unsettled: Vec<FileId>,
    /// What has been saved of a warehouse's columns.
    pub catalog: Option<Catalog>,
}

impl Project {
    /// How this environment renames what the project makes.
    pub fn naming(&self) -> Naming {
        self.settings.naming.overridden_by(&self.environment.naming)
    }

    /// The same project with all that it names in one schema.
    #[must_use]
    pub fn in_scratch(&self, scratch: Scratch) -> Self {
        let mut project = self.clone();
        project.environment.naming.scratch = Some(scratch);
        project
    }

    /// The settings as Dataform's code and tools know them: `dataform.projectConfig`. What is not set is not there.
    pub fn dataform_config(&self) -> serde_json::Map<String, serde_json::Value> {
        dataform::project_config(self)
    }

    /// The database of what names none, as it is called in this environment.
    pub fn default_database(&self) -> Option<String> {
        let target = Target { database: self.settings.defaults.database.clone(), schema: None, name: String::new() };
        self.naming().apply(&target).database
    }

    /// The quoted name of a relation in the SQL of the models.
    pub fn relation(&self, target: &Target) -> String {
        let dialect = self.settings.dialect;
        let is_near = target.database.is_none() || target.database == self.default_database();
        if is_near { dialect.relation(target) } else { dialect.qualified(target) }
    }
}

/// What the command line may change. Names that are `None` or empty change nothing.
#[derive(Debug, Default, Clone)]
pub struct Overrides {
    /// The environment; otherwise the settings' `default_environment`.
    pub environment: Option<String>,
    /// Variables, over those of the settings.
    pub vars: BTreeMap<String, String>,
    /// Where an action goes that does not say so itself.
    pub defaults: Defaults,
    /// Prefix and suffixes, over those of the settings and of the environment.
    pub naming: Naming,
    /// Whether assertions are left out of runs; `false` leaves the settings as they are.
    pub disable_assertions: bool,
    /// BigQuery's reservation for actions that do not name one.
    pub default_reservation: Option<String>,
}

/// Why a project could not be looked at, as opposed to having mistakes in it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no settings file.
    #[error("there is no settings file: none of {}", SETTINGS_FILES.join(", "))]
    NoSettings,
    /// The environment asked for is not in the settings.
    #[error("there is no environment `{name}`")]
    NoEnvironment {
        /// The name asked for.
        name: String,
        /// Those that there are.
        help: Option<String>,
    },
    /// A variable of the process's environment that the settings ask for is not set.
    #[error("environment `{environment}` needs the variable {variable}, which is not set")]
    NoVariable {
        /// Whose settings ask for it.
        environment: String,
        /// The name in `${…}`.
        variable: String,
    },
    /// A value of an environment is of no use.
    #[error("in environment `{environment}` {message}")]
    WrongValue {
        /// Whose settings, or the variables that stand for them.
        environment: String,
        /// What is wrong.
        message: String,
    },
    /// The disk said no.
    #[error("cannot read {path}: {error}")]
    Io {
        /// What was read.
        path: String,
        /// Why not.
        error: io::Error,
    },
}

/// Reads the settings and every source file. `secret` looks up variables for `${NAME}` in the environment's settings.
pub fn load(
    files: &Arc<dyn FileSystem>,
    overrides: &Overrides,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<(Project, Diagnostics), LoadError> {
    let sources = Arc::new(Sources::default());
    let mut diagnostics = Diagnostics::default();
    let mut settings = read_settings(&**files, &sources, &mut diagnostics)?;
    let mut environment = match settings.environment(overrides.environment.as_deref(), secret) {
        // Where the settings are broken that may be why; their mistakes are told, and nothing runs.
        Err(LoadError::NoEnvironment { .. }) if diagnostics.has_errors() => Environment::embedded(),
        environment => environment?,
    };
    settings.vars.extend(overrides.vars.clone());
    settings.defaults = settings.defaults.overridden_by(&overrides.defaults);
    environment.naming = environment.naming.overridden_by(&overrides.naming);
    settings.disable_assertions |= overrides.disable_assertions;
    settings.bigquery.reservation = overrides.default_reservation.clone().or(settings.bigquery.reservation);

    let list = |folder: &str| files.list(folder).map_err(|error| LoadError::Io { path: folder.to_owned(), error });
    let mut unsettled = Vec::new();
    let mut read = |paths: &[String], wanted: &dyn Fn(&str) -> bool| {
        let mut read = Vec::new();
        let wanted: Vec<&String> = paths.iter().filter(|path| wanted(path)).collect();
        for piece in wanted.chunks(READ_AT_ONCE) {
            let texts: Vec<io::Result<Arc<str>>> = piece.par_iter().map(|path| Ok(files.read(path)?.into())).collect();
            for (path, text) in piece.iter().zip(texts) {
                let id = read_source(text, &sources, path, &mut diagnostics)?;
                if let Some(diagnostic) = conflict::unsettled(sources.get(id)) {
                    diagnostics.push(diagnostic);
                    unsettled.push(id);
                }
                read.push(id);
            }
        }
        Ok(read)
    };
    let is = |path: &str, ending: &str| path.ends_with(ending);
    let paths = list(DEFINITIONS)?;
    let definitions = read(&paths, &|path| is(path, ".sqlx") || is(path, ".js"))?;
    let is_named = |path: &str, name: &str| path.rsplit('/').next() == Some(name);
    let action_lists = read(&paths, &|path| is_named(path, "actions.yaml"))?;
    let property_graphs = read(&paths, &|path| is_named(path, "graph.yaml"))?;
    let includes = read(&list(INCLUDES)?, &|path| is(path, ".js"))?;
    let macros = read(&list(MACROS)?, &|path| is(path, ".jinja"))?;
    let other_sql = paths.into_iter().filter(|path| is(path, ".sql")).collect();
    let catalog = catalog::load(&**files, &sources, &mut diagnostics);
    let files = Arc::clone(files);
    let project = Project {
        settings,
        environment,
        files,
        sources,
        definitions,
        action_lists,
        property_graphs,
        other_sql,
        includes,
        macros,
        unsettled,
        catalog,
    };
    Ok((project, diagnostics))
}

/// Takes a file in. One that cannot be read as text is reported, and counts as empty.
fn read_source(
    text: io::Result<Arc<str>>,
    sources: &Sources,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Result<FileId, LoadError> {
    let error = match text.and_then(|text| sources.take_text(path, text)) {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    let id = sources.add(path, "");
    let diagnostic = unreadable(path, &error).ok_or(LoadError::Io { path: path.to_owned(), error })?;
    diagnostics.push(diagnostic.at(sources.get(id).whole(), ""));
    Ok(id)
}

/// Why the file at that path of the project cannot be taken in; `None` if it is the fault of the disk.
pub fn unreadable(path: &str, error: &io::Error) -> Option<Diagnostic> {
    let (message, help) = match error.kind() {
        // It stands for what could not be shown of the name.
        io::ErrorKind::NotFound if path.contains('\u{fffd}') => {
            ("the name of this file is not text in UTF-8", "rename it".to_owned())
        }
        io::ErrorKind::InvalidData => ("this file is not text in UTF-8", "save it as UTF-8".to_owned()),
        io::ErrorKind::FileTooLarge => (
            "this file is too large to be a source",
            format!("files of this kind are read up to {} MiB; data belongs into a table", max_size(path) >> 20),
        ),
        io::ErrorKind::QuotaExceeded => (
            "the files of this project are too large together",
            "data belongs into a table; what is no source belongs elsewhere".to_owned(),
        ),
        io::ErrorKind::InvalidInput => (
            "a hidden file is no source",
            "give it a name that does not begin with a dot, in a folder that does not either".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => (
            "this link leads out of the project",
            "put a copy of the file into the project: what lies outside of it is not read".to_owned(),
        ),
        io::ErrorKind::NotFound => ("this link leads to nothing", "remove it, or put the file there".to_owned()),
        io::ErrorKind::Unsupported | io::ErrorKind::IsADirectory => {
            ("this is no file but a folder, a device or a pipe", "put a file in its place".to_owned())
        }
        _ => return None,
    };
    Some(Diagnostic::error(Code::UnreadableFile, message).help(help))
}

/// Reads the settings alone: what holds for a project in every environment.
pub fn load_settings(files: &dyn FileSystem) -> Result<(Settings, Diagnostics), LoadError> {
    let mut diagnostics = Diagnostics::default();
    let settings = read_settings(files, &Sources::default(), &mut diagnostics)?;
    Ok((settings, diagnostics))
}

fn read_settings(
    files: &dyn FileSystem,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Result<Settings, LoadError> {
    let mut settings: Option<Settings> = None;
    // Dataform's file comes first, so that a `trueup.yaml` beside it adds to it.
    for path in SETTINGS_FILES.into_iter().rev() {
        let text = match files.read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(LoadError::Io { path: path.to_owned(), error }),
        };
        let id = sources.add(path, text);
        let file = sources.get(id);
        let tree = match conflict::unsettled(file).map_or_else(|| crate::config::parse_yaml(file), Err) {
            Ok(tree) => tree,
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                settings.get_or_insert_with(Settings::default);
                continue;
            }
        };
        if path == "workflow_settings.yaml"
            && let Some(older) = sources.find("dataform.json")
        {
            diagnostics.push(
                Diagnostic::error(Code::InvalidSettings, "there is a workflow_settings.yaml beside this file")
                    .at(older.span(0..0), "")
                    .help("remove this one: Dataform 3 reads workflow_settings.yaml in its place"),
            );
        }
        let mut base = settings.unwrap_or_default();
        let (read, found) = match path {
            "trueup.yaml" => settings::read(&tree, base),
            "workflow_settings.yaml" => {
                base.core = dataform::core_version(files, CoreVersion::LATEST);
                dataform::read_workflow_settings(&tree, base)
            }
            _ => {
                base.core = dataform::core_version(files, CoreVersion::LAST_OF_2);
                dataform::read_dataform_json(&tree, base)
            }
        };
        diagnostics.extend(found);
        settings = Some(read);
    }
    settings.ok_or(LoadError::NoSettings)
}

impl Settings {
    /// The environment of that name, or the default one; an embedded DuckDB where the settings have none at all.
    fn environment(
        &self,
        name: Option<&str>,
        secret: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Environment, LoadError> {
        let first = || self.environments.first().map(|written| written.name.as_str());
        let Some(wanted) = name.or(self.default_environment.as_deref()).or_else(first) else {
            return Ok(Environment::embedded());
        };
        match self.environments.iter().find(|written| written.name == wanted) {
            Some(written) => written.resolve(secret),
            None if name.is_none_or(|name| name == "local") && self.environments.is_empty() => {
                Ok(Environment::embedded())
            }
            None => Err(LoadError::NoEnvironment {
                name: wanted.to_owned(),
                help: did_you_mean(wanted, self.environments.iter().map(|written| written.name.as_str())).or_else(
                    || {
                        let names: Vec<&str> = self.environments.iter().map(|written| written.name.as_str()).collect();
                        (!names.is_empty()).then(|| format!("the environments are {}", names.join(", ")))
                    },
                ),
            }),
        }
    }
}
