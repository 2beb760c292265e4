//! A table that is read by its path, and that nothing declares.

use super::{Role, Subject};
use crate::action::{Kind, Rendered};
use crate::analysis::bound::{Source, SourceKind};
use crate::diagnostic::{Code, Diagnostic};

/// Looks at what models and assertions read. Tables of the system, wildcards and files cannot be declared.
pub(super) fn undeclared_table(subject: &Subject<'_>) -> Vec<Diagnostic> {
    if !matches!(subject.role, Role::Query | Role::Increment) {
        return Vec::new();
    }
    let is_such = |source: &&Source| {
        matches!(source.kind, SourceKind::Undeclared)
            && source.path.len() > 1
            && !is_of_system(&source.path)
            && !is_known(&source.path, subject)
    };
    subject.bound.sources.iter().filter(is_such).filter_map(|source| report(source, subject)).collect()
}

fn report(source: &Source, subject: &Subject<'_>) -> Option<Diagnostic> {
    let (name, around) = source.path.split_last()?;
    let keys = ["schema", "database"].iter().zip(around.iter().rev());
    let keys: Vec<String> = keys.map(|(key, value)| format!("{key}: \"{value}\"")).collect();
    let message =
        format!("no file declares `{}`, so nothing is known of it and nothing waits for it", source.path.join("."));
    let help = format!(
        "add a file with `config {{ type: \"declaration\", {}, name: \"{name}\" }}`, and read `${{ref(\"{name}\")}}`",
        keys.into_iter().rev().collect::<Vec<_>>().join(", ")
    );
    Some(subject.place(Diagnostic::warning(Code::UndeclaredTable, message), source.span).help(help))
}

fn is_of_system(path: &[String]) -> bool {
    const SYSTEM: [&str; 5] = ["information_schema", "pg_catalog", "pg_internal", "system", "sys"];
    path.iter().any(|part| {
        let part = part.to_lowercase();
        SYSTEM.contains(&part.as_str()) || part.starts_with("__") || part.contains(['*', '/', ':'])
    })
}

/// Whether an action or a statement makes a relation that may be this one.
fn is_known(path: &[String], subject: &Subject<'_>) -> bool {
    let ends_alike = |parts: &[&str]| {
        let same = |(one, other): (&&str, &String)| one.eq_ignore_ascii_case(other);
        parts.iter().rev().zip(path.iter().rev()).all(same)
    };
    let is_made = |made: &Vec<String>| ends_alike(&made.iter().map(String::as_str).collect::<Vec<_>>());
    let mut actions = subject.graph.iter().map(|(_, action)| action);
    subject.bound.made.iter().any(is_made)
        || actions.any(|action| ends_alike(&action.target.parts().collect::<Vec<_>>()))
        || path.last().is_some_and(|name| may_be_made(&name.to_lowercase(), subject))
}

/// Whether a statement of the project names it that may make it.
fn may_be_made(name: &str, subject: &Subject<'_>) -> bool {
    let mentions = |text: &Rendered| text.text().to_lowercase().contains(name);
    let before = match &subject.action.kind {
        Kind::Model(model) => model.texts.pre_operations.as_slice(),
        _ => &[],
    };
    let by_operations = subject.graph.iter().any(|(_, action)| match &action.kind {
        Kind::Operations { statements, .. } => statements.iter().any(mentions),
        _ => false,
    });
    before.iter().any(mentions) || by_operations
}
