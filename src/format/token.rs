use std::ops::Range;

use crate::format::keywords;
use crate::sqlx::{Lexeme, LexemeKind, literals};

/// A word, a sign, or a text that stays as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) kind: TokenKind,
    /// What stood before it.
    pub(super) gap: Gap,
    /// The same as text, without the lines that end in it.
    pub(super) blanks: &'a str,
    /// How far the line was indented on which it stood.
    pub(super) indent: usize,
    /// Whether it is a word of SQL's own.
    pub(super) is_keyword: bool,
}

/// The blanks between two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    Line,
    EmptyLine,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, a keyword or a number.
    Word,
    /// A string or a quoted name.
    Quoted,
    /// A run of other characters.
    Symbol,
    Comma,
    Semicolon,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// A placeholder of which we know that it is a name.
    Name,
    /// Any other placeholder or `{{ … }}`: it may stand for anything.
    Template,
    /// `{% … %}` or `{# … #}`
    Tag,
    LineComment,
    BlockComment,
}

impl Token<'_> {
    pub(super) fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment)
    }

    /// Whether it keeps a line of its own, if it has one.
    pub(super) fn is_aside(&self) -> bool {
        self.is_comment() || matches!(self.kind, TokenKind::Template | TokenKind::Tag)
    }

    /// Whether it starts a line.
    pub(super) fn starts_line(&self) -> bool {
        self.gap >= Gap::Line
    }

    /// Whether blanks around it make no difference.
    fn may_be_apart(&self) -> bool {
        let is_sign = matches!(self.kind, TokenKind::Open | TokenKind::Close | TokenKind::Comma | TokenKind::Semicolon);
        is_sign || self.is_comment() || self.is_operator()
    }

    /// Whether it is an operator that blanks stand around.
    fn is_operator(&self) -> bool {
        self.kind == TokenKind::Symbol && matches!(self.text, "=" | "<>" | "!=" | "<=" | ">=" | "||" | "=>")
    }

    /// Whether nothing in it can mean anything to Jinja.
    pub(super) fn is_plain_comment(&self) -> bool {
        self.is_comment() && !self.text.contains(['{', '$'])
    }
}

/// Whether a line must end between the two, as it did: behind a comment, where a template may hold one, between two strings
/// that `PostgreSQL` takes as one.
pub(super) fn must_break(before: &Token<'_>, next: &Token<'_>) -> bool {
    let strings = before.kind == TokenKind::Quoted && next.kind == TokenKind::Quoted;
    next.starts_line() && (before.is_aside() || next.is_aside() || strings) || before.kind == TokenKind::LineComment
}

/// Whether a line must not end between the two: `{% if not loop.last %},{% endif %}`.
pub(super) fn must_not_break(before: &Token<'_>, next: &Token<'_>) -> bool {
    let tag = before.kind == TokenKind::Tag || next.kind == TokenKind::Tag;
    tag && !next.starts_line() && before.kind != TokenKind::LineComment || is_glued(before, next)
}

/// Whether the two stand together, and blanks between them could make something else of them.
pub(super) fn is_glued(before: &Token<'_>, next: &Token<'_>) -> bool {
    next.gap == Gap::None && !before.may_be_apart() && !next.may_be_apart()
}

/// Whether a blank stands between two tokens of a line.
pub(super) fn has_space(before: &Token<'_>, next: &Token<'_>) -> bool {
    let opens = before.kind == TokenKind::Open && before.text != "{";
    let closes = next.kind == TokenKind::Close && next.text != "}";
    if next.gap != Gap::None {
        return !(opens || closes || matches!(next.kind, TokenKind::Comma | TokenKind::Semicolon));
    }
    let is_value = |token: &Token<'_>| matches!(token.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::Name);
    let ends_operand = is_value(before) || before.kind == TokenKind::Close;
    let starts_operand = is_value(next) || next.kind == TokenKind::Open && next.text != "{";
    match before.kind {
        TokenKind::Comma => {
            !matches!(next.kind, TokenKind::Tag | TokenKind::Close | TokenKind::Comma | TokenKind::Semicolon)
        }
        TokenKind::Close if before.text == ")" && next.kind == TokenKind::Word => true,
        _ => before.is_operator() && starts_operand || next.is_operator() && ends_operand,
    }
}

/// The tokens of a part of a file, whose lexemes these are.
pub(super) fn tokens<'a>(text: &'a str, range: Range<usize>, lexemes: &[Lexeme]) -> Vec<Token<'a>> {
    let lexemes = lexemes.iter().map(|lexeme| (lexeme.span.range(), kind(*lexeme, &text[lexeme.span.range()])));
    cut(text, range.clone(), lexemes.filter(|(span, _)| span.start >= range.start && span.end <= range.end))
}

