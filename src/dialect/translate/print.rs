//! A tree of DuckDB's words to text.

use std::ops::ControlFlow;

use sqlparser::ast::{Ident, Set, Statement, Value, ValueWithSpan, VisitMut, VisitorMut};

/// The statements, each ended by a semicolon where there are several.
pub(crate) fn script(mut statements: Vec<Statement>) -> String {
    let _ = statements.visit(&mut Quotes);
    match statements.as_slice() {
        [statement] => text(statement),
        statements => statements.iter().map(|statement| format!("{};\n", text(statement))).collect(),
    }
}

fn text(statement: &Statement) -> String {
    match statement {
        // Its name is of two words, where the tree knows only a path.
        Statement::Set(Set::SingleAssignment { variable, values, .. }) => {
            let name: Vec<_> = variable.0.iter().map(ToString::to_string).collect();
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            format!("SET {} = {}", name.join(" "), values.join(", "))
        }
        other => other.to_string(),
    }
}

/// Gives every quoted identifier DuckDB's quotes, and quotes to each that DuckDB would take for a word of its own.
struct Quotes;

impl VisitorMut for Quotes {
    type Break = ();

    /// The tree's own printing takes two quotes in a row for one that is already escaped.
    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &mut value.value
            && text.contains('\'')
        {
            *text = text.replace('\'', "''");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        let reserved = ident.quote_style.is_none()
            && RESERVED.split_whitespace().any(|word| word.eq_ignore_ascii_case(&ident.value));
        if reserved || matches!(ident.quote_style, Some('`' | '[')) {
            ident.quote_style = Some('"');
        }
        ControlFlow::Continue(())
    }
}

/// DuckDB's reserved words (`duckdb_keywords()`).
const RESERVED: &str = "all analyse analyze and any array as asc asymmetric both case cast check collate column \
    constraint create default deferrable desc describe distinct do else end except false fetch for foreign from group \
    having in initially intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer \
    pivot_wider placing primary qualify references returning select show some summarize symmetric table then to trailing \
    true union unique unpivot using variadic when where window with";
