use std::env;
use std::io::{self, IsTerminal, Write};

use crate::compile::Compilation;
use crate::report::{DiagnosticFormat, render_diagnostics};

/// Where output goes: results to standard output, everything about the work to standard error. Nothing else prints.
#[derive(Debug)]
pub struct Terminal {
    color: bool,
    interactive: bool,
    github: bool,
}

impl Terminal {
    /// As the process was started: colours and bars only for a terminal, none with `NO_COLOR`; annotations within a
    /// GitHub workflow.
    pub fn detect() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let interactive = io::stderr().is_terminal();
        let color = (interactive || is_set("CLICOLOR_FORCE")) && !is_set("NO_COLOR");
        Self { color, interactive, github: env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") }
    }

    /// For text that goes into a file.
    pub fn plain() -> Self {
        Self { color: false, interactive: false, github: false }
    }

    /// Whether a person watches.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether to use colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Text in a colour of the terminal's, by its number; as it is where colours are off.
    pub fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A result, to standard output. A reader that went away, as `head` does, is no error.
    pub fn print(&self, text: &str) {
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// About the work, to standard error.
    pub fn note(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Why trueup could not work.
    pub fn error(&self, message: &str, help: Option<&str>) {
        let heading = self.paint("1;31", "error");
        let help = help.map(|help| format!("help: {help}\n")).unwrap_or_default();
        self.note(&format!("{heading}: {message}\n{help}"));
    }

    /// Everything found wrong in a project.
    pub fn diagnostics(&self, compilation: &Compilation, format: OutputFormat) {
        let Compilation { diagnostics, project, .. } = compilation;
        let draw = |format| render_diagnostics(diagnostics, &project.sources, format);
        match format {
            OutputFormat::Json => self.print(&draw(DiagnosticFormat::Json)),
            OutputFormat::Text => {
                self.note(&draw(DiagnosticFormat::Text { color: self.color }));
                if self.github {
                    self.print(&draw(DiagnosticFormat::GitHub));
                }
            }
        }
    }
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value a line.
    Json,
}
