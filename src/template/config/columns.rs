//! What a config says of columns.

use crate::action::{ColumnDocumentation, Documentation};
use crate::config::{Reader, Value, ValueKind};
use crate::files::Span;
use crate::template::config::plain;

/// Gives the place of the columns, if there are any.
pub(super) fn read_columns(reader: &mut Reader<'_>, documentation: &mut Documentation) -> Option<Span> {
    let value = reader.raw("columns")?;
    match &value.kind {
        ValueKind::Object { .. } => read_column_map(reader, value, &[], &mut documentation.columns),
        ValueKind::Array(items) => {
            for item in items {
                reader.item(item, "a column", |column| {
                    let path = column.string_or_strings("path").map(|path| plain(path.value)).unwrap_or_default();
                    let read = read_column(column);
                    let documented = ColumnDocumentation { path, span: read.span.or(Some(item.span)), ..read };
                    documentation.columns.push(documented);
                });
            }
        }
        _ => reader.refuse_type("`columns`", "an object", value),
    }
    Some(value.span)
}

fn read_column_map<'a>(
    reader: &mut Reader<'a>,
    value: &'a Value,
    parents: &[String],
    columns: &mut Vec<ColumnDocumentation>,
) {
    let ValueKind::Object { entries, .. } = &value.kind else {
        reader.refuse_type("`columns`", "an object", value);
        return;
    };
    for entry in entries {
        let mut path = parents.to_vec();
        path.push(entry.key.clone());
        if let ValueKind::String(text) = &entry.value.kind {
            let (description, span) = (Some(text.clone()), Some(entry.key_span));
            columns.push(ColumnDocumentation { path, description, span, ..Default::default() });
            continue;
        }
        let at = columns.len();
        let (documented, inner) = reader.item(&entry.value, "a column", |column| {
            let read = (read_column(column), column.raw("columns"));
            // Dataform passes over what it does not know here.
            if column.is_strict() {
                column.allow_rest();
            }
            read
        });
        let span = documented.span.or(Some(entry.key_span));
        columns.insert(at, ColumnDocumentation { path: path.clone(), span, ..documented });
        if let Some(inner) = inner {
            read_column_map(reader, inner, &path, columns);
        }
    }
}

fn read_column(column: &mut Reader<'_>) -> ColumnDocumentation {
    let description = column.string("description").map(|text| text.value);
    let tags = column.string_or_strings("tags").map(|tags| plain(tags.value)).unwrap_or_default();
    let policy_tags = column.string_or_strings("bigqueryPolicyTags").map(|tags| plain(tags.value)).unwrap_or_default();
    column.raw("displayName");
    let data_type = column.string("type").filter(|text| !text.value.trim().is_empty());
    let (data_type, span) = data_type.map(|text| (text.value, text.span)).unzip();
    ColumnDocumentation { path: Vec::new(), description, tags, policy_tags, data_type, span }
}
