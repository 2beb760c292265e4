use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Problem, Understood};

/// What to do where the parser says nothing of its own.
const ADVICE: &str = "nothing, if the warehouse takes it: it is sent as it is";

/// What follows for a query.
const BLIND: &str = "nothing, if the warehouse takes it: it is sent as it is, but its columns are not known, and nothing in it is checked";

/// Reads a text, and takes out what is said of it. What the parser does not read is an error where the warehouse would surely refuse it, otherwise a
/// warning; of what is no query only where the warehouse is not known to take it.
pub(in crate::analysis) fn syntax(
    text: &Rendered,
    dialect: &dyn Dialect,
    is_query: bool,
    diagnostics: &mut Diagnostics,
) -> Understood {
    let mut read = syntax::understand(text.text(), dialect);
    let problems = std::mem::take(&mut read.problems);
    if is_query && read.statements.is_empty() && problems.is_empty() {
        let unread = syntax::end_of_understanding(text.text(), dialect);
        diagnostics.extend(unread.map(|problem| place(Problem { help: Some(BLIND.to_owned()), ..problem }, text)));
    }
    diagnostics.extend(problems.into_iter().map(|problem| place(problem, text)));
    read
}

fn place(problem: Problem, text: &Rendered) -> Diagnostic {
    let diagnostic = if problem.certain {
        Diagnostic::error(Code::SqlSyntax, problem.message)
    } else {
        Diagnostic::warning(Code::SqlNotUnderstood, problem.message)
    };
    text.place(diagnostic, problem.range).help(problem.help.unwrap_or_else(|| ADVICE.to_owned()))
}
