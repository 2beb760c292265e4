//! The shape of Dataform's `CompiledGraph` in JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Graph {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tables: Vec<Table>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) operations: Vec<Operation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assertions: Vec<AssertionNode>,
    pub(super) project_config: Map<String, Json>,
    #[serde(rename = "graphErrors")]
    pub(super) errors: GraphErrors,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tests: Vec<TestNode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) declarations: Vec<Declaration>,
    pub(super) dataform_core_version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notebooks: Vec<Notebook>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) data_preparations: Vec<Preparation>,
    pub(super) jit_data: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) property_graphs: Vec<PropertyGraphNode>,
}

#[derive(Serialize, Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<String>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<String>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphErrors {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compilation_errors: Vec<CompilationError>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompilationError {
    pub(super) file_name: String,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_target: Option<Target>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    pub(super) r#type: &'static str,
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<String>,
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#where: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protected: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pre_ops: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) post_ops: Vec<String>,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bigquery: Option<BigQuery>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) redshift: Option<Redshift>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incremental_query: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependency_targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) incremental_pre_ops: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) incremental_post_ops: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unique_key: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hermeticity: Option<&'static str>,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) materialized: bool,
    pub(super) enum_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_schema_change: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jit_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incremental_strategy: Option<&'static str>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct BigQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partition_by: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cluster_by: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) update_partition_filter: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partition_expiration_days: Option<u64>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) require_partition_filter: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) additional_options: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) table_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) incremental_predicates: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) preserve_governance_controls: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Redshift {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dist_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dist_style: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sort_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sort_style: Option<&'static str>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) columns: Vec<Column>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) bigquery_labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compilation_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reservation: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Column {
    pub(super) description: String,
    pub(super) path: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) bigquery_policy_tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) overview: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_properties: Option<Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) queries: Vec<String>,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) has_output: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependency_targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hermeticity: Option<&'static str>,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jit_code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssertionNode {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) query: String,
    pub(super) file_name: String,
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependency_targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hermeticity: Option<&'static str>,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_action: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jit_code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TestNode {
    pub(super) name: String,
    pub(super) test_query: String,
    pub(super) expected_output_query: String,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    pub(super) target: Target,
    pub(super) canonical_target: Target,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration {
    pub(super) target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action_descriptor: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_name: Option<String>,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notebook {
    pub(super) target: Target,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependency_targets: Vec<Target>,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    #[serde(rename = "notebookContents")]
    pub(super) contents: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preparation {
    pub(super) targets: Vec<Target>,
    pub(super) canonical_targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependency_targets: Vec<Target>,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disabled: bool,
    pub(super) target: Target,
    pub(super) canonical_target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_preparation_yaml: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_table: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_table_retention_days: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) load: Option<Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PropertyGraphNode {
    pub(super) target: Target,
    pub(super) canonical_target: Target,
    pub(super) file_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entities: Vec<GraphTableNode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) relationships: Vec<GraphTableNode>,
    pub(super) graph_body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphTableNode {
    pub(super) name: String,
    pub(super) data_source: Target,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<GraphEnd>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<GraphEnd>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) labels: Vec<GraphLabelNode>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphEnd {
    pub(super) entity: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) relationship_columns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entity_columns: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphLabelNode {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) synonyms: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<GraphFieldNode>,
    pub(super) import_all: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) import_except: Vec<String>,
    pub(super) is_default: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphFieldNode {
    pub(super) name: String,
    pub(super) expression: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) synonyms: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}
