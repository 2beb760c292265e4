//! The second pass: the texts of each declared action, rendered.

use std::sync::Arc;

use crate::action::{
    Action, Assertion, Check, Dependency, Documentation, Incremental, Kind, Materialization, Model, Origin, Reference,
    Rendered, TestInput, Texts, UnitTest,
};
use crate::config::Spanned;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, article};
use crate::files::{FileId, Span};
use crate::project::Project;
use crate::relation::Target;
use crate::sqlx::{BlockKind, SqlxFile, Text};
use crate::template::checks::{InlineCheck, InlineKind};
use crate::template::config::{ActionConfig, KindConfig, MaterializationConfig, ModelConfig};
use crate::template::declare::{Declared, Inherited, What};
use crate::template::render::Renderer;
use crate::template::scope::{Catalog, Scope, This};

/// Makes actions of what is declared.
pub(super) struct Builder<'a> {
    pub(super) project: &'a Project,
    pub(super) catalog: &'a Arc<Catalog>,
    pub(super) renderer: Renderer<'a>,
    pub(super) diagnostics: Diagnostics,
}

/// The texts of one file while they are rendered.
struct FileTexts<'a, 'b> {
    builder: &'b mut Builder<'a>,
    file: FileId,
    js: Vec<Span>,
    is_broken: bool,
    this: Option<This>,
    dependencies: Vec<Dependency<Reference>>,
    with_assertions: bool,
}

impl Builder<'_> {
    /// For an inline assertion, the last three arguments are of its model.
    pub(super) fn build(
        &mut self,
        declared: Declared,
        canonical: &Target,
        relation: &str,
        inherited: &Inherited,
    ) -> Action<Reference> {
        let Declared { canonical: own_name, target, name_span, what } = declared;
        match what {
            What::Check { check, .. } => {
                let of = reference_to(canonical);
                let span = check.span;
                let (assertion, dependencies) = self.build_check(check, of, relation, span);
                Action {
                    target,
                    canonical: own_name,
                    name_span,
                    kind: Kind::Assertion(Box::new(assertion)),
                    tags: inherited.tags.clone(),
                    disabled: inherited.disabled || self.project.settings.disable_assertions,
                    documentation: Documentation::default(),
                    dependencies,
                }
            }
            What::File { file, sqlx, config } => {
                self.check_name(&own_name, name_span, &config);
                self.check_blocks(&sqlx, &config);
                let this = This {
                    relation: relation.to_owned(),
                    name: target.name.clone(),
                    schema: target.schema.clone().unwrap_or_default(),
                    database: target.database.clone().unwrap_or_default(),
                };
                let mut texts = FileTexts {
                    builder: self,
                    file,
                    js: sqlx.js.clone(),
                    is_broken: sqlx.is_broken,
                    this: Some(this),
                    dependencies: Vec::new(),
                    with_assertions: config.with_assertions,
                };
                for dependency in &config.dependencies {
                    texts.dependencies.push(Dependency {
                        on: dependency.on.clone(),
                        origin: Origin::here(dependency.span),
                        with_assertions: dependency.with_assertions.unwrap_or(config.with_assertions),
                        is_read: false,
                    });
                }
                let ActionConfig { tags, disabled, documentation, kind, kind_span, .. } = *config;
                let disable = disabled
                    || (matches!(kind, KindConfig::Assertion) && texts.builder.project.settings.disable_assertions);
                let kind = texts.kind(kind, kind_span, &sqlx);
                let dependencies = texts.dependencies;
                Action {
                    target,
                    canonical: own_name,
                    name_span,
                    kind,
                    tags,
                    disabled: disable,
                    documentation,
                    dependencies,
                }
            }
        }
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

    fn check_name(&mut self, name: &Target, span: Span, config: &ActionConfig) {
        if matches!(config.kind, KindConfig::Declaration) {
            return;
        }
        let schema_span = config.schema.as_ref().map_or(span, |schema| schema.span);
        let parts = [(name.schema.as_deref(), "a schema", schema_span), (Some(name.name.as_str()), "an action", span)];
        for (part, what, span) in parts {
            if let Some(part) = part.filter(|part| part.contains('.')) {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::UnfitAction,
                        format!("the name of {what} cannot have a dot in it: `{part}`"),
                    )
                    .at(span, "")
                    .help("give it a `name`, and its `schema` by itself"),
                );
            }
        }
    }

    /// The first line of SQL that is no comment.
    fn first_line(&self, span: Span) -> Option<Span> {
        let text = self.project.sources.text(span);
        let start = behind_comments(text)?;
        let line = text[start..].lines().next().unwrap_or_default().trim_end();
        Some(span.part(start..start + line.len()))
    }

    /// Blocks that the type of the file has no use for.
    fn check_blocks(&mut self, sqlx: &SqlxFile, config: &ActionConfig) {
        let (word, fits): (&str, &[BlockKind]) = match &config.kind {
            KindConfig::Model(model) => match model.materialization {
                MaterializationConfig::Incremental(_) => (
                    "an incremental table",
                    &[BlockKind::PreOperations, BlockKind::PostOperations, BlockKind::IncrementalWhere],
                ),
                MaterializationConfig::Table => ("a table", &[BlockKind::PreOperations, BlockKind::PostOperations]),
                MaterializationConfig::View { .. } => {
                    ("a view", &[BlockKind::PreOperations, BlockKind::PostOperations])
                }
            },
            KindConfig::Operations { .. } => ("operations", &[]),
            KindConfig::Declaration => ("a declaration", &[]),
            KindConfig::Assertion => ("an assertion", &[]),
            KindConfig::Test { .. } => ("a test", &[BlockKind::Input]),
            KindConfig::Unknown => return,
        };
        for block in &sqlx.blocks {
            let everywhere = matches!(block.kind, BlockKind::Config | BlockKind::Js);
            if !everywhere && !fits.contains(&block.kind) {
                let keyword = block.kind.keyword();
                let message = format!("{word} has no use for {} `{keyword}` block", article(keyword));
                let help = match block.kind {
                    BlockKind::IncrementalWhere => "it belongs to `type: \"incremental\"`",
                    BlockKind::Input => "it belongs to `type: \"test\"`",
                    _ => "it belongs to a table, a view or an incremental table",
                };
                self.diagnostics
                    .push(Diagnostic::error(Code::MisplacedBlock, message).at(block.keyword, "").help(help));
            }
        }
        if matches!(config.kind, KindConfig::Declaration)
            && let Some(unused) =
                sqlx.statements.iter().flat_map(|text| &text.pieces).find_map(|piece| self.first_line(piece.span))
        {
            self.diagnostics.push(
                Diagnostic::warning(Code::UnusedSql, "a declaration runs nothing, so this SQL has no effect")
                    .at(unused, "")
                    .help("take it out, or give the file another `type`"),
            );
        }
        let several = matches!(config.kind, KindConfig::Operations { .. } | KindConfig::Declaration);
        if let [first, second, ..] = sqlx.statements.as_slice()
            && !several
        {
            let between = Span { start: first.span.end, ..second.span.at_start() };
            let separator = self.project.sources.text(between).find("---").map(|at| between.part(at..at + 3));
            self.diagnostics.push(
                Diagnostic::error(
                    Code::MisplacedBlock,
                    format!("{word} holds one statement, and `---` begins another"),
                )
                .at(separator.unwrap_or(between), "")
                .help("only `type: \"operations\"` may hold more than one"),
            );
        }
    }
}

