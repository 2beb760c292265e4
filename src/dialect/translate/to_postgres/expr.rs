//! Expressions.

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DateTimeField, Expr, Function, FunctionArgumentClause, Spanned,
    TypedString, UnaryOperator, Value,
};

use crate::dialect::translate::functions::{build, give};
use crate::dialect::translate::postgres::{called, constant, name_of, text_of};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// What PostgreSQL writes in the same way, and the walk does not know; `None` leaves it to that.
pub(super) fn shared(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    match expr {
        Expr::Cast { .. } => return Some(cast(expr, rewriter)),
        Expr::TypedString(TypedString { data_type, value, .. }) => {
            let operand = Box::new(Expr::Value(value.clone()));
            *expr = Expr::Cast { kind: CastKind::Cast, expr: operand, data_type: data_type.clone(), format: None };
            return Some(cast(expr, rewriter));
        }
        Expr::Convert { is_try: false, expr: operand, data_type: Some(data_type), charset: None, .. } => {
            let (operand, data_type) = (operand.clone(), data_type.clone());
            *expr = Expr::Cast { kind: CastKind::Cast, expr: operand, data_type, format: None };
            return Some(cast(expr, rewriter));
        }
        Expr::Interval(interval) if text_of(&interval.value).is_some() => return Some(Type::Interval),
        Expr::IsUnknown(operand) | Expr::IsNotUnknown(operand) => {
            rewriter.expr(operand);
            return Some(Type::Bool);
        }
        Expr::AnyOp { left, right, .. } | Expr::AllOp { left, right, .. } => {
            rewriter.expr(left);
            rewriter.expr(right);
            return Some(Type::Bool);
        }
        Expr::Ceil { expr: operand, field } | Expr::Floor { expr: operand, field } => {
            let kind = rewriter.expr(operand);
            if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
                rewriter.missing(operand.span(), "CEIL or FLOOR with a second argument");
            }
            return Some(kind);
        }
        Expr::Position { expr: needle, r#in: text } => {
            rewriter.expr(needle);
            rewriter.expr(text);
            return Some(Type::Int);
        }
        Expr::Substring { expr: text, substring_from, substring_for, .. } => {
            let rest: Vec<Expr> = substring_from.iter().chain(&*substring_for).map(|part| (**part).clone()).collect();
            let (done, kind) = match (&substring_from, &substring_for) {
                (None, Some(length)) => substring(text, &[build("1", &[]), (**length).clone()], rewriter),
                _ => substring(text, &rest, rewriter),
            };
            *expr = done;
            return Some(kind);
        }
        Expr::Trim { trim_what, expr: operand, trim_characters, .. } => {
            rewriter.expr(operand);
            for what in trim_what.iter_mut().map(AsMut::as_mut).chain(trim_characters.iter_mut().flatten()) {
                rewriter.expr(what);
            }
            return Some(Type::Text);
        }
        Expr::Overlay { expr: text, overlay_what, overlay_from, overlay_for } => {
            for part in [text, overlay_what, overlay_from].into_iter().chain(overlay_for) {
                rewriter.expr(part);
            }
            return Some(Type::Text);
        }
        Expr::UnaryOp { op, expr: operand }
            if matches!(op, UnaryOperator::PGSquareRoot | UnaryOperator::PGCubeRoot | UnaryOperator::PGAbs) =>
        {
            let kind = rewriter.expr(operand);
            if *op == UnaryOperator::PGAbs {
                // `@-5` would be one operator.
                *expr = build("abs(x)", &[("x", operand)]);
                return Some(kind);
            }
            return Some(Type::Float);
        }
        _ => {}
    }
    None
}

