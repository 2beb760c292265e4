use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::files::Span;

/// Another action, as a text or a config names it. Parts that are not written match any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The database, if written.
    pub database: Option<String>,
    /// The schema, if written.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl Reference {
    /// By its name alone.
    pub fn named(name: impl Into<String>) -> Self {
        Self { database: None, schema: None, name: name.into() }
    }

    /// One to three parts, outermost first; `None` for any other number.
    pub fn from_parts(parts: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut parts = parts.into_iter().collect::<Vec<_>>().into_iter().rev();
        let name = parts.next()?;
        let reference = Self { schema: parts.next(), database: parts.next(), name };
        parts.next().is_none().then_some(reference)
    }

    /// The parts that are written, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.database.as_deref().into_iter().chain(self.schema.as_deref()).chain([self.name.as_str()])
    }
}

/// `schema.name`, for people.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().collect::<Vec<_>>().join("."))
    }
}

/// Where something in a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// In the action's own file.
    pub call: Span,
    /// In the macro or include that was called, if it comes from there.
    pub definition: Option<Span>,
}

impl Origin {
    /// In the action's own file.
    pub fn here(call: Span) -> Self {
        Self { call, definition: None }
    }

    /// Puts a diagnostic there. What comes from a macro or an include is shown at its call and at its definition, which
    /// `there` says a few words of.
    pub fn place(self, diagnostic: Diagnostic, there: &str) -> Diagnostic {
        match self.definition {
            Some(definition) => diagnostic.at(self.call, "called here").at(definition, there),
            None => diagnostic.at(self.call, ""),
        }
    }
}

/// One thing that an action depends on.
#[derive(Debug, Clone)]
pub struct Dependency<R> {
    /// What.
    pub on: R,
    /// Where it says so.
    pub origin: Origin,
    /// Whether the assertions of the other one must pass first, too.
    pub with_assertions: bool,
    /// Whether rows are read from it; otherwise it only has to be done first.
    pub is_read: bool,
}

impl<R> Dependency<R> {
    /// The same on something else.
    pub fn map<S>(&self, on: S) -> Dependency<S> {
        Dependency { on, origin: self.origin, with_assertions: self.with_assertions, is_read: self.is_read }
    }
}
