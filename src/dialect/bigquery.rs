mod access;
mod nested;
mod partitioning;
mod test_bed;
mod types;

use std::fmt::Write;

use crate::dialect::semantics::{self, Semantics};
use crate::dialect::syntax::{self, Grammar};
use crate::dialect::translate::Translation;
use crate::dialect::{
    Capabilities, Clauses, Command, Deletion, Dialect, FieldChange, MaterializedViews, NotHandedOver, NullSafe,
    Replacement, SessionZone, Storage, TestBed, Undoing, Upsert, Widening, Writes,
};
use crate::relation::{Access, Column, Partitioning, PhysicalOptions, RelationKind, Target, Width};

pub use nested::FieldType;

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
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r"))
    }

    /// One pair of backticks around the whole path, as Dataform writes it.
    fn qualified(&self, target: &Target) -> String {
        self.identifier(&target.to_string())
    }

    fn schema(&self, target: &Target) -> Option<String> {
        let schema = target.schema.as_ref()?;
        let database = target.database.as_ref().map(|name| format!("{name}.")).unwrap_or_default();
        Some(self.identifier(&format!("{database}{schema}")))
    }

    fn grammar(&self) -> &dyn Grammar {
        &syntax::BigQuery
    }

    fn semantics(&self) -> &'static dyn Semantics {
        &semantics::BigQuery
    }

    fn has_bigquery_options(&self) -> bool {
        true
    }

    fn to_duckdb(&self) -> Option<Translation> {
        Some(Translation::BIGQUERY_TO_DUCKDB)
    }

    fn to_postgres(&self) -> Option<Translation> {
        Some(Translation::BIGQUERY_TO_POSTGRES)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replacement: Replacement::InPlace,
            upsert: Upsert::Merge,
            transactional_ddl: false,
            undoing: Undoing::Whole,
            retypes_columns: false,
            widening: Widening::InTransaction,
            materialized_views: MaterializedViews::Replaced,
            // A join on `is not distinct from` finds no hash key; this one does, where both sides are columns.
            null_safe: NullSafe::Spelled,
            deletion: Deletion::Alias,
            multi_statements: true,
            // Of two transactions that change a table one is undone.
            writes: Writes::OneByOne,
            zone: SessionZone::Utc,
        }
    }

    /// `partition by … cluster by … options(…)`, in the order that the grammar wants. A view has options alone.
    fn clauses(&self, kind: RelationKind, storage: &Storage<'_>) -> Clauses {
        let options = storage.options;
        let mut before = String::new();
        if kind != RelationKind::View {
            if let Some(expression) = &options.partition_by {
                let _ = write!(before, "partition by {expression} ");
            }
            if !options.cluster_by.is_empty() {
                let _ = write!(before, "cluster by {} ", options.cluster_by.join(", "));
            }
        }
        if let Some(iceberg) = options.iceberg.as_ref().filter(|_| kind == RelationKind::Table) {
            let connection = &iceberg.connection;
            let connection = if connection == "DEFAULT" {
                connection.clone()
            } else {
                self.identifier(&connection_path(connection))
            };
            let _ = write!(before, "with connection {connection} ");
        }
        let listed = self.options(kind, storage);
        if !listed.is_empty() {
            let _ = write!(before, "options({}) ", listed.join(", "));
        }
        Clauses { before, ..Clauses::default() }
    }

    fn test_bed(&self) -> Option<&dyn TestBed> {
        Some(self)
    }

    fn temporary_table(&self, name: &str, _options: &PhysicalOptions) -> String {
        format!("create or replace temp table {name} as\n")
    }

    fn cast_if_possible(&self, expression: &str, data_type: &str) -> String {
        format!("safe_cast({expression} as {data_type})")
    }

    fn say(&self, kind: RelationKind, name: &str, storage: &Storage<'_>) -> Option<String> {
        let listed = self.options(kind, storage);
        (!listed.is_empty()).then(|| format!("alter {kind} {name} set options({})", listed.join(", ")))
    }

    fn same_type(&self, one: &str, other: &str) -> bool {
        types::same(one, other)
    }

    fn compares(&self, data_type: &str) -> bool {
        types::compares(data_type)
    }

    fn field_change(&self, column: &str, table: &str, query: &str) -> Option<FieldChange> {
        nested::change(column, table, query)
    }

    fn rebuild(&self, expression: &str, from: &str, to: &str) -> Option<String> {
        nested::rebuild(self, expression, from, to)
    }

    fn partitioning(&self, expression: &str) -> Option<Partitioning> {
        partitioning::read(expression)
    }

    fn row_hash(&self, columns: &[Column]) -> String {
        let names: Vec<String> = columns.iter().map(|column| self.identifier(&column.name)).collect();
        format!("farm_fingerprint(to_json_string(struct({}))) * bignumeric '1'", names.join(", "))
    }

    fn seconds_between(&self, from: &str, from_type: &str, to: &str, to_type: &str) -> String {
        // A DATETIME is taken to be in UTC, as BigQuery casts it.
        let moment = |expression: &str, data_type: &str| match data_type.to_ascii_uppercase().as_str() {
            "TIMESTAMP" => expression.to_owned(),
            _ => format!("cast({expression} as timestamp)"),
        };
        format!("timestamp_diff({}, {}, second)", moment(to, to_type), moment(from, from_type))
    }

    fn now(&self) -> (&'static str, &'static str) {
        ("current_timestamp()", "TIMESTAMP")
    }

    fn interval(&self, expression: &str, data_type: &str, width: Width) -> String {
        let function = match data_type.to_ascii_uppercase().as_str() {
            "DATE" => "format_date",
            "DATETIME" => "format_datetime",
            _ => "format_timestamp",
        };
        // A day has no hours.
        let width = if function == "format_date" && width == Width::Hour { Width::Day } else { width };
        format!("{function}('{}', {expression})", width.strftime())
    }

    fn within_interval(&self, expression: &str, data_type: &str, width: Width) -> String {
        let function = match data_type.to_ascii_uppercase().as_str() {
            "DATE" => "date_trunc",
            "DATETIME" => "datetime_trunc",
            _ => "timestamp_trunc",
        };
        format!("{function}({expression}, {})", width.word())
    }

    fn hand_over(&self, kind: RelationKind, name: &str, access: &Access) -> Result<Vec<String>, NotHandedOver> {
        access::hand_over(self, kind, name, access)
    }

    fn describe_relation(&self, _kind: RelationKind, _name: &str, _description: &str) -> Option<String> {
        None
    }

    /// In one statement, since each counts against a quota of updates to a table.
    fn describe_columns(&self, kind: RelationKind, target: &Target, columns: &[(&str, &str)]) -> Option<Command> {
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, text)| {
                let (name, text) = (self.identifier(name), self.string(text));
                format!("alter column if exists {name} set options(description = {text})")
            })
            .collect();
        let relation = self.relation(target);
        (!columns.is_empty() && kind != RelationKind::MaterializedView)
            .then(|| Command::Run(format!("alter {kind} {relation}\n{}", columns.join(",\n"))))
    }
}

