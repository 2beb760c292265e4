//! What models cost in bytes, asked of the warehouse without running anything of them.

use std::collections::HashMap;

use super::history::PastRuns;
use super::{Alternative, Asked, Bound, CostError, Figure, Keeping, Known, ModelCost, NoFigure};
use crate::action::{Action, ActionId};
use crate::adapter::{Adapter, AdapterError, Session};
use crate::compile::Compilation;
use crate::dialect::Dialect;
use crate::execute::estimate::{Reads, sum, watermarks};
use crate::execute::interval::most_reads;
use crate::graph::Selection;
use crate::plan::{HistoryBuild, Inlined, PlanOptions, Statement, Step, Work, plan, rows_of, targets};
use crate::relation::{RelationKind, WarehouseState};

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
    /// Whether that is the most that a run may read.
    is_most: bool,
    /// Whether it is about what is new at this moment.
    is_of_moment: bool,
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

    pub(super) fn cost<'m>(&mut self, asked: &Asked<'m>, runs: &PastRuns<'_>) -> ModelCost<'m> {
        let as_view = self.with_views(Inlined::of(asked.action, &[], self.from, self.to), asked);
        let no_table = match self.state.get(&asked.action.target).map(|relation| relation.kind) {
            Some(RelationKind::Table) => None,
            Some(kind) => Some(NoFigure::NoTable(asked.action.target.clone(), kind)),
            None => Some(NoFigure::NotBuilt(asked.action.target.clone())),
        };
        let mut notes = Vec::new();
        if let Some(reason) = &no_table {
            notes.extend([Keeping::Table, Keeping::Incremental].map(|keeping| (keeping, reason.clone())));
        }
        let empty = no_table.as_ref().map(|_| self.empty(asked));
        let (mut of_view, mut of_table) = (Vec::new(), Vec::new());
        for (id, reader) in &asked.readers {
            let question = self.question_of_reader(*id, reader);
            let is_of_moment = question.as_ref().is_ok_and(|question| question.is_of_moment);
            let on_view = question.as_ref().map_err(Clone::clone).and_then(|it| it.through(&as_view, reader, self.to));
            let on_view = on_view.and_then(|question| self.ask(reader, &question));
            if is_of_moment && on_view.as_ref().is_ok_and(|figure| figure.amount == 0) {
                notes.extend(Keeping::ALL.map(|keeping| (keeping, NoFigure::NothingNew(reader.target.clone()))));
            }
            of_view.push(on_view);
            let on_table = match &empty {
                None => question,
                Some(Err(reason)) => Err(reason.clone()),
                Some(Ok(empty)) => question.and_then(|question| question.through(empty, reader, self.to)),
            };
            let on_table = on_table.and_then(|question| self.ask(reader, &question));
            // Of a table that is not there no row is counted.
            let least = Figure { amount: 0, bound: if empty.is_some() { Bound::AtLeast } else { Bound::Exact } };
            of_table.push(on_table.map(|figure| figure.plus(least)));
        }
        let view = if as_view.is_empty() { Err(NoFigure::MoreThanQuery) } else { Ok(Figure::ZERO) };
        let sample = runs.read_by_increment(asked);
        let now = self.further_run(asked);
        // Those that have been say more of the next ones than what has come since the last.
        let measured = sample.filter(|sample| {
            !sample.is_of_other_text
                && now.as_ref().is_ok_and(|now| now.bound != Bound::AtMost && now.amount < sample.middle)
        });
        let further_run = match measured {
            Some(sample) => Ok(Figure { amount: sample.middle, bound: Bound::About }),
            None => now.clone(),
        };
        if further_run.as_ref().is_ok_and(|figure| figure.amount == 0) {
            notes.push((Keeping::Incremental, NoFigure::NothingNew(asked.action.target.clone())));
        }
        let alternatives = vec![
            Alternative { keeping: Keeping::View, build: view, readers: of_view },
            Alternative { keeping: Keeping::Table, build: self.full_build(asked.action), readers: of_table.clone() },
            Alternative { keeping: Keeping::Incremental, build: further_run, readers: of_table },
        ];
        let samples = sample.into_iter().collect();
        let at_this_moment = measured.and(now.ok()).map(|now| Figure { bound: Bound::Exact, ..now });
        let rates = runs.rates(asked);
        ModelCost {
            action: asked.action,
            readers: asked.readers(),
            alternatives,
            samples,
            rates,
            notes,
            at_this_moment,
        }
    }

    /// A model, and what hands it on.
    fn with_views(&self, model: Option<Inlined>, asked: &Asked<'_>) -> Vec<Inlined> {
        let mut inlined: Vec<Inlined> = model.into_iter().collect();
        if !inlined.is_empty() {
            for view in &asked.views {
                inlined.extend(Inlined::of(view, &inlined, self.from, self.to));
            }
        }
        inlined
    }

    /// The table of a model as it would be without rows, and what hands it on.
    fn empty(&mut self, asked: &Asked<'_>) -> Result<Vec<Inlined>, NoFigure> {
        let target = &asked.action.target;
        let refused = |error: AdapterError| NoFigure::Refused(target.clone(), error.message);
        let query = rows_of(asked.action, self.from, self.to).map(|(query, _)| query).unwrap_or_default();
        self.session.begin_step(target, &asked.action.job);
        let columns = self.session.describe(query.sql()).map_err(refused)?;
        Ok(self.with_views(Some(Inlined::without_rows(target, &columns, self.to)), asked))
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
        self.ask(action, &Question { is_most, is_of_moment: !is_most, ..Question::of(statements) })
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
                let query = work.estimate_of_query(&literals, self.to);
                Question { is_of_moment: true, ..Question::of([query]) }
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
        let figure = self.reads(action, &question.statements)?;
        let bound = match question {
            Question { is_most: true, .. } => Bound::AtMost,
            // Nothing is new; another run reads more.
            Question { is_of_moment: true, .. } if figure.amount == 0 => Bound::AtLeast,
            _ => Bound::Exact,
        };
        Ok(figure.plus(Figure { amount: 0, bound }))
    }

    fn reads(&mut self, action: &Action<ActionId>, statements: &[String]) -> Known {
        let key = statements.join("\n;\n");
        if let Some(known) = self.asked.get(&key) {
            return known.clone();
        }
        self.session.begin_step(&action.target, &action.job);
        let statements: Vec<Statement> = statements.iter().map(Statement::new).collect();
        let known = match sum(&statements, self.session.as_mut()) {
            Ok(Reads::Bytes(bytes)) => Ok(Figure { amount: bytes, bound: Bound::Exact }),
            Ok(Reads::AtLeast(bytes)) => Ok(Figure { amount: bytes, bound: Bound::AtLeast }),
            Ok(Reads::Unknown(message)) => Err(NoFigure::Refused(action.target.clone(), message)),
            Err(error) => Err(NoFigure::Refused(action.target.clone(), error.message)),
        };
        self.asked.insert(key, known.clone());
        known
    }
}

impl Question {
    /// The same with views in the place of relations.
    fn through(&self, views: &[Inlined], reader: &Action<ActionId>, dialect: &dyn Dialect) -> Result<Self, NoFigure> {
        let mut has_read = false;
        let into = |sql: &String| {
            let found = Inlined::all_into(views, sql, dialect);
            has_read |= found.is_some();
            found.unwrap_or_else(|| sql.clone())
        };
        let statements = self.statements.iter().map(into).collect();
        if has_read { Ok(Self { statements, ..*self }) } else { Err(NoFigure::NotRead(reader.target.clone())) }
    }

    fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        let statements = statements.into_iter().map(|statement| statement.sql().to_owned()).collect();
        Self { statements, is_most: false, is_of_moment: false }
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
