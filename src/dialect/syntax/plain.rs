//! The words of plain SQL, told in a fraction of the time that sqlparser's tokenizer takes: it looks at the dialect for each
//! letter, and makes a token of each blank.
//!
//! Whatever a dialect may have a rule of its own for is left to it: prefixes of texts, escapes, signs made of several,
//! letters beyond ASCII outside of quotes. The tokens are the same, but for blanks and comments that nobody asks for.

use std::sync::LazyLock;

use fnv::FnvHashMap;
use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Whitespace, Word};

use super::grammar::Grammar;

/// The words of a text; `None` if it is not plain.
pub(super) fn tokens(sql: &str, grammar: &dyn Grammar) -> Option<Vec<TokenWithSpan>> {
    let mut reader =
        Reader { sql, grammar, at: 0, line: 1, column: 1, tokens: Vec::with_capacity(sql.len() / LETTERS) };
    while reader.at < sql.len() {
        reader.read()?;
    }
    Some(reader.tokens)
}

/// How many letters a word has, blanks before it among them, so that hardly any text has more words than there is room for.
const LETTERS: usize = 4;

struct Reader<'a> {
    sql: &'a str,
    grammar: &'a dyn Grammar,
    /// The next byte.
    at: usize,
    line: u64,
    column: u64,
    tokens: Vec<TokenWithSpan>,
}

