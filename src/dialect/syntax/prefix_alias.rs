//! DuckDB's names before values, `select net: amount - tax`, as names behind them: `select amount - tax as net`.
//! <https://duckdb.org/docs/stable/sql/dialect/friendly_sql#select-clause>

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::keyword;

/// What is open in one pair of brackets.
#[derive(Default)]
struct Level {
    /// Whether it is in a select list.
    is_list: bool,
    /// Whether an item of that begins.
    is_start: bool,
    /// The name that stood before the item at hand.
    name: Option<TokenWithSpan>,
}

/// Moves each of them behind its item.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    if !tokens.iter().any(|token| token.token == Token::Colon) {
        return;
    }
    let old = std::mem::take(tokens);
    let mut outer = Vec::new();
    let mut level = Level::default();
    let mut before = None;
    let mut rest = old.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).peekable();
    while let Some(token) = rest.next() {
        let word = keyword(&token.token);
        match &token.token {
            Token::Word(_) if level.is_start && rest.next_if(|next| next.token == Token::Colon).is_some() => {
                level.is_start = false;
                level.name = Some(token);
                continue;
            }
            Token::LParen | Token::LBracket | Token::LBrace => {
                level.is_start = false;
                outer.push(std::mem::take(&mut level));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                end_item(&mut level, tokens);
                level = outer.pop().unwrap_or_default();
            }
            Token::Comma if level.is_list => {
                end_item(&mut level, tokens);
                level.is_start = true;
            }
            Token::Word(_) if word == Some(Keyword::SELECT) => {
                level = Level { is_list: true, is_start: true, name: None }
            }
            Token::Word(_) if level.is_start && matches!(word, Some(Keyword::DISTINCT | Keyword::ALL)) => {}
            _ if ends_list(&token, before) => {
                end_item(&mut level, tokens);
                level.is_list = false;
                level.is_start = false;
            }
            _ => level.is_start = false,
        }
        before = word;
        tokens.push(token);
    }
    end_item(&mut level, tokens);
}

fn end_item(level: &mut Level, tokens: &mut Vec<TokenWithSpan>) {
    if let Some(name) = level.name.take() {
        tokens.extend([TokenWithSpan::new(Token::make_keyword("as"), name.span), name]);
    }
}

/// Whether a select list ends before it. `is distinct from` is no clause.
fn ends_list(token: &TokenWithSpan, before: Option<Keyword>) -> bool {
    match keyword(&token.token) {
        Some(Keyword::FROM) => before != Some(Keyword::DISTINCT),
        Some(
            Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::QUALIFY
            | Keyword::WINDOW
            | Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::USING,
        ) => true,
        _ => token.token == Token::SemiColon,
    }
}
