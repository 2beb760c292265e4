use std::fmt;

use jiff::civil::DateTime;
use jiff::{Span, ToSpan};

/// How long the intervals are that rows are counted by, from the shortest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub enum Width {
    /// From one full hour to the next.
    Hour,
    /// A day.
    #[default]
    Day,
    /// A month.
    Month,
}

impl Width {
    /// `hour`, `day`, `month`
    pub fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// How the name of an interval is written, in the words of `strftime`: `2024-01-31 23:00`, `2024-01-31`, `2024-01`.
    pub fn strftime(self) -> &'static str {
        match self {
            Self::Hour => "%Y-%m-%d %H:00",
            Self::Day => "%Y-%m-%d",
            Self::Month => "%Y-%m",
        }
    }

    /// The same in those of `to_char`.
    pub fn to_char(self) -> &'static str {
        match self {
            Self::Hour => "YYYY-MM-DD HH24:00",
            Self::Day => "YYYY-MM-DD",
            Self::Month => "YYYY-MM",
        }
    }
}

/// A text that is no date and no timestamp, or one that no calendar has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date that intervals are made of")]
pub struct NoMoment(String);

/// Intervals by their names, such as `2024-01-31`: they sort as their times do.
impl Width {
    /// The name of the interval that a date or a timestamp lies in, as people write it.
    pub fn name(self, text: &str) -> Result<String, NoMoment> {
        Ok(self.name_at(moment(text)?))
    }

    /// The name of the last interval that begins before a date or a timestamp.
    pub fn last_before(self, text: &str) -> Result<String, NoMoment> {
        let before = moment(text)?.checked_sub(1.nanosecond());
        Ok(self.name_at(before.map_err(|_| NoMoment(text.to_owned()))?))
    }

    /// The first moment of an interval, as every warehouse reads it: `2024-01-31 23:00:00`, `2024-01-31`, `2024-01-01`.
    pub fn start(self, name: &str) -> String {
        match self {
            Self::Hour => format!("{name}:00"),
            Self::Day => name.to_owned(),
            Self::Month => format!("{name}-01"),
        }
    }

    /// The first moment behind an interval.
    pub fn end(self, name: &str) -> Result<String, NoMoment> {
        Ok(self.start(&self.next(name)?))
    }

    /// The first moment of an interval and the first one behind it, so many seconds further apart at both ends.
    pub fn around(self, name: &str, seconds: u32) -> Result<(String, String), NoMoment> {
        let (start, end) = (self.start(name), self.end(name)?);
        if seconds == 0 {
            return Ok((start, end));
        }
        let seconds = i64::from(seconds).seconds();
        let (first, last) = (moment(&start)?.checked_sub(seconds), moment(&end)?.checked_add(seconds));
        let text = |moment: Result<DateTime, jiff::Error>| {
            moment.map(|moment| moment.strftime("%Y-%m-%d %H:%M:%S").to_string()).map_err(|_| NoMoment(name.to_owned()))
        };
        Ok((text(first)?, text(last)?))
    }

    /// The interval that so many seconds before the start of another one lie in.
    pub fn earlier(self, name: &str, seconds: u64) -> Result<String, NoMoment> {
        let no_moment = |_| NoMoment(name.to_owned());
        let seconds = Span::new().try_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)).map_err(no_moment)?;
        Ok(self.name_at(moment(&self.start(name))?.checked_sub(seconds).map_err(no_moment)?))
    }

    /// All names from one to another one, at most so many.
    pub fn names(self, first: &str, last: &str, most: usize) -> Result<Vec<String>, NoMoment> {
        let mut names = vec![first.to_owned()];
        while let Some(name) = names.last().filter(|name| name.as_str() < last && names.len() < most) {
            names.push(self.next(name)?);
        }
        Ok(names)
    }

    fn next(self, name: &str) -> Result<String, NoMoment> {
        let one = match self {
            Self::Hour => 1.hour(),
            Self::Day => 1.day(),
            Self::Month => 1.month(),
        };
        let next = moment(&self.start(name))?.checked_add(one);
        Ok(self.name_at(next.map_err(|_| NoMoment(name.to_owned()))?))
    }

    fn name_at(self, moment: DateTime) -> String {
        moment.strftime(self.strftime()).to_string()
    }
}

fn moment(text: &str) -> Result<DateTime, NoMoment> {
    let text = text.trim();
    let date =
        jiff::civil::Date::strptime("%Y-%m-%d", text).map(|date| date.to_datetime(jiff::civil::Time::midnight()));
    date.or_else(|_| text.parse()).map_err(|_| NoMoment(text.to_owned()))
}

/// `hour`, `day`, `month`.
impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_names_that_lead_to_their_bounds() {
        let bounds = |width: Width, text| {
            let name = width.name(text)?;
            Ok::<_, NoMoment>((width.start(&name), width.end(&name)?))
        };
        let pair = |start: &str, end: &str| Ok((start.to_owned(), end.to_owned()));
        assert_eq!(bounds(Width::Day, "2024-02-28"), pair("2024-02-28", "2024-02-29"));
        assert_eq!(bounds(Width::Day, "2024-02-29 13:30:00"), pair("2024-02-29", "2024-03-01"));
        assert_eq!(bounds(Width::Month, "2023-12-31"), pair("2023-12-01", "2024-01-01"));
        assert_eq!(bounds(Width::Hour, "2023-12-31T23:59:59"), pair("2023-12-31 23:00:00", "2024-01-01 00:00:00"));
        assert_eq!(Width::Day.last_before("2024-03-01").as_deref(), Ok("2024-02-29"));
        assert_eq!(Width::Day.last_before("2024-03-01 00:00:01").as_deref(), Ok("2024-03-01"));
        assert_eq!(Width::Month.earlier("2024-03", 86_400).as_deref(), Ok("2024-02"));
        assert_eq!(Width::Day.names("2024-02-28", "2024-03-01", 9).map(|names| names.len()), Ok(3));
        for text in ["", "yesterday", "2024-02-30", "9999-12-31"] {
            assert!(bounds(Width::Day, text).is_err(), "{text}");
        }
    }
}
