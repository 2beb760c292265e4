//! Literals.

use sqlparser::ast::{DataType, Expr, TypedString, Value};
use sqlparser::tokenizer::Span;

use super::casts::convert;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// The text of a literal.
pub(crate) fn text_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        Expr::Nested(inner) => text_of(inner),
        _ => None,
    }
}

/// A literal in DuckDB's words.
pub(crate) fn value(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Value(literal) = expr else { return None };
    let place = literal.span;
    match &literal.value {
        Value::Number(digits, _) if digits.bytes().all(|digit| digit.is_ascii_digit()) => Some(Type::Int),
        Value::HexStringLiteral(hex) => {
            match i64::from_str_radix(hex, 16) {
                Ok(number) => literal.value = Value::Number(number.to_string(), false),
                Err(_) => rewriter.missing(place, "hexadecimal number of this size"),
            }
            Some(Type::Int)
        }
        Value::Number(digits, _) => {
            // With an exponent it is a double for DuckDB too, and no decimal.
            if !digits.contains(['e', 'E']) {
                literal.value = Value::Number(format!("{digits}e0"), false);
            }
            Some(Type::Float)
        }
        Value::Boolean(_) => Some(Type::Bool),
        Value::Null => Some(Type::Unknown),
        Value::Placeholder(name) => {
            let what = format!("query parameter `{name}`");
            rewriter.missing(place, &what);
            Some(Type::Unknown)
        }
        other => {
            let bytes = matches!(
                other,
                Value::SingleQuotedByteStringLiteral(_)
                    | Value::DoubleQuotedByteStringLiteral(_)
                    | Value::TripleSingleQuotedByteStringLiteral(_)
                    | Value::TripleDoubleQuotedByteStringLiteral(_)
            );
            let content = written(place, rewriter).or_else(|| other.clone().into_string().map(String::into_bytes))?;
            let source = rewriter.source(place);
            if bytes || source.is_some_and(is_bytes) {
                let hex = content.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
                *expr = build(&format!("unhex('{hex}')"), &[]);
                return Some(Type::Bytes);
            }
            let text = String::from_utf8_lossy(&content).into_owned();
            *expr = Expr::Value(Value::SingleQuotedString(text).with_span(place));
            Some(Type::Text)
        }
    }
}

/// `DATE '…'` and the like.
pub(crate) fn typed(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::TypedString(TypedString { data_type, value: literal, .. }) = expr else { return None };
    let place = literal.span;
    rewriter.data_type(data_type, place);
    let kind = Type::of(data_type);
    let data_type: DataType = data_type.clone();
    let mut text = Expr::Value(literal.clone());
    value(&mut text, rewriter);
    *expr = match kind {
        Type::Date | Type::TimestampTz => convert(text, &Type::Text, &kind, false),
        _ => super::casts::cast(text, data_type),
    };
    Some(kind)
}

/// A text for DuckDB's `timestamptz`: in UTC where it names no zone.
pub(crate) fn with_zone(text: &str) -> String {
    let text = text.trim();
    match text.find(':') {
        None if text.contains(['+']) || text.ends_with(['Z', 'z']) => text.to_owned(),
        None => format!("{text} 00:00:00+00"),
        Some(colon) => {
            let after = text.get(colon..).unwrap_or_default();
            if after.contains(['+', '-', '/']) || after.chars().any(char::is_alphabetic) {
                text.to_owned()
            } else {
                format!("{text}+00")
            }
        }
    }
}

fn is_bytes(source: &str) -> bool {
    let prefix: String = source.chars().take_while(char::is_ascii_alphabetic).collect();
    matches!(prefix.to_ascii_lowercase().as_str(), "b" | "rb" | "br")
}

/// What a string literal stands for, read from the source itself: the tree does not keep every escape.
fn written(place: Span, rewriter: &Rewriter) -> Option<Vec<u8>> {
    let source = rewriter.source(place)?;
    let prefix: String = source.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    if !matches!(prefix.as_str(), "" | "r" | "b" | "rb" | "br") {
        return None;
    }
    let quoted = source.get(prefix.len()..)?;
    let content =
        ["'''", "\"\"\"", "'", "\""].into_iter().find_map(|quote| quoted.strip_prefix(quote)?.strip_suffix(quote))?;
    if prefix.contains('r') {
        return Some(content.as_bytes().to_vec());
    }
    unescaped(content, prefix.contains('b'))
}

fn unescaped(content: &str, bytes: bool) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = content;
    while let Some(place) = rest.find('\\') {
        found.extend(rest.as_bytes().get(..place)?);
        let escape = rest.get(place + 1..)?;
        let kind = escape.chars().next()?;
        let (letter, digits, radix) = match kind {
            'a' => ('\x07', 0, 0),
            'b' => ('\x08', 0, 0),
            'f' => ('\x0c', 0, 0),
            'n' => ('\n', 0, 0),
            'r' => ('\r', 0, 0),
            't' => ('\t', 0, 0),
            'v' => ('\x0b', 0, 0),
            '\\' | '?' | '"' | '\'' | '`' | '\n' => (kind, 0, 0),
            'x' | 'X' => (kind, 2, 16),
            'u' => (kind, 4, 16),
            'U' => (kind, 8, 16),
            '0'..='7' => (kind, 3, 8),
            _ => return None,
        };
        let start = if radix == 8 { 0 } else { kind.len_utf8() };
        if digits == 0 {
            found.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            let code = u32::from_str_radix(escape.get(start..start + digits)?, radix).ok()?;
            match u8::try_from(code) {
                Ok(byte) if bytes => found.push(byte),
                _ => found.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        rest = escape.get(start + digits..)?;
    }
    found.extend(rest.as_bytes());
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let read = |content| unescaped(content, false).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(read(r"a\nb\\\x41\u00e4\101\'").as_deref(), Some("a\nb\\AäA'"));
        assert_eq!(unescaped(r"\xff", true), Some(vec![255]));
        assert_eq!(read(r"\x4"), None);
    }

    #[test]
    fn zones() {
        assert_eq!(with_zone("2024-01-05"), "2024-01-05 00:00:00+00");
        assert_eq!(with_zone("2024-01-05 10:00:00"), "2024-01-05 10:00:00+00");
        assert_eq!(with_zone("2024-01-05T10:00:00Z"), "2024-01-05T10:00:00Z");
        assert_eq!(with_zone("2024-01-05 10:00:00 Europe/Berlin"), "2024-01-05 10:00:00 Europe/Berlin");
    }
}
