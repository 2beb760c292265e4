//! What is wrong with a project, as data. Drawing it is the work of `report`.

mod code;
mod levels;
mod silence;
mod suggestion;
mod words;

use std::cmp::Ordering;

use crate::files::Span;
use serde::{Deserialize, Serialize};

pub use code::Code;
pub use levels::{Level, Levels};
pub use suggestion::{did_you_mean, nearest};
pub use words::article;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// The project does not compile.
    Error,
    /// It compiles; somebody should look.
    Warning,
}

/// A place, and what it has to do with the matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words that stand at the carets; may be empty.
    pub text: String,
}

/// One mistake.
///
/// The message says what is wrong in one line: lower case, no full stop, names in backticks. What to do is the `help`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Diagnostic {
    /// What kind of mistake; `trueup explain` has a page for each.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The place of the mistake first, then the others that it has to do with. Never empty for what stands in a file.
    pub labels: Vec<Label>,
    /// What to do, one line each.
    pub help: Vec<String>,
    /// The actions in whose texts it is, where the place does not say that: code makes many at one.
    pub actions: Vec<String>,
}

impl Diagnostic {
    /// An error without a place; give it one with [`at`](Self::at).
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let (labels, help, actions) = (Vec::new(), Vec::new(), Vec::new());
        Self { code, severity: Severity::Error, message: message.into(), labels, help, actions }
    }

    /// A warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place; the first one is the place of the mistake.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a line of help.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds a line of help if there is one.
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    /// Adds an action in whose text it is.
    pub fn of(mut self, action: impl Into<String>) -> Self {
        self.actions.push(action.into());
        self
    }

    /// Takes in the actions of another one, if that is the same for the rest.
    fn absorb(&mut self, other: &mut Self) -> bool {
        let actions = std::mem::take(&mut other.actions);
        let own = std::mem::take(&mut self.actions);
        let is_same = self == other;
        (self.actions, other.actions) = (own, actions);
        if is_same {
            self.actions.append(&mut other.actions);
            self.actions.dedup();
        }
        is_same
    }

    /// Where the mistake is.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.span()
            .cmp(&other.span())
            .then_with(|| self.code.cmp(&other.code))
            .then_with(|| self.message.cmp(&other.message))
    }
}

/// Everything found wrong in one run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Adds many.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.found.extend(diagnostics);
    }

    /// By file and place, each once: the result does not depend on who found it first.
    pub fn sort(&mut self) {
        self.found.sort_by(Diagnostic::order);
        self.found.dedup_by(|other, kept| kept.absorb(other));
    }

    /// Leaves out those that do not count.
    pub fn retain(&mut self, counts: impl Fn(&Diagnostic) -> bool) {
        self.found.retain(counts);
    }

    /// In the order found, or by place after [`sort`](Self::sort).
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Makes warnings of some.
    pub fn weaken_where(&mut self, is_meant: impl Fn(&Diagnostic) -> bool) {
        for diagnostic in self.found.iter_mut().filter(|diagnostic| is_meant(diagnostic)) {
            diagnostic.severity = Severity::Warning;
        }
    }

    /// Makes warnings of all but the first `keep`.
    pub fn weaken(&mut self, keep: usize) {
        for diagnostic in self.found.iter_mut().skip(keep) {
            diagnostic.severity = Severity::Warning;
        }
    }

    /// Whether one of them keeps the project from compiling.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many there are of that severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.found.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.found.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
