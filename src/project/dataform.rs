//! Dataform's own settings files, so that its projects run as they are. Keys are those of `@dataform/core` 3.0.62 and,
//! for `dataform.json`, of 2.6.7 too.

use std::fmt;

use serde_json::{Map, Value as Json};

use crate::config::{Reader, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostics};
use crate::dialect;
use crate::files::FileSystem;
use crate::project::settings::{ONE_PART, has_dot, read_dialect, read_vars};
use crate::project::{BigQuerySettings, Iceberg, Notebooks, Project, Settings};

/// A version of `@dataform/core`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoreVersion {
    /// 1, 2 or 3.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl CoreVersion {
    /// The one that is followed where a project does not say: the newest whose behaviour is known here.
    pub const LATEST: Self = Self { major: 3, minor: 0, patch: 62 };
    /// The last one that read `dataform.json` and nothing else.
    pub const LAST_OF_2: Self = Self { major: 2, minor: 6, patch: 7 };

    /// The first version of 3 that accepts dots in the defaults for names.
    const LETS_DOTS_BE: Self = Self { major: 3, minor: 0, patch: 22 };

    /// The first version in a text such as `3.0.62`, `^2.0.1` or `~3.0`; parts that are not written are 0.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(|char: char| !char.is_ascii_digit());
        let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
        let mut parts = text[..end].split('.').map(str::parse);
        let major = parts.next()?.ok()?;
        let mut next = || parts.next().and_then(Result::ok).unwrap_or(0);
        Some(Self { major, minor: next(), patch: next() })
    }
}

impl fmt::Display for CoreVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The version that a project's `package.json` asks for, or else that of its kind of settings file.
pub(super) fn core_version(files: &dyn FileSystem, otherwise: CoreVersion) -> Option<CoreVersion> {
    let package = || -> Option<CoreVersion> {
        let package: Json = serde_json::from_str(&files.read("package.json").ok()?).ok()?;
        let wanted = ["dependencies", "devDependencies"];
        let version = wanted.iter().find_map(|key| package.get(key)?.get("@dataform/core")?.as_str())?;
        CoreVersion::parse(version)
    };
    package().or(Some(otherwise))
}

/// `workflow_settings.yaml`, of core 3.
pub(super) fn read_workflow_settings(tree: &Value, mut settings: Settings) -> (Settings, Diagnostics) {
    let mut reader = Reader::new(tree, "workflow_settings.yaml", Code::InvalidSettings, Code::InvalidSettings);
    if matches!(&tree.kind, ValueKind::Object { entries, .. } if entries.is_empty()) {
        let help = Some("the least that it takes is `defaultProject: …` and `defaultDataset: …`".to_owned());
        reader.refuse(tree.span, "workflow_settings.yaml says nothing", help);
    }
    settings.dialect = &dialect::BigQuery;
    settings.warehouse = Some("bigquery".to_owned());
    settings.jinja = false;
    if let Some(version) = reader.text("dataformCoreVersion") {
        settings.core = CoreVersion::parse(&version.value).or(settings.core);
    }
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
    let lineage = reader.object("lineage", "`lineage`", |lineage| lineage.bool("enabled").map(|enabled| enabled.value));
    settings.bigquery.lineage = lineage.and_then(|lineage| lineage.value);
    reader.raw("extension");
    (settings, reader.finish())
}

