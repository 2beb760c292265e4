//! Operators.

use sqlparser::ast::{BinaryOperator, DataType, Expr, Spanned, UnaryOperator, Value};
use sqlparser::tokenizer::Span;

use super::cast::converted;
use super::expr::{text_of, whole};
use super::pattern;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::{Rewriter, is_comparison};
use crate::dialect::translate::types::Type;

/// An operator whose sides are translated.
pub(crate) fn binary(expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
    let Expr::BinaryOp { left: one, op, right: other } = expr else { return Type::Unknown };
    if (*left == Type::Json || *right == Type::Json)
        && let Some(kind) = json(one, op, other, left, right, rewriter)
    {
        return match kind {
            Some((done, kind)) => {
                *expr = done;
                kind
            }
            None => binary(expr, &unwrapped(left, right), &unwrapped(right, left), rewriter),
        };
    }
    if matches!(op, BinaryOperator::Divide | BinaryOperator::Modulo)
        && rewriter.is_too_long(&[one, other], Span::empty())
    {
        *expr = Expr::value(Value::Null);
        return Type::Unknown;
    }
    let sides = [("x", one.as_ref()), ("y", other.as_ref())];
    let early = of_moments(op, one, other, left, right).or_else(|| of_patterns(op, one, other, rewriter));
    if let Some((done, kind)) = early {
        *expr = done;
        return kind;
    }
    let (done, kind) = match (&*op, left, right) {
        (BinaryOperator::Divide, _, _) => divide(one, other, left, right),
        (BinaryOperator::Modulo, _, _) => {
            let other = checked(other);
            (build("x % y", &[("x", one), ("y", &other)]), left.clone().and(right.clone()))
        }
        (BinaryOperator::StringConcat, _, _) if *left == Type::Float || *right == Type::Float => {
            let text = DataType::Varchar(None);
            let one = if *left == Type::Float {
                converted(one.as_ref().clone(), left, &Type::Text, &text, false)
            } else {
                one.as_ref().clone()
            };
            let other = if *right == Type::Float {
                converted(other.as_ref().clone(), right, &Type::Text, &text, false)
            } else {
                other.as_ref().clone()
            };
            (build("x || y", &[("x", &one), ("y", &other)]), Type::Text)
        }
        (BinaryOperator::BitwiseXor | BinaryOperator::PGExp, _, _) => {
            (build("power(cast(x as double), cast(y as double))", &sides), Type::Float)
        }
        (BinaryOperator::PGBitwiseXor, _, _) => (build("xor(x, y)", &sides), left.clone()),
        (BinaryOperator::StringConcat, Type::Array(_), kind) if is_element(kind) => {
            (build("list_append(x, y)", &sides), left.clone())
        }
        (BinaryOperator::StringConcat, kind, Type::Array(_)) if is_element(kind) => {
            (build("list_prepend(x, y)", &sides), right.clone())
        }
        (BinaryOperator::PGStartsWith, _, _) => (build("starts_with(x, y)", &sides), Type::Bool),
        (BinaryOperator::AtArrow, Type::Array(_), _) => (build("list_has_all(x, y)", &sides), Type::Bool),
        (BinaryOperator::ArrowAt, Type::Array(_), _) => (build("list_has_all(y, x)", &sides), Type::Bool),
        (BinaryOperator::PGOverlap, Type::Array(_), _) => (build("list_has_any(x, y)", &sides), Type::Bool),
        // Functions, because DuckDB's arrows bind less than any comparison.
        (BinaryOperator::Arrow, _, _) => (build("json_extract(x, y)", &sides), Type::Json),
        (BinaryOperator::LongArrow, _, _) => (build("json_extract_string(x, y)", &sides), Type::Text),
        (BinaryOperator::HashArrow | BinaryOperator::HashLongArrow, _, _) => {
            let Some(path) = text_of(other).and_then(path) else {
                rewriter.missing(other.span(), "path that is no text");
                return Type::Unknown;
            };
            let path = Expr::value(Value::SingleQuotedString(path));
            if *op == BinaryOperator::HashArrow {
                (build("json_extract(x, y)", &[("x", one), ("y", &path)]), Type::Json)
            } else {
                (build("json_extract_string(x, y)", &[("x", one), ("y", &path)]), Type::Text)
            }
        }
        (op, one_kind, other_kind)
            if is_comparison(op) && (*one_kind == Type::TimestampTz) != (*other_kind == Type::TimestampTz) =>
        {
            // The side without a zone is of UTC.
            for (side, kind) in [(one, one_kind), (other, other_kind)] {
                if matches!(kind, Type::Date | Type::Timestamp | Type::Text) {
                    **side = converted(side.as_ref().clone(), kind, &Type::TimestampTz, &timestamptz(), false);
                }
            }
            return Type::Bool;
        }
        _ => return rewriter.operator(expr, left, right),
    };
    *expr = done;
    kind
}

