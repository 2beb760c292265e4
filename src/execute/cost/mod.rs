//! What a model costs as a view, as a table and as an incremental table: what building it takes, and what those pay who read it.

mod dry_runs;
mod history;

use std::collections::BTreeSet;

use crate::action::{Action, ActionId, Kind, Materialization};
use crate::adapter::{Adapter, AdapterError};
use crate::compile::Compilation;
use crate::diagnostic::Diagnostics;
use crate::execute::HistoryState;
use crate::graph::Graph;
use crate::relation::{RelationKind, Target};

use dry_runs::DryRuns;
use history::PastRuns;

/// How the rows of a model are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Not at all: who reads it computes them.
    View,
    /// Each run computes all of them.
    Table,
    /// Each run computes those that are new.
    Incremental,
}

impl Keeping {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::View, Self::Table, Self::Incremental];

    /// How an action is kept; `None` for what is no model, and for a view whose rows the warehouse keeps.
    pub fn of(kind: &Kind) -> Option<Self> {
        let Kind::Model(model) = kind else { return None };
        match &model.materialization {
            Materialization::View { materialized } => (!materialized).then_some(Self::View),
            Materialization::Table => Some(Self::Table),
            Materialization::Incremental(_) => Some(Self::Incremental),
        }
    }

    /// As the `type` of a config.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Table => "table",
            Self::Incremental => "incremental",
        }
    }
}

/// Where the figures come from, and so what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostSource {
    /// Bytes, asked of the warehouse without running anything.
    DryRuns,
    /// Milliseconds, of runs that have been.
    History,
}

/// How far a figure can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is that.
    Exact,
    /// It may be more.
    AtLeast,
    /// It may be less.
    AtMost,
    /// It may be either.
    About,
}

/// An amount of bytes or milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub amount: u64,
    /// How far that can be trusted.
    pub bound: Bound,
}

impl Figure {
    /// Nothing.
    pub const ZERO: Self = Self { amount: 0, bound: Bound::Exact };

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let bound = match (self.bound, other.bound) {
            (Bound::Exact, bound) | (bound, Bound::Exact) => bound,
            (one, other) if one == other => one,
            _ => Bound::About,
        };
        Self { amount: self.amount.saturating_add(other.amount), bound }
    }

    /// So many times that.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "three digits are shown, and it saturates"
    )]
    fn times(self, rate: f64) -> Self {
        Self { amount: (self.amount as f64 * rate).round() as u64, ..self }
    }

    /// How much less it is than another one that is not smaller; `None` if that need not be so.
    fn less_than(self, other: Self) -> Option<Self> {
        let bound = match (self.bound, other.bound) {
            (Bound::Exact, Bound::Exact) => Bound::Exact,
            (Bound::Exact | Bound::AtMost, Bound::Exact | Bound::AtLeast) => Bound::AtLeast,
            (Bound::Exact | Bound::About, Bound::Exact | Bound::About) => Bound::About,
            _ => return None,
        };
        Some(Self { amount: other.amount.saturating_sub(self.amount), bound })
    }
}

/// Why there is no figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFigure {
    /// It has one text only.
    #[error("no incremental text")]
    NoIncrementalText,
    /// A view is a query and nothing else.
    #[error("its statements besides the query cannot be part of a view")]
    MoreThanQuery,
    /// It is not there.
    #[error("`{0}` is not built yet, and what it would hold is not known: `trueup run` builds it")]
    NotBuilt(Target),
    /// Something else is there.
    #[error("`{0}` is a {1} in the warehouse, and what reading it as a table would take is left out")]
    NoTable(Target, RelationKind),
    /// Its text names the model in no place where rows are read.
    #[error("`{0}` is not seen to read it")]
    NotRead(Target),
    /// The warehouse said no.
    #[error("a dry run for `{0}` is refused: {1}")]
    Refused(Target, String),
    /// A run would read nothing now, which says little of other runs.
    #[error("nothing is new for `{0}` at this moment, and its runs read more as a rule")]
    NothingNew(Target),
    /// Nobody has measured it.
    #[error("no full build in the history: `trueup run --full-refresh --select {0}`")]
    NoFullBuild(Target),
    /// Nobody has measured it, and nobody can as long as it is a view.
    #[error("no build as a table in the history: it would have to be one, and be run")]
    NoBuildAsTable,
    /// Nobody has measured it.
    #[error("no incremental run in the history: `trueup run --select {0}`")]
    NoIncrementalRun(Target),
    /// Nobody has measured it.
    #[error("no run of `{0}` in the history: `trueup run --select {0}`")]
    NoRun(Target),
    /// Nobody has written down what was built.
    #[error("the history has no column `build`, which says what was built: `trueup run` tells how to add it")]
    NoBuildColumn,
    /// When the reader ran, the model was a view.
    #[error("`{0}` has run when this was a view, and never when it was a table")]
    NoRunOnTable(Target),
}

