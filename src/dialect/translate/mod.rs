//! SQL of one warehouse in the words of another: the same rows, or a problem that names the construct.
//!
//! A script is parsed, its tree is walked ([`rewrite`]) and printed again. What sets a warehouse apart is behind
//! [`rules::Rules`]: a table of its functions ([`functions`]), and code for what no table can say.
//!
//! A point in time is a `timestamptz`. Where the type of a value is known, no result depends on the time zone of the
//! session; where it is not (a column of a table that another script made), the session must be in UTC.

mod bigquery;
mod functions;
mod locate;
mod postgres;
mod print;
mod redshift;
mod rewrite;
mod rules;
mod scope;
mod types;

use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Problem};

pub use locate::origin;
use rules::Rules;

/// How the SQL of one warehouse is translated.
#[derive(Debug, Clone, Copy)]
pub struct ToDuckDb(&'static dyn Rules);

impl ToDuckDb {
    /// From BigQuery.
    pub const BIGQUERY: Self = Self(&bigquery::BigQuery);
    /// From PostgreSQL.
    pub const POSTGRES: Self = Self(&postgres::Postgres);
    /// From Redshift.
    pub const REDSHIFT: Self = Self(&redshift::Redshift);
}

/// A script in DuckDB's SQL that gives the rows that `sql` gives on the warehouse of `from`.
///
/// Every construct that has no equal is a problem of its own; there is never a text that silently means something else.
pub fn to_duckdb(sql: &str, from: &dyn Dialect) -> Result<String, Vec<Problem>> {
    let Some(ToDuckDb(rules)) = from.to_duckdb() else { return Ok(sql.to_owned()) };
    let statements = syntax::parse(sql, from).map_err(|problem| vec![problem])?;
    let mut rewriter = rewrite::Rewriter::new(rules, sql);
    let translated = rewriter.script(statements);
    let problems = rewriter.into_problems();
    if problems.is_empty() { Ok(print::script(translated)) } else { Err(problems) }
}