/// Where SQL begins that is no comment.
fn behind_comments(text: &str) -> Option<usize> {
    let mut rest = text.trim_start();
    loop {
        let ends = [("--", "\n"), ("#", "\n"), ("/*", "*/"), ("{#", "#}")];
        let comment = ends.into_iter().find(|(opening, _)| rest.starts_with(opening));
        let Some((_, end)) = comment else { break };
        rest = rest.split_once(end).map_or("", |(_, behind)| behind.trim_start());
    }
    Some(text.len() - rest.len()).filter(|_| !rest.is_empty())
}

fn reference_to(target: &Target) -> Reference {
    Reference { database: target.database.clone(), schema: target.schema.clone(), name: target.name.clone() }
}

impl FileTexts<'_, '_> {
    fn kind(&mut self, config: KindConfig, span: Span, sqlx: &SqlxFile) -> Kind {
        match config {
            KindConfig::Model(model) => Kind::Model(Box::new(self.model(*model, span, sqlx))),
            KindConfig::Operations { has_output } => {
                let statements = sqlx.statements.iter().map(|text| self.render(text, false)).collect();
                Kind::Operations { statements, has_output }
            }
            // An action of a type that is not known is like a declaration: others may refer to it, and it has no text in
            // which more could be found.
            KindConfig::Declaration | KindConfig::Unknown => Kind::Declaration,
            KindConfig::Assertion => {
                let query = self.query(sqlx, span, false);
                Kind::Assertion(Box::new(Assertion { query, check: Check::Query }))
            }
            KindConfig::Test { dataset } => Kind::Test(Box::new(self.test(dataset, span, sqlx))),
        }
    }

