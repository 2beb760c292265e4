//! Queries put into the shape that DuckDB needs for the same columns, before or after their parts are translated.

use sqlparser::ast::{
    ExcludeSelectItem, Expr, GroupByExpr, GroupByWithModifier, Ident, JoinConstraint, JoinOperator, ObjectNamePart,
    OrderBy, OrderByExpr, OrderByKind, Select, SelectItem, Value,
};

use crate::dialect::translate::functions::{build, is_aggregate};
use crate::dialect::translate::scope::Columns;
use crate::dialect::translate::types::Type;

/// `*` over joins with USING begins with their keys, those of the last join first, where DuckDB leaves them in the places
/// they have in the left relation.
pub(super) fn keys_first(select: &mut Select) {
    let mut keys: Vec<Ident> = Vec::new();
    for join in select.from.iter().flat_map(|table| table.joins.iter().rev()) {
        let Some(JoinConstraint::Using(names)) = constraint(&join.join_operator) else { continue };
        for name in names {
            if let [ObjectNamePart::Identifier(name)] = name.0.as_slice()
                && !keys.iter().any(|key| key.value.eq_ignore_ascii_case(&name.value))
            {
                keys.push(name.clone());
            }
        }
    }
    if keys.is_empty() || select.from.len() > 1 {
        return;
    }
    select.projection = std::mem::take(&mut select.projection)
        .into_iter()
        .flat_map(|item| match item {
            SelectItem::Wildcard(mut options)
                if options.opt_replace.is_none() && options.opt_rename.is_none() && options.opt_exclude.is_none() =>
            {
                let mut excluded: Vec<Ident> = options
                    .opt_except
                    .take()
                    .map(|except| std::iter::once(except.first_element).chain(except.additional_elements).collect())
                    .unwrap_or_default();
                let is_excluded =
                    |key: &Ident| excluded.iter().any(|name: &Ident| name.value.eq_ignore_ascii_case(&key.value));
                let shown: Vec<Ident> = keys.iter().filter(|key| !is_excluded(key)).cloned().collect();
                excluded.extend(shown.iter().cloned());
                let excluded = excluded.into_iter().map(|name| vec![name].into()).collect();
                options.opt_exclude = Some(ExcludeSelectItem::Multiple(excluded));
                let mut items: Vec<SelectItem> =
                    shown.into_iter().map(|key| SelectItem::UnnamedExpr(Expr::Identifier(key))).collect();
                items.push(SelectItem::Wildcard(options));
                items
            }
            item => vec![item],
        })
        .collect();
}

/// What a join says of the rows that belong together.
pub(super) fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// `SELECT AS VALUE x`: the fields of `x` are the columns, if it is a struct.
pub(super) fn as_value(projection: &mut [SelectItem], columns: Columns) -> Columns {
    let kind = columns.as_ref().and_then(|columns| columns.first()).map(|(_, kind)| kind.clone()).unwrap_or_default();
    match kind {
        Type::Struct(_) | Type::Unknown => {
            if let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] = projection {
                let fields = build("unnest(x)", &[("x", value)]);
                projection[0] = SelectItem::UnnamedExpr(fields);
            }
            if let Type::Struct(fields) = kind { Some(fields) } else { None }
        }
        _ => columns,
    }
}

/// Makes one struct of the columns of SELECT. What ORDER BY names of them is written out.
pub(super) fn structs_of(select: &mut Select, order: Option<&mut OrderBy>) {
    let mut values = Vec::new();
    for item in std::mem::take(&mut select.projection) {
        match item {
            SelectItem::UnnamedExpr(expr) => values.push(expr),
            SelectItem::ExprWithAlias { expr, alias } => {
                values.push(Expr::Named { expr: Box::new(expr), name: alias });
            }
            _ => {}
        }
    }
    if let Some(OrderByKind::Expressions(items)) = order.map(|order| &mut order.kind) {
        for item in items {
            if let Expr::Identifier(name) = &item.expr
                && let Some(value) = values.iter().find_map(|value| match value {
                    Expr::Named { expr, name: given } if given.value.eq_ignore_ascii_case(&name.value) => Some(expr),
                    _ => None,
                })
            {
                item.expr = value.as_ref().clone();
            }
        }
    }
    // A place in GROUP BY would be that of the struct.
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            let value = place_of(key).and_then(|place| values.get(place));
            match value {
                Some(Expr::Named { expr, .. }) => *key = expr.as_ref().clone(),
                Some(value) => *key = value.clone(),
                None => {}
            }
        }
    }
    select.projection = vec![SelectItem::UnnamedExpr(Expr::Struct { values, fields: Vec::new() })];
}

