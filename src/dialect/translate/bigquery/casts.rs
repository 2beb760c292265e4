//! CAST, and the conversions that functions do by themselves.

use sqlparser::ast::{CastKind, DataType, Expr, Spanned};

use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

pub(crate) use crate::dialect::translate::rewrite::cast;

/// `CAST(value AS type)` or `SAFE_CAST(…)`, with its value not yet translated.
pub(crate) fn translate(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return None };
    let safe = matches!(kind, CastKind::SafeCast | CastKind::TryCast);
    let place = operand.span();
    let from = rewriter.expr(operand);
    if format.is_some() {
        rewriter.missing(place, "CAST with FORMAT");
    }
    rewriter.data_type(data_type, place);
    let to = Type::of(data_type);
    let value = std::mem::replace(operand.as_mut(), Expr::value(sqlparser::ast::Value::Null));
    *expr = match to {
        Type::Decimal | Type::Array(_) | Type::Struct(_) | Type::Unknown => plain(value, data_type.clone(), safe),
        _ => convert(value, &from, &to, safe),
    };
    Some(to)
}

fn plain(value: Expr, data_type: DataType, safe: bool) -> Expr {
    let kind = if safe { CastKind::TryCast } else { CastKind::Cast };
    Expr::Cast { kind, expr: Box::new(value), data_type, format: None }
}

/// A value of one type as another.
pub(crate) fn convert(value: Expr, from: &Type, to: &Type, safe: bool) -> Expr {
    let cast = if safe { "try_cast" } else { "cast" };
    let x = [("x", &value)];
    if from == to {
        return value;
    }
    match (from, to) {
        (Type::TimestampTz, Type::Date) => build("cast(x at time zone 'UTC' as date)", &x),
        (Type::TimestampTz, Type::Time) => build("cast(x at time zone 'UTC' as time)", &x),
        (Type::TimestampTz, Type::Timestamp) => build("x at time zone 'UTC'", &x),
        (Type::Date | Type::Timestamp, Type::TimestampTz) => build("cast(x as timestamp) at time zone 'UTC'", &x),
        (Type::Text, Type::TimestampTz) => match super::literals::text_of(&value) {
            Some(text) => {
                let zoned = super::literals::with_zone(&text);
                let zoned = Expr::value(sqlparser::ast::Value::SingleQuotedString(zoned));
                build(&format!("{cast}(x as timestamptz)"), &[("x", &zoned)])
            }
            None => build(
                &format!(
                    "case when regexp_matches(x, ':.*([-+]|[A-Za-z])') then {cast}(x as timestamptz) else {cast}(x as timestamp) at time zone 'UTC' end"
                ),
                &x,
            ),
        },
        (Type::Unknown, Type::TimestampTz) => build(
            &format!(
                "case when typeof(x) = 'TIMESTAMP WITH TIME ZONE' or regexp_matches(cast(x as varchar), ':.*([-+]|[A-Za-z])') \
                 then {cast}(x as timestamptz) else {cast}(x as timestamp) at time zone 'UTC' end"
            ),
            &x,
        ),
        // DuckDB rounds halves of floats to even numbers.
        (Type::Float, Type::Int) => build(&format!("{cast}(round(x) as bigint)"), &x),
        // DuckDB rounds a text that holds a fraction; BigQuery refuses it.
        (Type::Text, Type::Int)
            if super::literals::text_of(&value).is_none_or(|text| text.contains(['.', 'e', 'E'])) =>
        {
            build(
                &format!(
                    "case when regexp_full_match(x, '\\s*[-+]?([0-9]+|0[xX][0-9a-fA-F]+)\\s*') then {cast}(x as bigint) {} end",
                    if safe { "" } else { "when x is not null then error('bad int64 value: ' || x)" }
                ),
                &x,
            )
        }
        (Type::Unknown, Type::Int) if !matches!(value, Expr::Value(_)) => build(
            &format!(
                "case when typeof(x) in ('DOUBLE', 'FLOAT') then {cast}(round(try_cast(x as double)) as bigint) \
                 when typeof(x) <> 'VARCHAR' or regexp_full_match(cast(x as varchar), '\\s*[-+]?([0-9]+|0[xX][0-9a-fA-F]+)\\s*') \
                 then {cast}(x as bigint) {} end",
                if safe { "" } else { "when x is not null then error('bad int64 value: ' || cast(x as varchar))" }
            ),
            &x,
        ),
        (_, Type::Int) => build(&format!("{cast}(x as bigint)"), &x),
        (_, Type::Text) => text(&value, from, safe),
        (Type::Text, Type::Bytes) => build("encode(x)", &x),
        (_, Type::Float) => build(&format!("{cast}(x as double)"), &x),
        (_, Type::Bool) => build(&format!("{cast}(x as boolean)"), &x),
        (_, Type::Bytes) => build(&format!("{cast}(x as blob)"), &x),
        (_, Type::Date) => build(&format!("{cast}(x as date)"), &x),
        (_, Type::Time) => build(&format!("{cast}(x as time)"), &x),
        (_, Type::Timestamp) => build(&format!("{cast}(x as timestamp)"), &x),
        (_, Type::TimestampTz) => build(&format!("{cast}(x as timestamptz)"), &x),
        (_, Type::Interval) => build(&format!("{cast}(x as interval)"), &x),
        (_, Type::Json) => build(&format!("{cast}(x as json)"), &x),
        (_, Type::Decimal) => build(&format!("{cast}(x as decimal(38, 9))"), &x),
        _ => value,
    }
}

/// A value as BigQuery writes it.
fn text(value: &Expr, from: &Type, safe: bool) -> Expr {
    // Without the zeros behind its last digit, and without a point that nothing follows.
    const NUMBER: &str = r"regexp_replace(cast(x as varchar), '^(-?\d+)(?:\.0*|(\.\d*?[1-9])0*)$', '\1\2')";
    const FRACTION: &str = "regexp_replace(strftime(x, '.%f'), '(\\.000000|000)$', '')";
    let x = [("x", value)];
    match from {
        Type::Bytes if safe => build("try(decode(x))", &x),
        Type::Bytes => build("decode(x)", &x),
        Type::Float | Type::Decimal => build(NUMBER, &x),
        Type::TimestampTz => {
            let local = build("(x at time zone 'UTC')", &x);
            build(&format!("strftime(x, '%Y-%m-%d %H:%M:%S') || {FRACTION} || '+00'"), &[("x", &local)])
        }
        Type::Timestamp => build(&format!("strftime(x, '%Y-%m-%d %H:%M:%S') || {FRACTION}"), &x),
        Type::Unknown if !matches!(value, Expr::Value(_)) => {
            let number = build(NUMBER, &x);
            build(
                "case when regexp_matches(typeof(x), '^(DOUBLE|FLOAT|DECIMAL)') then n else cast(x as varchar) end",
                &[("x", value), ("n", &number)],
            )
        }
        _ => build("cast(x as varchar)", &x),
    }
}
