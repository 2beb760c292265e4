//! What stands in a FROM, and how it is joined.

use std::sync::Arc;

use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};
use sqlparser::tokenizer::Span;

use super::scope::{Merged, Sight};
use super::{Binder, Known, around};
use crate::analysis::bound::{
    Column, Columns, CteId, Expr, Join, JoinKind, Origin, OriginKind, Part, Relation, Source, SourceId, SourceKind,
};
use crate::relation::{DataType, Field, Nullability};

impl Binder<'_> {
    /// Binds the items of a FROM into the scope at hand.
    pub(super) fn from(&mut self, items: &[ast::TableWithJoins]) -> Vec<Join> {
        let mut joins = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let first = self.table_with_joins(item, &mut joins);
            if place > 0
                && let Some(source) = first
            {
                let span = self.source(source).span;
                joins.push(Join { source, kind: JoinKind::Cross, condition: None, span });
            }
        }
        joins
    }

    fn table_with_joins(&mut self, item: &ast::TableWithJoins, joins: &mut Vec<Join>) -> Option<SourceId> {
        let first = self.factor(&item.relation, joins);
        for join in &item.joins {
            self.join(join, joins);
        }
        first
    }

    /// Adds a relation to the scope; gives the first source that it has become.
    fn factor(&mut self, factor: &TableFactor, joins: &mut Vec<Join>) -> Option<SourceId> {
        if let TableFactor::NestedJoin { table_with_joins, alias: None } = factor {
            return self.table_with_joins(table_with_joins, joins);
        }
        let source = self.relation(factor);
        let id = self.add_source(source);
        self.scope().sources.push(id);
        Some(id)
    }

    pub(super) fn join(&mut self, join: &ast::Join, joins: &mut Vec<Join>) {
        let before = self.scope().sources.clone();
        let Some(source) = self.factor(&join.relation, joins) else { return };
        let (kind, constraint) = kind_of(&join.join_operator);
        let span = self.source(source).span;
        let condition = match constraint {
            Some(JoinConstraint::On(condition)) => Some(self.expr(condition)),
            Some(JoinConstraint::Using(names)) => {
                let names = names.iter().filter_map(|name| name.0.first()?.as_ident());
                let names = names.map(|name| (self.name(name).into(), name.span)).collect();
                self.using(names, &before, source, kind)
            }
            Some(JoinConstraint::Natural) => self.natural(&before, source, kind, span),
            Some(JoinConstraint::None) | None => None,
        };
        if kind == JoinKind::Semi {
            // Its rows only choose among those before it; nothing but the condition sees them.
            self.scope().sources.retain(|id| before.contains(id));
        }
        let is_bare = condition.is_none() && kind == JoinKind::Inner;
        let kind = if is_bare { JoinKind::Cross } else { kind };
        self.mark_optional(kind, &before);
        joins.push(Join { source, kind, condition, span });
    }

    /// Notes which sources can now be rows of NULLs.
    fn mark_optional(&mut self, kind: JoinKind, before: &[SourceId]) {
        let all = self.scope().sources.clone();
        for id in all {
            let is_before = before.contains(&id);
            let is_optional = match kind {
                JoinKind::Left | JoinKind::Other => !is_before,
                JoinKind::Right => is_before,
                JoinKind::Full => true,
                JoinKind::Inner | JoinKind::Cross | JoinKind::Semi => false,
            };
            self.source_mut(id).is_optional |= is_optional;
        }
    }

    fn natural(&mut self, before: &[SourceId], source: SourceId, kind: JoinKind, span: Span) -> Option<Expr> {
        let is_open = |id: &SourceId| self.source(*id).columns.may_have_others();
        if is_open(&source) || before.iter().any(is_open) {
            // Which columns are one is not known, so neither is which of their names are ambiguous.
            self.scope().is_open = true;
            return None;
        }
        let left: Vec<Arc<str>> = before
            .iter()
            .flat_map(|id| self.source(*id).columns.visible())
            .filter_map(|(_, column)| column.name.clone())
            .collect();
        let right = self.source(source).columns.visible().filter_map(|(_, column)| column.name.clone());
        let shared = right.filter(|name| left.iter().any(|other| self.is_same(name, other)));
        let names = shared.map(|name| (name, span)).collect();
        self.using(names, before, source, kind)
    }

    /// Makes one column of those that have the same name; gives the comparison.
    fn using(
        &mut self,
        names: Vec<(Arc<str>, Span)>,
        before: &[SourceId],
        source: SourceId,
        kind: JoinKind,
    ) -> Option<Expr> {
        let mut condition: Option<Expr> = None;
        for (name, span) in names {
            let place = |id: SourceId| {
                let known = &self.source(id).columns.known;
                known.iter().position(|column| column.name.as_deref().is_some_and(|other| self.is_same(other, &name)))
            };
            let right_place = place(source);
            let earlier = self
                .scopes
                .last()
                .and_then(|scope| scope.merged.iter().position(|merged| self.is_same(&merged.name, &name)));
            let left = if let Some(earlier) = earlier {
                self.scope().merged[earlier].parts.clone()
            } else {
                let known = before.iter().find_map(|id| Some((*id, Some(place(*id)?))));
                let is_open = |id: &&SourceId| self.source(**id).columns.may_have_others();
                let open = || before.iter().find(is_open).map(|id| (*id, None));
                known.or_else(open).into_iter().collect()
            };
            let Some(first) = left.first().copied() else {
                let reason = crate::analysis::bound::Unbound::Column(before.to_vec());
                self.unbound(&name, reason, span);
                continue;
            };
            if right_place.is_none() && !self.source(source).columns.may_have_others() {
                self.unbound(&name, crate::analysis::bound::Unbound::ColumnOf(source), span);
                continue;
            }
            let compared = vec![
                self.column_of(first.0, first.1, &name, 0, true, span),
                self.column_of(source, right_place, &name, 0, true, span),
            ];
            let mut equal = Self::operation("=", compared, span);
            equal.data_type = DataType::Boolean;
            condition = Some(match condition {
                None => equal,
                Some(condition) => {
                    Expr { data_type: DataType::Boolean, ..Self::operation("and", vec![condition, equal], span) }
                }
            });
            let mut parts = left;
            parts.push((source, right_place));
            let of = match kind {
                JoinKind::Right => Some(parts.len() - 1),
                JoinKind::Full => None,
                _ if earlier.is_some_and(|earlier| self.scope().merged[earlier].of.is_none()) => None,
                _ => earlier.and_then(|earlier| self.scope().merged[earlier].of).or(Some(0)),
            };
            let merged = Merged { name, parts, of };
            match earlier {
                Some(earlier) => self.scope().merged[earlier] = merged,
                None => self.scope().merged.push(merged),
            }
        }
        condition
    }

    /// A relation, with the names that the query gives it.
    pub(super) fn relation(&mut self, factor: &TableFactor) -> Source {
        match factor {
            TableFactor::Table {
                name, alias, args: None, with_ordinality: false, version, sample, json_path, ..
            } => {
                self.bound.is_partial |= version.is_some() || sample.is_some() || json_path.is_some();
                self.table(name, alias.as_ref())
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.table_function(name, &args.args, *with_ordinality, alias.as_ref())
            }
            TableFactor::Function { name, args, with_ordinality, alias, .. } => {
                self.table_function(name, args, *with_ordinality, alias.as_ref())
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                self.bound.is_partial |= sample.is_some();
                self.derived(*lateral, subquery, alias.as_ref())
            }
            TableFactor::UNNEST { .. } => self.unnest(factor),
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => self.turned(factor),
            TableFactor::TableFunction { expr, alias } => {
                let arguments = vec![self.expr(expr)];
                self.values(arguments, Columns::unknown(), alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                // The sources inside are hidden behind the alias.
                self.scopes.push(super::scope::Scope::default());
                let mut joins = Vec::new();
                self.table_with_joins(table_with_joins, &mut joins);
                let scope = self.scopes.pop().unwrap_or_default();
                let span = around(scope.sources.iter().map(|id| self.source(*id).span));
                self.named_as(plain(SourceKind::Opaque, Columns::unknown(), span), alias.as_ref())
            }
            TableFactor::Table { .. } => {
                self.named_as(plain(SourceKind::Opaque, Columns::unknown(), Span::empty()), None)
            }
            other => {
                let alias = match other {
                    TableFactor::JsonTable { alias, .. }
                    | TableFactor::OpenJsonTable { alias, .. }
                    | TableFactor::MatchRecognize { alias, .. }
                    | TableFactor::XmlTable { alias, .. }
                    | TableFactor::SemanticView { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                self.named_as(plain(SourceKind::Opaque, Columns::unknown(), Span::empty()), alias)
            }
        }
    }

    fn table(&mut self, name: &ast::ObjectName, alias: Option<&ast::TableAlias>) -> Source {
        let identifiers: Vec<&ast::Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let span = around(identifiers.iter().map(|part| part.span));
        let path = self.path_of(name);
        if let [only] = path.as_slice()
            && let Some(cte) = self.find_cte(only)
        {
            return self.read_cte(cte, path, alias, span);
        }
        if path.len() > 1 && self.semantics.joins_arrays_by_path() && self.names_source(&path[0]) {
            // An array in a row of what stands before it: `from t, t.items`.
            let array = self.path(&path, span);
            let element = element(&array.data_type);
            let name = path.last().cloned();
            let mut columns = self.elements(&element, name.as_deref(), alias);
            if let Some(number) = alias.and_then(|alias| alias.at.as_ref()) {
                columns.known.push(self.number_of_element(number));
            }
            let mut source = self.values(vec![array], columns, None);
            (source.name, source.span) = (alias.map(|alias| self.name(&alias.name)).or(name), span);
            return source;
        }
        if let Some(columns) = self.made_before(&path) {
            return self.named_as(Source { path, ..plain(SourceKind::Undeclared, columns, span) }, alias);
        }
        let source = match self.relations.find(&path) {
            Some(Known { kind, columns, keys, is_whole }) => {
                Source { path, keys, is_whole, ..plain(kind, columns, span) }
            }
            None => Source { path, ..plain(SourceKind::Undeclared, Columns::unknown(), span) },
        };
        self.named_as(source, alias)
    }

    fn names_source(&self, name: &str) -> bool {
        let mut visible = self.scopes.iter().filter(|scope| scope.is_seen()).flat_map(|scope| &scope.sources);
        visible.any(|id| self.source(*id).name.as_deref().is_some_and(|called| self.is_same(called, name)))
    }

    fn find_cte(&self, name: &str) -> Option<CteId> {
        self.visible_ctes.iter().rev().copied().find(|id| self.is_same(&self.bound.cte(*id).name, name))
    }

    fn read_cte(&mut self, id: CteId, path: Vec<String>, alias: Option<&ast::TableAlias>, span: Span) -> Source {
        let cte = &mut self.bound.ctes[id.0 as usize];
        cte.uses += 1;
        let (columns, keys) = (cte.columns.clone(), cte.query.keys.clone());
        let columns = self.settled_in_from(columns);
        // The path is that of no relation.
        let name = path.into_iter().next();
        let mut source = Source { keys, ..plain(SourceKind::Cte(id), columns, span) };
        source.name = name;
        self.named_as(source, alias)
    }

    fn derived(&mut self, is_lateral: bool, query: &ast::Query, alias: Option<&ast::TableAlias>) -> Source {
        let sight = match (is_lateral, self.rules.derived_tables_are_lateral) {
            (true, _) => Sight::Full,
            (false, true) => Sight::Faint,
            (false, false) => Sight::None,
        };
        let before = std::mem::replace(&mut self.scope().sight, sight);
        let query = self.query(query);
        self.scope().sight = before;
        let (columns, keys, span) = (self.settled_in_from(query.columns.clone()), query.keys.clone(), query.span);
        let source = Source { keys, ..plain(SourceKind::Derived(Box::new(query)), columns, span) };
        self.named_as(source, alias)
    }

    fn table_function(
        &mut self,
        name: &ast::ObjectName,
        arguments: &[ast::FunctionArg],
        with_ordinality: bool,
        alias: Option<&ast::TableAlias>,
    ) -> Source {
        let list =
            ast::FunctionArgumentList { duplicate_treatment: None, args: arguments.to_vec(), clauses: Vec::new() };
        let (arguments, _) = self.arguments("", &ast::FunctionArguments::List(list));
        let function = name.to_string().to_lowercase();
        // Its name is not in the tree.
        self.bound.is_partial |= function != "unnest";
        let span = around(name.0.iter().filter_map(|part| part.as_ident()).map(|part| part.span));
        let types: Vec<&DataType> = arguments.iter().map(|argument| &argument.data_type).collect();
        // Of no other function it is known what its rows are.
        let columns = if let ("unnest", [array]) = (function.as_str(), types.as_slice()) {
            let mut columns = self.elements(&element(array), Some(&function), alias);
            if with_ordinality {
                columns.known.push(named("ordinality", DataType::BIGINT, Nullability::NotNull));
            }
            columns
        } else {
            Columns::unknown()
        };
        let mut source = self.values(arguments, columns, alias);
        source.name = source.name.or(Some(function));
        source.span = around([span, source.span]);
        source
    }

    fn unnest(&mut self, factor: &TableFactor) -> Source {
        let TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality } = factor else {
            return plain(SourceKind::Opaque, Columns::unknown(), Span::empty());
        };
        let arrays = self.exprs(array_exprs);
        let mut columns = match arrays.as_slice() {
            [array] => self.elements(&element(&array.data_type), Some("unnest"), alias.as_ref()),
            several => {
                let column = |array: &Expr| Column {
                    name: Some("unnest".into()),
                    data_type: element(&array.data_type),
                    ..Column::default()
                };
                Columns::closed(several.iter().map(column).collect())
            }
        };
        if *with_offset {
            let name = with_offset_alias.as_ref().map_or_else(|| "offset".to_owned(), |alias| self.name(alias));
            columns.known.push(named(&name, DataType::BIGINT, Nullability::NotNull));
        }
        if *with_ordinality {
            columns.known.push(named("ordinality", DataType::BIGINT, Nullability::NotNull));
        }
        self.values(arrays, columns, alias.as_ref())
    }

    /// The columns of rows that are elements of an array: the fields of a struct, or one column, which may be called
    /// as the alias of the source.
    fn elements(&self, element: &DataType, default: Option<&str>, alias: Option<&ast::TableAlias>) -> Columns {
        let is_name = |alias: &&ast::TableAlias| alias.columns.is_empty() && self.semantics.names_elements_by_alias();
        let alias_name = alias.filter(is_name).map(|alias| self.name(&alias.name));
        let name: Option<Arc<str>> = alias_name.as_deref().or(default).map(Into::into);
        let names_columns = alias.is_some_and(|alias| !alias.columns.is_empty());
        let one = |data_type: &DataType, is_hidden: bool| Column {
            name: name.clone(),
            data_type: data_type.clone(),
            is_hidden,
            ..Column::default()
        };
        match element {
            DataType::Struct(fields) if self.semantics.unnests_structs() => {
                let field = |field: &Field| Column {
                    name: field.name.as_deref().map(Into::into),
                    data_type: field.data_type.clone(),
                    ..Column::default()
                };
                Columns::closed(fields.iter().map(field).collect())
            }
            DataType::Unknown if self.semantics.unnests_structs() && !names_columns => {
                Columns { known: vec![one(element, true)], is_open: true }
            }
            _ => Columns::closed(vec![one(element, false)]),
        }
    }

    /// Rows that expressions give. Their columns come from these.
    fn values(&mut self, arguments: Vec<Expr>, mut columns: Columns, alias: Option<&ast::TableAlias>) -> Source {
        let fields = match arguments.as_slice() {
            [array] if self.semantics.unnests_structs() => fields_of_elements(&array.data_type),
            _ => &[],
        };
        let is_parallel = arguments.len() > 1 && arguments.len() == columns.known.len();
        for (place, column) in columns.known.iter_mut().enumerate() {
            let field = fields.get(place).and_then(|field| field.name.as_deref());
            let values = if is_parallel { &arguments[place..=place] } else { &arguments };
            for value in values {
                self.origins_at(value, field.unwrap_or_default(), OriginKind::Transformed, &mut column.origins);
            }
            column.origins.sort();
            column.origins.dedup();
        }
        let span = around(arguments.iter().map(|argument| argument.span));
        self.named_as(plain(SourceKind::Values(arguments), columns, span), alias)
    }

    /// What AT names: the place of an element in its array.
    fn number_of_element(&self, name: &ast::Ident) -> Column {
        named(&self.name(name), DataType::BIGINT, Nullability::Unknown)
    }

    /// Gives a source its alias, and its columns those of the list behind that.
    pub(super) fn named_as(&self, mut source: Source, alias: Option<&ast::TableAlias>) -> Source {
        if source.name.is_none() {
            source.name = source.path.last().cloned();
        }
        let relation = match &source.kind {
            SourceKind::Action(id) => Some(Relation::Action(*id)),
            SourceKind::Own => Some(Relation::Own),
            SourceKind::Undeclared => Some(Relation::Undeclared(source.path.join(".").into())),
            _ => None,
        };
        if let Some(relation) = relation {
            for column in &mut source.columns.known {
                let name = column.name.clone();
                let origin =
                    |column| Origin { relation: relation.clone(), column, part: Part::Whole, kind: OriginKind::Passed };
                column.origins = name.map(origin).into_iter().collect();
            }
        }
        let Some(alias) = alias else { return source };
        source.name = Some(self.name(&alias.name));
        if let Some(number) = &alias.at {
            source.columns.known.push(self.number_of_element(number));
        }
        if alias.columns.is_empty() {
            return source;
        }
        if source.columns.is_open {
            // Which columns get the names is not known, and whether there are more.
            source.columns.known.clear();
        }
        for (place, given) in alias.columns.iter().enumerate() {
            let name = Some(self.name(&given.name).into());
            match source.columns.known.get_mut(place) {
                Some(column) => column.name = name,
                None if source.columns.is_open => source.columns.known.push(Column { name, ..Column::default() }),
                None => {}
            }
        }
        source
    }
}

/// A source without a name.
pub(super) fn plain(kind: SourceKind, columns: Columns, span: Span) -> Source {
    let keys = Vec::new();
    Source { name: None, path: Vec::new(), kind, columns, keys, is_whole: false, is_optional: false, span }
}

pub(super) fn named(name: &str, data_type: DataType, nullable: Nullability) -> Column {
    Column { name: Some(name.into()), data_type, nullable, ..Column::default() }
}

/// The type of the elements of an array.
fn element(array: &DataType) -> DataType {
    match array {
        DataType::Array(element) => (**element).clone(),
        _ => DataType::Unknown,
    }
}

/// The fields of the structs in an array.
pub(super) fn fields_of_elements(array: &DataType) -> &[Field] {
    match array {
        DataType::Array(element) => match &**element {
            DataType::Struct(fields) => fields,
            _ => &[],
        },
        _ => &[],
    }
}

fn kind_of(operator: &JoinOperator) -> (JoinKind, Option<&JoinConstraint>) {
    use JoinOperator as J;
    match operator {
        J::Join(constraint) | J::Inner(constraint) | J::StraightJoin(constraint) => (JoinKind::Inner, Some(constraint)),
        J::Left(constraint) | J::LeftOuter(constraint) => (JoinKind::Left, Some(constraint)),
        J::Right(constraint) | J::RightOuter(constraint) => (JoinKind::Right, Some(constraint)),
        J::FullOuter(constraint) => (JoinKind::Full, Some(constraint)),
        J::CrossJoin(constraint) => (JoinKind::Cross, Some(constraint)),
        J::Semi(constraint) | J::LeftSemi(constraint) | J::Anti(constraint) | J::LeftAnti(constraint) => {
            (JoinKind::Semi, Some(constraint))
        }
        J::AsOf { constraint, .. } | J::RightSemi(constraint) | J::RightAnti(constraint) => {
            (JoinKind::Other, Some(constraint))
        }
        J::CrossApply | J::OuterApply | J::ArrayJoin | J::LeftArrayJoin | J::InnerArrayJoin => (JoinKind::Other, None),
    }
}
