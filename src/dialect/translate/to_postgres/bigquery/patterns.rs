//! Regular expressions: those of RE2 that PostgreSQL reads alike.

/// A pattern as PostgreSQL has to write it; `None` where the two choose or read in other ways.
///
/// RE2 takes the first alternative that fits and PostgreSQL the longest; a dot of RE2 is no line feed, and its classes are
/// of ASCII.
pub(super) fn shared(pattern: &str) -> Option<String> {
    let mut done = String::new();
    let mut in_class = false;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next()?;
                let class = match escaped {
                    'd' | 'D' => "0-9",
                    'w' | 'W' => "0-9A-Za-z_",
                    's' | 'S' => r"\t\n\f\r ",
                    't' | 'n' | 'f' | 'r' => {
                        done.push('\\');
                        done.push(escaped);
                        continue;
                    }
                    escaped if escaped.is_alphanumeric() => return None,
                    escaped => {
                        done.push('\\');
                        done.push(escaped);
                        continue;
                    }
                };
                match (in_class, escaped.is_uppercase()) {
                    (true, false) => done.push_str(class),
                    (true, true) => return None,
                    (false, negated) => done.push_str(&format!("[{}{class}]", if negated { "^" } else { "" })),
                }
            }
            '[' if !in_class => {
                in_class = true;
                done.push('[');
                // A bracket right at the start stands for itself.
                for first in ['^', ']'] {
                    done.extend(letters.next_if_eq(&first));
                }
            }
            // `[:alpha:]` is of ASCII in RE2.
            '[' => return None,
            ']' => {
                in_class = false;
                done.push(']');
            }
            '.' if !in_class => done.push_str(r"[^\n]"),
            '|' if !in_class => return None,
            '(' if !in_class && letters.peek() == Some(&'?') => {
                letters.next();
                letters.next_if_eq(&':')?;
                done.push_str("(?:");
            }
            '*' | '+' | '?' | '}' if !in_class && matches!(letters.peek(), Some('?' | '+')) => return None,
            letter => done.push(letter),
        }
    }
    (!in_class).then_some(done)
}

/// How many groups of a pattern capture.
pub(super) fn groups(pattern: &str) -> usize {
    pattern.replace("\\(", "").replace("(?", "").matches('(').count()
}

/// Whether an empty text may fit: then the two replace in other places.
pub(super) fn may_be_empty(pattern: &str) -> bool {
    pattern.contains(['*', '?']) || pattern.contains("{0") || pattern.contains("{,") || pattern.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert_eq!(shared(r"^a.\d+[^\s.]$").as_deref(), Some(r"^a[^\n][0-9]+[^\t\n\f\r .]$"));
        assert_eq!(shared("(?:a)(b)").as_deref(), Some("(?:a)(b)"));
        for other in ["a|b", "a+?", "(?i)a", r"\bword", "(?P<n>a)", r"[\W]", "[[:alpha:]]", r"\p{L}", "[a"] {
            assert_eq!(shared(other), None, "{other}");
        }
        assert_eq!(groups(r"(a)(?:b)\("), 1);
    }
}