    fn model(&mut self, config: ModelConfig, span: Span, sqlx: &SqlxFile) -> Model {
        let texts = self.texts(&config, span, sqlx, false);
        let materialization = match config.materialization {
            MaterializationConfig::View { materialized } => Materialization::View { materialized },
            MaterializationConfig::Table => Materialization::Table,
            MaterializationConfig::Incremental(ref incremental) => {
                Materialization::Incremental(Box::new(Incremental {
                    texts: self.texts(&config, span, sqlx, true),
                    filter: sqlx.incremental_where.as_ref().map(|text| self.render(text, false)),
                    strategy: incremental.strategy,
                    on_schema_change: incremental.on_schema_change,
                    protected: incremental.protected,
                    update_partition_filter: incremental.update_partition_filter.clone(),
                    predicates: incremental.predicates.clone(),
                }))
            }
        };
        Model { materialization, texts, options: config.options, unique_key: config.unique_key }
    }

    fn texts(&mut self, config: &ModelConfig, span: Span, sqlx: &SqlxFile, incremental: bool) -> Texts {
        Texts {
            query: self.query(sqlx, span, incremental),
            pre_operations: self.operations(&config.pre_operations, &sqlx.pre_operations, incremental),
            post_operations: self.operations(&config.post_operations, &sqlx.post_operations, incremental),
        }
    }

    /// The statements of the config, then those of the block; the empty ones are left out.
    fn operations(&mut self, config: &[Spanned<String>], block: &[Text], incremental: bool) -> Vec<Rendered> {
        let written = config.iter().map(|text| Rendered::computed(text.value.as_str(), Origin::here(text.span)));
        let mut all: Vec<Rendered> = written.collect();
        all.extend(block.iter().map(|text| self.render(text, incremental)));
        all.retain(|statement| !statement.text().trim().is_empty());
        all
    }

    /// The first statement, which has to be a query.
    fn query(&mut self, sqlx: &SqlxFile, span: Span, incremental: bool) -> Rendered {
        let Some(text) = sqlx.statements.first() else { return Rendered::default() };
        let query = self.render(text, incremental);
        let trimmed = query.text().trim_end();
        if !query.is_broken() && trimmed.is_empty() {
            let diagnostic = Diagnostic::error(Code::UnfitAction, "there is no query").at(span, "needs a query");
            self.builder.diagnostics.push(diagnostic.help("write the SELECT behind the config"));
        }
        if trimmed.ends_with(';') {
            let place = query.origin(trimmed.len() - 1..trimmed.len()).map_or(span, |origin| origin.call);
            let diagnostic = Diagnostic::error(Code::UnfitAction, "a query cannot end in a semicolon").at(place, "");
            self.builder
                .diagnostics
                .push(diagnostic.help("take it out: the query becomes a part of another statement"));
        }
        query
    }

    fn test(&mut self, dataset: Option<Spanned<Reference>>, span: Span, sqlx: &SqlxFile) -> UnitTest {
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
        self.this = None;
        let inputs = sqlx.inputs.iter().filter_map(|input| {
            let relation = Reference::from_parts(input.names.iter().map(|name| name.name.clone()));
            if relation.is_none() {
                let diagnostic =
                    Diagnostic::error(Code::InvalidConfig, "an input has one to three names").at(input.keyword, "");
                self.builder.diagnostics.push(diagnostic.help("write it as `input \"schema\", \"name\" { … }`"));
            }
            let first = input.names.first().map(|name| name.span);
            let span = first.zip(input.names.last()).map_or(input.keyword, |(first, last)| first.to(last.span));
            Some(TestInput { relation: relation?, span, rows: self.render(&input.body, false) })
        });
        let inputs = inputs.collect();
        UnitTest { tested, inputs, expected: self.query(sqlx, span, false) }
    }

    fn render(&mut self, text: &Text, incremental: bool) -> Rendered {
        let scope = Scope::new(self.builder.catalog, self.this.clone(), self.this.is_some(), incremental);
        let mut outcome = self.builder.renderer.render(self.file, &self.js, text, &Arc::new(scope));
        if self.is_broken {
            outcome.rendered.break_off();
        }
        self.builder.diagnostics.extend(outcome.diagnostics);
        for (call, origin) in outcome.uses {
            if !call.is_dependency {
                // The graph never sees these: they make no edge.
                self.builder.diagnostics.extend(self.builder.catalog.names.resolve(&call.reference, origin).err());
            } else if self.dependencies.iter().all(|known| known.on != call.reference || known.origin != origin) {
                let with_assertions = call.with_assertions.unwrap_or(self.with_assertions);
                self.dependencies.push(Dependency { on: call.reference, origin, with_assertions, is_read: true });
            }
        }
        outcome.rendered
    }
}
