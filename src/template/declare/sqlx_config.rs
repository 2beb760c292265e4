//! The `config {}` of a `.sqlx` file.

use std::borrow::Cow;

use crate::config::{Entry, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::SourceFile;
use crate::sqlx::{ConfigBlock, SqlxFile};
use crate::template::config::{self, ActionConfig, KindConfig, Rules};
use crate::template::declare::{Body, Declarer, Record};
use crate::template::engine::{Engine, is_follow_up};

/// What the config of a file says.
pub(in crate::template) struct Read {
    config: ActionConfig,
    /// What is wrong with it.
    found: Diagnostics,
    /// Whether all of it is known.
    pub(super) is_known: bool,
}

impl Read {
    fn of(value: &Value, is_known: bool, rules: Rules) -> Self {
        let (mut config, mut found) = config::read(value, None, rules);
        if !is_known {
            // It has a name that others may refer to; that it is in order cannot be said.
            config.kind = KindConfig::Unknown;
            found = Diagnostics::default();
        }
        Self { config, found, is_known }
    }

    /// Reads the config of a file if no code is needed for that.
    pub(in crate::template) fn literal(file: &SourceFile, sqlx: &SqlxFile, rules: Rules) -> Option<Self> {
        match &sqlx.config {
            None => Some(Self::of(&nothing(file), true, rules)),
            Some(block) => literal(block).map(|value| Self::of(&value, true, rules)),
        }
    }
}

/// A config as a tree, if no code is needed for that.
fn literal(block: &ConfigBlock) -> Option<Cow<'_, Value>> {
    let value = &block.value;
    let plain =
        || if value.overridden().is_empty() { Cow::Borrowed(value) } else { Cow::Owned(value.without_overridden()) };
    value.is_literal().then(plain)
}

/// The config of a file that has none.
fn nothing(file: &SourceFile) -> Value {
    Value { span: file.span(0..0), kind: ValueKind::Object { entries: Vec::new(), open: false } }
}

impl Declarer<'_> {
    /// Reads the config of a file; if code looks at all actions, shows it to that and gives the number of its record.
    pub(super) fn sqlx_config(
        &mut self,
        file: &SourceFile,
        sqlx: &SqlxFile,
        literal: Option<Read>,
        is_watched: bool,
    ) -> (Read, Option<usize>) {
        if let Some(read) = literal.filter(|_| !is_watched) {
            return (read, None);
        }
        let (value, is_known) = self.evaluate_config(file, sqlx);
        let shown = is_watched.then(|| self.show(file, &value)).flatten();
        (Read::of(&value, is_known, self.rules), shown)
    }

    /// The config as a tree, and whether all of it is known.
    fn evaluate_config(&mut self, file: &SourceFile, sqlx: &SqlxFile) -> (Value, bool) {
        match &sqlx.config {
            None => (nothing(file), true),
            Some(block) if sqlx.is_broken && !block.value.is_literal() => (names_only(&block.value), false),
            Some(block) => match evaluate(block, file, self.engine) {
                Ok(value) => (value, true),
                Err(diagnostic) => {
                    self.is_complete &= !is_follow_up(&diagnostic);
                    self.diagnostics.push(diagnostic);
                    (names_only(&block.value), false)
                }
            },
        }
    }

    /// Shows the action of a file to code that looks at all of them; gives the number of its record.
    fn show(&mut self, file: &SourceFile, value: &Value) -> Option<usize> {
        let mut config = value.to_json();
        let fields = config.as_object_mut()?;
        fields.entry("type").or_insert_with(|| "operations".into());
        fields.entry("name").or_insert_with(|| file.stem().into());
        self.engine.show_sqlx(file, &config.to_string()).map_err(|diagnostic| self.diagnostics.push(diagnostic)).ok()
    }

    /// Declares the action of a file.
    pub(super) fn sqlx(
        &mut self,
        file: &SourceFile,
        (sqlx, added): (Box<SqlxFile>, Option<Record>),
        Read { config, found, .. }: Read,
    ) {
        let overridden = sqlx.config.iter().flat_map(|block| block.value.overridden()).map(overridden_key);
        self.diagnostics.extend(overridden);
        self.diagnostics.extend(found);
        let place = config.kind_span;
        let stem = match config.kind {
            KindConfig::DataPreparation(_) => file.stem().trim_end_matches(".dp"),
            _ => file.stem(),
        };
        let body = Body::Sqlx { file: file.id(), sqlx, added };
        self.action(config, stem, place, Default::default(), body);
    }
}

