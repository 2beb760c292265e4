//! PIVOT and UNPIVOT.

use sqlparser::ast::{self, PivotValueSource, TableFactor};
use sqlparser::tokenizer::Span;

use super::Binder;
use super::from::plain;
use super::scope::Scope;
use crate::analysis::bound::{Column, Columns, Expr, OriginKind, Source, SourceId, SourceKind};
use crate::relation::{DataType, Nullability};

impl Binder<'_> {
    pub(super) fn turned(&mut self, factor: &TableFactor) -> Source {
        match factor {
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, alias, .. } => {
                let of = self.relation(table);
                let of = self.add_source(of);
                let columns = self.pivoted(of, aggregate_functions, value_column, value_source);
                self.turned_source(of, columns, alias.as_ref())
            }
            TableFactor::Unpivot { table, value, name, columns, alias, .. } => {
                let of = self.relation(table);
                let of = self.add_source(of);
                let columns = self.unpivoted(of, value, name, columns);
                self.turned_source(of, columns, alias.as_ref())
            }
            _ => plain(SourceKind::Opaque, Columns::unknown(), Span::empty()),
        }
    }

    fn turned_source(&self, of: SourceId, columns: Columns, alias: Option<&ast::TableAlias>) -> Source {
        let source = Source {
            name: self.source(of).name.clone(),
            ..plain(SourceKind::Turned(of), columns, self.source(of).span)
        };
        self.named_as(source, alias)
    }

    /// All columns that neither the aggregates nor the list name, then one for each value.
    fn pivoted(
        &mut self,
        of: SourceId,
        aggregates: &[ast::ExprWithAlias],
        value_column: &[ast::Expr],
        values: &PivotValueSource,
    ) -> Columns {
        self.scopes.push(Scope { sources: vec![of], ..Scope::default() });
        let aggregates: Vec<(Expr, bool)> =
            aggregates.iter().map(|aggregate| (self.expr(&aggregate.expr), aggregate.alias.is_some())).collect();
        let turned = self.exprs(value_column);
        let mut used = Vec::new();
        for expr in aggregates.iter().map(|(expr, _)| expr).chain(&turned) {
            expr.walk(&mut |part| {
                used.extend(part.column().and_then(|(source, column)| (source == of).then_some(column)?));
                true
            });
        }
        let mut columns = self.source(of).columns.clone();
        let mut place = 0;
        columns.known.retain(|_| {
            place += 1;
            !used.contains(&(place - 1))
        });
        match (values, aggregates.as_slice()) {
            (PivotValueSource::List(values), [(aggregate, false)]) => {
                let mut origins = Vec::new();
                self.origins(aggregate, OriginKind::Aggregated, &mut origins);
                for value in values {
                    match self.name_of_value(value) {
                        Some(name) => columns.known.push(Column {
                            name: Some(name.into()),
                            data_type: aggregate.data_type.clone(),
                            nullable: Nullability::Nullable,
                            origins: origins.clone(),
                            ..Column::default()
                        }),
                        None => columns.is_open = true,
                    }
                }
            }
            _ => columns.is_open = true,
        }
        self.scopes.pop();
        columns
    }

    fn name_of_value(&self, value: &ast::ExprWithAlias) -> Option<String> {
        if let Some(alias) = &value.alias {
            return Some(self.name(alias));
        }
        match &value.expr {
            ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::SingleQuotedString(text), .. }) => {
                let is_word = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                (is_word && !text.starts_with(|c: char| c.is_ascii_digit())).then(|| text.clone())
            }
            _ => None,
        }
    }

    /// All columns that are not named, then one for the value and one for its name.
    fn unpivoted(
        &mut self,
        of: SourceId,
        value: &ast::Expr,
        name: &ast::Ident,
        turned: &[ast::ExprWithAlias],
    ) -> Columns {
        self.scopes.push(Scope { sources: vec![of], ..Scope::default() });
        let exprs = self.exprs(turned.iter().map(|column| &column.expr));
        self.scopes.pop();
        let places: Vec<usize> = exprs.iter().filter_map(|expr| expr.column()?.1).collect();
        let mut columns = self.source(of).columns.clone();
        let ast::Expr::Identifier(value) = value else { return Columns::unknown() };
        let types: Vec<&DataType> = exprs.iter().map(|expr| &expr.data_type).collect();
        let mut origins: Vec<_> = Vec::new();
        for expr in &exprs {
            self.origins(expr, OriginKind::Passed, &mut origins);
        }
        let value = Column {
            name: Some(self.name(value).into()),
            data_type: self.semantics.common(&types).unwrap_or_default(),
            origins,
            ..Column::default()
        };
        let name = Column { name: Some(self.name(name).into()), nullable: Nullability::NotNull, ..Column::default() };
        let mut place = 0;
        columns.known.retain(|_| {
            place += 1;
            !places.contains(&(place - 1))
        });
        let pair = if self.semantics.unpivots_value_first() { [value, name] } else { [name, value] };
        columns.known.extend(pair);
        columns
    }
}
