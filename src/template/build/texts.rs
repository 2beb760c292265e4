//! The texts of one action while they are rendered, wherever they are.

use std::collections::HashSet;
use std::sync::Arc;

use crate::action::{Dependency, Origin, Reference, Rendered};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::Span;
use crate::sqlx::Text;
use crate::template::build::Builder;
use crate::template::declare::{Body, Record};
use crate::template::engine::TextKey;
use crate::template::render::{Outcome, Renderer};
use crate::template::scope::{Amendment, Scope, This};

/// How long all texts of a project may be together, in bytes.
pub(super) const MOST_WRITTEN: usize = 128 << 20;

/// One of the texts of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::template) enum Part {
    /// The rows that a unit test expects.
    Expected,
    /// The condition of an `incremental_where`.
    Filter,
    /// The rows of an input of a unit test, by its place.
    Input(usize),
    PostOperations,
    PreOperations,
    Query,
    /// Those of operations.
    Statements,
}

impl Renderer<'_> {
    /// Renders the statements of a part.
    pub(in crate::template) fn part(&self, body: &Body, part: Part, scope: &Arc<Scope>) -> Vec<Outcome> {
        // Another one renders the whole action.
        if self.is_stuck() {
            return Vec::new();
        }
        match body {
            Body::Sqlx { file, sqlx, added } => {
                let texts: &[Text] = match part {
                    Part::Expected | Part::Query => &sqlx.statements[..sqlx.statements.len().min(1)],
                    Part::Statements => &sqlx.statements,
                    Part::PreOperations => &sqlx.pre_operations,
                    Part::PostOperations => &sqlx.post_operations,
                    Part::Filter => sqlx.incremental_where.as_slice(),
                    Part::Input(at) => {
                        sqlx.inputs.get(at).map(|input| std::slice::from_ref(&input.body)).unwrap_or_default()
                    }
                };
                let rendered = texts.iter().map(|text| {
                    let mut outcome = self.render(*file, &sqlx.js, text, scope);
                    if sqlx.is_broken {
                        outcome.rendered.break_off();
                    }
                    outcome
                });
                let added = added.iter().filter(|_| matches!(part, Part::PreOperations | Part::PostOperations));
                added.flat_map(|record| self.code_part(record, part, scope)).chain(rendered).collect()
            }
            Body::Code(record) => self.code_part(record, part, scope),
            Body::File(Some(file)) if matches!(part, Part::Query | Part::Statements) => {
                let file = self.source(*file);
                let rendered = Rendered::verbatim(file.text().replace("\r\n", "\n"), file.whole());
                vec![Outcome { rendered, ..Outcome::default() }]
            }
            Body::File(None) => {
                // That the file is missing has been reported.
                let mut outcome = Outcome::default();
                outcome.rendered.break_off();
                vec![outcome]
            }
            Body::File(Some(_)) => Vec::new(),
        }
    }

    fn code_part(&self, record: &Record, part: Part, scope: &Arc<Scope>) -> Vec<Outcome> {
        let key = match part {
            Part::Expected => TextKey::Named("expect"),
            Part::Filter => TextKey::Named("where"),
            Part::PostOperations => TextKey::Named("postOps"),
            Part::PreOperations => TextKey::Named("preOps"),
            Part::Query => TextKey::Named("query"),
            Part::Statements => TextKey::Named("queries"),
            Part::Input(at) => TextKey::Input(at),
        };
        match key {
            TextKey::Named(name) if !record.texts.iter().any(|text| text == name) => Vec::new(),
            key => self.render_code(record.number, key, record.place, scope),
        }
    }
}

/// The texts of one action while they are rendered.
pub(super) struct ActionTexts<'a, 'b> {
    pub(super) builder: &'b mut Builder<'a>,
    pub(super) body: &'a Body,
    /// Where something is reported that has no place of its own.
    pub(super) place: Span,
    /// What `self()` is; nothing in a unit test, which refers to nothing.
    pub(super) this: Option<This>,
    pub(super) dependencies: Vec<Dependency<Reference>>,
    pub(super) with_assertions: bool,
    /// What the texts say of the action itself.
    pub(super) amendments: Vec<Amendment>,
}

impl ActionTexts<'_, '_> {
    /// Renders a part, and takes over what it refers to.
    pub(super) fn part(&mut self, part: Part, incremental: bool) -> Vec<Rendered> {
        let scope = Arc::new(Scope::new(self.builder.catalog, self.this.clone(), self.this.is_some(), incremental));
        let mut outcomes = self.builder.renderer.part(self.body, part, &scope);
        for outcome in &mut outcomes {
            self.within(outcome);
        }
        for amendment in scope.take_amendments() {
            if !self.amendments.contains(&amendment) {
                self.amendments.push(amendment);
            }
        }
        outcomes.into_iter().map(|outcome| self.take(outcome)).collect()
    }

    /// Takes a text away if there are too many of them by now, which is reported once.
    fn within(&self, outcome: &mut Outcome) {
        let renderer = &self.builder.renderer;
        let before = renderer.written.get();
        renderer.count(outcome.rendered.text().len(), MOST_WRITTEN);
        if renderer.written.get() <= MOST_WRITTEN && !renderer.is_stuck() {
            return;
        }
        outcome.rendered = Rendered::default();
        outcome.rendered.break_off();
        if before <= MOST_WRITTEN {
            let message = format!("the texts of this project take more than {} MiB", MOST_WRITTEN >> 20);
            let diagnostic = Diagnostic::error(Code::UnfitAction, message).at(self.place, "with this one");
            outcome.diagnostics.push(diagnostic.help("look for templates that repeat too much"));
        }
    }

    fn take(&mut self, outcome: Outcome) -> Rendered {
        self.builder.diagnostics.extend(outcome.diagnostics);
        if outcome.uses.is_empty() {
            return outcome.rendered;
        }
        let known = self.dependencies.iter().map(|known| (known.on.clone(), known.origin));
        let mut known: HashSet<(Reference, Origin)> = known.collect();
        for (call, origin) in outcome.uses {
            if !call.is_dependency {
                // The graph never sees these: they make no edge. In Dataform 1 and 2 the name may be of anything.
                let Builder { catalog, diagnostics, .. } = &mut *self.builder;
                let unknown = catalog.names.resolve(&call.reference, origin, None).err();
                diagnostics.extend(unknown.filter(|_| catalog.unresolved.is_none()));
            } else if known.insert((call.reference.clone(), origin)) {
                let with_assertions = call.with_assertions.unwrap_or(self.with_assertions);
                self.dependencies.push(Dependency { on: call.reference, origin, with_assertions, is_read: true });
            }
        }
        outcome.rendered
    }

    /// The names of each input of a unit test, and where they stand.
    pub(super) fn inputs(&self) -> Vec<(Vec<String>, Span)> {
        match self.body {
            Body::Sqlx { sqlx, .. } => {
                let inputs = sqlx.inputs.iter().map(|input| {
                    let first = input.names.first().map(|name| name.span);
                    let ends = first.zip(input.names.last());
                    let span = ends.map_or(input.keyword, |(first, last)| first.to(last.span));
                    (input.names.iter().map(|name| name.name.clone()).collect(), span)
                });
                inputs.collect()
            }
            Body::Code(record) => record.inputs.iter().map(|names| (names.clone(), record.place)).collect(),
            Body::File(_) => Vec::new(),
        }
    }

    /// Whether the text is made by code when the action's turn comes.
    pub(super) fn is_made_at_run_time(&self) -> bool {
        matches!(self.body, Body::Code(record) if record.run_time_code.is_some())
    }
}
