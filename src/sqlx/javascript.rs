//! Enough of JavaScript's lexical grammar to see where an expression ends and which literals it holds.
//!
//! It is not a parser: what it cannot make sense of it takes character by character, and the engine says later what is
//! wrong.

use std::borrow::Cow;
use std::ops::Range;

/// A string, or a piece of a template between its `${…}`, in JavaScript source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal<'a> {
    /// Its bytes in the source, without quotes.
    pub content: Range<usize>,
    /// Its value, with escape sequences resolved; `None` for an escape that has no value as Unicode text.
    pub cooked: Option<Cow<'a, str>>,
}

/// Every string literal and template piece of `text`, in order, those in nested templates included. Empty ones too.
pub fn literals(text: &str) -> Vec<Literal<'_>> {
    Tokens::new(text, 0)
        .filter_map(|token| match token.kind {
            TokenKind::String => Some((token.range.start + 1..token.range.end - 1, false)),
            TokenKind::Template { content, .. } => Some((content, true)),
            _ => None,
        })
        .map(|(content, template)| Literal { cooked: cook(&text[content.clone()], template), content })
        .collect()
}

/// Where the `}` stands that closes the brace before `start`.
pub(super) fn closing_brace(text: &str, start: usize) -> Option<usize> {
    Tokens::new(text, start).find(|token| token.kind == TokenKind::UnmatchedBrace).map(|token| token.range.start)
}

/// A token. White space and comments are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) range: Range<usize>,
    pub(crate) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// An identifier or a keyword.
    Word,
    Number,
    /// `'…'` or `"…"`.
    String,
    /// A piece of a template: from a backtick or the `}` of a substitution to the next `${` or backtick.
    Template {
        content: Range<usize>,
        /// Whether it starts with the backtick.
        first: bool,
        /// Whether it ends with the backtick.
        last: bool,
    },
    Regex,
    Punctuation(u8),
    /// A `}` that no `{` of this text has opened.
    UnmatchedBrace,
}

/// What a `}` would close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Brace,
    Substitution,
}

/// The tokens of a text from some place on.
pub(crate) struct Tokens<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    open: Vec<Open>,
    /// For each open parenthesis, whether it belongs to an `if`, `while`, `for` or `with`: a `/` behind it starts a
    /// regular expression.
    control: Vec<bool>,
    before: Before,
    /// For `'`, `"` and `/`: up to where such a literal has been looked for in vain. The next one is not looked for, so
    /// that one long line takes no more than its length.
    unclosed: [usize; 3],
}

