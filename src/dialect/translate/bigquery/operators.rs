//! Operators, and the functions that the grammar knows by themselves.

use sqlparser::ast::{BinaryOperator, Expr, Spanned, TrimWhereField, Value};

use super::calls::{substring, trimmed, whole};
use super::casts::convert;
use super::dates::fixed;
use super::literals::text_of;
use crate::dialect::translate::functions::{bracketed, build};
use crate::dialect::translate::rewrite::{Rewriter, is_comparison};
use crate::dialect::translate::types::Type;

/// An operator whose sides are translated.
pub(crate) fn binary(expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
    let Expr::BinaryOp { left: one, op, right: other } = expr else { return Type::Unknown };
    // A literal beside a NUMERIC is a NUMERIC.
    let (left, right) = match (left, right) {
        (Type::Decimal, Type::Float) if exact(other) => (left, &Type::Decimal),
        (Type::Float, Type::Decimal) if exact(one) => (&Type::Decimal, right),
        sides => sides,
    };
    match op {
        BinaryOperator::Multiply if (left, right) == (&Type::Decimal, &Type::Decimal) => {
            *expr = build("cast(a * b as decimal(38, 9))", &[("a", one.as_ref()), ("b", other.as_ref())]);
            Type::Decimal
        }
        BinaryOperator::Divide if rewriter.is_too_long(&[one, other], one.span()) => {
            *expr = Expr::value(Value::Null);
            Type::Unknown
        }
        BinaryOperator::Divide => {
            let by_zero = divisor(other);
            let quotient = build("a / b", &[("a", one.as_ref()), ("b", &by_zero)]);
            let decimal =
                matches!((left, right), (Type::Decimal, Type::Decimal | Type::Int) | (Type::Int, Type::Decimal));
            if decimal {
                *expr = build("cast(q as decimal(38, 9))", &[("q", &quotient)]);
                return Type::Decimal;
            }
            if [left, right].iter().all(|kind| matches!(kind, Type::Unknown | Type::Int | Type::Decimal))
                && (left, right) != (&Type::Int, &Type::Int)
            {
                // DuckDB knows whether there is a NUMERIC among them when it binds the query.
                let text = "cast_to_type(q, json_transform('null', \
                    case when typeof(a + b) like 'DECIMAL%' then '\"DECIMAL(38,9)\"' else '\"DOUBLE\"' end))";
                *expr = build(text, &[("q", &quotient), ("a", one), ("b", other)]);
                return Type::Unknown;
            }
            *expr = quotient;
            Type::Float
        }
        BinaryOperator::BitwiseXor => {
            *expr = build("xor(a, b)", &[("a", one.as_ref()), ("b", other.as_ref())]);
            Type::Int
        }
        BinaryOperator::Plus | BinaryOperator::Minus if *right == Type::Interval && *left == Type::TimestampTz => {
            **other = fixed(other.as_ref().clone());
            Type::TimestampTz
        }
        BinaryOperator::Minus if *left == Type::Date && *right == Type::Date => {
            *expr = build("to_days(cast(a - b as integer))", &[("a", one.as_ref()), ("b", other.as_ref())]);
            Type::Interval
        }
        op if is_comparison(op) => {
            alike(one, left, right);
            alike(other, right, left);
            Type::Bool
        }
        BinaryOperator::StringConcat => {
            // One that is no text is not a text to the other either.
            for (side, kind) in [(one, left), (other, right)] {
                if matches!(kind, Type::Float | Type::Decimal | Type::Timestamp | Type::TimestampTz) {
                    **side = bracketed(convert(side.as_ref().clone(), kind, &Type::Text, false));
                }
            }
            rewriter.operator(expr, left, right)
        }
        BinaryOperator::Multiply | BinaryOperator::Plus | BinaryOperator::Minus
            if *left == Type::Int && *right == Type::Int && whole(one).is_some() && whole(other).is_some() =>
        {
            // Two literals are 32 bits wide in DuckDB.
            **one = build("cast(x as bigint)", &[("x", one.as_ref())]);
            Type::Int
        }
        _ => rewriter.operator(expr, left, right),
    }
}

/// Makes an exact number of a literal with a point; `false` for anything else.
fn exact(literal: &mut Expr) -> bool {
    let Expr::Value(value) = literal else { return false };
    let Value::Number(digits, _) = &value.value else { return false };
    let Some(plain) = digits.strip_suffix("e0") else { return false };
    value.value = Value::Number(plain.to_owned(), false);
    true
}

/// A divisor that is an error where it is zero, as in BigQuery; DuckDB's quotient would be NULL or infinite.
fn divisor(value: &Expr) -> Expr {
    let nonzero = match value {
        Expr::Value(literal) => match &literal.value {
            Value::Number(digits, _) => digits.parse::<f64>().is_ok_and(|number| number != 0.0),
            _ => false,
        },
        Expr::Function(function) => {
            function.name.to_string().eq_ignore_ascii_case("nullif") && value.to_string().ends_with(", 0)")
        }
        _ => false,
    };
    if nonzero {
        value.clone()
    } else {
        build("case when b = 0 then error('division by zero') else b end", &[("b", value)])
    }
}

