//! Days, times, their parts and zones.

use sqlparser::ast::{Expr, Function, Spanned};
use sqlparser::tokenizer::Span;

use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::{Part, length_argument, part, part_argument, text_of};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A translated value as a moment of the zone UTC, or one whose type is not known: then it stays as it is, since the
/// session is in UTC.
pub(super) fn moment(mut value: Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let kind = rewriter.expr(&mut value);
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", &value)]), kind),
        Type::Text => (build("cast(x as timestamp)", &[("x", &value)]), Type::Timestamp),
        // PostgreSQL would make a `timestamptz` of a day.
        Type::Date => (build("cast(x as timestamp)", &[("x", &value)]), kind),
        kind => (value, kind),
    }
}

/// A moment that was made out of one that [`moment`] gave, with its zone.
fn zoned(done: Expr, kind: &Type) -> (Expr, Type) {
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", &done)]), Type::TimestampTz),
        Type::Date | Type::Timestamp => (done, Type::Timestamp),
        Type::Time | Type::Interval => (done, kind.clone()),
        _ => (done, Type::Unknown),
    }
}

/// `dateadd(part, count, moment)`.
pub(super) fn add(
    part: &Expr,
    count: &Expr,
    value: &Expr,
    function: &Function,
    rewriter: &mut Rewriter,
) -> (Expr, Type) {
    let part = length_argument(part, function, "DATEADD", rewriter);
    let unit = match part {
        Part::Quarter => "3 months",
        part => &format!("1 {}", part.word()),
    };
    let mut count = count.clone();
    let whole = match rewriter.expr(&mut count) {
        Type::Int => count,
        _ => build("cast(n as integer)", &[("n", &count)]),
    };
    let (value, kind) = moment(value.clone(), rewriter);
    let sum = build(&format!("x + n * interval '{unit}'"), &[("x", &value), ("n", &whole)]);
    zoned(sum, &kind)
}

/// `datediff(part, from, to)`: the boundaries of the part between them.
pub(super) fn difference(
    part: &Expr,
    from: &Expr,
    to: &Expr,
    function: &Function,
    rewriter: &mut Rewriter,
) -> (Expr, Type) {
    let part = length_argument(part, function, "DATEDIFF", rewriter);
    let (from, _) = moment(from.clone(), rewriter);
    let (to, _) = moment(to.clone(), rewriter);
    (boundaries(part, &from, &to), Type::Int)
}

/// How many times the part begins between two moments.
pub(super) fn boundaries(part: Part, from: &Expr, to: &Expr) -> Expr {
    let years = "extract(year from y) - extract(year from x)";
    let apart = |unit: &str, seconds: &str| {
        format!("extract(epoch from date_trunc('{unit}', y) - date_trunc('{unit}', x)){seconds}")
    };
    let text = match part {
        Part::Millennium => "extract(millennium from y) - extract(millennium from x)".to_owned(),
        Part::Century => "extract(century from y) - extract(century from x)".to_owned(),
        Part::Decade => "extract(decade from y) - extract(decade from x)".to_owned(),
        Part::Year => years.to_owned(),
        Part::Quarter => format!("({years}) * 4 + extract(quarter from y) - extract(quarter from x)"),
        Part::Month => format!("({years}) * 12 + extract(month from y) - extract(month from x)"),
        Part::Week => "(cast(date_trunc('week', y) as date) - cast(date_trunc('week', x) as date)) / 7".to_owned(),
        Part::Hour => apart("hour", " / 3600"),
        Part::Minute => apart("minute", " / 60"),
        Part::Second => apart("second", ""),
        Part::Millisecond => apart("milliseconds", " * 1000"),
        Part::Microsecond => apart("microseconds", " * 1000000"),
        _ => "cast(y as date) - cast(x as date)".to_owned(),
    };
    build(&format!("cast({text} as bigint)"), &[("x", from), ("y", to)])
}

/// `date_trunc('part', moment)`.
pub(super) fn trunc(part: &Expr, value: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let part = length_argument(part, function, "DATE_TRUNC", rewriter);
    let (value, kind) = moment(value.clone(), rewriter);
    // A day plus nothing is a moment without a zone, and all else stays what it is.
    let text = if kind == Type::Unknown { "x + interval '0'" } else { "x" };
    let done = build(&format!("date_trunc('{}', {text})", part.word()), &[("x", &value)]);
    zoned(done, &kind)
}

/// `date_part('part', moment)`, which is a fraction where the part may have one.
pub(super) fn part_of(part: &Expr, value: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let part = part_argument(part, function, rewriter);
    let (value, _) = moment(value.clone(), rewriter);
    match part {
        Part::Second | Part::Millisecond | Part::Epoch => {
            (build(&format!("date_part('{}', x)", word(part)), &[("x", &value)]), Type::Float)
        }
        part => (whole(part, &value), Type::Int),
    }
}

/// `extract(part from moment)`: a whole number, of this part alone.
pub(super) fn whole_part(field: &str, value: &Expr, place: Span, rewriter: &mut Rewriter) -> (Expr, Type) {
    let Some(part) = part(field.trim_matches('\'')) else {
        rewriter.missing(place, &format!("date part `{}`", field.to_ascii_lowercase()));
        return (value.clone(), Type::Unknown);
    };
    let (value, _) = moment(value.clone(), rewriter);
    let text = match part {
        Part::Second => "cast(floor(extract(second from x)) as integer)",
        Part::Millisecond => "cast(floor(extract(milliseconds from x)) as integer) % 1000",
        Part::Microsecond => "cast(extract(microseconds from x) as integer) % 1000",
        Part::Epoch => "cast(floor(extract(epoch from x)) as bigint)",
        part => return (whole(part, &value), Type::Int),
    };
    (build(text, &[("x", &value)]), Type::Int)
}

fn whole(part: Part, value: &Expr) -> Expr {
    build(&format!("cast(date_part('{}', x) as integer)", word(part)), &[("x", value)])
}

/// PostgreSQL's word where it is another.
fn word(part: Part) -> &'static str {
    match part {
        Part::Millisecond => "milliseconds",
        Part::Microsecond => "microseconds",
        part => part.word(),
    }
}

/// `next_day(day, 'Tue')`: the first such day after it.
pub(super) fn next_day(day: &Expr, name: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let Some(number) = text_of(name).and_then(crate::dialect::translate::redshift::day_of_week) else {
        rewriter.missing(name.span(), "NEXT_DAY of this day");
        return (day.clone(), Type::Date);
    };
    let (day, _) = moment(day.clone(), rewriter);
    let text = format!("cast(x as date) + ({number} - cast(date_part('dow', x) as integer) + 6) % 7 + 1");
    (build(&text, &[("x", &day)]), Type::Date)
}
