//! `START WITH … CONNECT BY …` as a recursive query.
//!
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_CONNECT_BY_clause.html>

use std::ops::ControlFlow;

use sqlparser::ast::{
    ConnectByKind, ExcludeSelectItem, Expr, Ident, Query, Select, SelectItem, SetExpr, TableFactor, TableWithJoins,
    VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;

use crate::dialect::syntax::Redshift as Grammar;

/// The name of the tree, of the level above and of the level below.
const TREE: &str = "_tree";
const ABOVE: &str = "_above";
const BELOW: &str = "_below";

/// Every query that asks for a hierarchy of one table, as one that reads the levels from the top.
pub(super) struct Hierarchies;

impl VisitorMut for Hierarchies {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if query.with.is_none()
            && let SetExpr::Select(select) = query.body.as_mut()
            && let Some(mut tree) = tree(select)
        {
            query.with = tree.with.take();
        }
        ControlFlow::Continue(())
    }
}

/// The query that names the tree; the SELECT then reads from it.
fn tree(select: &mut Select) -> Option<Query> {
    let [TableWithJoins { relation: TableFactor::Table { name, alias, args: None, .. }, joins }] =
        select.from.as_mut_slice()
    else {
        return None;
    };
    if !joins.is_empty() || select.connect_by.is_empty() {
        return None;
    }
    let mut start = None;
    let mut condition = None;
    for clause in &select.connect_by {
        match clause {
            ConnectByKind::ConnectBy { nocycle: false, relationships, .. } => {
                condition = relationships.clone().into_iter().reduce(and);
            }
            ConnectByKind::ConnectBy { .. } => return None,
            ConnectByKind::StartWith { condition, .. } => start = Some(condition.as_ref().clone()),
        }
    }
    let mut condition = condition?;
    let own = alias
        .as_ref()
        .map_or_else(|| name.0.last().map(ToString::to_string), |alias| Some(alias.name.value.clone()))?;
    let mut start = start.unwrap_or_else(|| Expr::value(sqlparser::ast::Value::Boolean(true)));
    let _ = condition.visit(&mut Sides { own: &own, prior: false });
    let _ = start.visit(&mut Unqualified { own: &own });
    let text = format!(
        "with recursive {TREE} as (select *, 1 as level from {name} where {start} \
         union all select {BELOW}.*, {ABOVE}.level + 1 from {name} as {BELOW} join {TREE} as {ABOVE} on {condition}) select 1"
    );
    let query = Parser::new(&Grammar).try_with_sql(&text).ok()?.parse_query().ok()?;
    select.connect_by.clear();
    // The level is no column of the table.
    for item in &mut select.projection {
        if let SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) = item {
            options.opt_exclude = Some(ExcludeSelectItem::Single(vec![Ident::new("level")].into()));
        }
    }
    *name = vec![Ident::new(TREE)].into();
    let _ = alias.get_or_insert_with(|| sqlparser::ast::TableAlias {
        explicit: true,
        name: Ident::new(own),
        columns: Vec::new(),
        at: None,
    });
    Some(*query)
}

fn and(left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op: sqlparser::ast::BinaryOperator::And, right: Box::new(right) }
}

/// Says of each column whether it is of the level above (PRIOR) or below.
struct Sides<'a> {
    own: &'a str,
    prior: bool,
}

impl VisitorMut for Sides<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Prior(inner) = expr {
            let mut inner = inner.as_ref().clone();
            let _ = inner.visit(&mut Sides { own: self.own, prior: true });
            *expr = Expr::Nested(Box::new(inner));
            // What is within is done: a name of two parts whose first is not the table's own stays.
            return ControlFlow::Continue(());
        }
        let column = match expr {
            Expr::Identifier(name) => name.clone(),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, column] if table.value.eq_ignore_ascii_case(self.own) => column.clone(),
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        // LEVEL is that of the row which is looked for.
        let level = column.value.eq_ignore_ascii_case("level") && column.quote_style.is_none();
        if level && !self.prior {
            let above = Expr::CompoundIdentifier(vec![Ident::new(ABOVE), column]);
            let one = Expr::value(sqlparser::ast::Value::Number("1".to_owned(), false));
            let next = Expr::BinaryOp {
                left: Box::new(above),
                op: sqlparser::ast::BinaryOperator::Plus,
                right: Box::new(one),
            };
            *expr = Expr::Nested(Box::new(next));
            return ControlFlow::Continue(());
        }
        let side = if self.prior { ABOVE } else { BELOW };
        *expr = Expr::CompoundIdentifier(vec![Ident::new(side), column]);
        ControlFlow::Continue(())
    }
}

/// Takes the name of the table from its columns.
struct Unqualified<'a> {
    own: &'a str,
}

impl VisitorMut for Unqualified<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, column] = parts.as_slice()
            && table.value.eq_ignore_ascii_case(self.own)
        {
            *expr = Expr::Identifier(column.clone());
        }
        ControlFlow::Continue(())
    }
}
