//! What stands behind the name in `create property graph`.

use crate::action::{GraphEndpoint, GraphField, GraphLabel, GraphProperties, GraphRelationship, GraphTable};

/// The body, as Dataform writes it.
pub(super) fn body(
    entities: &[GraphTable],
    relationships: &[GraphRelationship],
    description: Option<&String>,
) -> String {
    let mut parts = vec![tables("NODE TABLES", entities.iter().map(|entity| table(entity, "")))];
    if !relationships.is_empty() {
        parts.push(tables("EDGE TABLES", relationships.iter().map(edge)));
    }
    parts.extend(options(description, &[]));
    parts.join("\n")
}

fn tables(keyword: &str, tables: impl Iterator<Item = String>) -> String {
    format!("{keyword} (\n  {}\n)", tables.collect::<Vec<_>>().join(",\n  "))
}

/// A table with what stands between its key and its labels.
fn table(table: &GraphTable, ends: &str) -> String {
    let mut text = format!("`{}` AS {}", table.source, table.name);
    if !table.keys.is_empty() {
        text += &format!(" KEY ({})", table.keys.join(", "));
    }
    text += ends;
    for label in &table.labels {
        text.push(' ');
        text += &self::label(label);
    }
    text
}

fn edge(relationship: &GraphRelationship) -> String {
    let end = |role: &str, end: &GraphEndpoint| {
        let (columns, entity_columns) = (end.columns.join(", "), end.entity_columns.join(", "));
        format!(" {role} KEY ({columns}) REFERENCES {} ({entity_columns})", end.entity)
    };
    let ends = end("SOURCE", &relationship.source) + &end("DESTINATION", &relationship.destination);
    table(&relationship.table, &ends)
}

fn label(label: &GraphLabel) -> String {
    let mut parts = vec![if label.is_default { "DEFAULT LABEL".to_owned() } else { format!("LABEL {}", label.name) }];
    parts.extend(options(label.description.as_ref(), &label.synonyms));
    parts.extend(label.properties.as_ref().map(|properties| match properties {
        GraphProperties::All { except } if except.is_empty() => "PROPERTIES ARE ALL COLUMNS".to_owned(),
        GraphProperties::All { except } => format!("PROPERTIES ARE ALL COLUMNS EXCEPT ({})", except.join(", ")),
        GraphProperties::Fields(fields) => {
            format!("PROPERTIES ({})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }));
    parts.join(" ")
}

fn field(field: &GraphField) -> String {
    let GraphField { name, expression, description, synonyms } = field;
    let mut parts = vec![if expression == name { name.clone() } else { format!("{expression} AS {name}") }];
    parts.extend(options(description.as_ref(), synonyms));
    parts.join(" ")
}

fn options(description: Option<&String>, synonyms: &[String]) -> Option<String> {
    let description = description.map(|text| format!("description={}", quoted(text)));
    let synonyms = (!synonyms.is_empty())
        .then(|| format!("synonyms=[{}]", synonyms.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")));
    let options: Vec<String> = description.into_iter().chain(synonyms).collect();
    (!options.is_empty()).then(|| format!("OPTIONS({})", options.join(", ")))
}

/// A string of JSON's is one of BigQuery's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
