//! What becomes of a table whose query gives other columns than it has.

use crate::action::OnSchemaChange;
use crate::dialect::{Dialect, FieldChange};
use crate::relation::{Column, NoMoment};

/// The columns of the query and of the table differ in a way that `onSchemaChange` does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaMismatch {
    /// What differs.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl From<NoMoment> for SchemaMismatch {
    fn from(wrong: NoMoment) -> Self {
        let help =
            "intervals go from the year 1 to 9999; write a time as 2024-01-31, or as 2024-01-31 18:00:00".to_owned();
        Self { message: wrong.to_string(), help }
    }
}

/// What becomes of the table's columns.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) added: Vec<Column>,
    pub(super) dropped: Vec<Column>,
    /// Those that get new fields inside of them, with the types that they have then.
    pub(super) extended: Vec<Column>,
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
        let of_table = |name: &str| table.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        let inside: Vec<(&Column, FieldChange)> = query
            .iter()
            .filter_map(|column| {
                let known = of_table(&column.name)?;
                Some((known, dialect.field_change(&known.name, &known.data_type, &column.data_type)?))
            })
            .collect();
        let names = |columns: &[&Column], fields: fn(&FieldChange) -> &[String]| {
            let columns = columns.iter().map(|column| column.name.as_str());
            let fields = inside.iter().flat_map(|(_, change)| fields(change)).map(String::as_str);
            columns.chain(fields).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let new_names = names(&new, |change| &change.added);
        let missing_names = names(&missing, |change| &change.missing);
        let lost_fields = names(&[], |change| &change.missing);
        // A query that gives nothing but NULL has no type of its own.
        let retyped: Vec<String> = query
            .iter()
            .filter(|column| !column.data_type.contains("NULL"))
            .filter_map(|column| {
                let of_table = of_table(&column.name)?;
                if inside.iter().any(|(known, _)| *known == of_table) {
                    return None;
                }
                let (name, was, is) = (&column.name, &of_table.data_type, &column.data_type);
                (!dialect.same_type(was, is)).then(|| format!("`{name}` is {is} in the query and {was} in the table"))
            })
            .collect();
        let mismatch = |message: String, help: &str| Err(SchemaMismatch { message, help: help.to_owned() });
        let rebuild = "build the table anew with --full-refresh";
        match on_schema_change {
            OnSchemaChange::Fail if !(new_names.is_empty() && missing_names.is_empty() && retyped.is_empty()) => {
                let mut parts = Vec::new();
                if !new_names.is_empty() {
                    parts.push(format!("the query has {new_names} and the table has not"));
                }
                if !missing_names.is_empty() {
                    parts.push(format!("the table has {missing_names} and the query has not"));
                }
                parts.extend(retyped);
                mismatch(
                    format!("the columns of `{}` changed: {}", name, parts.join("; ")),
                    "build the table anew with --full-refresh, or let `onSchemaChange` be \"EXTEND\" or \"SYNCHRONIZE\"",
                )
            }
            _ if !lost_fields.is_empty() => mismatch(
                format!("the query of `{name}` no longer gives {lost_fields}"),
                "put it back, since no field inside of a record can be dropped, or build the table anew with --full-refresh",
            ),
            OnSchemaChange::Ignore | OnSchemaChange::Extend if !missing.is_empty() => mismatch(
                format!("the query of `{name}` no longer gives {missing_names}"),
                "put it back, drop it with `onSchemaChange: \"SYNCHRONIZE\"`, or build the table anew with --full-refresh",
            ),
            OnSchemaChange::Synchronize
                if missing.iter().any(|column| unique_key.iter().any(|key| key.eq_ignore_ascii_case(&column.name))) =>
            {
                mismatch(format!("the unique key of `{name}` is no longer in its query"), rebuild)
            }
            OnSchemaChange::Ignore | OnSchemaChange::Fail => {
                Ok(Change { added: Vec::new(), dropped: Vec::new(), extended: Vec::new(), written: table.to_vec() })
            }
            OnSchemaChange::Extend | OnSchemaChange::Synchronize => Ok(Change {
                added: new.into_iter().cloned().collect(),
                dropped: missing.into_iter().cloned().collect(),
                extended: inside
                    .into_iter()
                    .map(|(column, change)| Column { data_type: change.data_type, ..column.clone() })
                    .collect(),
                written: query.to_vec(),
            }),
        }
    }

    /// The columns that the table has when those with new fields have them.
    pub(super) fn extend(&self, table: &[Column]) -> Vec<Column> {
        let extended = |column: &Column| self.extended.iter().find(|extended| extended.name == column.name);
        table.iter().map(|column| extended(column).unwrap_or(column).clone()).collect()
    }
}
