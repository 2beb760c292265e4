//! Names of the columns of a model that whoever reads them has to quote.

use sqlparser::tokenizer::Span;

use super::{Role, Subject};
use crate::action::Kind;
use crate::analysis::bound::{Body, ExprKind, Item, Query, Statement};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::syntax::range;

/// Looks at names that the model gives; what it passes on has its name from elsewhere, and who writes quotes knows. Where such a
/// word is no name without quotes, all that are given count.
pub(super) fn reserved_name(subject: &Subject<'_>) -> Vec<Diagnostic> {
    if subject.dialect.semantics().refuses_reserved_names() {
        return refused(subject);
    }
    let is_model = matches!(subject.action.kind, Kind::Model(_)) && subject.role == Role::Query;
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    if !is_model {
        return Vec::new();
    }
    let named = first_list(query).iter().zip(&query.columns.known).filter_map(|(item, column)| {
        let name = column.name.as_deref()?;
        Some(subject.place(describe(name, subject)?, given_at(item, name, subject)?))
    });
    named.collect()
}

/// Names of columns and of common table expressions that the warehouse does not take for names.
fn refused(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (bound, text) = (subject.bound, subject.text.text());
    let columns =
        subject.survey.selects().flat_map(|(_, select)| select.projection.iter().filter_map(|item| item.alias));
    let spans = columns.chain(bound.ctes.iter().map(|cte| cte.span));
    let is_reserved = |span: &Span| {
        let written = text.get(range(text, *span));
        written.is_some_and(|word| subject.dialect.semantics().is_reserved(&word.to_lowercase()))
    };
    let report = |span: Span| {
        let word = text.get(range(text, span)).unwrap_or_default();
        let message = format!("`{word}` is a reserved word of {}, and no name without quotes", subject.dialect.name());
        let quoted = subject.dialect.identifier(word);
        let help = format!("give it another name, or write {quoted}");
        subject.place(Diagnostic::error(Code::ReservedName, message), span).help(help)
    };
    spans.filter(is_reserved).map(report).collect()
}

/// The select list that the names of the columns are from.
pub(super) fn first_list(query: &Query) -> &[Item] {
    match &query.body {
        Body::Select(select) if !query.columns.is_open => &select.projection,
        Body::Nested(inner) => first_list(inner),
        Body::SetOperation(operation) => first_list(&operation.left),
        _ => &[],
    }
}

/// Where a column gets a name that it did not have before, without quotes.
fn given_at(item: &Item, name: &str, subject: &Subject<'_>) -> Option<Span> {
    let old = match &item.expr.kind {
        ExprKind::Column { name, .. } => Some(&**name),
        ExprKind::Field { name, .. } => Some(name.as_str()),
        _ => None,
    };
    let text = subject.text.text();
    let is_new = old.is_none_or(|old| !old.eq_ignore_ascii_case(name));
    let is_bare = |span: &Span| text.get(range(text, *span)).is_some_and(|written| written.eq_ignore_ascii_case(name));
    item.alias.filter(|_| is_new).filter(is_bare)
}

/// What is wrong with a name. In other dialects trueup quotes it itself.
fn describe(name: &str, subject: &Subject<'_>) -> Option<Diagnostic> {
    if !subject.dialect.semantics().is_reserved(&name.to_lowercase()) {
        return None;
    }
    let dialect = subject.dialect.name();
    let message = format!("`{name}` is a reserved word of {dialect}: by that name alone it is only read in quotes");
    Some(Diagnostic::warning(Code::ReservedName, message).help("give it another name"))
}
