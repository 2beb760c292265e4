use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::ToDuckDb;

/// PostgreSQL, with standard-conforming strings.
#[derive(Debug)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::Postgres
    }

    fn to_duckdb(&self) -> Option<ToDuckDb> {
        Some(ToDuckDb::POSTGRES)
    }
}
