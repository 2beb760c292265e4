//! What names can be seen from a place in a query.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use super::Binder;
use crate::analysis::bound::{Column, Expr, ExprKind, Origin, Source, SourceId, SourceKind, Unbound, UnboundName};
use crate::dialect::semantics::AliasScope;
use crate::relation::{DataType, Nullability};

/// What can be seen of one query.
#[derive(Debug)]
pub(super) struct Scope {
    /// What stands in its FROM so far.
    pub(super) sources: Vec<SourceId>,
    /// Columns that USING and NATURAL have made one.
    pub(super) merged: Vec<Merged>,
    /// The columns of its select list so far.
    pub(super) aliases: Vec<Alias>,
    /// Whether the clause at hand sees these.
    pub(super) sees_aliases: AliasScope,
    /// How it is seen from the query within it that is being bound.
    pub(super) sight: Sight,
    /// Whether there may be names in it that are not known.
    pub(super) is_open: bool,
    /// Whether its select list has columns that are not known.
    pub(super) lists_unknown: bool,
    /// How many columns the clause at hand can name by a number; `None` if nobody knows.
    pub(super) listed: Option<usize>,
    /// The windows that it defines by a name; `None` if there may be others.
    pub(super) windows: Option<Vec<String>>,
    /// Sources earlier in a pipe whose names can still be written before a column.
    pub(super) ranges: Vec<SourceId>,
}

/// Columns that USING has made one.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) name: Arc<str>,
    /// Those that it is made of, in the order of their sources.
    pub(super) parts: Vec<(SourceId, Option<usize>)>,
    /// Which of them it is: all, so that the first that is not NULL counts, or one.
    pub(super) of: Option<usize>,
}

/// A column of a select list.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// `None` if it has none that can be referred to.
    pub(super) name: Option<Arc<str>>,
    pub(super) data_type: DataType,
    pub(super) nullable: Nullability,
    pub(super) origins: Vec<Origin>,
    /// Whether it is an expression with a name, or only a column that keeps its own.
    pub(super) is_named: bool,
    /// Whether it is another value each time.
    pub(super) is_volatile: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            sources: Vec::new(),
            merged: Vec::new(),
            aliases: Vec::new(),
            sees_aliases: AliasScope::Hidden,
            sight: Sight::Full,
            is_open: false,
            lists_unknown: false,
            listed: None,
            windows: None,
            ranges: Vec::new(),
        }
    }
}

impl Scope {
    pub(super) fn is_seen(&self) -> bool {
        self.sight != Sight::None
    }
}

/// How a query sees the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Full,
    /// All of it, though it hardly ever means to: what may be a name of its own is one.
    Faint,
    /// Nothing, from a query in a FROM.
    None,
}

/// What a name means.
enum Found {
    Column {
        source: SourceId,
        column: Option<usize>,
    },
    Merged(Merged),
    Alias(usize),
    Row(SourceId),
    Ambiguous(Vec<SourceId>),
    /// It may be in one of several places.
    Perhaps,
    Nothing,
}

