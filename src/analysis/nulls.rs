//! Which columns are not NULL in the rows that a condition leaves.

use super::bound::{Columns, Expr, ExprKind, Grouping, JoinKind, Select};
use crate::relation::Nullability;

/// A column that is not NULL where a condition is true.
pub(super) struct Rejection<'a> {
    /// The column.
    pub(super) column: &'a Expr,
    /// Whether the condition says just that: IS NOT NULL.
    pub(super) is_plain: bool,
}

/// The columns that are not NULL where a condition is true.
pub(super) fn rejections(condition: &Expr) -> Vec<Rejection<'_>> {
    let mut found = Vec::new();
    reject(condition, &mut found);
    found
}

fn reject<'a>(condition: &'a Expr, found: &mut Vec<Rejection<'a>>) {
    let strict: &[Expr] = match &condition.kind {
        ExprKind::Column { .. } => std::slice::from_ref(condition),
        ExprKind::InSubquery { value, is_negated: false, .. } => std::slice::from_ref(value),
        ExprKind::Call(call) => match call.name.as_str() {
            "and" => return call.arguments.iter().for_each(|part| reject(part, found)),
            "=" | "<>" | "<" | "<=" | ">" | ">=" | "between" | "like" | "not like" | "ilike" | "not ilike" => {
                &call.arguments
            }
            // The others decide only if they are reached.
            "in" | "not in" | "not between" | "is not null" => call.arguments.get(..1).unwrap_or_default(),
            "not" if call.arguments.iter().all(|part| part.column().is_some()) => &call.arguments,
            _ => &[],
        },
        _ => &[],
    };
    let is_plain = condition.call_of("is not null").is_some();
    let mut columns = Vec::new();
    for part in strict {
        strict_columns(part, &mut columns);
    }
    found.extend(columns.into_iter().map(|column| Rejection { column, is_plain }));
}

/// The columns that make a value NULL if they are.
fn strict_columns<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Column { .. } => found.push(expr),
        ExprKind::Cast { value: one, .. } | ExprKind::Field { of: one, .. } => strict_columns(one, found),
        ExprKind::Call(call) => match call.name.as_str() {
            "+" | "-" | "*" | "/" | "%" | "lower" | "upper" | "trim" | "abs" | "date" | "date_trunc" | "extract" => {
                call.arguments.iter().for_each(|part| strict_columns(part, found));
            }
            _ => {}
        },
        _ => {}
    }
}

/// Corrects what is known of the columns of a SELECT by what its conditions and its groups say.
pub(super) fn settle(select: &Select, columns: &mut Columns) {
    if matches!(select.grouping, Grouping::By { has_sets: true, .. }) {
        return;
    }
    let is_inner = |kind| matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left | JoinKind::Semi);
    let keeps_partners = select.joins.iter().all(|join| is_inner(join.kind));
    let joined = select.joins.iter().filter(|join| keeps_partners && join.kind == JoinKind::Inner);
    let conditions = joined.filter_map(|join| join.condition.as_ref()).chain(&select.filter);
    let rejected: Vec<_> = conditions.flat_map(rejections).collect();
    // A group has a row, so an aggregate is NULL only where its argument is.
    let has_groups = matches!(select.grouping, Grouping::All) || !select.grouping.keys().is_empty();
    for (column, item) in columns.known.iter_mut().zip(&select.projection) {
        if rejected.iter().any(|rejection| rejection.column.is_same(&item.expr)) {
            column.nullable = Nullability::NotNull;
        } else if has_groups && item.expr.is_aggregated() {
            column.nullable = column.nullable.min(Nullability::Unknown);
        }
    }
}
