//! A name in a subquery that nothing in its FROM has. SQL then takes it for a column of the outer query, and
//! `where ts > (select max(ts) from ${self()})` compares a column with itself.
//!
//! That alone is how subqueries are tied to the outer query, so it is told only where the subquery then reads none of its own
//! columns: in its select list, or in a comparison of which both sides are outside.

use super::Subject;
use crate::analysis::bound::{
    Column, Columns, Expr, ExprKind, OriginKind, Query, Select, Source, SourceId, SourceKind, Statement,
};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::dialect::semantics::FunctionKind;

/// Looks at subqueries that read only relations whose columns are all known.
pub(super) fn outer_name(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_outer = |expr: &&Expr| matches!(expr.kind, ExprKind::Column { levels: 1.., .. });
    if !subject.survey.exprs.iter().any(is_outer) {
        return Vec::new();
    }
    let mut finder = Finder { subject, found: Vec::new() };
    for query in &subject.survey.queries {
        let conditions: Vec<&Expr> = query.select().into_iter().flat_map(Select::conditions).collect();
        for expr in query.exprs() {
            finder.subqueries(expr, conditions.iter().any(|condition| std::ptr::eq(*condition, expr)));
        }
        if let Some(select) = query.select() {
            for condition in conditions {
                finder.comparisons(condition, select);
            }
        }
    }
    for statement in &subject.bound.statements {
        if let Statement::Change(exprs) = statement {
            for expr in exprs {
                finder.subqueries(expr, false);
            }
        }
    }
    finder.found
}

struct Finder<'a> {
    subject: &'a Subject<'a>,
    found: Vec<Diagnostic>,
}

impl<'a> Finder<'a> {
    fn subqueries(&mut self, expr: &'a Expr, is_condition: bool) {
        expr.walk(&mut |part| {
            // EXISTS is left out: its select list means nothing.
            if let ExprKind::Subquery(query) | ExprKind::InSubquery { query, .. } | ExprKind::ArrayOf(query) =
                &part.kind
            {
                self.subquery(query, is_condition);
            }
            true
        });
    }

    fn subquery(&mut self, query: &'a Query, is_condition: bool) {
        let Some(select) = query.without_brackets().select().filter(|select| self.is_known(select)) else { return };
        // Where the whole argument of an aggregate is outside, the aggregate is of the outer query, which has none in WHERE.
        let refuses = is_condition && !self.subject.dialect.semantics().names().aggregates_outer_columns;
        for item in select.projection.iter().filter(|item| !item.from_star) {
            let is_vague = |part: &Expr| {
                let counts_rows = part.aggregate().is_some_and(|call| call.arguments.is_empty());
                counts_rows || part.query().is_some() || matches!(part.kind, ExprKind::Unbound | ExprKind::Other(_))
            };
            if !item.expr.is_of_outer_queries() || item.expr.any(&is_vague) {
                continue;
            }
            let is_aggregated = |part: &Expr| part.call().is_some_and(|call| call.kind == FunctionKind::Aggregate);
            let is_refused = refuses && item.expr.any(&is_aggregated);
            for name in unqualified(&item.expr) {
                self.report(name, select, is_refused);
            }
        }
    }

    /// Looks at the comparisons in a condition.
    fn comparisons(&mut self, condition: &'a Expr, select: &'a Select) {
        if !self.is_known(select) {
            return;
        }
        condition.walk(&mut |part| {
            if let Some(call) = part.call()
                && let ("=" | "<>" | "<" | "<=" | ">" | ">=", [left, right]) = (&*call.name, &*call.arguments)
                && left.is_of_outer_queries()
                && right.is_of_outer_queries()
                && let Some(name) = unqualified(part).first()
            {
                self.report(name, select, false);
            }
            true
        });
    }

    /// Whether all columns of what it reads are known.
    fn is_known(&self, select: &Select) -> bool {
        let is_known = |id: &SourceId| {
            let source = self.subject.bound.source(*id);
            let is_relation = matches!(
                source.kind,
                SourceKind::Action(_) | SourceKind::Own | SourceKind::Cte(_) | SourceKind::Derived(_)
            );
            is_relation && !source.columns.is_open
        };
        !select.sources.is_empty() && select.sources.iter().all(is_known)
    }

    fn report(&mut self, expr: &Expr, select: &Select, is_refused: bool) {
        let ExprKind::Column { name, .. } = &expr.kind else { return };
        let sources: Vec<&Source> = select.sources.iter().map(|id| self.subject.bound.source(*id)).collect();
        let names: Vec<String> = sources.iter().map(|source| self.called(source)).collect();
        let message = match names.as_slice() {
            [one] => format!("{one} has no column `{name}`, so this is the one of the outer query"),
            several => {
                format!("none of {} has a column `{name}`, so this is the one of the outer query", several.join(", "))
            }
        };
        let diagnostic = if is_refused {
            Diagnostic::error(Code::OuterName, message)
        } else {
            Diagnostic::warning(Code::OuterName, message)
        };
        let renamed = sources.iter().zip(&names).find_map(|(source, called)| {
            let column = self.columns(source).known.iter().find(|column| is_renamed(column, name))?;
            Some(format!("{called} has `{}`", column.name.as_deref()?))
        });
        let help = renamed.unwrap_or_else(|| {
            let known = sources.iter().flat_map(|source| &source.columns.known);
            did_you_mean(name, known.filter_map(|column| column.name.as_deref())).unwrap_or_else(|| {
                let one_of = names.join(" or ");
                format!("name a column of {one_of}; if the outer one is meant, write its table before it")
            })
        });
        self.found.push(self.subject.place(diagnostic, expr.span).help(help));
    }

    /// The columns of a source, with what they come from.
    fn columns<'s>(&'s self, source: &'s Source) -> &'s Columns {
        match (&source.kind, self.subject.own) {
            (SourceKind::Own, Some(own)) => &own.columns,
            _ => &source.columns,
        }
    }

    fn called(&self, source: &Source) -> String {
        match (&source.kind, &source.name) {
            (SourceKind::Own, _) => format!("`{}`", self.subject.action.target.name),
            (_, Some(name)) => format!("`{name}`"),
            (_, None) => "the subquery".to_owned(),
        }
    }
}

/// Whether a column is one of that name that has been given another one.
fn is_renamed(column: &Column, name: &str) -> bool {
    let is_it = |origin: &crate::analysis::bound::Origin| {
        origin.kind_of_whole() == OriginKind::Passed && origin.column.eq_ignore_ascii_case(name)
    };
    column.origins.iter().any(is_it)
}

/// The columns of outer queries that have no relation before them.
fn unqualified(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if matches!(part.kind, ExprKind::Column { levels: 1.., is_qualified: false, .. }) {
            found.push(part);
        }
        true
    });
    found
}
