//! A translated tree to text.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Set, Statement, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use crate::dialect::translate::target::Target;

/// The statements, each ended by a semicolon where there are several.
pub(crate) fn script(mut statements: Vec<Statement>, target: &'static Target) -> String {
    let _ = statements.visit(&mut Quotes { target });
    match statements.as_slice() {
        [statement] => text(statement),
        statements => statements.iter().fold(String::new(), |script, statement| script + &text(statement) + ";\n"),
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

/// Gives every quoted identifier the target's quotes, and quotes to each that it would take for a word of its own.
struct Quotes {
    target: &'static Target,
}

/// Marks the name of a function while its call is visited: such a name may well be a word of the target's own.
const UNTOUCHED: char = '\0';

/// Marks the parts of a relation's path, which stand for a relation that has been made under just that name.
const EXACT: char = '\u{1}';

impl VisitorMut for Quotes {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        name_of_call(expr, None, Some(UNTOUCHED));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        name_of_call(expr, Some(UNTOUCHED), None);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if relation.0.len() > 1 {
            for part in &mut relation.0 {
                if let ObjectNamePart::Identifier(name) = part
                    && name.quote_style.is_some()
                {
                    name.quote_style = Some(EXACT);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        match ident.quote_style {
            Some(EXACT) => ident.quote_style = Some('"'),
            // No dialect that is translated tells columns apart by the case of letters.
            Some('"' | '`') if self.target.folds_names => ident.value.make_ascii_lowercase(),
            _ => {}
        }
        let is_keyword = ident.quote_style.is_none() && self.target.is_keyword(&ident.value);
        if is_keyword && self.target.folds_names {
            ident.value.make_ascii_lowercase();
        }
        if is_keyword || matches!(ident.quote_style, Some('`' | '[')) {
            ident.quote_style = Some('"');
        }
        if let Some(quote @ ('"' | '\'')) = ident.quote_style
            && ident.value.contains(quote)
        {
            *ident = Ident::new(quoted(&ident.value, quote));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &value.value
            && text.contains('\'')
        {
            value.value = Value::Placeholder(quoted(text, '\''));
        }
        ControlFlow::Continue(())
    }
}

/// A text in quotes. The tree itself takes two quotes in a row, or a backslash and one, for a quote that is escaped.
fn quoted(text: &str, quote: char) -> String {
    let twice: String = [quote, quote].iter().collect();
    format!("{quote}{}{quote}", text.replace(quote, &twice))
}

fn name_of_call(expr: &mut Expr, from: Option<char>, to: Option<char>) {
    if let Expr::Function(function) = expr
        && let Some(ObjectNamePart::Identifier(name)) = function.name.0.last_mut()
        && name.quote_style == from
    {
        name.quote_style = to;
    }
}
