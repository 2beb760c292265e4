//! Structs and arrays of them.

use sqlparser::ast::{DataType, DictionaryField, Expr, FunctionArguments, Ident, StructBracketKind};

use super::calls::field_name;
use super::casts::cast;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `STRUCT(…)`, with or without types.
pub(crate) fn translate(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::Struct { values, fields } = expr else { return None };
    let values = std::mem::take(values);
    if fields.is_empty() {
        let (made, kind) = named(values, &[], rewriter);
        *expr = made;
        return Some(kind);
    }
    let mut data_type = DataType::Struct(std::mem::take(fields), StructBracketKind::AngleBrackets);
    rewriter.data_type(&mut data_type, sqlparser::tokenizer::Span::empty());
    let kind = Type::of(&data_type);
    let names = names_of(&kind);
    let (made, _) = named(values, &names, rewriter);
    *expr = cast(made, data_type);
    Some(kind)
}

/// An array whose elements are to be of a type, if that is known. The type, or the first of them, names the fields of
/// all.
pub(crate) fn array_of(expr: &mut Expr, wanted: &Type, rewriter: &mut Rewriter) -> Type {
    let Expr::Array(array) = expr else { return Type::Unknown };
    array.named = false;
    let mut kind: Option<Type> = None;
    let mut names = names_of(wanted);
    for element in &mut array.elem {
        let values = match element {
            Expr::Tuple(values) => Some(values),
            Expr::Struct { values, fields } if fields.is_empty() && !names.is_empty() => Some(values),
            _ => None,
        };
        let of_element = match values {
            Some(values) => {
                let (made, kind) = named(std::mem::take(values), &names, rewriter);
                *element = made;
                kind
            }
            None => rewriter.expr(element),
        };
        if kind.is_none() {
            if names.is_empty() {
                names = names_of(&of_element);
            }
            // Whole numbers are 64 bits wide, whatever the literal.
            if of_element == Type::Int && matches!(element, Expr::Value(_) | Expr::UnaryOp { .. }) {
                *element = build("cast(x as bigint)", &[("x", element)]);
            }
        }
        kind = Some(match kind {
            None => of_element,
            Some(kind @ Type::Struct(_)) => kind,
            Some(kind) => kind.and(of_element),
        });
    }
    Type::Array(Box::new(kind.unwrap_or_default()))
}

fn names_of(kind: &Type) -> Vec<String> {
    match kind {
        Type::Struct(fields) => fields.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    }
}

/// A struct of these values. Its names are those given, else each value's own.
fn named(values: Vec<Expr>, names: &[String], rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut fields = Vec::new();
    let mut kinds = Vec::new();
    let nameless = rewriter.inserting
        && names.is_empty()
        && values.iter().all(|value| !matches!(value, Expr::Named { .. }) && field_name(value).is_none());
    for (place, value) in values.into_iter().enumerate() {
        let (mut value, own) = match value {
            Expr::Named { expr, name } => (*expr, Some(name.value)),
            value => {
                let own = field_name(&value).map(|name| name.value);
                (value, own)
            }
        };
        let kind = rewriter.expr(&mut value);
        if kind == Type::Int && matches!(value, Expr::Value(_) | Expr::UnaryOp { .. }) {
            value = build("cast(x as bigint)", &[("x", &value)]);
        }
        let name = names.get(place).cloned().or(own).unwrap_or_else(|| format!("_field_{}", place + 1));
        kinds.push((name.clone(), kind));
        fields.push(DictionaryField { key: Ident::with_quote('\'', name), value: Box::new(value) });
    }
    let kind = Type::Struct(kinds);
    if nameless {
        // Its fields go by their places into those of the column.
        let values: Vec<_> = fields.into_iter().map(|field| *field.value).collect();
        let mut row = build("row()", &[]);
        if let Expr::Function(function) = &mut row {
            function.args = FunctionArguments::List(super::list_of(values));
        }
        return (row, kind);
    }
    (Expr::Dictionary(fields), kind)
}
