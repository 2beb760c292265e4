//! Which columns an expression comes from.

use std::ops::Range;

use super::Binder;
use crate::analysis::bound::{
    Call, Expr, ExprKind, Influence, InfluenceKind, Origin, OriginKind, Part, Query, Relation, RowForm, SourceId,
    SourceKind, below, join,
};
use crate::dialect::semantics::FunctionKind;
use crate::relation::DataType;

/// Functions of all dialects whose value is that of the moment, or of chance.
const VOLATILE: &[&str] = &[
    "clock_timestamp",
    "current_date",
    "current_datetime",
    "current_time",
    "current_timestamp",
    "gen_random_uuid",
    "generate_uuid",
    "get_current_timestamp",
    "getdate",
    "localtime",
    "localtimestamp",
    "nextval",
    "now",
    "rand",
    "random",
    "statement_timestamp",
    "sysdate",
    "timeofday",
    "today",
    "transaction_timestamp",
    "uuid",
    "uuidv4",
    "uuidv7",
];

/// The arguments of a call of any dialect that its value is one of, or that it has elements of.
fn passed_on(name: &str, count: usize) -> Range<usize> {
    match name {
        "any_value" | "anyvalue" | "arbitrary" | "arg_max" | "arg_max_null" | "arg_min" | "arg_min_null" | "argmax"
        | "argmin" | "array_agg" | "array_concat_agg" | "array_distinct" | "array_extract" | "array_filter"
        | "array_first" | "array_last" | "array_reverse" | "array_reverse_sort" | "array_slice" | "array_sort"
        | "element" | "filter" | "first" | "first_value" | "lag" | "last" | "last_value" | "lead" | "list"
        | "list_distinct" | "list_element" | "list_extract" | "list_filter" | "list_first" | "list_last"
        | "list_reverse" | "list_reverse_sort" | "list_slice" | "list_sort" | "max" | "max_by" | "min" | "min_by"
        | "mode" | "nth_value" | "nullif" | "slice" | "unnest" => 0..1,
        "if" | "iff" | "nvl2" => 1..count,
        "array" | "array_append" | "array_cat" | "array_concat" | "array_prepend" | "array_push_back"
        | "array_push_front" | "case" | "coalesce" | "greatest" | "ifnull" | "least" | "list_append" | "list_cat"
        | "list_concat" | "list_prepend" | "list_value" | "nvl" | "||" => 0..count,
        _ => 0..0,
    }
}

