//! The `config {}` of an action, typed. Keys are those of Dataform (its older and its newer spelling), and ours.

use std::collections::BTreeMap;

use crate::action::{
    ColumnDocumentation, Documentation, IncrementalStrategy, OnSchemaChange, PhysicalOptions, Redshift, Reference,
};
use crate::config::{Reader, Spanned, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostics, article};
use crate::files::Span;

/// What a config says, whatever the type.
#[derive(Debug)]
pub(super) struct ActionConfig {
    pub(super) database: Option<String>,
    pub(super) schema: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) tags: Vec<String>,
    pub(super) disabled: bool,
    pub(super) documentation: Documentation,
    pub(super) dependencies: Vec<ConfigDependency>,
    /// Whether dependencies bring their assertions along where they do not say so themselves.
    pub(super) with_assertions: bool,
    pub(super) kind: KindConfig,
    /// Where the type is written, or else the whole block.
    pub(super) kind_span: Span,
}

/// One of the `dependencies`.
#[derive(Debug)]
pub(super) struct ConfigDependency {
    pub(super) on: Reference,
    pub(super) span: Span,
    pub(super) with_assertions: Option<bool>,
}

#[derive(Debug)]
pub(super) enum KindConfig {
    Model(Box<ModelConfig>),
    Operations {
        has_output: bool,
    },
    Declaration,
    Assertion,
    Test {
        dataset: Option<Spanned<Reference>>,
    },
    /// The config could not be evaluated, which has been reported.
    Unknown,
}

#[derive(Debug)]
pub(super) struct ModelConfig {
    pub(super) materialization: MaterializationConfig,
    pub(super) options: PhysicalOptions,
    pub(super) unique_key: Vec<String>,
    pub(super) checks: ChecksConfig,
    pub(super) pre_operations: Vec<Spanned<String>>,
    pub(super) post_operations: Vec<Spanned<String>>,
}

#[derive(Debug)]
pub(super) enum MaterializationConfig {
    View { materialized: bool },
    Table,
    Incremental(IncrementalConfig),
}

#[derive(Debug)]
pub(super) struct IncrementalConfig {
    pub(super) strategy: IncrementalStrategy,
    pub(super) on_schema_change: OnSchemaChange,
    pub(super) protected: bool,
    pub(super) update_partition_filter: Option<String>,
    pub(super) predicates: Vec<String>,
}

/// The `assertions` of a model.
#[derive(Debug, Default)]
pub(super) struct ChecksConfig {
    pub(super) unique_keys: Vec<Spanned<Vec<String>>>,
    pub(super) conditions: Vec<Spanned<String>>,
    pub(super) non_null: Vec<Spanned<String>>,
    pub(super) accepted_values: Vec<AcceptedValues>,
    pub(super) relationships: Vec<Relationship>,
}

/// The values that a column may have, besides NULL.
#[derive(Debug)]
pub(super) struct AcceptedValues {
    pub(super) column: String,
    pub(super) values: Vec<Literal>,
    pub(super) span: Span,
}

/// A constant in SQL.
#[derive(Debug)]
pub(super) enum Literal {
    Text(String),
    /// A number or a boolean, as SQL has it.
    Bare(String),
}

#[derive(Debug)]
pub(super) struct Relationship {
    pub(super) column: String,
    pub(super) to: Reference,
    pub(super) to_span: Span,
    pub(super) to_column: String,
    pub(super) span: Span,
}

const TYPES: [(&str, Type); 7] = [
    ("assertion", Type::Assertion),
    ("declaration", Type::Declaration),
    ("incremental", Type::Incremental),
    ("operations", Type::Operations),
    ("table", Type::Table),
    ("test", Type::Test),
    ("view", Type::View),
];

