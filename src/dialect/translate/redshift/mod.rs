//! Amazon Redshift: PostgreSQL with functions, types and a way through JSON of its own.

mod blanks;
mod dates;
mod functions;
mod hierarchy;
mod json;
mod narrowing;
mod pivot;
mod quotient;
mod regexp;

use std::sync::LazyLock;

use sqlparser::ast::{DataType, Expr, Statement, TableFactor, VisitMut};

use crate::dialect::translate::functions::{Functions, build};
use crate::dialect::translate::postgres::{self, Numeric};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::types::Type;

pub(crate) use blanks::{compare as compare_blanks, in_list as in_list_of_blanks};
pub(crate) use dates::{convert as convert_timezone, day_of_week};
pub(crate) use functions::{decode, names_a_moment};

/// The rules of Redshift.
#[derive(Debug)]
pub(crate) struct Redshift;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    Functions::read(concat!(include_str!("functions.txt"), include_str!("../postgres/shared.txt")))
        .unwrap_or_else(|line| unreachable!("{line}"))
});

/// <https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>
const NUMERIC: Numeric = Numeric { precision: 18, scale: 0 };

impl Rules for Redshift {
    fn warehouse(&self) -> &'static str {
        "Redshift"
    }

    fn functions(&self) -> &'static Functions {
        &FUNCTIONS
    }

    fn column_name(&self, expr: &Expr) -> Option<String> {
        postgres::column_name(expr, renamed)
    }

    fn unnamed(&self, _number: usize) -> String {
        postgres::UNNAMED.to_owned()
    }

    fn data_type(&self, data_type: &mut DataType) -> bool {
        postgres::data_type(data_type, NUMERIC)
    }

    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
        json::unwrap_operands(expr, rewriter);
        blanks::in_list(expr);
        if let Some((done, kind)) = json::navigation(expr, rewriter) {
            *expr = done;
            return Some(kind);
        }
        let (done, kind) = match expr {
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("sysdate") => {
                (build("now() at time zone 'UTC'", &[]), Type::Timestamp)
            }
            // An exact count is an approximate one too.
            Expr::Prefixed { prefix, value } if prefix.value.eq_ignore_ascii_case("approximate") => {
                let kind = rewriter.expr(value);
                (value.as_ref().clone(), kind)
            }
            Expr::Extract { field, expr: operand, .. } => match dates::extract(&field.to_string(), operand, rewriter) {
                Some(done) => done,
                None => return postgres::shared(expr, rewriter),
            },
            Expr::Function(function) => match functions::call(function, rewriter) {
                Some(done) => done,
                None => return postgres::shared(expr, rewriter),
            },
            _ => return postgres::shared(expr, rewriter),
        };
        *expr = done;
        Some(kind)
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        blanks::compare(expr, left, right);
        quotient::factor(expr, left, right);
        if let Some(kind) = quotient::divide(expr, left, right, rewriter) {
            return kind;
        }
        postgres::binary(expr, left, right, rewriter)
    }

    fn number(&self, value: Expr, from: &Type, target: &DataType, cast: &dyn Fn(Expr) -> Expr) -> Expr {
        narrowing::number(value, from, target, cast)
    }

    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        json::unnest(table, rewriter) || pivot::table(table, rewriter)
    }

    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        let _ = statement.visit(&mut hierarchy::Hierarchies);
        postgres::prepare(statement, rewriter)
    }
}

/// The name of the column that a function gives, where it is another than the function's: the manual's examples show it.
pub(crate) fn renamed(function: &str) -> Option<&'static str> {
    Some(match function {
        "current_date" => "date",
        "date_part" => "pgdate_part",
        "dateadd" => "date_add",
        "datediff" => "date_diff",
        "decode" => "case",
        "extract" => "date_part",
        "log" => "dlog10",
        "nvl" => "coalesce",
        "sysdate" => "timestamp",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        let text = concat!(include_str!("functions.txt"), include_str!("../postgres/shared.txt"));
        Functions::read(text).expect("each line");
    }
}
