//! `*` and `t.*`.

use std::sync::Arc;

use sqlparser::ast::{self, ExcludeSelectItem, RenameSelectItem, SelectItemQualifiedWildcardKind, Spanned};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::scope::{Merged, Scope};
use crate::analysis::bound::{Columns, Expr, ExprKind, Item, Origin, SourceId, Unbound};
use crate::relation::DataType;

/// What stands behind a star.
struct Changes<'a> {
    /// EXCEPT, EXCLUDE.
    without: Vec<&'a ast::Ident>,
    /// REPLACE.
    replaced: Vec<&'a ast::ReplaceSelectElement>,
    /// RENAME.
    renamed: Vec<&'a ast::IdentWithAlias>,
    /// Whether a pattern chooses the columns.
    is_chosen: bool,
}

/// A column that a star gives.
struct Given {
    name: Arc<str>,
    expr: Expr,
    /// Where it comes from, if the expression does not say it.
    origins: Option<Vec<Origin>>,
}

impl Given {
    fn new(name: Arc<str>, expr: Expr) -> Self {
        Self { name, expr, origins: None }
    }
}

impl Binder<'_> {
    pub(super) fn star(
        &mut self,
        options: &ast::WildcardAdditionalOptions,
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        let span = options.wildcard_token.0.span;
        let scope = self.scope();
        let (sources, merged) = (scope.sources.clone(), scope.merged.clone());
        if scope.is_open {
            columns.is_open = true;
        }
        let mut given = Vec::new();
        if self.semantics.puts_using_first() {
            given.extend(
                merged.iter().map(|merged| Given::new(merged.name.clone(), self.merged_column(merged, 0, span))),
            );
            self.columns_of(&sources, &merged, false, span, &mut given, columns);
        } else {
            self.columns_of(&sources, &merged, true, span, &mut given, columns);
        }
        self.give(given, &changes(options), &sources, projection, columns);
    }

    /// The columns of sources without those that USING has made one; or with these where the first of them stands.
    fn columns_of(
        &mut self,
        sources: &[SourceId],
        merged: &[Merged],
        with_merged: bool,
        span: Span,
        given: &mut Vec<Given>,
        columns: &mut Columns,
    ) {
        for id in sources {
            columns.is_open |= self.source(*id).columns.is_open;
            let visible: Vec<(usize, Option<Arc<str>>)> =
                self.source(*id).columns.visible().map(|(place, column)| (place, column.name.clone())).collect();
            for (place, name) in visible {
                let own = merged.iter().find(|merged| merged.parts.contains(&(*id, Some(place))));
                let expr = match own {
                    Some(merged) if with_merged && merged.parts[0] == (*id, Some(place)) => {
                        self.merged_column(merged, 0, span)
                    }
                    Some(_) => continue,
                    None => self.column_of(*id, Some(place), name.as_deref().unwrap_or_default(), 0, false, span),
                };
                given.push(Given::new(name.unwrap_or_default(), expr));
            }
        }
    }

    pub(super) fn qualified_star(
        &mut self,
        of: &SelectItemQualifiedWildcardKind,
        options: &ast::WildcardAdditionalOptions,
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        let span = of.span();
        let SelectItemQualifiedWildcardKind::ObjectName(name) = of else {
            let SelectItemQualifiedWildcardKind::Expr(expr) = of else { return };
            let value = self.expr(expr);
            return self.fields_of(value, &changes(options), projection, columns);
        };
        let parts = self.path_of(name);
        let named = |scope: &Scope| scope.sources.iter().chain(&scope.ranges).copied().collect::<Vec<_>>();
        let sources: Vec<SourceId> = self.scopes.iter().rev().filter(|scope| scope.is_seen()).flat_map(named).collect();
        let is_it = |id: &SourceId| {
            let source = self.source(*id);
            let by_name = matches!(parts.as_slice(), [only] if source.name.as_deref().is_some_and(|name| self.is_same(name, only)));
            by_name || parts.len() > 1 && ends_with(&source.path, &parts)
        };
        if let Some(source) = sources.iter().copied().find(is_it) {
            let mut given = Vec::new();
            self.columns_of(&[source], &[], false, span, &mut given, columns);
            return self.give(given, &changes(options), &[source], projection, columns);
        }
        let is_column = parts.len() > 1 || self.rules.fields;
        if is_column {
            let value = if let [only] = parts.as_slice() {
                let before = self.bound.unbound.len();
                let value = self.column(only, span);
                if self.bound.unbound.len() > before {
                    self.bound.unbound.truncate(before);
                    self.unbound(only, Unbound::Source(self.scope_sources()), span);
                }
                value
            } else {
                self.path(&parts, span)
            };
            return self.fields_of(value, &changes(options), projection, columns);
        }
        columns.is_open = true;
        if let [only] = parts.as_slice()
            && !self.scope().is_open
        {
            self.unbound(only, Unbound::Source(self.scope_sources()), span);
        }
        self.give(Vec::new(), &changes(options), &[], projection, columns);
    }

    fn scope_sources(&self) -> Vec<SourceId> {
        self.scopes.last().map(|scope| scope.sources.clone()).unwrap_or_default()
    }

    /// The fields of a struct as columns.
    fn fields_of(&mut self, value: Expr, changes: &Changes<'_>, projection: &mut Vec<Item>, columns: &mut Columns) {
        let DataType::Struct(fields) = value.data_type.clone() else {
            columns.is_open = true;
            return self.give(Vec::new(), changes, &[], projection, columns);
        };
        let span = value.span;
        let mut given = Vec::new();
        for field in fields {
            let Some(name) = field.name else {
                columns.is_open = true;
                continue;
            };
            let origins = self.origins_of(&value, &name);
            let expr = Expr { data_type: field.data_type, ..Expr::unknown(span) };
            given.push(Given { name: name.into(), expr, origins: Some(origins) });
        }
        // What is read stands in the first one.
        if let Some(first) = given.first_mut() {
            first.expr.kind = ExprKind::Other(vec![value]);
        }
        self.give(given, changes, &[], projection, columns);
    }

    fn give(
        &mut self,
        given: Vec<Given>,
        changes: &Changes<'_>,
        sources: &[SourceId],
        projection: &mut Vec<Item>,
        columns: &mut Columns,
    ) {
        let is_open = columns.is_open;
        columns.is_open |= changes.is_chosen;
        if changes.is_chosen {
            return;
        }
        let mentioned = changes.without.iter().map(|name| (self.name(name), name.span));
        let mentioned: Vec<(String, Span)> = mentioned
            .chain(changes.replaced.iter().map(|element| (self.name(&element.column_name), element.column_name.span)))
            .collect();
        for (name, span) in mentioned {
            if !is_open && !given.iter().any(|given| self.is_same(&given.name, &name)) {
                self.unbound(&name, Unbound::Column(sources.to_vec()), span);
            }
        }
        let is_given = |element: &&ast::ReplaceSelectElement| {
            let name = self.name(&element.column_name);
            given.iter().any(|given| self.is_same(&given.name, &name))
        };
        let elsewhere: Vec<_> = changes.replaced.iter().copied().filter(|element| !is_given(element)).collect();
        for Given { name, expr, origins } in given {
            if changes.without.iter().any(|without| self.is_same(&self.name(without), &name)) {
                continue;
            }
            let is_it = |identifier: &ast::Ident| self.is_same(&self.name(identifier), &name);
            let replaced = changes.replaced.iter().find(|element| is_it(&element.column_name));
            let renamed = changes.renamed.iter().find(|renamed| is_it(&renamed.ident));
            let (expr, origins, name) = match (replaced, renamed) {
                (Some(element), _) => (self.expr(&element.expr), None, name),
                (None, Some(renamed)) => (expr, origins, self.name(&renamed.alias).into()),
                (None, None) => (expr, origins, name),
            };
            let name = (!name.is_empty()).then_some(name);
            let origins = origins.unwrap_or_else(|| self.origins_of(&expr, ""));
            self.add_item_from(expr, origins, name, None, projection, columns);
            if let Some(item) = projection.last_mut() {
                item.from_star = true;
            }
        }
        // A column that is not known to be there is given all the same, and what it is made from is read.
        for element in elsewhere {
            let expr = self.expr(&element.expr);
            self.add_item(expr, Some(self.name(&element.column_name).into()), None, projection, columns);
        }
    }
}

