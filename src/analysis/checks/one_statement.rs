use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::{Dialect, syntax};

/// A query becomes a part of another statement: what stands behind a semicolon would run by itself.
pub(in crate::analysis) fn one_statement(text: &Rendered, dialect: &dyn Dialect) -> Option<Diagnostic> {
    // Most texts have none, and then there is nothing to read.
    if !text.text().contains(';') {
        return None;
    }
    let pieces = syntax::read(text.text(), dialect).into_iter();
    let second = pieces.filter(|piece| !text.text()[piece.range.clone()].trim().is_empty()).nth(1)?;
    let diagnostic = Diagnostic::error(Code::UnfitAction, "a query is one statement, and here another begins");
    Some(
        text.place(diagnostic, second.range)
            .help("put it into `pre_operations` or `post_operations`, or into a file with `type: \"operations\"`"),
    )
}
