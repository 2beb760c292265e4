//! What stands in FROM: paths, UNNEST, PIVOT and UNPIVOT.

use sqlparser::ast::{
    Expr, ExprWithAlias, Ident, IdentWithAlias, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart,
    PivotValueSource, RenameSelectItem, SelectItem, SetExpr, Spanned, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, Value,
};

use crate::dialect::translate::functions::build_query;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::scope::Columns;
use crate::dialect::translate::types::Type;

/// `LEFT JOIN UNNEST(…)` needs no condition in BigQuery.
pub(crate) fn conditions(from: &mut [TableWithJoins]) {
    for join in from.iter_mut().flat_map(|table| &mut table.joins) {
        match &mut join.join_operator {
            JoinOperator::Join(constraint @ JoinConstraint::None)
            | JoinOperator::Inner(constraint @ JoinConstraint::None)
            | JoinOperator::Left(constraint @ JoinConstraint::None)
            | JoinOperator::LeftOuter(constraint @ JoinConstraint::None) => {
                *constraint = JoinConstraint::On(Expr::value(Value::Boolean(true)));
            }
            _ => {}
        }
    }
}

/// A piece of FROM before it is translated. `true` says that it is done.
pub(crate) fn translate(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    match table {
        TableFactor::Table { name, alias, args: None, .. } => {
            if let Some(array) = array_path(name, rewriter) {
                let alias = alias.as_ref().map(|alias| alias.name.clone()).or_else(|| last(name));
                *table = unnest(array, alias, None, rewriter);
                return true;
            }
            let place = name.span();
            for part in &mut name.0 {
                let ObjectNamePart::Identifier(part) = part else { continue };
                if part.value.contains('*') {
                    rewriter.missing(place, "wildcard table");
                } else if part.value.eq_ignore_ascii_case("information_schema") {
                    rewriter.missing(place, "view of INFORMATION_SCHEMA");
                } else if part.value.contains('-') {
                    part.quote_style = Some('"');
                }
            }
            false
        }
        TableFactor::Table { name, args: Some(_), .. } => {
            let what = format!("table function `{name}`");
            rewriter.missing(name.span(), &what);
            true
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, .. } => {
            let [array] = array_exprs.as_slice() else {
                rewriter.missing(sqlparser::tokenizer::Span::empty(), "UNNEST of several arrays");
                return true;
            };
            let offset = with_offset.then(|| with_offset_alias.clone().unwrap_or_else(|| Ident::new("offset")));
            *table = unnest(array.clone(), alias.as_ref().map(|alias| alias.name.clone()), offset, rewriter);
            true
        }
        TableFactor::Pivot { .. } => {
            pivot(table, rewriter);
            true
        }
        TableFactor::Unpivot { .. } => {
            unpivot(table, rewriter);
            true
        }
        _ => false,
    }
}

fn last(name: &ObjectName) -> Option<Ident> {
    match name.0.last() {
        Some(ObjectNamePart::Identifier(name)) => Some(name.clone()),
        _ => None,
    }
}

/// `t.items` after `t` is an array of each row of `t`.
fn array_path(name: &ObjectName, rewriter: &Rewriter) -> Option<Expr> {
    let parts: Vec<Ident> = name
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(part) => Some(part.clone()),
            ObjectNamePart::Function(_) => None,
        })
        .collect::<Option<_>>()?;
    let [first, _, ..] = parts.as_slice() else { return None };
    let known = rewriter.scopes.relation(&first.value).is_some()
        || matches!(rewriter.scopes.column(&first.value), Type::Struct(_))
        || rewriter.scopes.has_column(&first.value);
    known.then_some(Expr::CompoundIdentifier(parts))
}

