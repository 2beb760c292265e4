//! What models cost in time, from what the history tells of runs.

use std::collections::HashMap;
use std::time::SystemTime;

use super::{Alternative, Asked, Bound, Figure, Keeping, Known, ModelCost, NoFigure, Rates, Sample, Sampled};
use crate::action::{Action, ActionId};
use crate::adapter::{Adapter, AdapterError};
use crate::compile::Compilation;
use crate::execute::HistoryState;
use crate::execute::history::{ask_history, fingerprint};
use crate::execute::status::seconds;
use crate::plan::{COUNTED_OVER, HistoryBuild, has_history_build, only_query, runs_of_history};
use crate::relation::{Column, Target};

/// Of how many runs the middle one is taken at the most.
const MOST: usize = 7;

/// A run that ended well.
#[derive(Debug, Clone)]
pub(super) struct PastRun {
    seconds_ago: i64,
    millis: u64,
    bytes: Option<u64>,
    build: Option<HistoryBuild>,
    fingerprint: Option<String>,
}

/// What is known of an action.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// The newest first.
    runs: Vec<PastRun>,
    /// How often it is run in a day.
    rate: f64,
}

/// The runs of actions.
pub(super) struct PastRuns<'a> {
    compilation: &'a Compilation,
    /// By the names that the project has for its actions.
    known: HashMap<String, Past>,
    /// Whether the table has a column for that.
    says_what_was_built: bool,
}

/// The middle one of several runs.
struct Middle {
    amount: u64,
    runs: usize,
    is_of_other_text: bool,
}

impl Middle {
    fn sample(&self, what: Sampled) -> Sample {
        Sample { what, runs: self.runs, middle: self.amount, is_of_other_text: self.is_of_other_text }
    }

    fn figure(&self) -> Figure {
        Figure { amount: self.amount, bound: Bound::Exact }
    }
}

