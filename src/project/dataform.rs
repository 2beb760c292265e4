//! Dataform's own settings files, so that its projects run as they are. Keys are those of `@dataform/core` 3.0.62 and,
//! for `dataform.json`, of 2.6.7 too.

use crate::config::{Reader, Value};
use crate::diagnostic::{Code, Diagnostics};
use crate::dialect;
use crate::project::Settings;
use crate::project::settings::{read_dialect, read_vars};

/// `workflow_settings.yaml`, of core 3.
pub(super) fn read_workflow_settings(tree: &Value, mut settings: Settings) -> (Settings, Diagnostics) {
    let mut reader = Reader::new(tree, "workflow_settings.yaml", Code::InvalidSettings, Code::InvalidSettings);
    settings.dialect = &dialect::BigQuery;
    settings.jinja = false;
    read_names(
        &mut reader,
        &mut settings,
        &[
            "defaultProject",
            "defaultDataset",
            "defaultAssertionDataset",
            "projectSuffix",
            "datasetSuffix",
            "namePrefix",
        ],
    );
    read_vars(&mut reader, &mut settings);
    ignore(
        &mut reader,
        &[
            "dataformCoreVersion",
            "defaultNotebookRuntimeOptions",
            "defaultIcebergConfig",
            "defaultReservation",
            "extension",
            "includeTestsInCompiledGraph",
            "preserveGovernanceControls",
            "lineage",
        ],
    );
    (settings, reader.finish())
}

/// `dataform.json`, of core 1, 2 and 3.
pub(super) fn read_dataform_json(tree: &Value, mut settings: Settings) -> (Settings, Diagnostics) {
    let mut reader = Reader::new(tree, "dataform.json", Code::InvalidSettings, Code::InvalidSettings);
    settings.dialect = read_dialect(&mut reader, "warehouse").unwrap_or(&dialect::BigQuery);
    settings.jinja = false;
    read_names(
        &mut reader,
        &mut settings,
        &["defaultDatabase", "defaultSchema", "assertionSchema", "databaseSuffix", "schemaSuffix", "tablePrefix"],
    );
    if let Some(project) = reader.string("gcloudProjectId") {
        settings.defaults.database.get_or_insert(project.value);
    }
    read_vars(&mut reader, &mut settings);
    ignore(
        &mut reader,
        &[
            "defaultNotebookRuntimeOptions",
            "defaultIcebergConfig",
            "defaultReservation",
            "includeTestsInCompiledGraph",
            "preserveGovernanceControls",
            "lineageEnabled",
            "idempotentActionRetries",
            "useRunCache",
            "concurrentQueryLimit",
        ],
    );
    (settings, reader.finish())
}

/// The six names that every Dataform project has, under the keys of its version, and the keys that never changed.
fn read_names<'a>(reader: &mut Reader<'a>, settings: &mut Settings, keys: &[&'a str; 6]) {
    let Settings { defaults, naming, .. } = settings;
    let places = [
        &mut defaults.database,
        &mut defaults.schema,
        &mut defaults.assertion_schema,
        &mut naming.database_suffix,
        &mut naming.schema_suffix,
        &mut naming.name_prefix,
    ];
    let constant = [
        ("defaultLocation", &mut defaults.location),
        ("builtinAssertionNamePrefix", &mut settings.assertion_name_prefix),
    ];
    for (key, place) in keys.iter().copied().zip(places).chain(constant) {
        if let Some(text) = reader.string(key).filter(|text| !text.value.is_empty()) {
            *place = Some(text.value);
        }
    }
    if let Some(disable) = reader.bool("disableAssertions") {
        settings.disable_assertions = disable.value;
    }
}

/// Keys that are right and that have no meaning for trueup.
fn ignore<'a>(reader: &mut Reader<'a>, keys: &[&'a str]) {
    for key in keys.iter().copied() {
        reader.raw(key);
    }
}
