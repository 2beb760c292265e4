//! Where a mistake is. The engine says where the last name is that it has looked up, which may be far behind.

use std::ops::Range;

/// The functions that make actions.
const FUNCTIONS: [&str; 6] = ["publish", "operate", "assert", "declare", "test", "notebook"];

/// The name of the function in whose arguments `at` stands, if that is one that makes an action.
pub(super) fn making(text: &str, at: usize) -> Option<Range<usize>> {
    let mut rest = text.get(..at)?;
    let mut depth = 0_usize;
    while let Some(char) = rest.chars().next_back() {
        rest = &rest[..rest.len() - char.len_utf8()];
        match char {
            '"' | '\'' | '`' => rest = &rest[..rest.rfind(char)?],
            ')' | ']' | '}' => depth += 1,
            '(' | '[' | '{' if depth > 0 => depth -= 1,
            '(' => {
                let name = last_word(rest);
                if FUNCTIONS.contains(&&rest[name.clone()]) {
                    return Some(name);
                }
            }
            // A function that is called later.
            '{' if rest.trim_end().ends_with([')', '>']) => return None,
            '>' if depth == 0 && rest.ends_with('=') => return None,
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Where `name` is that strict mode refuses to assign to, with what declares it: `const` or `let`. The engine stopped at `at`.
pub(super) fn assigned(text: &str, name: &str, at: usize) -> Option<(Range<usize>, String)> {
    let end = text.get(at..)?.find('\n').map_or(text.len(), |length| at + length);
    let mut whole_words = text[..end].rmatch_indices(name).filter(|(start, _)| {
        let behind = text[start + name.len()..].chars().next();
        last_word(&text[..*start + name.len()]) == (*start..start + name.len()) && !behind.is_some_and(is_part)
    });
    whole_words.find_map(|(start, _)| {
        let behind = text[start + name.len()..].trim_start();
        let before = text[..start].trim_end();
        let in_head = before.strip_suffix('(').is_some_and(|before| last_word_is(before.trim_end(), "for"));
        let is_assigned = behind.starts_with('=') && !behind.starts_with("==") && !behind.starts_with("=>");
        let word = behind.split_whitespace().next().unwrap_or_default();
        let is_loop = in_head && matches!(word, "of" | "in");
        let is_declared =
            before.ends_with('.') || ["const", "let", "var"].iter().any(|word| last_word_is(before, word));
        // Nothing else may end between the two.
        let between = text.get(start..at).unwrap_or_default();
        let is_one = !between.contains("\n\n") && (in_head || !between.contains(';'));
        let declaration = match () {
            () if is_loop => format!("declare it: `for (const {name} {word} …)`"),
            () if in_head => format!("declare it: `for (let {name} = …)`"),
            () => format!("declare it: `const {name} = …`, or `let {name}` where it changes"),
        };
        ((is_assigned || is_loop) && !is_declared && is_one).then(|| (start..start + name.len(), declaration))
    })
}

fn is_part(char: char) -> bool {
    char.is_alphanumeric() || "_$".contains(char)
}

fn last_word(text: &str) -> Range<usize> {
    text.trim_end_matches(is_part).len()..text.len()
}

fn last_word_is(text: &str, word: &str) -> bool {
    &text[last_word(text)] == word
}
