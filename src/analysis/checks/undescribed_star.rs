//! A star in the select list of a model that says what its columns are.

use super::{Role, Subject};
use crate::action::Kind;
use crate::analysis::bound::{Columns, Statement};
use crate::diagnostic::{Code, Diagnostic};

/// Looks at the select list of the model itself. A star that is known to give what is described is fine.
pub(super) fn undescribed_star(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let described: Vec<&str> =
        subject.action.documentation.columns.iter().filter_map(|column| Some(column.path.first()?.as_str())).collect();
    if described.is_empty() || subject.role != Role::Query || !matches!(subject.action.kind, Kind::Model(_)) {
        return Vec::new();
    }
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let query = query.without_brackets();
    let Some(star) = query.select().and_then(|select| select.stars.first()) else { return Vec::new() };
    let missing = missing(&described, &query.columns);
    if missing.is_empty() || query.columns.is_open {
        return Vec::new();
    }
    let message = format!("this star does not give {}, which `columns` describes", listed(&missing));
    let help = "name the columns in the select list; so a new column of what is read does not change the model, either";
    vec![subject.place(Diagnostic::warning(Code::UndescribedStar, message), *star).help(help)]
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        others => format!("{shown} and {others} more"),
    }
}

/// Those that are not known to be there.
fn missing<'a>(described: &[&'a str], columns: &Columns) -> Vec<&'a str> {
    let is_given = |name: &str| {
        let mut names = columns.known.iter().filter_map(|column| column.name.as_deref());
        names.any(|known| known.eq_ignore_ascii_case(name))
    };
    let mut missing: Vec<&str> = described.iter().copied().filter(|name| !is_given(name)).collect();
    missing.dedup();
    missing
}
