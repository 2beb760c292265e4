//! The config of a table, a view or an incremental table.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};

use crate::action::{Documentation, IncrementalStrategy, Intervals, NamedColumn, OnSchemaChange, Publishing};
use crate::config::{Reader, Spanned, parse_bytes};
use crate::files::Span;
use crate::project::Iceberg;
use crate::relation::{
    DistStyle, ENCODINGS, GRANULARITIES, Index, JobOptions, PhysicalOptions, PostgresOptions, RangePartitioning,
    RangeWidth, RedshiftOptions, SortStyle, Width,
};
use crate::template::config::checks::{ChecksConfig, read_checks};
use crate::template::config::{ELSEWHERE, Rules, Type, named_columns, plain, read_job_options};

#[derive(Debug, Clone)]
pub(in crate::template) struct ModelConfig {
    pub(in crate::template) materialization: MaterializationConfig,
    pub(in crate::template) options: PhysicalOptions,
    pub(in crate::template) unique_key: Vec<String>,
    /// Where the files of an Iceberg table go.
    pub(in crate::template) iceberg: Option<Spanned<Iceberg>>,
    /// Whether a table that is built anew keeps what has been granted on it; otherwise as the project has it.
    pub(in crate::template) preserve_governance_controls: Option<bool>,
    pub(in crate::template) publishing: Publishing,
    pub(in crate::template) checks: ChecksConfig,
    pub(in crate::template) pre_operations: Vec<Spanned<String>>,
    pub(in crate::template) post_operations: Vec<Spanned<String>>,
}

#[derive(Debug, Clone)]
pub(in crate::template) enum MaterializationConfig {
    View { materialized: bool },
    Table,
    Incremental(IncrementalConfig),
}

#[derive(Debug, Clone)]
pub(in crate::template) struct IncrementalConfig {
    pub(in crate::template) strategy: IncrementalStrategy,
    pub(in crate::template) names_strategy: bool,
    pub(in crate::template) on_schema_change: OnSchemaChange,
    pub(in crate::template) protected: bool,
    pub(in crate::template) update_partition_filter: Option<String>,
    pub(in crate::template) predicates: Vec<String>,
    pub(in crate::template) partitions: Vec<String>,
}

