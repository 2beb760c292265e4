//! CAST, and the conversions that functions do by themselves.

use sqlparser::ast::{CastFormat, CastKind, DataType, Expr, Spanned, Value};

use super::literals::{text_of, with_zone};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

pub(crate) use crate::dialect::translate::rewrite::cast;

/// `CAST(value AS type)` or `SAFE_CAST(…)`, with its value not yet translated.
pub(crate) fn translate(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return None };
    let safe = matches!(kind, CastKind::SafeCast | CastKind::TryCast);
    let place = operand.span();
    rewriter.data_type(data_type, place);
    let to = Type::of(data_type);
    let from = match (operand.as_mut(), &to) {
        // The type names the fields of the elements.
        (Expr::Array(_), Type::Array(element)) => super::structs::array_of(operand, element, rewriter),
        _ => rewriter.expr(operand),
    };
    if let Some(format) = format {
        let (made, kind) = formatted(operand, &from, &to, format, safe).unwrap_or_else(|| {
            rewriter.missing(place, "CAST with this FORMAT");
            (Expr::value(Value::Null), to)
        });
        *expr = made;
        return Some(kind);
    }
    let value = std::mem::replace(operand.as_mut(), Expr::value(Value::Null));
    *expr = match to {
        Type::Decimal | Type::Array(_) | Type::Struct(_) | Type::Unknown => plain(value, data_type.clone(), safe),
        _ => convert(value, &from, &to, safe),
    };
    Some(to)
}

/// `CAST(… AS … FORMAT '…')` of dates and times.
fn formatted(value: &Expr, from: &Type, to: &Type, format: &CastFormat, safe: bool) -> Option<(Expr, Type)> {
    let CastFormat::Value(format) = format else { return None };
    let (Value::SingleQuotedString(format) | Value::DoubleQuotedString(format)) = &format.value else { return None };
    let pattern = Expr::value(Value::SingleQuotedString(elements(format)?));
    let moment = match from {
        Type::TimestampTz => build("x at time zone 'UTC'", &[("x", value)]),
        _ => value.clone(),
    };
    let both = [("x", &moment), ("f", &pattern)];
    let read = if safe { "try_strptime(x, f)" } else { "strptime(x, f)" };
    Some(match (from, to) {
        (Type::Date | Type::Timestamp | Type::TimestampTz | Type::Unknown, Type::Text) => {
            (build("strftime(x, f)", &both), Type::Text)
        }
        (Type::Text | Type::Unknown, Type::Date) => (build(&format!("cast({read} as date)"), &both), Type::Date),
        (Type::Text | Type::Unknown, Type::Timestamp) => (build(read, &both), Type::Timestamp),
        (Type::Text | Type::Unknown, Type::TimestampTz) => {
            (build(&format!("{read} at time zone 'UTC'"), &both), Type::TimestampTz)
        }
        _ => return None,
    })
}

/// The elements of a format of CAST that DuckDB has too, in its words.
fn elements(format: &str) -> Option<String> {
    const KNOWN: [(&str, &str); 11] = [
        ("YYYY", "%Y"),
        ("YY", "%y"),
        ("MM", "%m"),
        ("DDD", "%j"),
        ("DD", "%d"),
        ("HH24", "%H"),
        ("HH12", "%I"),
        ("MI", "%M"),
        ("SS", "%S"),
        ("AM", "%p"),
        ("PM", "%p"),
    ];
    let mut found = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if let Some((element, word)) = KNOWN
            .iter()
            .find(|(element, _)| rest.get(..element.len()).is_some_and(|start| start.eq_ignore_ascii_case(element)))
        {
            found.push_str(word);
            rest = rest.get(element.len()..)?;
        } else if " -/.,;:".contains(first) {
            found.push(first);
            rest = rest.get(1..)?;
        } else {
            return None;
        }
    }
    Some(found)
}

fn plain(value: Expr, data_type: DataType, safe: bool) -> Expr {
    let kind = if safe { CastKind::TryCast } else { CastKind::Cast };
    Expr::Cast { kind, expr: Box::new(value), data_type, format: None }
}

