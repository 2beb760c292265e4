//! A name in a subquery over the model's own table that the table does not have. SQL then takes it for a column of the
//! outer query, and `where ts > (select max(ts) from ${self()})` compares a column with itself.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, TableFactor, Visit, Visitor,
};

use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::dialect::{Dialect, syntax};
use crate::relation::Target;

/// Looks at the select lists of subqueries that read nothing but the table itself. `full` is what the model selects when
/// it is built anew: the columns of its table.
pub(in crate::analysis) fn outer_name(
    target: &Target,
    full: &[Statement],
    incremental: &[Statement],
    text: &Rendered,
    dialect: &dyn Dialect,
) -> Vec<Diagnostic> {
    let Some(columns) = output(full) else { return Vec::new() };
    let mut finder = Finder { target, columns: &columns, found: Vec::new() };
    for statement in incremental {
        let _ = statement.visit(&mut finder);
    }
    let report = |(name, is_aggregated): (Ident, bool)| {
        let message =
            format!("`{}` has no column `{}`, so this is the one of the outer query", target.name, name.value);
        // Where the whole argument of an aggregate is outside, most warehouses refuse it.
        let diagnostic = if is_aggregated && !dialect.aggregates_outer_columns() {
            Diagnostic::error(Code::OuterName, message)
        } else {
            Diagnostic::warning(Code::OuterName, message)
        };
        let renamed =
            columns.iter().find(|column| column.source.as_ref().is_some_and(|source| same(source, &name.value)));
        let help = match renamed {
            Some(column) => format!("`{}` has `{}`", target.name, column.name),
            None => did_you_mean(&name.value, columns.iter().map(|column| column.name.as_str())).unwrap_or_else(|| {
                format!("name a column of `{}`; if the outer one is meant, write its table before it", target.name)
            }),
        };
        text.place(diagnostic, syntax::range(text.text(), name.span)).help(help)
    };
    finder.found.into_iter().map(report).collect()
}

/// A column that a query gives.
struct OutputColumn {
    name: String,
    /// The column that it is another name for.
    source: Option<String>,
}

/// The columns of a query; `None` if not all of them are named in plain sight.
fn output(statements: &[Statement]) -> Option<Vec<OutputColumn>> {
    let [Statement::Query(query)] = statements else { return None };
    let mut body = &*query.body;
    let select = loop {
        match body {
            SetExpr::Select(select) => break select,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            _ => return None,
        }
    };
    let column = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => column_name(expr).map(|name| OutputColumn { name, source: None }),
        SelectItem::ExprWithAlias { expr, alias } => {
            Some(OutputColumn { name: alias.value.clone(), source: column_name(expr) })
        }
        _ => None,
    };
    select.projection.iter().map(column).collect()
}

fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
        _ => None,
    }
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

struct Finder<'a> {
    target: &'a Target,
    columns: &'a [OutputColumn],
    /// Names that the table does not have, and whether each stands in a call.
    found: Vec<(Ident, bool)>,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        // EXISTS is left out: its select list means nothing.
        if let Expr::Subquery(query) | Expr::InSubquery { subquery: query, .. } = expr {
            self.subquery(query);
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn subquery(&mut self, query: &Query) {
        let SetExpr::Select(select) = &*query.body else { return };
        if query.with.is_some() || !self.reads_only_itself(select) {
            return;
        }
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            let mut names = Names { found: Vec::new(), calls: 0, queries: 0 };
            let _ = expr.visit(&mut names);
            let unknown = names.found.into_iter();
            self.found
                .extend(unknown.filter(|(name, _)| self.columns.iter().all(|column| !same(&column.name, &name.value))));
        }
    }

    fn reads_only_itself(&self, select: &Select) -> bool {
        let [from] = select.from.as_slice() else { return false };
        match &from.relation {
            TableFactor::Table { name, .. } => from.joins.is_empty() && self.is_own(name),
            _ => false,
        }
    }

    /// Backticks of BigQuery may hold the whole path; Redshift and PostgreSQL leave out the database.
    fn is_own(&self, name: &ObjectName) -> bool {
        let parts = name.0.iter().filter_map(|part| part.as_ident()).flat_map(|part| part.value.split('.'));
        let parts: Vec<&str> = parts.collect();
        let own: Vec<&str> = self.target.parts().collect();
        parts == own || parts.len() > 1 && own.ends_with(&parts)
    }
}

/// Plain names in an expression, but for those of subqueries in it.
struct Names {
    found: Vec<(Ident, bool)>,
    calls: usize,
    queries: usize,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(_) => self.calls += 1,
            Expr::Identifier(name) if self.queries == 0 => self.found.push((name.clone(), self.calls > 0)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Function(_)) {
            self.calls -= 1;
        }
        ControlFlow::Continue(())
    }
}
