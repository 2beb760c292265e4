use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::dialect::{Dialect, syntax};

/// A query becomes a part of another statement: what stands behind a semicolon would run by itself. Dataform lets it.
pub(in crate::analysis) fn one_statement(
    text: &Rendered,
    dialect: &dyn Dialect,
    is_dataform: bool,
) -> Option<Diagnostic> {
    // Most texts have none, and then there is nothing to read.
    if !text.text().contains(';') {
        return None;
    }
    let pieces = syntax::read(text.text(), dialect).into_iter();
    let second = pieces.filter(|piece| !text.text()[piece.range.clone()].trim().is_empty()).nth(1)?;
    let severity = if is_dataform { Severity::Warning } else { Severity::Error };
    let message = "a query is one statement, and here another begins";
    let diagnostic = Diagnostic { severity, ..Diagnostic::error(Code::UnfitAction, message) };
    Some(
        text.place(diagnostic, second.range)
            .help("put it into `pre_operations` or `post_operations`, or into a file with `type: \"operations\"`"),
    )
}
