use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::ToDuckDb;

/// Amazon Redshift.
#[derive(Debug)]
pub struct Redshift;

impl Dialect for Redshift {
    fn name(&self) -> &'static str {
        "redshift"
    }

    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::Redshift
    }

    fn ignores_trailing_blanks(&self) -> bool {
        true
    }

    fn to_duckdb(&self) -> Option<ToDuckDb> {
        Some(ToDuckDb::REDSHIFT)
    }
}
