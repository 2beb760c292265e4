//! The compiled graph as `dataform compile --json` prints it, for tools that read that. Names and order of fields are
//! those of `CompiledGraph` in Dataform's `core.proto` (3.0.65), in the JSON of protocol buffers: what is not set is left
//! out, and so are lists without anything in them.

mod shape;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::action::{
    Action, ActionId, Assertion, Check, DataPreparation, Documentation, GraphEndpoint, GraphField, GraphProperties,
    GraphTable, Incremental, IncrementalStrategy, Kind, Load, Materialization, Model, Node, OnSchemaChange,
    PropertyGraph, Rendered, UnitTest,
};
use crate::artifact::dataform::shape::{
    AssertionNode, BigQuery, Column, CompilationError, Declaration, Descriptor, Graph, GraphEnd, GraphErrors,
    GraphFieldNode, GraphLabelNode, GraphTableNode, Metadata, Notebook, Operation, Preparation, PropertyGraphNode,
    Redshift, Table, Target, TestNode,
};
use crate::compile::Compilation;
use crate::diagnostic::Severity;
use crate::project::CoreVersion;
use crate::relation::{DistStyle, PhysicalOptions, SortStyle, Target as Name};

/// The graph as one JSON object, indented by four blanks.
pub fn dataform_graph(compilation: &Compilation) -> String {
    let graph = Graph::of(compilation);
    let mut text = Vec::new();
    let style = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, style);
    // Writing plain data to memory cannot fail.
    let _ = graph.serialize(&mut serializer);
    String::from_utf8(text).unwrap_or_default() + "\n\n"
}

impl Target {
    fn of(name: &Name) -> Self {
        Self { schema: name.schema.clone(), name: name.name.clone(), database: name.database.clone() }
    }
}

impl Graph {
    fn of(compilation: &Compilation) -> Self {
        let settings = &compilation.project.settings;
        let data: Json = serde_json::from_str(&compilation.run_time_data).unwrap_or(Json::Null);
        let is_empty = data.as_object().is_none_or(Map::is_empty);
        let mut graph = Self {
            project_config: compilation.project.dataform_config(),
            errors: errors(compilation),
            dataform_core_version: settings.core.unwrap_or(CoreVersion::LATEST).to_string(),
            jit_data: if is_empty { json!({}) } else { structure(&data) },
            ..Self::default()
        };
        let context = Context::of(compilation);
        let known = compilation.graph.iter().filter(|(_, action)| !matches!(action.kind, Kind::Unknown));
        // Tests come last, as Dataform has them.
        let (tests, others): (Vec<_>, Vec<_>) = known.partition(|(_, action)| matches!(action.kind, Kind::Test(_)));
        for (id, action) in others.into_iter().chain(tests) {
            graph.targets.push(Target::of(&action.canonical));
            if !context.duplicates.contains(&action.target) {
                graph.add(id, action, &action.kind, None, &context);
            }
        }
        graph
    }

    /// Adds an action. `code` is what will make its text at run time.
    fn add(&mut self, id: ActionId, action: &Action<ActionId>, kind: &Kind, code: Option<&str>, context: &Context<'_>) {
        match kind {
            Kind::Model(model) => self.tables.push(table(id, action, model, code, context)),
            Kind::Operations { statements, has_output } => self.operations.push(Operation {
                target: Target::of(&action.target),
                queries: texts(statements),
                file_name: context.file_name(action),
                has_output: *has_output,
                tags: unique(&action.tags),
                action_descriptor: descriptor(action, code),
                dependency_targets: context.dependencies(id, action),
                hermeticity: context.hermeticity(action),
                canonical_target: canonical(action),
                disabled: action.disabled,
                jit_code: code.map(str::to_owned),
            }),
            Kind::Assertion(assertion) => self.assertions.push(assertion_node(id, action, assertion, code, context)),
            Kind::Declaration => self.declarations.push(Declaration {
                target: Target::of(&action.target),
                action_descriptor: descriptor(action, None),
                // A list is not shown as the file of a declaration.
                file_name: Some(context.file_name(action)).filter(|path| !path.ends_with("actions.yaml")),
                canonical_target: canonical(action),
                tags: action.tags.clone(),
            }),
            Kind::Test(test) => self.tests.push(test_node(action, test, context)),
            Kind::Node(node) => match &**node {
                Node::RunTime { kind, code } => self.add(id, action, kind, Some(code), context),
                Node::Notebook { contents } => self.notebooks.push(Notebook {
                    target: Target::of(&action.target),
                    canonical_target: canonical(action),
                    tags: action.tags.clone(),
                    dependency_targets: context.dependencies(id, action),
                    file_name: context.file_name(action),
                    disabled: action.disabled,
                    contents: contents.clone(),
                }),
                Node::DataPreparation(made) => self.data_preparations.push(preparation(id, action, made, context)),
                Node::PropertyGraph(made) => self.property_graphs.push(property_graph(action, made, context)),
            },
            Kind::Unknown => {}
        }
    }
}