/// The elements of an array as rows. Those of structs are taken apart, as their fields are columns.
fn unnest(mut array: Expr, alias: Option<Ident>, offset: Option<Ident>, rewriter: &mut Rewriter) -> TableFactor {
    let element = rewriter.expr(&mut array).element();
    let own = rewriter.fresh("unnest");
    let place = |columns: &mut Vec<(String, Type)>| {
        columns.extend(offset.iter().map(|offset| (offset.value.clone(), Type::Int)));
    };
    if let Type::Struct(fields) = &element
        && !fields.is_empty()
    {
        let mut columns = fields.clone();
        place(&mut columns);
        let name = alias.unwrap_or(own);
        rewriter.scopes.add(&name.value, Some(columns));
        let mut query = match offset {
            None => build_query("select unnest(a, max_depth := 2)", &[("a", &array)]),
            Some(_) => build_query(
                "select unnest(a, max_depth := 2), generate_subscripts(a, 1) - 1 as _offset",
                &[("a", &array)],
            ),
        };
        if let (Some(offset), SetExpr::Select(select)) = (offset, query.body.as_mut())
            && let Some(SelectItem::ExprWithAlias { alias, .. }) = select.projection.last_mut()
        {
            *alias = offset;
        }
        return derived(query, name, Vec::new());
    }
    if element == Type::Unknown {
        return unknown_elements(&array, alias, offset, own, rewriter);
    }
    let column = alias.unwrap_or_else(|| Ident::new("f0_"));
    let mut columns = vec![(column.value.clone(), element)];
    place(&mut columns);
    rewriter.scopes.add(&own.value, Some(columns));
    let names = std::iter::once(column).chain(offset.clone()).collect();
    let query = match offset {
        None => build_query("select unnest(a)", &[("a", &array)]),
        Some(_) => build_query("select unnest(a), generate_subscripts(a, 1) - 1", &[("a", &array)]),
    };
    derived(query, own, names)
}

/// Elements that are structs or not: DuckDB finds out. Both they and their fields are columns; without an alias only the
/// fields, as nothing could name the elements.
fn unknown_elements(
    array: &Expr,
    alias: Option<Ident>,
    offset: Option<Ident>,
    own: Ident,
    rewriter: &mut Rewriter,
) -> TableFactor {
    let mut query = build_query(
        "select unnest(a) as _element, unnest(a, max_depth := 2), generate_subscripts(a, 1) - 1 as _offset",
        &[("a", array)],
    );
    let mut columns = Vec::new();
    let star = alias.is_none();
    if let SetExpr::Select(select) = query.body.as_mut() {
        match offset {
            None => select.projection.truncate(2),
            Some(offset) => {
                columns.push((offset.value.clone(), Type::Int));
                if let Some(SelectItem::ExprWithAlias { alias, .. }) = select.projection.last_mut() {
                    *alias = offset;
                }
            }
        }
        match alias {
            None => drop(select.projection.remove(0)),
            Some(name) => {
                columns.push((name.value.clone(), Type::Unknown));
                if let Some(SelectItem::ExprWithAlias { alias, .. }) = select.projection.first_mut() {
                    *alias = name;
                }
            }
        }
    }
    rewriter.scopes.add_elements(&own.value, if star { None } else { Some(columns) }, !star);
    derived(query, own, Vec::new())
}

fn derived(query: sqlparser::ast::Query, name: Ident, columns: Vec<Ident>) -> TableFactor {
    TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias(name, columns)), sample: None }
}

fn alias(name: Ident, columns: Vec<Ident>) -> TableAlias {
    TableAlias {
        explicit: true,
        name,
        columns: columns.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect(),
        at: None,
    }
}

