//! Quotients, whose digits after the point depend on the types of both sides.
//!
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html>. The manual does not say whether the
//! last digit is rounded; it is here.

use sqlparser::ast::{BinaryOperator, Expr, Value};
use sqlparser::tokenizer::Span;

use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::{is_nonzero, name_of};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A quotient whose sides are translated, where its type is known only to DuckDB, or one of decimals.
///
/// DuckDB knows the types when it binds the query, so that all that is said of them here is done once and not for each
/// row. `_d` is the precision and the scale of both sides, in which a whole number counts as the decimal that holds it.
pub(super) fn divide(expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::BinaryOp { left: one, op: BinaryOperator::Divide, right: other } = expr else { return None };
    let kind = match (left, right) {
        (Type::Decimal, Type::Decimal | Type::Int) | (Type::Int, Type::Decimal) => Type::Decimal,
        (Type::Unknown | Type::Decimal | Type::Int, Type::Unknown) | (Type::Unknown, Type::Decimal | Type::Int) => {
            Type::Unknown
        }
        _ => return None,
    };
    if rewriter.is_too_long(&[one, other], Span::empty()) {
        *expr = Expr::value(Value::Null);
        return Some(kind);
    }
    let (p1, p2) = (precision(1, one), precision(3, other));
    // precision = p1 - s1 + s2 + scale, scale = max(4, s1 + p2 - s2 + 1), as far as 38 digits go.
    let scale = format!("greatest(4, _d[2] - _d[4] + least({p2} + 1, 38 - {p1}))");
    let decimal = format!(
        "list_transform([cast(regexp_extract_all(replace(\
         typeof(coalesce(x, cast(0 as decimal(1, 0)))) || typeof(coalesce(y, cast(0 as decimal(1, 0)))), \
         'DECIMAL(38,0)', 'DECIMAL(19,0)'), '[0-9]+') as integer[])], lambda _d: case when len(_d) < 4 then '\"DOUBLE\"' \
         else format('\"DECIMAL({{}},{{}})\"', least(38, {p1} - _d[2] + _d[4] + {scale}), {scale}) end)[1]"
    );
    let by_zero = if is_nonzero(other) { "" } else { "when y = 0 then error('division by zero')" };
    let may_be_whole = *left != Type::Decimal && *right != Type::Decimal;
    let text = match (may_be_whole, by_zero) {
        (true, by_zero) => format!(
            "case {by_zero} when typeof(x // y) like '%INT%' \
             then cast_to_type(x // y, json_transform('null', '\"' || replace(typeof(x // y), 'DOUBLE', 'TINYINT') || '\"')) \
             else cast_to_type(x / y, json_transform('null', \
             case when typeof(x // y) like '%INT%' then '\"TINYINT\"' else {decimal} end)) end"
        ),
        (false, "") => format!("cast_to_type(x / y, json_transform('null', {decimal}))"),
        (false, by_zero) => {
            format!("case {by_zero} else cast_to_type(x / y, json_transform('null', {decimal})) end")
        }
    };
    *expr = build(&text, &[("x", one), ("y", other)]);
    Some(kind)
}

/// The precision at that place of `_d`. That of a product is one more than DuckDB's.
fn precision(place: u8, side: &Expr) -> String {
    match side {
        Expr::Nested(inner) => precision(place, inner),
        Expr::BinaryOp { op: BinaryOperator::Multiply, .. } => format!("least(38, _d[{place}] + 1)"),
        _ => format!("_d[{place}]"),
    }
}

/// A sum of whole numbers is one of eight bytes in a product, not one of DuckDB's sixteen, as the digits of a quotient
/// depend on that.
pub(super) fn factor(expr: &mut Expr, left: &Type, right: &Type) {
    let Expr::BinaryOp { left: one, op: BinaryOperator::Multiply, right: other } = expr else { return };
    for (side, kind) in [(one, left), (other, right)] {
        let is_sum = matches!(side.as_ref(), Expr::Function(function) if name_of(function) == "sum");
        let text = match kind {
            Type::Int if is_sum => "cast(x as bigint)",
            Type::Unknown if is_sum => {
                "cast_to_type(x, json_transform('null', '\"' || replace(typeof(x), 'HUGEINT', 'BIGINT') || '\"'))"
            }
            _ => continue,
        };
        **side = build(text, &[("x", side)]);
    }
}
