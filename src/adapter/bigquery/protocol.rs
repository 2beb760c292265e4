//! What BigQuery's REST interface answers, as far as it is of interest. Names are Google's:
//! <https://cloud.google.com/bigquery/docs/reference/rest>.

use serde::Deserialize;
use serde_json::Value;

/// A resource `Job`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobResource {
    pub(super) job_reference: JobReference,
    pub(super) configuration: JobConfiguration,
    pub(super) status: JobStatus,
    pub(super) statistics: JobStatistics,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobReference {
    pub(super) project_id: String,
    pub(super) job_id: String,
    pub(super) location: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobConfiguration {
    pub(super) labels: std::collections::BTreeMap<String, String>,
    pub(super) query: Option<QueryConfiguration>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QueryConfiguration {
    pub(super) query: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobStatus {
    /// `PENDING`, `RUNNING`, `DONE`.
    pub(super) state: String,
    pub(super) error_result: Option<ErrorProto>,
}

/// What went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ErrorProto {
    /// A word such as `rateLimitExceeded`.
    pub(super) reason: String,
    pub(super) message: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobStatistics {
    pub(super) creation_time: Option<String>,
    pub(super) total_bytes_processed: Option<String>,
    pub(super) total_slot_ms: Option<String>,
    /// Of a script: how many jobs its statements were.
    pub(super) num_child_jobs: Option<String>,
    pub(super) query: Option<QueryStatistics>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QueryStatistics {
    pub(super) statement_type: Option<String>,
    pub(super) total_bytes_processed: Option<String>,
    pub(super) total_bytes_billed: Option<String>,
    pub(super) total_bytes_processed_accuracy: Option<String>,
    pub(super) total_slot_ms: Option<String>,
    pub(super) cache_hit: Option<bool>,
    pub(super) num_dml_affected_rows: Option<String>,
    pub(super) ddl_target_table: Option<TableReference>,
    pub(super) referenced_tables: Vec<TableReference>,
    pub(super) schema: Option<TableSchema>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "these are Google's names")]
pub(super) struct TableReference {
    pub(super) project_id: String,
    pub(super) dataset_id: String,
    pub(super) table_id: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TableSchema {
    pub(super) fields: Vec<TableField>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TableField {
    pub(super) name: String,
    /// A word such as `INTEGER`, in the spelling of legacy SQL or of GoogleSQL.
    pub(super) r#type: String,
    /// `NULLABLE`, `REQUIRED`, `REPEATED`.
    pub(super) mode: Option<String>,
    pub(super) fields: Vec<TableField>,
    pub(super) description: Option<String>,
    pub(super) policy_tags: Option<PolicyTags>,
    pub(super) max_length: Option<String>,
    pub(super) precision: Option<String>,
    pub(super) scale: Option<String>,
    pub(super) range_element_type: Option<RangeElementType>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeElementType {
    pub(super) r#type: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct PolicyTags {
    pub(super) names: Vec<String>,
}

/// A resource `Table`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TableResource {
    pub(super) table_reference: TableReference,
    /// `TABLE`, `VIEW`, `MATERIALIZED_VIEW`, `EXTERNAL`, `SNAPSHOT`.
    pub(super) r#type: String,
    pub(super) schema: Option<TableSchema>,
    pub(super) time_partitioning: Option<TimePartitioning>,
    pub(super) range_partitioning: Option<RangePartitioning>,
    pub(super) clustering: Option<Clustering>,
    pub(super) description: Option<String>,
    pub(super) labels: std::collections::BTreeMap<String, String>,
    pub(super) num_rows: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimePartitioning {
    /// `HOUR`, `DAY`, `MONTH`, `YEAR`.
    pub(super) r#type: String,
    /// `None` for the time at which rows come in.
    pub(super) field: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangePartitioning {
    pub(super) field: String,
    pub(super) range: Range,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Range {
    pub(super) start: String,
    pub(super) end: String,
    pub(super) interval: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Clustering {
    pub(super) fields: Vec<String>,
}

/// A resource `Dataset`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DatasetResource {
    pub(super) location: String,
}

/// A page of `tables.list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TableList {
    pub(super) tables: Vec<TableResource>,
    pub(super) next_page_token: Option<String>,
}

/// A page of `jobs.list`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobList {
    pub(super) jobs: Vec<JobListItem>,
    pub(super) next_page_token: Option<String>,
}

/// A job as a list has it: what went wrong stands beside the rest.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobListItem {
    #[serde(flatten)]
    pub(super) job: JobResource,
    pub(super) error_result: Option<ErrorProto>,
}

impl JobListItem {
    pub(super) fn failed(&self) -> bool {
        self.error_result.is_some() || self.job.status.error_result.is_some()
    }
}

/// A page of `jobs.getQueryResults`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QueryResults {
    pub(super) schema: Option<TableSchema>,
    pub(super) rows: Vec<TableRow>,
    pub(super) page_token: Option<String>,
}

/// A row: values in the order of the columns.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TableRow {
    #[serde(default)]
    pub(super) f: Vec<TableCell>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct TableCell {
    #[serde(default)]
    pub(super) v: Value,
}

/// What stands in the body of an answer that is not a success.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorAnswer {
    pub(super) error: ErrorBody,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub(super) message: String,
    pub(super) status: Option<String>,
    pub(super) errors: Vec<ErrorProto>,
}

/// Google writes whole numbers of 64 bits as texts.
pub(super) fn number(text: Option<&String>) -> Option<u64> {
    text?.parse().ok()
}
