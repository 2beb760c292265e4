//! Columns without a name, where a table or a view can have none.

use super::Subject;
use super::duplicate_column::becomes_relation;
use super::reserved_name::first_list;
use crate::analysis::bound::{ExprKind, Item, Statement};
use crate::diagnostic::{Code, Diagnostic};

/// Looks at what becomes a table or a view.
pub(super) fn unnamed_column(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    if !becomes_relation(subject) || !subject.dialect.semantics().wants_names_of_columns() {
        return Vec::new();
    }
    let items = first_list(query).iter().zip(&query.columns.known);
    let unnamed = items.filter(|(item, column)| is_unnamed(item, column.name.as_deref().unwrap_or_default()));
    let report = |(item, _): (&Item, _)| {
        let message = "this column has no name, and a table or a view needs one";
        let diagnostic = subject.place(Diagnostic::error(Code::UnnamedColumn, message), item.expr.span);
        diagnostic.help("name it: `… as name`")
    };
    unnamed.map(report).collect()
}

/// Whether it is an expression that is only called by its number, as `f0_` is.
fn is_unnamed(item: &Item, name: &str) -> bool {
    let number = name.strip_prefix('f').and_then(|rest| rest.strip_suffix('_'));
    let is_numbered = number.is_some_and(|number| number.parse::<usize>().is_ok());
    let is_made = matches!(
        item.expr.kind,
        ExprKind::Call(_)
            | ExprKind::Literal(_)
            | ExprKind::Cast { .. }
            | ExprKind::Subquery(_)
            | ExprKind::Exists(_)
            | ExprKind::InSubquery { .. }
            | ExprKind::ArrayOf(_)
    );
    is_numbered && is_made && !item.from_star && item.alias.is_none()
}
