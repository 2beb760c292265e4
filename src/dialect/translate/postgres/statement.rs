//! Statements that DuckDB writes otherwise.

use std::ops::ControlFlow;

use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;
use sqlparser::ast::{
    ColumnOption, CreateTableLikeKind, Expr, Ident, LimitClause, ObjectName, Query, SelectInto, SetExpr, Statement,
    TopQuantity, Value, VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;

use crate::dialect::translate::rewrite::Rewriter;

/// Brings a statement into a form that all warehouses share. `Some` if there is nothing left to do.
pub(crate) fn prepare(statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
    let _ = statement.visit(&mut Forms);
    match statement {
        Statement::Query(query) => {
            let into = match query.body.as_mut() {
                SetExpr::Select(select) => select.into.take(),
                _ => None,
            };
            // The queries that it names belong to the query whose rows it inserts.
            if let SetExpr::Insert(Statement::Insert(insert)) = query.body.as_mut()
                && let Some(source) = insert.source.as_mut().filter(|source| source.with.is_none())
            {
                source.with = query.with.take();
                *statement = Statement::Insert(insert.clone());
                return None;
            }
            if let Some(into) = into {
                let created = created(&into, query.clone());
                if let Some(created) = created {
                    *statement = created;
                }
            }
            None
        }
        Statement::CreateTable(create) => {
            if let Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)) =
                create.like.take()
            {
                create.query = rows_of(&like.name);
            }
            if create.name.to_string().trim_matches('"').starts_with('#') {
                create.temporary = true;
            }
            for column in &create.columns {
                let numbered = column.options.iter().any(|option| {
                    matches!(option.option, ColumnOption::Generated { .. } | ColumnOption::Identity(_))
                        || option.option.to_string().to_ascii_uppercase().contains("IDENTITY")
                });
                if numbered {
                    let what = format!("column `{}` that numbers its rows", column.name.value);
                    rewriter.missing_because(column.name.span, &what, "number the rows with `row_number`");
                }
            }
            None
        }
        _ => None,
    }
}

/// `select … into name` as the table that it makes.
fn created(into: &SelectInto, query: Box<Query>) -> Option<Statement> {
    let [Expr::Identifier(name)] = into.targets.as_slice() else {
        let [Expr::CompoundIdentifier(parts)] = into.targets.as_slice() else { return None };
        return Some(CreateTableBuilder::new(ObjectName::from(parts.clone())).query(Some(query)).build().into());
    };
    let temporary = into.temporary || name.value.starts_with('#');
    let name = ObjectName::from(vec![name.clone()]);
    Some(CreateTableBuilder::new(name).temporary(temporary).query(Some(query)).build().into())
}

/// The columns of a table without its rows.
fn rows_of(name: &ObjectName) -> Option<Box<Query>> {
    let text = format!("select * from {name} limit 0");
    let mut parser = Parser::new(&sqlparser::dialect::PostgreSqlDialect {}).try_with_sql(&text).ok()?;
    parser.parse_query().ok()
}

/// Forms of queries and of names.
struct Forms;

impl VisitorMut for Forms {
    type Break = ();

    /// `top n` is a limit.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_mut()
            && query.limit_clause.is_none()
            && select.top.as_ref().is_some_and(|top| !top.percent && !top.with_ties)
            && let Some(quantity) = select.top.take().and_then(|top| top.quantity)
        {
            let limit = match quantity {
                TopQuantity::Expr(limit) => limit,
                TopQuantity::Constant(limit) => Expr::value(Value::Number(limit.to_string(), false)),
            };
            query.limit_clause =
                Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, limit_by: Vec::new() });
        }
        ControlFlow::Continue(())
    }

    /// `#name` is a name only within quotes.
    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        if ident.quote_style.is_none() && ident.value.contains('#') {
            ident.quote_style = Some('"');
        }
        ControlFlow::Continue(())
    }
}
