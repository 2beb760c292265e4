//! Items of a select list that become many columns: `columns('…')`, and `unnest` of a struct.

use std::sync::Arc;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Value};
use sqlparser::tokenizer::Span;

use super::Binder;
use crate::analysis::bound::{Columns, Expr, ExprKind, Item, join};
use crate::relation::{DataType, Field};

/// How many columns an item becomes.
enum Spread {
    /// One.
    None,
    /// One for each of these, with its path in the value.
    Fields(Vec<(String, Field)>),
    /// One or more.
    Unknown,
}

impl Binder<'_> {
    /// Adds an item of a select list, which has that name if it is one column. `alias` is where it is given it.
    pub(super) fn add_items(
        &mut self,
        written: &ast::Expr,
        bound: Expr,
        name: Option<Arc<str>>,
        alias: Option<Span>,
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        match self.spread(written, &bound) {
            Spread::None => self.add_item(bound, name, alias, projection, columns),
            Spread::Unknown => {
                columns.is_open = true;
                self.bound.is_partial = true;
                // Without an alias it has the name of what it becomes.
                let name = name.filter(|_| alias.is_some() && !chooses_columns(&bound));
                self.add_item(bound, name, alias, projection, columns);
            }
            Spread::Fields(fields) => {
                let origins: Vec<_> = fields.iter().map(|(path, _)| self.origins_of(&bound, path)).collect();
                // What is read stands in the first one.
                let (span, mut parts) = (bound.span, vec![bound]);
                for ((_, Field { name, data_type }), origins) in fields.into_iter().zip(origins) {
                    let expr = Expr { data_type, ..Expr::other(std::mem::take(&mut parts), span) };
                    self.add_item_from(expr, origins, name.map(Into::into), None, projection, columns);
                    if let Some(item) = projection.last_mut() {
                        item.from_star = true;
                    }
                }
            }
        }
    }

    fn spread(&self, written: &ast::Expr, bound: &Expr) -> Spread {
        if !self.semantics.spreads_items() {
            return Spread::None;
        }
        if chooses_columns(bound) {
            return Spread::Unknown;
        }
        let (ast::Expr::Function(function), Some(call)) = (without_brackets(written), bound.call()) else {
            return Spread::None;
        };
        let ("unnest" | "unlist", Some(value)) = (call.name.as_str(), call.arguments.first()) else {
            return Spread::None;
        };
        match depth(function) {
            Some(depth) => unnested(&value.data_type, depth),
            None => Spread::Unknown,
        }
    }

    /// What chooses columns by their names reads nobody knows which.
    pub(super) fn choice(&mut self, call: Expr) -> Expr {
        self.bound.is_partial = true;
        let span = call.span;
        Expr::other(vec![call, Expr::unknown(span)], span)
    }
}

/// The function that chooses columns by their names: `columns('amount_.*')`.
pub(super) const CHOICE: &str = "columns";

fn chooses_columns(expr: &Expr) -> bool {
    expr.any(&|part| matches!(&part.kind, ExprKind::Call(call) if call.name == CHOICE))
}

fn without_brackets(expr: &ast::Expr) -> &ast::Expr {
    match expr {
        ast::Expr::Nested(inner) => without_brackets(inner),
        expr => expr,
    }
}

/// How far `unnest` goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// A list or a struct.
    One,
    /// All lists around a struct, and all structs in that.
    All,
}

fn depth(unnest: &ast::Function) -> Option<Depth> {
    let FunctionArguments::List(list) = &unnest.args else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(_)] => Some(Depth::One),
        [
            FunctionArg::Unnamed(_),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(ast::Expr::Value(value)), .. },
        ] if name.value.eq_ignore_ascii_case("recursive") => match value.value {
            Value::Boolean(true) => Some(Depth::All),
            Value::Boolean(false) => Some(Depth::One),
            _ => None,
        },
        _ => None,
    }
}

fn unnested(data_type: &DataType, depth: Depth) -> Spread {
    match (data_type, depth) {
        (DataType::Array(element), Depth::All) => unnested(element, depth),
        (DataType::Struct(fields), _) => {
            let mut found = Vec::new();
            for field in fields {
                add_fields(field, "", depth, &mut found);
            }
            // What has no known type may be another struct.
            let is_known = |(_, field): &(String, Field)| {
                field.name.is_some() && (depth == Depth::One || !field.data_type.is_vague())
            };
            if found.iter().all(is_known) { Spread::Fields(found) } else { Spread::Unknown }
        }
        (DataType::Unknown, _) => Spread::Unknown,
        _ => Spread::None,
    }
}

fn add_fields(field: &Field, path: &str, depth: Depth, found: &mut Vec<(String, Field)>) {
    let path = join(path, field.name.as_deref().unwrap_or_default());
    match &field.data_type {
        DataType::Struct(fields) if depth == Depth::All => {
            for field in fields {
                add_fields(field, &path, depth, found);
            }
        }
        _ => found.push((path, field.clone())),
    }
}
