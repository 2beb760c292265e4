//! BigQuery's `GoogleSQL`.

use std::sync::LazyLock;

use sqlparser::ast::{DataType, Expr};

use crate::dialect::translate::functions::Functions;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::types::Type;

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

    fn data_type(&self, _data_type: &mut DataType) -> bool {
        true
    }

    fn expr(&self, _expr: &mut Expr, _rewriter: &mut Rewriter) -> Option<Type> {
        None
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        rewriter.operator(expr, left, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        Functions::read(include_str!("functions.txt")).expect("each line");
    }
}
