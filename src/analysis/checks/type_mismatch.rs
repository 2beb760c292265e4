//! Values of types that the warehouse does not bring together: in comparisons, in the halves of a set operation, and in
//! the branches of one value.

use sqlparser::tokenizer::Span;

use super::Subject;
use crate::analysis::bound::{Body, Column, Expr, ExprKind, SetOperation};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::DataType;

const COMPARISONS: [&str; 8] = ["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"];

/// Several values against the first.
const SEVERAL: [&str; 4] = ["between", "not between", "in", "not in"];

/// What gives one of several values.
const BRANCHES: [&str; 4] = ["case", "coalesce", "ifnull", "nvl"];

/// Reports what is surely refused.
pub(super) fn type_mismatch(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for query in subject.bound.queries() {
        for expr in query.exprs() {
            expr.walk(&mut |part| {
                found.extend(in_expression(part, subject));
                true
            });
        }
        if let Body::SetOperation(operation) = &query.body {
            found.extend(in_halves(operation, subject));
        }
    }
    found
}

fn in_expression(expr: &Expr, subject: &Subject<'_>) -> Vec<Diagnostic> {
    if let ExprKind::InSubquery { value, query, .. } = &expr.kind {
        let column = query.columns.known.first().filter(|_| !query.columns.is_open && query.columns.known.len() == 1);
        let pair = column.map(|column| (Side::of(value), Side { data_type: &column.data_type, span: query.span }));
        return pair
            .filter(|_| is_typed(value))
            .and_then(|(one, other)| compared(&one, &other, subject))
            .into_iter()
            .collect();
    }
    let Some(call) = expr.call() else { return Vec::new() };
    let name = call.name.as_str();
    match call.arguments.as_slice() {
        [one, others @ ..] if COMPARISONS.contains(&name) && others.len() == 1 || SEVERAL.contains(&name) => {
            let typed = others.iter().filter(|other| is_typed(one) && is_typed(other));
            typed.filter_map(|other| compared(&Side::of(one), &Side::of(other), subject)).collect()
        }
        [first, others @ ..] if BRANCHES.contains(&name) => {
            // Of many branches those tell that do not go with the first one that has a type.
            let first = std::iter::once(first).chain(others).find(|branch| is_typed(branch));
            let Some(first) = first else { return Vec::new() };
            let is_odd = |other: &&Expr| has_no_common(&first.data_type, &other.data_type, true, subject);
            let odd = call.arguments.iter().filter(|other| is_typed(other)).find(is_odd);
            let report = |odd| apart(&Side::of(first), &Side::of(odd), "the branches of one value", subject);
            odd.map(report).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn in_halves(operation: &SetOperation, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let SetOperation { left, right, by_name, word, .. } = operation;
    if left.columns.is_open || right.columns.is_open {
        return Vec::new();
    }
    let semantics = subject.dialect.semantics();
    let case = semantics.names().case;
    let partner = |place: usize, column: &Column| {
        if !by_name {
            return right.columns.known.get(place).map(|other| (place, other));
        }
        let is_it = |other: &Column| match (&column.name, &other.name) {
            (Some(one), Some(other)) => case.is_same(one, other),
            _ => false,
        };
        right.columns.known.iter().enumerate().find(|(_, other)| is_it(other))
    };
    let mut found = Vec::new();
    for (place, column) in left.columns.known.iter().enumerate() {
        let Some((other_place, other)) = partner(place, column) else { continue };
        let (item, other_item) = (left.item(place), right.item(other_place));
        let are_typed = item.is_some_and(is_typed) && other_item.is_some_and(is_typed);
        if has_no_common(&column.data_type, &other.data_type, are_typed, subject) {
            let one = Side { data_type: &column.data_type, span: left.span_of(place) };
            let other = Side { data_type: &other.data_type, span: right.span_of(other_place) };
            let name = column.name.as_deref().map_or_else(|| "one column".to_owned(), |name| format!("`{name}`"));
            found.push(apart(&one, &other, &format!("the halves of {} for {name}", word.to_uppercase()), subject));
        }
    }
    found
}

/// A value on one side.
struct Side<'a> {
    data_type: &'a DataType,
    span: Span,
}

impl<'a> Side<'a> {
    fn of(expr: &'a Expr) -> Self {
        Self { data_type: &expr.data_type, span: expr.span }
    }
}

/// Whether the type of a value is its own: what is made of literals alone becomes what stands beside it.
fn is_typed(expr: &Expr) -> bool {
    expr.any(&|part| {
        matches!(
            part.kind,
            ExprKind::Column { .. } | ExprKind::Field { .. } | ExprKind::Subquery(_) | ExprKind::Cast { .. }
        )
    })
}

/// Whether there surely is no type that values of both come to. A text that may be a literal comes to any.
fn has_no_common(one: &DataType, other: &DataType, are_typed: bool, subject: &Subject<'_>) -> bool {
    let semantics = subject.dialect.semantics();
    semantics.common(&[one, other]).is_none() || are_typed && semantics.compares(one, other) == Some(false)
}

fn compared(one: &Side<'_>, other: &Side<'_>, subject: &Subject<'_>) -> Option<Diagnostic> {
    let compares = subject.dialect.semantics().compares(one.data_type, other.data_type);
    (compares == Some(false)).then(|| apart(one, other, "the sides of a comparison", subject))
}

fn apart(one: &Side<'_>, other: &Side<'_>, what: &str, subject: &Subject<'_>) -> Diagnostic {
    let semantics = subject.dialect.semantics();
    let (first, second) = (semantics.type_name(one.data_type), semantics.type_name(other.data_type));
    let message = format!("{what} are {first} and {second}");
    let diagnostic = subject.place(Diagnostic::error(Code::TypeMismatch, message), other.span);
    subject.point_at(diagnostic, one.span, &format!("this is {first}")).help("cast one of them")
}
