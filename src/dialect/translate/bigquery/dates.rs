//! Functions of dates and times.

use sqlparser::ast::{DateTimeField, Expr, Function, Interval, Spanned, Value};
use sqlparser::tokenizer::Span;

use super::casts::{self, convert};
use super::literals::text_of;
use super::parts::{self, Part};
use crate::dialect::translate::functions::{bracketed, build, is_too_long};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// What a family of functions works on.
fn kind_of(name: &str) -> Type {
    match name.split('_').next() {
        Some("date") => Type::Date,
        Some("datetime") => Type::Timestamp,
        Some("time") => Type::Time,
        _ => Type::TimestampTz,
    }
}

/// A call of a function of dates; `None` where it is not one of these. Its arguments are not yet translated.
pub(crate) fn call(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    let verb = name.rsplit('_').next().unwrap_or_default();
    let family = matches!(name.split('_').next(), Some("date" | "datetime" | "timestamp" | "time"));
    match (verb, name) {
        ("trunc" | "diff" | "add" | "sub", _) if family && name.contains('_') => {}
        (
            _,
            "format_date"
            | "format_datetime"
            | "format_timestamp"
            | "format_time"
            | "parse_date"
            | "parse_datetime"
            | "parse_timestamp"
            | "parse_time"
            | "generate_date_array"
            | "generate_timestamp_array"
            | "timestamp"
            | "string"
            | "datetime"
            | "date",
        ) => {}
        _ => return None,
    }
    let mut arguments = super::plain_arguments(function)?;
    let mut part = None;
    if matches!(verb, "trunc" | "diff") {
        let place_of_part = if verb == "trunc" { 1 } else { 2 };
        let word = match arguments.get(place_of_part) {
            Some(word) => word.to_string(),
            None if name == "date_diff" || verb == "trunc" => return None,
            None => String::new(),
        };
        part = Part::named(&word);
        if part.is_none() {
            rewriter.missing(place, &format!("function `{name}` with `{word}`"));
            return Some((Expr::Function(function.clone()), Type::Unknown));
        }
        arguments.remove(place_of_part);
    }
    let interval = arguments.iter().position(|argument| matches!(argument, Expr::Interval(_)));
    let typed: Vec<(Expr, Type)> = arguments
        .into_iter()
        .map(|mut argument| {
            let kind = rewriter.expr(&mut argument);
            (argument, kind)
        })
        .collect();
    let done = match verb {
        "trunc" => trunc(name, part?, &typed),
        "diff" => diff(name, part?, &typed),
        "add" | "sub" => shift(name, verb == "sub", &typed),
        _ => match name {
            "generate_date_array" | "generate_timestamp_array" => series(name, interval, &typed),
            "timestamp" => timestamp(&typed),
            "string" => string(&typed),
            "date" | "datetime" => match typed.as_slice() {
                // A literal or text: read as a cast reads it.
                [(value, kind @ Type::Text)] => {
                    let wanted = kind_of(name);
                    Some((convert(value.clone(), kind, &wanted, false), wanted))
                }
                _ => {
                    return Some(rewriter.known_call(
                        function,
                        name,
                        &typed,
                        &crate::dialect::translate::functions::Modifiers::default(),
                    ));
                }
            },
            _ if name.starts_with("format") => format(name, &typed, place, rewriter),
            _ => parse(name, &typed, place, rewriter),
        },
    };
    Some(done.unwrap_or_else(|| {
        rewriter.missing(place, &format!("function `{name}` with these arguments"));
        (Expr::Function(function.clone()), Type::Unknown)
    }))
}

/// The value as a timestamp without a zone, in UTC or the zone given.
fn local(value: &Expr, kind: &Type, zone: Option<&Expr>) -> Expr {
    match (kind, zone) {
        (Type::TimestampTz, None) => build("x at time zone 'UTC'", &[("x", value)]),
        (Type::TimestampTz, Some(zone)) => build("x at time zone z", &[("x", value), ("z", zone)]),
        // Whatever it is, this is its time in UTC.
        (Type::Unknown, _) => build("make_timestamp(epoch_us(x))", &[("x", value)]),
        _ => value.clone(),
    }
}

