use std::borrow::Cow;
use std::ops::Range;

use crate::sqlx::javascript::{TokenKind, Tokens, cook};

/// A call of a function by name with nothing but strings: what can be told without JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleCall<'a> {
    /// The function.
    pub name: &'a str,
    /// In order.
    pub arguments: Vec<Argument<'a>>,
}

/// A string in a [`SimpleCall`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument<'a> {
    /// With escape sequences resolved.
    pub value: Cow<'a, str>,
    /// Its bytes in the expression, without the quotes.
    pub range: Range<usize>,
}

/// Reads `name("a", 'b')`; `None` for any other expression, which may still come to the same.
pub fn simple_call(expression: &str) -> Option<SimpleCall<'_>> {
    let mut tokens = Tokens::new(expression, 0).peekable();
    let name = tokens.next_if(|token| token.kind == TokenKind::Word)?;
    tokens.next_if(|token| token.kind == TokenKind::Punctuation(b'('))?;
    let mut arguments = Vec::new();
    let close = |kind: &TokenKind| *kind == TokenKind::Punctuation(b')');
    while !close(&tokens.peek()?.kind) {
        let token = tokens.next()?;
        let (range, template) = match token.kind {
            TokenKind::String => (token.range.start + 1..token.range.end - 1, false),
            TokenKind::Template { content, first: true, last: true } => (content, true),
            _ => return None,
        };
        arguments.push(Argument { value: cook(&expression[range.clone()], template)?, range });
        let comma = tokens.next_if(|token| token.kind == TokenKind::Punctuation(b','));
        if comma.is_none() && !close(&tokens.peek()?.kind) {
            return None;
        }
    }
    tokens.next();
    tokens.next().is_none().then(|| SimpleCall { name: &expression[name.range], arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_strings_only_is_simple() {
        let arguments = |text| {
            simple_call(text).map(|call| {
                let all =
                    call.arguments.iter().map(|argument| (argument.value.to_string(), &text[argument.range.clone()]));
                (call.name, all.collect::<Vec<_>>())
            })
        };
        assert_eq!(arguments(" self ( ) "), Some(("self", vec![])));
        assert_eq!(arguments(r#"ref("a",'\x62',)"#), Some(("ref", vec![("a".into(), "a"), ("b".into(), r"\x62")])));
        assert_eq!(arguments("\n  ref(`a`) // it's\n"), Some(("ref", vec![("a".into(), "a")])));
        for other in ["", "x", "x.ref('a')", "ref('a').b", "ref('a' 'b')", "ref(,)", "ref(a)", "ref('a'", "ref(`${a}`)"]
        {
            assert_eq!(simple_call(other), None, "{other}");
        }
        for other in ["ref('a' + 'b')", "ref('a'); 1", "ref('\\1')", "ref('a',,)", "new ref('a')", "ref('a')}"] {
            assert_eq!(simple_call(other), None, "{other}");
        }
    }
}
