//! Common table expressions that nothing reads.

use super::{Role, Subject};
use crate::action::{Kind, Materialization, Rendered};
use crate::analysis::bound::{Body, Cte, SourceKind};
use crate::analysis::relations::count;
use crate::diagnostic::{Code, Diagnostic};

/// Looks at both texts of an incremental model: one may read what the other does not.
pub(super) fn unused_cte(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let may_hide_names = may_hide_names(subject);
    let is_unused = |cte: &&Cte| {
        let is_named_again = |text: &Rendered| {
            let text = text.text().to_lowercase();
            text.matches(&cte.name.to_lowercase()).count() > 1
        };
        cte.uses == 0
            && !(may_hide_names && is_named_again(subject.text))
            && !other_text(subject).is_some_and(is_named_again)
            // Code in the file may name it where this environment does not.
            && subject.seen.mentions(&cte.name) <= count(subject.text.text(), &cte.name)
    };
    let report = |cte: &Cte| {
        let message = format!("nothing reads `{}`", cte.name);
        subject.place(Diagnostic::warning(Code::UnusedCte, message), cte.span).help("read it, or take it out")
    };
    subject.bound.ctes.iter().filter(is_unused).map(report).collect()
}

/// Whether not all that is read is known: a function in a FROM may read a table whose name it is given.
pub(super) fn may_hide_names(subject: &Subject<'_>) -> bool {
    subject.survey.queries.iter().any(|query| matches!(query.body, Body::Opaque))
        || subject.bound.sources.iter().any(|source| match source.kind {
            SourceKind::Opaque | SourceKind::Values(_) => source.columns.is_open,
            _ => false,
        })
}

/// What an incremental model selects when its table is there, or for a full build: the one that is not looked at.
pub(super) fn other_text<'a>(subject: &'a Subject<'_>) -> Option<&'a Rendered> {
    let Kind::Model(model) = &subject.action.kind else { return None };
    let Materialization::Incremental(incremental) = &model.materialization else { return None };
    match subject.role {
        Role::Query => Some(&incremental.texts.query),
        Role::Increment => Some(&model.texts.query),
        Role::Filter | Role::Operation | Role::Test => None,
    }
}
