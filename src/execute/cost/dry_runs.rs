//! What models cost in bytes, asked of the warehouse without running anything of them.

use std::collections::HashMap;

use super::history::PastRuns;
use super::{Alternative, Asked, Bound, CostError, Figure, Keeping, Known, ModelCost, NoFigure};
use crate::action::{Action, ActionId};
use crate::adapter::{Adapter, Session};
use crate::compile::Compilation;
use crate::dialect::Dialect;
use crate::execute::estimate::{Reads, sum, watermarks};
use crate::execute::interval::most_reads;
use crate::graph::Selection;
use crate::plan::{HistoryBuild, Inlined, PlanOptions, Statement, Step, Work, plan, rows_of, targets};
use crate::relation::{RelationKind, Target, WarehouseState};

/// Asks what statements would read.
pub(super) struct DryRuns<'a> {
    session: Box<dyn Session + 'a>,
    from: &'static dyn Dialect,
    to: &'static dyn Dialect,
    state: WarehouseState,
    /// What a run would do now.
    steps: HashMap<ActionId, Step>,
    /// Several models may have the same reader.
    asked: HashMap<String, Known>,
}

/// What is asked about, and how far its sum can be trusted.
struct Question {
    statements: Vec<String>,
    is_most: bool,
}

impl<'a> DryRuns<'a> {
    pub(super) fn new(
        compilation: &Compilation,
        adapter: &dyn Adapter,
        session: Box<dyn Session + 'a>,
        asked: &[Asked<'_>],
    ) -> Result<Self, CostError> {
        let of_model = |asked: &Asked<'_>| {
            let readers = asked.readers.iter().map(|(id, _)| *id);
            std::iter::once(asked.id).chain(readers).collect::<Vec<_>>()
        };
        let selection: Selection = asked.iter().flat_map(of_model).collect();
        let (from, to) = (compilation.project.settings.dialect, adapter.dialect());
        let state = adapter.state(&targets(&compilation.graph, &selection, to))?;
        let (plan, diagnostics) = plan(&compilation.graph, &selection, &state, from, to, PlanOptions::default());
        if diagnostics.has_errors() {
            return Err(CostError::Project(diagnostics));
        }
        let steps = plan.steps.into_iter().map(|step| (step.id, step)).collect();
        Ok(Self { session, from, to, state, steps, asked: HashMap::new() })
    }

    pub(super) fn cost<'m>(&mut self, asked: Asked<'m>, runs: &PastRuns<'_>) -> ModelCost<'m> {
        let as_view = Inlined::of(asked.action, &[], self.from, self.to);
        let mut inlined: Vec<Inlined> = as_view.into_iter().collect();
        if !inlined.is_empty() {
            for view in &asked.views {
                inlined.extend(Inlined::of(view, &inlined, self.from, self.to));
            }
        }
        let (mut of_view, mut of_table) = (Vec::new(), Vec::new());
        for (id, reader) in &asked.readers {
            let question = self.question_of_reader(*id, reader);
            let through = question.as_ref().map_err(Clone::clone).and_then(|question| {
                let mut has_read = false;
                let into = |sql: &String| {
                    let found = Inlined::all_into(&inlined, sql, self.to);
                    has_read |= found.is_some();
                    found.unwrap_or_else(|| sql.clone())
                };
                let statements = question.statements.iter().map(into).collect();
                let question = Question { statements, is_most: question.is_most };
                if has_read { Ok(question) } else { Err(NoFigure::NotRead(reader.target.clone())) }
            });
            of_view.push(through.and_then(|question| self.ask(reader, &question)));
            let question = match self.kept_as(&asked.action.target) {
                Some(RelationKind::Table) => question,
                Some(kind) => Err(NoFigure::NoTable(asked.action.target.clone(), kind)),
                None => Err(NoFigure::NotBuilt(asked.action.target.clone())),
            };
            of_table.push(question.and_then(|question| self.ask(reader, &question)));
        }
        let view = if inlined.is_empty() { Err(NoFigure::MoreThanQuery) } else { Ok(Figure::ZERO) };
        let alternatives = vec![
            Alternative { keeping: Keeping::View, build: view, readers: of_view },
            Alternative { keeping: Keeping::Table, build: self.full_build(asked.action), readers: of_table.clone() },
            Alternative { keeping: Keeping::Incremental, build: self.further_run(&asked), readers: of_table },
        ];
        let samples = runs.read_by_increment(&asked).into_iter().collect();
        let rates = runs.rates(&asked);
        ModelCost { action: asked.action, readers: asked.readers(), alternatives, samples, rates }
    }