/// Where a key belongs that some types do not have.
const ELSEWHERE: [(&str, &str); 15] = [
    ("assertions", "it belongs to a table, a view or an incremental table"),
    ("hasOutput", "it belongs to `type: \"operations\"`"),
    ("incrementalPredicates", "it belongs to `type: \"incremental\"`"),
    ("incrementalStrategy", "it belongs to `type: \"incremental\"`"),
    ("materialized", "it belongs to `type: \"view\"`"),
    ("onSchemaChange", "it belongs to `type: \"incremental\"`"),
    ("partitionBy", "it belongs to a table, a view or an incremental table"),
    ("partitionExpirationDays", "it belongs to a table or an incremental table"),
    ("postOperations", "it belongs to a table, a view or an incremental table"),
    ("preOperations", "it belongs to a table, a view or an incremental table"),
    ("protected", "it belongs to `type: \"incremental\"`"),
    ("redshift", "it belongs to a table, a view or an incremental table"),
    ("requirePartitionFilter", "it belongs to a table or an incremental table"),
    (
        "uniqueKey",
        "it belongs to `type: \"incremental\"`; that a key is unique is checked by `assertions: { uniqueKey: [\"…\"] }`",
    ),
    ("updatePartitionFilter", "it belongs to `type: \"incremental\"`"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Assertion,
    Declaration,
    Incremental,
    Operations,
    Table,
    Test,
    View,
}

/// Reads a config whose JavaScript, if any, has been evaluated.
pub(super) fn read(value: &Value) -> (ActionConfig, Diagnostics) {
    let what = match value.entry("type").map(|entry| &entry.value.kind) {
        Some(ValueKind::String(name)) => format!("the config of {} `{name}`", article(name)),
        _ => "the config".to_owned(),
    };
    let mut reader = Reader::new(value, &what, Code::UnknownConfigKey, Code::InvalidConfig);
    let is_typed = reader.has("type");
    let kind = reader.one_of("type", &TYPES);
    let kind_span = kind.as_ref().map_or(value.span, |kind| kind.span);
    let type_is_wrong = is_typed && kind.is_none();
    let kind = kind.map_or(Type::Operations, |kind| kind.value);
    let config = read_action(&mut reader, kind, kind_span);
    if type_is_wrong {
        // Which keys are known depends on the type.
        reader.allow_rest();
    } else {
        for (key, help) in ELSEWHERE {
            reader.elsewhere(key, help);
        }
    }
    (config, reader.finish())
}

fn read_action(reader: &mut Reader<'_>, kind: Type, kind_span: Span) -> ActionConfig {
    let mut name = reader.string("name");
    if let Some(empty) = name.take_if(|name| name.value.is_empty()) {
        reader.refuse(empty.span, "a name cannot be empty", Some("without a `name` it is that of the file".to_owned()));
    }
    let text = |reader: &mut Reader<'_>, key| reader.string(key).map(|text| text.value);
    let (old_database, new_database) = (text(reader, "database"), text(reader, "project"));
    let database = new_database.or(old_database);
    let schema = reader.string("schema");
    // In a test `dataset` is what is tested; elsewhere it is the newer word for `schema`.
    let schema = if kind == Type::Test { schema } else { reader.string("dataset").or(schema) };
    let tags = reader.string_or_strings("tags").map(|tags| plain(tags.value)).unwrap_or_default();
    for ignored in ["hermetic", "filename", "fileName", "metadata", "reservation"] {
        reader.raw(ignored);
    }
    let disabled = reader.bool("disabled").is_some_and(|disabled| disabled.value);
    let mut documentation = Documentation { description: text(reader, "description"), ..Documentation::default() };
    if kind != Type::Test {
        read_columns(reader, &mut documentation);
    }
    let (dependencies, with_assertions) = read_dependencies(reader);
    let kind = match kind {
        Type::Assertion => KindConfig::Assertion,
        Type::Declaration => KindConfig::Declaration,
        Type::Operations => {
            KindConfig::Operations { has_output: reader.bool("hasOutput").is_some_and(|output| output.value) }
        }
        Type::Test => KindConfig::Test { dataset: read_tested(reader) },
        Type::Table | Type::View | Type::Incremental => {
            KindConfig::Model(Box::new(read_model(reader, kind, &mut documentation)))
        }
    };
    ActionConfig {
        database,
        schema,
        name,
        tags,
        disabled,
        documentation,
        dependencies,
        with_assertions,
        kind,
        kind_span,
    }
}

fn plain(spanned: Vec<Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(|text| text.value).collect()
}

fn read_tested(reader: &mut Reader<'_>) -> Option<Spanned<Reference>> {
    let value = reader.raw("dataset")?;
    let read = reference(reader, value, "`dataset`");
    read.map(|(on, _)| Spanned { value: on, span: value.span })
}

/// A name, `schema.name`, `["schema", "name"]` or `{ schema, name }`, and whether its assertions come along.
fn reference<'a>(reader: &mut Reader<'a>, value: &'a Value, what: &str) -> Option<(Reference, Option<bool>)> {
    let read = match &value.kind {
        ValueKind::String(text) => Reference::from_parts(text.split('.').map(str::to_owned)).map(|on| (on, None)),
        ValueKind::Array(items) => {
            let parts = items.iter().map(|item| match &item.kind {
                ValueKind::String(text) => Some(text.clone()),
                _ => None,
            });
            parts.collect::<Option<Vec<_>>>().and_then(Reference::from_parts).map(|on| (on, None))
        }
        ValueKind::Object { .. } => {
            return reader.item(value, "a dependency", |dependency| {
                let mut text = |key| dependency.string(key).map(|text| text.value);
                let (old_schema, new_schema) = (text("schema"), text("dataset"));
                let (old_database, new_database) = (text("database"), text("project"));
                let name = text("name");
                let with = dependency.bool("includeDependentAssertions").map(|with| with.value);
                let reference = Reference {
                    database: new_database.or(old_database),
                    schema: new_schema.or(old_schema),
                    name: name?,
                };
                Some((reference, with))
            });
        }
        _ => None,
    };
    if read.is_none() {
        reader.refuse_type(what, "the name of an action", value);
    }
    read
}

