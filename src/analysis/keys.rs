//! Which columns tell the rows of a query apart.

use crate::analysis::bound::{
    Bound, Call, Columns, Distinct, Expr, ExprKind, Grouping, Item, Join, JoinKind, Key, Select, SourceId,
};
use crate::dialect::semantics::FunctionKind;

/// The keys of what a SELECT gives.
pub(super) fn of_select(select: &Select, columns: &Columns, bound: &Bound) -> Vec<Key> {
    if columns.is_open {
        return Vec::new();
    }
    let mut keys = Vec::new();
    let is_aggregated = select.projection.iter().any(|item| item.expr.is_aggregated());
    match &select.grouping {
        Grouping::None if is_aggregated => keys.push(Vec::new()),
        // Each row comes as often as there are elements.
        Grouping::None if select.projection.iter().any(|item| item.expr.any(&gives_rows)) => {}
        Grouping::None => keys.extend(of_rows(select, bound)),
        Grouping::All => {
            let plain = |(place, item): (usize, &Item)| (!item.expr.is_aggregated()).then_some(place);
            keys.push(select.projection.iter().enumerate().filter_map(plain).collect());
        }
        Grouping::By { has_sets: true, .. } => {}
        Grouping::By { keys: groups, has_sets: false } => keys.extend(places_of(groups, select)),
    }
    match &select.distinct {
        Distinct::All => {}
        Distinct::Rows => keys.push((0..select.projection.len()).collect()),
        Distinct::On(exprs) => keys.extend(places_of(exprs, select)),
    }
    keys.extend(
        select
            .qualify
            .as_ref()
            .and_then(numbered_rows)
            .and_then(|call| places_of(&call.window.as_ref()?.partition_by, select)),
    );
    keys.sort();
    keys.dedup();
    keys
}

fn gives_rows(part: &Expr) -> bool {
    part.call().is_some_and(|call| call.kind == FunctionKind::Table)
}

/// The keys of its sources that are still keys of all rows together, by the places of the select list.
fn of_rows(select: &Select, bound: &Bound) -> Vec<Key> {
    select
        .sources
        .iter()
        .filter(|source| keeps_rows_single(**source, select, bound))
        .flat_map(|source| bound.source(*source).keys.iter().map(move |key| (*source, key)))
        .filter_map(|(source, key)| key.iter().map(|place| place_of(source, *place, select)).collect())
        .collect()
}

/// Whether every row of a source comes at most once: each other source is joined so that it gives one row at most.
fn keeps_rows_single(source: SourceId, select: &Select, bound: &Bound) -> bool {
    // What a source of which the rows are single determines is single, too.
    let mut single = vec![source];
    let mut grew = true;
    while grew {
        grew = false;
        for other in &select.sources {
            if !single.contains(other) && is_single(*other, &single, select, bound) {
                single.push(*other);
                grew = true;
            }
        }
    }
    single.len() == select.sources.len()
}

/// Whether a row of these finds one partner at most in another source.
fn is_single(other: SourceId, of: &[SourceId], select: &Select, bound: &Bound) -> bool {
    let keys = &bound.source(other).keys;
    if keys.iter().any(Vec::is_empty) {
        return true;
    }
    let join = select.joins.iter().find(|join| join.source == other);
    let mut equal = Vec::new();
    let only_inner = select
        .joins
        .iter()
        .all(|join| matches!(join.kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left | JoinKind::Semi));
    if !only_inner {
        return false;
    }
    let conditions =
        select.joins.iter().filter(|join| is_usable(join, other)).filter_map(|join| join.condition.as_ref());
    for condition in conditions {
        equal_columns(condition, other, of, &mut equal);
    }
    if join.is_none_or(|join| matches!(join.kind, JoinKind::Inner | JoinKind::Cross))
        && let Some(filter) = &select.filter
    {
        equal_columns(filter, other, of, &mut equal);
    }
    keys.iter().any(|key| key.iter().all(|place| equal.contains(place)))
}

