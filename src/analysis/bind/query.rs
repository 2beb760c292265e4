//! Queries: WITH, set operations, ORDER BY.

use std::sync::Arc;

use sqlparser::ast::{self, LimitClause, OrderByKind, SetExpr, SetOperator, SetQuantifier, Spanned};
use sqlparser::tokenizer::Span;

use super::{Binder, around};
use crate::analysis::bound::{
    Body, Column, Columns, Cte, CteId, Expr, ExprKind, Query, SetOperation, Source, SourceId, SourceKind, Unbound,
};
use crate::dialect::semantics::AliasScope;
use crate::relation::{DataType, Nullability};

impl Binder<'_> {
    /// A query, seen from the scopes around it.
    #[recursive::recursive]
    pub(super) fn query(&mut self, query: &ast::Query) -> Query {
        let seen = self.visible_ctes.len();
        let ctes = query.with.as_ref().map(|with| self.with(with)).unwrap_or_default();
        let mut bound = self.body(&query.body, query.order_by.as_ref(), None);
        bound.limit = self.limit(query);
        bound.choice = choice(query);
        if !query.pipe_operators.is_empty() {
            bound = self.pipes(bound, &query.pipe_operators);
        }
        self.visible_ctes.truncate(seen);
        bound.ctes.splice(0..0, ctes);
        bound
    }

    fn with(&mut self, with: &ast::With) -> Vec<CteId> {
        let mut ctes = Vec::with_capacity(with.cte_tables.len());
        for cte in &with.cte_tables {
            let id = if with.recursive { self.recursive_cte(cte) } else { self.cte(cte) };
            self.visible_ctes.push(id);
            ctes.push(id);
        }
        ctes
    }

    fn cte(&mut self, cte: &ast::Cte) -> CteId {
        let query = self.query(&cte.query);
        let columns = self.renamed(query.columns.clone(), &cte.alias);
        let name = self.name(&cte.alias.name);
        self.add_cte(Cte { name, query, columns, uses: 0, is_recursive: false, span: cte.alias.name.span })
    }

    /// One that may read itself: in the second half it has the columns of the first.
    fn recursive_cte(&mut self, cte: &ast::Cte) -> CteId {
        let name = self.name(&cte.alias.name);
        let span = cte.alias.name.span;
        let (query, columns) = (Query::opaque(span), Columns::unknown());
        let id = self.add_cte(Cte { name, query, columns, uses: 0, is_recursive: false, span });
        let before = self.bound.sources.len();
        let seen = self.visible_ctes.len();
        let is_plain = cte.query.with.is_none() && cte.query.pipe_operators.is_empty();
        let query = if is_plain && matches!(&*cte.query.body, SetExpr::SetOperation { .. }) {
            self.body(&cte.query.body, cte.query.order_by.as_ref(), Some((id, &cte.alias)))
        } else {
            self.visible_ctes.push(id);
            self.query(&cte.query)
        };
        self.visible_ctes.truncate(seen);
        let mut columns = self.renamed(query.columns.clone(), &cte.alias);
        for column in &mut columns.known {
            column.nullable = column.nullable.max(Nullability::Unknown);
        }
        let reads_it = |source: &Source| matches!(source.kind, SourceKind::Cte(read) if read == id);
        let is_recursive = self.bound.sources[before..].iter().any(reads_it);
        let cte = &mut self.bound.ctes[id.0 as usize];
        cte.is_recursive = is_recursive;
        // What it reads of itself is not a use.
        (cte.query, cte.columns, cte.uses) = (query, columns, 0);
        id
    }

    /// The columns of a query under the names that stand behind its own.
    fn renamed(&self, mut columns: Columns, alias: &ast::TableAlias) -> Columns {
        if columns.is_open && !alias.columns.is_empty() {
            return Columns::unknown();
        }
        for (column, given) in columns.known.iter_mut().zip(&alias.columns) {
            column.name = Some(self.name(&given.name).into());
        }
        columns
    }

    /// What gives the rows, with its ORDER BY. `own` is the name of WITH that is being defined, if that may read itself.
    #[recursive::recursive]
    fn body(
        &mut self,
        body: &SetExpr,
        order_by: Option<&ast::OrderBy>,
        own: Option<(CteId, &ast::TableAlias)>,
    ) -> Query {
        match body {
            SetExpr::Select(select) => self.select(select, order_by),
            SetExpr::Query(query) => {
                let inner = self.query(query);
                let (columns, influences, span) = (inner.columns.clone(), inner.influences.clone(), inner.span);
                let keys = inner.keys.clone();
                let mut outer =
                    Query { body: Body::Nested(Box::new(inner)), columns, influences, keys, ..Query::opaque(span) };
                self.order_of_output(&mut outer, order_by);
                outer
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let mut query = self.set_operation(left, *op, *set_quantifier, right, own);
                self.order_of_output(&mut query, order_by);
                query
            }
            SetExpr::Values(values) => self.rows(values, body.span()),
            SetExpr::Insert(change) | SetExpr::Update(change) | SetExpr::Delete(change) | SetExpr::Merge(change) => {
                self.nested(std::slice::from_ref(change));
                Query::opaque(body.span())
            }
            SetExpr::Table(_) => Query::opaque(body.span()),
        }
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
        own: Option<(CteId, &ast::TableAlias)>,
    ) -> Query {
        let left = self.body(left, None, None);
        if let Some((id, alias)) = own {
            let mut columns = self.renamed(left.columns.clone(), alias);
            for column in &mut columns.known {
                column.nullable = Nullability::Unknown;
            }
            self.bound.ctes[id.0 as usize].columns = columns;
            self.visible_ctes.push(id);
        }
        let right = self.body(right, None, None);
        let by_name =
            matches!(quantifier, SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName);
        let is_distinct = match quantifier {
            SetQuantifier::All | SetQuantifier::AllByName => false,
            SetQuantifier::ByName | SetQuantifier::Distinct | SetQuantifier::DistinctByName | SetQuantifier::None => {
                true
            }
        };
        let word = match op {
            SetOperator::Union => "union",
            SetOperator::Except | SetOperator::Minus => "except",
            SetOperator::Intersect => "intersect",
        };
        self.combined(SetOperation { left, right, by_name, is_distinct, word })
    }

    /// What the two halves of a set operation give together.
    pub(super) fn combined(&self, operation: SetOperation) -> Query {
        let SetOperation { left, right, by_name, is_distinct, word } = &operation;
        let columns = if *by_name {
            self.by_name(&left.columns, &right.columns)
        } else {
            self.by_place(&left.columns, &right.columns)
        };
        let columns = if *word == "except" { keep_nulls_of(columns, &left.columns) } else { columns };
        let mut influences: Vec<_> = left.influences.iter().chain(&right.influences).cloned().collect();
        influences.sort();
        influences.dedup();
        let all = (0..columns.known.len()).collect();
        let keys = if *is_distinct && !columns.is_open {
            vec![all]
        } else if *word == "union" {
            Vec::new()
        } else {
            // The rows are some of those before it.
            left.keys.clone()
        };
        let span = around([left.span, right.span]);
        Query { body: Body::SetOperation(Box::new(operation)), columns, influences, keys, ..Query::opaque(span) }
    }

    fn by_place(&self, left: &Columns, right: &Columns) -> Columns {
        if left.is_open || right.is_open {
            // The names are those of the first half, whatever stands in the other.
            let mut columns = left.clone();
            for column in &mut columns.known {
                (column.data_type, column.nullable) = (DataType::Unknown, Nullability::Unknown);
            }
            return columns;
        }
        let together = |(one, other): (&Column, &Column)| self.together(one, other);
        Columns::closed(left.known.iter().zip(&right.known).map(together).collect())
    }

    fn by_name(&self, left: &Columns, right: &Columns) -> Columns {
        let same = |column: &Column, others: &Columns| -> Option<usize> {
            let name = column.name.as_deref()?;
            others.known.iter().position(|other| other.name.as_deref().is_some_and(|other| self.is_same(other, name)))
        };
        let alone = |column: &Column, is_open: bool| Column {
            nullable: if is_open { Nullability::Unknown } else { Nullability::Nullable },
            data_type: if is_open { DataType::Unknown } else { column.data_type.clone() },
            ..column.clone()
        };
        let first = left.known.iter().map(|column| match same(column, right) {
            Some(place) => self.together(column, &right.known[place]),
            None => alone(column, right.is_open),
        });
        let second = right.known.iter().filter(|column| same(column, left).is_none());
        let known = first.chain(second.map(|column| alone(column, left.is_open))).collect();
        Columns { known, is_open: left.is_open || right.is_open }
    }

    /// A column whose values come from either of two.
    fn together(&self, one: &Column, other: &Column) -> Column {
        let data_type = self.semantics.common(&[&one.data_type, &other.data_type]).unwrap_or_default();
        let mut origins: Vec<_> = one.origins.iter().chain(&other.origins).cloned().collect();
        origins.sort();
        origins.dedup();
        let is_volatile = one.is_volatile || other.is_volatile;
        Column { data_type, nullable: one.nullable.max(other.nullable), origins, is_volatile, ..one.clone() }
    }

    /// ORDER BY behind something that is no SELECT: it sees only what that gives, and in some dialects the names of each part.
    fn order_of_output(&mut self, query: &mut Query, order_by: Option<&ast::OrderBy>) {
        let Some(order_by) = order_by else { return };
        let (mut columns, mut ranges) = (query.columns.clone(), Vec::new());
        if self.rules.orders_by_any_query {
            self.names_of_parts(query, &mut columns.known, &mut ranges);
        }
        let source = super::from::plain(crate::analysis::bound::SourceKind::Opaque, columns, query.span);
        let id = self.add_source(source);
        let listed = (!query.columns.is_open).then_some(query.columns.known.len());
        self.scopes.push(super::scope::Scope { sources: vec![id], ranges, listed, ..Default::default() });
        query.order_by = self.order_by(order_by);
        self.scopes.pop();
    }

    /// Adds the names that are given or read in the select lists of a set operation, and what these read from.
    #[recursive::recursive]
    fn names_of_parts(&self, query: &Query, names: &mut Vec<Column>, sources: &mut Vec<SourceId>) {
        let mut add = |name: Option<&Arc<str>>| {
            let is_new = |name: &Arc<str>| {
                let mut known = names.iter().filter_map(|column| column.name.as_deref());
                !known.any(|known| self.is_same(known, name))
            };
            let name = name.filter(|name| is_new(name));
            names.extend(name.map(|name| super::from::named(name, DataType::Unknown, Nullability::Unknown)));
        };
        query.columns.known.iter().for_each(|column| add(column.name.as_ref()));
        match &query.body {
            Body::Select(select) => {
                for item in &select.projection {
                    item.expr.walk(&mut |part| {
                        if let ExprKind::Column { name, .. } = &part.kind {
                            add(Some(name));
                        }
                        true
                    });
                }
                sources.extend(&select.sources);
            }
            Body::SetOperation(operation) => {
                self.names_of_parts(&operation.left, names, sources);
                self.names_of_parts(&operation.right, names, sources);
            }
            Body::Nested(inner) => self.names_of_parts(inner, names, sources),
            Body::Values(_) | Body::Opaque => {}
        }
    }

    pub(super) fn order_by(&mut self, order_by: &ast::OrderBy) -> Vec<Expr> {
        match &order_by.kind {
            OrderByKind::All(_) => Vec::new(),
            OrderByKind::Expressions(exprs) => exprs.iter().map(|order| self.by_alias_or_place(&order.expr)).collect(),
        }
    }

    /// An expression in ORDER BY or GROUP BY, where a number is a place in the select list.
    pub(super) fn by_alias_or_place(&mut self, expr: &ast::Expr) -> Expr {
        if let ast::Expr::Value(value) = expr
            && let ast::Value::Number(number, _) = &value.value
            && let Ok(place) = number.parse::<usize>()
        {
            let scope = self.scope();
            let is_known = !scope.lists_unknown;
            let alias = place.checked_sub(1).filter(|_| is_known);
            let alias = alias.and_then(|place| Some((place, scope.aliases.get(place)?.clone())));
            if let Some((place, alias)) = alias {
                let (data_type, nullable) = (alias.data_type, alias.nullable);
                return Expr { kind: ExprKind::Alias(place), data_type, nullable, span: value.span };
            }
            return match scope.listed {
                Some(listed) if place == 0 || place > listed => {
                    self.unbound(number, Unbound::Place(listed), value.span)
                }
                _ => Expr::unknown(value.span),
            };
        }
        self.expr(expr)
    }

    fn limit(&mut self, query: &ast::Query) -> Vec<Expr> {
        let exprs: Vec<&ast::Expr> = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                let offset = offset.iter().map(|offset| &offset.value);
                limit.iter().chain(offset).chain(limit_by).collect()
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => vec![offset, limit],
            None => Vec::new(),
        };
        let fetch = query.fetch.iter().filter_map(|fetch| fetch.quantity.as_ref());
        self.exprs(exprs.into_iter().chain(fetch))
    }

    pub(super) fn rows(&mut self, values: &ast::Values, span: Span) -> Query {
        let rows: Vec<Vec<Expr>> = values.rows.iter().map(|row| self.exprs(&row.content)).collect();
        let width = rows.first().map_or(0, Vec::len);
        let column = |place: usize| {
            let cells: Vec<&Expr> = rows.iter().filter_map(|row| row.get(place)).collect();
            let types: Vec<&DataType> = cells.iter().map(|cell| &cell.data_type).collect();
            Column {
                name: self.semantics.column_of_values(place).map(Into::into),
                data_type: self.semantics.common(&types).unwrap_or_default(),
                nullable: Nullability::of_any(cells.iter().map(|cell| cell.nullable)),
                ..Column::default()
            }
        };
        let columns = Columns::closed((0..width).map(column).collect());
        Query { body: Body::Values(rows), columns, ..Query::opaque(span) }
    }

    /// What a clause sees of the select list.
    pub(super) fn seeing<T>(&mut self, aliases: AliasScope, bind: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.scope().sees_aliases, aliases);
        let bound = bind(self);
        self.scope().sees_aliases = before;
        bound
    }
}

/// What of ORDER BY and LIMIT is in no expression.
fn choice(query: &ast::Query) -> String {
    let mut parts = Vec::new();
    if let Some(order_by) = &query.order_by {
        match &order_by.kind {
            OrderByKind::All(options) => parts.push(format!("all {options}")),
            OrderByKind::Expressions(exprs) => {
                parts.extend(exprs.iter().map(|order| format!("{} {:?}", order.options, order.with_fill)));
            }
        }
        parts.extend(order_by.interpolate.iter().map(|interpolate| format!("{interpolate:?}")));
    }
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
            parts.push(format!("limit {} {} {}", limit.is_some(), offset.is_some(), limit_by.len()));
        }
        Some(LimitClause::OffsetCommaLimit { .. }) => parts.push("offset, limit".to_owned()),
        None => {}
    }
    parts.extend(query.fetch.iter().map(|fetch| format!("fetch {} {}", fetch.with_ties, fetch.percent)));
    parts.join("; ")
}

/// Of EXCEPT only rows of the first half are left.
fn keep_nulls_of(mut columns: Columns, left: &Columns) -> Columns {
    for (column, first) in columns.known.iter_mut().zip(&left.known) {
        column.nullable = first.nullable;
    }
    columns
}