fn read_dependencies(reader: &mut Reader<'_>) -> (Vec<ConfigDependency>, bool) {
    let mut dependencies = Vec::new();
    for key in ["dependencies", "dependencyTargets"] {
        for value in reader.list(key).unwrap_or_default() {
            if let Some((on, with_assertions)) = reference(reader, value, "a dependency") {
                dependencies.push(ConfigDependency { on, span: value.span, with_assertions });
            }
        }
    }
    let with = reader.bool("dependOnDependencyAssertions").is_some_and(|with| with.value);
    (dependencies, with)
}

fn read_columns(reader: &mut Reader<'_>, documentation: &mut Documentation) {
    let Some(value) = reader.raw("columns") else { return };
    match &value.kind {
        ValueKind::Object { .. } => read_column_map(reader, value, &[], &mut documentation.columns),
        ValueKind::Array(items) => {
            for item in items {
                reader.item(item, "a column", |column| {
                    let path = column.string_or_strings("path").map(|path| plain(path.value)).unwrap_or_default();
                    let documented = ColumnDocumentation { path, ..read_column(column) };
                    documentation.columns.push(documented);
                });
            }
        }
        _ => reader.refuse_type("`columns`", "an object", value),
    }
}

fn read_column_map<'a>(
    reader: &mut Reader<'a>,
    value: &'a Value,
    parents: &[String],
    columns: &mut Vec<ColumnDocumentation>,
) {
    let ValueKind::Object { entries, .. } = &value.kind else {
        reader.refuse_type("`columns`", "an object", value);
        return;
    };
    for entry in entries {
        let mut path = parents.to_vec();
        path.push(entry.key.clone());
        if let ValueKind::String(text) = &entry.value.kind {
            columns.push(ColumnDocumentation { path, description: Some(text.clone()), ..Default::default() });
            continue;
        }
        let at = columns.len();
        let (documented, inner) =
            reader.item(&entry.value, "a column", |column| (read_column(column), column.raw("columns")));
        columns.insert(at, ColumnDocumentation { path: path.clone(), ..documented });
        if let Some(inner) = inner {
            read_column_map(reader, inner, &path, columns);
        }
    }
}