/// What the last token was, as far as it decides what a `/` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A value: `/` divides.
    Operand,
    /// An operator, a keyword such as `return`, or nothing: `/` starts a regular expression.
    Operator,
    /// `if`, `while`, `for`, `with`.
    Control,
    /// A `.`: the next word is a property, whatever it is.
    Dot,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str, start: usize) -> Self {
        let (open, control) = (Vec::new(), Vec::new());
        Self { text, bytes: text.as_bytes(), at: start, open, control, before: Before::Operator, unclosed: [0; 3] }
    }

    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn line_end(&self, start: usize) -> usize {
        let length = self.bytes[start..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        length.map_or(self.bytes.len(), |length| start + length)
    }

    fn skip_blanks_and_comments(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'/' if self.byte(self.at + 1) == b'/' => self.at = self.line_end(self.at),
                b'/' if self.byte(self.at + 1) == b'*' => {
                    let length = self.text[self.at + 2..].find("*/");
                    self.at = length.map_or(self.bytes.len(), |length| self.at + 2 + length + 2);
                }
                0x80.. => match self.text[self.at..].chars().next() {
                    Some(blank) if is_blank(blank) => self.at += blank.len_utf8(),
                    _ => break,
                },
                _ => break,
            }
        }
    }

    fn word_end(&self, start: usize) -> usize {
        let word = |at: char| !at.is_ascii() && !is_blank(at) || at.is_ascii_alphanumeric() || matches!(at, '_' | '$');
        self.text[start..].find(|at| !word(at)).map_or(self.text.len(), |length| start + length)
    }

    fn number_end(&self, start: usize) -> usize {
        let radix = self.byte(start) == b'0' && matches!(self.byte(start + 1) | 0x20, b'x' | b'o' | b'b');
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            let sign = matches!(byte, b'+' | b'-') && !radix && at > start && self.byte(at - 1) | 0x20 == b'e';
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || sign) {
                break;
            }
            at += 1;
        }
        at
    }

    /// The end of a string that opens here; `None` if the line ends first.
    fn string_end(&self, start: usize) -> Option<usize> {
        let quote = self.byte(start);
        let mut at = start + 1;
        loop {
            match *self.bytes.get(at)? {
                b'\\' if self.bytes[at + 1..].starts_with(b"\r\n") => at += 3,
                b'\\' => at += 2,
                b'\n' | b'\r' => return None,
                byte if byte == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    /// The end of a regular expression that opens here; `None` if the line ends first.
    fn regex_end(&self, start: usize) -> Option<usize> {
        let mut class = false;
        let mut at = start + 1;
        loop {
            match *self.bytes.get(at)? {
                b'\n' | b'\r' => return None,
                b'\\' if matches!(self.byte(at + 1), b'\n' | b'\r') => return None,
                b'\\' => at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'/' if !class => return Some(self.word_end(at + 1)),
                _ => {}
            }
            at += 1;
        }
    }

    /// The end of the string or regular expression that opens here; `None` if its line ends first.
    fn delimited_end(&mut self, delimiter: u8) -> Option<usize> {
        let kind = match delimiter {
            b'\'' => 0,
            b'"' => 1,
            _ => 2,
        };
        if self.at < self.unclosed[kind] {
            return None;
        }
        let end = if delimiter == b'/' { self.regex_end(self.at) } else { self.string_end(self.at) };
        if end.is_none() {
            self.unclosed[kind] = self.line_end(self.at);
        }
        end
    }

    /// The piece of a template that starts here, with its backtick or `}`.
    fn template(&mut self, first: bool) -> Token {
        let start = self.at;
        let mut at = start + 1;
        let (content, end, last) = loop {
            match self.bytes.get(at) {
                None => break (start + 1..self.bytes.len(), self.bytes.len(), false),
                Some(b'\\') => at += 2,
                Some(b'`') => break (start + 1..at, at + 1, true),
                Some(b'$') if self.byte(at + 1) == b'{' => {
                    self.open.push(Open::Substitution);
                    break (start + 1..at, at + 2, false);
                }
                Some(_) => at += 1,
            }
        };
        self.before = if last { Before::Operand } else { Before::Operator };
        self.token(end, TokenKind::Template { content, first, last })
    }

    fn token(&mut self, end: usize, kind: TokenKind) -> Token {
        let range = self.at..end;
        self.at = end;
        Token { range, kind }
    }

    fn punctuation(&mut self, byte: u8) -> Token {
        match byte {
            b'{' => self.open.push(Open::Brace),
            b'(' => self.control.push(self.before == Before::Control),
            _ => {}
        }
        self.before = match byte {
            b')' if self.control.pop() == Some(true) => Before::Operator,
            b')' | b']' | b'}' => Before::Operand,
            b'.' => Before::Dot,
            _ => Before::Operator,
        };
        // A character outside of ASCII never comes here, so that one byte is one character.
        self.token(self.at + 1, TokenKind::Punctuation(byte))
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blanks_and_comments();
        let byte = *self.bytes.get(self.at)?;
        let operand = |tokens: &mut Self, end, kind| {
            tokens.before = Before::Operand;
            Some(tokens.token(end, kind))
        };
        match byte {
            b'0'..=b'9' => operand(self, self.number_end(self.at), TokenKind::Number),
            b'.' if self.byte(self.at + 1).is_ascii_digit() => {
                operand(self, self.number_end(self.at), TokenKind::Number)
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0x80.. => {
                let end = self.word_end(self.at);
                self.before = match &self.text[self.at..end] {
                    _ if self.before == Before::Dot => Before::Operand,
                    "if" | "while" | "for" | "with" => Before::Control,
                    "return" | "typeof" | "instanceof" | "in" | "of" | "new" | "delete" | "void" | "throw" | "case"
                    | "do" | "else" | "yield" | "await" => Before::Operator,
                    _ => Before::Operand,
                };
                Some(self.token(end, TokenKind::Word))
            }
            b'\'' | b'"' if let Some(end) = self.delimited_end(byte) => operand(self, end, TokenKind::String),
            b'/' if self.before != Before::Operand
                && let Some(end) = self.delimited_end(byte) =>
            {
                operand(self, end, TokenKind::Regex)
            }
            b'`' => Some(self.template(true)),
            b'}' => match self.open.pop() {
                Some(Open::Substitution) => Some(self.template(false)),
                Some(Open::Brace) => Some(self.punctuation(byte)),
                None => operand(self, self.at + 1, TokenKind::UnmatchedBrace),
            },
            _ => Some(self.punctuation(byte)),
        }
    }
}

/// White space and line ends of ECMAScript beyond ASCII.
fn is_blank(at: char) -> bool {
    at == '\u{feff}' || at.is_whitespace() && at != '\u{85}'
}

/// The value of what stands between the quotes of a string or the ends of a template piece.
pub(super) fn cook(content: &str, template: bool) -> Option<Cow<'_, str>> {
    let plain = if template { !content.contains(['\\', '\r']) } else { !content.contains('\\') };
    if plain {
        return Some(Cow::Borrowed(content));
    }
    let mut cooked = String::with_capacity(content.len());
    let mut rest = content.chars();
    while let Some(at) = rest.next() {
        match at {
            '\\' => escape(&mut rest, &mut cooked)?,
            // The line ends of a template are all line feeds.
            '\r' if template => {
                if rest.as_str().starts_with('\n') {
                    rest.next();
                }
                cooked.push('\n');
            }
            _ => cooked.push(at),
        }
    }
    Some(Cow::Owned(cooked))
}

/// Resolves the escape sequence whose backslash is behind `rest`.
fn escape(rest: &mut std::str::Chars<'_>, cooked: &mut String) -> Option<()> {
    let character = match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'v' => '\u{b}',
        'f' => '\u{c}',
        '0' if !rest.as_str().starts_with(|digit: char| digit.is_ascii_digit()) => '\0',
        // Octal escapes: allowed in some strings only, and nobody writes them.
        '0'..='9' => return None,
        'x' => char::from_u32(hexadecimal(rest, 2)?)?,
        'u' => unicode(rest)?,
        '\r' => {
            if rest.as_str().starts_with('\n') {
                rest.next();
            }
            return Some(());
        }
        '\n' | '\u{2028}' | '\u{2029}' => return Some(()),
        other => other,
    };
    cooked.push(character);
    Some(())
}

/// `XXXX`, `XXXX\uXXXX` for a pair of surrogates, or `{X…}`.
fn unicode(rest: &mut std::str::Chars<'_>) -> Option<char> {
    if let Some(braced) = rest.as_str().strip_prefix('{') {
        let (digits, after) = braced.split_once('}')?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        *rest = after.chars();
        return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
    }
    let first = hexadecimal(rest, 4)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    *rest = rest.as_str().strip_prefix("\\u")?.chars();
    let second = hexadecimal(rest, 4)?;
    let low = second.checked_sub(0xdc00).filter(|&low| low < 0x400)?;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)
}

