//! `array[OFFSET(n)]`, and the like for JSON.

use sqlparser::ast::{AccessExpr, Expr, Spanned, Subscript, Value};

use super::calls::whole;
use super::literals::text_of;
use crate::dialect::translate::functions::{bracketed, build};
use crate::dialect::translate::rewrite::{Rewriter, simple_name};
use crate::dialect::translate::types::Type;

/// `array[OFFSET(n)]`, `json['key']` and the like, not yet translated.
pub(crate) fn access(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let mut value = std::mem::replace(root.as_mut(), Expr::value(Value::Null));
    let chain = std::mem::take(access_chain);
    let place = value.span();
    let mut kind = rewriter.expr(&mut value);
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(field)) if kind == Type::Json => {
                let path = format!("$.\"{}\"", field.value);
                value =
                    build("json_extract(j, p)", &[("j", &value), ("p", &Expr::value(Value::SingleQuotedString(path)))]);
            }
            AccessExpr::Dot(Expr::Identifier(field)) => {
                kind = kind.field(&field.value);
                value = Expr::CompoundFieldAccess {
                    root: Box::new(bracketed_root(value)),
                    access_chain: vec![AccessExpr::Dot(Expr::Identifier(field))],
                };
            }
            AccessExpr::Subscript(Subscript::Index { index }) => {
                (value, kind) = subscript(value, &kind, index, rewriter);
            }
            _ => rewriter.missing(place, "subscript"),
        }
    }
    *expr = value;
    Some(kind)
}

fn bracketed_root(expr: Expr) -> Expr {
    match bracketed(expr) {
        nested @ (Expr::Nested(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => nested,
        other => Expr::Nested(Box::new(other)),
    }
}

fn subscript(value: Expr, kind: &Type, index: Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut index, first, safe) = match &index {
        Expr::Function(function) => {
            match (simple_name(&function.name).as_str(), super::plain_arguments(function).as_deref()) {
                ("offset", Some([index])) => (index.clone(), 0, false),
                ("safe_offset", Some([index])) => (index.clone(), 0, true),
                ("ordinal", Some([index])) => (index.clone(), 1, false),
                ("safe_ordinal", Some([index])) => (index.clone(), 1, true),
                _ => (index, 0, false),
            }
        }
        _ => (index, 0, false),
    };
    let index_kind = rewriter.expr(&mut index);
    if *kind == Type::Json || index_kind == Type::Text {
        let key = match (text_of(&index), whole(&index)) {
            (Some(key), _) => Expr::value(Value::SingleQuotedString(format!("$.\"{key}\""))),
            (None, Some(number)) => Expr::value(Value::SingleQuotedString(format!("$[{number}]"))),
            _ => index,
        };
        return (build("json_extract(j, p)", &[("j", &value), ("p", &key)]), Type::Json);
    }
    // Only a list can be flattened: a JSON value, which counts in another way, is refused and not misread.
    let list = if *kind == Type::Unknown { build("flatten([x])", &[("x", &value)]) } else { bracketed(value) };
    let place = match whole(&index) {
        Some(number) => build(&format!("{}", number.saturating_add(1 - first)), &[]),
        None if first == 1 => index.clone(),
        None => build("i + 1", &[("i", &index)]),
    };
    let item = Expr::CompoundFieldAccess {
        root: Box::new(list.clone()),
        access_chain: vec![AccessExpr::Subscript(Subscript::Index { index: place.clone() })],
    };
    let literal = whole(&index).is_some_and(|number| number >= first);
    // DuckDB has NULL for a place beyond the end, and counts back from it for one below zero.
    let always_there = matches!(&list, Expr::Function(call) if simple_name(&call.name) == "string_split")
        && whole(&index) == Some(first);
    let expr = match (safe, literal) {
        (true, true) => item,
        _ if always_there => item,
        (true, false) => build("case when p > 0 then v end", &[("p", &place), ("v", &item)]),
        (false, _) => build(
            "case when p < 1 or p > len(l) then error('array index out of bounds') else v end",
            &[("p", &place), ("l", &list), ("v", &item)],
        ),
    };
    (expr, kind.element())
}