/// Reads a literal as what it is compared with.
fn alike(value: &mut Expr, kind: &Type, with: &Type) {
    if *with == Type::TimestampTz && matches!(kind, Type::Text | Type::Date | Type::Timestamp) {
        *value = bracketed(convert(value.clone(), kind, with, false));
    }
}

pub(crate) fn between(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Between { expr: operand, low, high, .. } = expr else { return None };
    let kind = rewriter.expr(operand);
    for bound in [low, high] {
        let of_bound = rewriter.expr(bound);
        alike(bound, &of_bound, &kind);
    }
    Some(Type::Bool)
}

pub(crate) fn in_list(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::InList { expr: operand, list, .. } = expr else { return None };
    let kind = rewriter.expr(operand);
    for item in list {
        let of_item = rewriter.expr(item);
        alike(item, &of_item, &kind);
    }
    Some(Type::Bool)
}

pub(crate) fn in_unnest(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::InUnnest { expr: operand, array_expr, negated } = expr else { return None };
    rewriter.expr(operand);
    rewriter.expr(array_expr);
    let text = if *negated { "x not in (select unnest(a))" } else { "x in (select unnest(a))" };
    *expr = build(text, &[("x", operand), ("a", array_expr)]);
    Some(Type::Bool)
}

/// A backslash escapes in BigQuery's patterns, without being asked to.
pub(crate) fn like(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Like { any, negated, expr: operand, pattern, escape_char } = expr else { return None };
    let place = operand.span();
    let any = *any;
    if !any {
        rewriter.expr(operand);
        rewriter.expr(pattern);
        if text_of(pattern).is_none_or(|pattern| pattern.contains('\\')) {
            *escape_char = Some(Box::new(Expr::value(Value::SingleQuotedString("\\".to_owned()))));
        }
        return Some(Type::Bool);
    }
    let Expr::Tuple(patterns) = pattern.as_ref() else {
        rewriter.missing(place, "LIKE ANY of this form");
        return Some(Type::Bool);
    };
    if *negated {
        rewriter.missing(place, "NOT LIKE ANY");
        return Some(Type::Bool);
    }
    let mut tests = Vec::new();
    for pattern in patterns.clone() {
        let mut test = Expr::Like {
            any: false,
            negated: false,
            expr: operand.clone(),
            pattern: Box::new(pattern),
            escape_char: None,
        };
        like(&mut test, rewriter);
        tests.push(test);
    }
    let either = tests.into_iter().reduce(|one, other| Expr::BinaryOp {
        left: Box::new(one),
        op: BinaryOperator::Or,
        right: Box::new(other),
    })?;
    *expr = Expr::Nested(Box::new(either));
    Some(Type::Bool)
}

/// TRIM, SUBSTR and POSITION.
pub(crate) fn text(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let place = expr.span();
    match expr {
        Expr::Trim { trim_where, trim_what, expr: value, trim_characters } => {
            let kind = rewriter.expr(value);
            if kind == Type::Bytes {
                rewriter.missing(place, "function `trim` of bytes");
            }
            let name = match trim_where {
                None | Some(TrimWhereField::Both) => "trim",
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
            };
            let letters =
                trim_what.as_deref_mut().or_else(|| trim_characters.as_mut().and_then(|letters| letters.first_mut()));
            *expr = match letters {
                None => trimmed(name, value),
                Some(letters) => {
                    rewriter.expr(letters);
                    build(&format!("{name}(x, y)"), &[("x", value), ("y", letters)])
                }
            };
        }
        Expr::Substring { expr: value, substring_from, substring_for, .. } => {
            let mut arguments = Vec::new();
            for part in std::iter::once(value).chain(substring_from).chain(substring_for) {
                let kind = rewriter.expr(part);
                arguments.push((part.as_ref().clone(), kind));
            }
            match substring(arguments) {
                Some((translated, _)) => *expr = translated,
                None => rewriter.missing(place, "function `substr` of bytes"),
            }
        }
        _ => return None,
    }
    Some(Type::Text)
}

/// A path that goes into a JSON value.
pub(crate) fn path(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::CompoundIdentifier(parts) = expr else { return None };
    let names: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let depth =
        (1..names.len()).find(|depth| rewriter.scopes.path(names.get(..*depth).unwrap_or_default()) == Type::Json)?;
    let keys = format!(".\"{}\"", names.get(depth..)?.join("\".\""));
    let column = match parts.get(..depth)? {
        [one] => Expr::Identifier(one.clone()),
        several => Expr::CompoundIdentifier(several.to_vec()),
    };
    let keys = Expr::value(Value::SingleQuotedString(format!("${keys}")));
    *expr = build("json_extract(j, p)", &[("j", &column), ("p", &keys)]);
    Some(Type::Json)
}