impl BigQuery {
    fn options(&self, kind: RelationKind, storage: &Storage<'_>) -> Vec<String> {
        let options = storage.options;
        let mut listed = Vec::new();
        if let Some(iceberg) = options.iceberg.as_ref().filter(|_| kind == RelationKind::Table) {
            listed.push("file_format = 'PARQUET'".to_owned());
            listed.push("table_format = 'ICEBERG'".to_owned());
            listed.push(format!("storage_uri = {}", self.string(&iceberg.storage_uri)));
        }
        if kind == RelationKind::Table && options.partition_by.is_some() {
            let days = options.partition_expiration_days.filter(|days| *days > 0);
            listed.extend(days.map(|days| format!("partition_expiration_days = {days}")));
            listed.extend(options.require_partition_filter.then(|| "require_partition_filter = true".to_owned()));
        }
        let says = |key: &str| options.additional_options.keys().any(|name| name.eq_ignore_ascii_case(key));
        if let Some(description) = storage.description.filter(|_| !says("description")) {
            listed.push(format!("description = {}", self.string(description)));
        }
        if !storage.labels.is_empty() && !says("labels") {
            let labels = storage.labels.iter();
            let labels = labels.map(|(key, value)| format!("({}, {})", self.string(key), self.string(value)));
            listed.push(format!("labels = [{}]", labels.collect::<Vec<_>>().join(", ")));
        }
        listed.extend(options.additional_options.iter().map(|(key, value)| format!("{key} = {value}")));
        listed
    }
}

/// `projects/p/locations/l/connections/c` is `p.l.c`.
fn connection_path(connection: &str) -> String {
    match connection.split('/').collect::<Vec<_>>().as_slice() {
        ["projects", project, "locations", location, "connections", name] => format!("{project}.{location}.{name}"),
        _ => connection.to_owned(),
    }
}
