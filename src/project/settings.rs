use std::collections::BTreeMap;

use crate::config::{Reader, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostics, Level, Levels, did_you_mean};
use crate::dialect::semantics::NameRules;
use crate::dialect::{self, Dialect};
use crate::project::environment::{self, WrittenEnvironment};
use crate::project::{CoreVersion, History};
use crate::relation::Target;

/// What the settings files say, before an environment is chosen.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    /// The project's name; `project` where none is given.
    pub name: String,
    /// The SQL that the models are written in.
    pub dialect: &'static dyn Dialect,
    /// The warehouse as Dataform's settings name it.
    pub warehouse: Option<String>,
    /// Whether the warehouse lets names of a select list be used in the list itself and in WHERE by a switch of its own.
    pub reuses_aliases: bool,
    /// Whether `{{ }}`, `{% %}` and `{# #}` are templates.
    pub jinja: bool,
    /// Where an action goes that does not say so itself.
    pub defaults: Defaults,
    /// Variables of the project. Text only, as in Dataform.
    pub vars: BTreeMap<String, String>,
    /// Prefix and suffixes for every environment.
    pub naming: Naming,
    /// Put before the names of assertions that come from a model's config.
    pub assertion_name_prefix: Option<String>,
    /// Whether assertions are left out of runs.
    pub disable_assertions: bool,
    /// How bad what the checks of the SQL find is.
    pub checks: Levels,
    /// Where it is kept what runs have done; `None` if the settings say nothing of that.
    pub history: Option<History>,
    /// What only BigQuery has.
    pub bigquery: BigQuerySettings,
    /// Dataform: the unit tests of a model are actions that must pass before it is built.
    pub include_tests: bool,
    /// The Dataform that the project was written for; `None` for a project of trueup's own.
    pub core: Option<CoreVersion>,
    /// As written; only the chosen one is looked into further.
    pub(super) environments: Vec<WrittenEnvironment>,
    pub(super) default_environment: Option<String>,
}

/// Where an action goes that does not say so itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// The database (BigQuery: project).
    pub database: Option<String>,
    /// The schema (BigQuery: dataset).
    pub schema: Option<String>,
    /// The schema of assertions; otherwise `schema`.
    pub assertion_schema: Option<String>,
    /// BigQuery's location.
    pub location: Option<String>,
}

impl Defaults {
    /// These, with those of `other` where it has any.
    #[must_use]
    pub fn overridden_by(&self, other: &Self) -> Self {
        Self {
            database: pick(self.database.as_ref(), other.database.as_ref()),
            schema: pick(self.schema.as_ref(), other.schema.as_ref()),
            assertion_schema: pick(self.assertion_schema.as_ref(), other.assertion_schema.as_ref()),
            location: pick(self.location.as_ref(), other.location.as_ref()),
        }
    }
}

/// Theirs, unless it is missing or empty.
fn pick(mine: Option<&String>, theirs: Option<&String>) -> Option<String> {
    theirs.filter(|text| !text.is_empty()).or(mine).cloned()
}

/// What only BigQuery has, for the whole project.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct BigQuerySettings {
    /// Where the jobs of an action run that does not name a reservation.
    pub reservation: Option<String>,
    /// Where the files of Iceberg tables go; `None` if the settings say nothing of them.
    pub iceberg: Option<Iceberg>,
    /// Where notebooks run; `None` if the settings say nothing of them.
    pub notebooks: Option<Notebooks>,
    /// Whether a table that is built anew keeps what has been granted on it.
    pub preserve_governance_controls: bool,
    /// Whether lineage is sent; `None` if the settings do not say.
    pub lineage: Option<bool>,
}

/// Where the files of BigQuery's Iceberg tables go.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Iceberg {
    /// The bucket, without `gs://`.
    pub bucket: Option<String>,
    /// The folder of all tables.
    pub root: Option<String>,
    /// The folder of one table in it.
    pub subpath: Option<String>,
    /// `project.location.connection`, the same as a path, or `DEFAULT`.
    pub connection: Option<String>,
}

/// Where BigQuery's notebooks run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Notebooks {
    /// Takes what they print: `gs://…`.
    pub output_bucket: Option<String>,
    /// The name of a runtime template.
    pub runtime_template: Option<String>,
    /// Takes a copy of the repository; `None` if none is asked for.
    pub snapshot: Option<String>,
}