impl<'a> PastRuns<'a> {
    pub(super) fn read(
        compilation: &'a Compilation,
        adapter: &dyn Adapter,
        table: &Target,
        asked: &[Asked<'_>],
    ) -> Result<HistoryState<Self>, AdapterError> {
        let project = &compilation.project;
        let names = (project.settings.name.as_str(), project.environment.name.as_str());
        let of_model =
            |asked: &Asked<'_>| std::iter::once(asked.action).chain(asked.readers()).map(name).collect::<Vec<_>>();
        let mut actions: Vec<String> = asked.iter().flat_map(of_model).collect();
        actions.sort();
        actions.dedup();
        let mut says_what_was_built = false;
        let query = |columns: &[Column]| {
            says_what_was_built = has_history_build(columns);
            runs_of_history(table, columns, names, &actions, SystemTime::now(), adapter.dialect())
        };
        let state = ask_history(adapter, table, query, |row, known: &mut HashMap<String, Past>| {
            if let Some((action, rate, run)) = past_run(row) {
                let past = known.entry(action).or_default();
                past.rate = rate;
                past.runs.push(run);
            }
        })?;
        Ok(state.map(|known| Self { compilation, known, says_what_was_built }))
    }

    /// Nothing is known.
    pub(super) fn none(compilation: &'a Compilation) -> Self {
        Self { compilation, known: HashMap::new(), says_what_was_built: true }
    }

    pub(super) fn cost<'m>(&self, asked: &Asked<'m>) -> ModelCost<'m> {
        let action = asked.action;
        let now = Keeping::of(&action.kind);
        let mut samples = Vec::new();
        let took = |run: &PastRun| Some(run.millis);
        let full = self.middle((asked.id, action), took, |run| build_of(action, run) == Some(HistoryBuild::Full));
        samples.extend(full.as_ref().map(|full| full.sample(Sampled::FullBuild)));
        let further = self.of_increment(asked, took);
        samples.extend(further.as_ref().map(|further| further.sample(Sampled::IncrementalRun)));
        let (mut of_view, mut of_table) = (Vec::new(), Vec::new());
        for (place, (id, reader)) in asked.readers.iter().enumerate() {
            let on_view = self.of_reader((*id, reader), action, true);
            let on_table = self.of_reader((*id, reader), action, false);
            samples.extend(on_table.as_ref().map(|middle| middle.sample(Sampled::ReaderOfTable(place))));
            samples.extend(on_view.as_ref().map(|middle| middle.sample(Sampled::ReaderOfView(place))));
            of_view.push(as_view(
                reader,
                on_view.as_ref(),
                on_table.as_ref(),
                full.as_ref().ok_or_else(|| self.no_full_build(action)),
            ));
            of_table.push(match (&on_table, &on_view) {
                (Some(middle), _) => Ok(middle.figure()),
                (None, Some(_)) => Err(NoFigure::NoRunOnTable(reader.target.clone())),
                (None, None) => Err(NoFigure::NoRun(reader.target.clone())),
            });
        }
        let full_build = full.as_ref().map(Middle::figure).ok_or_else(|| self.no_full_build(action));
        let further_run = if now == Some(Keeping::Incremental) {
            further.as_ref().map(Middle::figure).ok_or_else(|| self.not_built(action, NoFigure::NoIncrementalRun))
        } else {
            Err(NoFigure::NoIncrementalText)
        };
        let query = only_query(action, self.compilation.project.settings.dialect);
        let view = query.map(|_| Figure::ZERO).ok_or(NoFigure::MoreThanQuery);
        let alternatives = vec![
            Alternative { keeping: Keeping::View, build: view, readers: of_view },
            Alternative { keeping: Keeping::Table, build: full_build, readers: of_table.clone() },
            Alternative { keeping: Keeping::Incremental, build: further_run, readers: of_table },
        ];
        let rates = self.rates(asked);
        ModelCost {
            action,
            readers: asked.readers(),
            alternatives,
            samples,
            rates,
            notes: Vec::new(),
            at_this_moment: None,
        }
    }

    /// What further runs of an incremental model have read.
    pub(super) fn read_by_increment(&self, asked: &Asked<'_>) -> Option<Sample> {
        Some(self.of_increment(asked, |run| run.bytes)?.sample(Sampled::IncrementalRun))
    }

    /// How often a model and its readers are run in a day, if there are any and each of them was run in the last month.
    pub(super) fn rates(&self, asked: &Asked<'_>) -> Option<Rates> {
        if asked.readers.is_empty() {
            return None;
        }
        let rate = |action| self.known.get(&name(action)).map(|past| past.rate).filter(|rate| *rate > 0.0);
        let readers: Option<Vec<f64>> = asked.readers().into_iter().map(rate).collect();
        Some(Rates { model: rate(asked.action)?, readers: readers? })
    }

    fn of_increment(&self, asked: &Asked<'_>, amount: impl Fn(&PastRun) -> Option<u64>) -> Option<Middle> {
        let action = asked.action;
        let is_incremental = Keeping::of(&action.kind) == Some(Keeping::Incremental);
        self.middle((asked.id, action), amount, |run| {
            is_incremental && build_of(action, run) == Some(HistoryBuild::Incremental)
        })
    }

    fn no_full_build(&self, model: &Action<ActionId>) -> NoFigure {
        match Keeping::of(&model.kind) {
            Some(Keeping::View) => NoFigure::NoBuildAsTable,
            _ => self.not_built(model, NoFigure::NoFullBuild),
        }
    }

    fn not_built(&self, model: &Action<ActionId>, reason: fn(Target) -> NoFigure) -> NoFigure {
        let is_incremental = Keeping::of(&model.kind) == Some(Keeping::Incremental);
        if is_incremental && !self.says_what_was_built { NoFigure::NoBuildColumn } else { reason(model.target.clone()) }
    }

    fn runs(&self, action: &Action<ActionId>) -> &[PastRun] {
        self.known.get(&name(action)).map(|past| past.runs.as_slice()).unwrap_or_default()
    }

    /// The runs of a reader, when the model was a view or when it was a table. Of an incremental one the further runs count.
    fn of_reader(
        &self,
        reader: (ActionId, &Action<ActionId>),
        model: &Action<ActionId>,
        on_view: bool,
    ) -> Option<Middle> {
        let is_first = |run: &PastRun| {
            Keeping::of(&reader.1.kind) == Some(Keeping::Incremental)
                && matches!(run.build, Some(HistoryBuild::Full | HistoryBuild::Batches))
        };
        self.middle(
            reader,
            |run| Some(run.millis),
            |run| self.was_view(model, run.seconds_ago) == on_view && !is_first(run),
        )
    }

    /// Whether the model was a view at a time: what its last run before that made of it; or else what it is now.
    fn was_view(&self, model: &Action<ActionId>, seconds_ago: i64) -> bool {
        let before = self.runs(model).iter().find(|run| run.seconds_ago >= seconds_ago);
        match before.and_then(|run| run.build) {
            Some(build) => build == HistoryBuild::View,
            None => Keeping::of(&model.kind) == Some(Keeping::View),
        }
    }

    /// The middle one of the last runs that count; of the present text, or of an earlier one if there are none.
    fn middle(
        &self,
        (id, action): (ActionId, &Action<ActionId>),
        amount: impl Fn(&PastRun) -> Option<u64>,
        counts: impl Fn(&PastRun) -> bool,
    ) -> Option<Middle> {
        let present = fingerprint(self.compilation, id).map(|print| format!("{print:016x}"));
        let is_present = |run: &PastRun| run.fingerprint.is_none() || present.is_none() || run.fingerprint == present;
        let counting = self.runs(action).iter().filter(|run| counts(run));
        let counting = counting.filter_map(|run| Some((is_present(run), amount(run)?)));
        let (of_present, of_other): (Vec<_>, Vec<_>) = counting.partition(|(is_present, _)| *is_present);
        let is_of_other_text = of_present.is_empty();
        let taken = if is_of_other_text { of_other } else { of_present };
        let mut amounts: Vec<u64> = taken.into_iter().take(MOST).map(|(_, amount)| amount).collect();
        amounts.sort_unstable();
        let amount = *amounts.get(amounts.len() / 2)?;
        Some(Middle { amount, runs: amounts.len(), is_of_other_text })
    }
}

