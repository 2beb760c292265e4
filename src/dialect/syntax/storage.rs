//! Redshift's words on where the rows of a table lie: `diststyle`, `sortkey`, `encode` and the like.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::keyword;

/// Whether such a phrase may begin here.
pub(super) fn begins(token: &TokenWithSpan) -> bool {
    ["distkey", "sortkey", "diststyle", "encode", "backup", "binding", "refresh"].iter().any(|word| is(token, word))
}

fn is(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// Takes them out of every CREATE TABLE, CREATE VIEW and ALTER TABLE … ADD.
pub(super) fn remove(tokens: &mut Vec<TokenWithSpan>) {
    let mut rest = std::mem::take(tokens);
    rest.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut index = 0;
    let mut at_start = true;
    let mut in_create = false;
    while index < rest.len() {
        if at_start {
            let has = |wanted: &[Keyword]| {
                (1..8).any(|next| {
                    let word = rest.get(index + next).and_then(|token| keyword(&token.token));
                    word.is_some_and(|word| wanted.contains(&word))
                })
            };
            in_create = match keyword(&rest[index].token) {
                Some(Keyword::CREATE) => has(&[Keyword::TABLE, Keyword::VIEW]),
                Some(Keyword::ALTER) => has(&[Keyword::TABLE]) && has(&[Keyword::ADD]),
                _ => false,
            };
        }
        at_start = rest[index].token == Token::SemiColon;
        let length = if in_create { phrase(&rest[index..], tokens.last()) } else { 0 };
        if length == 0 {
            tokens.push(rest[index].clone());
            index += 1;
        } else {
            index += length;
        }
    }
}

/// How many tokens the phrase takes that begins here.
fn phrase(tokens: &[TokenWithSpan], before: Option<&TokenWithSpan>) -> usize {
    let word = |index: usize, word: &str| tokens.get(index).is_some_and(|token| is(token, word));
    let opens = |index: usize| tokens.get(index).is_some_and(|token| token.token == Token::LParen);
    let is_word = |index: usize| tokens.get(index).is_some_and(|token| matches!(token.token, Token::Word(_)));
    // After a comma, a bracket or a dot stands a name.
    let names = before.is_none_or(|before| matches!(before.token, Token::Comma | Token::LParen | Token::Period));
    if names {
        return 0;
    }
    let list = |start: usize| if opens(start) { start + closing(&tokens[start..]) } else { start };
    if word(0, "distkey") || word(0, "sortkey") {
        return if word(1, "auto") { 2 } else { list(1) };
    }
    if (word(0, "compound") || word(0, "interleaved")) && word(1, "sortkey") {
        return list(2);
    }
    let two = word(0, "diststyle") && is_word(1) || word(0, "encode") && is_word(1) || word(0, "backup") && is_word(1);
    if two {
        return 2;
    }
    if word(0, "auto") && word(1, "refresh") && is_word(2) {
        return 3;
    }
    if word(0, "with") && word(1, "no") && word(2, "schema") && word(3, "binding") {
        return 4;
    }
    0
}

/// How many tokens there are up to the bracket that closes the first one.
fn closing(tokens: &[TokenWithSpan]) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => return index + 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}
