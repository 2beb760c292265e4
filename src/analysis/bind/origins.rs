//! Which columns an expression comes from.

use super::Binder;
use crate::analysis::bound::{
    Expr, ExprKind, Influence, InfluenceKind, Origin, OriginKind, Relation, SourceId, SourceKind,
};
use crate::dialect::semantics::FunctionKind;

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

impl Binder<'_> {
    /// Adds the columns that a value comes from; `kind` is what becomes of them on the way.
    pub(super) fn origins(&self, expr: &Expr, kind: OriginKind, found: &mut Vec<Origin>) {
        match &expr.kind {
            ExprKind::Column { source, column, name, .. } => {
                self.origins_of_column(*source, *column, name, kind, found);
            }
            ExprKind::Row(source) => {
                for place in 0..self.source(*source).columns.known.len() {
                    self.origins_of_column(*source, Some(place), "", kind.max(OriginKind::Transformed), found);
                }
            }
            ExprKind::Field { of, name } => {
                let start = found.len();
                self.origins(of, OriginKind::Passed, found);
                for origin in &mut found[start..] {
                    *origin = origin.field(name).went_through(kind);
                }
            }
            ExprKind::Alias(place) => {
                let alias = self.scopes.last().and_then(|scope| scope.aliases.get(*place));
                let origins = alias.into_iter().flat_map(|alias| &alias.origins);
                found.extend(origins.map(|origin| origin.went_through(kind)));
            }
            ExprKind::Call(call) => {
                let is_aggregate = call.kind == FunctionKind::Aggregate;
                let own = if is_aggregate { OriginKind::Aggregated } else { OriginKind::Transformed };
                for part in expr.children() {
                    self.origins(part, kind.max(own), found);
                }
            }
            ExprKind::Subquery(query) | ExprKind::ArrayOf(query) | ExprKind::Exists(query) => {
                let columns = query.columns.known.iter().flat_map(|column| &column.origins);
                found.extend(columns.map(|origin| origin.went_through(kind.max(OriginKind::Transformed))));
            }
            _ => {
                if let Some(query) = expr.query() {
                    let columns = query.columns.known.iter().flat_map(|column| &column.origins);
                    found.extend(columns.map(|origin| origin.went_through(kind.max(OriginKind::Transformed))));
                }
                for part in expr.children() {
                    self.origins(part, kind.max(OriginKind::Transformed), found);
                }
            }
        }
    }

    fn origins_of_column(
        &self,
        source: SourceId,
        column: Option<usize>,
        name: &str,
        kind: OriginKind,
        found: &mut Vec<Origin>,
    ) {
        let source = self.source(source);
        match column.and_then(|place| source.columns.known.get(place)) {
            Some(column) => found.extend(column.origins.iter().map(|origin| origin.went_through(kind))),
            None => found.extend(relation_of(&source.kind, &source.path).map(|relation| Origin {
                relation,
                column: name.into(),
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

impl Origin {
    /// A field of it, if nothing has become of it yet.
    pub(super) fn field(&self, name: &str) -> Self {
        let column = match self.kind {
            OriginKind::Passed => format!("{}.{name}", self.column).into(),
            OriginKind::Transformed | OriginKind::Aggregated => self.column.clone(),
        };
        Self { column, ..self.clone() }
    }

    /// The same column after one more step.
    fn went_through(&self, kind: OriginKind) -> Self {
        Self { kind: self.kind.max(kind), ..self.clone() }
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
