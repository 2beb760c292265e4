use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::artifact::write_atomically;
use crate::commands::shared::FolderArgs;
use crate::diagnostic::Diagnostics;
use crate::error::CommandError;
use crate::files::{Disk, FileSystem, Sources};
use crate::format::{Keywords, Unformatted, format};
use crate::project::{DEFINITIONS, INCLUDES, load_settings, unreadable};
use crate::report::{DiagnosticFormat, Terminal, count, render_diagnostics};

/// Lay out `.sqlx` files, without changing what they mean
#[derive(Debug, Args)]
pub struct FormatArgs {
    /// Files and folders; `-` is standard input, laid out to standard output [default: definitions and includes]
    paths: Vec<PathBuf>,
    /// Write nothing: list the files that would change, and end with 1 if there are any
    #[arg(long)]
    check: bool,
    /// How the words of SQL are written
    #[arg(long, value_enum, default_value_t, value_name = "CASE")]
    keywords: Keywords,
    #[command(flatten)]
    folder: FolderArgs,
}

/// A file, as the user knows it, and the folder in which to look for it.
struct Found {
    name: String,
    folder: PathBuf,
    path: String,
}

pub(super) fn run(args: &FormatArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let root = args.folder.root();
    let root = if args.paths.is_empty() { Some(root?) } else { root.ok() };
    let jinja = uses_jinja(root.as_deref())?;
    if args.paths == [Path::new("-")] {
        return standard_input(args, jinja, terminal);
    }
    let files = match root {
        Some(root) if args.paths.is_empty() => of_project(&root)?,
        _ => of_paths(&args.paths)?,
    };
    let mut outcomes = Vec::new();
    for file in &files {
        outcomes.push(one(file, jinja, args, terminal)?);
    }
    let count_of = |outcome| outcomes.iter().filter(|other| **other == outcome).count();
    let changed = count_of(Outcome::Changed);
    let verb = if args.check { "would change" } else { "changed" };
    terminal.progress(&format!("{changed} of {} {verb}\n", count(files.len(), "file")));
    let fails = count_of(Outcome::Mistaken) > 0 || args.check && changed > 0;
    if fails { Err(CommandError::Failed) } else { Ok(()) }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unchanged,
    Changed,
    Mistaken,
}

fn one(file: &Found, jinja: bool, args: &FormatArgs, terminal: &Terminal) -> Result<Outcome, CommandError> {
    let sources = Sources::default();
    let text = match Disk::new(&file.folder).read(&file.path) {
        Ok(text) => text,
        Err(error) => {
            let unable = || CommandError::unable(format!("cannot read {}: {error}", file.name));
            let diagnostic = unreadable(&file.path, &error).ok_or_else(unable)?;
            let whole = sources.get(sources.add(&file.name, "")).whole();
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(diagnostic.at(whole, ""));
            show(&diagnostics, &sources, terminal);
            return Ok(Outcome::Mistaken);
        }
    };
    let source = sources.get(sources.add(&file.name, text.as_str()));
    match format(source, jinja, args.keywords) {
        Ok(formatted) if formatted == text => Ok(Outcome::Unchanged),
        Ok(_) if args.check => {
            terminal.print(&format!("{}\n", file.name));
            Ok(Outcome::Changed)
        }
        Ok(formatted) => {
            // A link within the project stays one: what it names is rewritten.
            let root = file.folder.canonicalize()?;
            let path = root.join(&file.path).canonicalize()?;
            write_atomically(&root, path.strip_prefix(&root).unwrap_or(&path), &formatted)?;
            terminal.progress(&format!("formatted {}\n", file.name));
            Ok(Outcome::Changed)
        }
        Err(Unformatted::Mistakes(diagnostics)) => {
            show(&diagnostics, &sources, terminal);
            Ok(Outcome::Mistaken)
        }
        Err(Unformatted::Unsafe) => {
            terminal.note(&left_alone(&file.name));
            Ok(Outcome::Unchanged)
        }
    }
}

fn standard_input(args: &FormatArgs, jinja: bool, terminal: &Terminal) -> Result<(), CommandError> {
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| CommandError::unable(format!("cannot read standard input: {error}")))?;
    let sources = Sources::default();
    let id = sources.add("standard input", text.as_str());
    let formatted = match format(sources.get(id), jinja, args.keywords) {
        Ok(formatted) => formatted,
        Err(Unformatted::Mistakes(diagnostics)) => {
            show(&diagnostics, &sources, terminal);
            return Err(CommandError::Failed);
        }
        Err(Unformatted::Unsafe) => {
            terminal.note(&left_alone("standard input"));
            text.clone()
        }
    };
    if !args.check {
        terminal.print(&formatted);
    } else if formatted != text {
        return Err(CommandError::Failed);
    }
    Ok(())
}

/// Whether Jinja is on in a project; it is where there is none.
fn uses_jinja(root: Option<&Path>) -> Result<bool, CommandError> {
    root.map_or(Ok(true), |root| Ok(load_settings(&Disk::new(root))?.0.jinja))
}

fn of_project(root: &Path) -> Result<Vec<Found>, CommandError> {
    let files = Disk::new(root);
    let paths = [DEFINITIONS, INCLUDES].into_iter().map(|folder| files.list(folder)).collect::<io::Result<Vec<_>>>()?;
    let paths = paths.into_iter().flatten().filter(|path| is_sqlx(Path::new(path)));
    Ok(paths.map(|path| Found { name: path.clone(), folder: root.to_owned(), path }).collect())
}

fn of_paths(paths: &[PathBuf]) -> Result<Vec<Found>, CommandError> {
    let mut found: Vec<Found> = Vec::new();
    for path in paths {
        if path.is_dir() {
            let inside = Disk::new(path).list("")?.into_iter().filter(|path| is_sqlx(Path::new(path)));
            found.extend(inside.map(|inside| Found {
                name: path.join(&inside).display().to_string(),
                folder: path.clone(),
                path: inside,
            }));
        } else if !path.is_file() {
            return Err(CommandError::unable(format!("there is no {}", path.display())));
        } else if !is_sqlx(path) {
            return Err(CommandError::Unable {
                message: format!("{} is no .sqlx file", path.display()),
                help: Some("only .sqlx files are formatted".to_owned()),
            });
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).to_owned();
            found.push(Found { name: path.display().to_string(), folder, path: name });
        }
    }
    Ok(found)
}

fn is_sqlx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sqlx")
}

fn show(diagnostics: &Diagnostics, sources: &Sources, terminal: &Terminal) {
    terminal.note(&render_diagnostics(diagnostics, sources, DiagnosticFormat::Text { color: terminal.color() }));
}

fn left_alone(name: &str) -> String {
    format!("left {name} as it is: with other blanks it would not surely mean the same\n")
}