impl Binder<'_> {
    /// What is seen right now.
    pub(super) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope { is_open: true, ..Scope::default() });
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// A name without a dot.
    pub(super) fn column(&mut self, name: &str, span: Span) -> Expr {
        if let Some(parameter) = self.parameter(name, span) {
            return parameter;
        }
        let mut in_sight = Vec::new();
        for (levels, scope) in self.scopes.iter().rev().filter(|scope| scope.is_seen()).enumerate() {
            match self.find(scope, levels, name) {
                Found::Column { source, column } => return self.column_of(source, column, name, levels, false, span),
                Found::Merged(merged) => return self.merged_column(&merged, levels, span),
                Found::Alias(place) if levels == 0 => {
                    let alias = &scope.aliases[place];
                    let (data_type, nullable) = (alias.data_type.clone(), alias.nullable);
                    return Expr { kind: ExprKind::Alias(place), data_type, nullable, span };
                }
                Found::Row(source) => return self.row(source, span),
                Found::Ambiguous(sources) => return self.unbound(name, Unbound::Ambiguous(sources), span),
                Found::Perhaps | Found::Alias(_) => return unbound(span),
                Found::Nothing => in_sight.extend(&scope.sources),
            }
        }
        let lower = name.to_lowercase();
        if self.semantics.values().contains(&lower.as_str()) && !self.variables.may_have(&lower) {
            return self.make_call(&lower, Vec::new(), span);
        }
        if self.scopes.is_empty() || self.may_be_other(name) {
            return unbound(span);
        }
        self.unbound(name, Unbound::Column(in_sight), span)
    }

    /// Whether something else than a column may be called so.
    fn may_be_other(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        self.variables.may_have(&lower)
            || lower.starts_with('@')
            || lower.starts_with('$')
            || lower.starts_with(':')
            || lower == "?"
            || self.semantics.values().contains(&lower.as_str())
    }

    /// What a name means in a scope that is so many queries further out than the innermost one.
    fn find(&self, scope: &Scope, levels: usize, name: &str) -> Found {
        let alias = |named_only: bool| {
            let is_it = |alias: &Alias| {
                (alias.is_named || !named_only) && alias.name.as_deref().is_some_and(|alias| self.is_same(alias, name))
            };
            scope.aliases.iter().position(is_it)
        };
        if scope.sees_aliases == AliasScope::BeforeColumns
            && let Some(place) = alias(false)
        {
            return Found::Alias(place);
        }
        let row = scope.sources.iter().chain(&scope.ranges).copied().find(|id| self.is_called(*id, name));
        let row = row.map(|source| self.row_or_element(source, name));
        let (row_before, row_after) = match self.rules.whole_rows {
            AliasScope::BeforeColumns => (row, None),
            AliasScope::AfterColumns => (None, row),
            AliasScope::Hidden => (None, None),
        };
        if let Some(row) = row_before {
            return row;
        }
        if let Some(merged) = scope.merged.iter().find(|merged| self.is_same(&merged.name, name)) {
            return Found::Merged(merged.clone());
        }
        let mut found = Vec::new();
        for id in &scope.sources {
            for (place, column) in self.source(*id).columns.known.iter().enumerate() {
                if column.name.as_deref().is_some_and(|column| self.is_same(column, name)) {
                    found.push((*id, place));
                }
            }
        }
        match found.as_slice() {
            [(source, column)] => return Found::Column { source: *source, column: Some(*column) },
            [] => {}
            several => {
                let mut sources: Vec<SourceId> = several.iter().map(|(source, _)| *source).collect();
                sources.dedup();
                return Found::Ambiguous(sources);
            }
        }
        if scope.sees_aliases == AliasScope::AfterColumns
            && let Some(place) = alias(true)
        {
            return Found::Alias(place);
        }
        let is_open = |id: &&SourceId| self.source(**id).columns.may_have_others();
        if let Some(row) = row_after {
            return row;
        }
        if self.is_pseudo_column(scope, name) {
            return Found::Perhaps;
        }
        let open: Vec<&SourceId> = scope.sources.iter().filter(is_open).collect();
        match open.as_slice() {
            [] if scope.is_open => Found::Perhaps,
            [] => Found::Nothing,
            // A name of which the queries around know nothing is one of the source of which nothing is known.
            [one] if !scope.is_open && !self.may_be_other(name) && !self.is_known_outside(levels, name) => {
                Found::Column { source: **one, column: None }
            }
            _ => Found::Perhaps,
        }
    }

    /// What a source of that name gives in a row: all of it, or the element of an array where that is no struct.
    fn row_or_element(&self, source: SourceId, name: &str) -> Found {
        let Source { kind: SourceKind::Values(arrays), columns, .. } = self.source(source) else {
            return Found::Row(source);
        };
        let is_of_structs = |array: &Expr| match &array.data_type {
            DataType::Array(element) => matches!(**element, DataType::Struct(_)),
            _ => false,
        };
        let is_it = |column: &Column| column.name.as_deref().is_some_and(|column| self.is_same(column, name));
        match columns.known.iter().position(is_it) {
            Some(place) if !arrays.iter().any(is_of_structs) => Found::Column { source, column: Some(place) },
            _ => Found::Row(source),
        }
    }

    /// Whether a query around that scope may have something of that name.
    fn is_known_outside(&self, levels: usize, name: &str) -> bool {
        self.is_called_outside(levels, name)
            || self.around(levels).any(|scope| {
                scope.sources.iter().any(|id| {
                    let columns = &self.source(*id).columns;
                    let mut names = columns.known.iter().filter_map(|column| column.name.as_deref());
                    columns.may_have_others() || names.any(|column| self.is_same(column, name))
                })
            })
    }

    /// Whether a source of a query around that scope is called so. Hardly any column has the name of such a source, so in
    /// `o.id` it is meant, whatever columns the sources further in may have of which nothing is known.
    fn is_called_outside(&self, levels: usize, name: &str) -> bool {
        self.around(levels).any(|scope| scope.sources.iter().chain(&scope.ranges).any(|id| self.is_called(*id, name)))
    }

    /// The queries around that scope that it sees on purpose.
    fn around(&self, levels: usize) -> impl Iterator<Item = &Scope> {
        let visible: Vec<&Scope> = self.scopes.iter().filter(|scope| scope.is_seen()).collect();
        let around = visible.len().saturating_sub(levels + 1);
        visible.into_iter().take(around).filter(|scope| scope.sight == Sight::Full)
    }

    fn is_pseudo_column(&self, scope: &Scope, name: &str) -> bool {
        let reads_relation = scope.sources.iter().any(|id| !self.source(*id).path.is_empty());
        reads_relation && self.semantics.pseudo_columns().iter().any(|pseudo| pseudo.eq_ignore_ascii_case(name))
    }

    pub(super) fn is_called(&self, id: SourceId, name: &str) -> bool {
        self.source(id).name.as_deref().is_some_and(|called| self.is_same(called, name))
    }

    /// A name with dots.
    pub(super) fn path(&mut self, parts: &[String], span: Span) -> Expr {
        let Some((first, rest)) = parts.split_first() else { return unbound(span) };
        let Some((second, fields)) = rest.split_first() else { return self.column(first, span) };
        if let Some(parameter) = self.parameter(first, span) {
            return self.fields(parameter, rest, span);
        }
        let (mut in_sight, mut is_open) = (Vec::new(), false);
        for (levels, scope) in self.scopes.iter().rev().filter(|scope| scope.is_seen()).enumerate() {
            let named = scope.sources.iter().chain(&scope.ranges);
            if let Some(source) = named.copied().find(|id| self.is_called(*id, first)) {
                return self.member(source, first, second, fields, levels, span);
            }
            // `schema.table.column`
            let by_path = |id: &SourceId| self.path_length(*id, parts);
            if let Some((source, length)) = scope.sources.iter().find_map(|id| Some((*id, by_path(id)?))) {
                let (name, fields) = (&parts[length], &parts[length + 1..]);
                return self.member(source, first, name, fields, levels, span);
            }
            let is_column = self.rules.fields
                && match self.find(scope, levels, first) {
                    Found::Nothing => false,
                    Found::Perhaps | Found::Column { column: None, .. } => !self.is_called_outside(levels, first),
                    _ => true,
                };
            if is_column {
                let root = self.column(first, span);
                return self.fields(root, rest, span);
            }
            is_open |= scope.is_open
                || scope.sources.iter().any(|id| {
                    let source = self.source(*id);
                    source.columns.may_have_others() && (self.rules.fields || source.name.is_none())
                });
            in_sight.extend(&scope.sources);
        }
        if is_open || self.scopes.is_empty() || self.may_be_other(first) {
            return unbound(span);
        }
        self.unbound(first, Unbound::Source(in_sight), span)
    }

    /// The parts of a name with dots. A path in one pair of quotes counts as many where it names a relation in sight:
    /// `` `project.schema.table`.column ``.
    pub(super) fn names_of(&self, identifiers: &[&ast::Ident]) -> Vec<String> {
        let path = self.parts_of(identifiers.iter().copied());
        let mut sources = self.scopes.iter().filter(|scope| scope.is_seen()).flat_map(|scope| &scope.sources);
        if path.len() > identifiers.len() && sources.any(|id| self.path_length(*id, &path).is_some()) {
            return path;
        }
        identifiers.iter().map(|part| self.name(part)).collect()
    }

    /// Whether a column or a relation is surely called so.
    pub(super) fn is_in_sight(&self, name: &str) -> bool {
        let visible = self.scopes.iter().rev().filter(|scope| scope.is_seen()).enumerate();
        let mut found = visible.map(|(levels, scope)| self.find(scope, levels, name));
        found.any(|found| !matches!(found, Found::Nothing | Found::Perhaps | Found::Column { column: None, .. }))
    }

    /// How many of the parts name the source by its path, if a column follows.
    pub(super) fn path_length(&self, id: SourceId, parts: &[String]) -> Option<usize> {
        let source = self.source(id);
        // An alias hides the path.
        let is_hidden = source.path.last().is_none_or(|last| !self.is_called(id, last));
        if is_hidden {
            return None;
        }
        (2..parts.len()).find(|length| {
            let start = source.path.len().checked_sub(*length);
            let same = |path: &[String]| path.iter().zip(parts).all(|(one, other)| self.is_same(one, other));
            start.is_some_and(|start| same(&source.path[start..]))
        })
    }

    fn member(
        &mut self,
        source: SourceId,
        qualifier: &str,
        name: &str,
        fields: &[String],
        levels: usize,
        span: Span,
    ) -> Expr {
        let columns = &self.source(source).columns;
        let is_it = |name: &str, column: Option<&str>| column.is_some_and(|column| self.is_same(column, name));
        let mut found = (0..columns.known.len()).filter(|place| is_it(name, columns.known[*place].name.as_deref()));
        let (first, second) = (found.next(), found.next());
        let is_pseudo = self.semantics.pseudo_columns().iter().any(|pseudo| pseudo.eq_ignore_ascii_case(name));
        let root = match (first, second) {
            (Some(_), Some(_)) => return self.unbound(name, Unbound::Ambiguous(vec![source]), span),
            (Some(column), None) => self.column_of(source, Some(column), name, levels, true, span),
            (None, _) if columns.may_have_others() => self.column_of(source, None, name, levels, true, span),
            (None, _) if is_pseudo => unbound(span),
            (None, _) => {
                // `item.field`, where `item` is one column that has the name of its source.
                let own = columns.known.iter().position(|column| is_it(qualifier, column.name.as_deref()));
                let Some(column) = own.filter(|_| self.rules.fields) else {
                    return self.unbound(name, Unbound::ColumnOf(source), span);
                };
                let root = self.column_of(source, Some(column), qualifier, levels, false, span);
                self.fields(root, &[name.to_owned()], span)
            }
        };
        self.fields(root, fields, span)
    }

    /// A column that is known to be there, or that can be nowhere else.
    pub(super) fn column_of(
        &self,
        source: SourceId,
        column: Option<usize>,
        name: &str,
        levels: usize,
        is_qualified: bool,
        span: Span,
    ) -> Expr {
        let known = column.and_then(|column| self.source(source).columns.known.get(column));
        let data_type = known.map(|column| column.data_type.clone()).unwrap_or_default();
        let nullable = match known {
            _ if self.source(source).is_optional => Nullability::Nullable,
            Some(column) => column.nullable,
            None => Nullability::Unknown,
        };
        let name = known.and_then(|column| column.name.clone()).unwrap_or_else(|| name.into());
        Expr { kind: ExprKind::Column { source, column, name, levels, is_qualified }, data_type, nullable, span }
    }

    pub(super) fn merged_column(&self, merged: &Merged, levels: usize, span: Span) -> Expr {
        let part = |(source, column): (SourceId, Option<usize>)| {
            self.column_of(source, column, &merged.name, levels, false, span)
        };
        if let Some(place) = merged.of {
            return part(merged.parts[place]);
        }
        let parts = merged.parts.iter().copied().map(part).collect();
        self.make_call("coalesce", parts, span)
    }

    pub(super) fn row(&self, source: SourceId, span: Span) -> Expr {
        let nullable = if self.source(source).is_optional { Nullability::Nullable } else { Nullability::Unknown };
        Expr { kind: ExprKind::Row(source), data_type: self.row_type(source), nullable, span }
    }

    /// Values inside of structs, one inside of the other.
    pub(super) fn fields(&mut self, root: Expr, names: &[String], span: Span) -> Expr {
        names.iter().fold(root, |of, name| self.field(of, name, span))
    }

    pub(super) fn field(&mut self, of: Expr, name: &str, span: Span) -> Expr {
        let data_type = match &of.data_type {
            DataType::Struct(fields) => {
                let is_it = |field: Option<&str>| field.is_some_and(|field| field.eq_ignore_ascii_case(name));
                let is_known = fields.iter().all(|field| field.name.is_some());
                match fields.iter().find(|field| is_it(field.name.as_deref())) {
                    Some(field) => field.data_type.clone(),
                    None if is_known => {
                        let reason = Unbound::Field(of.data_type.clone());
                        return self.unbound(name, reason, span);
                    }
                    None => DataType::Unknown,
                }
            }
            DataType::Json => DataType::Json,
            _ => DataType::Unknown,
        };
        Expr {
            kind: ExprKind::Field { of: Box::new(of), name: name.to_owned() },
            data_type,
            nullable: Nullability::Unknown,
            span,
        }
    }

    pub(super) fn unbound(&mut self, name: &str, reason: Unbound, span: Span) -> Expr {
        self.bound.unbound.push(UnboundName { name: name.to_owned(), reason, span });
        unbound(span)
    }
}

pub(super) fn unbound(span: Span) -> Expr {
    Expr { kind: ExprKind::Unbound, data_type: DataType::Unknown, nullable: Nullability::Unknown, span }
}