/// The tokens of a part of a text. Some are known beforehand, in order.
pub(super) fn cut(
    text: &str,
    range: Range<usize>,
    known: impl Iterator<Item = (Range<usize>, TokenKind)>,
) -> Vec<Token<'_>> {
    let line = text[..range.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let before = &text[line..range.start];
    let indent = if before.bytes().all(is_blank) { columns(before) } else { 0 };
    let mut scanner = Scanner { text, at: range.start, indent, tokens: Vec::new() };
    for (span, kind) in known {
        scanner.plain(span.start);
        scanner.push(span.end, kind);
    }
    scanner.plain(range.end);
    for at in 0..scanner.tokens.len() {
        let before = at.checked_sub(1).and_then(|before| scanner.tokens.get(before));
        let is_keyword = keywords::is_keyword(before, &scanner.tokens[at], scanner.tokens.get(at + 1));
        scanner.tokens[at].is_keyword = is_keyword;
    }
    scanner.tokens
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    indent: usize,
    tokens: Vec<Token<'a>>,
}

impl Scanner<'_> {
    /// Goes on to `end`; no lexeme is on the way.
    fn plain(&mut self, end: usize) {
        loop {
            let blanks = self.text[self.at..end].bytes().position(|byte| !is_blank(byte));
            let Some(length) = blanks else { return };
            let start = self.at + length;
            let (kind, length) = plain_token(&self.text[start..end]);
            self.push(start + length, kind);
        }
    }

    /// A token that ends there. What stands before it is blank.
    fn push(&mut self, end: usize, kind: TokenKind) {
        let rest = &self.text[self.at..end];
        let start = self.at + rest.bytes().position(|byte| !is_blank(byte)).unwrap_or(0);
        let blanks = &self.text[self.at..start];
        let lines = blanks.matches(['\n', '\r']).count() - blanks.matches("\r\n").count();
        let last = blanks.rsplit(['\n', '\r']).next().unwrap_or_default();
        if lines > 0 {
            self.indent = columns(last);
        }
        let gap = match lines {
            0 if blanks.is_empty() => Gap::None,
            0 => Gap::Space,
            1 => Gap::Line,
            _ => Gap::EmptyLine,
        };
        self.tokens.push(Token {
            text: &self.text[start..end],
            kind,
            gap,
            blanks: last,
            indent: self.indent,
            is_keyword: false,
        });
        self.at = end;
    }
}

/// The first token of a text that starts with one.
fn plain_token(text: &str) -> (TokenKind, usize) {
    let is_word = |at: char| at.is_ascii_alphanumeric() || matches!(at, '_' | '@' | '$') || !at.is_ascii();
    let is_sign = |at: char| ",;()[]{}".contains(at);
    let kind = match text.as_bytes().first() {
        Some(b',') => TokenKind::Comma,
        Some(b';') => TokenKind::Semicolon,
        Some(b'(' | b'[' | b'{') => TokenKind::Open,
        Some(b')' | b']' | b'}') => TokenKind::Close,
        _ if text.starts_with(is_word) => {
            return (TokenKind::Word, text.find(|at| !is_word(at)).unwrap_or(text.len()));
        }
        _ => {
            let is_other = |at: char| is_word(at) || is_sign(at) || at.is_ascii() && is_blank(at as u8);
            return (TokenKind::Symbol, text.find(is_other).unwrap_or(text.len()));
        }
    };
    (kind, 1)
}

fn kind(lexeme: Lexeme, text: &str) -> TokenKind {
    match lexeme.kind {
        LexemeKind::Quoted => TokenKind::Quoted,
        LexemeKind::LineComment => TokenKind::LineComment,
        LexemeKind::BlockComment => TokenKind::BlockComment,
        LexemeKind::Tag if !text.starts_with("{{") => TokenKind::Tag,
        LexemeKind::Tag | LexemeKind::Placeholder => {
            let code = text.trim_start_matches(['$', '{', '-']).trim_end_matches(['}', '-']).trim();
            let function = code.split('(').next().unwrap_or_default().trim();
            let is_name = matches!(function, "ref" | "resolve" | "self" | "ctx.ref" | "ctx.resolve" | "ctx.self");
            if is_name && code.ends_with(')') { TokenKind::Name } else { TokenKind::Template }
        }
    }
}

/// Whether the end of a line, or a blank, may mean something around this one: it may open a comment or a string, or
/// works on the text that it stands around.
pub(super) fn is_delicate(token: &Token<'_>) -> bool {
    let comments = |text: &str| ["--", "/*", "*/", "#"].iter().any(|mark| text.contains(mark));
    match token.kind {
        TokenKind::Word => token.text.contains("$$") || token.text.ends_with('$'),
        TokenKind::Template if token.text.starts_with("{{") => comments(token.text),
        TokenKind::Template => {
            let pieces: Vec<&str> = literals(token.text).into_iter().map(|piece| &token.text[piece.content]).collect();
            let odd = |quote| pieces.iter().map(|piece| piece.matches(quote).count()).sum::<usize>() % 2 == 1;
            pieces.iter().any(|piece| comments(piece)) || odd('\'') || odd('"') || odd('`')
        }
        TokenKind::Tag => {
            let code = token.text.trim_start_matches(['{', '%', '-', '+']).trim_start();
            let word = code.split(|at: char| !at.is_ascii_alphabetic()).next().unwrap_or_default();
            matches!(word, "call" | "filter" | "macro") || word == "set" && !code.contains('=')
        }
        _ => false,
    }
}

/// Whether a byte is white space, of whatever sort.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// How wide blanks are at the start of a line.
fn columns(blanks: &str) -> usize {
    blanks.bytes().map(|byte| if byte == b'\t' { 4 } else { 1 }).sum()
}
