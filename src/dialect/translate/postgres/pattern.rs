//! LIKE, SIMILAR TO and regular expressions.
//!
//! DuckDB's expressions are RE2's. What RE2 reads in another way, or not at all, is a problem where the pattern stands in
//! the text; a pattern out of a column that RE2 cannot read is an error when the query runs.

use sqlparser::ast::{Expr, Spanned, UnaryOperator, Value};

use super::expr::text_of;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// LIKE and ILIKE: a backslash escapes if nothing else is said; in DuckDB nothing does.
pub(crate) fn like(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let (Expr::Like { any: false, expr: operand, pattern, escape_char, .. }
    | Expr::ILike { any: false, expr: operand, pattern, escape_char, .. }) = expr
    else {
        return None;
    };
    rewriter.expr(operand);
    rewriter.expr(pattern);
    if escape_char.is_none() && text_of(pattern).is_none_or(|text| text.contains('\\')) {
        *escape_char = Some(Box::new(Expr::value(Value::SingleQuotedString("\\".to_owned()))));
    }
    Some(Type::Bool)
}

/// SIMILAR TO, which in DuckDB is a plain regular expression.
pub(crate) fn similar(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::SimilarTo { negated, expr: operand, pattern, escape_char } = expr else { return Type::Unknown };
    rewriter.expr(operand);
    let escape = match escape_char {
        None => Some('\\'),
        Some(escape) => text_of(escape).and_then(|text| text.chars().next()),
    };
    let Some(regex) = text_of(pattern).zip(escape).map(|(text, escape)| of_similar(text, escape)) else {
        rewriter.missing(pattern.span(), "SIMILAR TO with a pattern that is no text");
        return Type::Bool;
    };
    let regex = Expr::value(Value::SingleQuotedString(regex));
    let done = build("regexp_full_match(x, y, 's')", &[("x", operand), ("y", &regex)]);
    *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(done) } } else { done };
    Type::Bool
}

fn of_similar(text: &str, escape: char) -> String {
    let mut regex = String::new();
    let mut letters = text.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter == escape => {
                if let Some(next) = letters.next() {
                    if !next.is_alphanumeric() {
                        regex.push('\\');
                    }
                    regex.push(next);
                }
            }
            '[' => {
                in_class = true;
                regex.push('[');
            }
            ']' => {
                in_class = false;
                regex.push(']');
            }
            '%' if !in_class => regex.push_str(".*"),
            '_' if !in_class => regex.push('.'),
            '.' | '^' | '$' | '\\' if !in_class => {
                regex.push('\\');
                regex.push(letter);
            }
            letter => regex.push(letter),
        }
    }
    regex
}

