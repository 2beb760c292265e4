//! The second pass: the texts of each declared action, rendered.

mod fitness;
mod node;
mod texts;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rayon::prelude::*;

use crate::action::{
    Action, ActionId, Assertion, Check, Dependency, Documentation, Incremental, Kind, Materialization, Model, Node,
    Origin, Publishing, Reference, Rendered, TestInput, Texts, UnitTest,
};
use crate::config::Spanned;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::files::Span;
use crate::project::{self, Project};
use crate::relation::{Iceberg, JobOptions, Target};
use crate::template::build::texts::{ActionTexts, MOST_WRITTEN, Part};
use crate::template::checks::{InlineCheck, InlineKind};
use crate::template::config::{ActionConfig, KindConfig, MaterializationConfig, ModelConfig};
use crate::template::declare::{Body, Declared, What};
use crate::template::render::{Means, Renderer};
use crate::template::scope::{Amendment, Catalog, Scope, This};

/// Makes actions of what is declared.
pub(super) struct Builder<'a> {
    pub(super) project: &'a Project,
    pub(super) catalog: &'a Arc<Catalog>,
    pub(super) renderer: Renderer<'a>,
    pub(super) declared: &'a [Declared],
    pub(super) diagnostics: Diagnostics,
}

/// An action whose texts are plain.
struct Plain {
    action: Action<Reference>,
    diagnostics: Diagnostics,
    /// How long its texts are, in bytes.
    written: usize,
}

impl<'a> Builder<'a> {
    /// Makes an action of each.
    pub(super) fn build(&mut self) -> Vec<Action<Reference>> {
        let declared = self.declared;
        let all = (0..).map(ActionId).zip(declared).zip(self.plain());
        let actions = all.map(|((id, one), plain)| match plain.filter(|plain| self.takes_room(plain.written)) {
            Some(plain) => {
                self.diagnostics.extend(plain.diagnostics);
                plain.action
            }
            None => self.build_one(id, one),
        });
        let mut actions: Vec<_> = actions.collect();
        for (declared, action) in declared.iter().zip(&mut actions) {
            if let Kind::Test(test) = &mut action.kind {
                test.inlined = self.inlined(test);
            }
            action.file_name.clone_from(&declared.file_name);
        }
        actions
    }

    /// Makes those actions that need no engine, beside each other.
    fn plain(&self) -> Vec<Option<Plain>> {
        let Self { project, catalog, declared, .. } = *self;
        let includes = self.renderer.includes();
        let written_by_all = AtomicUsize::new(0);
        let build = |(id, one): (usize, &'a Declared)| {
            let renderer = Renderer::new(project, includes, Means::Plain(&written_by_all));
            let mut builder = Builder { project, catalog, renderer, declared, diagnostics: Diagnostics::default() };
            let action = builder.build_one(ActionId(u32::try_from(id).unwrap_or(u32::MAX)), one);
            let written = builder.renderer.written.get();
            (!builder.renderer.is_stuck()).then_some(Plain { action, diagnostics: builder.diagnostics, written })
        };
        declared.par_iter().enumerate().map(build).collect()
    }

    /// Counts texts of so many bytes in, if that does not make too many.
    fn takes_room(&self, bytes: usize) -> bool {
        let written = &self.renderer.written;
        let all = written.get().saturating_add(bytes);
        let has_room = all <= MOST_WRITTEN;
        if has_room {
            written.set(all);
        }
        has_room
    }

    fn build_one(&mut self, id: ActionId, declared: &'a Declared) -> Action<Reference> {
        let mut action = Action {
            target: declared.target.clone(),
            canonical: declared.named.clone(),
            first_name: (declared.named != declared.canonical).then(|| declared.canonical.clone()),
            name_span: declared.name_span,
            file_name: None,
            kind: Kind::Declaration,
            tags: Vec::new(),
            disabled: false,
            hermetic: None,
            job: JobOptions::default(),
            documentation: Documentation::default(),
            dependencies: Vec::new(),
        };
        match &declared.what {
            What::Check { check, of, parent } => {
                let model = &self.declared[of.index()];
                let inherited = model.inherited();
                let (mut assertion, dependencies) = self.build_check(
                    check.clone(),
                    reference_to(&model.named),
                    &self.catalog.relations[of.index()],
                    check.span,
                );
                assertion.parent = Some(self.project.naming().apply(parent));
                action.kind = Kind::Assertion(Box::new(assertion));
                action.tags = inherited.tags;
                action.disabled = inherited.disabled || self.project.settings.disable_assertions;
                action.dependencies = dependencies;
            }
            What::Action { config, body } => {
                self.build_action(id, &mut action, (**config).clone(), body);
                if matches!(&action.kind, Kind::Model(model) if model.publishing == Publishing::Audited) {
                    let audited_with = self.audited_with(id);
                    action.dependencies.extend(audited_with);
                }
            }
            What::Ready { kind, description } => {
                self.check_name(&declared.named, declared.name_span, declared.name_span);
                action.kind = (**kind).clone();
                action.documentation.description.clone_from(description);
            }
        }
        action
    }

