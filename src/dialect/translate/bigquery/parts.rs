//! Date parts, and the formats of dates.

use sqlparser::ast::Expr;

use crate::dialect::translate::functions::build;

/// A date part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    /// That begins this many days after Monday.
    Week(u8),
    Month,
    Quarter,
    Year,
    IsoYear,
}

impl Part {
    /// From `DAY`, `WEEK(MONDAY)` and the like, in any case of letters. A bare `WEEK` begins on Sunday.
    pub(crate) fn named(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        if let Some(day) = word.strip_prefix("week(").and_then(|rest| rest.strip_suffix(')')) {
            let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
            let place = days.iter().position(|known| *known == day.trim())?;
            return u8::try_from(place).ok().map(Self::Week);
        }
        Some(match word.as_str() {
            "microsecond" => Self::Microsecond,
            "millisecond" => Self::Millisecond,
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week(6),
            "isoweek" => Self::Week(0),
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            "isoyear" => Self::IsoYear,
            _ => return None,
        })
    }

    /// DuckDB's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Microsecond => "microsecond",
            Self::Millisecond => "millisecond",
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week(_) => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::IsoYear => "isoyear",
        }
    }

    /// Its length, where that is always the same.
    pub(crate) fn microseconds(self) -> Option<u64> {
        Some(match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1_000,
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
            _ => return None,
        })
    }

    /// The first moment of the part that holds `moment`, a date or timestamp, as a timestamp.
    pub(crate) fn truncated(self, moment: &Expr) -> Expr {
        match self {
            Self::Week(6) => build("date_trunc('week', x + interval 1 day) - interval 1 day", &[("x", moment)]),
            Self::Week(after) if after > 0 => {
                build(&format!("date_trunc('week', x - interval {after} day) + interval {after} day"), &[("x", moment)])
            }
            _ => build(&format!("date_trunc('{}', x)", self.word()), &[("x", moment)]),
        }
    }
}

/// A format of BigQuery as an expression of DuckDB that writes `moment`, a date, time or timestamp without a zone.
///
/// The error is the element that has no equal.
pub(crate) fn written(format: &str, moment: &Expr, utc: bool) -> Result<Expr, String> {
    let mut pieces: Vec<Expr> = Vec::new();
    let mut run = String::new();
    for element in elements(format)? {
        let odd = match element.as_str() {
            "%A" | "%a" | "%B" | "%b" | "%d" | "%G" | "%H" | "%I" | "%j" | "%M" | "%m" | "%p" | "%S" | "%U" | "%u"
            | "%V" | "%W" | "%w" | "%Y" | "%y" | "%%" | "%-d" | "%-m" | "%-H" | "%-I" | "%-M" | "%-S" | "%-j"
            | "%-y" => {
                run.push_str(&element);
                continue;
            }
            "%h" => {
                run.push_str("%b");
                continue;
            }
            "%E4Y" => {
                run.push_str("%Y");
                continue;
            }
            "%E3S" => {
                run.push_str("%S.%g");
                continue;
            }
            "%E6S" => {
                run.push_str("%S.%f");
                continue;
            }
            "%Z" if utc => {
                run.push_str("UTC");
                continue;
            }
            "%z" if utc => {
                run.push_str("+0000");
                continue;
            }
            "%Ez" if utc => {
                run.push_str("+00:00");
                continue;
            }
            "%e" => "lpad(strftime(x, '%-d'), 2, ' ')",
            "%k" => "lpad(strftime(x, '%-H'), 2, ' ')",
            "%l" => "lpad(strftime(x, '%-I'), 2, ' ')",
            "%P" => "lower(strftime(x, '%p'))",
            "%Q" => "cast(quarter(x) as varchar)",
            "%C" => "lpad(cast(year(x) // 100 as varchar), 2, '0')",
            "%s" => "cast(epoch_us(x) // 1000000 as varchar)",
            "%g" => "right(strftime(x, '%G'), 2)",
            // Zeros of the seconds themselves stay.
            "%E*S" => "strftime(x, '%S') || regexp_replace(strftime(x, '.%f'), '\\.?0*$', '')",
            element if element.starts_with('%') => return Err(element.to_owned()),
            text => {
                run.push_str(text);
                continue;
            }
        };
        flush(&mut run, moment, &mut pieces);
        pieces.push(build(odd, &[("x", moment)]));
    }
    flush(&mut run, moment, &mut pieces);
    Ok(pieces
        .into_iter()
        .reduce(|one, other| build("a || b", &[("a", &one), ("b", &other)]))
        .unwrap_or_else(|| build("''", &[])))
}

fn flush(run: &mut String, moment: &Expr, pieces: &mut Vec<Expr>) {
    if !run.is_empty() {
        let format = run.replace('\'', "''");
        pieces.push(build(&format!("strftime(x, '{format}')"), &[("x", moment)]));
        run.clear();
    }
}

/// A format of BigQuery as one of DuckDB's for reading. The error is the element that has no equal.
pub(crate) fn reading(format: &str) -> Result<String, String> {
    let mut text = String::new();
    for element in elements(format)? {
        text.push_str(match element.as_str() {
            "%h" => "%b",
            "%e" => "%d",
            "%k" => "%H",
            "%l" => "%I",
            "%P" => "%p",
            "%E4Y" => "%Y",
            "%E*S" | "%E3S" | "%E6S" => "%S.%f",
            "%Ez" => "%z",
            "%A" | "%a" | "%B" | "%b" | "%d" | "%H" | "%I" | "%j" | "%M" | "%m" | "%p" | "%S" | "%Y" | "%y" | "%%"
            | "%z" => &element,
            element if element.starts_with('%') => return Err(element.to_owned()),
            text => text,
        });
    }
    Ok(text)
}

/// The elements of a format and the text between them; those that stand for several are taken apart.
pub(crate) fn elements(format: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            found.push(letter.to_string());
            continue;
        }
        let mut element = String::from('%');
        match letters.next() {
            Some('E') => {
                element.push('E');
                let next = letters.next().ok_or_else(|| element.clone())?;
                element.push(next);
                if next.is_ascii_digit() || next == '*' {
                    element.push(letters.next().ok_or_else(|| element.clone())?);
                }
            }
            Some('-') => {
                element.push('-');
                element.extend(letters.next());
            }
            Some(next) => element.push(next),
            None => return Err(element),
        }
        let several = match element.as_str() {
            "%F" => "%Y-%m-%d",
            "%T" | "%X" => "%H:%M:%S",
            "%R" => "%H:%M",
            "%D" | "%x" => "%m/%d/%y",
            "%c" => "%a %b %e %H:%M:%S %Y",
            "%n" => "\n",
            "%t" => "\t",
            _ => {
                found.push(element);
                continue;
            }
        };
        found.extend(elements(several)?);
    }
    Ok(found)
}
