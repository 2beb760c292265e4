//! QUALIFY, and `*` that leaves out or replaces columns, for a warehouse that has neither.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, Ident, JoinConstraint, ObjectNamePart, OrderBy, OrderByExpr, OrderByKind, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins, VisitMut,
    VisitorMut, WildcardAdditionalOptions, visit_expressions,
};

use super::Rewriter;
use super::call::simple_name;
use super::shape::{constraint, is_aggregated};
use crate::dialect::translate::functions::{bracketed, build_query};

/// The rows before QUALIFY chooses among them.
const ROWS: &str = "_rows";
/// Their column that says whether it does.
const KEPT: &str = "_kept";

impl Rewriter<'_> {
    /// Writes out the columns that `*` stands for, in a SELECT whose relations are in sight, where it says more than `*` or
    /// would hold more than it did. Where they are not known a plain `*` stays.
    pub(super) fn write_out(&mut self, select: &mut Select) {
        let is_qualified = select.qualify.is_some();
        let joins_by_name = joins_by_name(&select.from);
        let items = std::mem::take(&mut select.projection);
        for item in items {
            let (relation, options) = match &item {
                SelectItem::Wildcard(options) => (None, options),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    (Some(simple_name(name)), options)
                }
                _ => {
                    select.projection.push(item);
                    continue;
                }
            };
            let says_more = says_more(options);
            if !says_more && !is_qualified {
                select.projection.push(item);
                continue;
            }
            if let Some(columns) = self.columns(relation.as_deref()).filter(|_| !joins_by_name) {
                select.projection.extend(written_out(columns, options));
                continue;
            }
            if says_more {
                let place = options.wildcard_token.0.span;
                self.missing_because(
                    place,
                    "`*` that changes columns which the text does not tell",
                    "name the columns",
                );
            }
            select.projection.push(item);
        }
    }

    /// The columns of a relation in sight, or of all of them, with what qualifies them.
    fn columns(&self, relation: Option<&str>) -> Option<Vec<Vec<Ident>>> {
        let relations = self.scopes.innermost().iter();
        let wanted: Vec<_> = match relation {
            Some(name) => relations.filter(|known| known.name.eq_ignore_ascii_case(name)).take(1).collect(),
            None => relations.collect(),
        };
        let mut names = Vec::new();
        for relation in &wanted {
            for (column, _) in relation.columns.as_ref()? {
                let qualifier = (!relation.name.is_empty()).then(|| word(&relation.name));
                names.push(qualifier.into_iter().chain([word(column)]).collect());
            }
        }
        (!wanted.is_empty()).then_some(names)
    }

    /// Puts the rows that QUALIFY chooses among into a query of their own. Its parts are translated.
    pub(super) fn without_qualify(&mut self, body: &mut SetExpr, order: Option<&mut OrderBy>) {
        let SetExpr::Select(select) = body else { return };
        let Some(mut condition) = select.qualify.take() else { return };
        let place = select.select_token.0.span;
        if matches!(select.distinct, Some(sqlparser::ast::Distinct::On(_))) {
            self.missing(place, "QUALIFY with DISTINCT ON");
        }
        let _ = VisitMut::visit(&mut condition, &mut Given { items: &select.projection, is_meant: has_window });
        let mut inner = select.as_ref().clone();
        inner.distinct = None;
        inner.projection.clear();
        let mut shown = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for item in &select.projection {
            let wholes = match item {
                SelectItem::Wildcard(_) if joins_by_name(&select.from) => {
                    self.missing_because(place, "QUALIFY with `*` over a join by names", "name the columns");
                    continue;
                }
                SelectItem::Wildcard(_) => relations(&select.from),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    match name.0.last() {
                        Some(ObjectNamePart::Identifier(name)) => Some(vec![name.clone()]),
                        _ => None,
                    }
                }
                SelectItem::UnnamedExpr(expr) => {
                    self.show(expr.clone(), name_of(expr), &mut names, &mut inner.projection, &mut shown);
                    continue;
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.show(expr.clone(), Some(alias.clone()), &mut names, &mut inner.projection, &mut shown);
                    continue;
                }
                _ => None,
            };
            let Some(wholes) = wholes else {
                self.missing_because(place, "QUALIFY with `*` over what has no name", "name the columns");
                continue;
            };
            // A row as a value, whose columns come out again.
            for whole in wholes {
                let alias = self.fresh("row");
                let row = Expr::Nested(Box::new(of_rows(&alias)));
                inner.projection.push(SelectItem::ExprWithAlias { expr: Expr::Identifier(whole), alias });
                let kind = SelectItemQualifiedWildcardKind::Expr(row);
                shown.push(SelectItem::QualifiedWildcard(kind, WildcardAdditionalOptions::default()));
            }
        }
        inner.projection.push(SelectItem::ExprWithAlias { expr: condition, alias: Ident::new(KEPT) });
        if let Some(OrderByKind::Expressions(items)) = order.map(|order| &mut order.kind) {
            for OrderByExpr { expr, .. } in items {
                let is_shown = match &expr {
                    Expr::Value(_) => true,
                    Expr::Identifier(name) => names.iter().any(|shown| shown.eq_ignore_ascii_case(&name.value)),
                    _ => false,
                };
                if !is_shown {
                    let alias = self.fresh("order");
                    let key = std::mem::replace(expr, of_rows(&alias));
                    inner.projection.push(SelectItem::ExprWithAlias { expr: key, alias });
                }
            }
        }
        let mut rows = build_query("select 1", &[]);
        *rows.body = SetExpr::Select(Box::new(inner));
        let mut outer = build_query(&format!("select 1 from t where {KEPT}"), &[]);
        if let SetExpr::Select(outer) = outer.body.as_mut() {
            outer.distinct = select.distinct.take();
            outer.projection = shown;
            if let Some(from) = outer.from.first_mut() {
                from.relation = derived(rows, Ident::new(ROWS));
            }
        }
        *body = *outer.body;
    }

    /// A column of the inner query that the outer one shows under its own name, or under one that is given to it.
    fn show(
        &mut self,
        expr: Expr,
        name: Option<Ident>,
        names: &mut Vec<String>,
        inner: &mut Vec<SelectItem>,
        shown: &mut Vec<SelectItem>,
    ) {
        let is_new = |name: &Ident| !names.iter().any(|known| known.eq_ignore_ascii_case(&name.value));
        if let Some(name) = name.clone().filter(is_new) {
            names.push(name.value.clone());
            inner.push(match &expr {
                Expr::Identifier(own) if *own == name => SelectItem::UnnamedExpr(expr),
                _ => SelectItem::ExprWithAlias { expr, alias: name.clone() },
            });
            shown.push(SelectItem::UnnamedExpr(Expr::Identifier(name)));
            return;
        }
        let alias = self.fresh("column");
        let expr = SelectItem::ExprWithAlias { expr, alias: alias.clone() };
        inner.push(expr);
        shown.push(match name {
            Some(name) => SelectItem::ExprWithAlias { expr: Expr::Identifier(alias), alias: name },
            None => SelectItem::UnnamedExpr(Expr::Identifier(alias)),
        });
    }
}

