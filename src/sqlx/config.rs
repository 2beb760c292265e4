use crate::config::{Entry, Value, ValueKind};
use crate::files::Span;
use crate::sqlx::javascript::{Token, TokenKind, Tokens, cook};

/// Literals nested deeper than this are left to the engine, so that no file can use up the stack.
const MAX_DEPTH: usize = 64;

/// A `config { … }` block.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigBlock {
    /// From the keyword to the closing brace.
    pub span: Span,
    /// The word `config`.
    pub keyword: Span,
    /// The object: what JavaScript is to evaluate, braces included.
    pub object: Span,
    /// The same as a tree. An [`Expression`](ValueKind::Expression) if the block is never closed.
    pub value: Value,
}

/// Reads an object literal, the text of `span`, which runs from brace to brace.
pub(super) fn parse(text: &str, span: Span) -> Value {
    let mut reader = Reader { text, span, tokens: Tokens::new(text, 0).collect(), at: 0 };
    let value = reader.literal(0);
    match value {
        Some(value) if reader.at == reader.tokens.len() => value,
        _ => Value { span, kind: ValueKind::Expression },
    }
}

struct Reader<'a> {
    text: &'a str,
    span: Span,
    tokens: Vec<Token>,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next_is(&self, byte: u8) -> bool {
        self.peek() == Some(&TokenKind::Punctuation(byte))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.next_is(byte);
        self.at += usize::from(found);
        found
    }

    /// Whether a value is complete here: a comma or the end of what it stands in comes next.
    fn at_end_of_value(&self) -> bool {
        matches!(self.peek(), None | Some(TokenKind::Punctuation(b',' | b']' | b'}')))
    }

    /// From the token `first` to the one before this.
    fn span_from(&self, first: usize) -> Span {
        let start = self.tokens.get(first).map_or(self.text.len(), |token| token.range.start);
        let end = self.tokens[first..self.at].last().map_or(start, |token| token.range.end);
        self.span.part(start..end)
    }

    /// Goes on to the next comma or closing bracket that belongs to what the value stands in.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punctuation(b',' | b']' | b'}' | b')') if depth == 0 => return,
                TokenKind::Punctuation(b'(' | b'[' | b'{') | TokenKind::Template { first: true, last: false, .. } => {
                    depth += 1;
                }
                TokenKind::Punctuation(b')' | b']' | b'}') | TokenKind::Template { first: false, last: true, .. } => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        let first = self.at;
        if let Some(value) = self.literal(depth)
            && self.at_end_of_value()
        {
            return value;
        }
        // Not from here on: a literal that is the first part of an expression may have been left half-way.
        self.at = first;
        self.skip();
        Value { span: self.span_from(first), kind: ValueKind::Expression }
    }

    /// A literal, whatever comes behind it.
    fn literal(&mut self, depth: usize) -> Option<Value> {
        let first = self.at;
        let token = self.tokens.get(first)?;
        let text = self.text.get(token.range.clone())?;
        let kind = match &token.kind {
            TokenKind::String => ValueKind::String(cook(text.get(1..text.len() - 1)?, false)?.into_owned()),
            TokenKind::Template { content, first: true, last: true } => {
                ValueKind::String(cook(self.text.get(content.clone())?, true)?.into_owned())
            }
            TokenKind::Word => match text {
                "null" => ValueKind::Null,
                "true" => ValueKind::Bool(true),
                "false" => ValueKind::Bool(false),
                _ => return None,
            },
            TokenKind::Number => ValueKind::Number(number(text)?),
            TokenKind::Punctuation(b'-') => {
                self.at += 1;
                let digits = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Number)?;
                ValueKind::Number(-number(self.text.get(digits.range.clone())?)?)
            }
            TokenKind::Punctuation(b'[') if depth < MAX_DEPTH => return self.array(depth),
            TokenKind::Punctuation(b'{') if depth < MAX_DEPTH => return self.object(depth),
            _ => return None,
        };
        self.at += 1;
        Some(Value { span: self.span_from(first), kind })
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let first = self.at;
        self.at += 1;
        let mut items = Vec::new();
        while !self.take(b']') {
            // A hole (`[, 1]`) is no literal.
            if self.next_is(b',') {
                return None;
            }
            items.push(self.value(depth + 1));
            if !self.take(b',') && !self.next_is(b']') {
                return None;
            }
        }
        Some(Value { span: self.span_from(first), kind: ValueKind::Array(items) })
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let first = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        let mut open = false;
        while !self.take(b'}') {
            if let Some((key, key_span)) = self.key() {
                entries.push(Entry { key, key_span, value: self.value(depth + 1) });
            } else {
                open = true;
                self.skip();
            }
            if !self.take(b',') && !self.next_is(b'}') {
                return None;
            }
        }
        Some(Value { span: self.span_from(first), kind: ValueKind::Object { entries, open } })
    }

    /// A plain key with its colon.
    fn key(&mut self) -> Option<(String, Span)> {
        let colon = self.tokens.get(self.at + 1)?;
        if colon.kind != TokenKind::Punctuation(b':') {
            return None;
        }
        let token = self.tokens.get(self.at)?;
        let text = self.text.get(token.range.clone())?;
        let key = match token.kind {
            TokenKind::Word => text.to_owned(),
            TokenKind::String => cook(text.get(1..text.len() - 1)?, false)?.into_owned(),
            // Only where the key is surely spelt as its number is.
            TokenKind::Number if text == "0" || text.len() < 16 && is_plain_decimal(text) => text.to_owned(),
            _ => return None,
        };
        // Not a key: it sets the prototype.
        if key == "__proto__" {
            return None;
        }
        let span = self.span.part(token.range.clone());
        self.at += 2;
        Some((key, span))
    }
}

