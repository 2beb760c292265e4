//! The `config {}` of an action, typed. Keys are those of Dataform (its older and its newer spelling), and ours.

mod checks;
mod columns;
mod expectations;
mod model;
mod nodes;

use std::time::Duration;

use crate::action::{Documentation, IncrementalStrategy, Metadata, NamedColumn, Reference, Times};
use crate::config::{Reader, Spanned, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostics, article};
use crate::files::Span;
use crate::project::{CoreVersion, Settings};
use crate::relation::{JobOptions, JobPriority, Width};
use crate::template::config::columns::read_columns;
use crate::template::config::expectations::read_expectations;
use crate::template::config::model::read_model;
use crate::template::config::nodes::read_data_preparation;

pub(in crate::template) use checks::{ChecksConfig, Literal, Relationship};
pub(in crate::template) use model::{MaterializationConfig, ModelConfig};
pub(in crate::template) use nodes::{DataPreparationConfig, ErrorTable, LoadConfig, LoadMode};

/// What a config says, whatever the type.
#[derive(Debug, Clone)]
pub(in crate::template) struct ActionConfig {
    pub(in crate::template) database: Option<String>,
    pub(in crate::template) schema: Option<Spanned<String>>,
    pub(in crate::template) name: Option<Spanned<String>>,
    /// In code and in `.sqlx` files the file that the action is to be shown under; in an `actions.yaml` that with its text.
    pub(in crate::template) file_name: Option<Spanned<String>>,
    pub(in crate::template) hermetic: Option<bool>,
    pub(in crate::template) job: JobOptions,
    pub(in crate::template) tags: Vec<String>,
    pub(in crate::template) disabled: bool,
    pub(in crate::template) documentation: Documentation,
    pub(in crate::template) dependencies: Vec<ConfigDependency>,
    /// Whether dependencies bring their assertions along where they do not say so themselves.
    pub(in crate::template) with_assertions: bool,
    pub(in crate::template) kind: KindConfig,
    /// Where the type is written, or else the whole block.
    pub(in crate::template) kind_span: Span,
}

/// One of the `dependencies`.
#[derive(Debug, Clone)]
pub(in crate::template) struct ConfigDependency {
    pub(in crate::template) on: Reference,
    pub(in crate::template) span: Span,
    pub(in crate::template) with_assertions: Option<bool>,
}

#[derive(Debug, Clone)]
pub(in crate::template) enum KindConfig {
    Model(Box<ModelConfig>),
    Operations {
        has_output: bool,
    },
    Declaration,
    Assertion,
    Test {
        dataset: Option<Spanned<Reference>>,
    },
    Notebook,
    DataPreparation(Box<DataPreparationConfig>),
    /// The config could not be evaluated, which has been reported.
    Unknown,
}

impl KindConfig {
    /// How long the intervals are that a model is kept by, if it is.
    pub(in crate::template) fn intervals(&self) -> Option<Width> {
        let Self::Model(model) = self else { return None };
        let MaterializationConfig::Incremental(incremental) = &model.materialization else { return None };
        match incremental.strategy {
            IncrementalStrategy::Interval(intervals) => Some(intervals.width),
            _ => None,
        }
    }
}

const TYPES: [(&str, Type); 9] = [
    ("assertion", Type::Assertion),
    ("dataPreparation", Type::DataPreparation),
    ("declaration", Type::Declaration),
    ("incremental", Type::Incremental),
    ("notebook", Type::Notebook),
    ("operations", Type::Operations),
    ("table", Type::Table),
    ("test", Type::Test),
    ("view", Type::View),
];

/// Of Dataform 1 and 2: a query that stood in the place of its name. A view gives the same rows.
const INLINE: &str = "inline";

