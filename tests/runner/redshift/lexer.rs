//! Words, names, texts and signs of a statement, with their places. Blanks and comments are left out.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes.
    Quoted,
    /// A text in quotes or between dollars.
    Text,
    Number,
    /// One character.
    Sign,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Its first byte.
    pub(super) at: usize,
}

impl Token<'_> {
    /// Whether it is this keyword or sign.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign) && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// A name as the catalogue has it: Redshift folds letters, in quotes too.
    pub(super) fn name(&self) -> String {
        let text = self.text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(self.text);
        text.replace("\"\"", "\"").to_ascii_lowercase()
    }

    /// What stands between the quotes of a text.
    pub(super) fn content(&self) -> String {
        let text = self.text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(self.text);
        text.replace("''", "'").replace("\\'", "'").replace("\\\\", "\\")
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

pub(super) fn read(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest);
        if let Some(kind) = kind {
            tokens.push(Token { kind, text: &rest[..length], at });
        }
        at += length;
    }
    tokens
}

fn next(rest: &str) -> (Option<Kind>, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    let while_ = |test: fn(char) -> bool| rest.find(|char| !test(char)).unwrap_or(rest.len());
    if first.is_whitespace() {
        return (None, while_(char::is_whitespace));
    }
    if rest.starts_with("--") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, rest.find("*/").map_or(rest.len(), |end| end + 2));
    }
    if first.is_alphabetic() || first == '_' || first == '#' {
        return (Some(Kind::Word), while_(|char| char.is_alphanumeric() || "_$#".contains(char)));
    }
    if first.is_ascii_digit() {
        return (Some(Kind::Number), while_(|char| char.is_ascii_digit() || char == '.'));
    }
    if first == '"' {
        return (Some(Kind::Quoted), quoted(rest, '"', false));
    }
    if first == '\'' {
        return (Some(Kind::Text), quoted(rest, '\'', true));
    }
    if let Some(length) = dollars(rest) {
        return (Some(Kind::Text), length);
    }
    (Some(Kind::Sign), first.len_utf8())
}

/// A quote is doubled inside. Redshift reads a backslash in a text as PostgreSQL 8.0 does.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if escapes && char == '\\' {
            chars.next();
        } else if char == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// `$$…$$` or `$name$…$name$`
fn dollars(rest: &str) -> Option<usize> {
    let tag = 1 + rest.strip_prefix('$')?.find('$')? + 1;
    let tag = rest.get(..tag).filter(|tag| tag.chars().all(|char| char.is_alphanumeric() || "_$".contains(char)))?;
    rest.get(tag.len()..)?.find(tag).map(|end| end + 2 * tag.len())
}

/// Where the statements of a text are.
pub(super) fn statements(sql: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let end = Token { kind: Kind::Sign, text: ";", at: sql.len() };
    for token in read(sql).into_iter().chain([end]) {
        if token.is(";") {
            let first = tokens.first().map(|token| token.at);
            ranges.extend(first.zip(tokens.last()).map(|(start, last)| start..last.range().end));
            tokens.clear();
        } else {
            tokens.push(token);
        }
    }
    ranges
}
