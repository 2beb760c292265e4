//! PostgreSQL, and what Redshift has from it.

mod aggregate;
mod cast;
mod dates;
mod expr;
mod format;
mod from;
mod names;
mod operator;
mod pattern;
mod statement;

use std::sync::LazyLock;

use sqlparser::ast::{DataType, Expr, Function, Statement, TableAlias, TableFactor};

use crate::dialect::translate::functions::Functions;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::types::Type;

pub(crate) use aggregate::{called, within_group};
pub(crate) use cast::{Numeric, constant, converted, data_type};
pub(crate) use dates::{Part, check_zone, length_argument, moment, part, part_argument};
pub(crate) use expr::{arguments, name_of, shared, text_of, whole};
pub(crate) use from::{alias_of, unnest};
pub(crate) use names::{UNNAMED, column_name, name_values};
pub(crate) use operator::{binary, is_nonzero};
pub(crate) use pattern::{check as check_pattern, options};
pub(crate) use statement::prepare;

/// The rules of PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgres;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    Functions::read(concat!(include_str!("functions.txt"), include_str!("shared.txt")))
        .unwrap_or_else(|line| unreachable!("{line}"))
});

/// As much of a number of any length as DuckDB holds.
const NUMERIC: Numeric = Numeric { precision: 38, scale: 15 };

impl Rules for Postgres {
    fn warehouse(&self) -> &'static str {
        "PostgreSQL"
    }

    fn functions(&self) -> &'static Functions {
        &FUNCTIONS
    }

    fn column_name(&self, expr: &Expr) -> Option<String> {
        column_name(expr, |_| None)
    }

    fn unnamed(&self, _number: usize) -> String {
        UNNAMED.to_owned()
    }

    fn name_values(&self, alias: &mut TableAlias, columns: usize) {
        names::name_values(alias, columns);
    }

    fn data_type(&self, data_type: &mut DataType) -> bool {
        cast::data_type(data_type, NUMERIC)
    }

    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
        if let Expr::Function(function) = expr
            && let Some((done, kind)) = call(function, rewriter)
        {
            *expr = done;
            return Some(kind);
        }
        if let Some((done, kind)) = from::element(expr, rewriter) {
            *expr = done;
            return Some(kind);
        }
        shared(expr, rewriter)
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        operator::binary(expr, left, right, rewriter)
    }

    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        from::function(table, rewriter)
    }

    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        prepare(statement, rewriter)
    }
}

/// What no table can say of PostgreSQL's own functions.
fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let arguments = arguments(function)?;
    match (name_of(function).as_str(), arguments.as_slice()) {
        ("regexp_replace", [text, pattern, with, flags @ ..]) if flags.len() < 2 => {
            Some(pattern::replace(text, pattern, with, flags.first(), rewriter))
        }
        ("round", [value, digits]) => expr::round(value, digits, rewriter),
        ("concat" | "concat_ws", _) => Some(expr::concat(function, &arguments, rewriter)),
        ("regexp_match", [text, pattern]) => Some(pattern::groups(text, pattern, rewriter)),
        ("regexp_split_to_array", [text, pattern]) => Some(pattern::split(text, pattern, rewriter)),
        ("date_trunc", [part, moment, zone]) => Some(dates::date_trunc_in(part, moment, zone, function, rewriter)),
        ("format", [format, values @ ..]) => expr::format(format, values, rewriter),
        ("generate_series", [_, _] | [_, _, _]) => Some(from::series_in_select(function, rewriter)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        let text = concat!(include_str!("functions.txt"), include_str!("shared.txt"));
        Functions::read(text).expect("each line");
    }
}
