//! DuckDB's list comprehensions, `[x + 1 for x in list if x > 0]`, as the functions that they stand for:
//! `list_transform(list_filter(list, x -> (x > 0)), x -> (x + 1))`.
//! <https://duckdb.org/docs/stable/sql/functions/list#list-comprehension>

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::keyword;

/// So many of them may be in one text. Each is read again with those in it.
const MOST: usize = 200;

/// Rewrites all of them, the inner ones first. A text with more than anybody writes stays as it is.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    let is_for = |token: &TokenWithSpan| keyword(&token.token) == Some(Keyword::FOR);
    let count = tokens.iter().filter(|token| is_for(token)).count();
    if count == 0 || count > MOST || !tokens.iter().any(|token| token.token == Token::LBracket) {
        return;
    }
    let old = std::mem::take(tokens);
    // Where brackets begin, and whether the word stands in them.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for token in old {
        match token.token {
            Token::Whitespace(_) => continue,
            Token::LBracket => open.push((tokens.len(), false)),
            Token::Word(_) if is_for(&token) => {
                if let Some((_, has)) = open.last_mut() {
                    *has = true;
                }
            }
            Token::RBracket => {
                let start = open.pop().filter(|(_, has)| *has).map(|(start, _)| start);
                let written = start.and_then(|start| Some((start, written(tokens.get(start + 1..)?, &token)?)));
                if let Some((start, written)) = written {
                    tokens.truncate(start);
                    tokens.extend(written);
                    continue;
                }
            }
            _ => {}
        }
        tokens.push(token);
    }
}

/// The call, if there is a comprehension in the brackets.
fn written(inner: &[TokenWithSpan], close: &TokenWithSpan) -> Option<Vec<TokenWithSpan>> {
    let (value, rest) = cut(inner, Keyword::FOR)?;
    let (names, rest) = cut(rest, Keyword::IN)?;
    let (list, condition) = match cut(rest, Keyword::IF) {
        Some((list, condition)) => (list, Some(condition)),
        None => (rest, None),
    };
    let is_name = |token: &TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Comma);
    if value.is_empty() || list.is_empty() || names.is_empty() || !names.iter().all(is_name) {
        return None;
    }
    let sign = |sign| TokenWithSpan::new(sign, close.span);
    let word = |word: &str| sign(Token::make_word(word, None));
    let lambda = |body: &[TokenWithSpan]| {
        let mut lambda = vec![sign(Token::LParen)];
        lambda.extend_from_slice(names);
        lambda.extend([sign(Token::RParen), sign(Token::Arrow), sign(Token::LParen)]);
        lambda.extend_from_slice(body);
        lambda.push(sign(Token::RParen));
        lambda
    };
    let mut list = list.to_vec();
    if let Some(condition) = condition {
        list = [vec![word("list_filter"), sign(Token::LParen)], list, vec![sign(Token::Comma)]].concat();
        list.extend(lambda(condition));
        list.push(sign(Token::RParen));
    }
    let mut call = vec![word("list_transform"), sign(Token::LParen)];
    call.extend(list);
    call.push(sign(Token::Comma));
    call.extend(lambda(value));
    call.push(sign(Token::RParen));
    Some(call)
}

/// What stands before and behind the first such word that is in no bracket.
fn cut(tokens: &[TokenWithSpan], wanted: Keyword) -> Option<(&[TokenWithSpan], &[TokenWithSpan])> {
    let mut depth = 0_i32;
    let place = tokens.iter().position(|token| {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
            _ => {}
        }
        depth == 0 && keyword(&token.token) == Some(wanted)
    })?;
    Some((&tokens[..place], &tokens[place + 1..]))
}
