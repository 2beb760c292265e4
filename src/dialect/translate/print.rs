//! A tree of DuckDB's words to text.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectNamePart, Set, Statement, Value, ValueWithSpan, VisitMut, VisitorMut};

/// The statements, each ended by a semicolon where there are several.
pub(crate) fn script(mut statements: Vec<Statement>) -> String {
    let _ = statements.visit(&mut Quotes);
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

/// Gives every quoted identifier DuckDB's quotes, and quotes to each that DuckDB would take for a word of its own.
struct Quotes;

/// Marks the name of a function while its call is visited: such a name may well be a word of DuckDB's own.
const UNTOUCHED: char = '\0';

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

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        let of_duckdb = ident.quote_style.is_none()
            && KEYWORDS.split_whitespace().any(|word| word.eq_ignore_ascii_case(&ident.value));
        if of_duckdb || matches!(ident.quote_style, Some('`' | '[')) {
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

/// The words that DuckDB does not take for every kind of name (`duckdb_keywords()`, all but `unreserved`); without DEFAULT,
/// which no warehouse takes for a name and which stands for a value in INSERT.
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint \
    create deferrable desc describe distinct do else end except false fetch for foreign from group having in \
    initially intersect into lambda lateral leading limit not null offset on only or order pivot pivot_longer pivot_wider \
    placing primary qualify references returning select show some summarize symmetric table then to trailing true union \
    unique unpivot using variadic when where window with \
    between bigint bit boolean char character coalesce dec decimal exists extract float grouping grouping_id inout int \
    integer interval national nchar none nullif numeric out overlay position precision real row setof smallint substring \
    time timestamp treat trim values varchar \
    anti asof at authorization binary by collation columns concurrently cross freeze full generated glob ilike inner is \
    isnull join left like map natural notnull outer overlaps positional right semi similar struct tablesample try_cast \
    unpack verbose";
