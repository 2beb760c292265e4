//! What becomes of values of two types that meet: in a comparison, in a CASE, in the halves of a UNION.

use crate::relation::DataType;

/// Where two values meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// Whether they are the same: `=`, IS DISTINCT FROM, IN with a list.
    Equality,
    /// Which is more: `<`, BETWEEN.
    Order,
    /// Whether the first is among those that a query gives: the second is its column.
    Membership,
    /// One of them becomes the value: CASE, COALESCE.
    Choice,
    /// Both become one column: UNION and its like.
    Union,
    /// `+`.
    Sum,
    /// `-`.
    Difference,
    /// `*` and `/`.
    Product,
    /// LIKE and its like.
    Pattern,
}

/// What a warehouse makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It takes them, or nobody knows.
    Taken,
    /// It takes the statement, and fails at the first value that is not NULL.
    Fails,
    /// It refuses the statement.
    Refused,
}

/// A value that meets another one.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// Its type.
    pub data_type: &'a DataType,
    /// What stands in the quotes, if it is a text as it is written: nothing else becomes what it stands beside.
    pub literal: Option<&'a str>,
    /// Whether it comes from a table or a cast, so that its type is settled whatever it was made of.
    pub is_settled: bool,
}

/// Types between which there is hardly a way without a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Number,
    Boolean,
    Text,
    /// A date, with or without a time.
    Moment,
    /// A time of day.
    Time,
    Interval,
    Bytes,
    Uuid,
    Json,
    Geography,
    Array,
    Struct,
    Map,
    Range,
}

impl Outcome {
    /// Refused if that is so.
    pub(super) fn refused_if(is_so: bool) -> Self {
        if is_so { Self::Refused } else { Self::Taken }
    }
}

impl Family {
    /// `None` where nobody knows, of a NULL, and of types that only one warehouse has.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Integer { .. } | DataType::Decimal(_) | DataType::Real | DataType::Double => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::Text(_) | DataType::Char(_) => Self::Text,
            DataType::Date | DataType::Timestamp { .. } => Self::Moment,
            DataType::Time { .. } => Self::Time,
            DataType::Interval => Self::Interval,
            DataType::Bytes => Self::Bytes,
            DataType::Uuid => Self::Uuid,
            DataType::Json => Self::Json,
            DataType::Geography => Self::Geography,
            DataType::Array(_) => Self::Array,
            DataType::Struct(_) => Self::Struct,
            DataType::Map(_) => Self::Map,
            DataType::Range(_) => Self::Range,
            DataType::Unknown | DataType::Null | DataType::Named(_) => return None,
        })
    }

    /// Those of both sides, if both are known.
    pub(super) fn of_both(one: &Operand<'_>, other: &Operand<'_>) -> Option<(Self, Self)> {
        Some((Self::of(one.data_type)?, Self::of(other.data_type)?))
    }

    /// Whether a text surely is no value of it, in any warehouse.
    pub(super) fn cannot_be(self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let begins_with = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        match self {
            Self::Number => {
                let first = text.chars().next();
                first.is_none_or(char::is_alphabetic) && !begins_with(&["inf", "nan"])
            }
            Self::Moment | Self::Time => {
                let words = ["epoch", "inf", "-inf", "+inf", "now", "today", "tomorrow", "yesterday", "allballs"];
                !text.contains(|letter: char| letter.is_ascii_digit()) && !begins_with(&words)
            }
            Self::Boolean => {
                let words = ["true", "false", "yes", "no", "on", "off", "1", "0"];
                text.is_empty() || !words.iter().any(|word| word.starts_with(&text))
            }
            Self::Uuid => {
                text.is_empty() || text.contains(|letter: char| letter.is_alphabetic() && !letter.is_ascii_hexdigit())
            }
            _ => false,
        }
    }
}

/// Whether a text is a span of time, `1 day`, and so no moment.
pub(super) fn is_span(text: &str) -> bool {
    let unit = text.trim().trim_start_matches(|letter: char| letter.is_ascii_digit() || "+-. ".contains(letter));
    let units = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];
    let unit = unit.to_lowercase();
    text.contains(|letter: char| letter.is_ascii_digit())
        && units.iter().any(|word| unit.trim_end_matches('s') == *word)
}

/// Of two values the one that is a text as it is written, with the family of the other.
pub(super) fn literal_beside<'a>(one: &Operand<'a>, other: &Operand<'a>) -> Option<(&'a str, Option<Family>)> {
    match (one.literal, other.literal) {
        (Some(text), None) => Some((text, Family::of(other.data_type))),
        (None, Some(text)) => Some((text, Family::of(one.data_type))),
        (Some(text), Some(_)) => Some((text, None)),
        (None, None) => None,
    }
}

/// What BigQuery, DuckDB and PostgreSQL alike have no operator for: texts and truth values in sums, days that are added or
/// multiplied, numbers that are added to something else than a day.
pub(super) fn has_no_operator(meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> bool {
    use Family::{Boolean, Interval, Moment, Number, Text, Time};
    let Some(families) = Family::of_both(one, other) else { return false };
    if one.literal.is_some() || other.literal.is_some() {
        return meeting == Meeting::Pattern && matches!(families.0, Number | Boolean | Moment) && one.literal.is_none();
    }
    // A day and a whole number are the only ones of their kind.
    let is_day = |operand: &Operand<'_>| *operand.data_type == DataType::Date;
    let is_whole = |operand: &Operand<'_>| matches!(operand.data_type, DataType::Integer { .. });
    match (meeting, families) {
        (Meeting::Pattern, (first, _)) => matches!(first, Number | Boolean | Moment),
        (
            Meeting::Sum | Meeting::Difference | Meeting::Product,
            (Text | Boolean, Text | Boolean | Number | Moment | Time | Interval)
            | (Number | Moment | Time | Interval, Text | Boolean),
        )
        | (Meeting::Product, (Moment, _) | (_, Moment))
        | (Meeting::Sum, (Moment, Moment))
        | (Meeting::Difference, (Number, Moment)) => true,
        (Meeting::Sum | Meeting::Difference, (Moment, Number)) => !(is_day(one) && is_whole(other)),
        (Meeting::Sum, (Number, Moment)) => !(is_whole(one) && is_day(other)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Family, is_span};

    #[test]
    fn texts_that_no_warehouse_reads() {
        for (family, text) in [
            (Family::Number, ""),
            (Family::Number, "abc"),
            (Family::Moment, " "),
            (Family::Moment, "never"),
            (Family::Boolean, "maybe"),
            (Family::Uuid, "x"),
        ] {
            assert!(family.cannot_be(text), "{text}");
        }
        for (family, text) in [
            (Family::Number, " 1 "),
            (Family::Number, "-.5e3"),
            (Family::Number, "NaN"),
            (Family::Moment, "2024-01-01"),
            (Family::Moment, "-infinity"),
            (Family::Boolean, "Y"),
            (Family::Boolean, "off"),
            (Family::Uuid, "{a0}"),
            (Family::Text, "x"),
        ] {
            assert!(!family.cannot_be(text), "{text}");
        }
    }

    #[test]
    fn spans_of_time() {
        assert!(["1 day", " -2 Hours", "1.5 weeks"].into_iter().all(is_span));
        assert!(!["2024-01-01", "day", "1 day 2 hours ago", "1", ""].into_iter().any(is_span));
    }
}
