//! What differs from run to run, taken out of outputs before they are compared.

/// A text in which durations and versions are words; where there are durations, padding is one space.
pub(crate) fn mask(text: &str) -> String {
    text.lines().map(|line| mask_line(line) + "\n").collect()
}

fn mask_line(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut masked = line.to_owned();
    let mut is_padded = false;
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_start_matches(['(', '[']);
        let unit = words.get(at + 1).map(|unit| unit.trim_end_matches([')', ']', ',', ';', '.']));
        if is_number(bare) && matches!(unit, Some("ms" | "s" | "min")) {
            masked = masked.replacen(&format!("{bare} {}", unit.unwrap_or_default()), "TIME", 1);
            is_padded = true;
        } else if bare == env!("CARGO_PKG_VERSION") {
            masked = masked.replacen(bare, "VERSION", 1);
        }
    }
    if !is_padded {
        return masked.trim_end().to_owned();
    }
    // `2 min 5 s` is as good as `3 ms`, and columns may be padded to fit either.
    let words: Vec<&str> = masked.split_whitespace().collect();
    words.join(" ").replace("TIME TIME", "TIME")
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Outputs are the same if only what differs from run to run differs.
pub(crate) fn same(one: &str, other: &str) -> bool {
    mask(one) == mask(other)
}