pub(super) fn read_model(
    reader: &mut Reader<'_>,
    kind: Type,
    documentation: &mut Documentation,
    job: &mut JobOptions,
    rules: Rules,
) -> ModelConfig {
    let unique_key = (kind == Type::Incremental).then(|| reader.strings("uniqueKey")).flatten();
    let mut options = PhysicalOptions::default();
    let mut more = BigQueryOptions::default();
    read_bigquery(reader, kind, &mut options, &mut more, documentation, rules);
    reader.object("bigquery", "`bigquery`", |inner| {
        read_bigquery(inner, kind, &mut options, &mut more, documentation, rules);
        read_job_options(inner, job);
        for (key, help) in ELSEWHERE {
            inner.elsewhere(key, help);
        }
    });
    if !rules.is_dataform() {
        read_budget(reader, job);
    }
    let refuse = if rules.sets_bigquery { Reader::warn } else { Reader::refuse };
    // Dataform does not look at this in an incremental table.
    let needs_partitions = kind == Type::Table || kind == Type::Incremental && !rules.is_dataform();
    if let Some(span) = more.partition_option.filter(|_| needs_partitions && options.partition_by.is_none()) {
        let help = Some("add `partitionBy: \"…\"`".to_owned());
        refuse(reader, span, "a table without partitions has no options for them", help);
    }
    if !(rules.lists_only() && rules.is_bigquery) {
        reader.object("redshift", "`redshift`", |inner| {
            read_redshift(inner, &mut options.redshift, &mut documentation.named_columns);
        });
    }
    let mut postgres_span = None;
    if !(rules.lists_only() && rules.is_bigquery) {
        let read = reader.object("postgres", "`postgres`", |inner| read_postgres(inner, kind, &mut options.postgres));
        postgres_span = read.map(|read| read.span).filter(|_| options.postgres != PostgresOptions::default());
    }
    for (key, warehouse) in [("snowflake", "Snowflake"), ("presto", "Presto"), ("sqldatawarehouse", "Azure SQL")] {
        if let Some(value) = reader.raw(key) {
            let help =
                Some("it is passed over; trueup has dialects for BigQuery, Redshift, PostgreSQL and DuckDB".to_owned());
            reader.warn(value.span, format!("`{key}` says how {warehouse} keeps the table"), help);
        }
    }
    let publishing = read_publishing(reader, kind);
    let checks = reader.object("assertions", "`assertions`", read_checks).map(|checks| checks.value);
    let statements =
        |reader: &mut Reader<'_>, key| reader.strings(key).map(|statements| statements.value).unwrap_or_default();
    let pre_operations = statements(reader, "preOperations");
    let post_operations = statements(reader, "postOperations");
    documentation.named_columns.extend(unique_key.iter().flat_map(|key| named_columns(&key.value)));
    let unique_key_columns = unique_key.as_ref().map(|key| plain(key.value.clone())).unwrap_or_default();
    let BigQueryOptions { iceberg, partition_span, .. } = &mut more;
    let (iceberg, partition_span) = (iceberg.take(), partition_span.take());
    if let Some(iceberg) = iceberg.as_ref().filter(|_| publishing == Publishing::Audited) {
        let help = Some("leave `publish` out: its assertions run behind it".to_owned());
        reader.refuse(iceberg.span, "an Iceberg table is in one place, so that it cannot be audited in another", help);
    }
    let preserve_governance_controls = more.preserve_governance_controls;
    let materialization = match kind {
        Type::View => {
            let materialized = reader.bool("materialized").is_some_and(|yes| yes.value);
            if let Some(span) = partition_span.filter(|_| !materialized && rules.is_dataform()) {
                let help = Some("add `materialized: true`, or make it a table".to_owned());
                refuse(reader, span, "a view without rows of its own has no partitions and clusters", help);
            }
            if let Some(span) = postgres_span.filter(|_| !materialized) {
                let help = Some("add `materialized: true`, or make it a table".to_owned());
                reader.refuse(span, "a view without rows of its own has no indexes", help);
            }
            MaterializationConfig::View { materialized }
        }
        Type::Incremental => {
            let intervals = (!rules.is_dataform()).then(|| read_intervals(reader));
            MaterializationConfig::Incremental(read_incremental(reader, &unique_key_columns, &options, more, intervals))
        }
        _ => MaterializationConfig::Table,
    };
    ModelConfig {
        materialization,
        options,
        unique_key: unique_key_columns,
        iceberg,
        preserve_governance_controls,
        publishing,
        checks: checks.unwrap_or_default(),
        pre_operations,
        post_operations,
    }
}

/// The same as `maximumBytesBilled`, in words.
fn read_budget(reader: &mut Reader<'_>, job: &mut JobOptions) {
    let Some(budget) = reader.string("budget") else { return };
    match parse_bytes(&budget.value) {
        Some(_) if job.maximum_bytes_billed.is_some() => {
            let help = Some("write one of the two".to_owned());
            reader.refuse(budget.span, "there is a `maximumBytesBilled` too", help);
        }
        Some(bytes) => job.maximum_bytes_billed = Some(bytes),
        None => {
            let message = format!("`budget` is how much may be read, and `{}` is no number of bytes", budget.value);
            reader.refuse(budget.span, message, Some("write it as `50 GiB` or `1.5 TiB`".to_owned()));
        }
    }
}

fn read_publishing(reader: &mut Reader<'_>, kind: Type) -> Publishing {
    let words = [("as_built", Publishing::AsBuilt), ("audited", Publishing::Audited)];
    let Some(written) = reader.one_of("publish", &words) else { return Publishing::default() };
    if kind == Type::View && written.value == Publishing::Audited {
        let help = "make it a table or an incremental table, or leave `publish` out: its assertions run behind it";
        reader.refuse(written.span, "a view has no new rows that could be audited", Some(help.to_owned()));
    }
    written.value
}

