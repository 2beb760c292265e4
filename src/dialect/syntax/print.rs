//! The number of a text: the same whatever its layout, its comments, and the case of its keywords.

use std::fmt::{self, Write as _};
use std::hash::Hasher as _;

use fnv::FnvHasher;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Of the words of a text. A semicolon at its end makes no difference. It is the same on every machine.
pub(super) fn of_words(tokens: &[TokenWithSpan]) -> u64 {
    let is_word = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_) | Token::EOF);
    let last = tokens.iter().rposition(|token| is_word(&token) && token.token != Token::SemiColon);
    let mut letters = Letters::default();
    for token in tokens[..last.map_or(0, |last| last + 1)].iter().filter(is_word) {
        letters.add(&token.token);
    }
    letters.0.finish()
}

/// Of the letters of a text of which not even the words can be told.
pub(super) fn of_letters(text: &str) -> u64 {
    let mut letters = Letters::default();
    letters.0.write(text.trim().as_bytes());
    letters.0.finish()
}

/// Stands behind each word: no text has such a byte.
const END: u8 = 0xff;

#[derive(Default)]
struct Letters(FnvHasher);

impl Letters {
    fn add(&mut self, token: &Token) {
        match token {
            Token::Word(word) if word.quote_style.is_some() || word.keyword == Keyword::NoKeyword => {
                self.0.write(word.value.as_bytes());
                self.0.write_u8(word.quote_style.map_or(0, |quote| quote as u8));
            }
            Token::Word(word) => word.value.bytes().for_each(|byte| self.0.write_u8(byte.to_ascii_uppercase())),
            Token::Number(digits, false) => self.0.write(digits.as_bytes()),
            Token::Comma => self.0.write_u8(b','),
            Token::Period => self.0.write_u8(b'.'),
            Token::LParen => self.0.write_u8(b'('),
            Token::RParen => self.0.write_u8(b')'),
            Token::Eq => self.0.write_u8(b'='),
            // It fails nowhere: there is no end to the letters that are taken.
            token => drop(write!(self, "{token}")),
        }
        self.0.write_u8(END);
    }
}

impl fmt::Write for Letters {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
