//! A division of whole numbers that is meant as a share, and gives 0.

use super::Subject;
use crate::analysis::bound::{Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::semantics::FunctionKind;
use crate::relation::DataType;

/// Looks for counts and sums that are divided by one another, and for `1 / x`, where the result is a whole number.
pub(super) fn integer_division(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let report = |expr: &Expr| {
        // Where there is a function for it, that says what is meant.
        let division = subject.dialect.semantics().call("div", &[&DataType::BIGINT; 2]);
        let has_function = division.kind != FunctionKind::Unknown;
        let otherwise = if has_function { "write `div(a, b)`" } else { "say `-- trueup: ignore integer-division`" };
        let message = "a whole number divided by a whole number is a whole number, so this share is cut off";
        let diagnostic = Diagnostic::warning(Code::IntegerDivision, message);
        let help = format!(
            "make one of them a number with decimals: `1.0 * a / b`; or {otherwise} if whole numbers are meant"
        );
        subject.place(diagnostic, expr.span).help(help)
    };
    subject.survey.exprs_that(is_share).map(report).collect()
}

fn is_share(expr: &Expr) -> bool {
    let Some(call) = expr.call_of("/").filter(|_| is_integer(expr)) else { return false };
    let [of, by] = call.arguments.as_slice() else { return false };
    let is_one = matches!(&of.kind, ExprKind::Literal(text) if text == "1");
    let by_column = matches!(by.kind, ExprKind::Column { .. }) && is_integer(by);
    is_one && (by_column || is_amount(by)) || is_amount(of) && is_amount(by)
}

/// Whether it is a count or a sum of whole numbers.
fn is_amount(expr: &Expr) -> bool {
    let Some(call) = expr.call().filter(|_| is_integer(expr)) else { return false };
    match call.name.as_str() {
        "count" | "sum" => true,
        "nullif" | "coalesce" | "greatest" => call.arguments.first().is_some_and(is_amount),
        _ => false,
    }
}

fn is_integer(expr: &Expr) -> bool {
    matches!(expr.data_type, DataType::Integer { .. })
}
