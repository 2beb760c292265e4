//! Days, times, their parts and zones.

use sqlparser::ast::{Expr, Function, Spanned, Value};

use super::expr::text_of;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A part of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Millennium,
    Century,
    Decade,
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    DayOfWeek,
    DayOfYear,
    IsoDayOfWeek,
    IsoYear,
    Epoch,
}

impl Part {
    /// DuckDB's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Millennium => "millennium",
            Self::Century => "century",
            Self::Decade => "decade",
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Millisecond => "millisecond",
            Self::Microsecond => "microsecond",
            Self::DayOfWeek => "dow",
            Self::DayOfYear => "doy",
            Self::IsoDayOfWeek => "isodow",
            Self::IsoYear => "isoyear",
            Self::Epoch => "epoch",
        }
    }

    /// Whether it is a length of time, so that one can add it.
    pub(crate) fn is_length(self) -> bool {
        !matches!(self, Self::DayOfWeek | Self::DayOfYear | Self::IsoDayOfWeek | Self::IsoYear | Self::Epoch)
    }
}

/// The part that a word or an abbreviation means, in any case of letters.
///
/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html>
pub(crate) fn part(word: &str) -> Option<Part> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "millennium" | "millennia" | "millenniums" | "mil" | "mils" => Part::Millennium,
        "century" | "centuries" | "c" | "cent" | "cents" => Part::Century,
        "decade" | "decades" | "dec" | "decs" => Part::Decade,
        "year" | "years" | "y" | "yr" | "yrs" | "yyyy" | "yy" => Part::Year,
        "quarter" | "quarters" | "qtr" | "qtrs" => Part::Quarter,
        "month" | "months" | "mon" | "mons" | "mm" => Part::Month,
        "week" | "weeks" | "w" => Part::Week,
        "day" | "days" | "d" | "dd" => Part::Day,
        "hour" | "hours" | "h" | "hr" | "hrs" | "hh" => Part::Hour,
        "minute" | "minutes" | "m" | "min" | "mins" | "mi" => Part::Minute,
        "second" | "seconds" | "s" | "sec" | "secs" | "ss" => Part::Second,
        "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisec"
        | "millisecs" | "millisecon" => Part::Millisecond,
        "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsec"
        | "microsecs" => Part::Microsecond,
        "dow" | "dayofweek" | "dw" | "weekday" => Part::DayOfWeek,
        "doy" | "dayofyear" | "dy" | "yearday" => Part::DayOfYear,
        "isodow" => Part::IsoDayOfWeek,
        "isoyear" => Part::IsoYear,
        "epoch" => Part::Epoch,
        _ => return None,
    })
}

/// The part that an argument names, as a word or as text.
fn part_of(argument: &Expr) -> Option<Part> {
    match argument {
        Expr::Identifier(word) => part(&word.value),
        argument => part(text_of(argument)?),
    }
}

/// The part that an argument of a call names; a problem if there is none.
pub(crate) fn part_argument(argument: &Expr, function: &Function, rewriter: &mut Rewriter) -> Part {
    part_of(argument).unwrap_or_else(|| {
        let what = format!("date part `{}`", argument.to_string().trim_matches('\''));
        let place = if argument.span().start.line == 0 { function.name.span() } else { argument.span() };
        rewriter.missing(place, &what);
        Part::Day
    })
}

/// The length of time that an argument of a call names; a problem if it is none. `what` is the function in the message.
pub(crate) fn length_argument(argument: &Expr, function: &Function, what: &str, rewriter: &mut Rewriter) -> Part {
    let part = part_argument(argument, function, rewriter);
    if !part.is_length() {
        rewriter.missing(function.name.span(), &format!("{what} of `{}`", part.word()));
    }
    part
}

/// A value that DuckDB takes for a moment of the zone UTC, and what it is: text is read, a moment loses its zone.
pub(crate) fn moment(mut value: Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let kind = rewriter.expr(&mut value);
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", &value)]), kind),
        Type::Text => (build("cast(x as timestamp)", &[("x", &value)]), Type::Timestamp),
        kind => (value, kind),
    }
}

/// `date_trunc('part', moment)`.
pub(crate) fn date_trunc(part: &Expr, value: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let part = length_argument(part, function, "DATE_TRUNC", rewriter);
    let (value, kind) = moment(value.clone(), rewriter);
    let done = build(&format!("date_trunc('{}', x)", part.word()), &[("x", &value)]);
    match kind {
        Type::TimestampTz => (build("x at time zone 'UTC'", &[("x", &done)]), Type::TimestampTz),
        Type::Interval => (done, Type::Interval),
        Type::Date | Type::Timestamp => (done, Type::Timestamp),
        _ => (done, Type::Unknown),
    }
}

/// `date_trunc('part', moment, zone)`: the beginning of the part in that zone.
pub(super) fn date_trunc_in(
    part: &Expr,
    value: &Expr,
    zone: &Expr,
    function: &Function,
    rewriter: &mut Rewriter,
) -> (Expr, Type) {
    let part = part_argument(part, function, rewriter);
    let (mut value, mut zone) = (value.clone(), zone.clone());
    let kind = rewriter.expr(&mut value);
    rewriter.expr(&mut zone);
    check_zone(&zone, rewriter);
    if !part.is_length() || kind != Type::TimestampTz {
        rewriter.missing(function.name.span(), "DATE_TRUNC in a zone of what is not known to have one");
    }
    let text = format!("date_trunc('{}', x at time zone z) at time zone z", part.word());
    (build(&text, &[("x", &value), ("z", &zone)]), Type::TimestampTz)
}

