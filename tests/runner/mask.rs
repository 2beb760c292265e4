//! What differs from run to run, taken out of outputs before they are compared.

/// A text in which durations, versions and ids of jobs are words; where there are durations, padding is one space. Steps that run at
/// the same time end in any order, so lines on steps that follow each other are sorted.
pub(crate) fn mask(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(mask_line).collect();
    for steps in lines.chunk_by_mut(|one, next| is_step(one) && is_step(next)) {
        steps.sort();
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// `3/7 ok …` of a run, its number taken away; `pass …` of a test.
fn is_step(line: &str) -> bool {
    ["N/", "pass ", "FAIL "].iter().any(|start| line.starts_with(start))
}

fn mask_line(line: &str) -> String {
    let numbered = line.split_once('/').filter(|(number, _)| is_number(number));
    let line = &numbered.map_or_else(|| line.to_owned(), |(_, rest)| format!("N/{rest}"));
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
        } else if is_job(bare) {
            masked = masked.replacen(bare, "JOB", 1);
        }
    }
    if !is_padded {
        return masked.trim_end().to_owned();
    }
    // `2 min 5 s` is as good as `3 ms`, and columns may be padded to fit either.
    let words: Vec<&str> = masked.split_whitespace().collect();
    words.join(" ").replace("TIME TIME", "TIME")
}

/// A job's id on BigQuery: `trueup_`, a hash, and the number of the try.
fn is_job(word: &str) -> bool {
    let hash = word.strip_prefix("trueup_").and_then(|rest| rest.split_once('_'));
    hash.is_some_and(|(hash, attempt)| hash.len() == 32 && is_number(attempt))
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Outputs are the same if only what differs from run to run differs.
pub(crate) fn same(one: &str, other: &str) -> bool {
    mask(one) == mask(other)
}
