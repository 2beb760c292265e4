//! Values of a warehouse as JSON, from their text and the name of their type.

use serde_json::{Map, Number, Value};

use crate::adapter::Rows;

/// Each row as an object. Texts of the types that are `nested` are JSON already.
pub(super) fn objects(rows: Rows, is_nested: impl Fn(&str) -> bool) -> Vec<Map<String, Value>> {
    let columns = rows.columns;
    let object = |row: Vec<Option<String>>| {
        let pairs = columns.iter().zip(row).map(|(column, text)| {
            let value = text.map_or(Value::Null, |text| {
                let json = is_nested(&column.data_type).then(|| serde_json::from_str(&text).ok()).flatten();
                json.unwrap_or_else(|| value(text, &column.data_type))
            });
            (column.name.clone(), value)
        });
        pairs.collect()
    };
    rows.rows.into_iter().map(object).collect()
}

/// A single value. What JSON has no exact form for, such as a date or a decimal with too many digits, is its text.
fn value(text: String, data_type: &str) -> Value {
    let name = data_type.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    let known = match name.as_str() {
        "BOOLEAN" | "BOOL" => text.parse().ok().map(Value::Bool),
        "FLOAT" | "FLOAT4" | "FLOAT8" | "FLOAT64" | "REAL" | "DOUBLE" | "DOUBLE PRECISION" => {
            text.parse().ok().and_then(Number::from_f64).map(Value::Number)
        }
        "DECIMAL" | "NUMERIC" | "BIGNUMERIC" => decimal(&text).map(Value::Number),
        name if name.ends_with("INT") || name.ends_with("INTEGER") || INTEGERS.contains(&name) => {
            integer(&text).map(Value::Number)
        }
        name if name.starts_with("TIMESTAMP") || name == "DATETIME" => iso(&text).map(Value::String),
        _ => None,
    };
    known.unwrap_or(Value::String(text))
}

/// A point in time as ISO 8601 writes it: `2024-01-31T10:30:00+00:00`.
fn iso(text: &str) -> Option<String> {
    let (day, time) = text.split_once(' ').filter(|(_, time)| time.starts_with(|char: char| char.is_ascii_digit()))?;
    let has_hours_only = time.rfind(['+', '-']).is_some_and(|sign| time.len() - sign == "+00".len());
    Some(format!("{day}T{time}{}", if has_hours_only { ":00" } else { "" }))
}

/// Those whose name does not end in the word.
const INTEGERS: [&str; 4] = ["INT2", "INT4", "INT8", "INT64"];

fn integer(text: &str) -> Option<Number> {
    text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
}

/// A decimal that a double holds to the last digit.
fn decimal(text: &str) -> Option<Number> {
    let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let number: f64 = shortest.parse().ok()?;
    if number.to_string() != shortest {
        return None;
    }
    integer(shortest).or_else(|| Number::from_f64(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_type() {
        let json = |text: &str, data_type: &str| value(text.to_owned(), data_type).to_string();
        assert_eq!(json("true", "BOOLEAN"), "true");
        assert_eq!(json("-7", "bigint"), "-7");
        assert_eq!(json("18446744073709551615", "UBIGINT"), "18446744073709551615");
        assert_eq!(json("170141183460469231731687303715884105727", "HUGEINT").len(), 41);
        assert_eq!(json("0.1", "FLOAT"), "0.1");
        assert_eq!(json("1e+20", "DOUBLE"), "1e+20");
        assert_eq!(json("nan", "DOUBLE"), "\"nan\"");
        assert_eq!(json("1", "VARCHAR"), "\"1\"");
        assert_eq!(json("2024-01-31", "DATE"), "\"2024-01-31\"");
        assert_eq!(json("2024-01-31 10:30:00.5", "TIMESTAMP"), "\"2024-01-31T10:30:00.5\"");
        assert_eq!(json("2024-01-31 10:30:00+00", "TIMESTAMP WITH TIME ZONE"), "\"2024-01-31T10:30:00+00:00\"");
        assert_eq!(json("infinity", "TIMESTAMP"), "\"infinity\"");
        assert_eq!(json("1 day", "INTERVAL"), "\"1 day\"");
        assert_eq!(json("(0,1)", "POINT"), "\"(0,1)\"");
    }

    #[test]
    fn decimals_are_numbers_where_nothing_is_lost() {
        let json = |text: &str| value(text.to_owned(), "DECIMAL(38,10)").to_string();
        assert_eq!(json("12.50"), "12.5");
        assert_eq!(json("-0.10"), "-0.1");
        assert_eq!(json("100.00"), "100");
        assert_eq!(json("0.00"), "0");
        assert_eq!(json("12345678901234567890.1"), "\"12345678901234567890.1\"");
        assert_eq!(json("0.12345678901234567890"), "\"0.12345678901234567890\"");
    }
}