/// `date_part('part', moment)`.
pub(crate) fn date_part(part: &Expr, value: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let part = part_argument(part, function, rewriter);
    taken(part, value, rewriter)
}

/// `extract(part from moment)`.
pub(crate) fn extract(field: &str, value: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let Some(part) = part(field.trim_matches('\'')) else {
        rewriter.missing(value.span(), &format!("date part `{}`", field.to_ascii_lowercase()));
        return (value.clone(), Type::Unknown);
    };
    taken(part, value, rewriter)
}

fn taken(part: Part, value: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (value, _) = moment(value.clone(), rewriter);
    match part {
        // With its fraction, which DuckDB leaves out.
        Part::Second => (build("date_part('microsecond', x) / 1000000", &[("x", &value)]), Type::Float),
        Part::Millisecond => (build("date_part('microsecond', x) / 1000", &[("x", &value)]), Type::Float),
        Part::Epoch => (build("epoch(x)", &[("x", &value)]), Type::Float),
        part => (build(&format!("date_part('{}', x)", part.word()), &[("x", &value)]), Type::Int),
    }
}

/// `moment AT TIME ZONE zone`.
pub(crate) fn at_time_zone(value: &Expr, zone: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut value = value.clone();
    let mut zone = zone.clone();
    let kind = rewriter.expr(&mut value);
    rewriter.expr(&mut zone);
    check_zone(&zone, rewriter);
    let value = match kind {
        Type::Date | Type::Text => build("cast(x as timestamp)", &[("x", &value)]),
        _ => value,
    };
    let result = match kind {
        Type::TimestampTz => Type::Timestamp,
        Type::Timestamp | Type::Date | Type::Text => Type::TimestampTz,
        _ => Type::Unknown,
    };
    (build("x at time zone z", &[("x", &value), ("z", &zone)]), result)
}

/// A zone by its full name means the same everywhere; `EDT` or `UTC+3` does not.
pub(crate) fn check_zone(zone: &Expr, rewriter: &mut Rewriter) {
    let Some(name) = text_of(zone) else { return };
    let known = ["UTC", "GMT", "Z", "EST", "MST", "HST"].iter().any(|known| known.eq_ignore_ascii_case(name));
    let full = name.contains('/') && name.starts_with(|letter: char| letter.is_alphabetic())
        || name.len() > 4 && name.chars().all(char::is_alphabetic);
    if !known && !full {
        let what = format!("time zone `{name}`");
        rewriter.missing_because(zone.span(), &what, "name it in full, as in `Europe/Berlin`");
    }
}

/// INTERVAL with its units in full.
pub(crate) fn interval(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Interval(interval) = expr else { return Type::Unknown };
    let place = interval.value.span();
    if interval.last_field.is_some()
        || interval.leading_precision.is_some()
        || interval.fractional_seconds_precision.is_some()
    {
        rewriter.missing(place, "interval of several parts");
    }
    if interval.leading_field.is_some() {
        let Some(count) = text_of(&interval.value).and_then(|text| text.trim().parse::<f64>().ok()) else {
            rewriter.missing(place, "interval of this form");
            return Type::Interval;
        };
        let field = interval.leading_field.as_ref().map(ToString::to_string).unwrap_or_default();
        match part(&field).filter(|part| part.is_length()) {
            Some(part) => *expr = interval_of(&format!("{count} {}", part.word())),
            None => rewriter.missing(place, "interval of this unit"),
        }
        return Type::Interval;
    }
    match text_of(&interval.value).and_then(in_full) {
        Some(text) => *expr = interval_of(&text),
        None => rewriter.missing(place, "interval of this form"),
    }
    Type::Interval
}

fn interval_of(text: &str) -> Expr {
    let value = Expr::value(Value::SingleQuotedString(text.to_owned()));
    build("cast(x as interval)", &[("x", &value)])
}

/// The text of an interval in DuckDB's words. `None` if it is not understood.
pub(super) fn in_full(text: &str) -> Option<String> {
    let mut rest = text.trim();
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || "+-.:".contains(letter))).unwrap_or(rest.len());
        let (count, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after.find(|letter: char| !letter.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        rest = after.trim_start_matches([',', ' ']);
        if count.contains(':') && unit.is_empty() {
            parts.push(count.to_owned());
            continue;
        }
        let number: f64 = count.parse().ok()?;
        // Seconds, if nothing else is said.
        let part = if unit.is_empty() { Part::Second } else { part(unit).filter(|part| part.is_length())? };
        if number.fract() != 0.0 && !matches!(part, Part::Day | Part::Hour | Part::Minute | Part::Second) {
            return None;
        }
        parts.push(format!("{count} {}", part.word()));
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_in_full() {
        assert_eq!(in_full("1 day 2 hrs").as_deref(), Some("1 day 2 hour"));
        assert_eq!(in_full("-3w").as_deref(), Some("-3 week"));
        assert_eq!(in_full("1 day 02:03:04").as_deref(), Some("1 day 02:03:04"));
        assert_eq!(in_full("1.5 months"), None);
        assert_eq!(in_full("soon"), None);
    }
}