/// A cast whose operand is not yet translated.
pub(super) fn cast(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return Type::Unknown };
    let is_constant = constant(operand);
    let from = rewriter.expr(operand);
    let place = operand.span();
    if format.is_some() {
        rewriter.missing(place, "CAST with FORMAT");
    }
    if !matches!(kind, CastKind::Cast | CastKind::DoubleColon) {
        rewriter.missing_because(place, "cast that gives NULL where it fails", "test the value with CASE first");
    }
    rewriter.data_type(data_type, place);
    let to = Type::of(data_type);
    let target = data_type.clone();
    let convert = |operand: Expr| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(operand),
        data_type: target.clone(),
        format: None,
    };
    let operand = operand.as_ref().clone();
    *expr = match (&from, &to) {
        (_, Type::Int | Type::Decimal) if !is_constant => rewriter.rules.number(operand, &from, &target, &convert),
        // The day and the text of a moment are those of UTC.
        (Type::TimestampTz, Type::Date | Type::Timestamp) => convert(build("x at time zone 'UTC'", &[("x", &operand)])),
        (Type::Date | Type::Timestamp, Type::TimestampTz) => {
            convert(build("cast(x as timestamp) at time zone 'UTC'", &[("x", &operand)]))
        }
        _ => convert(operand),
    };
    to
}

/// An operator whose sides are translated.
pub(super) fn binary(expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
    let Expr::BinaryOp { left: one, op, right: other } = expr else { return Type::Unknown };
    let sides = [("x", one.as_ref()), ("y", other.as_ref())];
    let (done, kind) = match (&*op, left, right) {
        (BinaryOperator::Plus, Type::Timestamp | Type::TimestampTz, Type::Int) => {
            (build("x + y * interval '1 day'", &sides), left.clone())
        }
        (BinaryOperator::Minus, Type::Timestamp | Type::TimestampTz, Type::Int) => {
            (build("x - y * interval '1 day'", &sides), left.clone())
        }
        // A day takes an `integer`, nothing longer.
        (BinaryOperator::Plus | BinaryOperator::Minus, Type::Date, Type::Int | Type::Unknown) => {
            let is_literal = matches!(other.as_ref(), Expr::Value(_));
            let kind = if *right == Type::Int { Type::Date } else { Type::Unknown };
            if is_literal || *right == Type::Unknown {
                return kind;
            }
            let sign = if *op == BinaryOperator::Plus { '+' } else { '-' };
            (build(&format!("x {sign} cast(y as integer)"), &sides), kind)
        }
        (BinaryOperator::Minus, Type::Timestamp | Type::TimestampTz, Type::Timestamp | Type::TimestampTz) => {
            return Type::Interval;
        }
        (BinaryOperator::Divide, _, _) => {
            return match (left, right) {
                (left, right) if left.is_number() && right.is_number() => left.clone().and(right.clone()),
                (Type::Float, _) | (_, Type::Float) => Type::Float,
                _ => Type::Unknown,
            };
        }
        (BinaryOperator::BitwiseXor | BinaryOperator::PGExp, _, _) => {
            (build("power(cast(x as double precision), cast(y as double precision))", &sides), Type::Float)
        }
        (
            BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::PGRegexNotMatch
            | BinaryOperator::PGRegexNotIMatch
            | BinaryOperator::PGLikeMatch
            | BinaryOperator::PGNotLikeMatch,
            _,
            _,
        ) => return Type::Bool,
        (BinaryOperator::PGBitwiseXor, _, _) => return left.clone(),
        _ => return rewriter.operator(expr, left, right),
    };
    *expr = done;
    kind
}