/// Whether RE2 reads a pattern as PostgreSQL does.
pub(crate) fn is_plain(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // Back references, ends of words and of the text.
            '\\' if letters.next().is_some_and(|next| "123456789mMyYAZ".contains(next)) => return false,
            // Looking around, and anything else that is not a group without a number.
            '(' if letters.peek() == Some(&'?') => {
                letters.next();
                if letters.next() != Some(':') {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// A problem if a pattern in the text is not plain.
pub(crate) fn check(pattern: &Expr, rewriter: &mut Rewriter) {
    if text_of(pattern).is_some_and(|text| !is_plain(text)) {
        rewriter.missing_because(
            pattern.span(),
            "regular expression with back references, looking around or ends of words",
            "DuckDB's expressions have none of them",
        );
    }
}

/// The options under which DuckDB reads a pattern as PostgreSQL does, with others: a dot is any letter at all.
pub(crate) fn options(pattern: &Expr, others: &str) -> Expr {
    let dot = text_of(pattern).is_none_or(|text| text.contains('.'));
    Expr::value(Value::SingleQuotedString(format!("{others}{}", if dot { "s" } else { "" })))
}

/// `text ~ pattern`.
pub(crate) fn matches(text: &Expr, pattern: &Expr, insensitive: bool, rewriter: &mut Rewriter) -> Expr {
    check(pattern, rewriter);
    let options = options(pattern, if insensitive { "i" } else { "" });
    if text_of(&options) == Some("") {
        return build("regexp_matches(x, y)", &[("x", text), ("y", pattern)]);
    }
    build("regexp_matches(x, y, z)", &[("x", text), ("y", pattern), ("z", &options)])
}

/// `regexp_replace(text, pattern, with [, flags])`: the first match, all of them with the flag `g`.
pub(super) fn replace(
    text: &Expr,
    pattern: &Expr,
    with: &Expr,
    flags: Option<&Expr>,
    rewriter: &mut Rewriter,
) -> (Expr, Type) {
    let (mut text, mut pattern, mut with) = (text.clone(), pattern.clone(), with.clone());
    for part in [&mut text, &mut pattern, &mut with] {
        rewriter.expr(part);
    }
    check(&pattern, rewriter);
    if let Some(written) = text_of(&with).filter(|written| written.contains("\\&")) {
        with = Expr::value(Value::SingleQuotedString(written.replace("\\&", "\\0")));
    }
    let flags = match flags.map(text_of) {
        None => "",
        Some(Some(flags)) if flags.chars().all(|flag| "gi".contains(flag)) => flags,
        Some(_) => {
            rewriter.missing(pattern.span(), "flags of `regexp_replace`");
            ""
        }
    };
    let options = options(&pattern, flags);
    let done = build("regexp_replace(x, y, z, o)", &[("x", &text), ("y", &pattern), ("z", &with), ("o", &options)]);
    (done, Type::Text)
}

/// `regexp_match(text, pattern)`: the groups of the first match, or all of it.
pub(super) fn groups(text: &Expr, pattern: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut text, mut pattern) = (text.clone(), pattern.clone());
    rewriter.expr(&mut text);
    rewriter.expr(&mut pattern);
    check(&pattern, rewriter);
    // A group that takes no part is NULL in PostgreSQL, and empty in DuckDB.
    let optional = [")?", ")*", "){0", "|"];
    let groups = match text_of(&pattern) {
        Some(written) if !optional.iter().any(|part| written.contains(part)) && !written.contains("[(") => {
            written.replace("\\(", "").replace("(?:", "").matches('(').count()
        }
        _ => {
            rewriter.missing(pattern.span(), "`regexp_match` with this pattern");
            0
        }
    };
    let options = options(&pattern, "");
    let parts: Vec<String> = match groups {
        0 => vec!["regexp_extract(x, y, 0, o)".to_owned()],
        groups => (1..=groups).map(|group| format!("regexp_extract(x, y, {group}, o)")).collect(),
    };
    let done = format!("case when regexp_matches(x, y, o) then [{}] end", parts.join(", "));
    (build(&done, &[("x", &text), ("y", &pattern), ("o", &options)]), Type::Array(Box::new(Type::Text)))
}

/// `regexp_split_to_array(text, pattern)`.
pub(super) fn split(text: &Expr, pattern: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut text, mut pattern) = (text.clone(), pattern.clone());
    rewriter.expr(&mut text);
    rewriter.expr(&mut pattern);
    check(&pattern, rewriter);
    (build("string_split_regex(x, y)", &[("x", &text), ("y", &pattern)]), Type::Array(Box::new(Type::Text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_is_a_regex() {
        assert_eq!(of_similar("a%_(b|c).\\%[x-z%]", '\\'), "a.*.(b|c)\\.\\%[x-z%]");
        assert_eq!(of_similar("50!%", '!'), "50\\%");
    }

    #[test]
    fn not_every_regex_is_re2() {
        assert!(is_plain("^[a-z]+(?:b|c)\\d$"));
        assert!(!is_plain("(a)\\1") && !is_plain("a(?=b)") && !is_plain("\\mword"));
    }
}
