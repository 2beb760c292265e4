//! One SELECT.

use std::sync::Arc;

use sqlparser::ast::{self, GroupByExpr, SelectItem, Spanned, ValueTableMode};
use sqlparser::tokenizer::Span;

use super::scope::{Alias, Scope};
use super::{Binder, around};
use crate::analysis::bound::{
    Body, Column, Columns, Distinct, Expr, ExprKind, Grouping, Influence, InfluenceKind, Item, Origin, OriginKind,
    Query, RowForm, Select, SourceId, SourceKind, Turn, Turned,
};
use crate::analysis::{keys, nulls};
use crate::dialect::semantics::AliasScope;
use crate::relation::{DataType, Field};

impl Binder<'_> {
    pub(super) fn select(&mut self, select: &ast::Select, order_by: Option<&ast::OrderBy>) -> Query {
        let windows = select.named_window.iter().map(|window| self.name(&window.0)).collect();
        self.scopes.push(Scope { windows: Some(windows), ..Scope::default() });
        let joins = self.from(&select.from);
        let is_odd = !select.lateral_views.is_empty() || !select.connect_by.is_empty() || select.into.is_some();
        if is_odd {
            self.scope().is_open = true;
        }
        self.bound.is_partial |= is_odd
            || select.top.is_some()
            || matches!(select.value_table_mode, Some(ValueTableMode::AsValue | ValueTableMode::DistinctAsValue))
            || !select.named_window.is_empty()
            || matches!(&select.group_by, GroupByExpr::All(modifiers) if !modifiers.is_empty());
        // A word of its own is the column of a hierarchical query: LEVEL.
        let early_filter = if self.rules.aliases_in_where { None } else { self.filter(select) };
        let mut columns = Columns::default();
        let projection = match select.flavor {
            ast::SelectFlavor::FromFirstNoSelect => {
                let mut projection = Vec::new();
                self.star(&ast::WildcardAdditionalOptions::default(), &mut projection, &mut columns);
                projection
            }
            _ => self.projection(&select.projection, &mut columns),
        };
        self.scope().lists_unknown = columns.is_open;
        let listed = (!columns.is_open).then_some(columns.known.len());
        let counts_order = order_by.is_some() && self.semantics.groups_by_order_keys();
        self.scope().listed = listed.filter(|_| !counts_order);
        let filter = if self.rules.aliases_in_where {
            self.seeing(AliasScope::AfterColumns, |binder| binder.filter(select))
        } else {
            early_filter
        };
        let grouping = self.grouping(&select.group_by);
        self.scope().listed = listed;
        let in_having = self.rules.aliases_in_having;
        let having = select.having.as_ref().map(|having| self.seeing(in_having, |binder| binder.expr(having)));
        let in_qualify = self.rules.aliases_in_qualify;
        for ast::NamedWindowDefinition(_, window) in &select.named_window {
            if let ast::NamedWindowExpr::WindowSpec(spec) = window {
                self.seeing(AliasScope::Hidden, |binder| binder.window_spec(spec));
            }
        }
        let qualify = select.qualify.as_ref().map(|qualify| self.seeing(in_qualify, |binder| binder.expr(qualify)));
        let distinct = match &select.distinct {
            Some(ast::Distinct::Distinct) => Distinct::Rows,
            Some(ast::Distinct::On(exprs)) => Distinct::On(self.seeing(AliasScope::BeforeColumns, |binder| {
                exprs.iter().map(|expr| binder.by_alias_or_place(expr)).collect()
            })),
            Some(ast::Distinct::All) | None => match select.value_table_mode {
                Some(ValueTableMode::DistinctAsStruct | ValueTableMode::DistinctAsValue) => Distinct::Rows,
                _ => Distinct::All,
            },
        };
        let order_by = order_by.map(|order| self.seeing(AliasScope::BeforeColumns, |binder| binder.order_by(order)));
        let span = select.select_token.0.span;
        let sources = self.scope().sources.clone();
        let stars = select.projection.iter().filter_map(star_of).collect();
        let form = form_of(select.value_table_mode);
        let bound =
            Select { sources, joins, projection, stars, distinct, filter, grouping, having, qualify, form, span };
        nulls::settle(&bound, &mut columns, &self.bound);
        let influences = self.influences_of(&bound);
        if matches!(select.value_table_mode, Some(ValueTableMode::AsValue | ValueTableMode::DistinctAsValue)) {
            columns = value_table(&columns);
        }
        self.scopes.pop();
        let keys = keys::of_select(&bound, &columns, &self.bound);
        let span = around(std::iter::once(span).chain(bound.projection.iter().map(|item| item.expr.span)));
        Query {
            body: Body::Select(Box::new(bound)),
            order_by: order_by.unwrap_or_default(),
            columns,
            influences,
            keys,
            ..Query::opaque(span)
        }
    }

    fn filter(&mut self, select: &ast::Select) -> Option<Expr> {
        select.selection.as_ref().map(|filter| self.expr(filter))
    }

    /// The select list. What it gives is added to `columns`.
    pub(super) fn projection(&mut self, items: &[SelectItem], columns: &mut Columns) -> Vec<Item> {
        let mut projection = Vec::with_capacity(items.len());
        let mut unnamed = 0;
        for item in items {
            let lateral = if self.rules.lateral_aliases { AliasScope::AfterColumns } else { AliasScope::Hidden };
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let bound = self.seeing(lateral, |binder| binder.expr(expr));
                    let name = if let Some(name) = own_name(expr, self.semantics.calls_fields_by_name()) {
                        Some(self.name(name).into())
                    } else if let (ast::Expr::Prefixed { .. }, ExprKind::Column { name, .. }) = (expr, &bound.kind) {
                        Some(name.clone())
                    } else {
                        unnamed += 1;
                        self.semantics.unnamed(expr, unnamed - 1).map(Into::into)
                    };
                    self.add_items(expr, bound, name, None, &mut projection, columns);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let bound = self.seeing(lateral, |binder| binder.expr(expr));
                    let name = Some(self.name(alias).into());
                    self.add_items(expr, bound, name, Some(alias.span), &mut projection, columns);
                }
                SelectItem::Wildcard(options) => self.star(options, &mut projection, columns),
                SelectItem::QualifiedWildcard(of, options) => {
                    self.qualified_star(of, options, &mut projection, columns);
                }
                SelectItem::ExprWithAliases { expr, .. } => {
                    self.expr(expr);
                    columns.is_open = true;
                }
            }
        }
        projection
    }

    pub(super) fn add_item(
        &mut self,
        expr: Expr,
        name: Option<Arc<str>>,
        named_at: Option<Span>,
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        let origins = self.origins_of(&expr, "");
        self.add_item_from(expr, origins, name, named_at, projection, columns);
    }

    /// The columns that the field at a path of a value comes from, each once, in order.
    pub(super) fn origins_of(&self, expr: &Expr, path: &str) -> Vec<Origin> {
        let mut origins = Vec::new();
        self.origins_at(expr, path, OriginKind::Passed, &mut origins);
        origins.sort();
        origins.dedup();
        origins
    }

    /// Adds a column that comes from these.
    pub(super) fn add_item_from(
        &mut self,
        expr: Expr,
        origins: Vec<Origin>,
        name: Option<Arc<str>>,
        named_at: Option<Span>,
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        let (data_type, nullable, is_volatile) = (expr.data_type.clone(), expr.nullable, self.is_volatile(&expr));
        let alias = Alias {
            name: name.clone(),
            data_type: data_type.clone(),
            nullable,
            origins: origins.clone(),
            is_named: named_at.is_some(),
            is_volatile,
        };
        self.scope().aliases.push(alias);
        columns.known.push(Column { name, data_type, nullable, origins, is_hidden: false, is_volatile });
        projection.push(Item { expr, from_star: false, alias: named_at });
    }

    fn grouping(&mut self, group_by: &GroupByExpr) -> Grouping {
        let scope = self.rules.aliases_in_group_by;
        match group_by {
            GroupByExpr::All(_) => Grouping::All,
            GroupByExpr::Expressions(exprs, modifiers) if exprs.is_empty() && modifiers.is_empty() => Grouping::None,
            GroupByExpr::Expressions(exprs, modifiers) => self.seeing(scope, |binder| {
                let mut keys = Vec::new();
                let mut has_sets = !modifiers.is_empty();
                for expr in exprs {
                    match expr {
                        ast::Expr::GroupingSets(sets) | ast::Expr::Cube(sets) | ast::Expr::Rollup(sets) => {
                            has_sets = true;
                            keys.extend(sets.iter().flatten().map(|expr| binder.by_alias_or_place(expr)));
                        }
                        ast::Expr::Tuple(exprs) => {
                            keys.extend(exprs.iter().map(|expr| binder.by_alias_or_place(expr)));
                        }
                        expr => keys.push(binder.by_alias_or_place(expr)),
                    }
                }
                Grouping::By { keys, has_sets }
            }),
        }
    }

    pub(super) fn influences_of(&self, select: &Select) -> Vec<Influence> {
        let mut found = Vec::new();
        for source in &select.sources {
            found.extend(self.influences_of_source(*source));
        }
        for condition in select.joins.iter().filter_map(|join| join.condition.as_ref()) {
            self.influences(condition, InfluenceKind::Join, &mut found);
        }
        for filter in [&select.filter, &select.having, &select.qualify].into_iter().flatten() {
            self.influences(filter, InfluenceKind::Filter, &mut found);
        }
        let groups: Vec<&Expr> = match (&select.grouping, &select.distinct) {
            (Grouping::By { keys, .. }, _) | (Grouping::None, Distinct::On(keys)) => keys.iter().collect(),
            (Grouping::All, _) => {
                select.projection.iter().map(|item| &item.expr).filter(|expr| !expr.is_aggregated()).collect()
            }
            (Grouping::None, _) => Vec::new(),
        };
        for key in groups {
            self.influences(key, InfluenceKind::Group, &mut found);
        }
        for item in &select.projection {
            item.expr.walk(&mut |part| {
                found.extend(part.query().into_iter().flat_map(|query| query.influences.iter().cloned()));
                true
            });
        }
        found.sort();
        found.dedup();
        found
    }

    fn influences_of_source(&self, id: SourceId) -> Vec<Influence> {
        match &self.source(id).kind {
            SourceKind::Cte(id) => self.bound.cte(*id).query.influences.clone(),
            SourceKind::Derived(query) => query.influences.clone(),
            SourceKind::Turned(turned) => self.influences_of_turned(turned),
            _ => Vec::new(),
        }
    }

    /// The rows of PIVOT are groups of what it leaves.
    fn influences_of_turned(&self, turned: &Turned) -> Vec<Influence> {
        let mut found = self.influences_of_source(turned.of);
        if turned.turn == Turn::Pivot {
            let columns = &self.source(turned.of).columns.known;
            let groups = turned.kept.iter().filter_map(|place| columns.get(*place));
            found.extend(groups.flat_map(|column| &column.origins).map(|origin| Influence {
                relation: origin.relation.clone(),
                column: origin.column.clone(),
                kind: InfluenceKind::Group,
            }));
        }
        found
    }
}

