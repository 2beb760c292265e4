//! Blanks at the end of a text, which mean nothing where texts are compared.
//!
//! What stands in the query is heeded: a literal that ends in blanks, on either side. Whether the values of a column do,
//! only the data tell; then the texts are compared as they are.

use sqlparser::ast::Expr;

use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::text_of;
use crate::dialect::translate::rewrite::is_comparison;
use crate::dialect::translate::types::Type;

/// A comparison whose sides are translated.
pub(crate) fn compare(expr: &mut Expr, one: &Type, other: &Type) {
    let Expr::BinaryOp { left, op, right } = expr else { return };
    let texts = [one, other].iter().all(|kind| matches!(kind, Type::Text | Type::Unknown));
    if is_comparison(op) && texts && (ends_blank(left) || ends_blank(right)) {
        **left = trimmed(left);
        **right = trimmed(right);
    }
}

/// `text in ('a ', …)` before it is translated.
pub(crate) fn in_list(expr: &mut Expr) {
    let Expr::InList { expr: text, list, .. } = expr else { return };
    if list.iter().any(ends_blank) {
        **text = trimmed(text);
        for item in list {
            *item = trimmed(item);
        }
    }
}

fn ends_blank(expr: &Expr) -> bool {
    text_of(expr).is_some_and(|text| text.ends_with(' '))
}

fn trimmed(expr: &Expr) -> Expr {
    build("rtrim(x, ' ')", &[("x", expr)])
}
