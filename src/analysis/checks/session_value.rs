//! An unquoted name that looks like a column and means a value of the session: `user` is who is logged in.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, Query, Select, SelectItem,
    SetExpr, Statement, Visit, Visitor, WindowType,
};

use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Dialect, syntax};

/// Looks at queries that read a relation. Where one of the columns that are described has such a name, each place counts;
/// otherwise those where a value that is the same in all rows makes no sense. `columns` are of the relations that are
/// read.
pub(in crate::analysis) fn session_value<'a>(
    statements: &[Statement],
    text: &Rendered,
    columns: impl FnOnce() -> BTreeSet<&'a str>,
    dialect: &dyn Dialect,
) -> Vec<Diagnostic> {
    let names = dialect.session_values();
    // Most texts have none.
    let lower = text.text().to_ascii_lowercase();
    if !names.iter().any(|name| lower.contains(name)) {
        return Vec::new();
    }
    let mut finder = Finder { names, columns: &columns(), found: Vec::new() };
    for statement in statements {
        let _ = statement.visit(&mut finder);
    }
    let report = |name: Ident| {
        let quoted = dialect.identifier(&name.value.to_ascii_lowercase());
        let message = format!("`{}` without quotes is the user of the session, the same in every row", name.value);
        let diagnostic = Diagnostic::warning(Code::SessionValue, message);
        let help = format!("write the column as `{quoted}`; if the user of the session is meant, write `current_user`");
        text.place(diagnostic, syntax::range(text.text(), name.span)).help(help)
    };
    finder.found.into_iter().map(report).collect()
}

struct Finder<'a> {
    names: &'static [&'static str],
    columns: &'a BTreeSet<&'a str>,
    found: Vec<Ident>,
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut open = vec![&*query.body];
        while let Some(body) = open.pop() {
            match body {
                SetExpr::Select(select) if !select.from.is_empty() => self.select(select),
                SetExpr::SetOperation { left, right, .. } => open.extend([&**right, &**left]),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    fn select(&mut self, select: &Select) {
        let mut places = Places { finder: self, queries: 0 };
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) = item {
                places.finder.take(expr);
            }
        }
        let _ = select.visit(&mut places);
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            for expr in exprs {
                self.take(expr);
            }
        }
    }

    /// Notes an expression that is such a name and nothing else.
    fn take(&mut self, expr: &Expr) {
        let name = match expr {
            Expr::Identifier(name) => Some(name),
            Expr::Function(Function { name, args: FunctionArguments::None, .. }) => match name.0.as_slice() {
                [part] => part.as_ident(),
                _ => None,
            },
            _ => None,
        };
        let is_such = |name: &&Ident| {
            name.quote_style.is_none() && self.names.iter().any(|known| known.eq_ignore_ascii_case(&name.value))
        };
        let Some(name) = name.filter(is_such) else { return };
        if self.found.iter().all(|known| known.span != name.span) {
            self.found.push(name.clone());
        }
    }
}

/// What stands anywhere in a SELECT, but for the queries in it, which are looked at by themselves.
struct Places<'f, 'a> {
    finder: &'f mut Finder<'a>,
    queries: usize,
}

impl Visitor for Places<'_, '_> {
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
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        if self.finder.columns.iter().any(|column| self.finder.names.contains(column)) {
            self.finder.take(expr);
        }
        if let Expr::Function(function) = expr {
            if let FunctionArguments::List(list) = &function.args {
                for argument in &list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                        self.finder.take(expr);
                    }
                }
            }
            if let Some(WindowType::WindowSpec(window)) = &function.over {
                for expr in window.partition_by.iter().chain(window.order_by.iter().map(|order| &order.expr)) {
                    self.finder.take(expr);
                }
            }
        }
        ControlFlow::Continue(())
    }
}