fn ends_with(path: &[String], parts: &[String]) -> bool {
    let same = |(one, other): (&String, &String)| one.eq_ignore_ascii_case(other);
    path.len() >= parts.len() && path[path.len() - parts.len()..].iter().zip(parts).all(same)
}

fn changes(options: &ast::WildcardAdditionalOptions) -> Changes<'_> {
    let mut without: Vec<&ast::Ident> = Vec::new();
    if let Some(except) = &options.opt_except {
        without.push(&except.first_element);
        without.extend(&except.additional_elements);
    }
    let of_name = |name: &'_ ast::ObjectName| -> Option<usize> { (!name.0.is_empty()).then(|| name.0.len() - 1) };
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => {
            without.extend(of_name(name).and_then(|last| name.0[last].as_ident()));
        }
        Some(ExcludeSelectItem::Multiple(names)) => {
            for name in names {
                without.extend(of_name(name).and_then(|last| name.0[last].as_ident()));
            }
        }
        None => {}
    }
    let replaced = options.opt_replace.iter().flat_map(|replace| replace.items.iter().map(|item| &**item)).collect();
    let renamed = match &options.opt_rename {
        Some(RenameSelectItem::Single(one)) => vec![one],
        Some(RenameSelectItem::Multiple(several)) => several.iter().collect(),
        None => Vec::new(),
    };
    Changes { without, replaced, renamed, is_chosen: options.opt_ilike.is_some() || options.opt_alias.is_some() }
}
