//! Types with fields inside of them.

use std::fmt;

use crate::dialect::bigquery::types;
use crate::dialect::{BigQuery, Dialect, FieldChange};

/// A type of `GoogleSQL`, as far as it has fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldType {
    /// `STRUCT<…>`, with the names of its fields.
    Struct(Vec<(String, FieldType)>),
    /// `ARRAY<…>`.
    Array(Box<FieldType>),
    /// Any other, as it is written.
    Plain(String),
}

impl FieldType {
    /// Reads a type. `None` where a field has no name.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let inside = |word: &str| {
            let (start, rest) = text.split_at_checked(word.len())?;
            rest.trim_start().strip_prefix('<')?.strip_suffix('>').filter(|_| start.eq_ignore_ascii_case(word))
        };
        if let Some(fields) = inside("STRUCT") {
            let fields: Option<Vec<_>> = types::split(fields, '`').into_iter().map(field).collect();
            return Some(Self::Struct(fields?));
        }
        Some(match inside("ARRAY") {
            Some(element) => Self::Array(Box::new(Self::read(element)?)),
            None => Self::Plain(text.to_owned()),
        })
    }

    /// Whether the fields of two types are not the same ones in the same order.
    fn has_other_fields(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Struct(one), Self::Struct(other)) => {
                let differ = |((name, one), (other_name, other)): (&(String, Self), &(String, Self))| {
                    !name.eq_ignore_ascii_case(other_name) || one.has_other_fields(other)
                };
                one.len() != other.len() || one.iter().zip(other).any(differ)
            }
            (Self::Array(one), Self::Array(other)) => one.has_other_fields(other),
            _ => false,
        }
    }
}

/// As SQL has it.
impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (at, (name, field)) in fields.iter().enumerate() {
                    write!(f, "{}`{name}` {field}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(">")
            }
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Plain(name) => f.write_str(name),
        }
    }
}

/// The name of a field and its type.
fn field(text: &str) -> Option<(String, FieldType)> {
    let text = text.trim();
    let (name, data_type) = match text.strip_prefix('`') {
        Some(quoted) => quoted.split_once('`')?,
        None => text.split_once(' ').filter(|(name, _)| !name.contains(['<', '(']))?,
    };
    Some((name.to_owned(), FieldType::read(data_type)?))
}

fn find<'a>(fields: &'a [(String, FieldType)], name: &str) -> Option<&'a FieldType> {
    fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field)
}

/// Which fields a column of a table and of a query do not have in common.
pub(super) fn change(column: &str, table: &str, query: &str) -> Option<FieldChange> {
    let (table, query) = (FieldType::read(table)?, FieldType::read(query)?);
    let mut change = FieldChange::default();
    change.data_type = merge(&table, &query, column, &mut change).to_string();
    (!change.added.is_empty() || !change.missing.is_empty()).then_some(change)
}

/// The type of the table with the fields of the query behind its own: a field can be added nowhere else.
fn merge(table: &FieldType, query: &FieldType, path: &str, change: &mut FieldChange) -> FieldType {
    match (table, query) {
        (FieldType::Struct(of_table), FieldType::Struct(of_query)) => {
            let mut fields = Vec::new();
            for (name, field) in of_table {
                let path = format!("{path}.{name}");
                let merged = if let Some(query) = find(of_query, name) {
                    merge(field, query, &path, change)
                } else {
                    change.missing.push(path);
                    field.clone()
                };
                fields.push((name.clone(), merged));
            }
            for (name, field) in of_query.iter().filter(|(name, _)| find(of_table, name).is_none()) {
                change.added.push(format!("{path}.{name}"));
                fields.push((name.clone(), field.clone()));
            }
            FieldType::Struct(fields)
        }
        (FieldType::Array(table), FieldType::Array(query)) => {
            FieldType::Array(Box::new(merge(table, query, path, change)))
        }
        _ => table.clone(),
    }
}

/// A value with the fields of another type, which it finds by their names: CAST and INSERT go by their order. `None` where
/// the order is the same.
pub(super) fn rebuild(dialect: &BigQuery, expression: &str, from: &str, to: &str) -> Option<String> {
    let (from, to) = (FieldType::read(from)?, FieldType::read(to)?);
    from.has_other_fields(&to).then(|| rebuilt(dialect, expression, &from, &to, 1))
}

fn rebuilt(dialect: &BigQuery, expression: &str, from: &FieldType, to: &FieldType, depth: usize) -> String {
    match (from, to) {
        _ if types::same(&from.to_string(), &to.to_string()) => expression.to_owned(),
        (FieldType::Struct(given), FieldType::Struct(wanted)) => {
            let field = |(name, to): &(String, FieldType)| {
                let id = dialect.identifier(name);
                let value = match find(given, name) {
                    Some(from) => rebuilt(dialect, &format!("{expression}.{id}"), from, to, depth),
                    None => format!("cast(null as {to})"),
                };
                format!("{value} as {id}")
            };
            let fields: Vec<String> = wanted.iter().map(field).collect();
            format!("if({expression} is null, null, struct({}))", fields.join(", "))
        }
        (FieldType::Array(given), FieldType::Array(wanted)) => {
            let (item, place) = (format!("trueup_item_{depth}"), format!("trueup_place_{depth}"));
            let value = rebuilt(dialect, &item, given, wanted, depth + 1);
            format!("array(select {value} from unnest({expression}) as {item} with offset as {place} order by {place})")
        }
        _ => format!("cast({expression} as {to})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        let read = |text: &str| FieldType::read(text).map(|found| found.to_string());
        assert_eq!(
            read("struct<a int64, `b, c` ARRAY<STRUCT<d NUMERIC(10, 2)>>>").as_deref(),
            Some("STRUCT<`a` int64, `b, c` ARRAY<STRUCT<`d` NUMERIC(10, 2)>>>")
        );
        assert_eq!(read("NUMERIC(10, 2)").as_deref(), Some("NUMERIC(10, 2)"));
        assert_eq!(read("STRUCT<INT64, STRUCT<a INT64>>"), None);
        assert_eq!(read("STRUCT<>"), None);
    }

    #[test]
    fn fields_come_and_go() {
        let found = change(
            "w",
            "STRUCT<a INT64, l ARRAY<STRUCT<x INT64>>>",
            "STRUCT<l ARRAY<STRUCT<y DATE, X INT64>>, b BOOL>",
        );
        let found = found.unwrap_or_default();
        assert_eq!(found.added, ["w.l.y", "w.b"]);
        assert_eq!(found.missing, ["w.a"]);
        assert_eq!(found.data_type, "STRUCT<`a` INT64, `l` ARRAY<STRUCT<`x` INT64, `y` DATE>>, `b` BOOL>");
        assert_eq!(change("w", "STRUCT<a INT64, b DATE>", "STRUCT<`B` DATE, a FLOAT64>"), None);
        assert_eq!(change("w", "STRUCT<a INT64>", "INT64"), None);
    }
}