/// What BigQuery's options say besides how a table lies.
#[derive(Default)]
struct BigQueryOptions {
    iceberg: Option<Spanned<Iceberg>>,
    preserve_governance_controls: Option<bool>,
    /// Where an option of partitions is.
    partition_option: Option<Span>,
    /// Where partitions or clusters are asked for.
    partition_span: Option<Span>,
    // Only incremental tables use these.
    update_partition_filter: Option<String>,
    predicates: Vec<String>,
    partitions: Option<Spanned<Vec<String>>>,
}

fn read_incremental(
    reader: &mut Reader<'_>,
    unique_key: &[String],
    options: &PhysicalOptions,
    more: BigQueryOptions,
    intervals: Option<ReadIntervals>,
) -> IncrementalConfig {
    let by_intervals = intervals.as_ref().map(|read| ("interval", Some(IncrementalStrategy::Interval(read.value))));
    let written = reader.one_of(
        "incrementalStrategy",
        &[
            ("append", Some(IncrementalStrategy::Append)),
            ("merge", Some(IncrementalStrategy::Merge)),
            ("delete_insert", Some(IncrementalStrategy::DeleteInsert)),
            // As dbt writes it.
            ("delete+insert", Some(IncrementalStrategy::DeleteInsert)),
            ("insert_overwrite", Some(IncrementalStrategy::InsertOverwrite)),
            ("incremental_strategy_merge", Some(IncrementalStrategy::Merge)),
            ("incremental_strategy_insert_overwrite", Some(IncrementalStrategy::InsertOverwrite)),
            ("incremental_strategy_unspecified", None),
        ]
        .into_iter()
        .chain(by_intervals)
        .collect::<Vec<_>>(),
    );
    let by_key = if unique_key.is_empty() { IncrementalStrategy::Append } else { IncrementalStrategy::Merge };
    let strategy = written.as_ref().and_then(|written| written.value).unwrap_or(by_key);
    if let Some(span) = written.as_ref().map(|written| written.span) {
        let by_key = match strategy {
            IncrementalStrategy::Merge => Some("a merge"),
            IncrementalStrategy::DeleteInsert => Some("a delete-insert"),
            IncrementalStrategy::Append | IncrementalStrategy::InsertOverwrite | IncrementalStrategy::Interval(_) => {
                None
            }
        };
        if let Some(what) = by_key.filter(|_| unique_key.is_empty()) {
            let help = Some("add `uniqueKey: [\"…\"]`".to_owned());
            reader.refuse(span, format!("{what} needs a `uniqueKey`"), help);
        }
        if strategy == IncrementalStrategy::InsertOverwrite && options.partition_by.is_none() {
            let help = Some("add `partitionBy: \"…\"`: rows with the same value are one partition".to_owned());
            reader.refuse(span, "an insert-overwrite needs a `partitionBy`", help);
        }
        if matches!(strategy, IncrementalStrategy::Interval(_)) && reader.peek("eventTime").is_none() {
            let help = Some("name the column that says when it happened: `eventTime: \"…\"`".to_owned());
            reader.refuse(span, "intervals are of event time, and nothing says when that is", help);
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
    let partitions = more.partitions;
    if let Some(partitions) = partitions.as_ref().filter(|_| strategy != IncrementalStrategy::InsertOverwrite) {
        let help = Some("add `incrementalStrategy: \"insert_overwrite\"`, or leave it out".to_owned());
        reader.refuse(partitions.span, "only an insert-overwrite replaces `partitions`", help);
    }
    // What a strategy means that is misspelt is told when it is right.
    let is_misspelt = written.is_none() && reader.peek("incrementalStrategy").is_some();
    let written_interval = intervals.and_then(|read| read.written).filter(|_| !is_misspelt);
    if let Some((key, span)) = written_interval.filter(|_| !matches!(strategy, IncrementalStrategy::Interval(_))) {
        let help = Some("add `incrementalStrategy: \"interval\"`, or leave it out".to_owned());
        reader.refuse(span, format!("`{key}` has a meaning only where intervals are replaced"), help);
    }
    let names_strategy = written.is_some_and(|written| written.value.is_some());
    IncrementalConfig {
        strategy,
        names_strategy,
        on_schema_change: on_schema_change.map(|change| change.value).unwrap_or_default(),
        protected: reader.bool("protected").is_some_and(|yes| yes.value),
        update_partition_filter: more.update_partition_filter,
        predicates: more.predicates,
        partitions: partitions.map(|partitions| partitions.value).unwrap_or_default(),
    }
}

/// What a config says of intervals.
struct ReadIntervals {
    value: Intervals,
    /// The first of its keys, and where it is.
    written: Option<(&'static str, Span)>,
}

fn read_intervals(reader: &mut Reader<'_>) -> ReadIntervals {
    let words = [Width::Hour, Width::Day, Width::Month].map(|width| (width.word(), width));
    let keys = ["interval", "lookback", "batch"];
    let written = keys.into_iter().find_map(|key| Some((key, reader.peek(key)?.span)));
    let width = reader.one_of("interval", &words).map(|width| width.value).unwrap_or_default();
    let lookback = reader.time_span("lookback").map(|lookback| lookback.value);
    let batch = reader.count("batch");
    if let Some(batch) = batch.as_ref().filter(|batch| batch.value == 0) {
        let help = "write how many intervals go into one statement: `batch: 30`";
        reader.refuse(batch.span, "`batch` cannot be 0", Some(help.to_owned()));
    }
    let batch = batch.and_then(|batch| NonZeroUsize::new(usize::try_from(batch.value).ok()?));
    ReadIntervals { value: Intervals { width, batch, lookback }, written }
}

/// The options of BigQuery: in a `bigquery {}` block as Dataform had them first, or beside the others as it has them now.
fn read_bigquery(
    reader: &mut Reader<'_>,
    kind: Type,
    options: &mut PhysicalOptions,
    more: &mut BigQueryOptions,
    documentation: &mut Documentation,
    rules: Rules,
) {
    let text = |text: Option<Spanned<String>>| text.map(|text| text.value).filter(|text| !text.is_empty());
    if let Some(expression) = reader.string("partitionBy").filter(|text| !text.value.is_empty()) {
        more.partition_span = Some(expression.span);
        documentation.named_columns.extend(named_columns(std::slice::from_ref(&expression)));
        options.partition_by = Some(expression.value);
    }
    if let Some(columns) = reader.strings("clusterBy") {
        more.partition_span = more.partition_span.or((!columns.value.is_empty()).then_some(columns.span));
        documentation.named_columns.extend(named_columns(&columns.value));
        options.cluster_by = plain(columns.value);
    }
    let (mut days, mut require) = (None, None);
    if kind != Type::View {
        days = reader.count_if_any("partitionExpirationDays");
        require = reader.bool("requirePartitionFilter");
        let set_days = days.as_ref().filter(|days| days.value > 0).map(|days| days.span);
        let span = set_days.or(require.as_ref().filter(|require| require.value).map(|require| require.span));
        more.partition_option = more.partition_option.or(span);
        options.partition_expiration_days = days.as_ref().map(|days| days.value).or(options.partition_expiration_days);
        options.require_partition_filter |= require.as_ref().is_some_and(|require| require.value);
        more.iceberg = read_iceberg(reader).or(more.iceberg.take());
    }
    if let Some(labels) = reader.texts("labels") {
        documentation.labels = texts(labels);
    }
    if let Some(additional) = reader.texts("additionalOptions") {
        let twice = [
            ("partition_expiration_days", days.is_some_and(|days| days.value > 0)),
            ("require_partition_filter", require.is_some_and(|require| require.value)),
        ];
        for (key, is_set) in twice {
            if let Some((_, text)) = additional.iter().find(|(name, _)| is_set && name == key) {
                let help = Some("write it once".to_owned());
                reader.refuse(text.span, format!("`{key}` is set twice"), help);
            }
        }
        options.additional_options = texts(additional);
    }
    if kind == Type::Incremental {
        if let Some(filter) = text(reader.string("updatePartitionFilter")) {
            more.update_partition_filter = Some(filter);
        }
        if let Some(predicates) = reader.strings("incrementalPredicates") {
            if more.update_partition_filter.is_some() && !predicates.value.is_empty() {
                let help = Some("write it as one of the `incrementalPredicates`".to_owned());
                reader.refuse(predicates.span, "there is an `updatePartitionFilter` too", help);
            }
            more.predicates = plain(predicates.value);
        }
        if let Some(partitions) = reader.strings("partitions").filter(|partitions| !partitions.value.is_empty()) {
            more.partitions = Some(Spanned { span: partitions.span, value: plain(partitions.value) });
        }
    }
    // Dataform 1 and 2 passed it on, as do later ones if code has set it.
    if kind != Type::Incremental
        && (rules.is_lenient() || rules.sets_bigquery)
        && let Some(filter) = reader.string("updatePartitionFilter").filter(|filter| !filter.value.is_empty())
    {
        let help = Some("it belongs to `type: \"incremental\"`".to_owned());
        reader.warn(filter.span, "`updatePartitionFilter` has no effect here", help);
        options.update_partition_filter = Some(filter.value);
    }
    if kind == Type::Table {
        let keep = reader.bool("preserveGovernanceControls").map(|keep| keep.value);
        more.preserve_governance_controls = keep.or(more.preserve_governance_controls);
    }
}

fn read_iceberg(reader: &mut Reader<'_>) -> Option<Spanned<Iceberg>> {
    reader.object("iceberg", "`iceberg`", |iceberg| {
        iceberg.one_of("fileFormat", &[("parquet", ()), ("", ())]);
        let connection = iceberg.string("connection");
        if let Some(connection) = connection.as_ref().filter(|connection| !is_connection(&connection.value)) {
            let help = "write it as `project.location.connection`, \
                        `projects/…/locations/…/connections/…` or `DEFAULT`";
            iceberg.refuse(connection.span, "this is not the name of a connection", Some(help.to_owned()));
        }
        let mut text = |key| iceberg.string(key).map(|text| text.value);
        Iceberg {
            bucket: text("bucketName"),
            root: text("tableFolderRoot"),
            subpath: text("tableFolderSubpath"),
            connection: connection.map(|connection| connection.value),
        }
    })
}

/// `p.l.c`, `projects/p/locations/l/connections/c` or `DEFAULT`
fn is_connection(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let steps: Vec<&str> = text.split('/').collect();
    text == "DEFAULT"
        || parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
        || matches!(steps.as_slice(), ["projects", p, "locations", l, "connections", c] if ![p, l, c].iter().any(|name| name.is_empty()))
}

fn texts(pairs: Vec<(String, Spanned<String>)>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, text)| (key, text.value)).collect()
}

fn read_redshift(reader: &mut Reader<'_>, redshift: &mut RedshiftOptions, named: &mut Vec<NamedColumn>) {
    let styles = [DistStyle::Even, DistStyle::Key, DistStyle::All, DistStyle::Auto].map(|style| (style.word(), style));
    let style = reader.one_of("distStyle", &styles);
    let key = reader.string("distKey");
    if let (Some(key), Some(style)) = (&key, &style)
        && style.value != DistStyle::Key
    {
        let message = format!("rows go by a key only where `distStyle` is \"key\", not \"{}\"", style.value.word());
        reader.refuse(key.span, message, Some("leave one of the two out".to_owned()));
    }
    redshift.dist_style = style.map(|style| style.value);
    named.extend(named_columns(key.as_slice()));
    redshift.dist_key = key.map(|key| key.value);
    let sort_keys = reader.strings("sortKeys").map(|keys| keys.value).unwrap_or_default();
    named.extend(named_columns(&sort_keys));
    redshift.sort_keys = plain(sort_keys);
    let styles = [SortStyle::Compound, SortStyle::Interleaved].map(|style| (style.word(), style));
    redshift.sort_style = reader.one_of("sortStyle", &styles).map(|style| style.value);
    redshift.bind = reader.bool("bind").is_some_and(|bind| bind.value);
    redshift.no_backup = reader.bool("backup").is_some_and(|backup| !backup.value);
    let encode = reader.object("encode", "`encode`", |encode| {
        let columns = encode.keys().into_iter();
        columns.filter_map(|column| Some((column.to_owned(), encode.one_of(column, &ENCODINGS)?.value))).collect()
    });
    redshift.encode = encode.map(|encode| encode.value).unwrap_or_default();
}

fn read_postgres(reader: &mut Reader<'_>, kind: Type, postgres: &mut PostgresOptions) {
    for value in reader.list("indexes").unwrap_or_default() {
        let index = reader.item(value, "an index", |index| {
            let columns = index.string_or_strings("columns").map(|columns| plain(columns.value)).unwrap_or_default();
            if columns.is_empty() {
                let help = Some("write it as `{ columns: [\"user_id\", \"day\"] }`".to_owned());
                index.refuse(value.span, "an index needs `columns`", help);
            }
            let method = index.string("method").or(index.string("type"));
            Index {
                columns,
                unique: index.bool("unique").is_some_and(|unique| unique.value),
                method: method.map(|method| method.value),
                include: index.string_or_strings("include").map(|names| plain(names.value)).unwrap_or_default(),
                condition: index.string("where").map(|condition| condition.value),
            }
        });
        postgres.indexes.extend(Some(index).filter(|index| !index.columns.is_empty()));
    }
    postgres.unlogged = reader.bool("unlogged").is_some_and(|unlogged| unlogged.value);
    let Some(span) = reader.peek("partitionBy").map(|value| value.span) else { return };
    let partitioning = reader.object("partitionBy", "`partitionBy`", |inner| read_partitioning(inner, span));
    if kind == Type::View {
        reader.refuse(span, "a view has no partitions", Some("leave it out, or make it a table".to_owned()));
    } else {
        postgres.partition_by = partitioning.and_then(|read| read.value);
    }
}

fn read_partitioning(reader: &mut Reader<'_>, span: Span) -> Option<RangePartitioning> {
    const HELP: &str =
        "write it as `{ column: \"day\", granularity: \"month\" }` or `{ column: \"id\", step: 1000000 }`";
    let column = reader.string("column").filter(|column| !column.value.is_empty());
    let granularity = reader.one_of("granularity", &GRANULARITIES);
    let step = reader.count("step");
    let width = match (granularity, &step) {
        (Some(_), Some(step)) => {
            let help = Some("a date has a `granularity`, a whole number a `step`: leave one of them out".to_owned());
            reader.refuse(step.span, "`partitionBy` has a `granularity` too", help);
            None
        }
        (Some(granularity), None) => Some(RangeWidth::Granularity(granularity.value)),
        (None, Some(step)) => NonZeroU64::new(step.value).map(RangeWidth::Step).or_else(|| {
            reader.refuse(step.span, "`step` cannot be 0", Some(HELP.to_owned()));
            None
        }),
        (None, None) => None,
    };
    if (column.is_none() || width.is_none()) && reader.count_of_problems() == 0 {
        reader.refuse(span, "`partitionBy` needs a `column`, and a `granularity` or a `step`", Some(HELP.to_owned()));
    }
    Some(RangePartitioning { column: column?.value, width: width? })
}
