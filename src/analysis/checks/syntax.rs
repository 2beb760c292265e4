use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Problem};

/// What the parser does not read: an error where the warehouse would surely refuse it, otherwise a warning.
pub(in crate::analysis) fn syntax(text: &Rendered, dialect: &dyn Dialect) -> Vec<Diagnostic> {
    syntax::check(text.text(), dialect).into_iter().map(|problem| place(problem, text)).collect()
}

fn place(problem: Problem, text: &Rendered) -> Diagnostic {
    let diagnostic = if problem.certain {
        Diagnostic::error(Code::SqlSyntax, problem.message)
    } else {
        Diagnostic::warning(Code::SqlNotUnderstood, problem.message)
    };
    text.place(diagnostic, problem.range).maybe_help(problem.help)
}
