//! What PIVOT calls its columns.

use sqlparser::ast::{DataType, Expr, ExprWithAlias, TypedString, UnaryOperator, Value};

use super::CaseRule;

/// DuckDB: the value as a text, then the aggregate, by its name or, if there are several, as it is written.
pub(super) fn duckdb(
    value: &ExprWithAlias,
    aggregate: &ExprWithAlias,
    is_only: bool,
    unnamed: impl Fn(&Expr) -> Option<String>,
) -> Option<String> {
    let value = named(value, CaseRule::Ignored).or_else(|| text(&value.expr))?;
    let aggregate = match named(aggregate, CaseRule::Ignored) {
        None if is_only => None,
        None => Some(unnamed(&aggregate.expr)?),
        name => name,
    };
    Some(aggregate.map_or_else(|| value.clone(), |aggregate| format!("{value}_{aggregate}")))
}

/// BigQuery: the name of the aggregate, which it must have where there are several, then the value.
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#rules_for_pivot_column>
pub(super) fn bigquery(value: &ExprWithAlias, aggregate: &ExprWithAlias, is_only: bool) -> Option<String> {
    let mut name = match named(aggregate, CaseRule::Ignored) {
        Some(aggregate) => format!("{aggregate}_"),
        None if is_only => String::new(),
        None => return None,
    };
    match named(value, CaseRule::Ignored) {
        Some(value) => name.push_str(&value),
        None => add_word(&mut name, &value.expr)?,
    }
    Some(name)
}

/// Redshift: the value, then the name of the aggregate. What it calls one of several that has none is not known.
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_clause-pivot-unpivot-examples.html>
pub(super) fn redshift(value: &ExprWithAlias, aggregate: &ExprWithAlias, is_only: bool) -> Option<String> {
    let is_plain = |text: &String| text.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let value = named(value, CaseRule::Ignored).or_else(|| text(&value.expr).filter(is_plain))?;
    match named(aggregate, CaseRule::Ignored) {
        Some(aggregate) => Some(format!("{value}_{aggregate}")),
        None => is_only.then_some(value),
    }
}

fn named(item: &ExprWithAlias, case: CaseRule) -> Option<String> {
    item.alias.as_ref().map(|alias| case.name(alias))
}

/// A literal as a text; those in brackets with a `_` between them.
fn text(value: &Expr) -> Option<String> {
    Some(match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => text.clone(),
            Value::Number(digits, _) if is_decimal(digits) => digits.clone(),
            Value::Boolean(value) => value.to_string(),
            Value::Null => "NULL".to_owned(),
            _ => return None,
        },
        Expr::TypedString(TypedString { data_type: DataType::Date, value, .. }) => text(&Expr::Value(value.clone()))?,
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("-{}", number(expr)?),
        Expr::Nested(inner) => text(inner)?,
        Expr::Tuple(parts) => parts.iter().map(text).collect::<Option<Vec<_>>>()?.join("_"),
        _ => return None,
    })
}

/// Adds a literal as BigQuery makes a name of it: no name begins with a digit.
fn add_word(name: &mut String, value: &Expr) -> Option<()> {
    let word =
        match value {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) if text.is_empty() => {
                    if name.is_empty() { "empty_string_value".to_owned() } else { "_empty_string_value".to_owned() }
                }
                // It may begin with anything.
                Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => {
                    name.push_str(text);
                    return Some(());
                }
                Value::Number(digits, _) if is_decimal(digits) => digits.replace('.', "_point_"),
                Value::Boolean(value) => value.to_string(),
                Value::Null => "NULL".to_owned(),
                _ => return None,
            },
            Expr::TypedString(TypedString { data_type: DataType::Date, value, .. }) => {
                text(&Expr::Value(value.clone()))?.replace('-', "_")
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => {
                format!("minus_{}", number(expr)?.replace('.', "_point_"))
            }
            Expr::Nested(inner) => return add_word(name, inner),
            Expr::Tuple(parts) => {
                for (place, part) in parts.iter().enumerate() {
                    if place > 0 {
                        name.push('_');
                    }
                    add_word(name, part)?;
                }
                return Some(());
            }
            _ => return None,
        };
    if name.is_empty() && word.starts_with(|letter: char| letter.is_ascii_digit()) {
        name.push('_');
    }
    name.push_str(&word);
    Some(())
}

fn number(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if is_decimal(digits) => Some(digits.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether it is written with digits and a point. Of `1e3` it is not known what becomes of it.
fn is_decimal(number: &str) -> bool {
    number.chars().all(|letter| letter.is_ascii_digit() || letter == '.') && !number.starts_with('.')
}
