//! Types and values of BigQuery as text.

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::adapter::bigquery::protocol::{TableCell, TableField, TableRow, TableSchema};
use crate::relation::Column;

/// The columns of a schema, in their order.
pub(super) fn columns(schema: Option<&TableSchema>) -> Vec<Column> {
    let fields = schema.map(|schema| schema.fields.as_slice()).unwrap_or_default();
    fields.iter().map(|field| Column { name: field.name.clone(), data_type: sql_type(field) }).collect()
}

/// The type of a field as `GoogleSQL` writes it: the interface has the names of legacy SQL.
fn sql_type(field: &TableField) -> String {
    let one = match field.r#type.as_str() {
        "INTEGER" => "INT64".to_owned(),
        "FLOAT" => "FLOAT64".to_owned(),
        "BOOLEAN" => "BOOL".to_owned(),
        "RECORD" | "STRUCT" => {
            let name = |name: &str| format!("`{}`", name.replace('`', "\\`"));
            let fields = field.fields.iter().map(|field| format!("{} {}", name(&field.name), sql_type(field)));
            format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
        }
        "RANGE" => match &field.range_element_type {
            Some(element) => format!("RANGE<{}>", element.r#type),
            None => "RANGE".to_owned(),
        },
        other => {
            let parameters = field.max_length.iter().chain(&field.precision).chain(&field.scale);
            let parameters: Vec<&str> = parameters.map(String::as_str).collect();
            if parameters.is_empty() { other.to_owned() } else { format!("{other}({})", parameters.join(", ")) }
        }
    };
    if field.mode.as_deref() == Some("REPEATED") { format!("ARRAY<{one}>") } else { one }
}

/// The values of a row, each as text: lists and structs as JSON.
pub(super) fn texts(row: TableRow, schema: Option<&TableSchema>) -> Vec<Option<String>> {
    let fields = schema.map(|schema| schema.fields.as_slice()).unwrap_or_default();
    row.f.into_iter().zip(fields).map(|(cell, field)| text(cell.v, field)).collect()
}

fn text(value: Value, field: &TableField) -> Option<String> {
    match json(value, field, field.mode.as_deref() == Some("REPEATED")) {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// As JSON: the interface itself has texts in lists of objects `{"v": …}`.
fn json(value: Value, field: &TableField, is_list: bool) -> Value {
    match value {
        Value::Array(items) if is_list => {
            let of_item = |item: Value| json(inner(item), field, false);
            Value::Array(items.into_iter().map(of_item).collect())
        }
        Value::Object(mut object) if field.r#type == "RECORD" || field.r#type == "STRUCT" => {
            let cells: Vec<TableCell> =
                object.remove("f").and_then(|cells| serde_json::from_value(cells).ok()).unwrap_or_default();
            let pairs = cells.into_iter().zip(&field.fields).map(|(cell, field)| {
                let value = json(cell.v, field, field.mode.as_deref() == Some("REPEATED"));
                (field.name.clone(), value)
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        Value::String(text) => scalar(text, &field.r#type),
        other => other,
    }
}

fn inner(mut item: Value) -> Value {
    item.get_mut("v").map(Value::take).unwrap_or_default()
}

fn scalar(text: String, data_type: &str) -> Value {
    let known = match data_type {
        "INTEGER" | "INT64" => text.parse::<i64>().ok().map(Value::from),
        "BOOLEAN" | "BOOL" => text.parse().ok().map(Value::Bool),
        "FLOAT" | "FLOAT64" => text.parse().ok().and_then(Number::from_f64).map(Value::Number),
        "TIMESTAMP" => timestamp(&text).map(Value::String),
        "DATETIME" => Some(Value::String(text.replacen('T', " ", 1))),
        _ => None,
    };
    known.unwrap_or(Value::String(text))
}

/// Microseconds since 1970, or seconds with a fraction, as `2024-01-31 10:30:00.5+00`.
fn timestamp(text: &str) -> Option<String> {
    let micros = match text.parse::<i64>() {
        Ok(micros) => micros,
        Err(_) => seconds(text)?,
    };
    let text = Timestamp::from_microsecond(micros).ok()?.to_string();
    Some(format!("{}+00", text.strip_suffix('Z')?.replacen('T', " ", 1)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the years 1 to 9999 in microseconds are well within a double's 2^63"
)]
fn seconds(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    seconds.is_finite().then_some((seconds * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(json: &str) -> TableField {
        serde_json::from_str(json).unwrap_or_default()
    }

    #[test]
    fn types_are_those_of_google_sql() {
        assert_eq!(sql_type(&field(r#"{"name": "a", "type": "INTEGER"}"#)), "INT64");
        assert_eq!(sql_type(&field(r#"{"type": "FLOAT", "mode": "REPEATED"}"#)), "ARRAY<FLOAT64>");
        assert_eq!(sql_type(&field(r#"{"type": "NUMERIC", "precision": "10", "scale": "2"}"#)), "NUMERIC(10, 2)");
        let nested = r#"{"type": "RECORD", "fields": [{"name": "x", "type": "BOOLEAN"}, {"name": "y", "type": "STRING", "mode": "REPEATED"}]}"#;
        assert_eq!(sql_type(&field(nested)), "STRUCT<`x` BOOL, `y` ARRAY<STRING>>");
    }

    #[test]
    fn values_are_text() {
        let of = |json: &str, value: &str| text(serde_json::from_str(value).unwrap_or_default(), &field(json));
        assert_eq!(of(r#"{"type": "INTEGER"}"#, r#""7""#).as_deref(), Some("7"));
        assert_eq!(of(r#"{"type": "STRING"}"#, "null"), None);
        assert_eq!(
            of(r#"{"type": "TIMESTAMP"}"#, r#""1704103200500000""#).as_deref(),
            Some("2024-01-01 10:00:00.5+00")
        );
        assert_eq!(of(r#"{"type": "TIMESTAMP"}"#, r#""1.7041032005E9""#).as_deref(), Some("2024-01-01 10:00:00.5+00"));
        assert_eq!(of(r#"{"type": "DATETIME"}"#, r#""2024-01-01T10:00:00""#).as_deref(), Some("2024-01-01 10:00:00"));
        assert_eq!(
            of(r#"{"type": "INTEGER", "mode": "REPEATED"}"#, r#"[{"v": "1"}, {"v": "2"}]"#).as_deref(),
            Some("[1,2]")
        );
        let nested = r#"{"type": "RECORD", "fields": [{"name": "x", "type": "INTEGER"}, {"name": "y", "type": "STRING", "mode": "REPEATED"}]}"#;
        assert_eq!(of(nested, r#"{"f": [{"v": "1"}, {"v": [{"v": "a"}]}]}"#).as_deref(), Some(r#"{"x":1,"y":["a"]}"#));
    }
}
