//! Expressions that Redshift and PostgreSQL share, and DuckDB writes otherwise.

use sqlparser::ast::{
    CastKind, CeilFloorKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned,
    TrimWhereField, UnaryOperator, Value,
};

use super::{aggregate, cast, dates, format, pattern};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// The name of a called function in lower case; empty for one of a schema.
pub(crate) fn name_of(function: &Function) -> String {
    match function.name.0.as_slice() {
        [name] => name.as_ident().map_or_else(String::new, |name| name.value.to_ascii_lowercase()),
        _ => String::new(),
    }
}

/// The arguments of a call, if they are all expressions without a name.
pub(crate) fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    list.args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
            _ => None,
        })
        .collect()
}

/// The text of a string literal.
pub(crate) fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
            Value::DollarQuotedString(text) => Some(&text.value),
            _ => None,
        },
        Expr::Nested(inner) => text_of(inner),
        _ => None,
    }
}

/// The value of a literal whole number, with its sign.
pub(crate) fn whole(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => whole(inner),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => whole(expr).and_then(i64::checked_neg),
        _ => None,
    }
}

/// What is written otherwise in DuckDB; `None` for all else.
pub(crate) fn shared(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let (done, kind) = match expr {
        Expr::Function(function) => call(function, rewriter)?,
        Expr::Cast { .. } => return Some(cast::cast(expr, rewriter)),
        Expr::Convert { is_try: false, expr: operand, data_type: Some(data_type), charset: None, .. } => {
            *expr =
                Expr::Cast { kind: CastKind::Cast, expr: operand.clone(), data_type: data_type.clone(), format: None };
            return Some(cast::cast(expr, rewriter));
        }
        Expr::TypedString(typed) => {
            *expr = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(Expr::Value(typed.value.clone())),
                data_type: typed.data_type.clone(),
                format: None,
            };
            return Some(cast::cast(expr, rewriter));
        }
        Expr::Interval(_) => return Some(dates::interval(expr, rewriter)),
        Expr::Extract { field, expr: operand, .. } => dates::extract(&field.to_string(), operand, rewriter),
        Expr::AtTimeZone { timestamp, time_zone } => dates::at_time_zone(timestamp, time_zone, rewriter),
        Expr::IsUnknown(operand) => {
            rewriter.expr(operand);
            (Expr::IsNull(operand.clone()), Type::Bool)
        }
        Expr::IsNotUnknown(operand) => {
            rewriter.expr(operand);
            (Expr::IsNotNull(operand.clone()), Type::Bool)
        }
        Expr::Like { .. } | Expr::ILike { .. } => return pattern::like(expr, rewriter),
        Expr::SimilarTo { .. } => return Some(pattern::similar(expr, rewriter)),
        Expr::AnyOp { left, right, .. } | Expr::AllOp { left, right, .. } => {
            rewriter.expr(left);
            rewriter.expr(right);
            return Some(Type::Bool);
        }
        Expr::Ceil { expr: operand, field } | Expr::Floor { expr: operand, field } => {
            let kind = rewriter.expr(operand);
            if !matches!(field, CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime)) {
                let place = operand.span();
                rewriter.missing(place, "CEIL or FLOOR with a second argument");
            }
            return Some(kind);
        }
        Expr::Position { expr: needle, r#in: text } => {
            rewriter.expr(needle);
            rewriter.expr(text);
            (build("strpos(x, y)", &[("x", text), ("y", needle)]), Type::Int)
        }
        Expr::Substring { expr: text, substring_from, substring_for, .. } => {
            let from = substring_from.as_deref().cloned();
            let length = substring_for.as_deref().cloned();
            substring(text.as_ref().clone(), from, length, rewriter)
        }
        Expr::Trim { trim_where, trim_what, expr: operand, trim_characters } => {
            rewriter.expr(operand);
            let mut what = trim_what.as_deref().cloned().or_else(|| trim_characters.as_ref()?.first().cloned());
            if let Some(what) = &mut what {
                rewriter.expr(what);
            }
            let what = what.unwrap_or_else(|| Expr::value(Value::SingleQuotedString(" ".to_owned())));
            let function = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim(x, y)",
                Some(TrimWhereField::Trailing) => "rtrim(x, y)",
                _ => "trim(x, y)",
            };
            (build(function, &[("x", operand), ("y", &what)]), Type::Text)
        }
        Expr::Overlay { expr: text, overlay_what, overlay_from, overlay_for } => {
            rewriter.expr(text);
            rewriter.expr(overlay_what);
            rewriter.expr(overlay_from);
            let length = match overlay_for {
                Some(length) => {
                    rewriter.expr(length);
                    length.as_ref().clone()
                }
                None => build("length(y)", &[("y", overlay_what)]),
            };
            let parts = [("x", text.as_ref()), ("y", overlay_what), ("n", overlay_from), ("m", &length)];
            (build("left(x, n - 1) || y || substring(x, n + m)", &parts), Type::Text)
        }
        Expr::UnaryOp { op, expr: operand } => {
            let text = match op {
                UnaryOperator::PGSquareRoot => "sqrt(cast(x as double))",
                UnaryOperator::PGCubeRoot => {
                    "case when power(round(cbrt(x)), 3) = x then round(cbrt(x)) else cbrt(x) end"
                }
                UnaryOperator::PGAbs => "abs(x)",
                _ => return None,
            };
            let kind = rewriter.expr(operand);
            let kind = if *op == UnaryOperator::PGAbs { kind } else { Type::Float };
            (build(text, &[("x", operand)]), kind)
        }
        _ => return None,
    };
    *expr = done;
    Some(kind)
}

