//! The number of a text: the same whatever its layout, its comments, and the case of its keywords.

use std::hash::Hasher as _;

use fnv::FnvHasher;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Of the words of a text. A semicolon at its end makes no difference. It is the same on every machine.
pub(super) fn of_words(tokens: &[TokenWithSpan]) -> u64 {
    let is_word = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_) | Token::EOF);
    let last = tokens.iter().rposition(|token| is_word(&token) && token.token != Token::SemiColon);
    let mut letters = FnvHasher::default();
    for token in tokens[..last.map_or(0, |last| last + 1)].iter().filter(is_word) {
        add(&mut letters, &token.token);
        letters.write_u8(END);
    }
    letters.finish()
}

/// Of the letters of a text of which not even the words can be told.
pub(super) fn of_letters(text: &str) -> u64 {
    let mut letters = FnvHasher::default();
    letters.write(text.trim().as_bytes());
    letters.finish()
}

/// Stands behind each word: no text has such a byte.
const END: u8 = 0xff;

fn add(letters: &mut FnvHasher, token: &Token) {
    match token {
        Token::Word(word) if word.quote_style.is_some() || word.keyword == Keyword::NoKeyword => {
            letters.write(word.value.as_bytes());
            letters.write_u8(word.quote_style.map_or(0, |quote| quote as u8));
        }
        Token::Word(word) => word.value.bytes().for_each(|byte| letters.write_u8(byte.to_ascii_uppercase())),
        Token::Number(digits, false) => letters.write(digits.as_bytes()),
        Token::Comma => letters.write_u8(b','),
        Token::Period => letters.write_u8(b'.'),
        Token::LParen => letters.write_u8(b'('),
        Token::RParen => letters.write_u8(b')'),
        Token::Eq => letters.write_u8(b'='),
        token => letters.write(token.to_string().as_bytes()),
    }
}
