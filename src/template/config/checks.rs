//! `assertions: { … }` in the config of a model.

use crate::action::Reference;
use crate::config::{Reader, Spanned, Value, ValueKind};
use crate::files::Span;
use crate::template::config::{plain, reference};

/// The `assertions` of a model.
#[derive(Debug, Default, Clone)]
pub(in crate::template) struct ChecksConfig {
    pub(in crate::template) unique_keys: Vec<Spanned<Vec<String>>>,
    pub(in crate::template) conditions: Vec<Spanned<String>>,
    pub(in crate::template) non_null: Vec<Spanned<String>>,
    pub(in crate::template) accepted_values: Vec<AcceptedValues>,
    pub(in crate::template) relationships: Vec<Relationship>,
}

/// The values that a column may have, besides NULL.
#[derive(Debug, Clone)]
pub(in crate::template) struct AcceptedValues {
    pub(in crate::template) column: String,
    pub(in crate::template) values: Vec<Literal>,
    pub(in crate::template) span: Span,
}

/// A constant in SQL.
#[derive(Debug, Clone)]
pub(in crate::template) enum Literal {
    Text(String),
    /// A number or a boolean, as SQL has it.
    Bare(String),
}

#[derive(Debug, Clone)]
pub(in crate::template) struct Relationship {
    pub(in crate::template) column: String,
    pub(in crate::template) to: Reference,
    pub(in crate::template) to_span: Span,
    pub(in crate::template) to_column: String,
    pub(in crate::template) span: Span,
}

pub(super) fn read_checks(reader: &mut Reader<'_>) -> ChecksConfig {
    let mut checks = ChecksConfig::default();
    // A list in the list does no harm in Dataform.
    let nested = reader.peek("uniqueKey").and_then(|value| match &value.kind {
        ValueKind::Array(items) => match items.as_slice() {
            [Value { kind: ValueKind::Array(columns), span }] => {
                let columns: Vec<String> = columns.iter().map(string).collect::<Option<_>>()?;
                Some(Spanned { value: vec![columns.join(",")], span: *span })
            }
            _ => None,
        },
        _ => None,
    });
    if let Some(key) = nested {
        reader.raw("uniqueKey");
        checks.unique_keys.push(key);
    } else if let Some(key) = reader.string_or_strings("uniqueKey").filter(|key| !key.value.is_empty()) {
        checks.unique_keys.push(Spanned { value: plain(key.value), span: key.span });
    }
    let keys = reader.list("uniqueKeys").unwrap_or_default();
    if let (Some(one), false) = (checks.unique_keys.first(), keys.is_empty()) {
        let help = Some("take it into `uniqueKeys`".to_owned());
        reader.refuse(one.span, "there are `uniqueKeys` too", help);
    }
    for value in keys {
        let columns = match &value.kind {
            ValueKind::Array(items) => items.iter().map(string).collect::<Option<Vec<_>>>(),
            ValueKind::Object { .. } => reader.item(value, "a unique key", |key| {
                key.string_or_strings("uniqueKey").map(|columns| plain(columns.value))
            }),
            _ => None,
        };
        match columns.filter(|columns| !columns.is_empty()) {
            Some(columns) => checks.unique_keys.push(Spanned { value: columns, span: value.span }),
            None => reader.refuse_type("a unique key", "a list of columns", value),
        }
    }
    checks.non_null = reader.string_or_strings("nonNull").map(|columns| columns.value).unwrap_or_default();
    checks.conditions = reader.strings("rowConditions").map(|strings| strings.value).unwrap_or_default();
    for entry in reader.entries("acceptedValues").unwrap_or_default() {
        let ValueKind::Array(items) = &entry.value.kind else {
            reader.refuse_type(&format!("`acceptedValues.{}`", entry.key), "a list of values", &entry.value);
            continue;
        };
        let mut values = Vec::new();
        for item in items {
            match &item.kind {
                ValueKind::String(text) => values.push(Literal::Text(text.clone())),
                ValueKind::Number(number) => values.push(Literal::Bare(number.to_string())),
                ValueKind::Bool(bool) => values.push(Literal::Bare(bool.to_string())),
                _ => reader.refuse_type("an accepted value", "a string, a number or a boolean", item),
            }
        }
        if items.is_empty() {
            let help = Some("NULL is always accepted; name the others".to_owned());
            reader.refuse(entry.value.span, format!("`acceptedValues.{}` accepts no value", entry.key), help);
        }
        if values.is_empty() {
            continue;
        }
        checks.accepted_values.push(AcceptedValues { column: entry.key.clone(), values, span: entry.value.span });
    }
    for entry in reader.entries("relationships").unwrap_or_default() {
        if !matches!(entry.value.kind, ValueKind::Object { .. }) {
            let help = "write it as `{ to: \"dim_users\", column: \"user_key\" }`".to_owned();
            reader.refuse(entry.value.span, "a relationship must be an object", Some(help));
            continue;
        }
        let read = reader.item(&entry.value, "a relationship", |relationship| {
            let written = relationship.raw("to");
            let to = written.and_then(|to| Some((reference(relationship, to, "`to`")?.0, to.span)));
            let column = relationship.string("column").map(|column| column.value);
            if written.is_none() {
                relationship.refuse(
                    entry.value.span,
                    "a relationship needs `to`",
                    Some("write it as `{ to: \"dim_users\", column: \"user_key\" }`".to_owned()),
                );
            }
            to.map(|to| (to, column))
        });
        if let Some(((to, to_span), to_column)) = read {
            let column = entry.key.clone();
            let to_column = to_column.unwrap_or_else(|| column.clone());
            checks.relationships.push(Relationship { column, to, to_span, to_column, span: entry.value.span });
        }
    }
    checks
}

fn string(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        _ => None,
    }
}