fn is_plain_decimal(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// The value of a numeric literal; `None` for one that is none, or a `BigInt`.
#[expect(clippy::cast_precision_loss, reason = "numbers of JavaScript are of double precision")]
fn number(text: &str) -> Option<f64> {
    let radix = match text.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => 10,
    };
    if text.contains('_') {
        return None;
    }
    if radix != 10 {
        // One beyond 2^53 would have to be rounded as the engine does it.
        return u64::from_str_radix(&text[2..], radix).ok().filter(|&whole| whole < 1 << 53).map(|whole| whole as f64);
    }
    // `010` is octal in some places and not allowed in others.
    if text.len() > 1 && text.starts_with('0') && text.as_bytes()[1].is_ascii_digit() {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;
    use crate::files::Sources;

    fn with<T>(text: &str, check: impl Fn(&Value, &dyn Fn(Span) -> String) -> T) -> T {
        let sources = Sources::default();
        let id = sources.add("a.sqlx", text);
        let value = parse(text, sources.get(id).whole());
        check(&value, &|span| sources.text(span).to_owned())
    }

    #[test]
    fn literals_have_their_value_and_place() {
        let text = "{ // it's }\n type: 'ta\\u0062le', \"a b\": [1, -2.5e1, 0x1F, `x`, null, true,], 3: {c: {}}, }";
        with(text, |value, source| {
            assert!(value.is_literal());
            let at = |path: &[Key<'_>]| value.get(path).unwrap();
            assert_eq!(at(&[Key::Name("type")]).kind, ValueKind::String("table".into()));
            assert_eq!(source(at(&[Key::Name("type")]).span), "'ta\\u0062le'");
            assert_eq!(source(value.entry("a b").unwrap().key_span), "\"a b\"");
            let item = |index| &at(&[Key::Name("a b"), Key::Index(index)]).kind;
            assert_eq!(*item(1), ValueKind::Number(-25.0));
            assert_eq!(*item(2), ValueKind::Number(31.0));
            assert_eq!(*item(3), ValueKind::String("x".into()));
            assert_eq!(*item(4), ValueKind::Null);
            assert_eq!(source(at(&[Key::Name("a b"), Key::Index(1)]).span), "-2.5e1");
            assert_eq!(value.get(&[Key::Name("a b"), Key::Index(6)]), None);
            assert_eq!(source(value.nearest(&[Key::Name("3"), Key::Name("c"), Key::Index(0)]).span), "{}");
            assert_eq!(source(value.span), text);
        });
    }

    #[test]
    fn what_must_be_evaluated_is_no_literal_but_its_neighbours_are() {
        for expression in
            ["f(1, {a: 2})", "[1].map(x => `${x}, ${1}`)", "'a' + 'b'", "1n", "010", "undefined", "a ? [1] : {}"]
        {
            with(&format!("{{ a: 1, b: {expression}, c: 2 }}"), |value, source| {
                assert!(!value.is_literal(), "{expression}");
                assert_eq!(source(value.entry("b").unwrap().value.span), expression);
                assert_eq!(value.entry("b").unwrap().value.kind, ValueKind::Expression);
                assert_eq!(value.entry("c").unwrap().value.kind, ValueKind::Number(2.0));
            });
        }
        for member in
            ["...f({a: 1})", "[b]: 1", "b", "b() { return {c: 1, d: 2} }", "get b() { return 1 }", "__proto__: {}"]
        {
            with(&format!("{{ a: 1, {member}, c: 2 }}"), |value, _| {
                assert!(
                    matches!(&value.kind, ValueKind::Object { entries, open: true } if entries.len() == 2),
                    "{member}"
                );
                assert!(!value.is_literal(), "{member}");
            });
        }
        for broken in [
            "{ a: 1 b: 2 }",
            "{ a: }",
            "{ a: 1 } }",
            "{ , }",
            "{ a: [1 2] }",
            "{ a: ) }",
            "{",
            "",
            "{a: [,]}",
            "{ `${)}` }",
        ] {
            with(broken, |value, _| assert!(!value.is_literal(), "{broken}"));
        }
        let deep = format!("{{a: {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        with(&deep, |value, _| assert!(!value.is_literal()));
    }
}