impl Reader<'_> {
    /// The byte that many behind the next one; 0 behind the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.sql.as_bytes().get(self.at + ahead).copied().unwrap_or_default()
    }

    /// The next word, or the blanks before it.
    fn read(&mut self) -> Option<()> {
        let (first, second) = (self.peek(0), self.peek(1));
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.blanks();
                Some(())
            }
            b'-' if second == b'-' => self.comment(),
            b'/' if second == b'*' => self.long_comment(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'\'' => self.quoted(b'\'', Token::SingleQuotedString),
            b'"' | b'`' if self.grammar.is_delimited_identifier_start(first.into()) => {
                let quote = Some(char::from(first));
                self.quoted(first, |value| Token::Word(Word { value, quote_style: quote, keyword: Keyword::NoKeyword }))
            }
            b'"' if self.grammar.supports_triple_quoted_string() => self.quoted(b'"', Token::DoubleQuotedString),
            b'[' if self.grammar.is_delimited_identifier_start('[') => None,
            _ => {
                let (sign, length) = sign(first, second, self.peek(2))?;
                self.push(sign, length);
                Some(())
            }
        }
    }

    fn location(&self) -> Location {
        Location { line: self.line, column: self.column }
    }

    /// Takes that many letters in, of which none is beyond ASCII or ends a line.
    fn push(&mut self, token: Token, length: usize) {
        let start = self.location();
        self.at += length;
        self.column += length as u64;
        self.tokens.push(TokenWithSpan::new(token, Span::new(start, self.location())));
    }

    /// Goes on to that byte.
    fn go(&mut self, end: usize) {
        for byte in &self.sql.as_bytes()[self.at..end] {
            if *byte == b'\n' {
                self.line += 1;
                self.column = 1;
            } else if byte & 0xc0 != 0x80 {
                self.column += 1;
            }
        }
        self.at = end;
    }

    /// Whether the blanks here may make a difference: they part names of BigQuery with dashes in them, and texts of Redshift.
    fn keeps_blanks(&self) -> bool {
        matches!(self.tokens.last().map(|token| &token.token), Some(Token::Minus | Token::SingleQuotedString(_)))
    }

    fn blanks(&mut self) {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let rest = &self.sql.as_bytes()[self.at..];
        let length = rest.iter().position(|byte| !is_blank(byte)).unwrap_or(rest.len());
        if !self.keeps_blanks() && !starts_with_minus(&rest[length..]) {
            self.go(self.at + length);
            return;
        }
        let end = self.at + length;
        while self.at < end {
            let (blank, length) = match (self.peek(0), self.peek(1)) {
                (b' ', _) => (Whitespace::Space, 1),
                (b'\t', _) => (Whitespace::Tab, 1),
                (b'\r', b'\n') => (Whitespace::Newline, 2),
                _ => (Whitespace::Newline, 1),
            };
            let start = self.location();
            self.go(self.at + length);
            self.tokens.push(TokenWithSpan::new(Token::Whitespace(blank), Span::new(start, self.location())));
        }
    }

    fn comment(&mut self) -> Option<()> {
        let rest = &self.sql.as_bytes()[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        // A lone carriage return ends a line for some.
        let is_plain = !self.is_kept(end) && !rest[..end].trim_ascii_end().contains(&b'\r');
        is_plain.then(|| self.go(self.at + end))
    }

    fn long_comment(&mut self) -> Option<()> {
        let inside = &self.sql[self.at + 2..];
        let end = inside.find("*/")?;
        // Hints, and comments in comments.
        let is_plain = !self.is_kept(2 + end + 2) && !inside.starts_with(['+', '!']) && !inside[..end].contains("/*");
        is_plain.then(|| self.go(self.at + 2 + end + 2))
    }

    /// Whether a comment of that length stands among blanks that are kept.
    fn is_kept(&self, length: usize) -> bool {
        let last = self.tokens.last().map(|token| &token.token);
        let behind = self.sql.as_bytes()[self.at + length..].trim_ascii_start();
        self.keeps_blanks() || matches!(last, Some(Token::Whitespace(_))) || starts_with_minus(behind)
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.sql.as_bytes()[self.at..];
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        if rest.get(length).is_some_and(|next| matches!(next, b'\'' | b'"' | b'$' | b'#' | b'@' | b'&' | 0x80..)) {
            return None;
        }
        let value = &self.sql[self.at..self.at + length];
        let word = Word { value: value.to_owned(), quote_style: None, keyword: keyword(value) };
        self.push(Token::Word(word), length);
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = &self.sql.as_bytes()[self.at..];
        let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut length = digits(0);
        if rest.get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            length += 1 + fraction;
            if fraction == 0 {
                return None;
            }
        }
        let is_over = |next: &u8| !matches!(next, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | 0x80..);
        if !rest.get(length).is_none_or(is_over) {
            return None;
        }
        let value = self.sql[self.at..self.at + length].to_owned();
        self.push(Token::Number(value, false), length);
        Some(())
    }

    fn quoted(&mut self, quote: u8, token: impl Fn(String) -> Token) -> Option<()> {
        let inside = &self.sql.as_bytes()[self.at + 1..];
        let length = inside.iter().position(|byte| *byte == quote || *byte == b'\\')?;
        if inside[length] == b'\\' || inside.get(length + 1) == Some(&quote) {
            return None;
        }
        let value = self.sql[self.at + 1..self.at + 1 + length].to_owned();
        let start = self.location();
        self.go(self.at + length + 2);
        self.tokens.push(TokenWithSpan::new(token(value), Span::new(start, self.location())));
        Some(())
    }
}

fn starts_with_minus(text: &[u8]) -> bool {
    text.starts_with(b"-") && !text.starts_with(b"--")
}

/// A sign, and how many letters it has.
fn sign(first: u8, second: u8, third: u8) -> Option<(Token, usize)> {
    let one = |token, is_over: bool| is_over.then_some((token, 1));
    let two = |token, is_over: bool| is_over.then_some((token, 2));
    match (first, second) {
        (b'(', _) => one(Token::LParen, true),
        (b')', _) => one(Token::RParen, true),
        (b',', _) => one(Token::Comma, true),
        (b';', _) => one(Token::SemiColon, true),
        (b'[', _) => one(Token::LBracket, true),
        (b']', _) => one(Token::RBracket, true),
        (b'{', _) => one(Token::LBrace, true),
        (b'}', _) => one(Token::RBrace, true),
        (b'.', _) => one(Token::Period, !second.is_ascii_digit() && second != b'_'),
        (b'*', _) => one(Token::Mul, true),
        (b'%', _) => one(Token::Mod, second.is_ascii_whitespace()),
        (b'+', _) => one(Token::Plus, true),
        (b'/', _) => one(Token::Div, second != b'/'),
        (b'=', _) => one(Token::Eq, !matches!(second, b'=' | b'>')),
        (b'<', b'=') => two(Token::LtEq, !is_sign(third)),
        (b'<', b'>') => two(Token::Neq, !is_sign(third)),
        (b'>', b'=') => two(Token::GtEq, !is_sign(third)),
        (b'!', b'=') => two(Token::Neq, true),
        (b'|', b'|') => two(Token::StringConcat, !is_sign(third)),
        (b':', b':') => two(Token::DoubleColon, true),
        (b'-', _) => one(Token::Minus, !is_sign(second)),
        (b'<', _) => one(Token::Lt, !is_sign(second)),
        (b'>', _) => one(Token::Gt, !is_sign(second)),
        _ => None,
    }
}

