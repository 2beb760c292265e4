//! `actions.yaml`: actions whose SQL stands in plain `.sql` files.

use crate::config::{Spanned, Value, ValueKind, check_yaml};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::files::{FileId, SourceFile, Span};
use crate::project::{Project, unreadable};
use crate::relation::Target;
use crate::template::config::{self, Type};
use crate::template::declare::{Body, Declarer};
use crate::template::engine::normalized;

/// The keys of a list, as Dataform has them.
const KEYS: [(&str, Type); 8] = [
    ("assertion", Type::Assertion),
    ("dataPreparation", Type::DataPreparation),
    ("declaration", Type::Declaration),
    ("incrementalTable", Type::Incremental),
    ("notebook", Type::Notebook),
    ("operation", Type::Operations),
    ("table", Type::Table),
    ("view", Type::View),
];

impl Declarer<'_> {
    /// Declares the actions of an `actions.yaml`.
    pub(super) fn list(&mut self, file: &SourceFile) {
        let tree = match crate::config::parse_yaml(file) {
            Ok(tree) => tree,
            Err(diagnostic) => return self.diagnostics.push(Diagnostic { code: Code::InvalidConfig, ..diagnostic }),
        };
        let refuse = |span: Span, message: String| Diagnostic::error(Code::InvalidConfig, message).at(span, "");
        let how = "an `actions.yaml` is `actions:` and a list, as in `- table: { filename: orders.sql }`";
        let ValueKind::Object { entries, .. } = &tree.kind else {
            return self.diagnostics.push(refuse(tree.span, "there is no `actions`".to_owned()).help(how));
        };
        for entry in entries.iter().filter(|entry| entry.key != "actions") {
            let message = format!("unknown key `{}` in actions.yaml", entry.key);
            let help = did_you_mean(&entry.key, ["actions"]).unwrap_or_else(|| how.to_owned());
            self.diagnostics.push(refuse(entry.key_span, message).help(help));
        }
        let Some(list) = tree.entry("actions") else {
            return self.diagnostics.push(refuse(tree.span, "there is no `actions`".to_owned()).help(how));
        };
        let ValueKind::Array(items) = &list.value.kind else {
            return self.diagnostics.push(refuse(list.value.span, "`actions` must be a list".to_owned()).help(how));
        };
        for item in items {
            self.listed(file, item);
        }
    }

    fn listed(&mut self, list: &SourceFile, item: &Value) {
        let entries = match &item.kind {
            ValueKind::Object { entries, .. } => entries.as_slice(),
            _ => &[],
        };
        let [entry] = entries else {
            let names = KEYS.map(|(name, _)| format!("`{name}`")).join(", ");
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "an action of a list has one key: what it is");
            return self.diagnostics.push(diagnostic.at(item.span, "").help(format!("it is one of {names}")));
        };
        let Some((_, kind)) = KEYS.into_iter().find(|(name, _)| *name == entry.key) else {
            let names: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
            let help = did_you_mean(&entry.key, names.iter().copied());
            let diagnostic = Diagnostic::error(Code::InvalidConfig, format!("there is no action `{}`", entry.key));
            let all = || format!("it is one of `{}`", names.join("`, `"));
            return self.diagnostics.push(diagnostic.at(entry.key_span, "").help(help.unwrap_or_else(all)));
        };
        let (mut config, found) = config::read(&entry.value, Some(kind), self.rules);
        self.diagnostics.extend(found);
        if kind == Type::Declaration {
            return self.declaration(config, entry.key_span);
        }
        let Some(name) = &config.file_name else {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "the action does not say where its text is");
            return self
                .diagnostics
                .push(diagnostic.at(entry.value.span, "").help("add `filename: …`, a path from here"));
        };
        if name.value.to_ascii_lowercase().ends_with(".sqlx") {
            let message = format!("`{}` has a config of its own", name.value);
            let diagnostic = Diagnostic::error(Code::InvalidConfig, message).at(name.span, "");
            return self
                .diagnostics
                .push(diagnostic.help("take it out of the list: a `.sqlx` file is an action by itself"));
        }
        let (path, span) = (name.value.clone(), name.span);
        let file = self.named_file(list.path(), &path, span);
        let stem = path.rsplit('/').next().unwrap_or_default();
        let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
        let mut stem = stem.strip_suffix(".dp").unwrap_or(stem).to_owned();
        let place = config.name.as_ref().map_or(span, |name| name.span);
        // A data preparation is called as the first table that it makes.
        let text = file.filter(|_| kind == Type::DataPreparation).map(|file| self.project.sources.get(file).text());
        if let Some(made) = text.and_then(|text| first_destination(text)) {
            config.database = made.database.or(config.database);
            config.schema = made.schema.map(|value| Spanned { value, span }).or(config.schema);
            stem = made.name;
        }
        self.action(config, &stem, place, Default::default(), Body::File(file));
    }

    fn declaration(&mut self, config: config::ActionConfig, span: Span) {
        if let Some(name) = &config.file_name {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "a declaration has no file").at(name.span, "");
            return self.diagnostics.push(diagnostic.help("take it out: the table is made by someone else"));
        }
        if config.name.is_none() {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "a declaration needs a name").at(span, "");
            return self.diagnostics.push(diagnostic.help("add `name: …`, that of the table"));
        }
        self.action(config, "", span, Default::default(), Body::File(None));
    }

    /// The file that is named in the file `by`, which is reported if it cannot be read.
    pub(super) fn named_file(&mut self, by: &str, name: &str, span: Span) -> Option<FileId> {
        let folder = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Project { sources, files, .. } = self.project;
        let path: Option<String> = normalized(&format!("{folder}/{name}"));
        let failed = match path.as_deref().map(|path| sources.read(&**files, path)) {
            Some(Ok(file)) => return Some(file.id()),
            None => Diagnostic::error(Code::UnreadableFile, format!("`{name}` lies outside of the project"))
                .help("put a copy of the file into the project"),
            Some(Err(error)) => {
                let is_missing = error.kind() == std::io::ErrorKind::NotFound;
                unreadable(name, &error).filter(|_| !is_missing).unwrap_or_else(|| {
                    Diagnostic::error(Code::UnreadableFile, format!("there is no file `{name}`"))
                        .help("the path counts from the file that names it")
                })
            }
        };
        self.diagnostics.push(failed.at(span, ""));
        None
    }
}

/// The first table that a data preparation makes, as far as it is named.
fn first_destination(steps: &str) -> Option<Target> {
    check_yaml(steps).ok()?;
    let tree: serde_yaml::Value = serde_yaml::from_str(steps).ok()?;
    let nodes = tree.get("nodes")?.as_sequence()?;
    let table = nodes.iter().find_map(|node| node.get("destination")?.get("table"))?;
    let text = |key: &str| Some(table.get(key)?.as_str()?.to_owned());
    Some(Target { database: text("project"), schema: text("dataset"), name: text("table")? })
}
