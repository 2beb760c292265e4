//! Which columns tell the rows of a query apart.

use crate::action::ActionId;
use crate::analysis::bound::{
    Bound, Columns, Distinct, Expr, ExprKind, Grouping, Join, JoinKind, Key, Query, Select, Source, SourceId,
    SourceKind,
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
            let groups = select.projection.iter().map(|item| &item.expr).filter(|expr| !expr.is_aggregated());
            keys.extend(of_groups(groups.collect(), select, bound));
        }
        Grouping::By { has_sets: true, .. } => {}
        Grouping::By { keys: groups, has_sets: false } => {
            keys.extend(of_groups(groups.iter().collect(), select, bound));
        }
    }
    match &select.distinct {
        Distinct::All => {}
        Distinct::Rows => keys.push((0..select.projection.len()).collect()),
        Distinct::On(exprs) => keys.extend(places_of(exprs, select)),
    }
    let chosen = select.qualify.iter().flat_map(Expr::conjuncts).filter_map(is_one);
    let chosen = chosen.filter_map(|number| select.resolved(number).call_of("row_number")?.window.as_ref());
    keys.extend(chosen.filter_map(|window| places_of(&window.partition_by, select)));
    keys.sort();
    keys.dedup();
    keys
}

/// The groups without those that others of them determine.
fn of_groups(groups: Vec<&Expr>, select: &Select, bound: &Bound) -> Option<Key> {
    let mut left: Vec<&Expr> = groups.iter().map(|group| select.resolved(group)).collect();
    let mut place = 0;
    while place < left.len() {
        let others: Vec<_> = left.iter().filter(|other| !std::ptr::eq(**other, left[place])).collect();
        let has = |column: (SourceId, usize)| {
            others.iter().any(|other| matches!(other.column(), Some((source, Some(at))) if (source, at) == column))
        };
        let is_determined = match left[place].column() {
            Some((source, Some(_))) => bound.source(source).keys.iter().any(|key| {
                let mut twins = Vec::new();
                key.iter().all(|column| {
                    twins.clear();
                    twins.push((source, *column));
                    determining(select, source).for_each(|on| twins_of(on, source, *column, &mut twins));
                    twins.iter().copied().any(has)
                })
            }),
            _ => false,
        };
        if is_determined {
            left.remove(place);
        } else {
            place += 1;
        }
    }
    let is_left = |group: &&Expr| left.iter().any(|left| std::ptr::eq(*left, select.resolved(group)));
    places_of(groups.into_iter().filter(is_left), select)
}

/// The conditions by which a row of others says which one of a source belongs to it.
fn determining(select: &Select, source: SourceId) -> impl Iterator<Item = &Expr> {
    let is_plain =
        select.joins.iter().all(|join| !matches!(join.kind, JoinKind::Right | JoinKind::Full | JoinKind::Other));
    let joins = select.joins.iter().filter(move |join| is_plain && is_usable(join, source));
    joins.filter_map(|join| join.condition.as_ref()).chain(&select.filter)
}

/// The keys of a source, with one that only the rows have that the query leaves: those with the number one.
fn of_source(id: SourceId, select: &Select, bound: &Bound) -> Vec<Key> {
    let mut keys = bound.source(id).keys.clone();
    let joins = select.joins.iter().filter(|join| is_usable(join, id)).filter_map(|join| join.condition.as_ref());
    let conjuncts = joins.chain(&select.filter).flat_map(Expr::conjuncts);
    let numbers = conjuncts.filter_map(is_one).filter_map(|number| match number.column() {
        Some((source, Some(place))) if source == id => Some(place),
        _ => None,
    });
    keys.extend(numbers.filter_map(|place| numbered_by(id, place, bound)));
    keys
}

/// The columns of a source in which no two rows are the same that have the same number in another one.
fn numbered_by(id: SourceId, place: usize, bound: &Bound) -> Option<Key> {
    let query = match &bound.source(id).kind {
        SourceKind::Cte(id) => Some(bound.cte(*id)).filter(|cte| !cte.is_recursive).map(|cte| &cte.query)?,
        SourceKind::Derived(query) => query,
        _ => return None,
    };
    let select = query.without_brackets().select()?;
    if select.projection.iter().any(|item| item.expr.any(&gives_rows)) {
        return None;
    }
    let number = &select.projection.get(place)?.expr;
    if let Some(call) = number.call_of("row_number") {
        return places_of(&call.window.as_ref()?.partition_by, select);
    }
    // It may only have been passed on.
    let ([only], Grouping::None, Some((source, Some(place)))) =
        (select.sources.as_slice(), &select.grouping, number.column())
    else {
        return None;
    };
    let key = numbered_by(source, place, bound).filter(|_| source == *only)?;
    let mut key: Key = key.iter().map(|place| place_of(source, *place, select)).collect::<Option<_>>()?;
    key.sort_unstable();
    Some(key)
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
        .flat_map(|source| of_source(*source, select, bound).into_iter().map(move |key| (*source, key)))
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
    let keys = of_source(other, select, bound);
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
fn places_of<'e>(exprs: impl IntoIterator<Item = &'e Expr>, select: &Select) -> Option<Key> {
    let place = |expr: &Expr| match &expr.kind {
        ExprKind::Alias(place) => Some(*place),
        _ => select.projection.iter().position(|item| item.expr.is_same(expr)),
    };
    // A literal is the same in all rows.
    let counts = exprs.into_iter().filter(|expr| !matches!(expr.kind, ExprKind::Literal(_)));
    let mut places: Key = counts.map(place).collect::<Option<_>>()?;
    places.sort_unstable();
    places.dedup();
    Some(places)
}

/// The number that is one where a condition holds: `n = 1`, `n <= 1`, `n < 2`.
fn is_one(condition: &Expr) -> Option<&Expr> {
    let call = condition.call()?;
    let [left, right] = call.arguments.as_slice() else { return None };
    let is = |expr: &Expr, number: &str| matches!(&expr.kind, ExprKind::Literal(text) if text == number);
    match call.name.as_str() {
        "=" | "<=" if is(right, "1") => Some(left),
        "=" if is(left, "1") => Some(right),
        "<" if is(right, "2") => Some(left),
        _ => None,
    }
}

/// Whether all rows are there that the keys of a source say something of: what is left out might be all but one of several.
/// `is_trusted` says of which actions that is so, whatever their texts leave out.
pub(super) fn is_whole(source: &Source, bound: &Bound, is_trusted: &dyn Fn(ActionId) -> bool) -> bool {
    match &source.kind {
        SourceKind::Action(id) => source.is_whole || is_trusted(*id),
        SourceKind::Cte(id) => {
            let cte = bound.cte(*id);
            !cte.is_recursive && is_whole_query(&cte.query, bound, is_trusted)
        }
        SourceKind::Derived(query) => is_whole_query(query, bound, is_trusted),
        SourceKind::Undeclared => true,
        SourceKind::Own | SourceKind::Values(_) | SourceKind::Turned(_) | SourceKind::Opaque => false,
    }
}

/// The same of what a query gives.
#[recursive::recursive]
pub(super) fn is_whole_query(query: &Query, bound: &Bound, is_trusted: &dyn Fn(ActionId) -> bool) -> bool {
    query.limit.is_empty()
        && query.without_brackets().select().is_some_and(|select| {
            let filters = [&select.filter, &select.having, &select.qualify];
            filters.iter().all(|filter| filter.is_none())
                && !matches!(select.distinct, Distinct::On(_))
                && select.joins.iter().all(|join| join.kind == JoinKind::Left)
                && select.sources.iter().all(|id| is_whole(bound.source(*id), bound, is_trusted))
        })
}
