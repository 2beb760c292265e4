use sqlparser::ast::Statement;

use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Problem};

/// What to do where the parser says nothing of its own.
const ADVICE: &str = "nothing, if the warehouse takes it: it is sent as it is";

/// Reads a text. What the parser does not read is an error where the warehouse would surely refuse it, otherwise a
/// warning.
pub(in crate::analysis) fn syntax(
    text: &Rendered,
    dialect: &dyn Dialect,
    diagnostics: &mut Diagnostics,
) -> Vec<Statement> {
    let (statements, problems) = syntax::understand(text.text(), dialect);
    diagnostics.extend(problems.into_iter().map(|problem| place(problem, text)));
    statements
}

fn place(problem: Problem, text: &Rendered) -> Diagnostic {
    let diagnostic = if problem.certain {
        Diagnostic::error(Code::SqlSyntax, problem.message)
    } else {
        Diagnostic::warning(Code::SqlNotUnderstood, problem.message)
    };
    text.place(diagnostic, problem.range).help(problem.help.unwrap_or_else(|| ADVICE.to_owned()))
}
