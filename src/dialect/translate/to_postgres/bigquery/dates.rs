//! Days and moments. In UTC, where nothing else is said.

use sqlparser::ast::{Expr, Function, Spanned, Value};

use super::as_moment;
use crate::dialect::translate::bigquery::{DatePart as Part, date_elements, plain_arguments, text_of};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::Part as SharedPart;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::to_postgres::dates::boundaries;
use crate::dialect::translate::types::Type;

/// What a family of functions works on.
fn kind_of(name: &str) -> Type {
    match name.split('_').next() {
        Some("date") => Type::Date,
        Some("datetime") => Type::Timestamp,
        _ => Type::TimestampTz,
    }
}

/// A call of a function of days and moments; `None` where it is not one of these. Its arguments are not yet translated.
pub(super) fn call(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    let (family, verb) = name.split_once('_').unwrap_or((name, ""));
    let of_parts = matches!(family, "date" | "datetime" | "timestamp");
    let (family, verb) = match (family, verb) {
        (_, "add" | "sub" | "diff" | "trunc") if of_parts => (family, verb),
        ("format", "date" | "datetime" | "timestamp") => (verb, "format"),
        ("date" | "datetime" | "timestamp", "") => (family, "of"),
        ("generate", "date_array") => ("date", "series"),
        _ => return None,
    };
    let mut arguments = plain_arguments(function)?;
    let wanted = kind_of(family);
    let mut part = None;
    let place_of_part = match verb {
        "trunc" => Some(1),
        "diff" => Some(2),
        _ => None,
    };
    if let Some(place_of_part) = place_of_part {
        let word = arguments.get(place_of_part).map(ToString::to_string).unwrap_or_default();
        part = Part::named(&word);
        if part.is_none() {
            rewriter.missing(place, &format!("function `{name}` with `{word}`"));
            return Some((Expr::Function(function.clone()), Type::Unknown));
        }
        arguments.remove(place_of_part);
    }
    let typed: Vec<(Expr, Type)> = arguments
        .into_iter()
        .map(|mut argument| {
            let kind = rewriter.expr(&mut argument);
            (argument, kind)
        })
        .collect();
    let done = match (verb, typed.as_slice()) {
        ("add" | "sub", [value, (interval, Type::Interval)]) => Some(shift(value, interval, verb == "sub", &wanted)),
        ("diff", [end, start]) => part.and_then(|part| difference(end, start, part, &wanted)),
        ("trunc", [value]) => part.map(|part| trunc(value, None, part, &wanted)),
        ("trunc", [value, (zone, _)]) => part.map(|part| trunc(value, Some(zone), part, &wanted)),
        ("format", [(format, _), value]) => text_of(format).and_then(|format| written(&format, value, &wanted)),
        ("series", [first, last]) => Some(days(first, last)),
        ("of", [(text, Type::Text)]) => Some((as_moment(text.clone(), &wanted), wanted)),
        ("of", _) => {
            let modifiers = crate::dialect::translate::functions::Modifiers::default();
            return Some(rewriter.known_call(function, name, &typed, &modifiers));
        }
        _ => None,
    };
    Some(done.unwrap_or_else(|| {
        rewriter.missing(place, &format!("function `{name}` with these arguments"));
        (Expr::Function(function.clone()), Type::Unknown)
    }))
}

/// A value as one without a zone, as far as its type is known; the session is in UTC.
fn local((value, kind): &(Expr, Type), wanted: &Type) -> (Expr, Type) {
    let kind = match (kind, wanted) {
        // A function of moments takes nothing else.
        (Type::Unknown, Type::TimestampTz) => &Type::TimestampTz,
        // One of days takes a DATETIME, too, and gives one. This operator's function does not, which is an error.
        (Type::Unknown, Type::Date) => {
            return (build("date_pl_interval(x, interval '0')", &[("x", value)]), Type::Date);
        }
        _ => kind,
    };
    match kind {
        Type::Text => local(&(as_moment(value.clone(), wanted), wanted.clone()), wanted),
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", value)]), Type::TimestampTz),
        Type::Date => (build("cast(x as timestamp)", &[("x", value)]), Type::Date),
        _ => (value.clone(), kind.clone()),
    }
}

