//! PIVOT and UNPIVOT in FROM.

use sqlparser::ast::{Expr, PivotValueSource, Spanned, TableFactor, Value};

use crate::dialect::translate::rewrite::Rewriter;

fn aggregate_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Function(function) => Some(function.name.to_string().to_ascii_lowercase()),
        _ => None,
    }
}

/// Whether the piece of FROM was one of them.
pub(super) fn table(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    match table {
        TableFactor::Pivot { table, aggregate_functions, value_source, default_on_null: None, alias, .. } => {
            rewriter.scopes.open();
            rewriter.table(table);
            for aggregate in aggregate_functions {
                let place = aggregate.expr.span();
                let before = aggregate_name(&aggregate.expr);
                rewriter.expr(&mut aggregate.expr);
                if before.is_none() || aggregate_name(&aggregate.expr) != before {
                    rewriter.missing_because(place, "this aggregate in PIVOT", "cast its argument");
                }
            }
            match value_source {
                PivotValueSource::List(values) => {
                    for value in values {
                        let place = value.expr.span();
                        rewriter.expr(&mut value.expr);
                        if value.expr == Expr::value(Value::Null) {
                            rewriter.missing(place, "NULL in the list of PIVOT");
                        }
                    }
                }
                _ => rewriter.missing(table.span(), "PIVOT without a list of values"),
            }
            rewriter.scopes.close();
            rewriter.bring(alias.as_ref(), "", None);
            true
        }
        TableFactor::Unpivot { table, alias, .. } => {
            rewriter.scopes.open();
            rewriter.table(table);
            rewriter.scopes.close();
            rewriter.bring(alias.as_ref(), "", None);
            true
        }
        _ => false,
    }
}
