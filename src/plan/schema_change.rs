//! What becomes of a table whose query gives other columns than it has.

use crate::action::OnSchemaChange;
use crate::dialect::Dialect;
use crate::relation::Column;

/// The columns of the query and of the table differ in a way that `onSchemaChange` does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaMismatch {
    /// What differs.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What becomes of the table's columns.
pub(super) struct Change {
    pub(super) added: Vec<Column>,
    pub(super) dropped: Vec<Column>,
    /// Those that new rows are written to.
    pub(super) written: Vec<Column>,
}

impl Change {
    /// Compares the columns of the table `name` with those of its query.
    pub(super) fn between(
        name: &str,
        table: &[Column],
        query: &[Column],
        unique_key: &[String],
        on_schema_change: OnSchemaChange,
        dialect: &dyn Dialect,
    ) -> Result<Self, SchemaMismatch> {
        let has = |columns: &[Column], name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let new: Vec<&Column> = query.iter().filter(|column| !has(table, &column.name)).collect();
        let missing: Vec<&Column> = table.iter().filter(|column| !has(query, &column.name)).collect();
        let names = |columns: &[&Column]| {
            columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
        };
        // A query that gives nothing but NULL has no type of its own.
        let retyped: Vec<String> = query
            .iter()
            .filter(|column| !column.data_type.contains("NULL"))
            .filter_map(|column| {
                let of_table = table.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name))?;
                let (name, was, is) = (&column.name, &of_table.data_type, &column.data_type);
                (!dialect.same_type(was, is)).then(|| format!("`{name}` is {is} in the query and {was} in the table"))
            })
            .collect();
        let mismatch = |message: String, help: &str| Err(SchemaMismatch { message, help: help.to_owned() });
        let rebuild = "build the table anew with --full-refresh";
        match on_schema_change {
            OnSchemaChange::Fail if !(new.is_empty() && missing.is_empty() && retyped.is_empty()) => {
                let mut parts = Vec::new();
                if !new.is_empty() {
                    parts.push(format!("the query has {} and the table has not", names(&new)));
                }
                if !missing.is_empty() {
                    parts.push(format!("the table has {} and the query has not", names(&missing)));
                }
                parts.extend(retyped);
                mismatch(
                    format!("the columns of `{}` changed: {}", name, parts.join("; ")),
                    "build the table anew with --full-refresh, or let `onSchemaChange` be \"EXTEND\" or \"SYNCHRONIZE\"",
                )
            }
            OnSchemaChange::Ignore | OnSchemaChange::Extend if !missing.is_empty() => mismatch(
                format!("the query of `{}` no longer gives {}", name, names(&missing)),
                "put it back, drop it with `onSchemaChange: \"SYNCHRONIZE\"`, or build the table anew with --full-refresh",
            ),
            OnSchemaChange::Synchronize
                if missing.iter().any(|column| unique_key.iter().any(|key| key.eq_ignore_ascii_case(&column.name))) =>
            {
                mismatch(format!("the unique key of `{name}` is no longer in its query"), rebuild)
            }
            OnSchemaChange::Ignore | OnSchemaChange::Fail => {
                Ok(Change { added: Vec::new(), dropped: Vec::new(), written: table.to_vec() })
            }
            OnSchemaChange::Extend | OnSchemaChange::Synchronize => Ok(Change {
                added: new.into_iter().cloned().collect(),
                dropped: missing.into_iter().cloned().collect(),
                written: query.to_vec(),
            }),
        }
    }
}