/// Calls that no table can tell.
fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    if !function.within_group.is_empty() {
        return Some(aggregate::within_group(function, rewriter));
    }
    let arguments = arguments(function)?;
    let name = name_of(function);
    Some(match (name.as_str(), arguments.as_slice()) {
        ("date_trunc", [part, moment]) => dates::date_trunc(part, moment, function, rewriter),
        ("date_part", [part, moment]) => dates::date_part(part, moment, function, rewriter),
        ("timezone", [zone, moment]) => dates::at_time_zone(moment, zone, rewriter),
        ("to_char", [value, model]) => format::to_char(value, model, function, rewriter),
        ("to_date", [text, model]) => format::to_date(text, model, function, rewriter),
        ("to_timestamp", [text, model]) => format::to_timestamp(text, model, function, rewriter),
        ("to_number", [text, model]) => format::to_number(text, model, function, rewriter),
        ("substring" | "substr", [text, from]) => substring(text.clone(), Some(from.clone()), None, rewriter),
        ("substring" | "substr", [text, from, length]) => {
            substring(text.clone(), Some(from.clone()), Some(length.clone()), rewriter)
        }
        ("lag" | "lead" | "first_value" | "last_value" | "nth_value", _) if function.null_treatment.is_some() => {
            return aggregate::null_treatment(function, rewriter);
        }
        _ => return None,
    })
}

/// `round(numeric, digits)`. A quotient or a mean is a double in DuckDB, in which `1.005` is a little less than that: the
/// digits far behind those that count are rounded first. `None` leaves it to the table.
pub(super) fn round(value: &Expr, digits: &Expr, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    const MORE: i64 = 8;
    let scale = whole(digits).filter(|digits| (0..=20).contains(digits))? + MORE;
    let mut number = value.clone();
    rewriter.expr(&mut number);
    let text = format!("round(cast(x as decimal(38, {scale})), n)");
    Some((build(&text, &[("x", &number), ("n", digits)]), Type::Decimal))
}

/// `concat(…)`, which writes truth as one letter.
pub(super) fn concat(function: &Function, arguments: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let texts = arguments.iter().map(|argument| {
        let mut text = argument.clone();
        match rewriter.expr(&mut text) {
            Type::Bool => build("case when x then 't' when not x then 'f' end", &[("x", &text)]),
            kind @ (Type::Float | Type::TimestampTz) => {
                cast::converted(text, &kind, &Type::Text, &DataType::Varchar(None), false)
            }
            _ => text,
        }
    });
    let texts = texts.collect();
    (Expr::Function(aggregate::called(&name_of(function), texts)), Type::Text)
}

/// `format('…%s…', …)`, in which NULL is nothing; `None` leaves any other element to the table.
pub(super) fn format(format: &Expr, values: &[Expr], rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let text = text_of(format)?.replace("%%", "\0");
    let pieces: Vec<String> = text.split("%s").map(|piece| piece.replace('\0', "%")).collect();
    if pieces.len() != values.len() + 1 || text.split("%s").any(|piece| piece.contains('%')) {
        return None;
    }
    let literal = |text: &String| Expr::value(Value::SingleQuotedString(text.clone()));
    let mut parts = vec![literal(&pieces[0])];
    for (value, piece) in values.iter().zip(&pieces[1..]) {
        parts.push(value.clone());
        parts.push(literal(piece));
    }
    Some(concat(&aggregate::called("concat", Vec::new()), &parts, rewriter))
}

/// Places before the first letter count too, as empty ones; DuckDB would count them from the end.
fn substring(mut text: Expr, from: Option<Expr>, length: Option<Expr>, rewriter: &mut Rewriter) -> (Expr, Type) {
    let kind = rewriter.expr(&mut text);
    let mut from = from.unwrap_or_else(|| Expr::value(Value::Number("1".to_owned(), false)));
    let from_kind = rewriter.expr(&mut from);
    let mut length = length;
    if let Some(length) = &mut length {
        rewriter.expr(length);
    }
    if from_kind == Type::Text {
        // `substring(x from 'pattern')`: the first group, or all of the match.
        let pattern = text_of(&from).unwrap_or_default().to_owned();
        let group = usize::from(pattern.contains('('));
        if !pattern::is_plain(&pattern) || length.is_some() {
            rewriter.missing(from.span(), "SUBSTRING with this pattern");
        }
        let done = format!("nullif(regexp_extract(x, y, {group}), '')");
        return (build(&done, &[("x", &text), ("y", &from)]), Type::Text);
    }
    let result = if kind == Type::Bytes { Type::Bytes } else { Type::Text };
    let done = match (whole(&from), &length) {
        (Some(1..), None) => build("substring(x, y)", &[("x", &text), ("y", &from)]),
        (Some(1..), Some(length)) => build("substring(x, y, z)", &[("x", &text), ("y", &from), ("z", length)]),
        (_, None) => build("substring(x, case when y < 1 then 1 else y end)", &[("x", &text), ("y", &from)]),
        (_, Some(length)) => build(
            "case when y < 1 then substring(x, 1, greatest(z + y - 1, 0)) else substring(x, y, z) end",
            &[("x", &text), ("y", &from), ("z", length)],
        ),
    };
    (done, result)
}