fn overridden_key((entry, later): (&Entry, &Entry)) -> Diagnostic {
    Diagnostic::warning(Code::DuplicateKey, format!("this `{}` has no effect", entry.key))
        .at(entry.key_span, "")
        .at(later.key_span, "a later one takes its place")
        .help("take one of them out")
}

/// What is sure of a config that cannot be evaluated: the names that are written in it.
fn names_only(config: &Value) -> Value {
    let ValueKind::Object { entries, .. } = &config.kind else {
        return Value { span: config.span, kind: ValueKind::Object { entries: Vec::new(), open: false } };
    };
    let names = ["name", "schema", "dataset", "database", "project"];
    let entries = entries.iter().filter(|entry| names.contains(&entry.key.as_str()) && entry.value.is_literal());
    Value { span: config.span, kind: ValueKind::Object { entries: entries.cloned().collect(), open: false } }
}

/// The config as a tree without JavaScript in it.
fn evaluate(block: &ConfigBlock, file: &SourceFile, engine: &Engine) -> Result<Value, Diagnostic> {
    if let Some(value) = literal(block) {
        return Ok(value.into_owned());
    }
    let text = engine.json(file, block.object).map_err(|diagnostic| {
        let help = help_with(&diagnostic.message);
        if diagnostic.help.is_empty() { diagnostic.maybe_help(help.map(str::to_owned)) } else { diagnostic }
    })?;
    let json = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
    Ok(placed(json, &block.value))
}

/// What people mostly did when the engine says that of a config.
fn help_with(message: &str) -> Option<&'static str> {
    if message.starts_with("unexpected identifier") || message.starts_with("unexpected string") {
        Some("look at what stands before it: a comma or a colon may be missing")
    } else if message == "unexpected token '='" {
        Some("a key and its value are parted by a colon: `type: \"view\"`")
    } else if message.ends_with("is not defined") {
        Some("a text needs quotes; what a `js {}` block declares cannot be seen in a config, but includes can")
    } else {
        None
    }
}

/// Gives evaluated values the places of what is written; where JavaScript made them, the place of the nearest thing
/// around them.
pub(super) fn placed(json: serde_json::Value, written: &Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => ValueKind::Null,
        serde_json::Value::Bool(bool) => ValueKind::Bool(bool),
        serde_json::Value::Number(number) => ValueKind::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::String(text) => ValueKind::String(text),
        serde_json::Value::Array(items) => {
            let places: &[Value] = match &written.kind {
                ValueKind::Array(places) if places.len() == items.len() => places,
                _ => &[],
            };
            let items = items.into_iter().enumerate();
            ValueKind::Array(
                items.map(|(at, item)| placed(item, places.get(at).unwrap_or(&nowhere(written)))).collect(),
            )
        }
        serde_json::Value::Object(fields) => {
            let entries = fields.into_iter().map(|(key, value)| match written.entry(&key) {
                Some(entry) => Entry { value: placed(value, &entry.value), key_span: entry.key_span, key },
                None => Entry { value: placed(value, &nowhere(written)), key_span: written.span, key },
            });
            ValueKind::Object { entries: entries.collect(), open: false }
        }
    };
    Value { span: written.span, kind }
}

pub(super) fn nowhere(around: &Value) -> Value {
    Value { span: around.span, kind: ValueKind::Expression }
}