fn hexadecimal(rest: &mut std::str::Chars<'_>, digits: usize) -> Option<u32> {
    let text = rest.as_str().get(..digits)?;
    *rest = rest.as_str()[digits..].chars();
    text.chars().try_fold(0, |number, digit| Some(number * 16 + digit.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cooked(text: &str) -> Vec<Option<String>> {
        literals(text).into_iter().map(|literal| literal.cooked.map(Cow::into_owned)).collect()
    }

    #[test]
    fn braces_in_strings_templates_comments_and_regular_expressions_do_not_close() {
        for text in [
            "}",
            "a}",
            "{a: {b: 1}}.a}",
            "'}'}",
            r"'\'}'}",
            r#""\n}//{"}"#,
            "`}`}",
            r"`\`}`}",
            r"`\${`}",
            "`${ {a: `}`}.a }`}",
            "/* } */}",
            "// }\n}",
            "/}/}",
            "x = /[/}]/}",
            "return /}/}",
            "if (x) /}/.test(y)}",
            "a / b} /",
            "f(x) / b} /",
            "a.return / b} /",
            "it's\n}",
            "x = 1 / 2\n}",
        ] {
            let end = text.rfind('}').unwrap();
            let text = format!("{text} }}");
            assert_eq!(closing_brace(&text, 0), Some(end), "{text}");
        }
        for text in ["", "{}", "`}", "'}'", "/* }", "// }"] {
            assert_eq!(closing_brace(text, 0), None, "{text}");
        }
    }

    #[test]
    fn literals_are_found_with_their_place_and_value() {
        let text = r#"f("a\n", `b${c('d')}e` + x / 2, /"no"/)"#;
        let found: Vec<&str> = literals(text).into_iter().map(|literal| &text[literal.content]).collect();
        assert_eq!(found, [r"a\n", "b", "d", "e"]);
        assert_eq!(cooked(text)[0].as_deref(), Some("a\n"));
    }

    #[test]
    fn escapes_have_the_value_that_the_language_gives_them() {
        let some = |text: &str| vec![Some(text.to_owned())];
        assert_eq!(cooked(r#"'\'\"\\\t\0\x41\u0042\u{1f600}\ud83d\ude00\q'"#), some("'\"\\\t\0AB😀😀q"));
        assert_eq!(cooked("'a\\\nb\\\r\nc'"), some("abc"));
        assert_eq!(cooked("`a\r\nb\rc`"), some("a\nb\nc"));
        for broken in [r"'\1'", r"'\00'", r"'\ud83d'", r"'\xg0'", r"'\u{110000}'", r"'\u{+1}'", r"'\uD83Dé'", r"'\x+1'"]
        {
            assert_eq!(cooked(broken), [None], "{broken}");
        }
    }
}
