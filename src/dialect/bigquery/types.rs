//! Types of columns, as far as a plan depends on them.

/// Whether two types have the same values: names that mean the same, and what is said of lengths, aside.
pub(super) fn same(one: &str, other: &str) -> bool {
    normalised(one) == normalised(other)
}

/// Whether values of a type can be compared with `=`.
pub(super) fn compares(data_type: &str) -> bool {
    let data_type = normalised(data_type);
    !["STRUCT", "ARRAY", "JSON", "GEOGRAPHY"].iter().any(|word| data_type.starts_with(word))
}

/// A type in one spelling, without what is said of lengths.
pub(super) fn bare(data_type: &str) -> String {
    normalised(data_type)
}

fn normalised(data_type: &str) -> String {
    const SYNONYMS: [(&str, &str); 11] = [
        ("BIGDECIMAL", "BIGNUMERIC"),
        ("BIGINT", "INT64"),
        ("BOOLEAN", "BOOL"),
        ("BYTEINT", "INT64"),
        ("DECIMAL", "NUMERIC"),
        ("FLOAT", "FLOAT64"),
        ("INT", "INT64"),
        ("INTEGER", "INT64"),
        ("RECORD", "STRUCT"),
        ("SMALLINT", "INT64"),
        ("TINYINT", "INT64"),
    ];
    let mut without_lengths = String::new();
    let mut depth = 0_usize;
    for letter in data_type.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '`' => {}
            _ if depth == 0 => without_lengths.extend(letter.to_uppercase()),
            _ => {}
        }
    }
    let is_sign = |letter: char| ['<', '>', ','].contains(&letter);
    let mut normalised = String::new();
    for piece in without_lengths.split_inclusive(is_sign) {
        let sign = piece.chars().next_back().filter(|letter| is_sign(*letter));
        let words = piece.trim_end_matches(is_sign).split_whitespace();
        let words =
            words.map(|word| SYNONYMS.iter().find(|(synonym, _)| *synonym == word).map_or(word, |(_, name)| name));
        normalised += &words.collect::<Vec<_>>().join(" ");
        normalised.extend(sign);
    }
    normalised
}

/// The type that holds the values of one of DuckDB's as JSON has them; `None` where none does.
pub(super) fn for_duckdb(data_type: &str) -> Option<String> {
    let data_type = data_type.trim();
    if let Some(element) = data_type.strip_suffix(']').and_then(|list| list.rsplit_once('[')) {
        let element = for_duckdb(element.0)?;
        // A list of lists has no equal.
        return (!element.starts_with("ARRAY")).then(|| format!("ARRAY<{element}>"));
    }
    let arguments = |name: &str| data_type.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    if let Some(fields) = arguments("STRUCT") {
        let field = |field: &str| {
            let (name, data_type) = split_name(field.trim())?;
            Some(format!("`{}` {}", name.replace('`', "\\`"), for_duckdb(data_type)?))
        };
        let fields: Option<Vec<String>> = split(fields, '"').into_iter().map(field).collect();
        return Some(format!("STRUCT<{}>", fields?.join(", ")));
    }
    if let Some((digits, places)) = arguments("DECIMAL").and_then(|digits| digits.split_once(',')) {
        let (digits, places): (u32, u32) = (digits.trim().parse().ok()?, places.trim().parse().ok()?);
        let is_numeric = places <= 9 && digits.saturating_sub(places) <= 29;
        return Some(if is_numeric { "NUMERIC" } else { "BIGNUMERIC" }.to_owned());
    }
    let name = match data_type {
        "BOOLEAN" => "BOOL",
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "UTINYINT" | "USMALLINT" | "UINTEGER" => "INT64",
        "UBIGINT" | "HUGEINT" | "UHUGEINT" => "BIGNUMERIC",
        "FLOAT" | "DOUBLE" => "FLOAT64",
        "VARCHAR" | "UUID" => "STRING",
        "BLOB" => "BYTES",
        "DATE" => "DATE",
        "TIME" => "TIME",
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => "DATETIME",
        "TIMESTAMP WITH TIME ZONE" => "TIMESTAMP",
        "JSON" => "JSON",
        _ => return None,
    };
    Some(name.to_owned())
}

/// The parts of a list between its commas, but for those in quotes and brackets.
pub(super) fn split(list: &str, quote: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut is_quoted) = (Vec::new(), 0, 0_usize, false);
    for (at, letter) in list.char_indices() {
        match letter {
            letter if letter == quote => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '<' => depth += 1,
            ')' | '>' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

/// The name of a field, without its quotes, and its type.
fn split_name(field: &str) -> Option<(String, &str)> {
    let Some(quoted) = field.strip_prefix('"') else {
        return field.split_once(' ').map(|(name, data_type)| (name.to_owned(), data_type));
    };
    let (name, data_type) = quoted.split_once("\" ")?;
    Some((name.replace("\"\"", "\""), data_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_duckdb() {
        assert_eq!(for_duckdb("DECIMAL(18,3)").as_deref(), Some("NUMERIC"));
        assert_eq!(for_duckdb("DECIMAL(38,20)").as_deref(), Some("BIGNUMERIC"));
        assert_eq!(for_duckdb("INTEGER[]").as_deref(), Some("ARRAY<INT64>"));
        assert_eq!(
            for_duckdb("STRUCT(a INTEGER, \"b, c\" STRUCT(d DATE)[])").as_deref(),
            Some("STRUCT<`a` INT64, `b, c` ARRAY<STRUCT<`d` DATE>>>")
        );
        assert_eq!(for_duckdb("INTEGER[][]"), None);
        assert_eq!(for_duckdb("STRUCT(a INTERVAL)"), None);
    }

    #[test]
    fn types() {
        assert!(same("STRING(10)", "string"));
        assert!(same("NUMERIC(10, 2)", "decimal"));
        assert!(same("STRUCT<a INT64, b STRING(3)>", "struct<`a` integer,b STRING>"));
        assert!(!same("ARRAY<INT64>", "ARRAY<STRING>"));
        assert!(!same("STRUCT<a INT64>", "STRUCT<b INT64>"));
        assert!(compares("bytes(3)"));
        assert!(!compares("array<int64>") && !compares("json") && !compares("Geography"));
    }
}
