//! `FORMAT`.

use sqlparser::ast::{BinaryOperator, Expr, Function, Spanned, Value};

use super::calls::{joined, translated};
use super::casts::convert;
use super::literals::text_of;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `FORMAT('…%d…', …)`: one piece for each element.
pub(crate) fn format(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    let arguments = translated(function, rewriter)?;
    let Some(text) = arguments.first().and_then(|(format, _)| text_of(format)) else {
        rewriter.missing(place, "function `format` with a format that is no literal");
        return Some((Expr::Function(function.clone()), Type::Text));
    };
    let mut values = arguments.into_iter().skip(1);
    let mut pieces: Vec<Expr> = Vec::new();
    let mut plain = String::new();
    let literal = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            plain.push(letter);
            continue;
        }
        let mut element = String::from("%");
        let conversion = loop {
            match letters.next() {
                Some(letter) if letter.is_ascii_digit() || ".-+ #0'".contains(letter) => element.push(letter),
                other => break other,
            }
        };
        if conversion == Some('%') {
            plain.push('%');
            continue;
        }
        let grouped = element.contains('\'');
        let Some((value, kind)) = values.next() else {
            rewriter.problem(place, "`format` has fewer arguments than its format has elements".to_owned(), None);
            break;
        };
        if !plain.is_empty() {
            pieces.push(literal(&std::mem::take(&mut plain)));
        }
        let x = [("x", &value)];
        let piece = match conversion {
            Some('d' | 'i') if grouped && element == "%'" => build("format('{:,}', cast(x as bigint))", &x),
            Some('f') if grouped => {
                let digits = element.split_once('.').map_or("6", |(_, digits)| digits);
                let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
                build(&format!("format('{{:,.{digits}f}}', cast(x as double))"), &x)
            }
            Some('d' | 'i') if !grouped => build(&format!("printf('{element}d', cast(x as bigint))"), &x),
            Some(letter @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G')) if !grouped => {
                build(&format!("printf('{element}{letter}', cast(x as double))"), &x)
            }
            Some(letter @ ('x' | 'X' | 'o')) if !grouped => {
                build(&format!("printf('{element}{letter}', cast(x as bigint))"), &x)
            }
            Some('s') if element == "%" => convert(value.clone(), &kind, &Type::Text, false),
            Some('s') if !grouped => build(&format!("printf('{element}s', x)"), &x),
            Some('t')
                if element == "%"
                    && matches!(
                        kind,
                        Type::Int | Type::Text | Type::Bool | Type::Date | Type::Timestamp | Type::TimestampTz
                    ) =>
            {
                let text = convert(value.clone(), &kind, &Type::Text, false);
                build("coalesce(t, 'NULL')", &[("t", &text)])
            }
            Some('T') if element == "%" && matches!(kind, Type::Int | Type::Bool) => {
                build("coalesce(cast(x as varchar), 'NULL')", &x)
            }
            other => {
                let letter = other.map(String::from).unwrap_or_default();
                rewriter.missing(place, &format!("format element `{element}{letter}` of `format`"));
                continue;
            }
        };
        pieces.push(piece);
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(literal(&plain));
    }
    Some((joined(pieces, &BinaryOperator::StringConcat)?, Type::Text))
}
