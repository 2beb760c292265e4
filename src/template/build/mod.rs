//! The second pass: the texts of each declared action, rendered.

mod fitness;
mod node;
mod texts;

use std::sync::Arc;

use crate::action::{
    Action, ActionId, Assertion, Check, Dependency, Documentation, Iceberg, Incremental, Kind, Materialization, Model,
    Node, Origin, Reference, Rendered, TestInput, Texts, UnitTest,
};
use crate::config::Spanned;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::files::Span;
use crate::project::{self, Project};
use crate::relation::Target;
use crate::template::build::texts::{ActionTexts, Part};
use crate::template::checks::{InlineCheck, InlineKind};
use crate::template::config::{ActionConfig, KindConfig, MaterializationConfig, ModelConfig};
use crate::template::declare::{Body, Declared, What};
use crate::template::render::Renderer;
use crate::template::scope::{Catalog, Scope, This};

/// Makes actions of what is declared.
pub(super) struct Builder<'a> {
    pub(super) project: &'a Project,
    pub(super) catalog: &'a Arc<Catalog>,
    pub(super) renderer: Renderer<'a>,
    pub(super) declared: &'a [Declared],
    pub(super) diagnostics: Diagnostics,
}

impl<'a> Builder<'a> {
    /// Makes an action of each.
    pub(super) fn build(&mut self) -> Vec<Action<Reference>> {
        let declared = self.declared;
        let mut actions: Vec<_> = (0..).map(ActionId).zip(declared).map(|(id, one)| self.build_one(id, one)).collect();
        for (declared, action) in declared.iter().zip(&mut actions) {
            if let Kind::Test(test) = &mut action.kind {
                test.inlined = self.inlined(test);
            }
            action.file_name.clone_from(&declared.file_name);
        }
        actions
    }

    fn build_one(&mut self, id: ActionId, declared: &'a Declared) -> Action<Reference> {
        let mut action = Action {
            target: declared.target.clone(),
            canonical: declared.canonical.clone(),
            name_span: declared.name_span,
            file_name: None,
            kind: Kind::Declaration,
            tags: Vec::new(),
            disabled: false,
            hermetic: None,
            reservation: None,
            documentation: Documentation::default(),
            dependencies: Vec::new(),
        };
        match &declared.what {
            What::Check { check, of } => {
                let model = &self.declared[of.index()];
                let inherited = model.inherited();
                let (assertion, dependencies) = self.build_check(
                    check.clone(),
                    reference_to(&model.named),
                    &self.catalog.relations[of.index()],
                    check.span,
                );
                action.kind = Kind::Assertion(Box::new(assertion));
                action.tags = inherited.tags;
                action.disabled = inherited.disabled || self.project.settings.disable_assertions;
                action.dependencies = dependencies;
            }
            What::Action { config, body } => self.build_action(id, &mut action, (**config).clone(), body),
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
            database: target.database.clone().unwrap_or_default(),
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
        let mut texts =
            ActionTexts { builder: self, body, place, this, dependencies, with_assertions: config.with_assertions };
        action.disabled = config.disabled
            || (matches!(config.kind, KindConfig::Assertion) && texts.builder.project.settings.disable_assertions);
        let mut kind = texts.kind(config.kind, action);
        if let Body::Code(record) = body
            && let Some(code) = &record.run_time_code
        {
            kind = Kind::Node(Box::new(Node::RunTime { kind: Box::new(kind), code: code.clone() }));
        }
        action.dependencies = texts.dependencies;
        action.kind = kind;
        action.tags = config.tags;
        action.hermetic = config.hermetic;
        action.reservation = config.reservation.or_else(|| self.project.settings.bigquery.reservation.clone());
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
            // An action of a type that is not known is like a declaration: others may refer to it, and it has no text in
            // which more could be found.
            KindConfig::Declaration | KindConfig::Unknown => Kind::Declaration,
            KindConfig::Assertion => {
                let query = self.query(false);
                Kind::Assertion(Box::new(Assertion { query, check: Check::Query }))
            }
            KindConfig::Test { dataset } => Kind::Test(Box::new(self.test(dataset))),
            KindConfig::Notebook => self.notebook(),
            KindConfig::DataPreparation(config) => self.data_preparation(&config, action),
        }
    }

    fn model(&mut self, config: ModelConfig, action: &Action<Reference>) -> Model {
        let texts = self.texts(&config, false);
        let materialization = match config.materialization {
            MaterializationConfig::View { materialized } => Materialization::View { materialized },
            MaterializationConfig::Table => Materialization::Table,
            MaterializationConfig::Incremental(ref incremental) => {
                Materialization::Incremental(Box::new(Incremental {
                    texts: self.texts(&config, true),
                    filter: self.part(Part::Filter, false).into_iter().next(),
                    strategy: incremental.strategy,
                    names_strategy: incremental.names_strategy,
                    on_schema_change: incremental.on_schema_change,
                    protected: incremental.protected,
                    update_partition_filter: incremental.update_partition_filter.clone(),
                    predicates: incremental.predicates.clone(),
                }))
            }
        };
        let mut options = config.options;
        let settings = &self.builder.project.settings.bigquery;
        if matches!(materialization, Materialization::Table) {
            options.preserve_governance_controls |= settings.preserve_governance_controls;
        }
        if let Some(written) = config.iceberg {
            options.iceberg = self.iceberg(&written, &action.canonical);
        }
        Model { materialization, texts, options, unique_key: config.unique_key }
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

    fn texts(&mut self, config: &ModelConfig, incremental: bool) -> Texts {
        Texts {
            query: self.query(incremental),
            pre_operations: self.operations(&config.pre_operations, Part::PreOperations, incremental),
            post_operations: self.operations(&config.post_operations, Part::PostOperations, incremental),
        }
    }

    /// The statements of the config, then those of the block; the empty ones are left out.
    fn operations(&mut self, config: &[Spanned<String>], block: Part, incremental: bool) -> Vec<Rendered> {
        let written = config.iter().map(|text| Rendered::computed(text.value.as_str(), Origin::here(text.span)));
        let mut all: Vec<Rendered> = written.collect();
        all.extend(self.part(block, incremental));
        all.retain(|statement| !statement.text().trim().is_empty());
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
            if self.builder.project.settings.core.is_some() {
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
