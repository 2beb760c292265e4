//! Assertions that are asked of new rows before anybody can read them.

use std::collections::BTreeSet;

use crate::action::{Action, ActionId, Kind, Model, Publishing, Rendered};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::{Dialect, Replacement};
use crate::files::Span;
use crate::graph::Graph;
use crate::plan::multi_statement::is_temporary;
use crate::plan::redirect::{inline, redirect};
use crate::plan::script::ScriptStatement;
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::texts::{Translator, statements};
use crate::plan::{controls_transactions, swap};
use crate::relation::Target;

/// What is asked before a script takes effect, and what becomes of it if that finds something.
#[derive(Debug, Clone)]
pub struct Audit {
    /// In the order of the assertions.
    pub checks: Vec<AuditCheck>,
    /// Takes back what has been changed, and keeps the rows that would have come.
    pub reject: Vec<Statement>,
    /// What is said of them then.
    pub verdict: Verdict,
}

/// An assertion as it is asked in an audit.
#[derive(Debug, Clone)]
pub struct AuditCheck {
    /// Its name.
    pub assertion: String,
    /// Gives the number of rows that should not be there.
    pub count: Statement,
    /// Gives the rows.
    pub rows: Statement,
}

/// Where rejected rows are, and what readers have instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// A query for the rejected rows.
    pub rejected: String,
    /// Whether there is a table, which stays as it was.
    pub table_stays: bool,
}

/// The assertions of a model that can be asked before it is published, as all that they read besides is there by then.
pub(super) fn audits(graph: &Graph, model: ActionId) -> Vec<&Action<ActionId>> {
    let (mut before, mut open) = (BTreeSet::new(), vec![model]);
    while let Some(next) = open.pop() {
        if before.insert(next) {
            open.extend(graph.dependencies(next));
        }
    }
    let is_there = |id: ActionId| before.contains(&id) || matches!(graph.get(id).kind, Kind::Declaration);
    let is_audit = |id: &ActionId| {
        let action = graph.get(*id);
        let reads_it = action.dependencies.iter().any(|dependency| dependency.on == model && dependency.is_read);
        matches!(action.kind, Kind::Assertion(_)) && reads_it && graph.dependencies(*id).into_iter().all(is_there)
    };
    graph.dependents(model).into_iter().filter(is_audit).map(|id| graph.get(id)).collect()
}

/// What is wrong with the audits of a project, as far as that can be seen in its own SQL.
pub fn check_audits(graph: &Graph, dialect: &dyn Dialect) -> Diagnostics {
    let mut translator = Translator::new(dialect, dialect);
    for (id, action) in graph.iter().filter(|(_, action)| !action.disabled) {
        let Kind::Model(model) = &action.kind else { continue };
        if model.publishing == Publishing::AsBuilt || action.kind.is_view() {
            continue;
        }
        let assertions = audits(graph, id);
        if assertions.is_empty() {
            let message = format!("`{}` is published without an audit: no assertion is about it alone", action.target);
            let help = "add `assertions: { … }` to its config, or leave `publish` out";
            let diagnostic = Diagnostic::warning(Code::UnfitAction, message).at(action.name_span, "");
            translator.diagnostics.push(diagnostic.help(help));
        }
        translator.diagnostics.extend(lasting_operations(action, model, dialect));
        let new = swap::new(&action.target, dialect);
        if let Some(auditor) = Auditor::new(action, model, &assertions, true, &mut translator) {
            auditor.of(&new, &mut translator);
        }
    }
    translator.diagnostics
}

/// The audits of a model, asked of the rows that a query gives; none if it is published as it is built.
pub fn audits_of_rows(
    graph: &Graph,
    model: ActionId,
    rows: &Statement,
    (from, to): (&dyn Dialect, &dyn Dialect),
) -> (Vec<AuditCheck>, Diagnostics) {
    let mut translator = Translator::new(from, to);
    let action = graph.get(model);
    let auditor = match &action.kind {
        Kind::Model(kind) => Auditor::new(action, kind, &audits(graph, model), true, &mut translator),
        _ => None,
    };
    let checks = auditor.map(|auditor| auditor.of_rows(rows, &mut translator).checks()).unwrap_or_default();
    (checks, translator.diagnostics)
}

fn cannot_be_asked(assertion: &str, place: Span, model: &Target) -> Diagnostic {
    let message = format!("`{assertion}` cannot be asked of rows that are not yet in `{model}`");
    let help = "write it as one query with a ref to the model in its FROM, or leave `publish` of the model out";
    Diagnostic::error(Code::UnfitAction, message).at(place, "").help(help)
}

/// The audit of a model, before it is known how its rows come in.
#[derive(Debug, Clone)]
pub(super) struct Auditor {
    assertions: Vec<Asked>,
    target: Target,
    /// Quoted, as is its last part.
    rejected: String,
    rejected_name: String,
    table_stays: bool,
    replaces: bool,
}

/// An assertion in the SQL of the warehouse.
#[derive(Debug, Clone)]
struct Asked {
    name: String,
    name_span: Span,
    text: WarehouseText,
    query: Statement,
}

