//! Common table expressions that nothing reads.

use super::Subject;
use crate::analysis::bound::{Body, Cte, SourceKind};
use crate::diagnostic::{Code, Diagnostic};

/// Looks at those whose statement is understood as a whole.
pub(super) fn unused_cte(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let bound = subject.bound;
    let is_opaque = bound.queries().iter().any(|query| matches!(query.body, Body::Opaque));
    // A function in a FROM may read a table whose name it is given.
    let may_hide_names = is_opaque
        || bound.sources.iter().any(|source| match source.kind {
            SourceKind::Opaque => true,
            SourceKind::Values(_) => source.columns.is_open,
            _ => false,
        });
    let is_named_again = |cte: &Cte| {
        let text = subject.text.text().to_lowercase();
        text.matches(&cte.name.to_lowercase()).count() > 1
    };
    let is_unused = |cte: &&Cte| cte.uses == 0 && !(may_hide_names && is_named_again(cte));
    let report = |cte: &Cte| {
        let message = format!("nothing reads `{}`", cte.name);
        subject.place(Diagnostic::warning(Code::UnusedCte, message), cte.span).help("take it out")
    };
    bound.ctes.iter().filter(is_unused).map(report).collect()
}