/// Where a key belongs that some types do not have.
const ELSEWHERE: [(&str, &str); 16] = [
    ("assertions", "it belongs to a table, a view or an incremental table"),
    ("hasOutput", "it belongs to `type: \"operations\"`"),
    ("incrementalPredicates", "it belongs to `type: \"incremental\"`"),
    ("incrementalStrategy", "it belongs to `type: \"incremental\"`"),
    ("materialized", "it belongs to `type: \"view\"`"),
    ("onSchemaChange", "it belongs to `type: \"incremental\"`"),
    ("partitionBy", "it belongs to a table, a view or an incremental table"),
    ("partitionExpirationDays", "it belongs to a table or an incremental table"),
    ("postgres", "it belongs to a table, a view or an incremental table"),
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

/// What a config is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::template) enum Type {
    Assertion,
    DataPreparation,
    Declaration,
    Incremental,
    Notebook,
    Operations,
    Table,
    Test,
    View,
}

impl Type {
    /// The type of that name, in a config.
    pub(in crate::template) fn named(name: &str) -> Option<Self> {
        let name = if name == INLINE { "view" } else { name };
        TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// How strictly a config is read: what a project's own version of Dataform accepted is accepted.
#[derive(Debug, Clone, Copy)]
pub(in crate::template) struct Rules {
    core: Option<CoreVersion>,
    is_bigquery: bool,
    /// Whether the options of BigQuery are those that code has given to `.bigquery()`: Dataform does not compare these with
    /// the rest of the config.
    sets_bigquery: bool,
}

/// From this version on Dataform drops every action with an unknown key or a value of the wrong type. Before, it depended
/// on the type of the action, and most were kept.
const FIRST_STRICT: CoreVersion = CoreVersion { major: 3, minor: 0, patch: 10 };

impl Rules {
    pub(in crate::template) fn of(settings: &Settings) -> Self {
        Self { core: settings.core, is_bigquery: settings.dialect.has_bigquery_options(), sets_bigquery: false }
    }

    /// The same for an action whose code calls `.bigquery()`, or does not.
    pub(in crate::template) fn with_bigquery_set(self, sets_bigquery: bool) -> Self {
        Self { sets_bigquery, ..self }
    }

    /// Whether the project is one of Dataform.
    fn is_dataform(self) -> bool {
        self.core.is_some()
    }

    /// Whether a list must be written as a list, also if there is one thing in it.
    fn lists_only(self) -> bool {
        self.core.is_some_and(|core| core >= FIRST_STRICT)
    }

    /// Whether a key that is not known, or a value of the wrong type, is passed over with a warning.
    fn is_lenient(self) -> bool {
        self.is_dataform() && !self.lists_only()
    }
}

/// Reads a config whose JavaScript, if any, has been evaluated. Without `of`, its `type` says what it is of.
pub(in crate::template) fn read(value: &Value, of: Option<Type>, rules: Rules) -> (ActionConfig, Diagnostics) {
    let name = match (of, value.entry("type").map(|entry| &entry.value.kind)) {
        (Some(of), _) => TYPES.iter().find(|(_, kind)| *kind == of).map(|(name, _)| *name),
        (None, Some(ValueKind::String(name))) => Some(name.as_str()),
        _ => None,
    };
    let what = match name {
        Some(name) => format!("the config of {} `{name}`", article(name)),
        None => "the config".to_owned(),
    };
    let mut reader =
        Reader::new(value, &what, Code::UnknownConfigKey, Code::InvalidConfig).lists_only(rules.lists_only());
    let is_typed = reader.has("type");
    let kind = match of {
        Some(of) => Some(Spanned { value: of, span: value.span }),
        None if name == Some(INLINE) => reader.one_of("type", &[(INLINE, Type::View)]),
        None => reader.one_of("type", &TYPES),
    };
    let kind_span = kind.as_ref().map_or(value.span, |kind| kind.span);
    let type_is_wrong = is_typed && kind.is_none();
    let kind = kind.map_or(Type::Operations, |kind| kind.value);
    let before = reader.count_of_problems();
    let mut config = read_action(&mut reader, kind, kind_span, rules);
    if type_is_wrong {
        // Which keys are known depends on the type; what is made is not known.
        reader.allow_rest();
        config.kind = KindConfig::Unknown;
    } else {
        for (key, help) in ELSEWHERE {
            reader.elsewhere(key, help);
        }
    }
    let mut found = reader.finish();
    if rules.is_lenient() {
        found.weaken(before);
    }
    (config, found)
}

fn read_action(reader: &mut Reader<'_>, kind: Type, kind_span: Span, rules: Rules) -> ActionConfig {
    let mut name = reader.string("name");
    if let Some(empty) = name.take_if(|name| name.value.is_empty())
        && !rules.is_dataform()
    {
        reader.refuse(empty.span, "a name cannot be empty", Some("without a `name` it is that of the file".to_owned()));
    }
    if kind == Type::Test {
        return read_test(reader, name, kind_span, rules);
    }
    let text = |reader: &mut Reader<'_>, key| reader.string(key).map(|text| text.value);
    let (old_database, new_database) = (text(reader, "database"), text(reader, "project"));
    // Where both words are written Dataform takes the older one.
    let database = old_database.or(new_database);
    let (old_schema, new_schema) = (reader.string("schema"), reader.string("dataset"));
    let mut schema = old_schema.or(new_schema);
    if kind == Type::Notebook {
        schema = reader.string("location").or(schema);
    }
    let tags = reader.strings("tags").map(|tags| plain(tags.value)).unwrap_or_default();
    let (old_file_name, new_file_name) = (reader.string("fileName"), reader.string("filename"));
    let file_name = old_file_name.or(new_file_name);
    let mut documentation = Documentation { description: text(reader, "description"), ..Documentation::default() };
    let has_output = kind == Type::Operations && reader.bool("hasOutput").is_some_and(|output| output.value);
    if !matches!(kind, Type::Notebook | Type::DataPreparation) {
        let columns = read_columns(reader, &mut documentation);
        if !rules.is_dataform() {
            read_contract(reader, kind, &mut documentation);
        }
        let is_described = !documentation.columns.is_empty();
        let is_unfit = kind == Type::Operations && !has_output && is_described && rules.is_dataform();
        if let Some(span) = columns.filter(|_| is_unfit) {
            let help = Some("add `hasOutput: true` if they make a relation of that name".to_owned());
            reader.refuse(span, "operations without output have no columns", help);
        }
    }
    let disabled = kind != Type::Declaration && reader.bool("disabled").is_some_and(|disabled| disabled.value);
    let (mut hermetic, mut job) = (None, JobOptions::default());
    if !matches!(kind, Type::Declaration | Type::Notebook | Type::DataPreparation) {
        hermetic = reader.bool("hermetic").map(|hermetic| hermetic.value);
        job.reservation = text(reader, "reservation").filter(|name| !name.is_empty());
        documentation.metadata = read_metadata(reader);
    }
    let (dependencies, with_assertions) = read_dependencies(reader);
    let kind = match kind {
        Type::Assertion => {
            read_job(reader, &mut job);
            KindConfig::Assertion
        }
        Type::Declaration | Type::Test => KindConfig::Declaration,
        Type::Operations => {
            read_job(reader, &mut job);
            KindConfig::Operations { has_output }
        }
        Type::Notebook => KindConfig::Notebook,
        Type::DataPreparation => KindConfig::DataPreparation(Box::new(read_data_preparation(reader))),
        Type::Table | Type::View | Type::Incremental => {
            KindConfig::Model(Box::new(read_model(reader, kind, &mut documentation, &mut job, rules)))
        }
    };
    ActionConfig {
        database,
        schema,
        name,
        file_name,
        hermetic,
        job,
        tags,
        disabled,
        documentation,
        dependencies,
        with_assertions,
        kind,
        kind_span,
    }
}

/// What is promised of the rows: that the columns are these and no others, which of them say when and what is expected of that, and
/// what tells the rows of a declaration apart.
fn read_contract(reader: &mut Reader<'_>, kind: Type, documentation: &mut Documentation) {
    if let Some(contract) = reader.bool("contract") {
        documentation.is_contract = contract.value;
        if contract.value && documentation.columns.is_empty() {
            let help = Some("name them in `columns: { id: { type: \"…\" } }`".to_owned());
            reader.refuse(contract.span, "a contract needs columns", help);
        }
    }
    if kind != Type::Assertion {
        let mut column = |key| {
            let name = reader.string(key).filter(|name| !name.value.is_empty())?;
            Some(NamedColumn { name: name.value, span: name.span })
        };
        documentation.times = Times { event: column("eventTime"), processed: column("processedTime") };
        documentation.expectations = read_expectations(reader, &documentation.times);
    }
    if kind == Type::Declaration {
        documentation.unique_key = reader.strings("uniqueKey").map(|key| plain(key.value)).unwrap_or_default();
    }
}

/// In a test `dataset` is what is tested.
fn read_test(reader: &mut Reader<'_>, name: Option<Spanned<String>>, kind_span: Span, rules: Rules) -> ActionConfig {
    let tags = reader.strings("tags").map(|tags| plain(tags.value)).unwrap_or_default();
    let file_name = reader.string("filename");
    let kind = KindConfig::Test { dataset: read_tested(reader) };
    // Dataform knows none of these in a test.
    let (mut schema, mut disabled, mut documentation) = (None, false, Documentation::default());
    if !rules.lists_only() {
        schema = reader.string("schema");
        disabled = reader.bool("disabled").is_some_and(|disabled| disabled.value);
        documentation.description = reader.string("description").map(|text| text.value);
    }
    ActionConfig {
        database: None,
        schema,
        name,
        file_name,
        hermetic: None,
        job: JobOptions::default(),
        tags,
        disabled,
        documentation,
        dependencies: Vec::new(),
        with_assertions: false,
        kind,
        kind_span,
    }
}

/// The keys of `bigquery: {}` that are about the jobs of an action that is no model.
fn read_job(reader: &mut Reader<'_>, job: &mut JobOptions) {
    reader.object("bigquery", "`bigquery`", |inner| read_job_options(inner, job));
}

fn read_job_options(reader: &mut Reader<'_>, job: &mut JobOptions) {
    let priorities = [JobPriority::Interactive, JobPriority::Batch].map(|priority| (priority.word(), priority));
    job.maximum_bytes_billed = reader.count("maximumBytesBilled").map(|bytes| bytes.value);
    job.priority = reader.one_of("priority", &priorities).map(|priority| priority.value);
    job.timeout = reader.count("jobTimeout").map(|seconds| Duration::from_secs(seconds.value));
}

fn read_metadata(reader: &mut Reader<'_>) -> Option<Metadata> {
    let metadata = reader.object("metadata", "`metadata`", |metadata| Metadata {
        overview: metadata.string("overview").map(|text| text.value),
        properties: metadata.raw("extraProperties").map(Value::to_json),
    });
    metadata.map(|metadata| metadata.value)
}

/// The entries that are names and no expressions.
pub(super) fn named_columns(entries: &[Spanned<String>]) -> impl Iterator<Item = NamedColumn> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_name = move |name: &str| name.chars().all(is_part) && name.starts_with(char::is_alphabetic);
    let named = entries.iter().filter(move |entry| is_name(&entry.value));
    named.map(|entry| NamedColumn { name: entry.value.clone(), span: entry.span })
}

pub(super) fn plain(spanned: Vec<Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(|text| text.value).collect()
}

/// What a unit test says of its model.
const TESTED: &str = "`dataset`";

fn read_tested(reader: &mut Reader<'_>) -> Option<Spanned<Reference>> {
    let value = reader.raw("dataset")?;
    let read = reference(reader, value, TESTED);
    read.map(|(on, _)| Spanned { value: on, span: value.span })
}

/// A name, `schema.name`, `["schema", "name"]` or `{ schema, name }`, and whether its assertions come along.
pub(super) fn reference<'a>(
    reader: &mut Reader<'a>,
    value: &'a Value,
    what: &str,
) -> Option<(Reference, Option<bool>)> {
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
            let is_tested = what == TESTED;
            return reader.item(value, "a dependency", |dependency| {
                let mut text = |key| dependency.string(key).map(|text| text.value);
                let (new_schema, new_database, name) = (text("dataset"), text("project"), text("name"));
                // Dataform 3 knows only the newer words in a dependency.
                let takes_old = is_tested || !dependency.is_strict();
                let mut old = |key| takes_old.then(|| dependency.string(key)).flatten().map(|text| text.value);
                let (old_schema, old_database) = (old("schema"), old("database"));
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
