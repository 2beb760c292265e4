//! What models cost, for people.

use std::fmt::Write;
use std::time::Duration;

use crate::compile::Compilation;
use crate::execute::{Alternative, Bound, Cheapest, CostSource, Costs, Figure, Keeping, ModelCost, Sample, Sampled};
use crate::report::{count, duration, read_text};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// The columns behind the name of the alternative.
const HEADINGS: [&str; 4] = ["build", "readers", "a run", "a day"];

/// A table for each model, an empty line between them.
pub fn costs_text(costs: &Costs<'_>, compilation: &Compilation) -> String {
    let texts: Vec<String> = costs.models.iter().map(|model| Writer { costs, compilation, model }.text()).collect();
    texts.join("\n")
}

struct Writer<'a> {
    costs: &'a Costs<'a>,
    compilation: &'a Compilation,
    model: &'a ModelCost<'a>,
}

impl Writer<'_> {
    fn text(&self) -> String {
        let model = self.model;
        let readers: Vec<String> = model.readers.iter().map(|reader| reader.target.to_string()).collect();
        let readers = match readers.as_slice() {
            [] => "nothing in the project reads it".to_owned(),
            readers => format!("read by {}", readers.join(", ")),
        };
        let mut text = format!("{}: {}, {readers}\n", model.action.target, model.action.kind.word());
        // What is known of no day has no column.
        let shown = if model.rates.is_some() { HEADINGS.len() } else { HEADINGS.len() - 1 };
        let headings = [String::new()].into_iter().chain(HEADINGS.iter().take(shown).map(|it| (*it).to_owned()));
        let headings: Vec<String> = headings.collect();
        let rows: Vec<Vec<String>> =
            model.alternatives.iter().map(|alternative| self.row(alternative, shown)).collect();
        let width = |column: usize| {
            // A reason is no cell.
            let rows = rows.iter().filter(|row| row.len() > 2 || column == 0);
            let cells = rows.chain([&headings]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..=shown).map(width).collect();
        for row in [&headings].into_iter().chain(&rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}"));
            let _ = writeln!(text, "{}", cells.collect::<String>().trim_end());
        }
        for (reason, keepings) in model.reasons() {
            let words: Vec<&str> = keepings.into_iter().map(Keeping::word).collect();
            let _ = writeln!(text, "  {}: {reason}", words.join(", "));
        }
        let samples: Vec<String> = model.samples.iter().map(|sample| self.sample(sample)).collect();
        if !samples.is_empty() {
            let _ = writeln!(text, "  from the history: {}", samples.join(", "));
        }
        if let Some(rates) = &model.rates {
            let names = [model.action].into_iter().chain(model.readers.iter().copied());
            let rates = [rates.model].into_iter().chain(rates.readers.iter().copied());
            let rates: Vec<String> =
                names.zip(rates).map(|(action, rate)| format!("{} of {}", one_digit(rate), action.target)).collect();
            let _ = writeln!(text, "  runs a day: {}", rates.join(", "));
        }
        if let Some(cheapest) = model.cheapest() {
            let _ = writeln!(text, "  {}", self.advice(&cheapest));
        }
        text
    }

    fn row(&self, alternative: &Alternative, shown: usize) -> Vec<String> {
        let is_now = Keeping::of(&self.model.action.kind) == Some(alternative.keeping);
        let word = alternative.keeping.word();
        let name = if is_now { format!("{word} (now)") } else { word.to_owned() };
        if let Some(reason) = alternative.impossible() {
            return vec![name, reason.to_string()];
        }
        let build = alternative.build.as_ref().ok().copied();
        let figures = [build, alternative.reading(), alternative.run(), self.model.day(alternative)];
        let cell = |figure: Option<Figure>| figure.map_or_else(|| UNKNOWN.to_owned(), |figure| self.figure(figure));
        [name].into_iter().chain(figures.into_iter().take(shown).map(cell)).collect()
    }

    /// `at least 1.2 GiB ($0.01)`, `about 1.24 s`
    fn figure(&self, figure: Figure) -> String {
        let word = match figure.bound {
            Bound::Exact => "",
            Bound::AtLeast => "at least ",
            Bound::AtMost => "at most ",
            Bound::About => "about ",
        };
        let amount = match self.costs.source {
            CostSource::DryRuns => {
                read_text(figure.amount, self.compilation.project.environment.connection.cost(figure.amount))
            }
            CostSource::History => duration(Duration::from_millis(figure.amount)),
        };
        format!("{word}{amount}")
    }

    /// `3 full builds`
    fn sample(&self, sample: &Sample) -> String {
        let reader = |place: usize| {
            let reader = self.model.readers.get(place);
            reader.map(|reader| reader.target.to_string()).unwrap_or_default()
        };
        let what = match sample.what {
            Sampled::FullBuild => count(sample.runs, "full build"),
            Sampled::IncrementalRun if self.costs.source == CostSource::DryRuns => {
                let read = self.figure(Figure { amount: sample.middle, bound: Bound::Exact });
                let runs = count(sample.runs, "incremental run");
                if sample.runs == 1 {
                    format!("{runs} that read {read}")
                } else {
                    format!("{runs}, the middle one of which read {read}")
                }
            }
            Sampled::IncrementalRun => count(sample.runs, "incremental run"),
            Sampled::ReaderOfTable(place) => format!("{} of {}", count(sample.runs, "run"), reader(place)),
            Sampled::ReaderOfView(place) => {
                format!("{} of {} on a view", count(sample.runs, "run"), reader(place))
            }
        };
        format!("{what}{}", if sample.is_of_other_text { " with an earlier text" } else { "" })
    }

    /// `incremental reads the least: 4.1 GiB ($0.03) a run less than table`
    fn advice(&self, cheapest: &Cheapest) -> String {
        let verb = match self.costs.source {
            CostSource::DryRuns => "reads",
            CostSource::History => "takes",
        };
        let gap = |(other, gap): &(Keeping, Figure)| {
            if gap.amount == 0 {
                format!("as much as {}", other.word())
            } else {
                format!("{} less than {}", self.figure(*gap), other.word())
            }
        };
        let gaps: Vec<String> = cheapest.less_than.iter().map(gap).collect();
        let span = if cheapest.is_of_day { "a day" } else { "a run" };
        format!("{} {verb} the least in {span}: {}", cheapest.keeping.word(), gaps.join(", "))
    }
}

/// `24`, `0.5`
fn one_digit(rate: f64) -> String {
    let text = format!("{rate:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