fn read_column(column: &mut Reader<'_>) -> ColumnDocumentation {
    let description = column.string("description").map(|text| text.value);
    let tags = column.string_or_strings("tags").map(|tags| plain(tags.value)).unwrap_or_default();
    let policy_tags = column.string_or_strings("bigqueryPolicyTags").map(|tags| plain(tags.value)).unwrap_or_default();
    column.raw("displayName");
    ColumnDocumentation { path: Vec::new(), description, tags, policy_tags }
}

fn read_model(reader: &mut Reader<'_>, kind: Type, documentation: &mut Documentation) -> ModelConfig {
    let unique_key = (kind == Type::Incremental).then(|| reader.string_or_strings("uniqueKey")).flatten();
    let mut options = PhysicalOptions::default();
    let mut more = MergeOptions::default();
    read_bigquery(reader, kind, &mut options, &mut more, documentation);
    reader.object("bigquery", "`bigquery`", |inner| {
        read_bigquery(inner, kind, &mut options, &mut more, documentation);
        for (key, help) in ELSEWHERE {
            inner.elsewhere(key, help);
        }
    });
    reader.object("redshift", "`redshift`", |inner| read_redshift(inner, &mut options.redshift));
    let checks = reader.object("assertions", "`assertions`", read_checks).map(|checks| checks.value);
    let statements = |reader: &mut Reader<'_>, key| {
        reader.string_or_strings(key).map(|statements| statements.value).unwrap_or_default()
    };
    let pre_operations = statements(reader, "preOperations");
    let post_operations = statements(reader, "postOperations");
    let unique_key_columns = unique_key.as_ref().map(|key| plain(key.value.clone())).unwrap_or_default();
    let materialization = match kind {
        Type::View => {
            MaterializationConfig::View { materialized: reader.bool("materialized").is_some_and(|yes| yes.value) }
        }
        Type::Incremental => {
            MaterializationConfig::Incremental(read_incremental(reader, &unique_key_columns, &options, more))
        }
        _ => MaterializationConfig::Table,
    };
    ModelConfig {
        materialization,
        options,
        unique_key: unique_key_columns,
        checks: checks.unwrap_or_default(),
        pre_operations,
        post_operations,
    }
}

/// What BigQuery's options say about merging; only incremental tables use it.
#[derive(Default)]
struct MergeOptions {
    update_partition_filter: Option<String>,
    predicates: Vec<String>,
}

