use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal, Write};

use crate::compile::Compilation;
use crate::report::{DiagnosticFormat, render_diagnostics};

/// Where output goes: results to standard output, everything about the work to standard error. Nothing else prints.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four things that do not depend on each other")]
pub struct Terminal {
    color: bool,
    interactive: bool,
    github: bool,
    quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also in a pipe or a file
    Always,
    /// Never
    Never,
}

impl Terminal {
    /// As the process was started: colours and bars only for a terminal, no colours with `NO_COLOR`; annotations within
    /// a GitHub workflow. `quiet` keeps progress back.
    pub fn detect(color: ColorChoice, quiet: bool) -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_terminal = io::stderr().is_terminal();
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => (is_terminal || is_set("CLICOLOR_FORCE")) && !is_set("NO_COLOR"),
        };
        let github = env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
        Self { color, interactive: is_terminal && !quiet, github, quiet }
    }

    /// For text that goes into a file.
    pub fn plain() -> Self {
        Self { color: false, interactive: false, github: false, quiet: false }
    }

    /// Whether a person watches.
    pub fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether to use colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// How many characters a line of results may have; `None` where no person reads them.
    pub fn width(&self) -> Option<usize> {
        // Asks the terminal, where standard output is one.
        comfy_table::Table::new().width().map(usize::from)
    }

    /// Text in a colour of the terminal's, by its number; as it is where colours are off.
    pub fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A result, to standard output. A reader that went away, as `head` does, is no error.
    pub fn print(&self, text: &str) {
        let mut output = io::stdout().lock();
        // A program gets what there is.
        let text = if output.is_terminal() { visible(text) } else { Cow::from(text) };
        let _ = output.write_all(text.as_bytes());
    }

    /// How the work goes, to standard error; `--quiet` keeps it back.
    pub fn progress(&self, text: &str) {
        if !self.quiet {
            self.note(text);
        }
    }

    /// What somebody has to know of the work, to standard error.
    pub fn note(&self, text: &str) {
        let _ = io::stderr().lock().write_all(visible(text).as_bytes());
    }

    /// Why trueup could not work.
    pub fn error(&self, message: &str, help: Option<&str>) {
        let heading = self.paint("1;31", "error");
        let help = help.map(|help| format!("help: {help}\n")).unwrap_or_default();
        self.note(&format!("{heading}: {message}\n{help}"));
    }

    /// What went wrong beside the work, which is done for all that.
    pub fn warning(&self, message: &str, help: &str) {
        let heading = self.paint("1;33", "warning");
        self.note(&format!("{heading}: {message}\nhelp: {help}\n"));
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

/// A text in which nothing tells the terminal what to do but colours: names, texts and messages come from files that
/// somebody else may have written.
fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |char: char| {
        let turns_the_line = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns_the_line || char.is_control() && char != '\n' && char != '\t'
    };
    if !text.contains(is_hidden) {
        return Cow::from(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_hidden) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let color = color(rest);
        if color > 0 {
            shown.push_str(&rest[..color]);
            rest = &rest[color..];
        } else if let Some(char) = rest.chars().next() {
            shown.extend(char.escape_default());
            rest = &rest[char.len_utf8()..];
        }
    }
    shown.push_str(rest);
    Cow::from(shown)
}

/// How long the change of colour is with which a text begins; 0 if it begins with something else.
fn color(text: &str) -> usize {
    let Some(behind) = text.strip_prefix("\u{1b}[") else { return 0 };
    let length = behind.find(|char: char| !char.is_ascii_digit() && char != ';').unwrap_or(behind.len());
    // 8 hides what follows.
    let hides = behind[..length].split(';').any(|number| number.trim_start_matches('0') == "8");
    if behind[length..].starts_with('m') && !hides { length + 3 } else { 0 }
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON object a line
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_reach_the_terminal() {
        assert_eq!(visible("a\n\tb\u{1b}[1;31mc\u{1b}[0m"), "a\n\tb\u{1b}[1;31mc\u{1b}[0m");
        assert_eq!(
            visible("\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}1A\u{1b}[8mx"),
            "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\r\\u{9b}1A\\u{1b}[8mx"
        );
        assert_eq!(visible("\u{202e}x"), "\\u{202e}x");
    }
}