    fn build_action(&mut self, id: ActionId, action: &mut Action<Reference>, config: ActionConfig, body: &'a Body) {
        let target = &action.target;
        if !matches!(config.kind, KindConfig::Declaration) {
            let schema_span = config.schema.as_ref().map_or(action.name_span, |schema| schema.span);
            self.check_name(&self.declared[id.index()].named, action.name_span, schema_span);
        }
        if let Body::Sqlx { sqlx, .. } = body {
            self.check_blocks(sqlx, &config);
        }
        let this = This {
            relation: self.catalog.relations[id.index()].clone(),
            name: target.name.clone(),
            schema: target.schema.clone().unwrap_or_default(),
            database: target.database.clone(),
            has_output: !matches!(config.kind, KindConfig::Operations { has_output: false }),
            intervals: config.kind.intervals(),
        };
        let is_test = matches!(config.kind, KindConfig::Test { .. });
        let this = (!is_test).then_some(this);
        let dependencies = config.dependencies.iter().map(|dependency| Dependency {
            on: dependency.on.clone(),
            origin: Origin::here(dependency.span),
            with_assertions: dependency.with_assertions.unwrap_or(config.with_assertions),
            is_read: false,
        });
        let dependencies = dependencies.collect();
        let place = match body {
            Body::Code(record) => record.place,
            _ => config.kind_span,
        };
        let mut texts = ActionTexts {
            builder: self,
            body,
            place,
            this,
            dependencies,
            with_assertions: config.with_assertions,
            amendments: Vec::new(),
        };
        action.disabled = config.disabled
            || (matches!(config.kind, KindConfig::Assertion) && texts.builder.project.settings.disable_assertions);
        let mut kind = texts.kind(config.kind, action);
        if let Body::Code(record) = body
            && let Some(code) = &record.run_time_code
        {
            kind = Kind::Node(Box::new(Node::RunTime { kind: Box::new(kind), code: code.clone() }));
        }
        action.dependencies = texts.dependencies;
        action.tags = config.tags;
        let amendments = texts.amendments;
        action.kind = kind;
        amend(action, &amendments, place);
        action.hermetic = config.hermetic;
        action.job = JobOptions { labels: config.documentation.labels.clone(), ..config.job };
        action.documentation = config.documentation;
    }

    fn build_check(
        &self,
        check: InlineCheck,
        of: Reference,
        relation: &str,
        span: Span,
    ) -> (Assertion, Vec<Dependency<Reference>>) {
        let on = |on: Reference, place: Span| Dependency {
            on,
            origin: Origin::here(place),
            with_assertions: false,
            is_read: true,
        };
        let mut dependencies = vec![on(of.clone(), span)];
        let mut other = None;
        if let InlineKind::Relationship(relationship) = &check.kind {
            dependencies.push(on(relationship.to.clone(), relationship.to_span));
            other =
                self.catalog.names.find(&relationship.to).next().map(|id| self.catalog.relations[id.index()].as_str());
        }
        (check.assertion(of, relation, other, self.project.settings.dialect), dependencies)
    }

    /// What the assertions in a model's config read besides the model: it must be there when they audit the new rows.
    fn audited_with(&self, id: ActionId) -> Vec<Dependency<Reference>> {
        // They stand right before it.
        let before = self.declared[..id.index()].iter().rev().map_while(|declared| match &declared.what {
            What::Check { check, of, .. } if *of == id => Some(&check.kind),
            _ => None,
        });
        let checks: Vec<&InlineKind> = before.collect();
        let others = checks.into_iter().rev().filter_map(|check| match check {
            InlineKind::Relationship(relationship) => Some((&relationship.to, relationship.to_span)),
            InlineKind::Unique(_) | InlineKind::Rows(_) => None,
        });
        let is_other = |to: &Reference| self.catalog.names.find(to).all(|found| found != id);
        let others = others.filter(|(to, _)| is_other(to));
        let dependency = |(to, span): (&Reference, Span)| Dependency {
            on: to.clone(),
            origin: Origin::here(span),
            with_assertions: false,
            is_read: false,
        };
        others.map(dependency).collect()
    }

