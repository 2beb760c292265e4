//! A name in a subquery over the model's own table that the table does not have. SQL then takes it for a column of the
//! outer query, and `where ts > (select max(ts) from ${self()})` compares a column with itself.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem,
    SetExpr, Statement, TableFactor, Visit, Visitor,
};
use sqlparser::tokenizer::Span;

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
    // Pipes make other columns of those.
    let is_plain = |query: &Query| query.pipe_operators.is_empty();
    let mut body = is_plain(query).then_some(&*query.body)?;
    let select = loop {
        match body {
            SetExpr::Select(select) if select.value_table_mode.is_none() => break select,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) if is_plain(query) => body = &query.body,
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
    /// Names that the table does not have, and whether each stands in an aggregate.
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
        if query.with.is_some() {
            return;
        }
        let Some(alias) = only_itself(self.target, select) else { return };
        for item in &select.projection {
            let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
            let mut names = Names::default();
            let _ = expr.visit(&mut names);
            // No column of the table can stand beside an aggregate: there a name is meant to be something else.
            let has_aggregate = names.has_aggregate;
            let looked_at = names.found.into_iter().filter(|found| found.is_aggregated || !has_aggregate);
            let unknown = looked_at.filter(|Found { name, .. }| {
                let is_known = self.columns.iter().any(|column| same(&column.name, &name.value));
                !is_known && !same(&name.value, alias) && !is_pseudo_column(&name.value)
            });
            self.found.extend(unknown.map(|found| (found.name, found.is_aggregated)));
        }
    }
}

/// What the table is called in a query that reads nothing else.
fn only_itself<'a>(target: &'a Target, select: &'a Select) -> Option<&'a str> {
    let [from] = select.from.as_slice() else { return None };
    match &from.relation {
        TableFactor::Table { name, alias, .. } if from.joins.is_empty() && is_own(target, name) => {
            Some(alias.as_ref().map_or(&target.name, |alias| &alias.name.value))
        }
        _ => None,
    }
}

/// Backticks of BigQuery may hold the whole path; Redshift and PostgreSQL leave out the database.
fn is_own(target: &Target, name: &ObjectName) -> bool {
    let parts = name.0.iter().filter_map(|part| part.as_ident()).flat_map(|part| part.value.split('.'));
    let parts: Vec<&str> = parts.collect();
    let own: Vec<&str> = target.parts().collect();
    parts == own || parts.len() > 1 && own.ends_with(&parts)
}

/// The time at which rows came into a table of BigQuery.
fn is_pseudo_column(name: &str) -> bool {
    ["_PARTITIONTIME", "_PARTITIONDATE"].iter().any(|known| same(known, name))
}

/// Plain names in an expression, but for those of subqueries in it.
#[derive(Default)]
struct Names {
    found: Vec<Found>,
    /// Where parts of dates are named, as in `date_trunc(day, month)`.
    parts: Vec<Span>,
    has_aggregate: bool,
    aggregates: usize,
    queries: usize,
}

struct Found {
    name: Ident,
    is_aggregated: bool,
}

const AGGREGATES: [&str; 13] = [
    "any_value",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "countif",
    "logical_and",
    "logical_or",
    "max",
    "min",
    "string_agg",
    "sum",
];

fn is_aggregate(function: &Function) -> bool {
    let name = function.name.to_string();
    AGGREGATES.iter().any(|known| same(known, &name))
}

/// The argument that may be a part of a date and no column.
fn date_part(function: &Function) -> Option<&Ident> {
    let FunctionArguments::List(list) = &function.args else { return None };
    let argument = match function.name.to_string().to_ascii_lowercase().as_str() {
        "dateadd" | "datediff" | "datepart" | "date_part" => list.args.first(),
        "last_day" | "week" => list.args.last(),
        name if name.ends_with("_trunc") || name.ends_with("_diff") => list.args.last(),
        _ => None,
    };
    match argument? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(name))) => Some(name),
        _ => None,
    }
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
            Expr::Function(function) if self.queries == 0 => {
                self.aggregates += usize::from(is_aggregate(function));
                self.has_aggregate |= is_aggregate(function);
                self.parts.extend(date_part(function).map(|part| part.span));
            }
            Expr::Identifier(name) if self.queries == 0 && !self.parts.contains(&name.span) => {
                let is_aggregated = self.aggregates > 0;
                self.found.push(Found { name: name.clone(), is_aggregated });
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && self.queries == 0
        {
            self.aggregates -= usize::from(is_aggregate(function));
        }
        ControlFlow::Continue(())
    }
}
