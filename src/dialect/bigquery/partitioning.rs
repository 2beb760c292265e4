//! What the expression behind PARTITION BY says, in the words of the warehouse's metadata.

use crate::relation::{Partitioning, TimeUnit};

/// The partitioning that an expression asks for, however it is spelled; `None` for one that is not understood.
pub(super) fn read(expression: &str) -> Option<Partitioning> {
    let words = words(expression)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [column] | ["date", "(", column, ")"] => Some(by_time(column, TimeUnit::Day)),
        ["timestamp_trunc" | "datetime_trunc" | "date_trunc", "(", column, ",", unit, ")"] => {
            Some(by_time(column, TimeUnit::named(unit)?))
        }
        ["range_bucket", "(", column, ",", "generate_array", "(", numbers @ .., ")", ")"] => {
            let numbers: Vec<i64> =
                numbers.split(|word| *word == ",").map(|digits| digits.concat().parse().ok()).collect::<Option<_>>()?;
            let (start, end, interval) = match *numbers.as_slice() {
                [start, end] => (start, end, 1),
                [start, end, interval] => (start, end, interval),
                _ => return None,
            };
            Some(Partitioning::Range { column: (*column).to_owned(), start, end, interval })
        }
        _ => None,
    }
}

fn by_time(column: &str, unit: TimeUnit) -> Partitioning {
    let is_ingestion = ["_partitiontime", "_partitiondate"].contains(&column);
    Partitioning::Time { column: (!is_ingestion).then(|| column.to_owned()), unit }
}

/// Names and numbers in small letters and single signs; `None` if there is anything else, such as a text.
fn words(expression: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut continues = false;
    for letter in expression.chars() {
        let is_word = letter.is_alphanumeric() || letter == '_';
        match letter {
            _ if is_word && continues => words.last_mut()?.extend(letter.to_lowercase()),
            _ if is_word => words.push(letter.to_lowercase().collect()),
            '(' | ')' | ',' | '-' => words.push(letter.to_string()),
            '`' => {}
            _ if letter.is_whitespace() => {}
            _ => return None,
        }
        continues = is_word;
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_partitioning_in_many_words() {
        let day =
            |column: Option<&str>| Some(Partitioning::Time { column: column.map(str::to_owned), unit: TimeUnit::Day });
        for expression in ["ts", "`TS`", "date(ts)", "DATE( ts )", "timestamp_trunc(ts, DAY)", "datetime_trunc(ts,day)"]
        {
            assert_eq!(read(expression), day(Some("ts")), "{expression}");
        }
        for expression in ["_PARTITIONDATE", "date(_PARTITIONTIME)", "timestamp_trunc(_partitiontime, day)"] {
            assert_eq!(read(expression), day(None), "{expression}");
        }
        let month = Partitioning::Time { column: Some("d".to_owned()), unit: TimeUnit::Month };
        assert_eq!(read("DATE_TRUNC(d, MONTH)"), Some(month));
        let range = |start, interval| Some(Partitioning::Range { column: "n".to_owned(), start, end: 100, interval });
        assert_eq!(read("range_bucket(n, generate_array(0, 100, 10))"), range(0, 10));
        assert_eq!(read("RANGE_BUCKET(n, GENERATE_ARRAY(-10, 100))"), range(-10, 1));
    }

    #[test]
    fn what_is_not_understood_is_no_claim() {
        for expression in ["timestamp_trunc(ts, week)", "parse_date('%F', d)", "a.b", "date(ts, 'UTC')", ""] {
            assert_eq!(read(expression), None, "{expression}");
        }
    }
}