fn is_element(kind: &Type) -> bool {
    !matches!(kind, Type::Array(_) | Type::Unknown)
}

fn timestamptz() -> DataType {
    DataType::Timestamp(None, sqlparser::ast::TimezoneInfo::WithTimeZone)
}

/// Sums and differences of days and moments.
fn of_moments(op: &BinaryOperator, one: &Expr, other: &Expr, left: &Type, right: &Type) -> Option<(Expr, Type)> {
    let sides = [("x", one), ("y", other)];
    Some(match (op, left, right) {
        (BinaryOperator::Plus | BinaryOperator::Minus, Type::Date, Type::Int) => {
            let sign = if *op == BinaryOperator::Plus { '+' } else { '-' };
            let text =
                if whole(other).is_some() { format!("x {sign} y") } else { format!("x {sign} cast(y as integer)") };
            (build(&text, &sides), Type::Date)
        }
        (BinaryOperator::Plus, Type::Int, Type::Date) => (build("y + cast(x as integer)", &sides), Type::Date),
        (BinaryOperator::Plus, Type::Timestamp, Type::Int) => {
            (build("x + to_days(cast(y as integer))", &sides), Type::Timestamp)
        }
        (BinaryOperator::Minus, Type::Timestamp, Type::Int) => {
            (build("x - to_days(cast(y as integer))", &sides), Type::Timestamp)
        }
        // A day is a day of UTC, whatever the zone of the session.
        (BinaryOperator::Plus, Type::TimestampTz, Type::Interval) => {
            (build("(x at time zone 'UTC' + y) at time zone 'UTC'", &sides), Type::TimestampTz)
        }
        (BinaryOperator::Minus, Type::TimestampTz, Type::Interval) => {
            (build("(x at time zone 'UTC' - y) at time zone 'UTC'", &sides), Type::TimestampTz)
        }
        (BinaryOperator::Plus, Type::Interval, Type::Date | Type::Timestamp) => {
            (build("y + x", &sides), Type::Timestamp)
        }
        (BinaryOperator::Multiply, Type::Interval, _) | (BinaryOperator::Multiply, _, Type::Interval) => {
            (build("x * y", &sides), Type::Interval)
        }
        (BinaryOperator::Minus, Type::Timestamp | Type::TimestampTz, Type::Timestamp | Type::TimestampTz) => {
            (build("x - y", &sides), Type::Interval)
        }
        _ => return None,
    })
}

/// Operators of patterns.
fn of_patterns(op: &BinaryOperator, one: &Expr, other: &Expr, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let sides = [("x", one), ("y", other)];
    Some(match op {
        BinaryOperator::PGRegexMatch | BinaryOperator::PGRegexIMatch => {
            (pattern::matches(one, other, *op == BinaryOperator::PGRegexIMatch, rewriter), Type::Bool)
        }
        BinaryOperator::PGRegexNotMatch | BinaryOperator::PGRegexNotIMatch => {
            let done = pattern::matches(one, other, *op == BinaryOperator::PGRegexNotIMatch, rewriter);
            (Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(done) }, Type::Bool)
        }
        BinaryOperator::PGLikeMatch => (build("x like y escape '\\'", &sides), Type::Bool),
        BinaryOperator::PGILikeMatch => (build("x ilike y escape '\\'", &sides), Type::Bool),
        BinaryOperator::PGNotLikeMatch => (build("x not like y escape '\\'", &sides), Type::Bool),
        BinaryOperator::PGNotILikeMatch => (build("x not ilike y escape '\\'", &sides), Type::Bool),
        _ => return None,
    })
}

