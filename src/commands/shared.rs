use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::compile::{Compilation, compile};
use crate::error::CommandError;
use crate::files::Disk;
use crate::project::{Overrides, SETTINGS_FILES};

/// Arguments of every command that works on a project.
#[derive(Debug, Args)]
pub(super) struct ProjectArgs {
    /// The project's folder [default: the nearest one upwards that holds a settings file]
    #[arg(long, value_name = "DIR", env = "TRUEUP_PROJECT")]
    project: Option<PathBuf>,
    /// The environment [default: the settings' `default_environment`]
    #[arg(long, value_name = "NAME", env = "TRUEUP_ENV")]
    env: Option<String>,
    /// Variables of the project, over those of the settings
    #[arg(long, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = variable)]
    vars: Vec<(String, String)>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

impl ProjectArgs {
    /// The project's folder.
    pub(super) fn root(&self) -> Result<PathBuf, CommandError> {
        let has_settings = |folder: &Path| SETTINGS_FILES.iter().any(|name| folder.join(name).is_file());
        if let Some(folder) = &self.project {
            if !folder.is_dir() {
                return Err(CommandError::unable(format!("there is no folder {}", folder.display())));
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

    /// Reads and checks the project.
    pub(super) fn compile(&self) -> Result<(PathBuf, Compilation), CommandError> {
        let root = self.root()?;
        let secrets = dotenv(&root)?;
        let secret = |name: &str| env::var(name).ok().or_else(|| secrets.get(name).cloned());
        let overrides = Overrides { environment: self.env.clone(), vars: self.vars.iter().cloned().collect() };
        let compilation = compile(&Disk::new(&root), &overrides, &secret)?;
        Ok((root, compilation))
    }
}

/// The variables of a `.env` file beside the settings. They never override the real environment.
fn dotenv(root: &Path) -> Result<BTreeMap<String, String>, CommandError> {
    let path = root.join(".env");
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    let unreadable = |error: dotenvy::Error| CommandError::unable(format!("cannot read .env: {error}"));
    dotenvy::from_path_iter(&path).map_err(unreadable)?.map(|pair| pair.map_err(unreadable)).collect()
}
