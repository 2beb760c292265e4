//! Lengths of time as people write them.

use std::fmt;

use crate::diagnostic::did_you_mean;

/// A length of time, in whole seconds: between 0 and 1,000 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(u64);

/// The units, the longest first: in full, in short, and how many seconds they are. A month is no length: it has 28 to 31 days.
const UNITS: [(&str, &str, u64); 5] =
    [("week", "w", 7 * 86_400), ("day", "d", 86_400), ("hour", "h", 3_600), ("minute", "m", 60), ("second", "s", 1)];

/// More than this is no length of time that anybody means, and no number of seconds that every warehouse takes.
const LONGEST: u64 = 1_000 * 365 * 86_400;

/// How one is written.
pub(super) const FORM: &str =
    "as `90 minutes`, `1 hour`, `2 days` or `1 week`, or in short as `90m`, `1h`, `2d` or `1w`";

impl TimeSpan {
    /// Of so many seconds; `None` for more than 1,000 years.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        (seconds <= LONGEST).then_some(Self(seconds))
    }

    /// `90 minutes`, `1 hour`, `2 days`, `1 week`, `30 seconds`, `90m`, `1h`, `2d`, `1w`, `30s`, in any case of letters; or what to
    /// do about a text that is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("write it {FORM}");
        let text = text.trim();
        let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        if number.is_empty() {
            return Err(wrong());
        }
        let unit = unit.trim().to_lowercase();
        let known =
            |(name, short, _): &&(&str, &str, u64)| unit == *short || unit.strip_suffix('s').unwrap_or(&unit) == *name;
        let Some((_, _, seconds)) = UNITS.iter().find(known) else {
            let is_word = !unit.is_empty() && unit.chars().all(char::is_alphabetic);
            let near = did_you_mean(&unit, ["weeks", "days", "hours", "minutes", "seconds"]).filter(|_| is_word);
            return Err(near.unwrap_or_else(wrong));
        };
        let span = number.parse::<u64>().ok().and_then(|number| Self::from_seconds(number.checked_mul(*seconds)?));
        span.ok_or_else(|| "1,000 years are the longest that it can be".to_owned())
    }

    /// How many seconds it is.
    pub fn seconds(self) -> u64 {
        self.0
    }
}

/// `90 minutes`, `1 hour`, `2 days`: in the longest unit that leaves no rest, and in words that
/// [`parse`](TimeSpan::parse) reads.
impl fmt::Display for TimeSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, _, seconds): &&(&str, &str, u64)| self.0 > 0 && self.0.is_multiple_of(*seconds);
        let (name, number) =
            UNITS.iter().find(fits).map_or(("second", self.0), |(name, _, seconds)| (*name, self.0 / seconds));
        write!(f, "{number} {name}{}", if number == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_full_and_in_short() {
        let seconds = |text| TimeSpan::parse(text).map(TimeSpan::seconds);
        assert_eq!(seconds("90 minutes"), Ok(5_400));
        assert_eq!(seconds("90m"), Ok(5_400));
        assert_eq!(seconds(" 1 Hour "), Ok(3_600));
        assert_eq!(seconds("2days"), Ok(172_800));
        assert_eq!(seconds("1w"), Ok(604_800));
        assert_eq!(seconds("0 s"), Ok(0));
    }

    #[test]
    fn what_is_no_length_is_told_with_what_to_do() {
        let help = |text| TimeSpan::parse(text).unwrap_err();
        assert_eq!(help("2 dais"), "did you mean `days`?");
        for text in ["", "days", "2", "-1 day", "1.5 hours", "1 month", "1h 30m", "2 …", "½ d"] {
            assert_eq!(help(text), format!("write it {FORM}"), "{text}");
        }
        for text in ["99999999999999999999 s", "18446744073709551615 weeks", "365001 days"] {
            assert_eq!(help(text), "1,000 years are the longest that it can be", "{text}");
        }
    }

    #[test]
    fn a_length_is_shown_in_its_longest_unit() {
        for text in ["90 minutes", "1 hour", "36 hours", "2 days", "1 week", "61 seconds", "0 seconds"] {
            assert_eq!(TimeSpan::parse(text).map(|span| span.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(TimeSpan::parse("14d").map(|span| span.to_string()).as_deref(), Ok("2 weeks"));
    }
}
