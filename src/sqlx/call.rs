use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;

use crate::sqlx::javascript::{Token, TokenKind, Tokens, cook};

/// An expression of nothing but strings and calls of functions by name: what can be told without JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimpleValue<'a> {
    /// A string.
    Text(SimpleText<'a>),
    /// A template: its texts and what stands in its placeholders, in order.
    Template(Vec<SimpleValue<'a>>),
    /// `name(…)`
    Call(SimpleCall<'a>),
}

/// A call of a function by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleCall<'a> {
    /// The function.
    pub name: &'a str,
    /// In order.
    pub arguments: Vec<SimpleValue<'a>>,
}

/// A string in a [`SimpleValue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleText<'a> {
    /// With escape sequences resolved.
    pub value: Cow<'a, str>,
    /// Its bytes in the expression, without the quotes.
    pub range: Range<usize>,
}

impl<'a> SimpleCall<'a> {
    /// The arguments, if all of them are strings.
    pub fn texts(&self) -> Option<Vec<&SimpleText<'a>>> {
        let texts = self.arguments.iter().map(|value| match value {
            SimpleValue::Text(text) => Some(text),
            SimpleValue::Template(_) | SimpleValue::Call(_) => None,
        });
        texts.collect()
    }
}

/// Calls and templates inside of each other; beyond that an expression is no longer simple.
const DEEPEST: usize = 16;

/// Reads `"a"`, `name("a", 'b')`, and `` name(other(), `… ${name("a")} …`) ``; `None` for any other expression, which may
/// still come to the same.
pub fn simple_value(expression: &str) -> Option<SimpleValue<'_>> {
    let mut reader = Reader { expression, tokens: Tokens::new(expression, 0).peekable() };
    let value = reader.value(0)?;
    reader.tokens.next().is_none().then_some(value)
}

struct Reader<'a> {
    expression: &'a str,
    tokens: Peekable<Tokens<'a>>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<SimpleValue<'a>> {
        let token = self.tokens.next()?;
        match token.kind {
            TokenKind::Word if depth < DEEPEST => self.call(&self.expression[token.range], depth),
            TokenKind::String => self.text(token.range.start + 1..token.range.end - 1, false),
            TokenKind::Template { content, first: true, last: true } => self.text(content, true),
            TokenKind::Template { content, first: true, last: false } if depth < DEEPEST => {
                self.template(content, depth)
            }
            _ => None,
        }
    }

    fn text(&self, range: Range<usize>, is_template: bool) -> Option<SimpleValue<'a>> {
        let value = cook(&self.expression[range.clone()], is_template)?;
        Some(SimpleValue::Text(SimpleText { value, range }))
    }

    fn call(&mut self, name: &'a str, depth: usize) -> Option<SimpleValue<'a>> {
        let is = |mark: u8| move |token: &Token| token.kind == TokenKind::Punctuation(mark);
        self.tokens.next_if(is(b'('))?;
        let mut arguments = Vec::new();
        while self.tokens.next_if(is(b')')).is_none() {
            arguments.push(self.value(depth + 1)?);
            if self.tokens.next_if(is(b',')).is_none() && !self.tokens.peek().is_some_and(is(b')')) {
                return None;
            }
        }
        Some(SimpleValue::Call(SimpleCall { name, arguments }))
    }

    fn template(&mut self, start: Range<usize>, depth: usize) -> Option<SimpleValue<'a>> {
        let mut parts = vec![self.text(start, true)?];
        loop {
            parts.push(self.value(depth + 1)?);
            let TokenKind::Template { content, first: false, last } = self.tokens.next()?.kind else { return None };
            parts.push(self.text(content, true)?);
            if last {
                return Some(SimpleValue::Template(parts));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was understood: what it stands for, and where.
    fn shown(value: &SimpleValue<'_>, expression: &str) -> String {
        let all = |values: &[SimpleValue<'_>], between: &str| {
            values.iter().map(|value| shown(value, expression)).collect::<Vec<_>>().join(between)
        };
        match value {
            SimpleValue::Text(text) => format!("{:?}={}", text.value, &expression[text.range.clone()]),
            SimpleValue::Template(parts) => format!("[{}]", all(parts, " ")),
            SimpleValue::Call(call) => format!("{}({})", call.name, all(&call.arguments, ", ")),
        }
    }

    #[test]
    fn strings_and_calls_with_such_are_simple() {
        let read = |text| simple_value(text).map(|value| shown(&value, text));
        assert_eq!(read(" self ( ) ").as_deref(), Some("self()"));
        assert_eq!(read(r#"ref("a",'\x62',)"#).as_deref(), Some(r#"ref("a"=a, "b"=\x62)"#));
        assert_eq!(read("\n  ref(`a`) // it's\n").as_deref(), Some(r#"ref("a"=a)"#));
        assert_eq!(read("'a'").as_deref(), Some(r#""a"=a"#));
        assert_eq!(
            read(r#"when(incremental(), `from ${ref("a")}\n${self()}`, "")"#).as_deref(),
            Some(r#"when(incremental(), ["from "=from  ref("a"=a) "\n"=\n self() ""=], ""=)"#)
        );
        for other in ["", "x", "x.ref('a')", "ref('a').b", "ref('a' 'b')", "ref(,)", "ref(a)", "ref('a'"] {
            assert_eq!(read(other), None, "{other}");
        }
        for other in ["ref('a' + 'b')", "ref('a'); 1", "ref('\\1')", "ref('a',,)", "new ref('a')", "ref('a')}"] {
            assert_eq!(read(other), None, "{other}");
        }
        for other in
            ["ref(`${a}`)", "`${f()", "`${f() + 1}`", "`a` `b`", "when(!incremental(), 'a')", "a()`b`", "a()()"]
        {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(read(&"f(".repeat(100_000)), None);
    }
}
