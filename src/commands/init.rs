use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::artifact::write_atomically;
use crate::dialect::{self, Dialect};
use crate::error::CommandError;
use crate::project::SETTINGS_FILES;
use crate::report::Terminal;

/// Make a new project that compiles, runs and passes its tests
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The project's name [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// The SQL that its models are written in: bigquery, duckdb, postgres or redshift
    #[arg(long, default_value = "duckdb", value_parser = parse_dialect)]
    dialect: &'static dyn Dialect,
}

fn parse_dialect(name: &str) -> Result<&'static dyn Dialect, String> {
    dialect::named(name).ok_or_else(|| format!("the dialects are {}", dialect::names().collect::<Vec<_>>().join(", ")))
}

/// The files of a new project. SQL that all dialects read alike.
const FILES: [(&str, &str); 4] = [
    ("definitions/orders.sqlx", include_str!("init/orders.sqlx")),
    ("definitions/daily_orders.sqlx", include_str!("init/daily_orders.sqlx")),
    ("definitions/daily_orders_test.sqlx", include_str!("init/daily_orders_test.sqlx")),
    (".gitignore", ".trueup/\n.env\n"),
];

pub(super) fn run(args: &InitArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let folder = &args.folder;
    let there = SETTINGS_FILES.iter().map(|name| folder.join(name)).find(|path| path.exists());
    if let Some(path) = there {
        return Err(CommandError::Unable {
            message: format!("{} is there already", path.display()),
            help: Some("this is a project; `trueup compile` checks it".to_owned()),
        });
    }
    fs::create_dir_all(folder)?;
    let full = folder.canonicalize()?;
    let of_folder = full.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = args.name.clone().or(of_folder).unwrap_or_else(|| "project".to_owned());
    let settings = include_str!("init/trueup.yaml")
        .replace("NAME", &serde_json::Value::from(name).to_string())
        .replace("DIALECT", args.dialect.name());
    let files = std::iter::once(("trueup.yaml", settings.as_str())).chain(FILES);
    for (path, text) in files {
        let there = folder.join(path);
        // What is there is somebody's work.
        if !there.exists() {
            write_atomically(folder, Path::new(path), text)?;
            terminal.progress(&format!("wrote {}\n", there.display()));
        }
    }
    let go = if folder.as_os_str() == "." { String::new() } else { format!("cd {} && ", folder.display()) };
    terminal.progress(&format!("\ntry it: {go}trueup run && trueup test\n"));
    Ok(())
}