/// What is asked for again and again.
struct Context<'a> {
    compilation: &'a Compilation,
    /// Names that more than one action has: Dataform drops them all.
    duplicates: HashSet<Name>,
    /// The unit tests of a model, where they are to be run before it.
    tests: HashMap<ActionId, Vec<ActionId>>,
}

impl<'a> Context<'a> {
    fn of(compilation: &'a Compilation) -> Self {
        let mut seen = HashSet::new();
        let mut duplicates = HashSet::new();
        let mut tests: HashMap<ActionId, Vec<ActionId>> = HashMap::new();
        for (id, action) in compilation.graph.iter() {
            match &action.kind {
                Kind::Test(test) if compilation.project.settings.include_tests => {
                    let tested = compilation.graph.tested(test);
                    tests.entry(tested.unwrap_or(id)).or_default().push(id);
                }
                Kind::Test(_) => {}
                _ if !seen.insert(&action.target) => {
                    duplicates.insert(action.target.clone());
                }
                _ => {}
            }
        }
        Self { compilation, duplicates, tests }
    }

    /// The file in which the action stands.
    fn path(&self, action: &Action<ActionId>) -> &str {
        self.compilation.project.sources.get(action.name_span.file).path()
    }

    fn file_name(&self, action: &Action<ActionId>) -> String {
        action.file_name.clone().unwrap_or_else(|| self.path(action).to_owned())
    }

    /// Dataform 3 always says it; before, only where the config did.
    fn hermeticity(&self, action: &Action<ActionId>) -> Option<&'static str> {
        let is_old = self.compilation.project.settings.core.is_some_and(|core| core.major < 3);
        match action.hermetic {
            Some(true) => Some("HERMETIC"),
            None if is_old => None,
            Some(false) | None => Some("NON_HERMETIC"),
        }
    }

    /// Each once, in the order written.
    fn dependencies(&self, id: ActionId, action: &Action<ActionId>) -> Vec<Target> {
        let mut seen = HashSet::new();
        let own = action.dependencies.iter().map(|dependency| dependency.on);
        let tests = self.tests.get(&id).into_iter().flatten().copied();
        let all = own.chain(tests).filter(|on| seen.insert(*on));
        all.map(|on| Target::of(&self.compilation.graph.get(on).target)).collect()
    }
}

fn canonical(action: &Action<ActionId>) -> Target {
    Target::of(action.first_name.as_ref().unwrap_or(&action.canonical))
}

fn texts(statements: &[Rendered]) -> Vec<String> {
    statements.iter().map(|statement| statement.text().to_owned()).collect()
}

fn unique(tags: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    tags.iter().filter(|tag| seen.insert(*tag)).cloned().collect()
}

