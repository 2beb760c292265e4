//! Joins that are nested without brackets: `a join b join c on … on …`, of which the second condition belongs to `b`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::keyword;

/// The joins of one FROM.
#[derive(Default)]
struct Joins {
    count: usize,
    /// Those that have no condition yet: the place behind their JOIN, and how many joins there were then.
    open: Vec<(usize, usize)>,
}

/// Puts the brackets around them: a condition belongs to the last join that has none.
pub(super) fn bracket(tokens: &mut Vec<TokenWithSpan>) {
    let Conditions { brackets, .. } = conditions(tokens);
    if brackets.is_empty() {
        return;
    }
    let mut brackets = brackets.into_iter().peekable();
    let old = std::mem::take(tokens);
    for (index, token) in old.into_iter().enumerate() {
        while let Some((_, bracket)) = brackets.next_if(|(place, _)| *place == index) {
            tokens.push(TokenWithSpan::new(bracket, token.span));
        }
        tokens.push(token);
    }
}

/// Whether there is a join that has no condition, and may need one.
pub(super) fn lacks_condition(tokens: &[TokenWithSpan]) -> bool {
    conditions(tokens).are_missing
}

/// Which conditions belong to which joins.
struct Conditions {
    /// Each with the token before which it goes, in order.
    brackets: Vec<(usize, Token)>,
    /// Whether a join has none.
    are_missing: bool,
}

fn conditions(tokens: &[TokenWithSpan]) -> Conditions {
    let mut brackets = Vec::new();
    let mut are_missing = false;
    let mut outer = Vec::new();
    let mut joins = Joins::default();
    // The last word that is no part of a JOIN.
    let mut before = None;
    for (index, token) in tokens.iter().enumerate() {
        let word = keyword(&token.token);
        match (&token.token, word) {
            (Token::Whitespace(_), _) => continue,
            (Token::LParen, _) => outer.push(std::mem::take(&mut joins)),
            (Token::RParen, _) => {
                are_missing |= !joins.open.is_empty();
                joins = outer.pop().unwrap_or_default();
            }
            (Token::Comma | Token::SemiColon | Token::VerticalBarRightAngleBracket, _)
            | (_, Some(Keyword::SELECT | Keyword::WHERE | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT)) => {
                are_missing |= !joins.open.is_empty();
                joins = Joins::default();
            }
            (_, Some(Keyword::LEFT | Keyword::RIGHT | Keyword::FULL | Keyword::INNER | Keyword::OUTER)) => continue,
            (_, Some(Keyword::JOIN)) => {
                joins.count += 1;
                if !matches!(before, Some(Keyword::CROSS | Keyword::NATURAL)) {
                    joins.open.push((index + 1, joins.count));
                }
            }
            (_, Some(Keyword::ON | Keyword::USING)) => {
                if let Some((place, _)) = joins.open.pop().filter(|(_, number)| *number < joins.count) {
                    brackets.push((place, Token::LParen));
                    brackets.push((index, Token::RParen));
                }
            }
            _ => {}
        }
        before = word;
    }
    brackets.sort_by_key(|(place, _)| *place);
    are_missing |= !joins.open.is_empty() || outer.iter().any(|joins| !joins.open.is_empty());
    Conditions { brackets, are_missing }
}
