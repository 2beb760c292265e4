//! A project in a folder of its own, for tests that are more than a session in a shell.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use duckdb::Connection;
use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::console;

/// The folder is gone when this is.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// Its files by name.
    pub(crate) fn new(files: &[(&str, &str)]) -> Result<Self, Failed> {
        let project = Self { folder: tempfile::tempdir()? };
        for (name, text) in files {
            project.write(name, text)?;
        }
        Ok(project)
    }

    /// A copy of a folder of the repository.
    pub(crate) fn copy(folder: &str) -> Result<Self, Failed> {
        let project = Self::new(&[])?;
        console::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), project.path())?;
        Ok(project)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        Ok(fs::write(path, text)?)
    }

    /// The real binary, in an environment that is the same everywhere.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(arguments).current_dir(self.path()).env_clear().env("HOME", self.path()).env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end: the exit status, and all that it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<(Option<i32>, String), Failed> {
        let output = self.command(arguments).output()?;
        let printed = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&printed).into_owned()))
    }

    /// The same, which must succeed.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> Result<String, Failed> {
        match self.run(arguments)? {
            (Some(0), printed) => Ok(printed),
            (code, printed) => Err(format!("trueup {}: {code:?}\n{printed}", arguments.join(" ")).into()),
        }
    }

    /// What a database file of the project holds, seen in a copy: looking at it must not mend it.
    pub(crate) fn look(&self, database: &str) -> Result<Look, Failed> {
        let folder = tempfile::tempdir()?;
        for name in [database.to_owned(), format!("{database}.wal")] {
            let file = self.path().join(&name);
            if file.exists() {
                let copy: PathBuf = folder.path().join(Path::new(&name).file_name().unwrap_or_default());
                fs::copy(file, copy)?;
            }
        }
        let copy = folder.path().join(Path::new(database).file_name().unwrap_or_default());
        let connection = Connection::open(copy)?;
        Ok(Look { connection, _folder: folder })
    }
}

/// A copy of a database.
pub(crate) struct Look {
    connection: Connection,
    _folder: TempDir,
}

impl Look {
    /// All columns of a relation as text, parted by ` | `.
    pub(crate) fn lines(&self, relation: &str) -> Result<Vec<String>, Failed> {
        let mut statement = self.connection.prepare(&format!("select columns(*)::varchar from {relation}"))?;
        let mut rows = statement.query([])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..row.as_ref().column_count()).map(|place| row.get::<_, Option<String>>(place));
            let cells: Vec<String> =
                cells.map(|cell| Ok(cell?.unwrap_or_else(|| "NULL".to_owned()))).collect::<duckdb::Result<_>>()?;
            lines.push(cells.join(" | "));
        }
        Ok(lines)
    }

    /// The first column of a query, which must be text.
    pub(crate) fn texts(&self, sql: &str) -> Result<Vec<String>, Failed> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row.get::<_, String>(0)?);
        }
        Ok(all)
    }
}
