//! Sessions in a shell, as Markdown: what is typed and what comes out.
//!
//! Blocks are taken in order, in one folder. A block with a file name in backticks above it writes that file. In a
//! `console` block, `$ command` is typed and the lines behind it are what it prints, to standard output and standard
//! error together; `? 1` behind them is its exit status, which is 0 where nothing is said.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::markdown::{self, Block};
use crate::mask;

/// Where the session's folder stands in outputs.
const FOLDER: &str = "/…";

/// Runs the blocks of a Markdown file in `folder`, of which `start` is the folder to begin in.
pub(crate) fn run(path: &Path, folder: &Path, start: &Path) -> Result<(), Failed> {
    run_with(path, folder, start, &[])
}

/// The same with variables of the environment.
pub(crate) fn run_with(path: &Path, folder: &Path, start: &Path, variables: &[(&str, String)]) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let mut shell = Shell { top: folder.canonicalize()?, here: folder.join(start).canonicalize()?, variables };
    let mut found: Vec<(Block, String)> = Vec::new();
    for block in markdown::blocks(&text) {
        if let Some(name) = &block.file {
            let file = shell.here.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(&shell.here))?;
            std::fs::write(file, block.text(&text))?;
        } else if block.language == "console" {
            let transcript = shell.session(block.text(&text))?;
            found.push((block, transcript));
        }
    }
    markdown::compare(path, &text, &found, mask::same)
}

struct Shell<'a> {
    /// All that the session may see.
    top: PathBuf,
    /// Where it is.
    here: PathBuf,
    variables: &'a [(&'a str, String)],
}

impl Shell<'_> {
    /// Types the commands of a block. The result is the block as it should be.
    fn session(&mut self, block: &str) -> Result<String, Failed> {
        let mut transcript = String::new();
        let mut lines = block.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            transcript += &format!("{line}\n");
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                let Some(line) = lines.next() else { break };
                transcript += &format!("{line}\n");
                command = format!("{command}\n{line}");
            }
            if let Some(folder) = command.strip_prefix("cd ") {
                self.here = self.here.join(folder.trim()).canonicalize()?;
                continue;
            }
            let mut expected = String::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                expected += &format!("{line}\n");
            }
            let printed = self.command(&command)?;
            // What differs only in what always differs stays as it is.
            transcript += if mask::same(&expected, &printed) { &expected } else { &printed };
        }
        Ok(transcript)
    }

    fn command(&self, command: &str) -> Result<String, Failed> {
        let trueup = Path::new(env!("CARGO_BIN_EXE_trueup"));
        let beside = trueup.parent().unwrap_or(trueup).display();
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(&self.here)
            .env_clear()
            .env("PATH", format!("{beside}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", &self.top)
            .env("USER", "analyst")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()?;
        let printed = String::from_utf8_lossy(&output.stdout).replace(&*self.top.to_string_lossy(), FOLDER);
        let mut printed: String = printed.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        match output.status.code() {
            Some(0) => {}
            Some(code) => printed += &format!("? {code}\n"),
            None => printed += &format!("? {}\n", output.status),
        }
        Ok(printed)
    }
}

/// Copies what lies in a folder; what trueup has made there stays behind.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    let walk = walkdir::WalkDir::new(from).into_iter().filter_entry(|entry| entry.file_name() != ".trueup");
    for entry in walk {
        let entry = entry?;
        let place = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(place)?;
        } else {
            std::fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