impl NoFigure {
    /// Whether the model cannot be kept in that way, so that there is nothing to compare.
    fn is_impossible(&self) -> bool {
        matches!(self, Self::NoIncrementalText | Self::MoreThanQuery)
    }
}

/// A figure, or why there is none.
pub type Known = Result<Figure, NoFigure>;

/// A way to keep a model, and what that costs.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// The way.
    pub keeping: Keeping,
    /// What building it takes in a run.
    pub build: Known,
    /// What each reader takes in a run, in their order.
    pub readers: Vec<Known>,
}

impl Alternative {
    /// Why the model cannot be kept in this way, if it cannot.
    pub fn impossible(&self) -> Option<&NoFigure> {
        self.build.as_ref().err().filter(|reason| reason.is_impossible())
    }

    /// What all readers take together; `None` if there are none, too: nobody knows what others take.
    pub fn reading(&self) -> Option<Figure> {
        if self.readers.is_empty() || self.impossible().is_some() {
            return None;
        }
        self.readers.iter().try_fold(Figure::ZERO, |sum, reader| Some(sum.plus(*reader.as_ref().ok()?)))
    }

    /// What a run takes of the model and of each reader.
    pub fn run(&self) -> Option<Figure> {
        Some(self.build.as_ref().ok()?.plus(self.reading()?))
    }

    /// What a day takes, with so many runs of each.
    fn day(&self, rates: &Rates) -> Option<Figure> {
        self.reading()?;
        let build = self.build.as_ref().ok()?.times(rates.model);
        let readers = self.readers.iter().zip(&rates.readers);
        readers.into_iter().try_fold(build, |sum, (reader, rate)| Some(sum.plus(reader.as_ref().ok()?.times(*rate))))
    }

    /// Why figures are not known, though it is possible.
    fn reasons(&self) -> impl Iterator<Item = &NoFigure> {
        let known = std::iter::once(&self.build).chain(&self.readers).filter(|_| self.impossible().is_none());
        known.filter_map(|known| known.as_ref().err())
    }
}

/// How often something is run in a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// The model.
    pub model: f64,
    /// Its readers, in their order.
    pub readers: Vec<f64>,
}

/// How many runs of the history a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What was run.
    pub what: Sampled,
    /// How often.
    pub runs: usize,
    /// What the middle one of these took; in bytes where the other figures are bytes.
    pub middle: u64,
    /// Whether its text was another one then.
    pub is_of_other_text: bool,
}

/// What was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// The model, all of it.
    FullBuild,
    /// The model, what had come since.
    IncrementalRun,
    /// A reader, by its place, when the model was a table.
    ReaderOfTable(usize),
    /// A reader, by its place, when the model was a view.
    ReaderOfView(usize),
}

/// What a model costs.
#[derive(Debug, Clone)]
pub struct ModelCost<'a> {
    /// The model.
    pub action: &'a Action<ActionId>,
    /// Who reads it in a run, through views too.
    pub readers: Vec<&'a Action<ActionId>>,
    /// The ways to keep it, in the order of [`Keeping::ALL`].
    pub alternatives: Vec<Alternative>,
    /// What the history tells of runs. Where there are no dry runs the figures come from these.
    pub samples: Vec<Sample>,
    /// Why a figure is a lower bound.
    pub notes: Vec<(Keeping, NoFigure)>,
    /// What an incremental run would take now, where those that have been took more, and count.
    pub at_this_moment: Option<Figure>,
    /// How often all of them are run in a day, if the history knows.
    pub rates: Option<Rates>,
}

