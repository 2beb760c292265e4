//! What the Jinja engine says of a mistake, and what that means.

use minijinja::{Error, ErrorKind};

/// What it says where macros call each other too deeply.
const RECURSION: &str = "recursion limit exceeded";

/// The error that those of the macros around it tell of.
pub(super) fn innermost(mut error: &Error) -> &Error {
    while let Some(inner) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>()) {
        error = inner;
    }
    error
}

/// The variable that an error says is not there.
pub(super) fn undefined_name(error: &Error) -> Option<&str> {
    let error = innermost(error);
    let name = error.detail().filter(|_| error.kind() == ErrorKind::UndefinedError)?.split('`').nth(1)?;
    name.split(['.', '[']).next()
}

/// Whether the text without what failed is likely to fare better: not where it is too much work.
pub(super) fn can_go_on(error: &Error) -> bool {
    let error = innermost(error);
    !matches!(error.kind(), ErrorKind::OutOfFuel | ErrorKind::WriteFailure) && error.detail() != Some(RECURSION)
}

/// What people mostly did when the engine says that.
pub(super) fn help_with(message: &str) -> Option<&'static str> {
    if message.starts_with("unexpected `}`") || message.starts_with("unexpected `%`") {
        Some("look at what stands before it: a `)` or a quote may be missing")
    } else if message.contains("expected end of block") {
        Some("each `{% if %}`, `{% for %}` and `{% macro %}` needs an end: `{% endif %}` and so on")
    } else if message.contains("expected end of variable block") {
        Some("see whether each `{{` has its `}}`")
    } else if message == RECURSION {
        Some("look for a macro that calls itself without an end")
    } else {
        None
    }
}

/// Where a whole word stands in a text.
pub(super) fn word(text: &str, word: &str) -> Option<usize> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let found = text.match_indices(word).map(|(at, _)| at);
    let mut whole = found.filter(|at| !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part));
    whole.next().filter(|_| !word.is_empty())
}

/// A message without what the engine says of the place that a value comes from: its line, if it is in the text itself.
pub(super) fn without_origin(message: &str) -> (String, Option<usize>) {
    let Some((before, from)) = message.rsplit_once("from ").filter(|(_, from)| from.ends_with(')')) else {
        return (message.to_owned(), None);
    };
    let line = from.trim_end_matches(')').strip_prefix("line ").and_then(|line| line.parse().ok());
    match (before.strip_suffix(" ("), before.strip_suffix(", ")) {
        (Some(before), _) => (before.to_owned(), line),
        (_, Some(before)) => (format!("{before})"), line),
        _ => (message.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_out_of_messages() {
        let without = |message| without_origin(message);
        assert_eq!(without("`a` is undefined (from line 2)"), ("`a` is undefined".to_owned(), Some(2)));
        assert_eq!(without("no (`a` is undefined, from b:3)"), ("no (`a` is undefined)".to_owned(), None));
        assert_eq!(without("it came from here"), ("it came from here".to_owned(), None));
    }
}
