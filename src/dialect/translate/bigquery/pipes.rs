//! Pipe syntax: each `|>` is a query around the one before it.

use sqlparser::ast::{
    Assignment, AssignmentTarget, BinaryOperator, ExceptSelectItem, Expr, ExprWithAlias, GroupByExpr, Ident,
    LimitClause, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, PipeOperator, Query, RenameSelectItem,
    ReplaceSelectElement, ReplaceSelectItem, Select, SelectFlavor, SelectItem, SetExpr, SetOperator, SetQuantifier,
    TableAlias, TableFactor, Value, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use crate::dialect::translate::functions::build_query;
use crate::dialect::translate::rewrite::Rewriter;

/// Writes the query without pipes. What has no equal in SELECT is a problem.
pub(crate) fn unfold(query: &mut Query, rewriter: &mut Rewriter) {
    if let SetExpr::Select(select) = query.body.as_mut()
        && select.flavor != SelectFlavor::Standard
    {
        select.flavor = SelectFlavor::Standard;
        if select.projection.is_empty() {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        }
    }
    let with = query.with.take();
    for operator in std::mem::take(&mut query.pipe_operators) {
        apply(query, operator, rewriter);
    }
    if with.is_some() {
        query.with = with;
    }
}

fn apply(query: &mut Query, operator: PipeOperator, rewriter: &mut Rewriter) {
    match operator {
        PipeOperator::Where { expr } => {
            let select = bare(query, rewriter);
            select.selection = Some(match select.selection.take() {
                None => expr,
                Some(before) => Expr::BinaryOp {
                    left: Box::new(Expr::Nested(Box::new(before))),
                    op: BinaryOperator::And,
                    right: Box::new(Expr::Nested(Box::new(expr))),
                },
            });
        }
        PipeOperator::Join(join) => {
            let select = bare(query, rewriter);
            if select.selection.is_some() {
                around(query, rewriter);
            }
            if let Some(from) = bare(query, rewriter).from.last_mut() {
                from.joins.push(join);
            }
        }
        PipeOperator::Select { exprs } => {
            bare(query, rewriter).projection = exprs;
        }
        PipeOperator::Extend { exprs } => {
            bare(query, rewriter).projection.extend(exprs);
        }
        PipeOperator::Set { assignments } => {
            let items = assignments.into_iter().filter_map(replacement).map(Box::new).collect();
            star(query, rewriter, |options| options.opt_replace = Some(ReplaceSelectItem { items }));
        }
        PipeOperator::Drop { columns } => {
            let mut columns = columns.into_iter();
            if let Some(first_element) = columns.next() {
                let except = ExceptSelectItem { first_element, additional_elements: columns.collect() };
                star(query, rewriter, |options| options.opt_except = Some(except));
            }
        }
        PipeOperator::Rename { mappings } => {
            star(query, rewriter, |options| options.opt_rename = Some(RenameSelectItem::Multiple(mappings)));
        }
        PipeOperator::As { alias } => {
            around(query, rewriter);
            if let SetExpr::Select(select) = query.body.as_mut()
                && let Some(TableFactor::Derived { alias: name, .. }) =
                    select.from.first_mut().map(|from| &mut from.relation)
            {
                *name = Some(TableAlias { explicit: true, name: alias, columns: Vec::new(), at: None });
            }
        }
        PipeOperator::OrderBy { exprs } => {
            bare(query, rewriter);
            query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(exprs), interpolate: None });
        }
        PipeOperator::Limit { expr, offset } => {
            if query.limit_clause.is_some() {
                around(query, rewriter);
            }
            let offset = offset.map(|value| Offset { value, rows: OffsetRows::None });
            query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(expr), offset, limit_by: Vec::new() });
        }
        PipeOperator::Aggregate { full_table_exprs, group_by_expr } => {
            let keys = group_by_expr.len();
            let mut order = Vec::new();
            let mut projection = Vec::new();
            for (place, item) in group_by_expr.into_iter().chain(full_table_exprs).enumerate() {
                if item.order_by.sort.is_some() || item.order_by.nulls_first.is_some() {
                    order.push(OrderByExpr { expr: number(place + 1), options: item.order_by, with_fill: None });
                }
                let ExprWithAlias { expr, alias } = item.expr;
                projection.push(match alias {
                    Some(alias) => SelectItem::ExprWithAlias { expr, alias },
                    None => SelectItem::UnnamedExpr(expr),
                });
            }
            let select = bare(query, rewriter);
            select.projection = projection;
            select.group_by = GroupByExpr::Expressions((1..=keys).map(number).collect(), Vec::new());
            if !order.is_empty() {
                query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(order), interpolate: None });
            }
        }
        PipeOperator::Union { set_quantifier, queries } => combine(query, SetOperator::Union, set_quantifier, queries),
        PipeOperator::Intersect { set_quantifier, queries } => {
            combine(query, SetOperator::Intersect, set_quantifier, queries);
        }
        PipeOperator::Except { set_quantifier, queries } => {
            combine(query, SetOperator::Except, set_quantifier, queries);
        }
        other => {
            let text = other.to_string();
            let word = text.split(['(', ' ']).next().unwrap_or_default();
            rewriter.missing(Span::empty(), &format!("pipe operator `|> {}`", word.to_lowercase()));
        }
    }
}

