//! A star in the select list of a model that says what its columns are.

use std::collections::BTreeSet;

use super::{Role, Subject};
use crate::action::Kind;
use crate::analysis::bound::{Columns, Statement};
use crate::diagnostic::{Code, Diagnostic};

/// Looks at the select list of the model itself; unless it is known to give just those columns.
pub(super) fn undescribed_star(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let described: BTreeSet<String> = subject
        .action
        .documentation
        .columns
        .iter()
        .filter_map(|column| Some(column.path.first()?.to_lowercase()))
        .collect();
    let is_model = subject.role == Role::Query && matches!(subject.action.kind, Kind::Model(_));
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let query = query.without_brackets();
    let Some(star) = query.select().and_then(|select| select.stars.first()).filter(|_| is_model) else {
        return Vec::new();
    };
    if described.is_empty() {
        return Vec::new();
    }
    let Some(message) = difference(&described, &query.columns) else { return Vec::new() };
    let help = "name the columns in the select list, so that a new column of what is read does not change the model";
    vec![subject.place(Diagnostic::warning(Code::UndescribedStar, message), *star).help(help)]
}

fn difference(described: &BTreeSet<String>, columns: &Columns) -> Option<String> {
    if columns.is_open {
        return Some("`columns` describes the model, and which columns this star gives is not known".to_owned());
    }
    let given: BTreeSet<String> =
        columns.visible().filter_map(|(_, column)| column.name.as_deref().map(str::to_lowercase)).collect();
    let list = |names: Vec<&String>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let missing: Vec<&String> = described.difference(&given).collect();
    let more: Vec<&String> = given.difference(described).collect();
    match (missing.as_slice(), more.as_slice()) {
        ([], []) => None,
        ([], _) => Some(format!("this star gives columns that `columns` does not describe: {}", list(more))),
        _ => Some(format!("this star does not give {}, which `columns` describes", list(missing))),
    }
}