/// `f(…) within group (order by …)`, and `listagg` without it.
pub(super) fn within_group(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut function = function.clone();
    let name = name_of(&function);
    let place = function.name.span();
    let mut order = std::mem::take(&mut function.within_group);
    let (mut arguments, mut modifiers) = rewriter.take_arguments(&name, &mut function);
    let mut kind = Type::Unknown;
    for item in &mut order {
        kind = rewriter.expr(&mut item.expr.clone());
        rewriter.order_by_expr(item);
    }
    if modifiers.over.is_some() {
        rewriter.missing_because(place, &format!("function `{name}` over a window"), "aggregate in a query of its own");
    }
    match (name.as_str(), arguments.as_mut_slice()) {
        ("listagg" | "string_agg", [(value, kind), rest @ ..]) if rest.len() < 2 => {
            let listed = value.clone();
            let is_text = *kind == Type::Text;
            let as_text = |value: &Expr| build("cast(x as text)", &[("x", value)]);
            if !is_text {
                *value = as_text(value);
            }
            // Where only what differs counts, PostgreSQL orders by what is listed, and by nothing else.
            if modifiers.distinct.is_some() {
                for item in &mut order {
                    if item.expr != listed {
                        rewriter.missing(place, "order of distinct values by something else");
                    } else if !is_text {
                        item.expr = as_text(&item.expr);
                    }
                }
            }
            let empty = Expr::value(Value::SingleQuotedString(String::new()));
            let separator = rest.first().map_or(empty, |(separator, _)| separator.clone());
            if !order.is_empty() {
                modifiers.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
            let mut call = called("string_agg", vec![value.clone(), separator]);
            give(&mut call, &modifiers);
            (Expr::Function(call), Type::Text)
        }
        ("percentile_cont" | "percentile_disc", [(fraction, _)]) if order.len() == 1 => {
            if name == "percentile_cont" && matches!(kind, Type::Date | Type::Timestamp | Type::TimestampTz) {
                rewriter.missing(place, "PERCENTILE_CONT of moments");
            }
            for item in &mut order {
                // NULL takes no part, and has no place.
                item.options.nulls_first = None;
            }
            let mut call = called(&name, vec![fraction.clone()]);
            call.within_group = order;
            give(&mut call, &modifiers);
            let kind = if name == "percentile_cont" { Type::Float } else { kind };
            (Expr::Function(call), kind)
        }
        _ => {
            rewriter.missing(place, &format!("function `{name}` with WITHIN GROUP"));
            (Expr::Function(function), Type::Unknown)
        }
    }
}

/// `median(x)`.
pub(super) fn median(value: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut value = value.clone();
    let place = function.name.span();
    let kind = rewriter.expr(&mut value);
    if function.over.is_some() {
        rewriter.missing_because(place, "function `median` over a window", "aggregate in a query of its own");
    }
    let (text, kind) = match kind {
        Type::Timestamp => (
            "to_timestamp(percentile_cont(0.5) within group (order by extract(epoch from x))) at time zone 'UTC'",
            Type::Timestamp,
        ),
        Type::TimestampTz => {
            ("to_timestamp(percentile_cont(0.5) within group (order by extract(epoch from x)))", Type::TimestampTz)
        }
        Type::Date => {
            rewriter.missing(place, "MEDIAN of days");
            ("x", Type::Date)
        }
        Type::Interval => ("percentile_cont(0.5) within group (order by x)", Type::Interval),
        _ => ("percentile_cont(0.5) within group (order by x)", Type::Float),
    };
    (build(text, &[("x", &value)]), kind)
}

/// A part of a text: by its place, or by a pattern.
pub(super) fn substring(text: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut text = text.clone();
    let kind = rewriter.expr(&mut text);
    let mut rest = rest.to_vec();
    let kinds: Vec<Type> = rest.iter_mut().map(|part| rewriter.expr(part)).collect();
    let result = if kind == Type::Bytes { Type::Bytes } else { Type::Text };
    let whole = |place: usize| match (kinds.get(place), rest.get(place)) {
        (Some(Type::Int), Some(value @ Expr::Value(_))) => value.clone(),
        (_, Some(value)) => build("cast(n as integer)", &[("n", value)]),
        (_, None) => Expr::value(Value::Null),
    };
    let done = match (kinds.first(), rest.len()) {
        (Some(Type::Text), 1) => build("substring(x from y)", &[("x", &text), ("y", &rest[0])]),
        (_, 1) => build("substring(x from n)", &[("x", &text), ("n", &whole(0))]),
        _ => build("substring(x from n for m)", &[("x", &text), ("n", &whole(0)), ("m", &whole(1))]),
    };
    (done, result)
}
