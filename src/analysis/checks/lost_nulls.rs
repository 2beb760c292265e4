//! Rows that a NULL takes away without a word: in NOT IN, and in `count(distinct …)` of texts that are put together.

use super::Subject;
use crate::analysis::bound::{Expr, ExprKind, Query};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::Nullability;

/// Looks where it is known that there can be a NULL.
pub(super) fn nullable_not_in(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_such = |expr: &Expr| match &expr.kind {
        ExprKind::InSubquery { query, is_negated: true, .. } => gives_null(query),
        _ => false,
    };
    let report = |expr: &Expr| {
        let message = "the subquery can give NULL, and then NOT IN is true for no row at all";
        let place = expr.query().map_or(expr.span, Query::span_of_columns);
        let help = "leave them out, `where … is not null`, or write `not exists (…)`";
        subject.place(Diagnostic::warning(Code::NullableNotIn, message), place).help(help)
    };
    exprs(subject, &is_such).into_iter().map(report).collect()
}

fn gives_null(query: &Query) -> bool {
    let query = query.without_brackets();
    let Some(select) = query.select().filter(|_| !query.columns.is_open) else { return false };
    let is_nullable = query.columns.known.first().is_some_and(|column| column.nullable == Nullability::Nullable);
    // An aggregate of no row at all is another matter.
    is_nullable && select.projection.first().is_some_and(|item| !item.expr.is_aggregated())
}

/// The same for values that count once.
pub(super) fn nullable_count(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_such = |expr: &Expr| {
        let Some(call) = expr.call_of("count").filter(|call| call.is_distinct) else { return false };
        let [one] = call.arguments.as_slice() else { return false };
        let is_joined = one.call().is_some_and(|call| {
            let columns = call.arguments.iter().filter(|part| part.any(&|part| part.column().is_some()));
            matches!(&*call.name, "||" | "concat") && columns.count() > 1
        });
        is_joined && one.nullable == Nullability::Nullable
    };
    let report = |expr: &Expr| {
        let message = "where one of these is NULL the whole is, and does not count";
        let place = expr.call().and_then(|call| call.arguments.first()).map_or(expr.span, |one| one.span);
        let help = "write `coalesce(…, '')` around each that can be NULL, or count the rows of `select distinct`";
        subject.place(Diagnostic::warning(Code::NullableCount, message), place).help(help)
    };
    exprs(subject, &is_such).into_iter().map(report).collect()
}

fn exprs<'a>(subject: &'a Subject<'_>, is_such: &dyn Fn(&Expr) -> bool) -> Vec<&'a Expr> {
    let mut found = Vec::new();
    for query in subject.bound.queries() {
        for expr in query.exprs() {
            expr.walk(&mut |part| {
                found.extend(is_such(part).then_some(part));
                true
            });
        }
    }
    found
}
