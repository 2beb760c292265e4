//! Reads the texts of one action: what they give, and what is wrong with them.

use sqlparser::ast::Statement;

use super::bind::{self, Variables};
use super::bound::{self, Bound, Survey};
use super::checks::{self, Marks, Role};
use super::fingerprint::combine;
use super::relations::Seen;
use super::{Facts, Fingerprint, hash};
use crate::action::{Action, ActionId, Incremental, Kind, Materialization, Model, Rendered};
use crate::diagnostic::Diagnostics;
use crate::dialect::syntax::{self, Understood, understand};
use crate::graph::Graph;
use crate::project::{Project, Settings};

/// Reads the texts of one action.
pub(super) struct Reader<'a> {
    id: ActionId,
    action: &'a Action<ActionId>,
    graph: &'a Graph,
    seen: &'a Seen<'a, 'a>,
    project: &'a Project,
    settings: &'a Settings,
    diagnostics: Diagnostics,
    /// What the operations before an incremental run find out about the table.
    marks: Marks,
    /// The numbers of what an incremental run selects.
    increment: Vec<u64>,
    /// Those of the statements that run as they are.
    statements: Vec<u64>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(id: ActionId, graph: &'a Graph, project: &'a Project, seen: &'a Seen<'a, 'a>) -> Self {
        Self {
            id,
            action: graph.get(id),
            graph,
            seen,
            project,
            settings: &project.settings,
            diagnostics: Diagnostics::default(),
            marks: Marks::default(),
            increment: Vec::new(),
            statements: Vec::new(),
        }
    }

    /// What is known of the action, and what is wrong with it.
    pub(super) fn read(mut self) -> (Facts, Diagnostics) {
        let mut facts = self.action();
        facts.fingerprint.increment = combine("increment", &self.increment);
        facts.fingerprint.statements = combine("statements", &self.statements);
        let file = self.project.sources.get(self.action.name_span.file);
        if !file.path().ends_with(".js") {
            return (facts, self.diagnostics);
        }
        let named = self.diagnostics.into_iter().map(|found| found.of(self.action.canonical.to_string()));
        let mut diagnostics = Diagnostics::default();
        diagnostics.extend(named);
        (facts, diagnostics)
    }

    fn action(&mut self) -> Facts {
        match &self.action.kind {
            Kind::Model(_) => self.model(),
            Kind::Assertion(assertion) => {
                let Understood { statements, print, .. } = self.parse(&assertion.query, true);
                let bound = self.bind(&statements, &assertion.query, Role::Query, None, &Variables::default());
                self.facts(print, &bound)
            }
            kind => {
                let mut variables = Variables::default();
                for text in super::texts(kind) {
                    let Understood { statements, print, .. } =
                        self.parse(text, !matches!(kind, Kind::Operations { .. }));
                    self.statements.push(print);
                    variables.add(variables_of(&statements, text));
                    let role = if matches!(kind, Kind::Test(_)) { Role::Test } else { Role::Operation };
                    self.bind(&statements, text, role, None, &variables);
                }
                Facts::declared(self.action, self.project)
            }
        }
    }

    fn model(&mut self) -> Facts {
        let Kind::Model(model) = &self.action.kind else { return Facts::unknown() };
        let full = &model.texts;
        let Understood { statements: query, print, .. } = self.parse(&full.query, true);
        let before: Vec<Vec<Statement>> = full.pre_operations.iter().map(|text| self.operation(text)).collect();
        let variables = variables_of_all(&before, &full.pre_operations);
        let bound = self.bind(&query, &full.query, Role::Query, None, &variables);
        let facts = self.facts(print, &bound);
        for (text, statements) in full.pre_operations.iter().zip(&before) {
            self.bind(statements, text, Role::Operation, Some(&facts), &variables);
        }
        for text in &full.post_operations {
            let statements = self.operation(text);
            self.bind(&statements, text, Role::Operation, Some(&facts), &variables);
        }
        if let Materialization::Incremental(incremental) = &model.materialization {
            self.incremental(model, incremental, &bound, &facts);
        }
        facts
    }

    /// The texts of an incremental run. `full` is the query of a full build, `own` is what that gives.
    fn incremental(&mut self, model: &Model, incremental: &Incremental, full: &Bound, own: &Facts) {
        let known: Vec<&str> = super::operations(&model.texts).map(Rendered::text).collect();
        let mut variables = Variables::default();
        let mut new = Vec::new();
        for text in &incremental.texts.pre_operations {
            let statements = match known.iter().position(|known| *known == text.text()) {
                Some(place) => {
                    self.statements.push(place as u64);
                    understand(text.text(), self.settings.dialect).statements
                }
                None => self.operation(text),
            };
            variables.add(variables_of(&statements, text));
            new.push((text, statements));
        }
        self.marks = self.marks_of(&new, own, &variables);
        new.retain(|(text, _)| !known.contains(&text.text()));
        for text in &incremental.texts.post_operations {
            if let Some(place) = known.iter().position(|known| *known == text.text()) {
                self.statements.push(place as u64);
            } else {
                let statements = self.operation(text);
                new.push((text, statements));
            }
        }
        for (text, statements) in new {
            self.bind(&statements, text, Role::Operation, Some(own), &variables);
        }
        let text = &incremental.texts.query;
        let bound;
        let increment = if text.text() == model.texts.query.text() {
            self.increment.push(own.fingerprint.meaning(&own.columns));
            full
        } else {
            let Understood { statements, print, .. } = self.parse(text, true);
            bound = self.bind(&statements, text, Role::Increment, Some(own), &variables);
            let fingerprint = self.fingerprint(print, &bound);
            self.increment.push(match bound.statements.as_slice() {
                [bound::Statement::Query(query)] => fingerprint.meaning(&query.columns),
                _ => fingerprint.text,
            });
            &bound
        };
        let found = checks::of_increment(&self.subject(increment, text, Role::Increment, Some(own)));
        self.diagnostics.extend(found);
        if let Some(filter) = &incremental.filter {
            let condition = syntax::condition(filter.text(), self.settings.dialect);
            let condition = condition.map_or_else(|| filter.text().to_owned(), |condition| condition.to_string());
            self.increment.push(hash([condition.trim()]));
            self.filter(filter, increment, own, variables);
        }
    }

    /// What operations find out about the table; nothing if they may change their minds by SET.
    fn marks_of(&self, operations: &[(&Rendered, Vec<Statement>)], own: &Facts, variables: &Variables) -> Marks {
        let mut marks = Marks::default();
        let text: String = operations.iter().map(|(text, _)| text.text().to_lowercase()).collect();
        if !text.contains("declare") || text.contains("set ") {
            return marks;
        }
        let (semantics, relations) = (self.settings.dialect.semantics(), self.seen.with_own(Some(own)));
        for (_, statements) in operations {
            marks.add(&bind::bind(statements, semantics, self.settings.name_rules(), &relations, variables.clone()));
        }
        marks
    }

    /// The condition on the rows of an incremental run.
    fn filter(&mut self, text: &Rendered, increment: &Bound, own: &Facts, variables: Variables) {
        let dialect = self.settings.dialect;
        let [bound::Statement::Query(query)] = increment.statements.as_slice() else { return };
        let Some(condition) = syntax::condition(text.text(), dialect).filter(|_| !text.is_broken()) else { return };
        let relations = self.seen.with_own(Some(own));
        let columns = query.columns.clone();
        let bound = bind::bind_condition(
            &condition,
            columns,
            dialect.semantics(),
            self.settings.name_rules(),
            &relations,
            variables,
        );
        let subject = self.subject(&bound, text, Role::Filter, Some(own));
        let found = [checks::of_bound(&subject), checks::of_filter(&subject)].concat();
        self.diagnostics.extend(found);
    }

    /// What is known of the action by its query, of which the text has that number.
    fn facts(&self, print: u64, bound: &Bound) -> Facts {
        let fingerprint = self.fingerprint(print, bound);
        Facts { fingerprint, ..Facts::of(self.action, bound, self.project) }
    }

    fn fingerprint(&self, print: u64, bound: &Bound) -> Fingerprint {
        let name = |id: ActionId| self.graph.get(id).canonical.to_string();
        Fingerprint::new(print, bound, &name)
    }

    /// The statements of a text that runs as it is.
    fn operation(&mut self, text: &Rendered) -> Vec<Statement> {
        let Understood { statements, print, .. } = self.parse(text, false);
        self.statements.push(print);
        statements
    }

    /// What is known of a text; what is wrong with it by itself is reported.
    fn parse(&mut self, text: &Rendered, is_query: bool) -> Understood {
        if text.is_broken() {
            return Understood::unread(text.text());
        }
        let dialect = self.settings.dialect;
        if is_query {
            self.diagnostics.extend(checks::one_statement(text, dialect, self.settings.core.is_some()));
        }
        let read = checks::syntax(text, dialect, is_query, &mut self.diagnostics);
        let columns = || super::described_columns(self.graph, self.id);
        self.diagnostics.extend(checks::session_value(&read.statements, text, columns, dialect));
        read
    }

    /// What the names of a text mean; those that mean nothing are reported. `own` is what the table of the model holds.
    fn bind(
        &mut self,
        statements: &[Statement],
        text: &Rendered,
        role: Role,
        own: Option<&Facts>,
        variables: &Variables,
    ) -> Bound {
        let dialect = self.settings.dialect;
        let rules = self.settings.name_rules();
        let relations = self.seen.with_own(own);
        let bound = bind::bind(statements, dialect.semantics(), rules, &relations, variables.clone());
        let found = checks::of_bound(&self.subject(&bound, text, role, own));
        self.diagnostics.extend(found);
        bound
    }

    fn subject<'s>(
        &'s self,
        bound: &'s Bound,
        text: &'s Rendered,
        role: Role,
        own: Option<&'s Facts>,
    ) -> checks::Subject<'s> {
        let Self { action, seen, settings, .. } = *self;
        let (levels, dialect) = (&settings.checks, settings.dialect);
        let survey = Survey::of(bound);
        checks::Subject { bound, survey, text, role, action, own, marks: &self.marks, seen, levels, dialect }
    }
}

/// The variables that several texts declare.
fn variables_of_all(parsed: &[Vec<Statement>], texts: &[Rendered]) -> Variables {
    let mut variables = Variables::default();
    for (statements, text) in parsed.iter().zip(texts) {
        variables.add(variables_of(statements, text));
    }
    variables
}

/// The variables that a script declares for what follows.
fn variables_of(statements: &[Statement], text: &Rendered) -> Variables {
    let mut variables = Variables::default();
    for statement in statements {
        if let Statement::Declare { stmts } = statement {
            let names = stmts.iter().flat_map(|declare| &declare.names);
            variables.names.extend(names.map(|name| name.value.to_lowercase()));
        }
    }
    // What is not read may declare more.
    variables.is_open =
        text.is_broken() || variables.names.is_empty() && text.text().to_lowercase().contains("declare");
    variables
}
