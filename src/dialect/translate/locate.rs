//! From a place in a translated text to the place that it most likely comes from.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The bytes of `original` that the token of `translated` at the byte `offset` most likely comes from.
///
/// The words of both texts are aligned, letter case and quotes aside. It is a guess, made only where an engine reports
/// an error in SQL that nobody wrote. `None` where `original` has no words.
pub fn origin(original: &str, translated: &str, offset: usize) -> Option<Range<usize>> {
    let (ours, theirs) = (tokens(original), tokens(translated));
    let place = theirs.iter().rposition(|token| token.range.start <= offset).unwrap_or(0);
    let (ours_words, theirs_words): (Vec<&str>, Vec<&str>) = (
        ours.iter().map(|token| token.word.as_str()).collect(),
        theirs.iter().map(|token| token.word.as_str()).collect(),
    );
    let operations = capture_diff_slices(Algorithm::Patience, &ours_words, &theirs_words);
    let mut before = 0;
    for operation in &operations {
        let (old, new) = (operation.old_range(), operation.new_range());
        if !new.contains(&place) {
            if new.end <= place {
                before = old.end;
            }
            continue;
        }
        if let DiffOp::Equal { .. } = operation {
            return ours.get(old.start + place - new.start).map(|token| token.range.clone());
        }
        // The same word elsewhere, nearest to here, is a better guess than what merely stands here.
        let word = theirs_words.get(place)?;
        let near = old.start;
        if word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
            && let Some((same, _)) = ours_words
                .iter()
                .enumerate()
                .filter(|(_, known)| *known == word)
                .min_by_key(|(other, _)| other.abs_diff(near))
        {
            return ours.get(same).map(|token| token.range.clone());
        }
        if !old.is_empty() {
            let first = ours.get(old.start)?.range.start;
            let last = ours.get(old.end - 1)?.range.end;
            return Some(first..last);
        }
        before = old.start;
        break;
    }
    ours.get(before.saturating_sub(1)).or(ours.last()).map(|token| token.range.clone())
}

struct Token {
    range: Range<usize>,
    word: String,
}

/// Words, numbers, quoted things and single signs. Comments and blanks are none.
fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(rest) = sql.get(place..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        let length = if first.is_whitespace() {
            place += first.len_utf8();
            continue;
        } else if rest.starts_with("--") {
            place += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            place += comment.find("*/").map_or(rest.len(), |end| end + 4);
            continue;
        } else if first.is_alphanumeric() || first == '_' {
            rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len())
        } else if matches!(first, '\'' | '"' | '`') {
            rest.get(1..).and_then(|inner| inner.find(first)).map_or(rest.len(), |end| end + 2)
        } else {
            first.len_utf8()
        };
        let range = place..place + length;
        let word = sql.get(range.clone()).unwrap_or_default().trim_matches(['\'', '"', '`']).to_lowercase();
        found.push(Token { range, word });
        place += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(original: &str, translated: &str, word: &str) -> String {
        let offset = translated.find(word).unwrap_or_default();
        origin(original, translated, offset).map(|range| original[range].to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_same_word() {
        let original = "select safe_divide(a, `Misspelt`) from t -- a comment";
        let translated = r#"SELECT a / nullif("Misspelt", 0) FROM t"#;
        assert_eq!(at(original, translated, "\"Misspelt\""), "`Misspelt`");
        assert_eq!(at(original, translated, "FROM"), "from");
    }

    #[test]
    fn a_word_that_translation_made() {
        let original = "select ifnull(a, 1), countif(b > 1) from t";
        let translated = "SELECT coalesce(a, 1), count(CASE WHEN b > 1 THEN 1 END) FROM t";
        assert_eq!(at(original, translated, "coalesce"), "ifnull");
        assert_eq!(at(original, translated, "b >"), "b");
    }

    #[test]
    fn nothing() {
        assert_eq!(origin("", "select 1", 3), None);
        assert_eq!(origin("select 1", "", 3), Some(7..8));
    }

    proptest! {
        #[test]
        fn any_text(one in "\\PC{0,60}", other in "\\PC{0,60}", offset in 0..80_usize) {
            if let Some(range) = origin(&one, &other, offset) {
                prop_assert!(one.get(range).is_some());
            }
        }
    }
}