fn read_incremental(
    reader: &mut Reader<'_>,
    unique_key: &[String],
    options: &PhysicalOptions,
    more: MergeOptions,
) -> IncrementalConfig {
    let written = reader.one_of(
        "incrementalStrategy",
        &[
            ("append", Some(IncrementalStrategy::Append)),
            ("merge", Some(IncrementalStrategy::Merge)),
            ("insert_overwrite", Some(IncrementalStrategy::InsertOverwrite)),
            ("incremental_strategy_merge", Some(IncrementalStrategy::Merge)),
            ("incremental_strategy_insert_overwrite", Some(IncrementalStrategy::InsertOverwrite)),
            ("incremental_strategy_unspecified", None),
        ],
    );
    let by_key = if unique_key.is_empty() { IncrementalStrategy::Append } else { IncrementalStrategy::Merge };
    let strategy = written.as_ref().and_then(|written| written.value).unwrap_or(by_key);
    if let Some(span) = written.as_ref().map(|written| written.span) {
        if strategy == IncrementalStrategy::Merge && unique_key.is_empty() {
            let help = Some("add `uniqueKey: [\"…\"]`".to_owned());
            reader.refuse(span, "a merge needs a `uniqueKey`", help);
        }
        if strategy == IncrementalStrategy::InsertOverwrite && options.partition_by.is_none() {
            let help = Some("add `partitionBy: \"…\"`: rows with the same value are one partition".to_owned());
            reader.refuse(span, "an insert-overwrite needs a `partitionBy`", help);
        }
    }
    let on_schema_change = reader.one_of(
        "onSchemaChange",
        &[
            ("ignore", OnSchemaChange::Ignore),
            ("fail", OnSchemaChange::Fail),
            ("extend", OnSchemaChange::Extend),
            ("synchronize", OnSchemaChange::Synchronize),
        ],
    );
    IncrementalConfig {
        strategy,
        on_schema_change: on_schema_change.map(|change| change.value).unwrap_or_default(),
        protected: reader.bool("protected").is_some_and(|yes| yes.value),
        update_partition_filter: more.update_partition_filter,
        predicates: more.predicates,
    }
}

/// The options of BigQuery: in a `bigquery {}` block as Dataform had them first, or beside the others as it has them now.
fn read_bigquery(
    reader: &mut Reader<'_>,
    kind: Type,
    options: &mut PhysicalOptions,
    more: &mut MergeOptions,
    documentation: &mut Documentation,
) {
    let text = |text: Option<Spanned<String>>| text.map(|text| text.value).filter(|text| !text.is_empty());
    if let Some(expression) = text(reader.string("partitionBy")) {
        options.partition_by = Some(expression);
    }
    if let Some(columns) = reader.string_or_strings("clusterBy") {
        options.cluster_by = plain(columns.value);
    }
    if kind != Type::View {
        let days = reader.count("partitionExpirationDays");
        let require = reader.bool("requirePartitionFilter");
        let span = days.as_ref().map(|days| days.span).or(require.as_ref().map(|require| require.span));
        if let Some(span) = span.filter(|_| options.partition_by.is_none()) {
            let help = Some("add `partitionBy: \"…\"`".to_owned());
            reader.refuse(span, "a table without partitions has no options for them", help);
        }
        options.partition_expiration_days = days.map(|days| days.value).or(options.partition_expiration_days);
        options.require_partition_filter |= require.is_some_and(|require| require.value);
    }
    if let Some(labels) = reader.texts("labels") {
        documentation.labels = texts(labels);
    }
    if let Some(additional) = reader.texts("additionalOptions") {
        options.additional_options = texts(additional);
    }
    if kind == Type::Incremental {
        if let Some(filter) = text(reader.string("updatePartitionFilter")) {
            more.update_partition_filter = Some(filter);
        }
        if let Some(predicates) = reader.string_or_strings("incrementalPredicates") {
            if more.update_partition_filter.is_some() {
                let help = Some("write it as one of the `incrementalPredicates`".to_owned());
                reader.refuse(predicates.span, "there is an `updatePartitionFilter` too", help);
            }
            more.predicates = plain(predicates.value);
        }
    }
    for ignored in ["iceberg", "preserveGovernanceControls"] {
        reader.raw(ignored);
    }
}

fn texts(pairs: Vec<(String, Spanned<String>)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, text)| (key, text.value)).collect()
}

fn read_redshift(reader: &mut Reader<'_>, redshift: &mut Redshift) {
    let styles = ["even", "key", "all", "auto"].map(|style| (style, style));
    redshift.dist_style = reader.one_of("distStyle", &styles).map(|style| style.value.to_owned());
    redshift.dist_key = reader.string("distKey").map(|key| key.value);
    redshift.sort_keys = reader.string_or_strings("sortKeys").map(|keys| plain(keys.value)).unwrap_or_default();
    let styles = ["compound", "interleaved"].map(|style| (style, style));
    redshift.sort_style = reader.one_of("sortStyle", &styles).map(|style| style.value.to_owned());
    redshift.bind = reader.bool("bind").is_some_and(|bind| bind.value);
}

