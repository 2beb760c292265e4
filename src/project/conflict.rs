//! What a merge leaves in a file whose two sides it could not bring together.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic};
use crate::files::SourceFile;

/// The mistake of a file that has the marks of a merge in it.
pub(super) fn unsettled(file: &SourceFile) -> Option<Diagnostic> {
    let (ours, theirs) = marks(file.text())?;
    let message = "this file has the marks of a merge in it that was not brought to its end";
    let diagnostic = Diagnostic::error(Code::UnreadableFile, message);
    let help = "keep one of the two sides, or what is right of both, and take the marks out";
    Some(diagnostic.at(file.span(ours), "one side").at(file.span(theirs), "the other").help(help))
}

/// What stands before the first side.
const OURS: &str = "<<<<<<< ";

/// The first marks before and between the two sides; `None` unless all three are there.
fn marks(text: &str) -> Option<(Range<usize>, Range<usize>)> {
    if !text.contains(OURS) {
        return None;
    }
    let mut start = 0;
    let (mut ours, mut theirs) = (None, None);
    for line in text.split_inclusive('\n') {
        let range = start..start + line.trim_end().len();
        start += line.len();
        if line.starts_with(OURS) {
            (ours, theirs) = (Some(range), None);
        } else if line.trim_end() == "=======" {
            theirs = Some(range);
        } else if line.starts_with(">>>>>>> ")
            && let Some(found) = ours.clone().zip(theirs.clone())
        {
            return Some(found);
        }
    }
    None
}
