//! The walk over the tree: every node is either known to mean the same in the target, changed to what does, or a problem.

mod call;
mod expr;
mod qualify;
mod query;
mod shape;
mod statement;
mod table;

pub(crate) use call::simple_name;
pub(crate) use expr::{cast, is_comparison};

use std::ops::Range;

use sqlparser::ast::{DataType, Expr, Ident, Spanned, Statement};
use sqlparser::tokenizer::{Location, Span};

use crate::dialect::syntax::Problem;
use crate::dialect::translate::functions::is_too_long;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::scope::Scopes;

/// Changes statements in place, and gathers what it cannot change.
#[derive(Debug)]
pub(crate) struct Rewriter<'a> {
    pub(crate) rules: &'static dyn Rules,
    sql: &'a str,
    pub(crate) scopes: Scopes,
    problems: Vec<Problem>,
    /// Functions that the script itself makes, in lower case.
    pub(crate) own_functions: Vec<String>,
    /// Variables that the script declares, in lower case.
    pub(crate) variables: Vec<(String, crate::dialect::translate::types::Type)>,
    /// Whether these are rows of INSERT … VALUES.
    pub(crate) inserting: bool,
    /// Whether nobody sees the names of the columns of the query that comes next.
    nameless: bool,
    /// The statement that is being changed: where a node has no place of its own, its problems are put here.
    statement: Span,
    serial: usize,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(rules: &'static dyn Rules, sql: &'a str) -> Self {
        Self {
            rules,
            sql,
            scopes: Scopes::default(),
            problems: Vec::new(),
            own_functions: Vec::new(),
            variables: Vec::new(),
            inserting: false,
            nameless: false,
            statement: Span::empty(),
            serial: 0,
        }
    }

    /// The statements in the target's words.
    pub(crate) fn script(&mut self, statements: Vec<Statement>) -> Vec<Statement> {
        statements.into_iter().flat_map(|statement| self.statement(statement)).collect()
    }

    /// What could not be changed, in the order of its places.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
        self.problems.dedup();
        self.problems
    }

    /// Reports a construct that has no equal. `what` starts with its kind and name: "function `foo`".
    pub(crate) fn missing(&mut self, place: Span, what: &str) {
        self.problem(place, self.no_translation(what), None);
    }

    /// Reports a construct that has no equal, and why or what to write in its place.
    pub(crate) fn missing_because(&mut self, place: Span, what: &str, help: &str) {
        self.problem(place, self.no_translation(what), Some(help.to_owned()));
    }

    fn no_translation(&self, what: &str) -> String {
        format!("{} {what} has no translation to {}", self.rules.warehouse(), self.rules.target().name)
    }

    /// Whether one of the sides of a quotient is too long to be put into several places; reported if it is.
    pub(crate) fn is_too_long(&mut self, sides: &[&Expr], place: Span) -> bool {
        let too_long = sides.iter().any(|side| is_too_long(side));
        if too_long {
            self.missing_because(place, "division of so long a value", "name its parts in a WITH clause");
        }
        too_long
    }

    /// Reports something else.
    pub(crate) fn problem(&mut self, place: Span, message: String, help: Option<String>) {
        let range = self.range(place);
        self.problems.push(Problem { range, message, help, certain: false });
    }

    /// A name that no statement of a person has.
    pub(crate) fn fresh(&mut self, stem: &str) -> Ident {
        self.serial += 1;
        Ident::new(format!("_{stem}{}", self.serial))
    }

    pub(crate) fn data_type(&mut self, data_type: &mut DataType, place: Span) {
        let written = data_type.to_string();
        if !self.rules.data_type(data_type) {
            self.missing(place, &format!("type `{}`", written.to_ascii_lowercase()));
        }
    }

    /// What stands at a place of the SQL.
    pub(crate) fn source(&self, place: Span) -> Option<&'a str> {
        if place.start.line == 0 { None } else { self.sql.get(self.range(place)) }
    }

    fn begin(&mut self, statement: &Statement) {
        self.statement = statement.span();
    }

    fn range(&self, place: Span) -> Range<usize> {
        let place = if place.start.line == 0 { self.statement } else { place };
        if place.start.line == 0 {
            return 0..self.sql.len();
        }
        let start = byte(self.sql, place.start);
        start..byte(self.sql, place.end).max(start)
    }
}

/// The byte at a line and column, both counted from one, the column in characters.
fn byte(sql: &str, place: Location) -> usize {
    let line = usize::try_from(place.line.saturating_sub(1)).unwrap_or(usize::MAX);
    let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let start = match line {
        0 => 0,
        line => sql.match_indices('\n').nth(line - 1).map_or(sql.len(), |(end, _)| end + 1),
    };
    sql.get(start..).and_then(|rest| rest.char_indices().nth(column)).map_or(sql.len(), |(offset, _)| start + offset)
}