fn says_more(options: &WildcardAdditionalOptions) -> bool {
    options.opt_except.is_some()
        || options.opt_exclude.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
}

fn written_out(columns: Vec<Vec<Ident>>, options: &WildcardAdditionalOptions) -> Vec<SelectItem> {
    let mut excepted: Vec<String> = Vec::new();
    if let Some(except) = &options.opt_except {
        let names = std::iter::once(&except.first_element).chain(&except.additional_elements);
        excepted.extend(names.map(|name| name.value.to_ascii_lowercase()));
    }
    match &options.opt_exclude {
        Some(sqlparser::ast::ExcludeSelectItem::Single(name)) => excepted.push(simple_name(name)),
        Some(sqlparser::ast::ExcludeSelectItem::Multiple(names)) => excepted.extend(names.iter().map(simple_name)),
        None => {}
    }
    let replaced = |name: &Ident| {
        let elements = options.opt_replace.iter().flat_map(|replace| &replace.items);
        elements.into_iter().find(|element| element.column_name.value.eq_ignore_ascii_case(&name.value))
    };
    let item = |parts: Vec<Ident>| {
        let name = parts.last()?;
        if excepted.iter().any(|excepted| excepted.eq_ignore_ascii_case(&name.value)) {
            return None;
        }
        Some(match replaced(name) {
            Some(element) => SelectItem::ExprWithAlias { expr: element.expr.clone(), alias: name.clone() },
            None if parts.len() == 1 => SelectItem::UnnamedExpr(Expr::Identifier(name.clone())),
            None => SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)),
        })
    };
    columns.into_iter().filter_map(item).collect()
}

