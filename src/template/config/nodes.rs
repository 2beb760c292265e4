//! What only BigQuery's own pipelines run: data preparations.

use crate::config::{Reader, Spanned};
use crate::template::config::plain;

/// Where the rows of a data preparation go.
#[derive(Debug, Default, Clone)]
pub(in crate::template) struct DataPreparationConfig {
    /// Takes the rows that fail a validation.
    pub(in crate::template) error_table: Option<ErrorTable>,
    pub(in crate::template) load: Option<LoadConfig>,
}

#[derive(Debug, Clone)]
pub(in crate::template) struct ErrorTable {
    pub(in crate::template) database: Option<String>,
    pub(in crate::template) schema: Option<String>,
    pub(in crate::template) name: String,
    pub(in crate::template) retention_days: Option<u64>,
}

/// How the rows are brought into the table.
#[derive(Debug, Clone)]
pub(in crate::template) struct LoadConfig {
    pub(in crate::template) mode: LoadMode,
    pub(in crate::template) column: Option<String>,
    pub(in crate::template) unique_key: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::template) enum LoadMode {
    Append,
    Maximum,
    Merge,
    Replace,
    Unique,
}

pub(super) fn read_data_preparation(reader: &mut Reader<'_>) -> DataPreparationConfig {
    let error_table = reader.object("errorTable", "`errorTable`", |table| {
        let mut text = |key| table.string(key).map(|text: Spanned<String>| text.value);
        let (database, schema, name) = (text("project"), text("dataset"), text("name"));
        let retention_days = table.count("retentionDays").map(|days| days.value);
        name.map(|name| ErrorTable { database, schema, name, retention_days })
    });
    let load = reader.object("loadMode", "`loadMode`", |load| {
        let modes = [
            ("append", LoadMode::Append),
            ("maximum", LoadMode::Maximum),
            ("merge", LoadMode::Merge),
            ("replace_table", LoadMode::Replace),
            ("unique", LoadMode::Unique),
        ];
        let mode = load.one_of("mode", &modes)?.value;
        let column = load.string("incrementalColumn").map(|column| column.value);
        let unique_key = load.strings("uniqueKey").map(|key| plain(key.value)).unwrap_or_default();
        Some(LoadConfig { mode, column, unique_key })
    });
    DataPreparationConfig {
        error_table: error_table.and_then(|table| table.value),
        load: load.and_then(|load| load.value),
    }
}