/// `dataform.json`, of core 1, 2 and 3.
pub(super) fn read_dataform_json(tree: &Value, mut settings: Settings) -> (Settings, Diagnostics) {
    let mut reader = Reader::new(tree, "dataform.json", Code::InvalidSettings, Code::InvalidSettings);
    settings.dialect = &dialect::BigQuery;
    // Dataform 3 writes BigQuery's SQL whatever stands here.
    settings.warehouse = if is_3(&settings) {
        reader.string("warehouse").map(|name| name.value)
    } else {
        let foreign =
            FOREIGN.iter().find(|(name, _)| reader.peek("warehouse").is_some_and(|value| value.is_text(name)));
        if let Some((name, warehouse)) = foreign {
            let place = reader.raw("warehouse").map_or(tree.span, |value| value.span);
            let help = "it has one for BigQuery, Redshift, PostgreSQL and DuckDB; move the models to one of these and \
                        change `warehouse`";
            reader.refuse(place, format!("trueup has no dialect for {warehouse}"), Some(help.to_owned()));
            Some((*name).to_owned())
        } else {
            let dialect = read_dialect(&mut reader, "warehouse");
            settings.dialect = dialect.unwrap_or(settings.dialect);
            dialect.map(|dialect| dialect.name().to_owned())
        }
    };
    settings.jinja = false;
    read_names(
        &mut reader,
        &mut settings,
        &["defaultDatabase", "defaultSchema", "assertionSchema", "databaseSuffix", "schemaSuffix", "tablePrefix"],
    );
    read_vars(&mut reader, &mut settings);
    settings.bigquery.lineage = reader.bool("lineageEnabled").map(|enabled| enabled.value);
    if !is_3(&settings) {
        if let Some(project) = reader.string("gcloudProjectId") {
            settings.defaults.database.get_or_insert(project.value);
        }
        // Of the hosted service and of the runner of its time.
        for ignored in ["idempotentActionRetries", "useRunCache", "concurrentQueryLimit"] {
            reader.raw(ignored);
        }
    }
    let known = reader.count_of_problems();
    let mut diagnostics = reader.finish();
    if !is_3(&settings) {
        // These passed over keys that they did not know.
        diagnostics.weaken(known);
    }
    (settings, diagnostics)
}

/// Where Dataform 1 and 2 ran, too.
const FOREIGN: [(&str, &str); 3] =
    [("presto", "Presto"), ("snowflake", "Snowflake"), ("sqldatawarehouse", "Azure SQL")];

impl Settings {
    /// Whether the models are in an SQL that trueup has no dialect for.
    pub fn is_foreign(&self) -> bool {
        let is_it = |name: &str| FOREIGN.iter().any(|(foreign, _)| *foreign == name);
        self.warehouse.as_deref().is_some_and(is_it) && !is_3(self)
    }
}

fn is_3(settings: &Settings) -> bool {
    settings.core.is_some_and(|core| core.major >= 3)
}

/// The six names that every Dataform project has, under the keys of its version, and the keys that never changed.
fn read_names<'a>(reader: &mut Reader<'a>, settings: &mut Settings, keys: &[&'a str; 6]) {
    let is_refused = settings.core.is_some_and(|core| core.major == 3 && core < CoreVersion::LETS_DOTS_BE);
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
        ("defaultReservation", &mut settings.bigquery.reservation),
    ];
    for (key, place) in keys.iter().copied().zip(places).chain(constant) {
        if let Some(text) = reader.text(key).filter(|text| !text.value.is_empty()) {
            // The first versions of Dataform 3 refused it at every action; before and after, only the warehouse does.
            if keys[..3].contains(&key) && has_dot(key, &text.value) {
                let refuse = if is_refused { Reader::refuse } else { Reader::warn };
                refuse(reader, text.span, format!("`{key}` has a dot in it"), Some(ONE_PART.to_owned()));
            }
            *place = Some(text.value);
        }
    }
    let mut flag = |key| reader.bool(key).map(|flag| flag.value);
    settings.disable_assertions = flag("disableAssertions").unwrap_or(settings.disable_assertions);
    settings.include_tests = flag("includeTestsInCompiledGraph").unwrap_or(settings.include_tests);
    let keep = flag("preserveGovernanceControls");
    settings.bigquery.preserve_governance_controls = keep.unwrap_or(false);
    read_bigquery(reader, &mut settings.bigquery);
}

