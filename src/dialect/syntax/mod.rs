//! SQL text to a tree, and what is surely wrong with it.

use std::ops::Range;

use sqlparser::ast::Statement;

use crate::dialect::Dialect;

/// Something about a piece of SQL that its writer should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the SQL text.
    pub range: Range<usize>,
    /// Lower case, no full stop, names in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the warehouse would surely refuse it. Otherwise it is only not understood.
    pub certain: bool,
}

/// The statements of a text, or the place from which it is not understood.
pub fn parse(sql: &str, dialect: &dyn Dialect) -> Result<Vec<Statement>, Problem> {
    sqlparser::parser::Parser::parse_sql(dialect.grammar(), sql).map_err(|error| Problem {
        range: 0..sql.len(),
        message: error.to_string(),
        help: None,
        certain: false,
    })
}