/// What a family works on, made of what it is given: text is read.
fn given(value: &(Expr, Type), wanted: &Type) -> (Expr, Type) {
    match (&value.1, wanted) {
        (Type::Text, _) | (Type::Date, Type::Timestamp | Type::TimestampTz) => {
            (convert(value.0.clone(), &value.1, wanted, false), wanted.clone())
        }
        // In these functions a value of unknown type is a point in time, and nothing else.
        (Type::Unknown, Type::TimestampTz) => (value.0.clone(), Type::TimestampTz),
        _ => value.clone(),
    }
}

fn trunc(name: &str, part: Part, arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let (value, zone) = match arguments {
        [value] => (value, None),
        [value, (zone, _)] => (value, Some(zone)),
        _ => return None,
    };
    let (value, kind) = given(value, &kind_of(name));
    if let Some(zone) = zone
        && kind == Type::TimestampTz
        && part.microseconds().is_some_and(|length| length <= 3_600_000_000)
    {
        // What has passed of an hour is the same by every clock, also in one that comes twice.
        let there = build("x at time zone z", &[("x", &value), ("z", zone)]);
        let passed = [("x", &value), ("l", &there), ("t", &part.truncated(&there))];
        return Some((build("x - (l - t)", &passed), kind));
    }
    let truncated = part.truncated(&bracketed(local(&value, &kind, zone)));
    Some(match kind {
        Type::Date => (build("cast(x as date)", &[("x", &truncated)]), kind),
        Type::Time => (
            build(&format!("cast(date_trunc('{}', date '1970-01-01' + x) as time)", part.word()), &[("x", &value)]),
            kind,
        ),
        Type::Timestamp => (truncated, kind),
        Type::TimestampTz => match zone {
            None => (build("x at time zone 'UTC'", &[("x", &truncated)]), kind),
            Some(zone) => (build("x at time zone z", &[("x", &truncated), ("z", zone)]), kind),
        },
        _ => (
            build(
                "case when typeof(x) = 'TIMESTAMP WITH TIME ZONE' then cast_to_type(make_timestamptz(epoch_us(t)), x) \
                 else cast_to_type(t, x) end",
                &[("t", &truncated), ("x", &value)],
            ),
            Type::Unknown,
        ),
    })
}

fn diff(name: &str, part: Part, arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let [end, start] = arguments else { return None };
    let family = kind_of(name);
    let (end, kind) = given(end, &family);
    let (start, start_kind) = given(start, &family);
    let arguments = [("a", &end), ("b", &start)];
    if family == Type::TimestampTz {
        // Whole parts that have passed, not the boundaries between.
        let length = part.microseconds()?;
        let text = if length == 1 {
            "epoch_us(a) - epoch_us(b)".to_owned()
        } else {
            format!("(epoch_us(a) - epoch_us(b)) // {length}")
        };
        return Some((build(&text, &arguments), Type::Int));
    }
    let plain = |value: Expr, kind: &Type| {
        if *kind == Type::TimestampTz { bracketed(local(&value, kind, None)) } else { value }
    };
    let (end, start) = (plain(end, &kind), plain(start, &start_kind));
    let arguments = [("a", &end), ("b", &start)];
    let expr = match part {
        Part::Week(_) => {
            let (end, start) = (part.truncated(&end), part.truncated(&start));
            build("date_diff('day', b, a) // 7", &[("a", &end), ("b", &start)])
        }
        Part::IsoYear => build("isoyear(a) - isoyear(b)", &arguments),
        _ => build(&format!("date_diff('{}', b, a)", part.word()), &arguments),
    };
    Some((expr, Type::Int))
}

/// An interval as DuckDB adds it to a point in time: a day there is 24 hours, whatever the zone of the session.
pub(crate) fn fixed(interval: Expr) -> Expr {
    match interval {
        Expr::Interval(Interval { value, leading_field: Some(DateTimeField::Day | DateTimeField::Days), .. }) => {
            build("to_hours(cast(24 * n as bigint))", &[("n", &value)])
        }
        Expr::Interval(Interval {
            value,
            leading_field: Some(DateTimeField::Week(None) | DateTimeField::Weeks),
            ..
        }) => build("to_hours(cast(168 * n as bigint))", &[("n", &value)]),
        other => other,
    }
}

fn shift(name: &str, back: bool, arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let [value, (interval, Type::Interval)] = arguments else { return None };
    let family = kind_of(name);
    let (value, kind) = given(value, &family);
    let operator = if back { '-' } else { '+' };
    let interval = if kind == Type::TimestampTz { fixed(interval.clone()) } else { interval.clone() };
    let sum = build(&format!("x {operator} i"), &[("x", &value), ("i", &interval)]);
    Some(match (family, &kind) {
        (Type::Date, Type::Date | Type::Unknown) => (build("cast(x as date)", &[("x", &sum)]), Type::Date),
        _ => (sum, kind),
    })
}

