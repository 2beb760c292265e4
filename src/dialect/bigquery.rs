use crate::dialect::Dialect;
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::ToDuckDb;
use crate::relation::Target;

/// Google's BigQuery: GoogleSQL.
#[derive(Debug)]
pub struct BigQuery;

impl Dialect for BigQuery {
    fn name(&self) -> &'static str {
        "bigquery"
    }

    fn identifier(&self, name: &str) -> String {
        format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
    }

    fn string(&self, text: &str) -> String {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
    }

    /// One pair of backticks around the whole path, as Dataform writes it.
    fn relation(&self, target: &Target) -> String {
        self.identifier(&target.to_string())
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::BigQuery
    }

    fn aggregates_outer_columns(&self) -> bool {
        true
    }

    fn has_bigquery_options(&self) -> bool {
        true
    }

    fn to_duckdb(&self) -> Option<ToDuckDb> {
        Some(ToDuckDb::BIGQUERY)
    }
}
