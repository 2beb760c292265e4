//! Actions that code has made: `publish`, `operate` and the others.

use serde::Deserialize;

use crate::config::{Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::Span;
use crate::template::config::{self, Type};
use crate::template::declare::sqlx_config::placed;
use crate::template::declare::{Body, Declarer};

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
    target: WrittenTarget,
    texts: Vec<String>,
    inputs: Vec<Vec<serde_json::Value>>,
    place: String,
    file: String,
    jit_code: Option<String>,
    contents: Option<String>,
}

/// What `.schema()` and `.database()` were given.
#[derive(Deserialize)]
struct WrittenTarget {
    schema: Option<String>,
    database: Option<String>,
}

/// A record with what is needed once to declare it.
pub(super) struct NewRecord {
    record: Record,
    kind: Type,
    name: Option<String>,
    config: serde_json::Value,
    moved: (Option<String>, Option<String>),
}

impl NewRecord {
    /// What code has added to the action of a file.
    pub(super) fn added(self) -> Option<Record> {
        (!self.record.texts.is_empty()).then_some(self.record)
    }
}

impl Declarer<'_> {
    /// All that code has made, by number.
    pub(super) fn records(&mut self) -> Vec<Option<NewRecord>> {
        if self.engine.count_of_actions() == 0 {
            return Vec::new();
        }
        let read = self.engine.actions().map(|text| serde_json::from_str::<Vec<WrittenRecord>>(&text));
        match read {
            Ok(Ok(written)) => (0..).zip(written).map(|(number, written)| self.record(number, written)).collect(),
            // Code that meddles with the engine itself can make it give anything.
            Ok(Err(_)) => Vec::new(),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                Vec::new()
            }
        }
    }

    fn record(&self, number: usize, written: WrittenRecord) -> Option<NewRecord> {
        let sources = &self.project.sources;
        let place = self.engine.place_of(&written.place).or_else(|| Some(sources.find(&written.file)?.span(0..0)))?;
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
        Some(NewRecord {
            record,
            kind: Type::named(&written.r#type)?,
            name: written.name.map(text),
            config: written.config,
            moved: (written.target.schema, written.target.database),
        })
    }

    /// Declares what code has made.
    pub(super) fn code(&mut self, new: NewRecord) {
        let NewRecord { mut record, kind, name, config, moved } = new;
        let place = record.place;
        let value = placed(config, &Value { span: place, kind: ValueKind::Expression });
        let (config, found) = config::read(&value, Some(kind), self.rules);
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
        self.action(config, &stem, place, moved, Body::Code(record));
    }
}