/// The alternative that costs least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cheapest {
    /// It.
    pub keeping: Keeping,
    /// Whether it is a day that it costs least in, and not a run.
    pub is_of_day: bool,
    /// How much less it is than each of the others.
    pub gaps: Vec<Gap>,
}

/// How much less the cheapest alternative is than another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The other one.
    pub than: Keeping,
    /// What that takes.
    pub sum: Figure,
    /// How much less.
    pub less: Figure,
}

impl ModelCost<'_> {
    /// What a day takes of the model and of its readers, as often as they are run by now.
    pub fn day(&self, alternative: &Alternative) -> Option<Figure> {
        alternative.day(self.rates.as_ref()?)
    }

    /// Why figures are not known: each reason once, with the alternatives that it is about.
    pub fn reasons(&self) -> Vec<(&NoFigure, Vec<Keeping>)> {
        let mut reasons: Vec<(&NoFigure, Vec<Keeping>)> = Vec::new();
        for alternative in &self.alternatives {
            let notes =
                self.notes.iter().filter(|(it, _)| *it == alternative.keeping && alternative.impossible().is_none());
            for reason in alternative.reasons().chain(notes.map(|(_, note)| note)) {
                match reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, keepings)) if keepings.contains(&alternative.keeping) => {}
                    Some((_, keepings)) => keepings.push(alternative.keeping),
                    None => reasons.push((reason, vec![alternative.keeping])),
                }
            }
        }
        reasons
    }

    /// The alternative that costs least, if all that are possible are known well enough to say so, and somebody reads the model: in a
    /// day if it is known how often that is, else in a run.
    pub fn cheapest(&self) -> Option<Cheapest> {
        let possible: Vec<&Alternative> = self.alternatives.iter().filter(|it| it.impossible().is_none()).collect();
        let sums = |sum: &dyn Fn(&Alternative) -> Option<Figure>| {
            possible.iter().map(|alternative| Some((*alternative, sum(alternative)?))).collect::<Option<Vec<_>>>()
        };
        let of_day = sums(&|alternative| self.day(alternative));
        let is_of_day = of_day.is_some();
        let sums = of_day.or_else(|| sums(&Alternative::run)).filter(|sums| sums.len() > 1)?;
        // Where two are the same nobody has to change anything.
        let now = Keeping::of(&self.action.kind);
        let (least, sum) = sums.iter().min_by_key(|(it, sum)| (sum.amount, now != Some(it.keeping)))?;
        let others = sums.iter().filter(|(other, _)| other.keeping != least.keeping);
        let rate = self.rates.as_ref().filter(|_| is_of_day).map_or(1.0, |rates| rates.model);
        let gaps: Option<Vec<Gap>> = others
            .map(|(other, other_sum)| {
                // What is read of a table is the same however its rows have come there, and however well it is known.
                let less = if least.readers == other.readers {
                    least.build.as_ref().ok()?.times(rate).less_than(other.build.as_ref().ok()?.times(rate))
                } else {
                    sum.less_than(*other_sum)
                };
                Some(Gap { than: other.keeping, sum: *other_sum, less: less? })
            })
            .collect();
        Some(Cheapest { keeping: least.keeping, is_of_day, gaps: gaps? })
    }
}

/// What models cost.
#[derive(Debug, Clone)]
pub struct Costs<'a> {
    /// What the figures are.
    pub source: CostSource,
    /// The models, in the order in which they were asked for.
    pub models: Vec<ModelCost<'a>>,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A text cannot be translated.
    #[error("the project has mistakes")]
    Project(Diagnostics),
    /// The warehouse does not tell what something would read, and nobody has written down how long it took.
    #[error("no history is kept, so nobody knows how long anything took")]
    NoHistory,
    /// The table of the history is not there.
    #[error("the history `{0}` is not there yet")]
    NoHistoryYet(Target),
    /// It is another table.
    #[error("`{table}` is no history, without a column `{missing}`")]
    Foreign {
        /// Its name.
        table: Target,
        /// The column.
        missing: &'static str,
    },
    /// The history cannot be read.
    #[error("the history `{0}` cannot be read: {1}")]
    Unreadable(Target, AdapterError),
    /// The warehouse said no.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
}

