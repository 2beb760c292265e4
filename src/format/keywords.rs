use std::borrow::Cow;

use crate::format::Keywords;
use crate::format::token::{Token, TokenKind, is_glued};

/// Words that are no names in any of the dialects.
const RESERVED: &[&str] = &[
    "all",
    "and",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cross",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "qualify",
    "right",
    "select",
    "then",
    "true",
    "union",
    "using",
    "when",
    "where",
    "with",
];

/// A token as it is to be written. Blanks at the end of a comment are nothing that anybody sees.
pub(super) fn spell<'a>(token: &Token<'a>, keywords: Keywords) -> Cow<'a, str> {
    match keywords {
        _ if token.kind == TokenKind::LineComment => Cow::Borrowed(token.text.trim_ascii_end()),
        Keywords::Upper if token.is_keyword => Cow::Owned(token.text.to_ascii_uppercase()),
        Keywords::Lower if token.is_keyword => Cow::Owned(token.text.to_ascii_lowercase()),
        _ => Cow::Borrowed(token.text),
    }
}

/// Whether a token between those two is a word by itself, and one of SQL's own: the case of its letters means nothing.
pub(super) fn is_keyword(before: Option<&Token<'_>>, token: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    is_reserved(token)
        && !before.is_some_and(|before| is_glued(before, token))
        && !next.is_some_and(|next| is_glued(token, next))
}

/// Whether it is one of SQL's own words if it stands by itself.
pub(super) fn is_reserved(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Word && RESERVED.iter().any(|word| token.text.eq_ignore_ascii_case(word))
}