/// A name, in quotes where it is no word.
fn word(name: &str) -> Ident {
    let is_word = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if is_word { Ident::new(name) } else { Ident::with_quote('"', name) }
}

fn of_rows(column: &Ident) -> Expr {
    Expr::CompoundIdentifier(vec![Ident::new(ROWS), column.clone()])
}

fn name_of(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}

/// A query in FROM under a name.
pub(super) fn derived(query: Query, name: Ident) -> TableFactor {
    let alias = TableAlias { explicit: true, name, columns: Vec::new(), at: None };
    TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias), sample: None }
}

/// The names of all that stands in FROM; `None` where something has none.
fn relations(from: &[TableWithJoins]) -> Option<Vec<Ident>> {
    let factors = from
        .iter()
        .flat_map(|table| std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)));
    let name = |factor: &TableFactor| match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(alias.name.clone()),
        TableFactor::Table { name, .. } => name.0.last().and_then(ObjectNamePart::as_ident).cloned(),
        _ => None,
    };
    factors.map(name).collect()
}

/// Whether a column of `*` stands for those of two relations.
fn joins_by_name(from: &[TableWithJoins]) -> bool {
    let joins = from.iter().flat_map(|table| &table.joins);
    let mut constraints = joins.filter_map(|join| constraint(&join.join_operator));
    constraints.any(|constraint| matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural))
}

/// Puts what SELECT gives a name to in the place of that name within an expression of ORDER BY, or of HAVING if it is an
/// aggregate, where the warehouse means that and PostgreSQL does not.
pub(super) fn given_names(body: &mut SetExpr, order: Option<&mut OrderBy>) {
    let SetExpr::Select(select) = body else { return };
    let mut given = Given { items: &select.projection, is_meant: |_| true };
    if let Some(OrderByKind::Expressions(items)) = order.map(|order| &mut order.kind) {
        for item in items.iter_mut().filter(|item| !matches!(item.expr, Expr::Identifier(_))) {
            let _ = VisitMut::visit(&mut item.expr, &mut given);
        }
    }
    given.is_meant = is_aggregated;
    if let Some(having) = &mut select.having {
        let _ = VisitMut::visit(having, &mut given);
    }
}

/// Puts what SELECT gives a name to in the place of that name, if it is such an expression. A window function is always
/// meant: there is no column of FROM beside it.
struct Given<'a> {
    items: &'a [SelectItem],
    is_meant: fn(&Expr) -> bool,
}

impl VisitorMut for Given<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr {
            let given = self.items.iter().find_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } if alias.value.eq_ignore_ascii_case(&name.value) => {
                    Some(expr)
                }
                _ => None,
            });
            if let Some(given) = given.filter(|given| (self.is_meant)(given)) {
                *expr = bracketed(given.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

fn has_window(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr: &Expr| match expr {
        Expr::Function(Function { over: Some(_), .. }) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}