/// Finds out what models cost: from dry runs where the warehouse has them, else from the history.
pub fn cost<'a>(
    compilation: &'a Compilation,
    adapter: &dyn Adapter,
    models: &[ActionId],
) -> Result<Costs<'a>, CostError> {
    let graph = &compilation.graph;
    let asked: Vec<Asked<'a>> = models.iter().map(|id| Asked::new(graph, *id)).collect();
    let history = compilation.project.history().map(|(table, _)| {
        let runs = PastRuns::read(compilation, adapter, &table, &asked);
        (table, runs)
    });
    let mut session = adapter.session()?;
    if session.estimate("select 1")?.is_some() {
        let mut dry_runs = DryRuns::new(compilation, adapter, session, &asked)?;
        // Without it less is shown beside the figures.
        let runs = match history {
            Some((_, Ok(HistoryState::Known(runs)))) => runs,
            _ => PastRuns::none(compilation),
        };
        let models = asked.iter().map(|asked| dry_runs.cost(asked, &runs)).collect();
        return Ok(Costs { source: CostSource::DryRuns, models });
    }
    drop(session);
    let runs = match history.ok_or(CostError::NoHistory)? {
        (_, Ok(HistoryState::Known(runs))) => runs,
        (table, Ok(HistoryState::Missing)) => return Err(CostError::NoHistoryYet(table)),
        (table, Ok(HistoryState::Foreign { missing })) => return Err(CostError::Foreign { table, missing }),
        (table, Err(error)) => return Err(CostError::Unreadable(table, error)),
    };
    let models = asked.iter().map(|asked| runs.cost(asked)).collect();
    Ok(Costs { source: CostSource::History, models })
}

/// A model and who reads it.
struct Asked<'a> {
    id: ActionId,
    action: &'a Action<ActionId>,
    /// The views that hand it on, each behind those that it reads.
    views: Vec<&'a Action<ActionId>>,
    readers: Vec<(ActionId, &'a Action<ActionId>)>,
}

impl<'a> Asked<'a> {
    fn new(graph: &'a Graph, id: ActionId) -> Self {
        let mut sources = BTreeSet::from([id]);
        let (mut views, mut readers) = (Vec::new(), Vec::new());
        for next in graph.order().iter().copied() {
            let action = graph.get(next);
            let mut read = action.dependencies.iter().filter(|dependency| dependency.is_read);
            if next == id || action.disabled || !read.any(|dependency| sources.contains(&dependency.on)) {
                continue;
            }
            match &action.kind {
                kind if Keeping::of(kind) == Some(Keeping::View) => {
                    sources.insert(next);
                    views.push(action);
                }
                Kind::Model(_) | Kind::Operations { .. } | Kind::Assertion(_) => readers.push((next, action)),
                Kind::Declaration | Kind::Test(_) | Kind::Node(_) | Kind::Unknown => {}
            }
        }
        Self { id, action: graph.get(id), views, readers }
    }

    fn readers(&self) -> Vec<&'a Action<ActionId>> {
        self.readers.iter().map(|(_, action)| *action).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_told_only_where_it_must_be_so() {
        let figure = |amount, bound| Figure { amount, bound };
        let exact = figure(5, Bound::Exact);
        assert_eq!(exact.less_than(figure(7, Bound::Exact)), Some(figure(2, Bound::Exact)));
        assert_eq!(exact.less_than(figure(7, Bound::AtLeast)), Some(figure(2, Bound::AtLeast)));
        assert_eq!(exact.less_than(figure(7, Bound::About)), Some(figure(2, Bound::About)));
        assert_eq!(exact.less_than(figure(7, Bound::AtMost)), None);
        assert_eq!(figure(5, Bound::AtLeast).less_than(figure(7, Bound::Exact)), None);
        let both = figure(5, Bound::AtLeast).plus(figure(7, Bound::AtMost));
        assert_eq!(both, figure(12, Bound::About));
        assert_eq!(Figure::ZERO.plus(figure(7, Bound::AtMost)), figure(7, Bound::AtMost));
    }
}
