//! `count(distinct …)` of a text that is put together: where a part is NULL it does not count.

use super::Subject;
use crate::analysis::bound::{Expr, Query, Select};
use crate::analysis::nulls::Guards;
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::Nullability;

/// Looks where it is known that there can be a NULL. Rows, `count(distinct (a, b))`, count with a NULL in them, too.
pub(super) fn nullable_count(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let report = |expr: &Expr| {
        let message = "where one of these is NULL the whole is, and does not count";
        let place = expr.call().and_then(|call| call.arguments.first()).map_or(expr.span, |one| one.span);
        let help = "write `coalesce(…, '')` around each that can be NULL, or count the rows of `select distinct`";
        subject.place(Diagnostic::warning(Code::NullableCount, message), place).help(help)
    };
    // Most texts have none.
    if subject.survey.exprs_that(is_such).next().is_none() {
        return Vec::new();
    }
    let bound = subject.bound;
    let of_select = |(query, select): (&'_ Query, &'_ Select)| {
        let mut found = Vec::new();
        for expr in query.exprs() {
            expr.walk(&mut |part| {
                found.extend(is_such(part).then_some(part));
                true
            });
        }
        let guards = (!found.is_empty()).then(|| Guards::of(select, bound));
        found.retain(|expr| guards.as_ref().is_some_and(|guards| !guards.cover(expr)));
        found.into_iter().map(report).collect::<Vec<_>>()
    };
    subject.survey.selects().flat_map(of_select).collect()
}

fn is_such(expr: &Expr) -> bool {
    let Some(call) = expr.call_of("count").filter(|call| call.is_distinct) else { return false };
    let [one] = call.arguments.as_slice() else { return false };
    let is_put_together = one.call().is_some_and(|call| {
        let columns = call.arguments.iter().filter(|part| part.any(&|part| part.column().is_some()));
        matches!(&*call.name, "||" | "concat") && columns.count() > 1
    });
    is_put_together && one.nullable == Nullability::Nullable
}
