//! Relations of one FROM that are called the same.

use super::Subject;
use crate::analysis::bound::{Source, SourceKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::semantics::RepeatedAliases;

/// Compares the names in every FROM.
pub(super) fn duplicate_alias(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let rules = subject.dialect.semantics().names();
    let is_refused = |one: &Source, other: &Source| match rules.repeated_aliases {
        RepeatedAliases::Taken => false,
        RepeatedAliases::TakenOfTables => has_alias(one) || has_alias(other) || one.path == other.path,
        RepeatedAliases::Refused => true,
    };
    let mut found = Vec::new();
    for (_, select) in subject.survey.selects() {
        let named: Vec<(&Source, &str)> = select
            .sources
            .iter()
            .map(|id| subject.bound.source(*id))
            .filter(|source| is_relation(source))
            .filter_map(|source| Some((source, source.name.as_deref().filter(|name| !name.contains('*'))?)))
            .collect();
        for (at, (source, name)) in named.iter().enumerate() {
            let is_it =
                |(first, other): &&(&Source, &str)| rules.case.is_same(other, name) && is_refused(first, source);
            let Some((first, _)) = named[..at].iter().find(is_it) else { continue };
            let message = format!("another relation of this FROM is called `{name}`");
            let diagnostic = subject.place(Diagnostic::error(Code::DuplicateAlias, message), source.span);
            let diagnostic = subject.point_at(diagnostic, first.span, "the first one");
            found.push(diagnostic.help("give one of them another name: `… as other`"));
        }
    }
    found
}

/// Whether its name is that of a relation: elements of arrays and the rows of functions have rules of their own.
fn is_relation(source: &Source) -> bool {
    use SourceKind::{Action, Cte, Derived, Own, Undeclared};
    matches!(source.kind, Action(_) | Cte(_) | Derived(_) | Own | Undeclared)
}

/// Whether it is called otherwise than the table that it is, or is no table.
fn has_alias(source: &Source) -> bool {
    source.path.last() != source.name.as_ref()
}