/// The place that a number in GROUP BY or ORDER BY stands for, counted from 0.
fn place_of(key: &Expr) -> Option<usize> {
    let Expr::Value(value) = key else { return None };
    let Value::Number(place, _) = &value.value else { return None };
    place.parse::<usize>().ok()?.checked_sub(1)
}

/// `GROUP BY ALL` over aggregates and constants alone: all rows are one group, where DuckDB groups by the constants.
pub(super) fn one_group(group_by: &mut GroupByExpr, projection: &[SelectItem]) {
    let is_key = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => !is_aggregated(expr),
        _ => true,
    };
    if matches!(group_by, GroupByExpr::All(modifiers) if modifiers.is_empty()) && !projection.iter().any(is_key) {
        *group_by = GroupByExpr::Expressions(vec![Expr::Tuple(Vec::new())], Vec::new());
    }
}

/// Whether an expression holds an aggregate, or else no column.
pub(super) fn is_aggregated(expr: &Expr) -> bool {
    let mut columns = false;
    let mut aggregates = false;
    let _ = sqlparser::ast::visit_expressions(expr, |expr: &Expr| {
        match expr {
            Expr::Function(function) => aggregates |= is_aggregate(&function.name.to_string()),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Subquery(_) | Expr::Exists { .. } => {
                columns = true;
            }
            _ => {}
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    aggregates || !columns
}

/// `GROUP BY ALL` as the places of what is no aggregate.
pub(super) fn places_of_keys(group_by: &mut GroupByExpr, projection: &[SelectItem]) {
    let GroupByExpr::All(modifiers) = group_by else { return };
    let is_key = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => !is_aggregated(expr),
        _ => true,
    };
    let keys = projection.iter().enumerate().filter(|(_, item)| is_key(item));
    let places = keys.map(|(place, _)| Expr::value(Value::Number((place + 1).to_string(), false)));
    *group_by = GroupByExpr::Expressions(places.collect(), std::mem::take(modifiers));
}

/// Puts what SELECT gives a name to in the place of that name: DuckDB would look for a column first.
pub(super) fn name_keys(group_by: &mut GroupByExpr, projection: &[SelectItem]) {
    let given = |key: &Expr| {
        let Expr::Identifier(key) = key else { return None };
        projection.iter().enumerate().find_map(|(place, item)| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value.eq_ignore_ascii_case(&key.value) => {
                Some((place, expr))
            }
            _ => None,
        })
    };
    let numbered =
        !projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
    let visit = |key: &mut Expr, top: bool| {
        if let Some((place, value)) = given(key) {
            *key = match value {
                // DuckDB would read a literal as a number of a column.
                _ if numbered && top => Expr::value(sqlparser::ast::Value::Number((place + 1).to_string(), false)),
                value => value.clone(),
            };
        }
    };
    let GroupByExpr::Expressions(keys, modifiers) = group_by else { return };
    for key in keys {
        match key {
            Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
                sets.iter_mut().flatten().for_each(|key| visit(key, false));
            }
            key => visit(key, true),
        }
    }
    for modifier in modifiers {
        if let GroupByWithModifier::GroupingSets(Expr::GroupingSets(sets)) = modifier {
            sets.iter_mut().flatten().for_each(|key| visit(key, false));
        }
    }
}

/// A column of JSON that ORDER BY names by its place is named by its name, so that its values can be told apart there.
pub(super) fn name_json(items: &mut [OrderByExpr], columns: &Columns) {
    for item in items {
        let column = place_of(&item.expr).and_then(|place| columns.as_ref()?.get(place));
        if let Some((name, Type::Json)) = column
            && !name.is_empty()
        {
            item.expr = Expr::Identifier(Ident::new(name));
        }
    }
}