fn pivot(table: &mut TableFactor, rewriter: &mut Rewriter) {
    let TableFactor::Pivot { table: inner, aggregate_functions, value_column, value_source, alias: outer, .. } = table
    else {
        return;
    };
    rewriter.scopes.open();
    rewriter.table(inner);
    for key in value_column.iter_mut() {
        rewriter.expr(key);
    }
    for aggregate in aggregate_functions.iter_mut() {
        rewriter.expr(&mut aggregate.expr);
    }
    let place = inner.span();
    let mut renames = Vec::new();
    match value_source {
        PivotValueSource::List(values) => {
            for value in values.iter_mut() {
                rewriter.expr(&mut value.expr);
                let Some(name) =
                    value.alias.as_ref().map(|alias| alias.value.clone()).or_else(|| pivot_name(&value.expr))
                else {
                    rewriter.missing(place, "PIVOT with a value that has no name");
                    continue;
                };
                match aggregate_functions.as_slice() {
                    [ExprWithAlias { alias: None, .. }] => value.alias = Some(Ident::with_quote('"', name)),
                    [ExprWithAlias { alias: Some(aggregate), .. }] => {
                        value.alias =
                            Some(Ident::with_quote('"', format!("{aggregate}_{name}", aggregate = aggregate.value)));
                    }
                    several => {
                        value.alias = Some(Ident::with_quote('"', &name));
                        for aggregate in several {
                            let Some(aggregate) = &aggregate.alias else {
                                rewriter.missing(place, "PIVOT with several aggregates of which one has no name");
                                continue;
                            };
                            renames.push(IdentWithAlias {
                                ident: Ident::with_quote('"', format!("{name}_{}", aggregate.value)),
                                alias: Ident::with_quote('"', format!("{}_{name}", aggregate.value)),
                            });
                        }
                    }
                }
            }
        }
        _ => rewriter.missing(place, "PIVOT without a list of values"),
    }
    if let [only] = aggregate_functions.as_mut_slice() {
        only.alias = None;
    }
    rewriter.scopes.close();
    let name = outer.take();
    let columns: Columns = None;
    match &name {
        Some(alias) => rewriter.scopes.add(&alias.name.value, columns),
        None => rewriter.scopes.add("", columns),
    }
    if renames.is_empty() {
        *outer = name;
        return;
    }
    let mut query = build_query("select * from t", &[]);
    if let SetExpr::Select(select) = query.body.as_mut() {
        if let Some(SelectItem::Wildcard(options)) = select.projection.first_mut() {
            options.opt_rename = Some(RenameSelectItem::Multiple(renames));
        }
        if let Some(from) = select.from.first_mut() {
            from.relation = table.clone();
        }
    }
    let own = rewriter.fresh("pivot");
    *table = derived(query, name.map_or(own, |alias| alias.name), Vec::new());
}

/// The name of the column that a value of PIVOT makes.
fn pivot_name(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(literal) => match &literal.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            Value::Number(digits, _) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                Some(format!("_{digits}"))
            }
            Value::Boolean(value) => Some(value.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn unpivot(table: &mut TableFactor, rewriter: &mut Rewriter) {
    let TableFactor::Unpivot { table: inner, value, name, columns, alias: outer, .. } = table else { return };
    rewriter.scopes.open();
    rewriter.table(inner);
    rewriter.scopes.close();
    let place = inner.span();
    let Expr::Identifier(value) = value.clone() else {
        rewriter.missing(place, "UNPIVOT of several columns at once");
        return;
    };
    let name = name.clone();
    for column in columns {
        match &column.expr {
            Expr::Identifier(_) => {}
            _ => rewriter.missing(place, "UNPIVOT of several columns at once"),
        }
        if let Some(alias) = &mut column.alias {
            // DuckDB takes a text here as BigQuery does.
            alias.quote_style = Some('\'');
        }
    }
    let alias = outer.take();
    // BigQuery puts the value before its name.
    let mut query = build_query("select * exclude (v, n), v, n from t", &[]);
    if let SetExpr::Select(select) = query.body.as_mut() {
        if let Some(SelectItem::Wildcard(options)) = select.projection.first_mut() {
            options.opt_exclude = Some(sqlparser::ast::ExcludeSelectItem::Multiple(vec![
                vec![value.clone()].into(),
                vec![name.clone()].into(),
            ]));
        }
        select.projection.truncate(1);
        select.projection.push(SelectItem::UnnamedExpr(Expr::Identifier(value)));
        select.projection.push(SelectItem::UnnamedExpr(Expr::Identifier(name)));
        if let Some(from) = select.from.first_mut() {
            from.relation = table.clone();
        }
    }
    let own = rewriter.fresh("unpivot");
    let visible = alias.as_ref().map(|alias| alias.name.value.clone()).unwrap_or_default();
    rewriter.scopes.add(&visible, None);
    *table = derived(query, alias.map_or(own, |alias| alias.name), Vec::new());
}