fn read_checks(reader: &mut Reader<'_>) -> ChecksConfig {
    let mut checks = ChecksConfig::default();
    if let Some(key) = reader.string_or_strings("uniqueKey") {
        checks.unique_keys.push(Spanned { value: plain(key.value), span: key.span });
    }
    let keys = reader.list("uniqueKeys").unwrap_or_default();
    if let (Some(one), false) = (checks.unique_keys.first(), keys.is_empty()) {
        let help = Some("take it into `uniqueKeys`".to_owned());
        reader.refuse(one.span, "there are `uniqueKeys` too", help);
    }
    for value in keys {
        let columns = match &value.kind {
            ValueKind::Array(items) => items.iter().map(string).collect::<Option<Vec<_>>>(),
            ValueKind::Object { .. } => reader.item(value, "a unique key", |key| {
                key.string_or_strings("uniqueKey").map(|columns| plain(columns.value))
            }),
            _ => None,
        };
        match columns.filter(|columns| !columns.is_empty()) {
            Some(columns) => checks.unique_keys.push(Spanned { value: columns, span: value.span }),
            None => reader.refuse_type("a unique key", "a list of columns", value),
        }
    }
    let strings =
        |reader: &mut Reader<'_>, key| reader.string_or_strings(key).map(|strings| strings.value).unwrap_or_default();
    checks.non_null = strings(reader, "nonNull");
    checks.conditions = strings(reader, "rowConditions");
    for entry in reader.entries("acceptedValues").unwrap_or_default() {
        let ValueKind::Array(items) = &entry.value.kind else {
            reader.refuse_type(&format!("`acceptedValues.{}`", entry.key), "a list of values", &entry.value);
            continue;
        };
        let mut values = Vec::new();
        for item in items {
            match &item.kind {
                ValueKind::String(text) => values.push(Literal::Text(text.clone())),
                ValueKind::Number(number) => values.push(Literal::Bare(number.to_string())),
                ValueKind::Bool(bool) => values.push(Literal::Bare(bool.to_string())),
                _ => reader.refuse_type("an accepted value", "a string, a number or a boolean", item),
            }
        }
        if items.is_empty() {
            let help = Some("NULL is always accepted; name the others".to_owned());
            reader.refuse(entry.value.span, format!("`acceptedValues.{}` accepts no value", entry.key), help);
        }
        if values.is_empty() {
            continue;
        }
        checks.accepted_values.push(AcceptedValues { column: entry.key.clone(), values, span: entry.value.span });
    }
    for entry in reader.entries("relationships").unwrap_or_default() {
        if !matches!(entry.value.kind, ValueKind::Object { .. }) {
            let help = "write it as `{ to: \"dim_users\", column: \"user_key\" }`".to_owned();
            reader.refuse(entry.value.span, "a relationship must be an object", Some(help));
            continue;
        }
        let read = reader.item(&entry.value, "a relationship", |relationship| {
            let written = relationship.raw("to");
            let to = written.and_then(|to| Some((reference(relationship, to, "`to`")?.0, to.span)));
            let column = relationship.string("column").map(|column| column.value);
            if written.is_none() {
                relationship.refuse(
                    entry.value.span,
                    "a relationship needs `to`",
                    Some("write it as `{ to: \"dim_users\", column: \"user_key\" }`".to_owned()),
                );
            }
            to.map(|to| (to, column))
        });
        if let Some(((to, to_span), to_column)) = read {
            let column = entry.key.clone();
            let to_column = to_column.unwrap_or_else(|| column.clone());
            checks.relationships.push(Relationship { column, to, to_span, to_column, span: entry.value.span });
        }
    }
    checks
}

fn string(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        _ => None,
    }
}