/// What was made of what [`local`] gave, as what it was.
fn as_before(done: &Expr, kind: Type) -> (Expr, Type) {
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", done)]), kind),
        Type::Date => (build("cast(x as date)", &[("x", done)]), kind),
        kind => (done.clone(), kind),
    }
}

fn shift(value: &(Expr, Type), interval: &Expr, back: bool, wanted: &Type) -> (Expr, Type) {
    let (moment, kind) = local(value, wanted);
    let sign = if back { '-' } else { '+' };
    let sum = build(&format!("x {sign} i"), &[("x", &moment), ("i", interval)]);
    as_before(&sum, kind)
}

fn difference(end: &(Expr, Type), start: &(Expr, Type), part: Part, wanted: &Type) -> Option<(Expr, Type)> {
    let ((end, _), (start, _)) = (local(end, wanted), local(start, wanted));
    if *wanted == Type::TimestampTz {
        // Whole parts that have passed, not the boundaries between.
        let length = part.microseconds()?;
        let text = format!("cast(trunc(extract(epoch from a - b) * 1000000 / {length}) as bigint)");
        return Some((build(&text, &[("a", &end), ("b", &start)]), Type::Int));
    }
    let shared = match part {
        Part::Microsecond => SharedPart::Microsecond,
        Part::Millisecond => SharedPart::Millisecond,
        Part::Second => SharedPart::Second,
        Part::Minute => SharedPart::Minute,
        Part::Hour => SharedPart::Hour,
        Part::Day => SharedPart::Day,
        Part::Month => SharedPart::Month,
        Part::Quarter => SharedPart::Quarter,
        Part::Year => SharedPart::Year,
        Part::IsoYear => {
            let text = "cast(extract(isoyear from a) - extract(isoyear from b) as bigint)";
            return Some((build(text, &[("a", &end), ("b", &start)]), Type::Int));
        }
        Part::Week(_) => {
            let (end, start) = (truncated(part, &end), truncated(part, &start));
            let text = "cast((cast(a as date) - cast(b as date)) / 7 as bigint)";
            return Some((build(text, &[("a", &end), ("b", &start)]), Type::Int));
        }
    };
    Some((boundaries(shared, &start, &end), Type::Int))
}

/// The first moment of the part that holds a moment without a zone.
fn truncated(part: Part, moment: &Expr) -> Expr {
    let text = match part {
        Part::Week(0) => "date_trunc('week', x)".to_owned(),
        Part::Week(after) => format!("date_trunc('week', x - interval '{after} day') + interval '{after} day'"),
        // The first Monday of the year of weeks: its fourth of January lies in its first week.
        Part::IsoYear => {
            "date_trunc('week', make_timestamp(cast(extract(isoyear from x) as integer), 1, 4, 0, 0, 0))".to_owned()
        }
        Part::Millisecond => "date_trunc('milliseconds', x)".to_owned(),
        Part::Microsecond => "x".to_owned(),
        part => format!("date_trunc('{}', x)", part.word()),
    };
    build(&text, &[("x", moment)])
}

fn trunc(value: &(Expr, Type), zone: Option<&Expr>, part: Part, wanted: &Type) -> (Expr, Type) {
    if let Some(zone) = zone
        && part.microseconds().is_some_and(|length| length <= 3_600_000_000)
    {
        // What has passed of an hour is the same by every clock, also in one that comes twice.
        let there = build("x at time zone z", &[("x", &value.0), ("z", zone)]);
        let passed = [("x", &value.0), ("l", &there), ("t", &truncated(part, &there))];
        return (build("x - (l - t)", &passed), Type::TimestampTz);
    }
    if let Some(zone) = zone {
        let there = build("x at time zone z", &[("x", &value.0), ("z", zone)]);
        let text = build("x at time zone z", &[("x", &truncated(part, &there)), ("z", zone)]);
        return (text, Type::TimestampTz);
    }
    let (moment, kind) = local(value, wanted);
    as_before(&truncated(part, &moment), kind)
}

