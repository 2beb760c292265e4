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
mod target;
mod to_postgres;
mod types;

use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Problem};

pub use locate::origin;
use rules::Rules;
use types::Type;

/// What to do about a construct that has no equal, where nothing better is known.
pub const ADVICE: &str = "write it in a way that both understand, or run it in an environment of its own warehouse";

/// How the SQL of one warehouse is translated to that of another.
#[derive(Debug, Clone, Copy)]
pub struct Translation(&'static dyn Rules);

impl Translation {
    /// From BigQuery to DuckDB.
    pub const BIGQUERY_TO_DUCKDB: Self = Self(&bigquery::BigQuery);
    /// From PostgreSQL to DuckDB.
    pub const POSTGRES_TO_DUCKDB: Self = Self(&postgres::Postgres);
    /// From Redshift to DuckDB.
    pub const REDSHIFT_TO_DUCKDB: Self = Self(&redshift::Redshift);
    /// From BigQuery to PostgreSQL.
    pub const BIGQUERY_TO_POSTGRES: Self = Self(&to_postgres::BigQuery);
    /// From Redshift to PostgreSQL.
    pub const REDSHIFT_TO_POSTGRES: Self = Self(&to_postgres::Redshift);
}

/// A script in the SQL of `to` that gives the rows that `sql` gives on the warehouse of `from`.
///
/// Every construct that has no equal is a problem of its own; there is never a text that silently means something else.
pub fn translate(sql: &str, from: &dyn Dialect, to: &dyn Dialect) -> Result<String, Vec<Problem>> {
    Script::new(from, to).translate(sql)
}

/// Texts that run one after the other in one session, such as the operations before a query and the query: what one
/// declares, the next ones know.
#[derive(Debug)]
pub struct Script<'a> {
    from: &'a dyn Dialect,
    to: &'a dyn Dialect,
    functions: Vec<String>,
    variables: Vec<(String, Type)>,
}

impl<'a> Script<'a> {
    /// One in which nothing is declared yet.
    pub fn new(from: &'a dyn Dialect, to: &'a dyn Dialect) -> Self {
        Self { from, to, functions: Vec::new(), variables: Vec::new() }
    }

    /// The next text, as [`translate`] gives it. It stays as it is where there is no translation.
    pub fn translate(&mut self, sql: &str) -> Result<String, Vec<Problem>> {
        let Some(Translation(rules)) = self.to.translation_from(self.from) else { return Ok(sql.to_owned()) };
        let statements = syntax::parse(sql, self.from).map_err(|problem| vec![problem])?;
        let mut rewriter = rewrite::Rewriter::new(rules, sql);
        rewriter.own_functions = std::mem::take(&mut self.functions);
        rewriter.variables = std::mem::take(&mut self.variables);
        let translated = rewriter.script(statements);
        self.functions = std::mem::take(&mut rewriter.own_functions);
        self.variables = std::mem::take(&mut rewriter.variables);
        let problems = rewriter.into_problems();
        if problems.is_empty() { Ok(print::script(translated, rules.target())) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dialect;

    /// Words of which a text is more likely to be understood than of any letters.
    const WORDS: [&str; 48] = [
        "select",
        "from",
        "t",
        "where",
        "x",
        "(",
        ")",
        ",",
        "*",
        "group by",
        "order by",
        "1",
        "'a'",
        "unnest",
        "struct",
        "as",
        "array",
        "[",
        "]",
        "offset",
        "-",
        "+",
        "/",
        ".",
        "date",
        "timestamp",
        "interval",
        "day",
        "date_trunc",
        "week",
        "cast",
        "int64",
        "string_agg",
        "over",
        "with",
        "union all",
        "join",
        "on",
        "case",
        "when",
        "then",
        "end",
        "if",
        "pivot",
        "for",
        "in",
        "null",
        ";",
    ];

    /// To every dialect that has one.
    fn translations(sql: &str, from: &str) {
        let from = dialect::named(from).expect("a dialect");
        for to in dialect::names().filter_map(dialect::named) {
            let _ = translate(sql, from, to);
        }
    }

    proptest! {
        #[test]
        fn any_text(sql in "\\PC{0,80}") {
            for name in dialect::names() {
                translations(&sql, name);
            }
        }

        #[test]
        fn any_words(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..25)) {
            let sql = words.join(" ");
            for name in dialect::names() {
                translations(&sql, name);
            }
        }
    }

    #[test]
    fn deep_nesting() {
        for (open, close) in [("(", ")"), ("-", ""), ("[", "]"), ("struct(", ")"), ("if(true, ", ", 1)"), ("x + ", "")]
        {
            let sql = format!("select {}1{}", open.repeat(3000), close.repeat(3000));
            for name in dialect::names() {
                translations(&sql, name);
            }
        }
    }

    #[test]
    fn problems_have_places() {
        let sql = "select 1,\n  foo('é'), soundex(a) from t";
        let problems = dialect::named("bigquery")
            .and_then(|from| translate(sql, from, &dialect::DuckDb).err())
            .unwrap_or_default();
        let places: Vec<_> = problems.iter().map(|problem| &sql[problem.range.clone()]).collect();
        assert!(places.contains(&"soundex"), "{places:?} {problems:?}");
    }
}
