//! Aggregates and window functions where there are no groups, or no windows, yet.

use super::Subject;
use crate::analysis::bound::{Expr, Query, Select};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::semantics::FunctionKind;

/// Looks at the clauses of every SELECT, and at the arguments of every aggregate.
pub(super) fn misplaced_aggregate(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for query in &subject.survey.queries {
        if let Some(select) = query.select() {
            of_clauses(select, subject, &mut found);
        }
        of_arguments(query, subject, &mut found);
    }
    found
}

/// A function that sees more than one row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Group,
    Window,
}

impl Seen {
    fn of(expr: &Expr) -> Option<Self> {
        if expr.aggregate().is_some() {
            return Some(Self::Group);
        }
        let is_window = expr.call().is_some_and(|call| call.kind == FunctionKind::Window && call.window.is_some());
        (is_window && !expr.is_of_outer_queries()).then_some(Self::Window)
    }

    fn called(self) -> &'static str {
        match self {
            Self::Group => "an aggregate",
            Self::Window => "a window function",
        }
    }
}

fn of_clauses(select: &Select, subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let mut look = |clause: &str, expr: &Expr, follows_aliases: bool, counts: &dyn Fn(Seen) -> bool| {
        expr.walk(&mut |part| {
            // A name of the select list is what stands there.
            let what = if follows_aliases { select.resolved(part) } else { part };
            let seen = if what.alias().is_none() && part.alias().is_some() { first_in(what) } else { Seen::of(part) };
            let Some(seen) = seen.filter(|seen| counts(*seen)) else { return true };
            let message = format!("{} cannot stand in {clause}", seen.called());
            let help = match (seen, clause) {
                (_, "GROUP BY") => "group by what it is made from, or compute it in a subquery",
                (Seen::Group, "WHERE") => "a condition on groups stands in HAVING; one on all rows needs a subquery",
                (Seen::Group, _) => "compute it in a subquery, and join that",
                (Seen::Window, _) => {
                    "compute it in a subquery or, where the warehouse has it, write the condition into QUALIFY"
                }
            };
            let diagnostic = Diagnostic::error(Code::MisplacedAggregate, message);
            found.push(subject.place(diagnostic, part.span).help(help));
            false
        });
    };
    if let Some(filter) = &select.filter {
        look("WHERE", filter, true, &|_| true);
    }
    for condition in select.joins.iter().filter_map(|join| join.condition.as_ref()) {
        look("the condition of a join", condition, false, &|_| true);
    }
    for key in select.grouping.keys() {
        look("GROUP BY", key, true, &|_| true);
    }
    if let Some(having) = &select.having {
        look("HAVING", having, false, &|seen| seen == Seen::Window);
    }
}

fn first_in(expr: &Expr) -> Option<Seen> {
    let mut first = None;
    expr.walk(&mut |part| {
        first = first.or_else(|| Seen::of(part));
        first.is_none()
    });
    first
}

/// An aggregate of what another one gives.
fn of_arguments(query: &Query, subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for expr in query.exprs() {
        expr.walk(&mut |outer| {
            let Some(call) = outer.aggregate() else { return true };
            for child in outer.children() {
                child.walk(&mut |part| {
                    let Some(seen) = Seen::of(part) else { return true };
                    let message = format!("`{}` cannot be of what {} gives", call.name, seen.called());
                    let help = "compute the inner one in a subquery";
                    let diagnostic = Diagnostic::error(Code::MisplacedAggregate, message);
                    found.push(subject.place(diagnostic, part.span).help(help));
                    false
                });
            }
            false
        });
    }
}
