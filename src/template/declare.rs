//! The first pass: what each file declares. No body is rendered yet.

use crate::action::ActionId;
use crate::config::{Entry, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::{FileId, SourceFile, Span};
use crate::project::{Naming, Project};
use crate::relation::Target;
use crate::sqlx::{ConfigBlock, SqlxFile};
use crate::template::checks::{InlineCheck, inline_checks};
use crate::template::config::{self, ActionConfig, KindConfig};
use crate::template::javascript::Engine;

/// A name, and what will become of it in the second pass.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) canonical: Target,
    pub(super) target: Target,
    pub(super) name_span: Span,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    /// The action of a file.
    File { file: FileId, sqlx: SqlxFile, config: Box<ActionConfig> },
    /// A check in the config of the model `of`.
    Check { check: InlineCheck, of: ActionId },
}

/// Declares the actions of every file, in order. A model's inline assertions come before it, as in Dataform.
pub(super) fn declare(
    project: &Project,
    engine: &Engine,
    parsed: Vec<(FileId, SqlxFile)>,
) -> (Vec<Declared>, Diagnostics) {
    let mut declared: Vec<Declared> = Vec::new();
    let mut diagnostics = Diagnostics::default();
    let naming = project.naming();
    for (id, sqlx) in parsed {
        let file = project.sources.get(id);
        let (value, is_read) = match &sqlx.config {
            None => {
                (Value { span: file.span(0..0), kind: ValueKind::Object { entries: Vec::new(), open: false } }, true)
            }
            Some(block) if sqlx.is_broken && !block.value.is_literal() => (names_only(&block.value), false),
            Some(block) => match evaluate(block, file, engine, project) {
                Ok(value) => (value, true),
                Err(diagnostic) => {
                    diagnostics.push(diagnostic);
                    (names_only(&block.value), false)
                }
            },
        };
        diagnostics.extend(sqlx.config.iter().flat_map(|block| block.value.overridden()).map(overridden_key));
        let (mut config, found) = config::read(&value);
        if is_read {
            diagnostics.extend(found);
        } else {
            // It has a name that others may refer to; that it is in order cannot be said.
            config.kind = KindConfig::Unknown;
        }
        let (canonical, name_span) = name(project, file, &config);
        let target = match config.kind {
            KindConfig::Declaration => canonical.clone(),
            _ => naming.apply(&canonical),
        };
        let checks = match &mut config.kind {
            KindConfig::Model(model) => inline_checks(std::mem::take(&mut model.checks), project.settings.dialect),
            _ => Vec::new(),
        };
        let of = ActionId(u32::try_from(declared.len() + checks.len()).unwrap_or(u32::MAX));
        for check in checks {
            declared.push(declare_check(check, of, &canonical, project, &naming));
        }
        let what = What::File { file: id, sqlx, config: Box::new(config) };
        declared.push(Declared { canonical, target, name_span, what });
    }
    (declared, diagnostics)
}

fn overridden_key((entry, later): (&Entry, &Entry)) -> Diagnostic {
    Diagnostic::warning(Code::DuplicateKey, format!("this `{}` has no effect", entry.key))
        .at(entry.key_span, "")
        .at(later.key_span, "a later one takes its place")
        .help("take one of them out")
}

fn declare_check(check: InlineCheck, of: ActionId, parent: &Target, project: &Project, naming: &Naming) -> Declared {
    let settings = &project.settings;
    let canonical = Target {
        database: settings.defaults.database.clone(),
        schema: settings.defaults.assertion_schema.clone().or_else(|| settings.defaults.schema.clone()),
        name: check.name(parent, settings.assertion_name_prefix.as_deref()),
    };
    let target = naming.apply(&canonical);
    Declared { canonical, target, name_span: check.span, what: What::Check { check, of } }
}

/// What the action is called, and where that is written.
fn name(project: &Project, file: &SourceFile, config: &ActionConfig) -> (Target, Span) {
    let defaults = &project.settings.defaults;
    let schema = match config.kind {
        KindConfig::Assertion => defaults.assertion_schema.clone().or_else(|| defaults.schema.clone()),
        _ => defaults.schema.clone(),
    };
    let (name, span) = match &config.name {
        Some(name) => (name.value.clone(), name.span),
        None => (file.stem().to_owned(), config.kind_span),
    };
    let target = Target {
        database: config.database.clone().or_else(|| defaults.database.clone()),
        schema: config.schema.as_ref().map(|schema| schema.value.clone()).or(schema),
        name,
    };
    (target, span)
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
fn evaluate(block: &ConfigBlock, file: &SourceFile, engine: &Engine, project: &Project) -> Result<Value, Diagnostic> {
    if block.value.is_literal() {
        return Ok(block.value.clone());
    }
    let text = engine.json(file, &project.sources, block.object).map_err(|diagnostic| {
        let help = help_with(&diagnostic.message);
        if diagnostic.help.is_empty() { diagnostic.maybe_help(help.map(str::to_owned)) } else { diagnostic }
    })?;
    let json = serde_json::from_str(&text).unwrap_or(serde_json::Value::Null);
    Ok(placed(json, &block.value))
}

/// What people mostly did when the engine says that of a config.
fn help_with(message: &str) -> Option<&'static str> {
    if message.starts_with("unexpected identifier") || message.starts_with("unexpected string") {
        Some("look at what stands before it: a comma may be missing")
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
fn placed(json: serde_json::Value, written: &Value) -> Value {
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

fn nowhere(around: &Value) -> Value {
    Value { span: around.span, kind: ValueKind::Expression }
}

/// What a model's inline assertions have from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Inherited {
    pub(super) tags: Vec<String>,
    pub(super) disabled: bool,
}

impl Declared {
    pub(super) fn inherited(&self) -> Inherited {
        match &self.what {
            What::File { config, .. } => Inherited { tags: config.tags.clone(), disabled: config.disabled },
            What::Check { .. } => Inherited::default(),
        }
    }

    pub(super) fn is_test(&self) -> bool {
        matches!(&self.what, What::File { config, .. } if matches!(config.kind, KindConfig::Test { .. }))
    }
}