/// Between whole numbers the result is one, cut towards zero; a division by zero is an error.
fn divide(one: &Expr, other: &Expr, left: &Type, right: &Type) -> (Expr, Type) {
    let unchecked = other;
    let other = checked(other);
    let sides = [("x", one), ("y", &other)];
    match (left, right) {
        (Type::Int, Type::Int) => (build("x // y", &sides), Type::Int),
        (Type::Interval, _) => (build("x / y", &sides), Type::Interval),
        (Type::Decimal, Type::Decimal | Type::Int) | (Type::Int, Type::Decimal) => {
            (build("x / y", &sides), Type::Decimal)
        }
        (Type::Float | Type::Decimal, _) | (_, Type::Float | Type::Decimal) => (build("x / y", &sides), Type::Float),
        // The type is known only to DuckDB: its own whole division keeps that of the result.
        _ => {
            let error = if *unchecked == other { "" } else { "when y = 0 then error('division by zero')" };
            let text = format!(
                "case {error} when typeof(x // y) like '%INT%' then cast_to_type(x // y, x // y) \
                 else cast_to_type(x / y, x // y) end"
            );
            (build(&text, &[("x", one), ("y", unchecked)]), Type::Unknown)
        }
    }
}

/// A divisor that is an error where it is zero.
fn checked(divisor: &Expr) -> Expr {
    if is_nonzero(divisor) {
        divisor.clone()
    } else {
        build("case when y = 0 then error('division by zero') else y end", &[("y", divisor)])
    }
}

/// Whether a divisor cannot be zero, as far as its text tells.
pub(crate) fn is_nonzero(divisor: &Expr) -> bool {
    match divisor {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)),
            _ => false,
        },
        Expr::Function(function) => {
            let name = function.name.to_string();
            name.eq_ignore_ascii_case("nullif") && function.args.to_string().trim_end().ends_with(", 0)")
        }
        _ => false,
    }
}

/// `{a,0,b}` as DuckDB's path.
fn path(text: &str) -> Option<String> {
    let inside = text.strip_prefix('{')?.strip_suffix('}')?;
    let steps = inside.split(',').map(str::trim).map(|step| {
        if step.bytes().all(|digit| digit.is_ascii_digit()) { format!("[{step}]") } else { format!(".\"{step}\"") }
    });
    Some(format!("${}", steps.collect::<String>()))
}

/// What a value out of JSON counts as beside one of this type.
fn unwrapped(kind: &Type, beside: &Type) -> Type {
    match (kind, beside) {
        (Type::Json, Type::Json | Type::Int | Type::Decimal | Type::Float | Type::Unknown) => Type::Float,
        (Type::Json, beside) => beside.clone(),
        (kind, _) => kind.clone(),
    }
}

/// An operator with a side out of JSON: that side becomes what the other one is. `None` leaves it as it is.
#[expect(clippy::option_option, reason = "done, to be gone on with, or not of this kind")]
fn json(
    one: &mut Expr,
    op: &BinaryOperator,
    other: &mut Expr,
    left: &Type,
    right: &Type,
    rewriter: &mut Rewriter,
) -> Option<Option<(Expr, Type)>> {
    let arithmetic = matches!(
        op,
        BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
    );
    let comparison = is_comparison(op);
    if !arithmetic && !comparison {
        if matches!(op, BinaryOperator::StringConcat | BinaryOperator::AtArrow | BinaryOperator::ArrowAt) {
            rewriter.missing(one.span(), &format!("operator `{op}` on JSON"));
        }
        return None;
    }
    if arithmetic {
        for (side, kind) in [(&mut *one, left), (&mut *other, right)] {
            if *kind == Type::Json {
                *side = build("try_cast(json_extract_string(x, '$') as double)", &[("x", side)]);
            }
        }
        return Some(None);
    }
    if *left == Type::Json && *right == Type::Json {
        if *op == BinaryOperator::Eq || *op == BinaryOperator::NotEq {
            return None;
        }
        rewriter.missing(one.span(), &format!("operator `{op}` between two values of JSON"));
        return Some(Some((build("x", &[("x", one)]), Type::Unknown)));
    }
    for (side, kind, beside) in [(&mut *one, left, right), (&mut *other, right, left)] {
        if *kind != Type::Json {
            continue;
        }
        let text = match beside {
            Type::Text => "json_extract_string(x, '$')",
            beside if beside.is_number() => "try_cast(json_extract_string(x, '$') as double)",
            Type::Bool => "try_cast(json_extract_string(x, '$') as boolean)",
            Type::Date => "try_cast(json_extract_string(x, '$') as date)",
            Type::Timestamp => "try_cast(json_extract_string(x, '$') as timestamp)",
            _ => {
                rewriter.missing_because(
                    side.span(),
                    "comparison of JSON with a value of unknown type",
                    "cast the one or the other",
                );
                "x"
            }
        };
        *side = build(text, &[("x", side)]);
    }
    Some(None)
}
