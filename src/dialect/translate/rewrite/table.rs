//! What stands in FROM.

use sqlparser::ast::{
    JoinConstraint, JoinOperator, ObjectName, SetExpr, Spanned, TableAlias, TableFactor, TableWithJoins,
};

use super::Rewriter;
use super::call::simple_name;
use super::query::renamed;
use crate::dialect::translate::scope::Columns;

impl Rewriter<'_> {
    pub(crate) fn table_with_joins(&mut self, table: &mut TableWithJoins) {
        self.table(&mut table.relation);
        for join in &mut table.joins {
            self.table(&mut join.relation);
            match &mut join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::Right(constraint)
                | JoinOperator::RightOuter(constraint)
                | JoinOperator::FullOuter(constraint)
                | JoinOperator::CrossJoin(constraint) => {
                    if let JoinConstraint::On(condition) = constraint {
                        self.expr(condition);
                    }
                }
                other => {
                    let what = format!("{other:?}");
                    let word: String = what.chars().take_while(|letter| letter.is_alphanumeric()).collect();
                    self.missing(join.relation.span(), &format!("join `{word}`"));
                }
            }
        }
    }

    /// Changes a piece of FROM, and brings its columns in sight.
    #[recursive::recursive]
    pub(crate) fn table(&mut self, table: &mut TableFactor) {
        let rules = self.rules;
        if rules.table(table, self) {
            return;
        }
        match table {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample,
                index_hints,
            } => {
                if let Some(version) = version {
                    let place = version_place(version).unwrap_or_else(|| name.span());
                    self.missing(place, "FOR SYSTEM_TIME AS OF");
                }
                if sample.is_some() {
                    self.missing(name.span(), "TABLESAMPLE");
                }
                if !partitions.is_empty() || !with_hints.is_empty() || !index_hints.is_empty() {
                    self.missing(name.span(), "hint of a table");
                }
                let columns = self.columns_of(name);
                self.bring(alias.as_ref(), &simple_name(name), columns);
            }
            TableFactor::Derived { subquery, alias, sample, .. } => {
                if sample.is_some() {
                    self.missing(subquery.span(), "TABLESAMPLE");
                }
                let columns = self.query(subquery);
                if let (SetExpr::Values(values), Some(alias)) = (subquery.body.as_ref(), alias.as_mut()) {
                    rules.name_values(alias, values.rows.first().map_or(0, |row| row.content.len()));
                }
                if alias.is_none() && !rules.target().selects_more {
                    let name = self.fresh("query");
                    *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
                }
                self.bring(alias.as_ref(), "", columns);
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                self.table_with_joins(table_with_joins);
                if let Some(alias) = alias {
                    self.bring(Some(alias), "", None);
                }
            }
            other => {
                let text = other.to_string();
                let start: String = text.chars().take(40).collect();
                let place = other.span();
                self.missing(place, &format!("`{start}` in FROM"));
            }
        }
    }

    /// Puts a relation in sight under its alias, or its own name.
    pub(crate) fn bring(&mut self, alias: Option<&TableAlias>, name: &str, columns: Columns) {
        match alias {
            Some(alias) => {
                let columns = renamed(columns, alias.columns.iter().map(|column| &column.name));
                self.scopes.add(&alias.name.value, columns);
            }
            None => self.scopes.add(name, columns),
        }
    }

    fn columns_of(&self, name: &ObjectName) -> Columns {
        match name.0.as_slice() {
            [sqlparser::ast::ObjectNamePart::Identifier(name)] => self.scopes.named(&name.value).cloned().flatten(),
            _ => self.scopes.named(&name.to_string()).cloned().flatten(),
        }
    }
}

fn version_place(version: &sqlparser::ast::TableVersion) -> Option<sqlparser::tokenizer::Span> {
    match version {
        sqlparser::ast::TableVersion::ForSystemTimeAsOf(when) => Some(when.span()),
        _ => None,
    }
}
