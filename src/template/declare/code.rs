//! Actions that code has made: `publish`, `operate` and the others.

use serde::Deserialize;

use crate::config::{Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::Span;
use crate::relation::Target;
use crate::template::config::{self, Type};
use crate::template::declare::sqlx_config::placed;
use crate::template::declare::{Body, Declarer};

/// How much the configs of all actions may take that code makes, in bytes of JSON.
const MOST_SIZE: usize = 64 << 20;

/// An action that code has made. Its texts are still in the engine.
#[derive(Debug)]
pub(in crate::template) struct Record {
    /// Its number in the engine.
    pub(in crate::template) number: usize,
    /// Where it was made.
    pub(in crate::template) place: Span,
    /// The texts that it has: `query`, `where`, `preOps`, `postOps`, `queries`, `expect`.
    pub(in crate::template) texts: Vec<String>,
    /// The names of each input of a unit test.
    pub(in crate::template) inputs: Vec<Vec<String>>,
    /// The code that makes its text at run time.
    pub(in crate::template) run_time_code: Option<String>,
    /// What a notebook holds, as JSON.
    pub(in crate::template) contents: Option<String>,
    /// The file that it is shown under, if that is not the one that made it.
    pub(in crate::template) shown_under: Option<String>,
}

/// The same as `actions.js` gives it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRecord {
    r#type: String,
    name: Option<serde_json::Value>,
    config: serde_json::Value,
    target: Moved,
    checked: Option<Moved>,
    #[serde(default)]
    sets_bigquery: bool,
    texts: Vec<String>,
    inputs: Vec<Vec<serde_json::Value>>,
    jit_code: Option<String>,
    contents: Option<String>,
}

/// What `.schema()` and `.database()` were given.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Moved {
    schema: Option<String>,
    database: Option<String>,
}

impl Moved {
    /// The new name of what was called so.
    pub(super) fn rename(self, first: &Target) -> Target {
        Target {
            database: self.database.or_else(|| first.database.clone()),
            schema: self.schema.or_else(|| first.schema.clone()),
            name: first.name.clone(),
        }
    }
}

/// A record with what is needed once to declare it.
pub(super) struct NewRecord {
    record: Record,
    kind: Type,
    name: Option<String>,
    config: serde_json::Value,
    sets_bigquery: bool,
    moved: Moved,
    /// Where it was when `.assertions()` was called.
    checked: Option<Moved>,
}

impl NewRecord {
    /// What code has added to the action of a file.
    pub(super) fn added(self) -> Option<Record> {
        (!self.record.texts.is_empty()).then_some(self.record)
    }
}

impl Declarer<'_> {
    /// How many actions code has made so far; `None` if that cannot be said.
    pub(super) fn count(&mut self) -> Option<usize> {
        self.engine.count_of_actions().map_err(|diagnostic| self.diagnostics.push(diagnostic)).ok()
    }

    /// All that code has made, by number.
    pub(super) fn records(&mut self) -> Vec<Option<NewRecord>> {
        let count = self.count().unwrap_or_default();
        let mut size = 0;
        let mut records = Vec::with_capacity(count);
        for number in 0..count {
            let record = self.record(number, &mut size).map_err(|diagnostic| self.diagnostics.push(diagnostic));
            records.push(record.ok());
            if size > MOST_SIZE {
                let message = format!("the actions that code makes take more than {} MiB", MOST_SIZE >> 20);
                let diagnostic = Diagnostic::error(Code::JavascriptLimit, message);
                self.diagnostics.push(diagnostic.help("look for a config that holds too much"));
                break;
            }
        }
        records
    }

    /// The action of that number. Adds its size in bytes.
    fn record(&self, number: usize, size: &mut usize) -> Result<NewRecord, Diagnostic> {
        let sources = &self.project.sources;
        let (file, trace) = self.engine.trace_of_action(number)?;
        let start = sources.find(&file).or_else(|| sources.first()).map(|file| file.span(0..0));
        let strange = |message: String| {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, message);
            diagnostic.help("names are strings, and what a config holds is what JSON can hold")
        };
        let Some(place) = self.engine.place_of(&trace).or(start) else {
            return Err(strange("it is not known which file makes an action".to_owned()));
        };
        let json = self.engine.action(number, place)?;
        *size += json.len();
        let written: WrittenRecord = serde_json::from_str(&json).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            strange(format!("this action cannot be read: {reason}")).at(place, "")
        })?;
        let kind = Type::named(&written.r#type)
            .ok_or_else(|| strange(format!("there is no action of type `{}`", written.r#type)).at(place, ""))?;
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        let record = Record {
            number,
            place,
            texts: written.texts,
            inputs: written.inputs.into_iter().map(|names| names.into_iter().map(text).collect()).collect(),
            run_time_code: written.jit_code,
            contents: written.contents,
            shown_under: None,
        };
        let name = written.name.map(text);
        let WrittenRecord { config, sets_bigquery, target: moved, checked, .. } = written;
        Ok(NewRecord { record, kind, name, config, sets_bigquery, moved, checked })
    }

    /// Declares what code has made.
    pub(super) fn code(&mut self, new: NewRecord) {
        let NewRecord { mut record, kind, name, config, sets_bigquery, moved, checked } = new;
        let place = record.place;
        let value = placed(config, &Value { span: place, kind: ValueKind::Expression });
        let (config, found) = config::read(&value, Some(kind), self.rules.with_bigquery_set(sets_bigquery));
        self.diagnostics.extend(found);
        if let Some(text) = record.texts.first().filter(|_| record.run_time_code.is_some()) {
            let message = format!("the action has `{text}` besides `jitCode`");
            let help = "its text is made either now or at run time: take one of them out";
            self.diagnostics.push(Diagnostic::error(Code::UnfitAction, message).at(place, "").help(help));
            return;
        }
        let mut stem = name.unwrap_or_default();
        if kind == Type::Notebook {
            let path = config.file_name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
            let folder = self.project.sources.get(place.file).path();
            if let Some(file) =
                self.named_file(folder, &path, config.file_name.as_ref().map_or(place, |name| name.span))
            {
                let file = self.project.sources.get(file);
                if stem.is_empty() {
                    file.stem().clone_into(&mut stem);
                }
                record.contents = record.contents.or_else(|| Some(file.text().to_string()));
                record.shown_under = Some(file.path().to_string());
            }
        }
        self.action(config, &stem, place, (moved, checked), Body::Code(record));
    }
}
