//! NOT IN with a subquery that gives a NULL: it is then true for no row.

use super::Subject;
use crate::analysis::bound::{Expr, ExprKind, Query};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::Nullability;

/// Looks where it is known that there can be a NULL.
pub(super) fn nullable_not_in(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let report = |expr: &Expr| {
        let message = "the subquery can give NULL, and then NOT IN is true for no row at all";
        let place = expr.query().map_or(expr.span, Query::span_of_columns);
        let help = "leave them out, `where … is not null`, or write `not exists (…)`";
        subject.place(Diagnostic::warning(Code::NullableNotIn, message), place).help(help)
    };
    subject.survey.exprs_that(is_such).map(report).collect()
}

fn is_such(expr: &Expr) -> bool {
    let ExprKind::InSubquery { query, is_negated: true, .. } = &expr.kind else { return false };
    let query = query.without_brackets();
    let Some(select) = query.select().filter(|_| !query.columns.is_open) else { return false };
    let is_nullable = query.columns.known.first().is_some_and(|column| column.nullable == Nullability::Nullable);
    // That an aggregate of no row at all is NULL is another matter.
    is_nullable && select.projection.first().is_some_and(|item| !item.expr.is_aggregated())
}
