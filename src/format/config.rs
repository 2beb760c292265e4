use std::ops::Range;

use crate::format::Style;
use crate::format::printer::Printer;
use crate::format::statement::commas_first;
use crate::format::token::{self, Gap, Token, TokenKind};
use crate::format::tree::{self, Node};
use crate::sqlx::{TokenKind as JavaScript, Tokens};

/// The words that begin what an object may hold beside expressions: statements, in which the end of a line means something.
const STATEMENTS: &[&str] = &["function", "class", "return", "async", "await", "yield", "get", "set"];

/// A `config` block laid out, its object from brace to brace; `None` if there is more in it than values.
pub(super) fn format(head: &str, object: &str, style: Style) -> Option<String> {
    let mut tokens = commas_first(&tokens(object)?);
    tidy(&mut tokens);
    let nodes = tree::build(&tokens)?;
    let [Node::Group(_)] = nodes.as_slice() else { return None };
    let mut printer = Printer::new(0, style);
    printer.start_with(&format!("{head} "));
    printer.expression(&nodes, 0, 0);
    Some(printer.text)
}

/// The tokens of an object; `None` if there is more in it than values.
pub(super) fn tokens(object: &str) -> Option<Vec<Token<'_>>> {
    let mut known: Vec<(Range<usize>, TokenKind)> = Vec::new();
    // Templates within templates, and where the outermost one starts.
    let (mut depth, mut template) = (0_usize, 0);
    let (mut end, mut before) = (0, b'(');
    for part in Tokens::new(object, 0) {
        let range = part.range.clone();
        if depth == 0 {
            known.extend(comments(object, end..range.start)?);
            template = range.start;
        }
        end = range.end;
        match part.kind {
            JavaScript::Template { first: true, last: false, .. } => depth += 1,
            JavaScript::Template { first: false, last: true, .. } => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    known.push((template..range.end, TokenKind::Quoted));
                }
            }
            _ if depth > 0 => {}
            JavaScript::Template { first: true, last: true, .. } | JavaScript::String => {
                known.push((range, TokenKind::Quoted));
            }
            JavaScript::Word if STATEMENTS.contains(&&object[range.clone()]) => return None,
            JavaScript::Word | JavaScript::Number => known.push((range, TokenKind::Word)),
            JavaScript::Punctuation(b'{') if !b"([,:".contains(&before) => return None,
            JavaScript::Punctuation(sign) if b"{}[](),:.+-".contains(&sign) => {}
            _ => return None,
        }
        before = if let JavaScript::Punctuation(sign) = part.kind { sign } else { 0 };
    }
    (depth == 0).then(|| token::cut(object, 0..object.len(), known.into_iter()))
}

/// The comments between two tokens.
fn comments(object: &str, range: Range<usize>) -> Option<Vec<(Range<usize>, TokenKind)>> {
    let mut comments = Vec::new();
    let mut at = range.start;
    while let Some(length) = object[at..range.end].find('/') {
        let start = at + length;
        let rest = &object[start..range.end];
        let (kind, length) = if rest.starts_with("/*") {
            (TokenKind::BlockComment, rest.find("*/")? + 2)
        } else {
            (TokenKind::LineComment, rest.find(['\n', '\r']).unwrap_or(rest.len()))
        };
        at = start + length;
        comments.push((start..at, kind));
    }
    Some(comments)
}

/// Blanks within braces and behind colons, none before colons.
fn tidy(tokens: &mut [Token<'_>]) {
    for at in 1..tokens.len() {
        let (before, rest) = tokens.split_at_mut(at);
        let (Some(before), Some(next)) = (before.last(), rest.first_mut()) else { continue };
        next.is_keyword = false;
        let is_colon = |token: &Token<'_>| token.kind == TokenKind::Symbol && token.text == ":";
        let is_empty = before.text == "{" && next.text == "}";
        if next.gap == Gap::None && (before.text == "{" || next.text == "}" || is_colon(before)) && !is_empty {
            next.gap = Gap::Space;
        } else if is_empty || next.gap == Gap::Space && is_colon(next) {
            next.gap = Gap::None;
        }
    }
}