/// `FORMAT_…('…', moment)`: `None` if an element has no equal.
fn written(format: &str, value: &(Expr, Type), wanted: &Type) -> Option<(Expr, Type)> {
    let mut model = String::new();
    let mut plain = String::new();
    for element in date_elements(format).ok()? {
        let word = match element.as_str() {
            "%Y" | "%E4Y" => "YYYY",
            "%y" => "YY",
            "%m" => "MM",
            "%d" => "DD",
            "%H" => "HH24",
            "%I" => "HH12",
            "%M" => "MI",
            "%S" => "SS",
            "%E3S" => "SS.MS",
            "%E6S" => "SS.US",
            "%j" => "DDD",
            "%b" | "%h" => "Mon",
            "%B" => "FMMonth",
            "%a" => "Dy",
            "%A" => "FMDay",
            "%G" => "IYYY",
            "%V" => "IW",
            "%p" => "AM",
            "%u" => "ID",
            "%Q" => "Q",
            "%Z" if *wanted == Type::TimestampTz => "\"UTC\"",
            "%%" => {
                plain.push('%');
                continue;
            }
            element if element.starts_with('%') => return None,
            text => {
                plain.push_str(text);
                continue;
            }
        };
        // Two elements that touch could be read as another one.
        if plain.is_empty() && !model.is_empty() {
            model.push_str("\"\"");
        }
        quote(&mut plain, &mut model);
        model.push_str(word);
    }
    quote(&mut plain, &mut model);
    let model = Expr::value(Value::SingleQuotedString(model));
    let (moment, _) = local(value, wanted);
    Some((build("to_char(x, m)", &[("x", &moment), ("m", &model)]), Type::Text))
}

/// Text that `to_char` writes as it stands.
fn quote(plain: &mut String, model: &mut String) {
    if !plain.is_empty() {
        model.push('"');
        model.push_str(&plain.replace('\\', "\\\\").replace('"', "\\\""));
        model.push('"');
        plain.clear();
    }
}

fn days(first: &(Expr, Type), last: &(Expr, Type)) -> (Expr, Type) {
    let ((first, _), (last, _)) = (local(first, &Type::Date), local(last, &Type::Date));
    let text =
        "array(select cast(generate_series(cast(a as timestamp), cast(b as timestamp), interval '1 day') as date))";
    (build(text, &[("a", &first), ("b", &last)]), Type::Array(Box::new(Type::Date)))
}

/// `EXTRACT(part FROM moment)`.
pub(super) fn extract(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Extract { field, expr: operand, .. } = expr else { return Type::Unknown };
    let word = field.to_string().to_ascii_lowercase();
    let place = operand.span();
    let mut value = operand.as_ref().clone();
    let kind = rewriter.expr(&mut value);
    if kind == Type::Interval {
        rewriter.missing(place, "EXTRACT from an interval");
    }
    let value = match kind {
        Type::TimestampTz => build("x at time zone 'UTC'", &[("x", &value)]),
        _ => value,
    };
    let text = match word.as_str() {
        "dayofweek" => "cast(extract(dow from x) as integer) + 1",
        "dayofyear" => "cast(extract(doy from x) as integer)",
        "year" | "month" | "day" | "hour" | "minute" | "quarter" | "isoyear" => {
            &format!("cast(extract({word} from x) as integer)")
        }
        "second" => "cast(floor(extract(second from x)) as integer)",
        "millisecond" => "cast(floor(extract(milliseconds from x)) as integer) % 1000",
        "isoweek" => "cast(extract(week from x) as integer)",
        // Of weeks that begin on Sunday; the days before the first one are in week 0.
        "week" => "(cast(extract(doy from x) as integer) - cast(extract(dow from x) as integer) + 6) / 7",
        "date" => {
            *expr = build("cast(x as date)", &[("x", &value)]);
            return Type::Date;
        }
        "time" => {
            *expr = build("cast(x as time)", &[("x", &value)]);
            return Type::Time;
        }
        _ => {
            rewriter.missing(place, &format!("date part `{word}`"));
            return Type::Int;
        }
    };
    *expr = build(text, &[("x", &value)]);
    Type::Int
}

/// `INTERVAL n part`.
pub(super) fn interval(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Interval(interval) = expr else { return Type::Unknown };
    let place = interval.value.span();
    let word = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
    let Some(part) = Part::named(&word).filter(|_| interval.last_field.is_none()) else {
        rewriter.missing(place, "interval of this form");
        return Type::Interval;
    };
    let mut count = interval.value.as_ref().clone();
    rewriter.expr(&mut count);
    let unit = match part {
        Part::Quarter => "3 months".to_owned(),
        part => format!("1 {}", part.word()),
    };
    *expr = build(&format!("n * interval '{unit}'"), &[("n", &count)]);
    Type::Interval
}
