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
    let value = named(value, CaseRule::Ignored).or_else(|| word(&value.expr))?;
    match named(aggregate, CaseRule::Ignored) {
        Some(aggregate) => Some(format!("{aggregate}_{value}")),
        None => is_only.then_some(value),
    }
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

/// A literal as BigQuery makes a name of it.
fn word(value: &Expr) -> Option<String> {
    let of_number = |digits: &str| digits.replace('.', "_point_");
    Some(match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            Value::Number(digits, _) if is_decimal(digits) => format!("_{}", of_number(digits)),
            Value::Boolean(value) => value.to_string().to_uppercase(),
            Value::Null => "NULL".to_owned(),
            _ => return None,
        },
        Expr::TypedString(TypedString { data_type: DataType::Date, value, .. }) => {
            format!("_{}", text(&Expr::Value(value.clone()))?.replace('-', "_"))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("minus_{}", of_number(&number(expr)?)),
        Expr::Nested(inner) => word(inner)?,
        _ => return None,
    })
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