/// A value of one type as another.
pub(crate) fn convert(value: Expr, from: &Type, to: &Type, safe: bool) -> Expr {
    let literal_of_no_type = *from == Type::Unknown && matches!(value, Expr::Value(_));
    let word = match to {
        _ if from == to => return value,
        Type::Int if !literal_of_no_type => return integer(&value, from, safe),
        Type::Text => return text(&value, from, safe),
        Type::TimestampTz => return moment(&value, from, safe),
        Type::Bool if *from == Type::Text => return boolean(&value, safe),
        Type::Bytes if *from == Type::Text => return build("encode(x)", &[("x", &value)]),
        Type::Date => "date",
        Type::Time => "time",
        Type::Timestamp => "timestamp",
        Type::Int => "bigint",
        Type::Float => "double",
        Type::Bool => "boolean",
        Type::Bytes => "blob",
        Type::Interval => "interval",
        Type::Json => "json",
        Type::Decimal => "decimal(38, 9)",
        Type::Unknown | Type::Array(_) | Type::Struct(_) => return value,
    };
    let of_calendar = matches!(to, Type::Date | Type::Time | Type::Timestamp);
    let x = [("x", &value)];
    let cast = verb(safe);
    match from {
        Type::TimestampTz if of_calendar => build(&format!("cast(x at time zone 'UTC' as {word})"), &x),
        // DuckDB reads more than one kind of date.
        Type::Text | Type::Unknown if safe && *to == Type::Date => build(
            "case when typeof(x) = 'TIMESTAMP WITH TIME ZONE' \
             then cast(try_cast(cast(x as varchar) as timestamptz) at time zone 'UTC' as date) \
             when typeof(x) <> 'VARCHAR' or regexp_full_match(cast(x as varchar), '\\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\\s*') \
             then try_cast(x as date) end",
            &x,
        ),
        Type::Unknown if of_calendar && !literal_of_no_type => build(
            &format!(
                "case when typeof(x) = 'TIMESTAMP WITH TIME ZONE' \
                 then cast(try_cast(cast(x as varchar) as timestamptz) at time zone 'UTC' as {word}) \
                 else {cast}(x as {word}) end"
            ),
            &x,
        ),
        _ => build(&format!("{cast}(x as {word})"), &x),
    }
}

fn verb(safe: bool) -> &'static str {
    if safe { "try_cast" } else { "cast" }
}

/// As INT64. DuckDB rounds halves of floats to even numbers, and a text that holds a fraction, which BigQuery refuses.
fn integer(value: &Expr, from: &Type, safe: bool) -> Expr {
    const WHOLE: &str = "'\\s*[-+]?([0-9]+|0[xX][0-9a-fA-F]+)\\s*'";
    let cast = verb(safe);
    let refused = if safe { "" } else { "when x is not null then error('bad int64 value: ' || cast(x as varchar))" };
    let text = match from {
        Type::Float => format!("{cast}(round(x) as bigint)"),
        Type::Text if text_of(value).is_none_or(|text| text.contains(['.', 'e', 'E'])) => {
            format!("case when regexp_full_match(x, {WHOLE}) then {cast}(x as bigint) {refused} end")
        }
        Type::Unknown => format!(
            "case when typeof(x) in ('DOUBLE', 'FLOAT') then {cast}(round(try_cast(x as double)) as bigint) \
             when typeof(x) <> 'VARCHAR' or regexp_full_match(cast(x as varchar), {WHOLE}) \
             then {cast}(x as bigint) {refused} end"
        ),
        _ => format!("{cast}(x as bigint)"),
    };
    build(&text, &[("x", value)])
}

/// As BOOL. DuckDB knows more words for it.
fn boolean(value: &Expr, safe: bool) -> Expr {
    let refused = if safe { "" } else { "else error('bad bool value: ' || x)" };
    build(&format!("case lower(x) when 'true' then true when 'false' then false {refused} end"), &[("x", value)])
}

/// As TIMESTAMP: in UTC, where a text names no zone.
fn moment(value: &Expr, from: &Type, safe: bool) -> Expr {
    const ZONED: &str = "regexp_matches(cast(x as varchar), ':.*([-+]|[A-Za-z])')";
    let x = [("x", value)];
    let cast = verb(safe);
    // DuckDB reads more kinds of dates; without SAFE_ it may as well.
    let other = if safe {
        "when not regexp_matches(cast(x as varchar), '^\\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') then null"
    } else {
        ""
    };
    let read = format!("then {cast}(x as timestamptz) else {cast}(x as timestamp) at time zone 'UTC' end");
    match from {
        Type::Date | Type::Timestamp => build("cast(x as timestamp) at time zone 'UTC'", &x),
        Type::Text => match text_of(value) {
            Some(text) => {
                let zoned = Expr::value(Value::SingleQuotedString(with_zone(&text)));
                build(&format!("{cast}(x as timestamptz)"), &[("x", &zoned)])
            }
            None => build(&format!("case {other} when {ZONED} {read}"), &x),
        },
        Type::Unknown => {
            build(&format!("case {other} when typeof(x) = 'TIMESTAMP WITH TIME ZONE' or {ZONED} {read}"), &x)
        }
        _ => build(&format!("{cast}(x as timestamptz)"), &x),
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
            // By way of a text, so that other types pass.
            let moment = build("try_cast(cast(x as varchar) as timestamptz)", &x);
            let moment = text(&moment, &Type::TimestampTz, false);
            build(
                "case when regexp_matches(typeof(x), '^(DOUBLE|FLOAT|DECIMAL)') then n \
                 when typeof(x) = 'TIMESTAMP WITH TIME ZONE' then m else cast(x as varchar) end",
                &[("x", value), ("n", &number), ("m", &moment)],
            )
        }
        _ => build("cast(x as varchar)", &x),
    }
}