fn series(name: &str, interval: Option<usize>, arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let dates = name == "generate_date_array";
    let wanted = if dates { Type::Date } else { Type::TimestampTz };
    let (first, last, step) = match (arguments, interval) {
        ([first, last], None) if dates => (first, last, build("interval 1 day", &[])),
        ([first, last, (step, _)], Some(2)) => (first, last, if dates { step.clone() } else { fixed(step.clone()) }),
        _ => return None,
    };
    let (first, _) = given(first, &wanted);
    let (last, _) = given(last, &wanted);
    let series = [("a", &first), ("b", &last), ("i", &step)];
    Some(if dates {
        (
            build("cast(generate_series(cast(a as timestamp), cast(b as timestamp), i) as date[])", &series),
            Type::Array(Box::new(Type::Date)),
        )
    } else {
        (build("generate_series(a, b, i)", &series), Type::Array(Box::new(Type::TimestampTz)))
    })
}

fn timestamp(arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let expr = match arguments {
        [(value, kind)] => convert(value.clone(), kind, &Type::TimestampTz, false),
        [(value, kind), (zone, _)] => {
            let local = match kind {
                Type::Timestamp => value.clone(),
                Type::Text | Type::Date | Type::Unknown => build("cast(x as timestamp)", &[("x", value)]),
                _ => return None,
            };
            build("x at time zone z", &[("x", &local), ("z", zone)])
        }
        _ => return None,
    };
    Some((expr, Type::TimestampTz))
}

fn string(arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let expr = match arguments {
        [(value, Type::Json)] => build("json_extract_string(x, '$')", &[("x", value)]),
        [(value, kind @ (Type::Date | Type::Timestamp | Type::TimestampTz | Type::Time))] => {
            convert(value.clone(), kind, &Type::Text, false)
        }
        // With its distance from UTC, whose minutes are left out where there are none.
        [(value, Type::TimestampTz), (zone, _)] if !is_too_long(value) => {
            let local = build("x at time zone z", &[("x", value), ("z", zone)]);
            let text = convert(local.clone(), &Type::Timestamp, &Type::Text, false);
            let minutes = build("date_diff('minute', x at time zone 'UTC', l)", &[("x", value), ("l", &local)]);
            build(
                "t || case when m < 0 then '-' else '+' end || lpad(cast(abs(m) // 60 as varchar), 2, '0')
                   || case when m % 60 = 0 then '' else ':' || lpad(cast(abs(m) % 60 as varchar), 2, '0') end",
                &[("t", &text), ("m", &minutes)],
            )
        }
        [(value, kind @ Type::Unknown)] => {
            let text = convert(value.clone(), kind, &Type::Text, false);
            build(
                "case when typeof(x) = 'JSON' then json_extract_string(cast(x as varchar), '$') else t end",
                &[("x", value), ("t", &text)],
            )
        }
        _ => return None,
    };
    Some((expr, Type::Text))
}

fn format(name: &str, arguments: &[(Expr, Type)], place: Span, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let wanted = kind_of(name.trim_start_matches("format_"));
    let (format, value, zone) = match arguments {
        [(format, _), value] => (format, value, None),
        [(format, _), value, (zone, _)] => (format, value, Some(zone)),
        _ => return None,
    };
    let Some(text) = text_of(format) else {
        rewriter.missing(place, &format!("function `{name}` with a format that is no literal"));
        return Some((format.clone(), Type::Text));
    };
    let (value, kind) = given(value, &wanted);
    let local = if kind == Type::Unknown { value.clone() } else { local(&value, &kind, zone) };
    let local = if kind == Type::Time { build("date '1970-01-01' + x", &[("x", &local)]) } else { local };
    match parts::written(&text, &bracketed(local), wanted == Type::TimestampTz && zone.is_none()) {
        Ok(expr) => Some((expr, Type::Text)),
        Err(element) => {
            rewriter.missing(place, &format!("format element `{element}` of `{name}`"));
            Some((format.clone(), Type::Text))
        }
    }
}