/// What SELECT AS VALUE gives: the one column is the row, and the fields of a struct are its columns.
fn value_table(columns: &Columns) -> Columns {
    let Some(value) = columns.known.first() else { return Columns::unknown() };
    let DataType::Struct(fields) = &value.data_type else { return Columns::unknown() };
    let column = |field: &Field| {
        let name = field.name.as_deref().unwrap_or_default();
        Column {
            name: field.name.as_deref().map(Into::into),
            data_type: field.data_type.clone(),
            origins: value.origins.iter().filter_map(|origin| origin.at(name)).collect(),
            is_volatile: value.is_volatile,
            ..Column::default()
        }
    };
    Columns::closed(fields.iter().map(column).collect())
}

/// What a row is for those around a SELECT.
fn form_of(mode: Option<ValueTableMode>) -> RowForm {
    match mode {
        Some(_) => RowForm::Struct,
        None => RowForm::Columns,
    }
}

/// Where an item of a select list stands, if it is a star.
fn star_of(item: &SelectItem) -> Option<Span> {
    match item {
        SelectItem::Wildcard(options) => Some(options.wildcard_token.0.span),
        SelectItem::QualifiedWildcard(of, _) => Some(of.span()),
        _ => None,
    }
}

/// The name that an expression has by itself: that of its column, or of its field where a column is called so.
fn own_name(expr: &ast::Expr, calls_fields_by_name: bool) -> Option<&ast::Ident> {
    match expr {
        ast::Expr::Identifier(name) => Some(name),
        ast::Expr::CompoundIdentifier(names) => names.last(),
        ast::Expr::CompoundFieldAccess { access_chain, .. } if calls_fields_by_name => match access_chain.last()? {
            ast::AccessExpr::Dot(ast::Expr::Identifier(name)) => Some(name),
            _ => None,
        },
        ast::Expr::Nested(inner) => own_name(inner, calls_fields_by_name),
        _ => None,
    }
}
