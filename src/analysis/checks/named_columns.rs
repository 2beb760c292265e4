//! The columns of a model that its config names: keys, partitions, clusters.

use super::{Role, Subject};
use crate::action::{Kind, NamedColumn};
use crate::analysis::bound::{Columns, Statement};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};

/// Reports names that the query gives no column of.
pub(super) fn named_columns(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (Kind::Model(_), Role::Query) = (&subject.action.kind, subject.role) else { return Vec::new() };
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let named = subject.action.documentation.named_columns.iter();
    named.filter_map(|column| missing(column, &query.columns, subject)).collect()
}

/// What there is to say if the query surely gives no such column.
pub(super) fn missing(named: &NamedColumn, columns: &Columns, subject: &Subject<'_>) -> Option<Diagnostic> {
    let mut names = columns.known.iter().filter_map(|column| column.name.as_deref());
    if columns.may_have_others() || names.any(|name| name.eq_ignore_ascii_case(&named.name)) {
        return None;
    }
    let message = format!("the query of `{}` gives no column `{}`", subject.action.canonical.name, named.name);
    let near = did_you_mean(&named.name, columns.known.iter().filter_map(|column| column.name.as_deref()));
    let help = near.unwrap_or_else(|| "name a column that the query selects".to_owned());
    Some(Diagnostic::error(Code::UnknownColumn, message).at(named.span, "").help(help))
}
