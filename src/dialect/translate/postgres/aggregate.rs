//! Aggregates with WITHIN GROUP, and window functions that pass over NULL.

use sqlparser::ast::{
    DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, OrderByExpr, OrderBySort, Spanned, Value,
};

use super::cast::converted;
use super::expr::name_of;
use crate::dialect::translate::functions::{build, give};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `f(…) within group (order by …)`.
pub(crate) fn within_group(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut function = function.clone();
    let name = name_of(&function);
    let place = function.name.span();
    let mut order = std::mem::take(&mut function.within_group);
    let (arguments, mut modifiers) = rewriter.take_arguments(&name, &mut function);
    let mut keys: Vec<Type> = Vec::new();
    for item in &mut order {
        keys.push(rewriter.expr(&mut item.expr.clone()));
        rewriter.order_by_expr(item);
    }
    let keys_count = order.len();
    let (duckdb_name, arguments, ordered, kind) = match (name.as_str(), arguments.as_slice(), keys_count) {
        ("listagg" | "string_agg", [(value, kind), rest @ ..], _) if rest.len() < 2 => {
            let listed = value;
            let value = match kind {
                Type::Text => value.clone(),
                kind => converted(value.clone(), kind, &Type::Text, &DataType::Varchar(None), false),
            };
            // Where only what differs counts, DuckDB orders by what is listed.
            if modifiers.distinct.is_some() {
                for item in &mut order {
                    if item.expr == *listed {
                        item.expr = value.clone();
                    }
                }
            }
            let empty = Expr::value(Value::SingleQuotedString(String::new()));
            let separator = rest.first().map_or(empty, |(separator, _)| separator.clone());
            ("string_agg", vec![value, separator], order.clone(), Type::Text)
        }
        ("percentile_cont", [(fraction, _)], 1) => {
            let item = &order[0];
            let key = keys.first().cloned().unwrap_or_default();
            // Between two numbers of a few digits there are numbers of more digits.
            let value = match key {
                Type::Date | Type::Timestamp | Type::TimestampTz | Type::Interval | Type::Float => item.expr.clone(),
                _ => build("cast(x as double)", &[("x", &item.expr)]),
            };
            let kind = if matches!(key, Type::Unknown) || key.is_number() { Type::Float } else { key };
            ("quantile_cont", vec![value.clone(), fraction.clone()], descending(item, value), kind)
        }
        ("percentile_disc", [(fraction, _)], 1) => {
            let item = &order[0];
            let kind = keys.first().cloned().unwrap_or_default();
            let value = item.expr.clone();
            ("quantile_disc", vec![value.clone(), fraction.clone()], descending(item, value), kind)
        }
        ("mode", [], 1) => {
            let item = &order[0];
            let kind = keys.first().cloned().unwrap_or_default();
            ("mode", vec![item.expr.clone()], order.clone(), kind)
        }
        _ => {
            rewriter.missing(place, &format!("function `{name}` with WITHIN GROUP"));
            return (Expr::Function(function), Type::Unknown);
        }
    };
    if !ordered.is_empty() {
        modifiers.clauses.push(FunctionArgumentClause::OrderBy(ordered));
    }
    let mut call = called(duckdb_name, arguments);
    give(&mut call, &modifiers);
    (Expr::Function(call), kind)
}

/// The order of a quantile, if it is not the usual one.
fn descending(item: &OrderByExpr, value: Expr) -> Vec<OrderByExpr> {
    match item.options.sort {
        Some(OrderBySort::Desc) => vec![OrderByExpr { expr: value, ..item.clone() }],
        _ => Vec::new(),
    }
}

/// `lag(x) ignore nulls over (…)`: the words stand within the brackets in DuckDB.
pub(super) fn null_treatment(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut function = function.clone();
    let treatment = function.null_treatment.take()?;
    let FunctionArguments::List(list) = &mut function.args else { return None };
    list.clauses.push(FunctionArgumentClause::IgnoreOrRespectNulls(treatment));
    Some(rewriter.call(function))
}

/// A call by name.
pub(crate) fn called(name: &str, arguments: Vec<Expr>) -> Function {
    let args = arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))).collect();
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}