fn table(id: ActionId, action: &Action<ActionId>, model: &Model, code: Option<&str>, context: &Context<'_>) -> Table {
    let incremental = model.incremental();
    let is_view = matches!(model.materialization, Materialization::View { .. });
    let mut bigquery = bigquery(&model.options, incremental, &action.documentation);
    if let Some(bigquery) = bigquery.as_mut().filter(|_| is_view) {
        bigquery.partition_by.get_or_insert_default();
    }
    // Code may have given no query; a file always has one, be it empty.
    let written = |query: &Rendered| {
        let is_file = context.path(action).rsplit('.').next() != Some("js");
        (is_file || !query.text().is_empty()).then(|| query.text().to_owned())
    };
    let is_old = context.compilation.project.settings.core.is_some_and(|core| core.major < 3);
    let incremental_now = incremental.filter(|_| !is_old);
    // A view that has options of BigQuery has a descriptor, too, be it empty.
    let descriptor = descriptor(action, code).or_else(|| (is_view && bigquery.is_some()).then(Descriptor::default));
    Table {
        r#type: model.materialization.word(),
        target: Target::of(&action.target),
        query: written(&model.texts.query),
        disabled: action.disabled,
        r#where: incremental.and_then(|incremental| Some(incremental.filter.as_ref()?.text().to_owned())),
        protected: incremental.map(|incremental| incremental.protected),
        pre_ops: texts(&model.texts.pre_operations),
        post_ops: texts(&model.texts.post_operations),
        file_name: context.file_name(action),
        bigquery,
        tags: action.tags.clone(),
        redshift: redshift(&model.options),
        action_descriptor: descriptor,
        incremental_query: incremental.and_then(|incremental| written(&incremental.texts.query)),
        dependency_targets: context.dependencies(id, action),
        incremental_pre_ops: incremental.map(|more| texts(&more.texts.pre_operations)).unwrap_or_default(),
        incremental_post_ops: incremental.map(|more| texts(&more.texts.post_operations)).unwrap_or_default(),
        unique_key: model.unique_key.clone(),
        hermeticity: context.hermeticity(action),
        canonical_target: canonical(action),
        materialized: matches!(model.materialization, Materialization::View { materialized: true }),
        enum_type: match model.materialization {
            Materialization::View { .. } => "VIEW",
            Materialization::Table => "TABLE",
            Materialization::Incremental(_) => "INCREMENTAL",
        },
        on_schema_change: incremental_now.map(|incremental| match incremental.on_schema_change {
            OnSchemaChange::Ignore => "IGNORE",
            OnSchemaChange::Fail => "FAIL",
            OnSchemaChange::Extend => "EXTEND",
            OnSchemaChange::Synchronize => "SYNCHRONIZE",
        }),
        jit_code: code.map(str::to_owned),
        incremental_strategy: incremental_now.map(|incremental| match incremental.strategy {
            IncrementalStrategy::Merge if incremental.names_strategy => "MERGE",
            IncrementalStrategy::InsertOverwrite => "INSERT_OVERWRITE",
            // It has no word for deleting and inserting, and none for intervals.
            IncrementalStrategy::Merge
            | IncrementalStrategy::Append
            | IncrementalStrategy::DeleteInsert
            | IncrementalStrategy::Interval(_) => "INCREMENTAL_STRATEGY_UNSPECIFIED",
        }),
    }
}

fn bigquery(
    options: &PhysicalOptions,
    incremental: Option<&Incremental>,
    documentation: &Documentation,
) -> Option<BigQuery> {
    let iceberg = options.iceberg.as_ref();
    let made = BigQuery {
        partition_by: options.partition_by.clone(),
        cluster_by: options.cluster_by.clone(),
        update_partition_filter: match incremental {
            Some(incremental) => incremental.update_partition_filter.clone(),
            None => options.update_partition_filter.clone(),
        },
        labels: documentation.labels.clone(),
        partition_expiration_days: options.partition_expiration_days.filter(|days| *days > 0),
        require_partition_filter: options.require_partition_filter,
        additional_options: options.additional_options.clone(),
        connection: iceberg.map(|iceberg| iceberg.connection.clone()),
        table_format: iceberg.map(|_| "ICEBERG"),
        file_format: iceberg.map(|_| "PARQUET"),
        storage_uri: iceberg.map(|iceberg| iceberg.storage_uri.clone()),
        incremental_predicates: incremental.map(|incremental| incremental.predicates.clone()).unwrap_or_default(),
        preserve_governance_controls: options.preserve_governance_controls,
    };
    let is_set = made.partition_by.is_some()
        || !made.cluster_by.is_empty()
        || made.update_partition_filter.is_some()
        || !made.labels.is_empty()
        || made.partition_expiration_days.is_some()
        || made.require_partition_filter
        || !made.additional_options.is_empty()
        || iceberg.is_some()
        || !made.incremental_predicates.is_empty()
        || made.preserve_governance_controls;
    is_set.then_some(made)
}

