use crate::dialect::semantics::{self, Semantics};
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::Translation;
use crate::dialect::{
    Capabilities, Comparison, Deletion, Dialect, MaterializedViews, NullSafe, Replacement, SessionZone, TestBed,
    Undoing, Upsert, Widening, Writes,
};

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

    fn test_bed(&self) -> Option<&dyn TestBed> {
        Some(self)
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::DuckDb
    }

    fn semantics(&self) -> &'static dyn Semantics {
        &semantics::DuckDb
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::InPlace,
            upsert: Upsert::Merge,
            transactional_ddl: true,
            undoing: Undoing::Whole,
            retypes_columns: true,
            widening: Widening::InTransaction,
            materialized_views: MaterializedViews::Missing,
            null_safe: NullSafe::NotDistinct,
            deletion: Deletion::AliasAndUsing,
            multi_statements: false,
            // One query takes all processors.
            writes: Writes::OneByOne,
            zone: SessionZone::Any,
        }
    }
}

impl TestBed for DuckDb {
    fn difference(&self, comparison: &Comparison<'_>) -> String {
        let (of_actual, of_expected): (Vec<String>, Vec<String>) = comparison
            .columns
            .iter()
            .map(|column| {
                let (name, is, should) = (self.identifier(column.name), column.is, column.should);
                let types = [is, should];
                // A sum of floats depends on the order in which they come, so their last digits do not count.
                let digits = if types.contains(&"FLOAT") { 6 } else { 12 };
                if types.iter().any(|data_type| ["FLOAT", "DOUBLE"].contains(data_type)) {
                    let rounded = format!("printf('%.{digits}g', cast({name} as double) + 0.0) as {name}");
                    return (rounded.clone(), rounded);
                }
                if is == "JSON" {
                    // How it is spaced means nothing.
                    let json = format!("json({name}) as {name}");
                    return (json.clone(), json);
                }
                // Text stands for a value of any type: a date may be written as a string.
                let is_text = should == "VARCHAR" && is != "VARCHAR";
                (name.clone(), if is_text { format!("cast({name} as {is}) as {name}") } else { name })
            })
            .unzip();
        let actual = format!("select {} from {}", of_actual.join(", "), comparison.actual);
        let expected = format!("select {} from {}", of_expected.join(", "), comparison.expected);
        format!(
            "select * from (select '-' as sign, * from ({expected} except all {actual}) \
             union all select '+', * from ({actual} except all {expected})) order by columns(* exclude sign), sign desc"
        )
    }
}