    /// The query of the tested model with the inputs of the test in the place of what it refers to.
    fn inlined(&mut self, test: &UnitTest) -> Rendered {
        let id = self.catalog.names.find(&test.tested).next();
        let Some(What::Action { config, body }) = id.map(|id| &self.declared[id.index()].what) else {
            return Rendered::default();
        };
        if !matches!(config.kind, KindConfig::Model(_)) {
            return Rendered::default();
        }
        let inputs = test.inputs.iter().map(|input| (input.relation.clone(), input.rows.text().to_owned()));
        let scope = Arc::new(Scope::of_test(self.catalog, inputs.collect()));
        // What is wrong with the query has been reported where it stands.
        self.renderer.part(body, Part::Query, &scope).into_iter().next().unwrap_or_default().rendered
    }
}

/// Adds what the texts say of their own action.
fn amend(action: &mut Action<Reference>, amendments: &[Amendment], place: Span) {
    let texts = |values: &[serde_json::Value]| -> Vec<String> {
        values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
    };
    for (key, values) in amendments {
        match key.as_str() {
            "disabled" => action.disabled = values.first().is_none_or(|value| value.as_bool() != Some(false)),
            "tags" => action.tags.extend(texts(values)),
            "dependencies" => {
                let named = texts(values)
                    .into_iter()
                    .filter_map(|name| Reference::from_parts(name.split('.').map(str::to_owned)));
                let origin = Origin::here(place);
                action.dependencies.extend(named.map(|on| Dependency {
                    on,
                    origin,
                    with_assertions: false,
                    is_read: false,
                }));
            }
            _ => {
                let Kind::Model(model) = &mut action.kind else { continue };
                let all = std::iter::once(&mut model.texts);
                let more = match &mut model.materialization {
                    Materialization::Incremental(incremental) => Some(&mut incremental.texts),
                    Materialization::View { .. } | Materialization::Table => None,
                };
                for own in all.chain(more) {
                    let list = if key == "preOps" { &mut own.pre_operations } else { &mut own.post_operations };
                    list.extend(texts(values).into_iter().map(|text| Rendered::computed(text, Origin::here(place))));
                }
            }
        }
    }
}

fn reference_to(target: &Target) -> Reference {
    Reference { database: target.database.clone(), schema: target.schema.clone(), name: target.name.clone() }
}

impl ActionTexts<'_, '_> {
    fn kind(&mut self, config: KindConfig, action: &Action<Reference>) -> Kind {
        match config {
            KindConfig::Model(model) => Kind::Model(Box::new(self.model(*model, action))),
            KindConfig::Operations { has_output } => {
                let statements = self.part(Part::Statements, false);
                Kind::Operations { statements, has_output }
            }
            KindConfig::Declaration => Kind::Declaration,
            KindConfig::Unknown => Kind::Unknown,
            KindConfig::Assertion => {
                let query = self.query(false);
                Kind::Assertion(Box::new(Assertion { query, check: Check::Query, parent: None }))
            }
            KindConfig::Test { dataset } => Kind::Test(Box::new(self.test(dataset))),
            KindConfig::Notebook => self.notebook(),
            KindConfig::DataPreparation(config) => self.data_preparation(&config, action),
        }
    }

    fn model(&mut self, config: ModelConfig, action: &Action<Reference>) -> Model {
        // In the order in which Dataform renders them: it is that of the dependencies.
        let query = self.query(false);
        let materialization = match config.materialization {
            MaterializationConfig::View { materialized } => Materialization::View { materialized },
            MaterializationConfig::Table => Materialization::Table,
            MaterializationConfig::Incremental(ref incremental) => {
                let query = self.query(true);
                Materialization::Incremental(Box::new(Incremental {
                    texts: self.with_operations(query, &config, true),
                    filter: self.part(Part::Filter, false).into_iter().next(),
                    strategy: incremental.strategy,
                    names_strategy: incremental.names_strategy,
                    on_schema_change: incremental.on_schema_change,
                    protected: incremental.protected,
                    update_partition_filter: incremental.update_partition_filter.clone(),
                    predicates: incremental.predicates.clone(),
                    partitions: incremental.partitions.clone(),
                }))
            }
        };
        let texts = self.with_operations(query, &config, false);
        let mut options = config.options;
        let settings = &self.builder.project.settings.bigquery;
        let keep = config.preserve_governance_controls.unwrap_or(settings.preserve_governance_controls);
        options.preserve_governance_controls = keep && matches!(materialization, Materialization::Table);
        if let Some(written) = config.iceberg {
            options.iceberg = self.iceberg(&written, action.first_name.as_ref().unwrap_or(&action.canonical));
        }
        Model { materialization, texts, options, unique_key: config.unique_key, publishing: config.publishing }
    }