fn redshift(options: &PhysicalOptions) -> Option<Redshift> {
    let redshift = &options.redshift;
    let is_set = redshift.dist_key.is_some() || redshift.dist_style.is_some() || !redshift.sort_keys.is_empty();
    is_set.then(|| Redshift {
        dist_key: redshift.dist_key.clone(),
        dist_style: redshift.dist_style.map(DistStyle::word),
        sort_keys: redshift.sort_keys.clone(),
        sort_style: redshift.sort_style.map(SortStyle::word),
    })
}

fn descriptor(action: &Action<ActionId>, code: Option<&str>) -> Option<Descriptor> {
    let documentation = &action.documentation;
    let columns = documentation.columns.iter().map(|column| Column {
        description: column.description.clone().unwrap_or_default(),
        path: column.path.clone(),
        tags: column.tags.clone(),
        bigquery_policy_tags: column.policy_tags.clone(),
    });
    let metadata = documentation.metadata.as_ref().map(|metadata| Metadata {
        overview: metadata.overview.clone(),
        extra_properties: metadata.properties.as_ref().map(structure),
    });
    let made = Descriptor {
        description: documentation.description.clone().filter(|text| !text.is_empty()),
        columns: columns.collect(),
        bigquery_labels: documentation.labels.clone(),
        metadata,
        compilation_mode: code.map(|_| "ACTION_COMPILATION_MODE_JIT"),
        reservation: action.job.reservation.clone(),
    };
    let is_set = made.description.is_some()
        || !made.columns.is_empty()
        || !made.bigquery_labels.is_empty()
        || made.metadata.is_some()
        || made.compilation_mode.is_some()
        || made.reservation.is_some();
    is_set.then_some(made)
}

fn assertion_node(
    id: ActionId,
    action: &Action<ActionId>,
    assertion: &Assertion,
    code: Option<&str>,
    context: &Context<'_>,
) -> AssertionNode {
    AssertionNode {
        query: assertion.query.text().to_owned(),
        file_name: context.file_name(action),
        target: Target::of(&action.target),
        tags: unique(&action.tags),
        action_descriptor: descriptor(action, code),
        dependency_targets: context.dependencies(id, action),
        hermeticity: action.hermetic.filter(|hermetic| *hermetic).map(|_| "HERMETIC"),
        canonical_target: canonical(action),
        disabled: action.disabled,
        parent_action: assertion.parent.as_ref().map(Target::of),
        jit_code: code.map(str::to_owned),
    }
}

fn test_node(action: &Action<ActionId>, test: &UnitTest, context: &Context<'_>) -> TestNode {
    TestNode {
        name: action.canonical.name.clone(),
        test_query: test.inlined.text().to_owned(),
        expected_output_query: test.expected.text().to_owned(),
        file_name: context.file_name(action),
        disabled: action.disabled,
        tags: action.tags.clone(),
        target: Target::of(&action.target),
        canonical_target: canonical(action),
    }
}

fn preparation(id: ActionId, action: &Action<ActionId>, made: &DataPreparation, context: &Context<'_>) -> Preparation {
    let (first, first_canonical) =
        made.targets.first().cloned().unwrap_or((action.target.clone(), action.canonical.clone()));
    Preparation {
        targets: made.targets.iter().map(|(target, _)| Target::of(target)).collect(),
        canonical_targets: made.targets.iter().map(|(_, canonical)| Target::of(canonical)).collect(),
        tags: action.tags.clone(),
        dependency_targets: context.dependencies(id, action),
        file_name: context.file_name(action),
        disabled: action.disabled,
        target: Target::of(&first),
        canonical_target: Target::of(&first_canonical),
        data_preparation_yaml: made.steps.clone(),
        error_table: made.error_table.as_ref().map(|(target, _)| Target::of(target)),
        error_table_retention_days: made.error_table.as_ref().map(|(_, days)| days.unwrap_or(0)),
        query: made.query.as_ref().map(|query| query.text().to_owned()),
        load: made.load.as_ref().map(|load| match load {
            Load::Append => json!({ "append": {} }),
            Load::Maximum { column } => json!({ "maximum": { "columnName": column } }),
            Load::Merge { unique_key } => json!({ "merge": { "uniqueKey": unique_key } }),
            Load::Replace => json!({ "replace": {} }),
            Load::Unique { column } => json!({ "unique": { "columnName": column } }),
        }),
    }
}

