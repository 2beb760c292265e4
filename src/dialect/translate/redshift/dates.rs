//! Sums, differences and zones of moments.

use sqlparser::ast::{Expr, Function, Spanned};

use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::{Part, check_zone, length_argument, moment, part, text_of, whole};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `dateadd(part, count, moment)`: a moment, of a day too.
pub(super) fn add(
    part: &Expr,
    count: &Expr,
    value: &Expr,
    function: &Function,
    rewriter: &mut Rewriter,
) -> (Expr, Type) {
    let part = length_argument(part, function, "DATEADD", rewriter);
    let mut count = count.clone();
    rewriter.expr(&mut count);
    let whole_count =
        if whole(&count).is_some() { count.clone() } else { build("cast(n as integer)", &[("n", &count)]) };
    let length = match part {
        Part::Millennium => "to_years(1000 * n)",
        Part::Century => "to_years(100 * n)",
        Part::Decade => "to_years(10 * n)",
        Part::Year => "to_years(n)",
        Part::Quarter => "to_months(3 * n)",
        Part::Month => "to_months(n)",
        Part::Week => "to_days(7 * n)",
        Part::Day => "to_days(n)",
        Part::Hour => "to_hours(n)",
        Part::Minute => "to_minutes(n)",
        Part::Millisecond => "to_milliseconds(n)",
        Part::Microsecond => "to_microseconds(n)",
        _ => "to_seconds(n)",
    };
    let length = build(length, &[("n", &whole_count)]);
    let (value, kind) = moment(value.clone(), rewriter);
    let sum = build("x + y", &[("x", &value), ("y", &length)]);
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", &sum)]), Type::TimestampTz),
        Type::Time => (sum, Type::Time),
        Type::Date | Type::Timestamp => (sum, Type::Timestamp),
        _ => (sum, Type::Unknown),
    }
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
    let text = match part {
        // DuckDB's own counts spans of seven days, wherever weeks begin.
        Part::Week => "date_diff('day', date_trunc('week', x), date_trunc('week', y)) // 7".to_owned(),
        part => format!("date_diff('{}', x, y)", part.word()),
    };
    (build(&text, &[("x", &from), ("y", &to)]), Type::Int)
}

/// `convert_timezone([from,] to, moment)`.
pub(crate) fn convert(from: Option<&Expr>, to: &Expr, value: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut to = to.clone();
    rewriter.expr(&mut to);
    check_zone(&to, rewriter);
    let mut from = from.cloned().unwrap_or_else(|| build("'UTC'", &[]));
    rewriter.expr(&mut from);
    check_zone(&from, rewriter);
    let (value, _) = moment(value.clone(), rewriter);
    let text = "cast(x as timestamp) at time zone y at time zone z";
    (build(text, &[("x", &value), ("y", &from), ("z", &to)]), Type::Timestamp)
}

/// `next_day(day, 'Tue')`: the first such day after it.
pub(super) fn next_day(day: &Expr, name: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let Some(number) = text_of(name).and_then(day_of_week) else {
        rewriter.missing(name.span(), "NEXT_DAY of this day");
        return (day.clone(), Type::Date);
    };
    let (day, _) = moment(day.clone(), rewriter);
    let text = format!("cast(x as date) + cast(({number} - date_part('dow', x) + 6) % 7 + 1 as integer)");
    (build(&text, &[("x", &day)]), Type::Date)
}

/// The number of a day by its name or a start of it: 0 is Sunday.
pub(crate) fn day_of_week(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
    let least = if name.starts_with(['s', 't']) { 2 } else { 1 };
    days.iter().position(|day| name.len() >= least && day.starts_with(&name))
}

/// `extract(part from moment)`: a whole number, of this part alone.
pub(super) fn extract(field: &str, value: &Expr, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let text = match part(field.trim_matches('\''))? {
        Part::Second => "date_part('second', x)",
        Part::Millisecond => "date_part('millisecond', x) % 1000",
        Part::Microsecond => "date_part('microsecond', x) % 1000",
        Part::Epoch => "cast(floor(epoch(x)) as bigint)",
        _ => return None,
    };
    let (value, _) = moment(value.clone(), rewriter);
    Some((build(text, &[("x", &value)]), Type::Int))
}