/// Whether a sign before it may be a part of another one in some dialect.
fn is_sign(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?:".contains(&byte)
}

/// The keyword that a word without quotes is.
fn keyword(word: &str) -> Keyword {
    static KEYWORDS: LazyLock<FnvHashMap<&[u8], Keyword>> = LazyLock::new(|| {
        ALL_KEYWORDS.iter().map(|word| word.as_bytes()).zip(ALL_KEYWORDS_INDEX.iter().copied()).collect()
    });
    let mut upper = [0; LONGEST_KEYWORD];
    let Some(upper) = upper.get_mut(..word.len()) else { return Keyword::NoKeyword };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    KEYWORDS.get(&*upper).copied().unwrap_or(Keyword::NoKeyword)
}

/// In bytes; the longest one has fewer.
const LONGEST_KEYWORD: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;
    use crate::dialect::syntax::{BigQuery, DuckDb, Postgres, Redshift};

    /// What sqlparser tells, without the blanks that this leaves out.
    fn told(sql: &str, grammar: &dyn Grammar) -> Option<Vec<TokenWithSpan>> {
        let all = Tokenizer::new(grammar, sql).tokenize_with_location().ok()?;
        let is_blank = |token: &&TokenWithSpan| matches!(token.token, Token::Whitespace(_));
        let kept = all.iter().enumerate().filter(|(place, token)| {
            let before = all[..*place].iter().rev().find(|token| !is_blank(token)).map(|token| &token.token);
            let behind = all[*place..].iter().find(|token| !is_blank(token)).map(|token| &token.token);
            !is_blank(token)
                || matches!(before, Some(Token::Minus | Token::SingleQuotedString(_)))
                || behind == Some(&Token::Minus)
        });
        Some(kept.map(|(_, token)| token.clone()).collect())
    }

    fn grammars() -> [&'static dyn Grammar; 4] {
        [&BigQuery, &DuckDb, &Postgres, &Redshift]
    }

    /// Pieces of texts that stand one behind the other.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zA-Z_0-9.]{1,6}",
            "[ \t\r\n]{1,3}",
            "['\"`\\\\$#@é-]{1,2}",
            "[-+*/<>=~!@#%^&|?:(){}\\[\\],;.]{1,3}",
            Just("'it is'".to_owned()),
            Just("\"a b\"".to_owned()),
            Just("`a-b.c`".to_owned()),
            Just("-- à part\n".to_owned()),
            Just("/* a */".to_owned()),
            Just(" select ".to_owned()),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn no_keyword_is_too_long() {
        assert!(ALL_KEYWORDS.iter().all(|word| word.len() < LONGEST_KEYWORD));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn words_are_those_of_sqlparser(sql in text()) {
            for grammar in grammars() {
                if let Some(tokens) = tokens(&sql, grammar) {
                    prop_assert_eq!(Some(tokens), told(&sql, grammar), "{:?}", grammar);
                }
            }
        }
    }

    #[test]
    fn most_texts_are_plain() {
        let sql =
            "select a.id, 'x' as b, 1.5 * -2 -- why\nfrom \"s\".t as a /* where */ where a.n >= 3 and b::text <> ''";
        assert!(grammars().iter().skip(1).all(|grammar| tokens(sql, *grammar).is_some()));
    }
}