fn read_bigquery(reader: &mut Reader<'_>, settings: &mut BigQuerySettings) {
    let iceberg = reader.object("defaultIcebergConfig", "`defaultIcebergConfig`", |iceberg| {
        let mut text = |key| iceberg.string(key).map(|text| text.value);
        Iceberg {
            bucket: text("bucketName"),
            root: text("tableFolderRoot"),
            subpath: text("tableFolderSubpath"),
            connection: text("connection"),
        }
    });
    settings.iceberg = iceberg.map(|iceberg| iceberg.value);
    let notebooks = reader.object("defaultNotebookRuntimeOptions", "`defaultNotebookRuntimeOptions`", |notebooks| {
        let output_bucket = notebooks.string("outputBucket").map(|text| text.value);
        let runtime_template = notebooks.string("runtimeTemplateName").map(|text| text.value);
        let snapshot = notebooks.object("repositorySnapshotDestination", "the destination", |destination| {
            destination.string("repositorySnapshotUri").map(|text| text.value)
        });
        if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| snapshot.value.is_none() && output_bucket.is_none())
        {
            let help = Some("add `repositorySnapshotUri: …` to it, or `outputBucket: …` beside it".to_owned());
            notebooks.refuse(snapshot.span, "the destination has no address", help);
        }
        let snapshot = snapshot.and_then(|snapshot| snapshot.value.or_else(|| output_bucket.clone()));
        Notebooks { output_bucket, runtime_template, snapshot }
    });
    settings.notebooks = notebooks.map(|notebooks| notebooks.value);
}

/// The settings as Dataform's code and tools know them (`ProjectConfig` in its `core.proto`), in its order of fields.
pub(super) fn project_config(project: &Project) -> Map<String, Json> {
    let Settings { dialect, defaults, vars, assertion_name_prefix, bigquery, .. } = &project.settings;
    let naming = project.naming();
    let mut config = Map::new();
    let mut set = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            config.insert(key.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(Json::from);
    let texts = |pairs: &[(&str, &Option<String>)]| {
        pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), text(value)?))).collect::<Map<_, _>>()
    };
    let yes = |flag: bool| flag.then_some(Json::Bool(true));
    let warehouse =
        project.settings.core.map_or_else(|| Some(dialect.name()), |_| project.settings.warehouse.as_deref());
    set("warehouse", warehouse.map(Json::from));
    set("defaultSchema", text(&defaults.schema));
    set("assertionSchema", text(&defaults.assertion_schema));
    set("schemaSuffix", text(&naming.schema_suffix));
    set("defaultDatabase", text(&defaults.database));
    set("tablePrefix", text(&naming.name_prefix));
    let variables: Map<String, Json> = vars.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    set("vars", (!variables.is_empty()).then_some(Json::Object(variables)));
    set("databaseSuffix", text(&naming.database_suffix));
    set("defaultLocation", text(&defaults.location));
    let notebooks = bigquery.notebooks.as_ref().map(|notebooks| {
        let mut options =
            texts(&[("outputBucket", &notebooks.output_bucket), ("runtimeTemplateName", &notebooks.runtime_template)]);
        let snapshot = texts(&[("repositorySnapshotUri", &notebooks.snapshot)]);
        if !snapshot.is_empty() {
            options.insert("repositorySnapshotDestination".to_owned(), Json::Object(snapshot));
        }
        Json::Object(options)
    });
    set("defaultNotebookRuntimeOptions", notebooks);
    set("builtinAssertionNamePrefix", text(assertion_name_prefix));
    let iceberg = bigquery.iceberg.as_ref().map(|iceberg| {
        Json::Object(texts(&[
            ("bucketName", &iceberg.bucket),
            ("tableFolderRoot", &iceberg.root),
            ("tableFolderSubpath", &iceberg.subpath),
            ("connection", &iceberg.connection),
        ]))
    });
    set("defaultIcebergConfig", iceberg);
    set("disableAssertions", yes(project.settings.disable_assertions));
    set("defaultReservation", text(&bigquery.reservation));
    set("includeTestsInCompiledGraph", yes(project.settings.include_tests));
    set("preserveGovernanceControls", yes(bigquery.preserve_governance_controls));
    set("lineageEnabled", bigquery.lineage.map(Json::Bool));
    config
}
