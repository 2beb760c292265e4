//! A project: its settings, the environment chosen, and the text of its files.

mod dataform;
mod environment;
mod settings;

use std::collections::BTreeMap;
use std::io;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::files::{FileId, FileSystem, Sources};

pub use environment::{Connection, Environment, Source};
pub use settings::{Defaults, Naming, Settings};

/// The names of settings files, first choice first.
pub const SETTINGS_FILES: [&str; 3] = ["trueup.yaml", "workflow_settings.yaml", "dataform.json"];

/// The folders of a project that hold its sources.
pub const SOURCE_FOLDERS: [&str; 3] = [DEFINITIONS, INCLUDES, MACROS];

const DEFINITIONS: &str = "definitions";
const INCLUDES: &str = "includes";
const MACROS: &str = "macros";

/// Everything that a compilation reads.
#[derive(Debug)]
pub struct Project {
    /// What the settings files say, with the overrides of the command line.
    pub settings: Settings,
    /// The environment that was asked for.
    pub environment: Environment,
    /// The text of all the files.
    pub sources: Sources,
    /// `definitions/**/*.sqlx`, in order of path.
    pub definitions: Vec<FileId>,
    /// `includes/**/*.js`, in order of path. Those in deeper folders are known only to who requires them.
    pub includes: Vec<FileId>,
    /// `macros/**/*.jinja`, in order of path.
    pub macros: Vec<FileId>,
}

/// What the command line may change.
#[derive(Debug, Default, Clone)]
pub struct Overrides {
    /// The environment; otherwise the settings' `default_environment`.
    pub environment: Option<String>,
    /// Variables, over those of the settings.
    pub vars: BTreeMap<String, String>,
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
    files: &dyn FileSystem,
    overrides: &Overrides,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<(Project, Diagnostics), LoadError> {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let mut settings = read_settings(files, &mut sources, &mut diagnostics)?;
    settings.vars.extend(overrides.vars.clone());
    let environment = settings.environment(overrides.environment.as_deref(), secret)?;

    let mut folder = |folder: &str, ending: &str| -> Result<Vec<FileId>, LoadError> {
        let paths = files.list(folder).map_err(|error| LoadError::Io { path: folder.to_owned(), error })?;
        let mut ids = Vec::new();
        for path in paths {
            if !path.ends_with(ending) {
                continue;
            }
            match files.read(&path) {
                Ok(text) => ids.push(sources.add(&path, text)),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let id = sources.add(&path, "");
                    diagnostics.push(
                        Diagnostic::error(Code::UnreadableFile, "this file is not text in UTF-8")
                            .at(sources.get(id).whole(), "")
                            .help("save it as UTF-8"),
                    );
                }
                Err(error) => return Err(LoadError::Io { path, error }),
            }
        }
        Ok(ids)
    };
    let definitions = folder(DEFINITIONS, ".sqlx")?;
    let includes = folder(INCLUDES, ".js")?;
    let macros = folder(MACROS, ".jinja")?;
    for path in files.list(DEFINITIONS).map_err(|error| LoadError::Io { path: DEFINITIONS.to_owned(), error })? {
        if [".js", ".sql", ".yaml", ".yml"].iter().any(|ending| path.ends_with(ending)) {
            let id = sources.add(&path, "");
            diagnostics.push(
                Diagnostic::warning(Code::IgnoredFile, "this file is not read")
                    .at(sources.get(id).whole(), "")
                    .help("an action is a `.sqlx` file under `definitions/`; functions belong to `includes/`"),
            );
        }
    }
    Ok((Project { settings, environment, sources, definitions, includes, macros }, diagnostics))
}

fn read_settings(
    files: &dyn FileSystem,
    sources: &mut Sources,
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
        let tree = match crate::config::parse_yaml(sources.get(id)) {
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
        let base = settings.unwrap_or_default();
        let (read, found) = match path {
            "trueup.yaml" => settings::read(&tree, base),
            "workflow_settings.yaml" => dataform::read_workflow_settings(&tree, base),
            _ => dataform::read_dataform_json(&tree, base),
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
