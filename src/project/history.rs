//! The table that keeps what runs have done and what was measured.

use crate::config::{Reader, ValueKind};
use crate::files::Span;
use crate::project::settings::{ONE_PART, has_dot};
use crate::project::{LoadError, Project};
use crate::relation::Target;

/// What the table is called where the settings only say that there is to be one.
const NAME: &str = "trueup_history";

/// What the settings say of a history, or an environment in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum History {
    /// None is kept.
    Off,
    /// It is in a table.
    Table(HistoryTable),
}

/// A table as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTable {
    database: Option<String>,
    schema: Option<String>,
    name: String,
    span: Span,
}

impl History {
    /// Reads `history`: a name, `{ database: …, schema: …, name: … }`, `true` for the usual name, or `false` for none.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const HELP: &str = "write the name of a table, `{ schema: …, name: … }`, `true` or `false`";
        let value = reader.raw("history")?;
        let span = value.span;
        let table = |name: &str| HistoryTable { database: None, schema: None, name: name.to_owned(), span };
        let table = match &value.kind {
            ValueKind::Bool(false) => return Some(Self::Off),
            ValueKind::Bool(true) => table(NAME),
            ValueKind::String(word) if word == "off" => return Some(Self::Off),
            ValueKind::String(name) if name.trim().is_empty() => {
                reader.refuse(span, "the name of the history is empty", Some(HELP.to_owned()));
                return None;
            }
            ValueKind::String(name) if name.contains('.') => {
                let help = match name.split('.').collect::<Vec<_>>().as_slice() {
                    [schema, name] => format!("write it as `{{ schema: {schema}, name: {name} }}`"),
                    _ => HELP.to_owned(),
                };
                reader.refuse(span, "the name of the history has a dot in it", Some(help));
                return None;
            }
            ValueKind::String(name) => table(name),
            ValueKind::Object { .. } => reader.object("history", "`history`", |inner| read_table(inner, span))?.value,
            _ => {
                reader.refuse(span, "this is no history", Some(HELP.to_owned()));
                return None;
            }
        };
        Some(Self::Table(table))
    }

    /// The same with each `${NAME}` filled in.
    pub(super) fn fill(&self, fill: &dyn Fn(&str) -> Result<String, LoadError>) -> Result<Self, LoadError> {
        let Self::Table(table) = self else { return Ok(Self::Off) };
        let maybe = |text: &Option<String>| text.as_deref().map(fill).transpose();
        let (database, schema) = (maybe(&table.database)?, maybe(&table.schema)?);
        Ok(Self::Table(HistoryTable { database, schema, name: fill(&table.name)?, span: table.span }))
    }
}

fn read_table(reader: &mut Reader<'_>, span: Span) -> HistoryTable {
    let mut part = |key| {
        let text = reader.string(key).filter(|text| !text.value.is_empty())?;
        if has_dot(key, &text.value) {
            reader.refuse(text.span, format!("`{key}` has a dot in it"), Some(ONE_PART.to_owned()));
        }
        Some(text.value)
    };
    let (database, schema) = (part("database"), part("schema"));
    HistoryTable { database, schema, name: part("name").unwrap_or_else(|| NAME.to_owned()), span }
}

impl Project {
    /// The table of the history, as it is called in this environment, and where the settings name it; `None` if none is kept.
    pub fn history(&self) -> Option<(Target, Span)> {
        let Some(History::Table(table)) = self.environment.history.as_ref().or(self.settings.history.as_ref()) else {
            return None;
        };
        let defaults = &self.settings.defaults;
        let target = Target {
            database: table.database.clone().or_else(|| defaults.database.clone()),
            schema: table.schema.clone().or_else(|| defaults.schema.clone()),
            name: table.name.clone(),
        };
        Some((self.naming().apply(&target), table.span))
    }
}