/// How an environment renames what the project makes, so that several can share a warehouse. Declarations keep theirs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Naming {
    /// `database` becomes `database_suffix`.
    pub database_suffix: Option<String>,
    /// `schema` becomes `schema_suffix`.
    pub schema_suffix: Option<String>,
    /// `name` becomes `prefix_name`.
    pub name_prefix: Option<String>,
    /// Where everything lies instead, declarations too.
    pub scratch: Option<Scratch>,
}

/// One schema that takes in all that a project names, so that nothing else is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// Its database (BigQuery: project).
    pub database: Option<String>,
    /// The schema.
    pub schema: String,
}

impl Scratch {
    /// A relation in it.
    pub fn relation(&self, name: impl Into<String>) -> Target {
        Target { database: self.database.clone(), schema: Some(self.schema.clone()), name: name.into() }
    }

    /// `schema.name` lies under `schema__name`, with its database before that if it is another one.
    fn apply(&self, target: &Target) -> Target {
        let database = target.database.as_deref().filter(|database| self.database.as_deref() != Some(*database));
        let parts = database.into_iter().chain(target.schema.as_deref()).chain([target.name.as_str()]);
        self.relation(parts.collect::<Vec<_>>().join("__"))
    }
}

impl Naming {
    /// The name in the warehouse of what the project calls `target`.
    pub fn apply(&self, target: &Target) -> Target {
        let suffixed = |part: &Option<String>, suffix: &Option<String>| {
            part.as_ref().map(|part| suffix.as_ref().map_or_else(|| part.clone(), |suffix| format!("{part}_{suffix}")))
        };
        let renamed = Target {
            database: suffixed(&target.database, &self.database_suffix),
            schema: suffixed(&target.schema, &self.schema_suffix),
            name: self
                .name_prefix
                .as_ref()
                .map_or_else(|| target.name.clone(), |prefix| format!("{prefix}_{}", target.name)),
        };
        self.declared(&renamed)
    }

    /// The same for a declaration.
    pub fn declared(&self, target: &Target) -> Target {
        self.scratch.as_ref().map_or_else(|| target.clone(), |scratch| scratch.apply(target))
    }

    /// These rules, with those of `other` where it has any.
    #[must_use]
    pub fn overridden_by(&self, other: &Self) -> Self {
        Self {
            database_suffix: pick(self.database_suffix.as_ref(), other.database_suffix.as_ref()),
            schema_suffix: pick(self.schema_suffix.as_ref(), other.schema_suffix.as_ref()),
            name_prefix: pick(self.name_prefix.as_ref(), other.name_prefix.as_ref()),
            scratch: other.scratch.as_ref().or(self.scratch.as_ref()).cloned(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "project".to_owned(),
            dialect: &dialect::DuckDb,
            warehouse: None,
            reuses_aliases: false,
            jinja: true,
            defaults: Defaults::default(),
            vars: BTreeMap::new(),
            naming: Naming::default(),
            assertion_name_prefix: None,
            disable_assertions: false,
            checks: Levels::new(),
            history: None,
            bigquery: BigQuerySettings::default(),
            include_tests: false,
            core: None,
            environments: Vec::new(),
            default_environment: None,
        }
    }
}

impl Settings {
    /// How names find their columns.
    pub fn name_rules(&self) -> &'static NameRules {
        let semantics = self.dialect.semantics();
        let reusing = semantics.names_with_reused_aliases().filter(|_| self.reuses_aliases);
        reusing.unwrap_or_else(|| semantics.names())
    }
}

/// The key of [`Settings::reuses_aliases`], after BigQuery's `reusable_column_aliases_mode`.
pub const REUSED_ALIASES: &str = "reusable_column_aliases";

