use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::Translation;
use crate::dialect::{Capabilities, Deletion, Dialect, MaterializedViews, NullSafe, Replacement, Upsert, Widening};

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

    fn translation_from(&self, from: &dyn Dialect) -> Option<Translation> {
        from.to_duckdb()
    }

    fn ignores_case(&self) -> bool {
        true
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::DuckDb
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::InPlace,
            upsert: Upsert::Merge,
            transactional_ddl: true,
            retypes_columns: true,
            widening: Widening::InTransaction,
            materialized_views: MaterializedViews::Missing,
            null_safe: NullSafe::NotDistinct,
            deletion: Deletion::AliasAndUsing,
            multi_statements: false,
        }
    }
}
