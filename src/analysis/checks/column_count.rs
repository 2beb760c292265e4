//! Halves of a set operation, rows of an INSERT, and queries in place of a value that do not have as many columns as they have to.

use sqlparser::tokenizer::Span;

use super::Subject;
use crate::analysis::bound::{Body, Columns, Expr, ExprKind, Query, RowForm, SetOperation, SourceId, Statement};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::DataType;

/// Counts where all columns are known.
pub(super) fn column_count(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let halves = subject.survey.queries.iter().filter_map(|query| match &query.body {
        Body::SetOperation(operation) => of_halves(operation, subject),
        _ => None,
    });
    let rows = subject.bound.statements.iter().filter_map(|statement| match statement {
        Statement::Insert { into, columns, query, .. } => of_rows(*into, columns, query, subject),
        _ => None,
    });
    let mut found: Vec<Diagnostic> = halves.chain(rows).collect();
    if subject.bound.has_queries_in_exprs {
        let exprs = subject.survey.queries.iter().flat_map(|query| query.exprs());
        exprs.for_each(|expr| of_values(expr, false, subject, &mut found));
    }
    found
}

/// Queries in an expression that have to give one value for a row. `is_beside_row` if it may be a whole row that stands beside it.
fn of_values(expr: &Expr, is_beside_row: bool, subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let query = match &expr.kind {
        ExprKind::Subquery(query) | ExprKind::ArrayOf(query) if !is_beside_row => Some(query),
        ExprKind::InSubquery { value, query, .. } if is_one_value(value) => Some(query),
        _ => None,
    };
    if let Some(query) = query
        && let Some(count) = count(&query.columns).filter(|count| *count > 1 && query.form() == RowForm::Columns)
    {
        let message = format!("this gives {}, and one value is asked for", columns(count));
        let diagnostic = subject.place(Diagnostic::error(Code::ColumnCount, message), query.span_of_columns());
        found.push(diagnostic.help("select the one that is meant"));
    }
    let children = expr.children();
    let may_be_row = expr.call().is_some() && !children.iter().all(|child| is_one_value(child));
    for child in children {
        of_values(child, may_be_row, subject, found);
    }
}

/// Whether it surely is no row and no struct. A query in brackets is what it stands beside.
fn is_one_value(expr: &Expr) -> bool {
    let is_plain = !expr.data_type.is_vague() && !matches!(expr.data_type, DataType::Struct(_) | DataType::Named(_));
    is_plain || matches!(expr.kind, ExprKind::Subquery(_))
}

fn of_halves(operation: &SetOperation, subject: &Subject<'_>) -> Option<Diagnostic> {
    let SetOperation { left, right, by_name: false, word, .. } = operation else { return None };
    let (first, second) = (count(&left.columns)?, count(&right.columns)?);
    if first == second || left.form() != right.form() {
        return None;
    }
    let message = format!("this has {}, and what stands before {} has {first}", columns(second), word.to_uppercase());
    let diagnostic = Diagnostic::error(Code::ColumnCount, message);
    let help = format!("both sides of {} need the same columns in the same order", word.to_uppercase());
    Some(subject.place(diagnostic, right.span_of_columns()).help(help))
}

fn of_rows(into: SourceId, named: &[Expr], query: &Query, subject: &Subject<'_>) -> Option<Diagnostic> {
    let table = subject.bound.source(into);
    let (wanted, what) = match named.len() {
        0 => (count(&table.columns)?, format!("`{}` has {}", table.name.as_deref()?, columns(count(&table.columns)?))),
        1 => (1, "1 column is named".to_owned()),
        named => (named, format!("{} are named", columns(named))),
    };
    let may_be_fewer = named.is_empty() && subject.dialect.semantics().fills_columns_left_out();
    let is_wrong = |given: usize| given > wanted || given < wanted && !may_be_fewer;
    let (given, span) = match &query.body {
        Body::Values(rows) => {
            let row = rows.iter().find(|row| is_wrong(row.len()))?;
            (row.len(), Span::union_iter(row.iter().map(|value| value.span)))
        }
        _ => (count(&query.columns).filter(|given| is_wrong(*given))?, query.span_of_columns()),
    };
    let diagnostic = Diagnostic::error(Code::ColumnCount, format!("this gives {}, and {what}", columns(given)));
    Some(subject.place(diagnostic, span).help("give a value for each column, or name those that get one"))
}

/// How many there are; `None` if there may be more.
fn count(columns: &Columns) -> Option<usize> {
    (!columns.is_open).then(|| columns.visible().count())
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}
