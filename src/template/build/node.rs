//! Notebooks and data preparations.

use serde_yaml::Value as Yaml;

use crate::action::{Action, DataPreparation, Kind, Load, Node, Reference};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::SourceFile;
use crate::relation::Target;
use crate::template::build::texts::{ActionTexts, Part};
use crate::template::config::{DataPreparationConfig, ErrorTable, LoadConfig, LoadMode};
use crate::template::declare::Body;

impl ActionTexts<'_, '_> {
    /// A notebook without its outputs: these belong to who ran it.
    pub(super) fn notebook(&mut self) -> Kind {
        let written = match self.body {
            Body::Code(record) => record.contents.clone(),
            Body::File(file) => file.map(|file| self.builder.project.sources.get(file).text().to_string()),
            Body::Sqlx { .. } => None,
        };
        let stripped = written.as_deref().map(without_outputs);
        let contents = match stripped {
            Some(Some(contents)) => contents,
            Some(None) => {
                let diagnostic = Diagnostic::error(Code::UnfitAction, "the file holds no notebook").at(self.place, "");
                let help = "a notebook is a file of JSON with `cells`, as Jupyter saves it";
                self.builder.diagnostics.push(diagnostic.help(help));
                String::new()
            }
            None => String::new(),
        };
        Kind::Node(Box::new(Node::Notebook { contents }))
    }

    pub(super) fn data_preparation(&mut self, config: &DataPreparationConfig, action: &Action<Reference>) -> Kind {
        let mut targets = vec![(action.target.clone(), action.canonical.clone())];
        let (mut steps, mut query) = (None, None);
        if let Body::File(file) = self.body {
            let file = file.map(|file| self.builder.project.sources.get(file));
            if let Some((text, found)) = file.and_then(|file| self.steps(file)) {
                steps = Some(text);
                if !found.is_empty() {
                    targets = found;
                }
            }
        } else {
            let text = self.part(Part::Query, false).into_iter().next().unwrap_or_default();
            query = Some(text.trimmed());
        }
        let error_table = config.error_table.as_ref().map(|table| {
            let canonical = self.full_name(table);
            let target = self.builder.project.naming().apply(&canonical);
            targets.push((target.clone(), canonical));
            (target, table.retention_days)
        });
        let load = match &config.load {
            None => query.is_some().then_some(Load::Replace),
            Some(LoadConfig { mode, column, unique_key }) => {
                let column = column.clone().unwrap_or_default();
                Some(match mode {
                    LoadMode::Append => Load::Append,
                    LoadMode::Maximum => Load::Maximum { column },
                    LoadMode::Merge => Load::Merge { unique_key: unique_key.clone() },
                    LoadMode::Replace => Load::Replace,
                    LoadMode::Unique => Load::Unique { column },
                })
            }
        };
        Kind::Node(Box::new(Node::DataPreparation(DataPreparation { steps, query, targets, error_table, load })))
    }

    fn full_name(&self, table: &ErrorTable) -> Target {
        let defaults = &self.builder.project.settings.defaults;
        Target {
            database: table.database.clone().or_else(|| defaults.database.clone()),
            schema: table.schema.clone().or_else(|| defaults.schema.clone()),
            name: table.name.clone(),
        }
    }

    /// The steps with the names of this environment, and the tables that they make: their names here and in the project.
    fn steps(&mut self, file: &SourceFile) -> Option<(String, Vec<(Target, Target)>)> {
        let mut tree: Yaml = match serde_yaml::from_str(file.text()) {
            Ok(tree) => tree,
            Err(error) => {
                let diagnostic = Diagnostic::error(Code::UnfitAction, format!("this is not YAML: {error}"));
                self.builder.diagnostics.push(
                    diagnostic
                        .at(file.whole().at_start(), "")
                        .help("a data preparation is a file of YAML, as BigQuery saves it"),
                );
                return None;
            }
        };
        let naming = self.builder.project.naming();
        let defaults = &self.builder.project.settings.defaults;
        let mut targets = Vec::new();
        let full_name = |table: &Yaml| {
            let text = |key: &str| Some(table.get(key)?.as_str()?.to_owned());
            Some(Target {
                database: text("project").or_else(|| defaults.database.clone()),
                schema: text("dataset").or_else(|| defaults.schema.clone()),
                name: text("table")?,
            })
        };
        let nodes = tree.get("nodes").and_then(Yaml::as_sequence);
        for node in nodes.into_iter().flatten() {
            let made = node.get("destination").and_then(|to| full_name(to.get("table")?));
            targets.extend(made.map(|canonical| (naming.apply(&canonical), canonical)));
        }
        rename_tables(&mut tree, &|table| Some(naming.apply(&full_name(table)?)));
        Some((serde_yaml::to_string(&tree).unwrap_or_default(), targets))
    }
}

/// Gives each table in a tree its full name.
fn rename_tables(tree: &mut Yaml, full_name: &dyn Fn(&Yaml) -> Option<Target>) {
    if let Some(Target { database, schema, name }) = full_name(tree)
        && let Yaml::Mapping(table) = tree
    {
        for (key, value) in [("project", database), ("dataset", schema), ("table", Some(name))] {
            if let Some(value) = value {
                table.insert(key.into(), value.into());
            }
        }
        return;
    }
    match tree {
        Yaml::Mapping(fields) => fields.values_mut().for_each(|value| rename_tables(value, full_name)),
        Yaml::Sequence(items) => items.iter_mut().for_each(|item| rename_tables(item, full_name)),
        _ => {}
    }
}

/// A notebook with nothing in it that running it has left; `None` if it is none.
fn without_outputs(text: &str) -> Option<String> {
    let mut notebook: serde_json::Value = serde_json::from_str(text).ok()?;
    for cell in notebook.get_mut("cells")?.as_array_mut()? {
        let Some(cell) = cell.as_object_mut() else { continue };
        if cell.contains_key("outputs") {
            cell.insert("outputs".to_owned(), serde_json::json!([]));
        }
        if cell.contains_key("execution_count") {
            cell.insert("execution_count".to_owned(), serde_json::Value::Null);
        }
        if cell.contains_key("metadata") {
            cell.insert("metadata".to_owned(), serde_json::json!({}));
        }
    }
    if notebook.get("metadata").is_some() {
        notebook["metadata"] = serde_json::json!({});
    }
    Some(notebook.to_string())
}
