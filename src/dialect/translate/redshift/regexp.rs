//! Functions of regular expressions, with a place to begin at, an occurrence and letters for options.

use sqlparser::ast::{Expr, Spanned, Value};

use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::{check_pattern, options, text_of, whole};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// What such a call says.
struct Call {
    /// From the place to begin at.
    text: Expr,
    pattern: Expr,
    /// DuckDB's options, as text.
    options: Expr,
    /// Whether a group is asked for, not all of the match.
    group: bool,
}

/// The text, the pattern, the place to begin at and the letters.
fn read(text: &Expr, pattern: &Expr, start: Option<&Expr>, letters: Option<&Expr>, rewriter: &mut Rewriter) -> Call {
    let (mut text, mut pattern) = (text.clone(), pattern.clone());
    rewriter.expr(&mut text);
    rewriter.expr(&mut pattern);
    check_pattern(&pattern, rewriter);
    match start.map(whole) {
        None | Some(Some(1)) => {}
        Some(Some(2..)) => {
            text = build("substring(x, y)", &[("x", &text), ("y", start.unwrap_or(&pattern))]);
        }
        Some(_) => rewriter.missing(start.map_or(pattern.span(), Spanned::span), "place to begin at that is no number"),
    }
    let letters = match letters.map(text_of) {
        None => "",
        Some(Some(letters)) if letters.chars().all(|letter| "cepi".contains(letter)) => letters,
        Some(_) => {
            rewriter.missing(pattern.span(), "options of a regular expression");
            ""
        }
    };
    let options = options(&pattern, if letters.contains('i') { "i" } else { "" });
    Call { text, pattern, options, group: letters.contains('e') }
}

/// `regexp_count(text, pattern [, start [, options]])`.
pub(super) fn count(text: &Expr, pattern: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let call = read(text, pattern, rest.first(), rest.get(1), rewriter);
    let places = [("x", &call.text), ("y", &call.pattern), ("o", &call.options)];
    (build("len(regexp_extract_all(x, y, 0, o))", &places), Type::Int)
}

/// `regexp_substr(text, pattern [, start [, occurrence [, options]]])`: empty text where nothing is found.
pub(super) fn substring(text: &Expr, pattern: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let call = read(text, pattern, rest.first(), rest.get(2), rewriter);
    let group = usize::from(call.group);
    let places = [("x", &call.text), ("y", &call.pattern), ("o", &call.options)];
    let done = match rest.get(1).map(whole) {
        None | Some(Some(1)) => build(&format!("regexp_extract(x, y, {group}, o)"), &places),
        Some(Some(number @ 2..)) => build(
            &format!(
                "case when x is not null and y is not null then coalesce(regexp_extract_all(x, y, {group}, o)[{number}], '') end"
            ),
            &places,
        ),
        Some(_) => {
            rewriter.missing(pattern.span(), "occurrence that is no number");
            pattern.clone()
        }
    };
    (done, Type::Text)
}

/// `regexp_instr(text, pattern [, start [, occurrence [, option [, options]]]])`: where the first match begins, or ends.
pub(super) fn position(text: &Expr, pattern: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let call = read(text, pattern, rest.first(), rest.get(3), rewriter);
    if !matches!(rest.get(1).map(whole), None | Some(Some(1))) || call.group {
        rewriter.missing(pattern.span(), "REGEXP_INSTR of a later occurrence or of a group");
    }
    let before = rest.first().and_then(whole).unwrap_or(1);
    let end = match rest.get(2).map(whole) {
        None | Some(Some(0)) => "",
        Some(Some(1)) => " + length(regexp_extract(x, y, 0, o))",
        Some(_) => {
            rewriter.missing(pattern.span(), "REGEXP_INSTR with this option");
            ""
        }
    };
    // What stands before the first match is the shortest text that one follows.
    let done = format!(
        "case when regexp_matches(x, y, o) then length(regexp_extract(x, '^([\\s\\S]*?)(?:' || y || ')', 1, o)) + {before}{end} \
         when x is not null and y is not null then 0 end"
    );
    (build(&done, &[("x", &call.text), ("y", &call.pattern), ("o", &call.options)]), Type::Int)
}

/// `regexp_replace(text, pattern [, with [, start [, options]]])`: every match.
pub(super) fn replace(text: &Expr, pattern: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let call = read(text, pattern, rest.get(1), rest.get(2), rewriter);
    let mut with = rest.first().cloned().unwrap_or_else(|| Expr::value(Value::SingleQuotedString(String::new())));
    rewriter.expr(&mut with);
    let groups = match text_of(&with) {
        Some(text) if text.contains('\\') => None,
        Some(text) => groups(text),
        None => Some(None),
    };
    match groups {
        Some(Some(text)) => with = Expr::value(Value::SingleQuotedString(text)),
        Some(None) => {}
        None => rewriter.missing(pattern.span(), "REGEXP_REPLACE with a backslash in the new text"),
    }
    let flags = Expr::value(Value::SingleQuotedString(format!("g{}", text_of(&call.options).unwrap_or_default())));
    let places = [("x", &call.text), ("y", &call.pattern), ("z", &with), ("o", &flags)];
    let done = build("regexp_replace(x, y, z, o)", &places);
    let start = rest.get(1).and_then(whole).unwrap_or(1);
    if start < 2 {
        return (done, Type::Text);
    }
    let mut whole_text = text.clone();
    rewriter.expr(&mut whole_text);
    let head = build(&format!("left(x, {})", start - 1), &[("x", &whole_text)]);
    (build("x || y", &[("x", &head), ("y", &done)]), Type::Text)
}

/// `$1` as `\1`. `Some(None)` if there is nothing to change.
#[expect(clippy::option_option, reason = "not to be had, nothing to change, or the new text")]
fn groups(text: &str) -> Option<Option<String>> {
    if !text.contains('$') {
        return Some(None);
    }
    let mut done = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('$', Some(next)) if next.is_ascii_digit() => done.push('\\'),
            ('$', Some('$')) => return None,
            (letter, _) => done.push(letter),
        }
    }
    Some(Some(done))
}
