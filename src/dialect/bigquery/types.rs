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

#[cfg(test)]
mod tests {
    use super::*;

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
