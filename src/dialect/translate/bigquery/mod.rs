//! BigQuery's `GoogleSQL`.

mod aggregates;
mod calls;
mod casts;
mod dates;
mod format;
mod json;
mod literals;
mod operators;
mod parts;
mod pipes;
mod places;
mod script;
mod structs;
mod tables;
mod types;

use std::sync::LazyLock;

use sqlparser::ast::{
    CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, LambdaSyntax, OneOrManyWithParens, Query, Spanned, Statement, TableFactor, TableWithJoins,
};

use crate::dialect::translate::functions::Functions;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::types::Type;

pub(crate) use calls::{translated, trimmed};
pub(crate) use literals::{text_of, value as literal, with_zone};
pub(crate) use parts::{Part as DatePart, elements as date_elements};
pub(crate) use pipes::unfold;
pub(crate) use tables::conditions;

/// The rules of BigQuery.
#[derive(Debug)]
pub(crate) struct BigQuery;

static FUNCTIONS: LazyLock<Functions> =
    LazyLock::new(|| Functions::read(include_str!("functions.txt")).unwrap_or_else(|line| unreachable!("{line}")));

impl Rules for BigQuery {
    fn warehouse(&self) -> &'static str {
        "BigQuery"
    }

    fn functions(&self) -> &'static Functions {
        &FUNCTIONS
    }

    fn null_is_least(&self) -> bool {
        true
    }

    fn alias_before_column(&self) -> bool {
        true
    }

    fn unnamed(&self, number: usize) -> String {
        format!("f{number}_")
    }

    fn data_type(&self, data_type: &mut DataType) -> bool {
        types::translate(data_type)
    }

    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
        match expr {
            Expr::Value(_) => literals::value(expr, rewriter),
            Expr::TypedString(_) => literals::typed(expr, rewriter),
            Expr::Identifier(_) => script::variable(expr, rewriter),
            Expr::CompoundIdentifier(_) => operators::path(expr, rewriter),
            Expr::Cast { .. } => casts::translate(expr, rewriter),
            Expr::Extract { .. } => dates::extract(expr, rewriter),
            Expr::Function(function) => {
                let function = function.clone();
                let (translated, kind) = calls::call(&function, rewriter)?;
                *expr = translated;
                Some(kind)
            }
            Expr::Ceil { .. } => rounded("ceil", expr, rewriter),
            Expr::Floor { .. } => rounded("floor", expr, rewriter),
            Expr::Trim { .. } | Expr::Substring { .. } | Expr::Position { .. } => operators::text(expr, rewriter),
            Expr::Like { .. } => operators::like(expr, rewriter),
            Expr::Between { .. } => operators::between(expr, rewriter),
            Expr::InList { .. } => operators::in_list(expr, rewriter),
            Expr::InUnnest { .. } => operators::in_unnest(expr, rewriter),
            Expr::CompoundFieldAccess { .. } => places::access(expr, rewriter),
            Expr::Struct { .. } => structs::translate(expr, rewriter),
            Expr::Array(_) => Some(structs::array_of(expr, &Type::Unknown, rewriter)),
            Expr::Lambda(lambda) => {
                lambda.syntax = LambdaSyntax::LambdaKeyword;
                rewriter.scopes.open();
                let names = match &lambda.params {
                    OneOrManyWithParens::One(name) => std::slice::from_ref(name),
                    OneOrManyWithParens::Many(names) => names,
                };
                let names = names.iter().map(|name| (name.name.value.clone(), Type::Unknown)).collect();
                rewriter.scopes.add("", Some(names));
                let kind = rewriter.expr(&mut lambda.body);
                rewriter.scopes.close();
                Some(kind)
            }
            Expr::Subquery(query) => Some(rewriter.value_query(query)),
            _ => None,
        }
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        operators::binary(expr, left, right, rewriter)
    }

    fn query(&self, query: &mut Query, rewriter: &mut Rewriter) {
        pipes::unfold(query, rewriter);
    }

    /// A literal is 32 bits wide in DuckDB, and INT64 is 64.
    fn output(&self, expr: &mut Expr, kind: &Type) {
        if *kind == Type::Int && calls::whole(expr).is_some() {
            *expr = crate::dialect::translate::functions::build("cast(x as bigint)", &[("x", expr)]);
        }
    }

    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        tables::translate(table, rewriter)
    }

    fn from(&self, from: &mut Vec<TableWithJoins>, _rewriter: &mut Rewriter) {
        tables::conditions(from);
    }

    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        script::translate(statement, rewriter)
    }
}

/// The arguments of a call that says nothing beside them.
pub(crate) fn plain_arguments(function: &Function) -> Option<Vec<Expr>> {
    if function.over.is_some() || function.filter.is_some() {
        return None;
    }
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// The arguments of a call.
fn list_of(values: Vec<Expr>) -> FunctionArgumentList {
    FunctionArgumentList {
        duplicate_treatment: None,
        args: values.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect(),
        clauses: Vec::new(),
    }
}

/// CEIL and FLOOR, which the grammar knows by themselves.
fn rounded(name: &str, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let place = expr.span();
    let (Expr::Ceil { field, expr: operand } | Expr::Floor { field, expr: operand }) = expr else { return None };
    if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
        rewriter.missing(place, &format!("function `{name}` with a scale"));
    }
    let kind = rewriter.expr(operand);
    let text = if kind == Type::Decimal { format!("{name}(x)") } else { format!("{name}(cast(x as double))") };
    *expr = crate::dialect::translate::functions::build(&text, &[("x", operand)]);
    Some(if kind == Type::Decimal { kind } else { Type::Float })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        Functions::read(include_str!("functions.txt")).expect("each line");
    }
}