fn property_graph(action: &Action<ActionId>, made: &PropertyGraph, context: &Context<'_>) -> PropertyGraphNode {
    let relationships = made.relationships.iter().map(|relationship| {
        let end = |end: &GraphEndpoint| GraphEnd {
            entity: end.entity.clone(),
            relationship_columns: end.columns.clone(),
            entity_columns: end.entity_columns.clone(),
        };
        GraphTableNode {
            source: Some(end(&relationship.source)),
            destination: Some(end(&relationship.destination)),
            ..graph_table(&relationship.table)
        }
    });
    PropertyGraphNode {
        target: Target::of(&action.target),
        canonical_target: canonical(action),
        file_name: context.file_name(action),
        description: action.documentation.description.clone(),
        entities: made.entities.iter().map(graph_table).collect(),
        relationships: relationships.collect(),
        graph_body: made.body.clone(),
    }
}

fn graph_table(table: &GraphTable) -> GraphTableNode {
    let labels = table.labels.iter().map(|label| {
        let (import_all, import_except, fields) = match &label.properties {
            Some(GraphProperties::All { except }) => (true, except.clone(), Vec::new()),
            Some(GraphProperties::Fields(fields)) => (false, Vec::new(), fields.iter().map(graph_field).collect()),
            None => (false, Vec::new(), Vec::new()),
        };
        // A default label has a description, be it empty.
        let description = label.description.clone().or_else(|| label.is_default.then(String::new));
        let (name, synonyms) = (label.name.clone(), label.synonyms.clone());
        GraphLabelNode { name, description, synonyms, fields, import_all, import_except, is_default: label.is_default }
    });
    GraphTableNode {
        name: table.name.clone(),
        data_source: Target::of(&table.source),
        keys: table.keys.clone(),
        source: None,
        destination: None,
        labels: labels.collect(),
    }
}

fn graph_field(field: &GraphField) -> GraphFieldNode {
    let (name, expression) = (field.name.clone(), field.expression.clone());
    GraphFieldNode { name, expression, description: field.description.clone(), synonyms: field.synonyms.clone() }
}

/// A value as protocol buffers have it: `google.protobuf.Struct`.
fn structure(value: &Json) -> Json {
    fn wrapped(value: &Json) -> Json {
        match value {
            Json::Null => json!({ "nullValue": "NULL_VALUE" }),
            Json::Bool(bool) => json!({ "boolValue": bool }),
            Json::Number(number) => json!({ "numberValue": number }),
            Json::String(text) => json!({ "stringValue": text }),
            Json::Array(items) => {
                let values: Vec<Json> = items.iter().map(wrapped).collect();
                json!({ "listValue": if values.is_empty() { json!({}) } else { json!({ "values": values }) } })
            }
            Json::Object(_) => json!({ "structValue": structure(value) }),
        }
    }
    let Json::Object(fields) = value else { return json!({}) };
    // Nothing to say, or said in that form already.
    if fields.is_empty() || fields.len() == 1 && fields.contains_key("fields") {
        return value.clone();
    }
    let fields: Map<String, Json> = fields.iter().map(|(key, value)| (key.clone(), wrapped(value))).collect();
    json!({ "fields": fields })
}

/// The errors among the diagnostics; with the action where only one is made in that file.
fn errors(compilation: &Compilation) -> GraphErrors {
    let mut owners: HashMap<_, Vec<&Action<ActionId>>> = HashMap::new();
    for (_, action) in compilation.graph.iter() {
        let is_inline = matches!(&action.kind, Kind::Assertion(assertion) if assertion.check != Check::Query);
        if !is_inline {
            owners.entry(action.name_span.file).or_default().push(action);
        }
    }
    let errors = compilation.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors = errors.map(|diagnostic| {
        let file = diagnostic.span().map(|span| span.file);
        let owner = file.and_then(|file| owners.get(&file)).and_then(|of| <[_; 1]>::try_from(of.as_slice()).ok());
        let owner = owner.map(|[action]| action);
        CompilationError {
            file_name: file.map(|id| compilation.project.sources.get(id).path().to_string()).unwrap_or_default(),
            message: diagnostic.message.clone(),
            action_name: owner.map(|action| action.target.to_string()),
            action_target: owner.map(|action| Target::of(&action.target)),
        }
    });
    GraphErrors { compilation_errors: errors.collect() }
}