impl Auditor {
    /// `None` for a model that is published as it is built.
    pub(super) fn new(
        action: &Action<ActionId>,
        model: &Model,
        assertions: &[&Action<ActionId>],
        table_stays: bool,
        translator: &mut Translator<'_>,
    ) -> Option<Self> {
        if model.publishing == Publishing::AsBuilt {
            return None;
        }
        let mut asked = Vec::new();
        for assertion in assertions.iter().filter(|assertion| !assertion.disabled) {
            let Kind::Assertion(kind) = &assertion.kind else { continue };
            translator.begin();
            let text = translator.query_alone(&kind.query);
            let query = Statement::text(&text);
            asked.push(Asked { name: assertion.target.to_string(), name_span: assertion.name_span, text, query });
        }
        // The texts of the model come now.
        translator.begin();
        let dialect = translator.to;
        let rejected = swap::rejected(&action.target, dialect);
        (!asked.is_empty()).then(|| Self {
            assertions: asked,
            target: action.target.clone(),
            rejected: dialect.relation(&rejected),
            rejected_name: dialect.identifier(&rejected.name),
            table_stays,
            replaces: dialect.capabilities().replacement == Replacement::InPlace,
        })
    }

    /// The same of a relation that is to take the place of the model's.
    pub(super) fn of(self, new: &Target, translator: &mut Translator<'_>) -> Self {
        self.led(translator, |text, target, dialect| redirect(text, target, new, dialect))
    }

    /// The same of what a query gives.
    fn of_rows(self, rows: &Statement, translator: &mut Translator<'_>) -> Self {
        self.led(translator, |text, target, dialect| {
            inline(text.sql(), target, rows.sql(), dialect).map(Statement::new)
        })
    }

    fn led(
        mut self,
        translator: &mut Translator<'_>,
        lead: impl Fn(&WarehouseText, &Target, &dyn Dialect) -> Option<Statement>,
    ) -> Self {
        for asked in &mut self.assertions {
            if let Some(query) = lead(&asked.text, &self.target, translator.to) {
                asked.query = query;
                continue;
            }
            translator.diagnostics.push(cannot_be_asked(&asked.name, asked.name_span, &self.target));
        }
        self
    }

    /// Before a new table, whose name is quoted, takes its place: it is kept under another name if it is rejected.
    pub(super) fn before_publishing(&self, new: &str) -> ScriptStatement {
        let rename = Statement::new(format!("alter table {new} rename to {}", self.rejected_name));
        self.audit(vec![self.drop_rejected(), rename])
    }

    /// Behind a change of the table, which `undo` takes back: the new rows are kept if they are rejected.
    pub(super) fn behind_change(&self, undo: Vec<Statement>, new_rows: &str) -> ScriptStatement {
        let create = if self.replaces { "create or replace" } else { "create" };
        let keep = Statement::new(format!("{create} table {} as select * from {new_rows}", self.rejected));
        let drop = (!self.replaces).then(|| self.drop_rejected());
        self.audit(undo.into_iter().chain(drop).chain([keep]).collect())
    }

    /// The same in a transaction that a job has begun.
    pub(super) fn in_transaction(&self, new_rows: &str) -> ScriptStatement {
        self.behind_change(vec![Statement::new("rollback transaction")], new_rows)
    }

    /// Behind an audit that has found nothing: what an earlier one has rejected is of no interest any more.
    pub(super) fn forget(&self) -> ScriptStatement {
        ScriptStatement::Run(self.drop_rejected())
    }

    fn drop_rejected(&self) -> Statement {
        Statement::new(format!("drop table if exists {}", self.rejected))
    }

    fn checks(&self) -> Vec<AuditCheck> {
        let check = |asked: &Asked| {
            let count = Statement::new("select count(*) from (\n").then_statement(&asked.query).then("\n) as found");
            AuditCheck { assertion: asked.name.clone(), count, rows: asked.query.clone() }
        };
        self.assertions.iter().map(check).collect()
    }

    fn audit(&self, reject: Vec<Statement>) -> ScriptStatement {
        let checks = self.checks();
        let verdict = Verdict { rejected: format!("select * from {}", self.rejected), table_stays: self.table_stays };
        ScriptStatement::Audit(Box::new(Audit { checks, reject, verdict }))
    }
}

/// What is left of a step whose new rows are rejected is these rows. So nothing else that lasts may come before them.
fn lasting_operations(action: &Action<ActionId>, model: &Model, dialect: &dyn Dialect) -> Option<Diagnostic> {
    let more = model.incremental().map(|incremental| &incremental.texts);
    let mut texts = [&model.texts].into_iter().chain(more).flat_map(|texts| &texts.pre_operations);
    let lasts = |text: &Rendered| {
        let parts = statements(text, dialect).into_iter().filter_map(|range| text.text().get(range));
        let mut parts = parts.filter(|part| !part.trim().is_empty());
        parts.any(|part| !is_temporary(part, dialect) && !controls_transactions(part, dialect))
    };
    let text = texts.find(|text| lasts(text))?;
    let message =
        format!("pre-operations of `{}`, which is audited, make or change more than what is temporary", action.target);
    let diagnostic = text.place(Diagnostic::error(Code::UnfitAction, message), 0..text.text().len());
    Some(
        diagnostic
            .help("do that in `operations` that it depends on: it could not be undone while rejected rows are kept"),
    )
}
