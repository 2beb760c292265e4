use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Grammar};

/// The embedded engine.
#[derive(Debug)]
pub struct DuckDb;

impl Dialect for DuckDb {
    fn name(&self) -> &'static str {
        "duckdb"
    }

    fn identifier(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn ignores_case(&self) -> bool {
        true
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::DuckDb
    }
}