/// The condition of an outer join says something of its own source alone.
fn is_usable(join: &Join, other: SourceId) -> bool {
    match join.kind {
        JoinKind::Inner => true,
        JoinKind::Left => join.source == other,
        _ => false,
    }
}

/// The columns of a source that a condition sets equal to something that a row of others, or nothing at all, determines.
pub(super) fn equal_columns(condition: &Expr, source: SourceId, of: &[SourceId], found: &mut Vec<usize>) {
    let Some(call) = condition.call() else { return };
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("and", parts) => {
            for part in parts {
                equal_columns(part, source, of, found);
            }
        }
        ("=" | "is not distinct from", [left, right]) => {
            for (one, other) in [(left, right), (right, left)] {
                if let Some((owner, Some(place))) = one.column()
                    && owner == source
                    && depends_on(other, of)
                {
                    found.push(place);
                }
            }
        }
        _ => {}
    }
}

/// Whether an expression is made of columns of these sources, of queries further out, and of literals.
fn depends_on(expr: &Expr, of: &[SourceId]) -> bool {
    !expr.any(&|part| match &part.kind {
        ExprKind::Column { source, levels: 0, .. } | ExprKind::Row(source) => !of.contains(source),
        ExprKind::Column { .. }
        | ExprKind::Literal(_)
        | ExprKind::Field { .. }
        | ExprKind::Cast { .. }
        | ExprKind::Call(_) => false,
        _ => true,
    })
}

/// Where the select list has a column of a source.
fn place_of(source: SourceId, column: usize, select: &Select) -> Option<usize> {
    let is_it = |expr: &Expr| expr.column() == Some((source, Some(column)));
    if let Some(place) = select.projection.iter().position(|item| is_it(&item.expr)) {
        return Some(place);
    }
    // A column that is set equal to it will do.
    let conditions = select.joins.iter().filter(|join| join.kind == JoinKind::Inner);
    let conditions = conditions.filter_map(|join| join.condition.as_ref()).chain(&select.filter);
    let mut twins = Vec::new();
    for condition in conditions {
        twins_of(condition, source, column, &mut twins);
    }
    select.projection.iter().position(|item| {
        item.expr.column().is_some_and(|(id, place)| place.is_some_and(|place| twins.contains(&(id, place))))
    })
}

/// The columns that a condition sets equal to a column.
fn twins_of(condition: &Expr, source: SourceId, column: usize, found: &mut Vec<(SourceId, usize)>) {
    let Some(call) = condition.call() else { return };
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("and", parts) => {
            for part in parts {
                twins_of(part, source, column, found);
            }
        }
        ("=", [left, right]) => {
            for (one, other) in [(left, right), (right, left)] {
                if one.column() == Some((source, Some(column)))
                    && let Some((id, Some(place))) = other.column()
                {
                    found.push((id, place));
                }
            }
        }
        _ => {}
    }
}

/// Where the select list has each of these; `None` if it does not have one of them.
fn places_of(exprs: &[Expr], select: &Select) -> Option<Key> {
    let place = |expr: &Expr| match &expr.kind {
        ExprKind::Alias(place) => Some(*place),
        _ => select.projection.iter().position(|item| item.expr.is_same(expr)),
    };
    // A literal is the same in all rows.
    let counts = exprs.iter().filter(|expr| !matches!(expr.kind, ExprKind::Literal(_)));
    let mut places: Key = counts.map(place).collect::<Option<_>>()?;
    places.sort_unstable();
    places.dedup();
    Some(places)
}

/// The window function of `row_number() over (…) = 1`.
fn numbered_rows(condition: &Expr) -> Option<&Call> {
    let call = condition.call()?;
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("and", parts) => parts.iter().find_map(numbered_rows),
        ("=", [left, right]) => [(left, right), (right, left)].into_iter().find_map(|(one, other)| {
            let is_one = matches!(&other.kind, ExprKind::Literal(text) if text == "1");
            one.call_of("row_number").filter(|_| is_one)
        }),
        _ => None,
    }
}