    fn kept_as(&self, target: &Target) -> Option<RelationKind> {
        self.state.get(target).map(|relation| relation.kind)
    }

    fn full_build(&mut self, action: &Action<ActionId>) -> Known {
        // What has no translation has been told of the plan.
        let statements = rows_of(action, self.from, self.to).map(|(statement, _)| statement);
        self.ask(action, &Question::of(statements))
    }

    fn further_run(&mut self, asked: &Asked<'_>) -> Known {
        let action = asked.action;
        if Keeping::of(&action.kind) != Some(Keeping::Incremental) {
            return Err(NoFigure::NoIncrementalText);
        }
        let refused = |message: String| NoFigure::Refused(action.target.clone(), message);
        let Some(step) = self.steps.get(&asked.id) else { return Err(NoFigure::NotBuilt(action.target.clone())) };
        self.session.begin_step(&step.target, &step.job);
        let (statements, is_most) = match &step.work {
            Work::Incremental(work) => {
                let literals =
                    watermarks(work, self.session.as_mut(), self.to).map_err(|error| refused(error.message))?;
                (work.estimate(&literals, self.to), work.reads_own_rows())
            }
            // Not every interval has changed.
            work if is_grown(work) => (interval_reads(work, self.session.as_mut(), self.to).map_err(refused)?, true),
            _ => return Err(NoFigure::NotBuilt(action.target.clone())),
        };
        self.ask(action, &Question { is_most, ..Question::of(statements) })
    }

    /// What a reader would be sent now, as far as it reads something.
    fn question_of_reader(&mut self, id: ActionId, reader: &Action<ActionId>) -> Result<Question, NoFigure> {
        let not_built = || NoFigure::NotBuilt(reader.target.clone());
        let refused = |message: String| NoFigure::Refused(reader.target.clone(), message);
        let step = self.steps.get(&id).ok_or_else(not_built)?;
        self.session.begin_step(&step.target, &step.job);
        let is_incremental = Keeping::of(&reader.kind) == Some(Keeping::Incremental);
        Ok(match &step.work {
            // The first build is no run like the others.
            work if is_incremental && work.build() == Some(HistoryBuild::Full) => return Err(not_built()),
            Work::Incremental(work) => {
                let literals =
                    watermarks(work, self.session.as_mut(), self.to).map_err(|error| refused(error.message))?;
                // What it reads of its own table is the same however the model is kept.
                Question::of([work.estimate_of_query(&literals, self.to)])
            }
            work if is_grown(work) => {
                let statements = interval_reads(work, self.session.as_mut(), self.to).map_err(refused)?;
                Question { is_most: true, ..Question::of(statements) }
            }
            Work::Operations(script) => Question::of(script.sent().cloned()),
            _ => Question::of(rows_of(reader, self.from, self.to).map(|(statement, _)| statement)),
        })
    }

    fn ask(&mut self, action: &Action<ActionId>, question: &Question) -> Known {
        let key = question.statements.join("\n;\n");
        if let Some(known) = self.asked.get(&key) {
            return known.clone();
        }
        self.session.begin_step(&action.target, &action.job);
        let statements: Vec<Statement> = question.statements.iter().map(Statement::new).collect();
        let known = match sum(&statements, self.session.as_mut()) {
            Ok(Reads::Bytes(bytes)) => Ok(Figure { amount: bytes, bound: Bound::Exact }),
            Ok(Reads::AtLeast(bytes)) => Ok(Figure { amount: bytes, bound: Bound::AtLeast }),
            Ok(Reads::Unknown(message)) => Err(NoFigure::Refused(action.target.clone(), message)),
            Err(error) => Err(NoFigure::Refused(action.target.clone(), error.message)),
        };
        let most = Figure { amount: 0, bound: if question.is_most { Bound::AtMost } else { Bound::Exact } };
        let known = known.map(|figure| figure.plus(most));
        self.asked.insert(key, known.clone());
        known
    }
}

impl Question {
    fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        let statements = statements.into_iter().map(|statement| statement.sql().to_owned()).collect();
        Self { statements, is_most: false }
    }
}

/// Whether the table is there and kept by intervals.
fn is_grown(work: &Work) -> bool {
    matches!(work, Work::Intervals(_)) && work.build() == Some(HistoryBuild::Incremental)
}

fn interval_reads(work: &Work, session: &mut dyn Session, dialect: &dyn Dialect) -> Result<Vec<Statement>, String> {
    let Work::Intervals(work) = work else { return Ok(Vec::new()) };
    most_reads(work, session, dialect).map_err(|failure| failure.message)
}