/// Reads `trueup.yaml` over what Dataform's file said.
pub(super) fn read(tree: &Value, mut settings: Settings) -> (Settings, Diagnostics) {
    let mut reader = Reader::new(tree, "trueup.yaml", Code::InvalidSettings, Code::InvalidSettings);
    if let Some(name) = reader.string("name") {
        settings.name = name.value;
    }
    if let Some(dialect) = read_dialect(&mut reader, "dialect") {
        settings.dialect = dialect;
    }
    if let Some(reuses) = reader.bool(REUSED_ALIASES) {
        if reuses.value && settings.dialect.semantics().names_with_reused_aliases().is_none() {
            let message = format!("there is no such switch in the SQL of {}", settings.dialect.name());
            reader.refuse(reuses.span, message, Some("remove the line".to_owned()));
        }
        settings.reuses_aliases = reuses.value;
    }
    if let Some(jinja) = reader.bool("jinja") {
        settings.jinja = jinja.value;
    }
    reader.object("defaults", "defaults", |defaults| {
        let own = &mut settings.defaults;
        for (key, place) in [
            ("database", &mut own.database),
            ("schema", &mut own.schema),
            ("assertion_schema", &mut own.assertion_schema),
            ("location", &mut own.location),
        ] {
            if let Some(text) = defaults.string(key) {
                if has_dot(key, &text.value) {
                    defaults.refuse(text.span, format!("`{key}` has a dot in it"), Some(ONE_PART.to_owned()));
                }
                *place = Some(text.value);
            }
        }
    });
    read_vars(&mut reader, &mut settings);
    if let Some(disable) = reader.bool("disable_assertions") {
        settings.disable_assertions = disable.value;
    }
    settings.checks = read_checks(&mut reader);
    settings.history = History::read(&mut reader).or(settings.history);
    settings.naming = settings.naming.overridden_by(&environment::read_naming(&mut reader));
    if let Some(entries) = reader.entries("environments") {
        settings.environments = entries.iter().filter_map(|entry| environment::read(&mut reader, entry)).collect();
    }
    if let Some(name) = reader.string("default_environment") {
        if !settings.environments.is_empty() && settings.environments.iter().all(|known| known.name != name.value) {
            let names: Vec<&str> = settings.environments.iter().map(|known| known.name.as_str()).collect();
            reader.refuse(
                name.span,
                format!("there is no environment `{}`", name.value),
                did_you_mean(&name.value, names.iter().copied())
                    .or_else(|| Some(format!("the settings have {}", names.join(", ")))),
            );
        } else {
            settings.default_environment = Some(name.value);
        }
    }
    (settings, reader.finish())
}

/// What to do about a default with a dot in it.
pub(super) const ONE_PART: &str = "it is one part of a name: the database and the schema have a setting each";

/// Whether no warehouse has a database or a schema of that name. BigQuery has projects such as `example.com:shop`.
pub(super) fn has_dot(key: &str, name: &str) -> bool {
    let is_project = matches!(key, "database" | "defaultDatabase" | "defaultProject");
    name.contains('.') && !(is_project && name.contains(':'))
}

pub(super) fn read_vars(reader: &mut Reader<'_>, settings: &mut Settings) {
    let is_strict = settings.core.is_some_and(|core| core.major >= 3);
    for entry in reader.entries("vars").filter(|_| is_strict).unwrap_or_default() {
        if !matches!(entry.value.kind, ValueKind::String(_) | ValueKind::Null) {
            let help = Some("put it in quotes: a variable is a text".to_owned());
            reader.refuse(entry.value.span, format!("`{}` must be a string", entry.key), help);
        }
    }
    for (name, value) in reader.texts("vars").unwrap_or_default() {
        settings.vars.insert(name, value.value);
    }
}

/// Reads how bad what the checks find is.
fn read_checks(reader: &mut Reader<'_>) -> Levels {
    let mut levels = Levels::new();
    for entry in reader.entries("checks").unwrap_or_default() {
        let name = entry.key.as_str();
        let Some(code) = Code::CHECKS.iter().find(|code| code.name() == name) else {
            let (message, help) = if name.parse::<Code>().is_ok() {
                (format!("`{name}` cannot be set"), "only what the checks of the SQL find can be set".to_owned())
            } else {
                let near = did_you_mean(name, Code::CHECKS.iter().map(|code| code.name()));
                (
                    format!("there is no check `{name}`"),
                    near.unwrap_or_else(|| "`trueup explain` lists them".to_owned()),
                )
            };
            reader.refuse(entry.key_span, message, Some(help));
            continue;
        };
        let word = match &entry.value.kind {
            ValueKind::String(word) => word.as_str(),
            _ => "",
        };
        if let Some((_, level)) = Level::WORDS.iter().find(|(known, _)| *known == word) {
            levels.insert(*code, *level);
        } else {
            let help = "write `off`, `warning` or `error`".to_owned();
            reader.refuse(entry.value.span, format!("`{name}` has no such level"), Some(help));
        }
    }
    levels
}

pub(super) fn read_dialect<'a>(reader: &mut Reader<'a>, key: &'a str) -> Option<&'static dyn Dialect> {
    let name = reader.string(key)?;
    let found = dialect::named(&name.value);
    if found.is_none() {
        let names: Vec<&str> = dialect::names().collect();
        reader.refuse(
            name.span,
            format!("there is no {key} `{}`", name.value),
            did_you_mean(&name.value, names.iter().copied())
                .or_else(|| Some(format!("trueup knows {}", names.join(", ")))),
        );
    }
    found
}
