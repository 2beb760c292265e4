//! Which columns are not NULL in the rows that a condition leaves.

use std::collections::BTreeSet;

use super::bound::{Bound, Call, Columns, Expr, ExprKind, Grouping, JoinKind, Query, Select, SourceId, SourceKind};
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
pub(super) fn settle(select: &Select, columns: &mut Columns, bound: &Bound) {
    let has_sets = matches!(select.grouping, Grouping::By { has_sets: true, .. });
    let is_inner = |kind| matches!(kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left | JoinKind::Semi);
    let keeps_partners = select.joins.iter().all(|join| is_inner(join.kind));
    let joined = select.joins.iter().filter(|join| keeps_partners && join.kind == JoinKind::Inner);
    let conditions = joined.filter_map(|join| join.condition.as_ref()).chain(&select.filter);
    let rejected: Vec<_> = conditions.filter(|_| !has_sets).flat_map(rejections).collect();
    // A group has a row, so an aggregate is NULL only where its argument is.
    let has_groups = matches!(select.grouping, Grouping::All) || !select.grouping.keys().is_empty();
    let is_nullable = columns.known.iter().any(|column| column.nullable == Nullability::Nullable);
    let guards = is_nullable.then(|| Guards::of(select, bound));
    for (place, (column, item)) in columns.known.iter_mut().zip(&select.projection).enumerate() {
        if rejected.iter().any(|rejection| rejection.column.is_same(&item.expr)) {
            column.nullable = Nullability::NotNull;
        } else if column.nullable == Nullability::Nullable {
            let is_group = has_groups && !has_sets && item.expr.is_aggregated();
            let is_guarded = |guards: &Guards<'_>| guards.places.contains(&place) || guards.cover(&item.expr);
            if is_group || guards.as_ref().is_some_and(is_guarded) {
                column.nullable = Nullability::Unknown;
            }
        }
    }
}

/// What the conditions of a SELECT look at. Whether a value that is made of it is still NULL in the rows that are left is for
/// these to say, and what they come to is not known.
pub(super) struct Guards<'a> {
    select: &'a Select,
    columns: Vec<&'a Expr>,
    /// Of the select list.
    places: BTreeSet<usize>,
    /// Whose rows are all there, or all NULL, as far as is known: one column that is looked at speaks for the others.
    sources: BTreeSet<SourceId>,
    /// Whether there are names in the conditions that are bound to nothing.
    is_open: bool,
}

impl<'a> Guards<'a> {
    pub(super) fn of(select: &'a Select, bound: &'a Bound) -> Self {
        let (columns, places, sources) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut guards = Self { select, columns, places, sources, is_open: false };
        for join in &select.joins {
            match (join.kind, &bound.source(join.source).kind) {
                (JoinKind::Left | JoinKind::Right | JoinKind::Full, _) => {}
                // Where there is no array there is no row.
                (_, SourceKind::Values(arrays)) => arrays.iter().for_each(|array| guards.look_at(array)),
                _ => join.condition.iter().for_each(|condition| guards.look_at(condition)),
            }
        }
        for condition in [&select.filter, &select.having, &select.qualify].into_iter().flatten() {
            guards.look_at(condition);
        }
        guards
    }

    fn look_at(&mut self, condition: &'a Expr) {
        condition.walk(&mut |part| {
            // The rows of a NULL are a partition like others.
            if let Some(Call { window: Some(window), arguments, clauses, .. }) = part.call() {
                arguments.iter().chain(clauses).chain(&window.order_by).for_each(|expr| self.look_at(expr));
                return false;
            }
            match &part.kind {
                ExprKind::Column { source, .. } => {
                    self.columns.push(part);
                    if part.nullable == Nullability::Nullable {
                        self.sources.insert(*source);
                    }
                }
                ExprKind::Row(source) => {
                    self.sources.insert(*source);
                }
                ExprKind::Alias(place) => {
                    // A name of the list may stand for what only the conditions look at.
                    if self.places.insert(*place)
                        && let Some(item) = self.select.projection.get(*place)
                    {
                        self.look_at(&item.expr);
                    }
                }
                ExprKind::Unbound => self.is_open = true,
                ExprKind::Other(parts) => self.is_open |= parts.is_empty(),
                _ => {}
            }
            let exprs = part.query().into_iter().flat_map(Query::all_exprs);
            exprs.for_each(|expr| self.look_at(expr));
            true
        });
    }

    /// Whether a value of the SELECT is made of something that its conditions look at; or, in a full join, of both sides, of
    /// which one is there.
    pub(super) fn cover(&self, value: &Expr) -> bool {
        let is_looked_at = |part: &Expr| match &part.kind {
            ExprKind::Column { source, .. } => {
                self.sources.contains(source) || self.columns.iter().any(|column| column.is_same(part))
            }
            ExprKind::Row(source) => self.sources.contains(source),
            ExprKind::Alias(place) => self.places.contains(place),
            _ => false,
        };
        if self.is_open || value.any(&is_looked_at) {
            return true;
        }
        let mut sources = BTreeSet::new();
        value.walk(&mut |part| {
            sources.extend(part.column().map(|(source, _)| source));
            true
        });
        sources.len() > 1 && self.select.joins.iter().any(|join| join.kind == JoinKind::Full)
    }
}
