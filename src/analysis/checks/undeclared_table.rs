//! A table that is read by its path, and that nothing declares.

use super::{Role, Subject};
use crate::analysis::bound::{Source, SourceKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::syntax::range;

/// Looks at what models and assertions read. Tables of the system, wildcards and files cannot be declared.
pub(super) fn undeclared_table(subject: &Subject<'_>) -> Vec<Diagnostic> {
    if !matches!(subject.role, Role::Query | Role::Increment | Role::Filter) {
        return Vec::new();
    }
    let is_such = |source: &&Source| {
        matches!(source.kind, SourceKind::Undeclared)
            && source.path.len() > 1
            && !is_of_system(&source.path)
            && !is_in_a_row(&source.path, subject)
            && !may_be_made(&source.path, subject)
            // What a ref gives is another matter.
            && subject.text.is_verbatim(range(subject.text.text(), source.span))
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

/// Whether it may be an array in a row of another source: `from orders o, o.items`.
fn is_in_a_row(path: &[String], subject: &Subject<'_>) -> bool {
    let first = path.first().map(String::as_str);
    subject.bound.sources.iter().any(|other| other.name.as_deref() == first)
}

/// Whether something in the project may make it.
fn may_be_made(path: &[String], subject: &Subject<'_>) -> bool {
    let is_it = |made: &Vec<String>| {
        let same = |(one, other): (&String, &String)| one.eq_ignore_ascii_case(other);
        made.iter().rev().zip(path.iter().rev()).all(same)
    };
    subject.bound.made.iter().any(is_it) || subject.seen.may_make(path)
}