fn parse(name: &str, arguments: &[(Expr, Type)], place: Span, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let wanted = kind_of(name.trim_start_matches("parse_"));
    let (format, text, zone) = match arguments {
        [(format, _), (text, _)] => (format, text, None),
        [(format, _), (text, _), (zone, _)] if wanted == Type::TimestampTz => (format, text, Some(zone)),
        _ => return None,
    };
    let Some(pattern) = text_of(format) else {
        rewriter.missing(place, &format!("function `{name}` with a format that is no literal"));
        return Some((format.clone(), wanted));
    };
    if pattern == "%s" && wanted == Type::TimestampTz && zone.is_none() {
        return Some((build("make_timestamptz(cast(x as bigint) * 1000000)", &[("x", text)]), wanted));
    }
    let pattern = match parts::reading(&pattern) {
        Ok(pattern) => pattern,
        Err(element) => {
            rewriter.missing(place, &format!("format element `{element}` of `{name}`"));
            return Some((format.clone(), wanted));
        }
    };
    let zoned = pattern.contains("%z");
    let literal = |pattern: &str| Expr::value(Value::SingleQuotedString(pattern.to_owned()));
    let read = if pattern.contains("%S.%f") {
        // The fraction may be missing from the text.
        build(
            "strptime(s, [f, g])",
            &[("s", text), ("f", &literal(&pattern)), ("g", &literal(&pattern.replace("%S.%f", "%S")))],
        )
    } else {
        build("strptime(s, f)", &[("s", text), ("f", &literal(&pattern))])
    };
    let expr = match (&wanted, zone) {
        (Type::Date, _) => build("cast(x as date)", &[("x", &read)]),
        (Type::Time, _) => build("cast(x as time)", &[("x", &read)]),
        (Type::TimestampTz, _) if zoned => read,
        (Type::TimestampTz, Some(zone)) => build("x at time zone z", &[("x", &read), ("z", zone)]),
        (Type::TimestampTz, None) => build("x at time zone 'UTC'", &[("x", &read)]),
        _ if zoned => return None,
        _ => read,
    };
    Some((expr, wanted))
}

/// `EXTRACT(part FROM value)`, with its value not yet translated.
pub(crate) fn extract(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Extract { field, expr: value, .. } = expr else { return None };
    let word = field.to_string();
    let mut zone = None;
    let mut value = match std::mem::replace(value.as_mut(), Expr::value(Value::Null)) {
        Expr::AtTimeZone { timestamp, mut time_zone } => {
            rewriter.expr(&mut time_zone);
            zone = Some(*time_zone);
            *timestamp
        }
        other => other,
    };
    let place = value.span();
    let kind = rewriter.expr(&mut value);
    let kind = if zone.is_some() { Type::TimestampTz } else { kind };
    let moment = bracketed(local(&value, &kind, zone.as_ref()));
    let x = [("x", &moment)];
    let text = match word.to_ascii_uppercase().as_str() {
        "DAYOFWEEK" => "dayofweek(x) + 1",
        "DAYOFYEAR" => "dayofyear(x)",
        "ISOWEEK" => "weekofyear(x)",
        "ISOYEAR" => "isoyear(x)",
        "MILLISECOND" => "millisecond(x) % 1000",
        "MICROSECOND" => "microsecond(x) % 1000000",
        "DAY" => "extract(day from x)",
        "MONTH" => "extract(month from x)",
        "QUARTER" => "extract(quarter from x)",
        "YEAR" => "extract(year from x)",
        "HOUR" => "extract(hour from x)",
        "MINUTE" => "extract(minute from x)",
        "SECOND" => "extract(second from x)",
        "DATE" => {
            *expr = build("cast(x as date)", &x);
            return Some(Type::Date);
        }
        "TIME" => {
            *expr = build("cast(x as time)", &x);
            return Some(Type::Time);
        }
        "DATETIME" => {
            *expr = casts::cast(
                moment.clone(),
                sqlparser::ast::DataType::Timestamp(None, sqlparser::ast::TimezoneInfo::None),
            );
            return Some(Type::Timestamp);
        }
        other => {
            if let Some(Part::Week(start)) = Part::named(other) {
                // The days before the first one on which a week begins are in week 0.
                *expr = build(&format!("(dayofyear(x) + 6 - (isodow(x) + 6 - {start}) % 7) // 7"), &x);
            } else {
                rewriter.missing(place, &format!("EXTRACT of `{word}`"));
            }
            return Some(Type::Int);
        }
    };
    *expr = build(text, &x);
    Some(Type::Int)
}