impl Binder<'_> {
    /// Adds the columns that a value comes from; `kind` is what becomes of them on the way.
    pub(super) fn origins(&self, expr: &Expr, kind: OriginKind, found: &mut Vec<Origin>) {
        self.origins_at(expr, "", kind, found);
    }

    /// Adds the columns that the field at a path of a value comes from.
    #[recursive::recursive]
    pub(super) fn origins_at(&self, expr: &Expr, path: &str, kind: OriginKind, found: &mut Vec<Origin>) {
        let transformed = kind.max(OriginKind::Transformed);
        match &expr.kind {
            ExprKind::Column { source, column, name, .. } => {
                self.origins_of_column(*source, *column, name, path, kind, found);
            }
            ExprKind::Row(source) => self.origins_of_row(*source, path, kind, found),
            ExprKind::Field { of, name } => self.origins_at(of, &join(name, path), kind, found),
            ExprKind::Alias(place) => {
                let alias = self.scopes.last().and_then(|scope| scope.aliases.get(*place));
                let origins = alias.into_iter().flat_map(|alias| &alias.origins);
                found.extend(origins.filter_map(|origin| origin.at(path)).map(|origin| origin.went_through(kind)));
            }
            ExprKind::Parameter { origins, .. } => {
                found.extend(
                    origins.iter().filter_map(|origin| origin.at(path)).map(|origin| origin.went_through(kind)),
                );
            }
            ExprKind::Lambda(body) => self.origins_at(body, path, kind, found),
            ExprKind::Call(call) => self.origins_of_call(call, &expr.data_type, path, kind, found),
            ExprKind::Subquery(query) | ExprKind::ArrayOf(query) => {
                Self::origins_of_value(query, path, transformed, found);
            }
            ExprKind::Exists(query) | ExprKind::InSubquery { query, .. } => {
                let columns = query.columns.known.iter().flat_map(|column| column.origins.iter().cloned());
                let lost = |origin: Origin| Origin { part: Part::None, ..origin.went_through(transformed) };
                found.extend(columns.map(lost));
                self.influenced_by(expr.children(), transformed, found);
            }
            _ => self.influenced_by(expr.children(), transformed, found),
        }
    }

    /// Adds the columns of expressions that a value is not, but depends on.
    fn influenced_by<'e>(&self, parts: impl IntoIterator<Item = &'e Expr>, kind: OriginKind, found: &mut Vec<Origin>) {
        let start = found.len();
        parts.into_iter().for_each(|part| self.origins(part, kind, found));
        found[start..].iter_mut().for_each(|origin| origin.part = Part::None);
    }

    fn origins_of_call(
        &self,
        call: &Call,
        data_type: &DataType,
        path: &str,
        kind: OriginKind,
        found: &mut Vec<Origin>,
    ) {
        if let ("struct" | "row" | "struct_pack", DataType::Struct(fields)) = (call.name.as_str(), data_type)
            && fields.len() == call.arguments.len()
        {
            for (field, value) in fields.iter().zip(&call.arguments) {
                let name = field.name.as_deref();
                if path.is_empty() {
                    let name = name.map(Into::into);
                    let mut origins = Vec::new();
                    self.origins(value, kind, &mut origins);
                    found.extend(origins.into_iter().map(|origin| origin.inside(name.as_ref())));
                } else if let Some(name) = name {
                    if let Some(rest) = below(path, name) {
                        self.origins_at(value, rest, kind, found);
                    }
                } else {
                    self.influenced_by([value], kind, found);
                }
            }
            return;
        }
        let is_aggregate = call.kind == FunctionKind::Aggregate;
        let kind = kind.max(if is_aggregate { OriginKind::Aggregated } else { OriginKind::Transformed });
        if let ("list_transform" | "list_apply" | "array_transform" | "array_apply" | "apply", [_, mapped]) =
            (call.name.as_str(), call.arguments.as_slice())
        {
            let start = found.len();
            self.origins_at(mapped, path, kind, found);
            if found.len() > start {
                return;
            }
        }
        let passed = passed_on(&call.name, call.arguments.len());
        for (place, argument) in call.arguments.iter().enumerate() {
            if passed.contains(&place) {
                self.origins_at(argument, path, kind, found);
            } else {
                self.influenced_by([argument], kind, found);
            }
        }
        let window = call.window.iter().flat_map(|window| window.partition_by.iter().chain(&window.order_by));
        self.influenced_by(call.clauses.iter().chain(window), kind, found);
    }

    /// Of a query that gives one value, or one in each row.
    fn origins_of_value(query: &Query, path: &str, kind: OriginKind, found: &mut Vec<Origin>) {
        for column in &query.columns.known {
            let origins = column.origins.iter().map(|origin| origin.clone().went_through(kind));
            match (query.form(), &column.name) {
                (RowForm::Columns, _) => found.extend(origins.filter_map(|origin| origin.at(path))),
                (RowForm::Struct, name) if path.is_empty() => {
                    found.extend(origins.map(|origin| origin.inside(name.as_ref())));
                }
                (RowForm::Struct, Some(name)) => {
                    let rest = below(path, name);
                    found.extend(origins.filter_map(|origin| origin.at(rest?)));
                }
                (RowForm::Struct, None) => {}
            }
        }
    }

    fn origins_of_row(&self, id: SourceId, path: &str, kind: OriginKind, found: &mut Vec<Origin>) {
        let source = self.source(id);
        let named = source.columns.known.iter().enumerate();
        let mut named = named.map(|(place, column)| (place, column.name.as_ref()));
        if path.is_empty() {
            for (place, name) in named.take(self.width_of_row(id)) {
                let mut origins = Vec::new();
                self.origins_of_column(id, Some(place), "", "", kind, &mut origins);
                found.extend(origins.into_iter().map(|origin| origin.inside(name)));
            }
            return;
        }
        let known = named.find_map(|(place, name)| Some((place, below(path, name?)?)));
        match known {
            Some((place, rest)) => self.origins_of_column(id, Some(place), "", rest, kind, found),
            None if source.columns.is_open => self.origins_of_column(id, None, path, "", kind, found),
            None => {}
        }
    }

    fn origins_of_column(
        &self,
        source: SourceId,
        column: Option<usize>,
        name: &str,
        path: &str,
        kind: OriginKind,
        found: &mut Vec<Origin>,
    ) {
        let source = self.source(source);
        match column.and_then(|place| source.columns.known.get(place)) {
            Some(column) => {
                let origins = column.origins.iter().filter_map(|origin| origin.at(path));
                found.extend(origins.map(|origin| origin.went_through(kind)));
            }
            None => found.extend(relation_of(&source.kind, &source.path).map(|relation| Origin {
                relation,
                column: join(name, path).into(),
                part: Part::Whole,
                kind,
            })),
        }
    }

    /// Whether a value is another one each time that the query runs.
    pub(super) fn is_volatile(&self, expr: &Expr) -> bool {
        expr.any(&|part| match &part.kind {
            ExprKind::Column { source, column: Some(place), .. } => {
                self.source(*source).columns.known.get(*place).is_some_and(|column| column.is_volatile)
            }
            ExprKind::Alias(place) => {
                let alias = self.scopes.last().and_then(|scope| scope.aliases.get(*place));
                alias.is_some_and(|alias| alias.is_volatile)
            }
            ExprKind::Call(call) => VOLATILE.contains(&call.name.as_str()),
            _ => part.query().is_some_and(|query| query.columns.known.iter().any(|column| column.is_volatile)),
        })
    }

    /// The columns in an expression, as those that decide on rows.
    pub(super) fn influences(&self, expr: &Expr, kind: InfluenceKind, found: &mut Vec<Influence>) {
        let mut origins = Vec::new();
        self.origins(expr, OriginKind::Passed, &mut origins);
        found.extend(origins.into_iter().map(|Origin { relation, column, .. }| Influence { relation, column, kind }));
        expr.walk(&mut |part| {
            if let Some(query) = part.query() {
                found.extend(query.influences.iter().cloned());
            }
            true
        });
    }
}

/// The relation that a source stands for by itself.
pub(super) fn relation_of(kind: &SourceKind, path: &[String]) -> Option<Relation> {
    match kind {
        SourceKind::Action(id) => Some(Relation::Action(*id)),
        SourceKind::Own => Some(Relation::Own),
        SourceKind::Undeclared => Some(Relation::Undeclared(path.join(".").into())),
        _ => None,
    }
}