fn number(place: usize) -> Expr {
    Expr::value(Value::Number(place.to_string(), false))
}

fn replacement(assignment: Assignment) -> Option<ReplaceSelectElement> {
    let AssignmentTarget::ColumnName(name) = assignment.target else { return None };
    let column_name = name.0.last()?.as_ident()?.clone();
    Some(ReplaceSelectElement { expr: assignment.value, column_name, as_keyword: true })
}

/// The SELECT of a query that still has every column of its FROM and nothing behind WHERE; put around it where needed.
fn bare<'a>(query: &'a mut Query, rewriter: &mut Rewriter) -> &'a mut Select {
    let is_bare = match query.body.as_ref() {
        SetExpr::Select(select) => {
            matches!(select.projection.as_slice(), [SelectItem::Wildcard(options)] if *options == WildcardAdditionalOptions::default())
                && matches!(&select.group_by, GroupByExpr::Expressions(keys, more) if keys.is_empty() && more.is_empty())
                && select.distinct.is_none()
                && query.order_by.is_none()
                && query.limit_clause.is_none()
        }
        _ => false,
    };
    if !is_bare {
        around(query, rewriter);
    }
    match query.body.as_mut() {
        SetExpr::Select(select) => select,
        _ => unreachable!("a query put around another is a SELECT"),
    }
}

/// `SELECT * FROM (query)`.
fn around(query: &mut Query, rewriter: &mut Rewriter) {
    let inner = std::mem::replace(query, build_query("select * from t", &[]));
    let name: Ident = rewriter.fresh("pipe");
    if let SetExpr::Select(select) = query.body.as_mut()
        && let Some(from) = select.from.first_mut()
    {
        from.relation = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(inner),
            alias: Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None }),
            sample: None,
        };
    }
}

fn star(query: &mut Query, rewriter: &mut Rewriter, change: impl FnOnce(&mut WildcardAdditionalOptions)) {
    if let Some(SelectItem::Wildcard(options)) = bare(query, rewriter).projection.first_mut() {
        change(options);
    }
}

fn combine(query: &mut Query, op: SetOperator, set_quantifier: SetQuantifier, queries: Vec<Query>) {
    for right in queries {
        let left = std::mem::replace(query, build_query("select 1", &[]));
        *query.body = SetExpr::SetOperation {
            left: Box::new(SetExpr::Query(Box::new(left))),
            op,
            set_quantifier,
            right: Box::new(SetExpr::Query(Box::new(right))),
        };
    }
}