    /// Where the files of an Iceberg table go: as the config says, or else the project's settings.
    fn iceberg(&mut self, written: &Spanned<project::Iceberg>, name: &Target) -> Option<Iceberg> {
        let default = self.builder.project.settings.bigquery.iceberg.clone().unwrap_or_default();
        let pick = |mine: &Option<String>, default: Option<String>| mine.clone().or(default);
        let Some(bucket) = pick(&written.value.bucket, default.bucket) else {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "the Iceberg table has no bucket");
            let help = "add `bucketName: \"…\"`, here or to `defaultIcebergConfig` in workflow_settings.yaml";
            self.builder.diagnostics.push(diagnostic.at(written.span, "").help(help));
            return None;
        };
        let root = pick(&written.value.root, default.root).unwrap_or_else(|| "_dataform".to_owned());
        let subpath = pick(&written.value.subpath, default.subpath)
            .unwrap_or_else(|| format!("{}/{}", name.schema.as_deref().unwrap_or_default(), name.name));
        let connection = pick(&written.value.connection, default.connection).unwrap_or_else(|| "DEFAULT".to_owned());
        Some(Iceberg { connection, storage_uri: format!("gs://{bucket}/{root}/{subpath}") })
    }

    fn with_operations(&mut self, query: Rendered, config: &ModelConfig, incremental: bool) -> Texts {
        Texts {
            query,
            pre_operations: self.operations(&config.pre_operations, Part::PreOperations, incremental),
            post_operations: self.operations(&config.post_operations, Part::PostOperations, incremental),
        }
    }

    /// The statements of the config, then those of the block. As in Dataform the empty ones are left out for a full build;
    /// not those that failed, which may have held anything.
    fn operations(&mut self, config: &[Spanned<String>], block: Part, incremental: bool) -> Vec<Rendered> {
        let written = config.iter().map(|text| Rendered::computed(text.value.as_str(), Origin::here(text.span)));
        let mut all: Vec<Rendered> = written.collect();
        all.extend(self.part(block, incremental));
        all.retain(|statement| incremental || statement.is_broken() || !statement.text().trim().is_empty());
        all
    }

    fn query(&mut self, incremental: bool) -> Rendered {
        self.query_of(Part::Query, incremental)
    }

    /// A text that has to be a query.
    fn query_of(&mut self, part: Part, incremental: bool) -> Rendered {
        if self.is_made_at_run_time() {
            return Rendered::default();
        }
        let query = self.part(part, incremental).into_iter().next().unwrap_or_default();
        let trimmed = query.text().trim_end();
        if !query.is_broken() && trimmed.is_empty() {
            let mut diagnostic =
                Diagnostic::error(Code::UnfitAction, "there is no query").at(self.place, "needs a query");
            // Dataform compiles it; the warehouse refuses it.
            if self.builder.project.settings.core.is_some() && part == Part::Query {
                diagnostic.severity = Severity::Warning;
            }
            self.builder.diagnostics.push(diagnostic.help("write the SELECT behind the config"));
        }
        if trimmed.ends_with(';') {
            let place = query.origin(trimmed.len() - 1..trimmed.len()).map_or(self.place, |origin| origin.call);
            let diagnostic = Diagnostic::error(Code::UnfitAction, "a query cannot end in a semicolon").at(place, "");
            self.builder
                .diagnostics
                .push(diagnostic.help("take it out: the query becomes a part of another statement"));
        }
        query
    }

    fn test(&mut self, dataset: Option<Spanned<Reference>>) -> UnitTest {
        let span = self.place;
        if dataset.is_none() {
            let diagnostic = Diagnostic::error(Code::InvalidConfig, "the test does not say what it tests").at(span, "");
            self.builder.diagnostics.push(diagnostic.help("add `dataset: \"the name of a model\"`"));
        }
        let place = dataset.as_ref().map_or(span, |dataset| dataset.span);
        let tested = dataset.map_or_else(|| Reference::named(""), |dataset| dataset.value);
        if !tested.name.is_empty() {
            self.dependencies.push(Dependency {
                on: tested.clone(),
                origin: Origin::here(place),
                with_assertions: false,
                is_read: false,
            });
        }
        let names = self.inputs();
        let inputs = names.into_iter().enumerate().filter_map(|(at, (names, span))| {
            let relation = Reference::from_parts(names);
            if relation.is_none() {
                let diagnostic = Diagnostic::error(Code::InvalidConfig, "an input has one to three names").at(span, "");
                let help = "write `input \"name\"`, or `input \"schema\", \"name\"`";
                self.builder.diagnostics.push(diagnostic.help(help));
            }
            let rows = self.part(Part::Input(at), false).into_iter().next().unwrap_or_default();
            Some(TestInput { relation: relation?, span, rows })
        });
        let inputs = inputs.collect();
        UnitTest { tested, inputs, expected: self.query_of(Part::Expected, false), inlined: Rendered::default() }
    }
}