/// What a reader takes of a view: as it was measured, or what it takes of a table with the query of the model before it.
fn as_view(
    reader: &Action<ActionId>,
    on_view: Option<&Middle>,
    on_table: Option<&Middle>,
    full: Result<&Middle, NoFigure>,
) -> Known {
    if let Some(middle) = on_view {
        return Ok(middle.figure());
    }
    let on_table = on_table.ok_or_else(|| NoFigure::NoRun(reader.target.clone()))?;
    Ok(Figure { amount: on_table.amount.saturating_add(full?.amount), bound: Bound::About })
}

/// What a run built. Where an older version has not written that down, only an incremental table leaves it open.
fn build_of(action: &Action<ActionId>, run: &PastRun) -> Option<HistoryBuild> {
    run.build.or(match Keeping::of(&action.kind)? {
        Keeping::View => Some(HistoryBuild::View),
        Keeping::Table => Some(HistoryBuild::Full),
        Keeping::Incremental => None,
    })
}

fn name(action: &Action<ActionId>) -> String {
    action.canonical.to_string()
}

/// The action, how often it is run in a day, and a run of it.
fn past_run(row: &[Option<String>]) -> Option<(String, f64, PastRun)> {
    let [action, ago, first_ago, runs, millis, bytes, build, fingerprint] = row else { return None };
    let number = |text: &Option<String>| seconds(text.as_ref()).and_then(|number| u64::try_from(number).ok());
    let run = PastRun {
        seconds_ago: seconds(ago.as_ref())?,
        millis: number(millis)?,
        bytes: number(bytes),
        build: build.as_deref().and_then(HistoryBuild::named),
        fingerprint: fingerprint.clone(),
    };
    Some((action.clone()?, rate(number(runs)?, number(first_ago).unwrap_or_default()), run))
}

/// Runs a day, to the hundredth: over the last month, or as long as there are any.
#[expect(clippy::cast_precision_loss, reason = "it is an average")]
fn rate(runs: u64, first_seconds_ago: u64) -> f64 {
    const DAY: u64 = 24 * 3_600;
    let rate = runs as f64 * DAY as f64 / first_seconds_ago.clamp(DAY, COUNTED_OVER.as_secs()) as f64;
    (rate * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_over_a_month_or_as_long_as_there_are_any() {
        for (runs, hours, expected) in [(60, 24 * 90, 2.0), (4, 48, 2.0), (3, 1, 3.0), (0, 24 * 90, 0.0)] {
            assert!((rate(runs, hours * 3_600) - expected).abs() < 1e-9, "{runs} runs in {hours} hours");
        }
    }
}
