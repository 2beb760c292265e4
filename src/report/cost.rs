//! What models cost, for people.

use std::fmt::Write;
use std::mem::discriminant;
use std::time::Duration;

use crate::action::{Action, ActionId};
use crate::compile::Compilation;
use crate::execute::{
    Alternative, Bound, Cheapest, CostSource, Costs, Figure, Gap, Keeping, ModelCost, NoFigure, Sample, Sampled,
};
use crate::report::{count, duration, read_text};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// More readers than these are counted.
const MOST_NAMED: usize = 3;

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
        let readers = match model.readers.as_slice() {
            [] => "nothing in the project reads it".to_owned(),
            readers => format!("read by {}", named_or_counted(readers)),
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
        // What is so for many readers is told of one of them.
        let reasons = model.reasons();
        let is_like = |(one, of_one): &(&NoFigure, Vec<Keeping>), (other, of_other): &(&NoFigure, Vec<Keeping>)| {
            discriminant(*one) == discriminant(*other) && of_one == of_other
        };
        for alike in reasons.chunk_by(is_like) {
            let Some((reason, keepings)) = alike.first() else { continue };
            let words: Vec<&str> = keepings.iter().map(|keeping| keeping.word()).collect();
            let more = match alike.len() - 1 {
                0 => String::new(),
                more => format!("; so it is with {}", count(more, "other reader")),
            };
            let _ = writeln!(text, "  {}: {reason}{more}", words.join(", "));
        }
        let samples = self.samples();
        if !samples.is_empty() {
            let _ = writeln!(text, "  from the history: {}", samples.join(", "));
        }
        if let Some(rates) = &model.rates {
            let of_readers = range(rates.readers.iter().copied(), one_digit);
            let readers = if model.readers.len() == 1 { "its reader" } else { "each reader" };
            let _ = writeln!(text, "  runs a day: {} of the model, {of_readers} of {readers}", one_digit(rates.model));
        }
        if let Some(figure) = model.at_this_moment {
            let _ =
                writeln!(text, "  at this moment an incremental run would read {}, by a dry run", self.figure(figure));
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

    /// `1 full build`, `7 incremental runs`, `2 to 3 runs of each of 4 readers`
    fn samples(&self) -> Vec<String> {
        let of_model = self.model.samples.iter().filter_map(|sample| self.sample(sample));
        let of_readers = [false, true].into_iter().filter_map(|on_view| {
            let is_meant = |sample: &&Sample| match sample.what {
                Sampled::ReaderOfTable(_) => !on_view,
                Sampled::ReaderOfView(_) => on_view,
                Sampled::FullBuild | Sampled::IncrementalRun => false,
            };
            let samples: Vec<&Sample> = self.model.samples.iter().filter(is_meant).collect();
            let most = samples.iter().map(|sample| sample.runs).max()?;
            let runs = range(samples.iter().map(|sample| sample.runs), |runs| runs.to_string());
            let runs = format!("{runs} {}", if most == 1 { "run" } else { "runs" });
            let readers = match samples.len() {
                1 if self.model.readers.len() == 1 => "its reader".to_owned(),
                1 => "one reader".to_owned(),
                several => format!("each of {several} readers"),
            };
            let other = samples.iter().filter(|sample| sample.is_of_other_text).count();
            let other = match (other, samples.len()) {
                (0, _) => String::new(),
                (other, all) if other == all => " with an earlier text".to_owned(),
                (other, _) => format!(" ({other} of them with an earlier text)"),
            };
            Some(format!("{runs} of {readers}{}{other}", if on_view { " on a view" } else { "" }))
        });
        of_model.chain(of_readers).collect()
    }

    /// `3 full builds`
    fn sample(&self, sample: &Sample) -> Option<String> {
        let what = match sample.what {
            Sampled::FullBuild => count(sample.runs, "full build"),
            Sampled::IncrementalRun => {
                let runs = count(sample.runs, "incremental run");
                let read = self.figure(Figure { amount: sample.middle, bound: Bound::Exact });
                match (self.costs.source, sample.runs) {
                    (CostSource::History, _) => runs,
                    (CostSource::DryRuns, 1) => format!("{runs} that read {read}"),
                    (CostSource::DryRuns, _) => format!("{runs}, the middle one of which read {read}"),
                }
            }
            Sampled::ReaderOfTable(_) | Sampled::ReaderOfView(_) => return None,
        };
        Some(format!("{what}{}", if sample.is_of_other_text { " with an earlier text" } else { "" }))
    }

    /// `incremental reads the least: 4.1 GiB ($0.03) a run less than table`
    fn advice(&self, cheapest: &Cheapest) -> String {
        let verb = match self.costs.source {
            CostSource::DryRuns => "reads",
            CostSource::History => "takes",
        };
        // No two runs take the same time.
        let is_noise = |gap: &Gap| self.costs.source == CostSource::History && gap.less.amount <= gap.sum.amount / 10;
        let span = if cheapest.is_of_day { "a day" } else { "a run" };
        if cheapest.gaps.iter().all(is_noise) {
            let same: Vec<&str> = cheapest.gaps.iter().map(|gap| gap.than.word()).collect();
            return format!("{} {verb} about as much in {span} as {}", cheapest.keeping.word(), same.join(" and "));
        }
        let gap = |gap: &Gap| {
            let than = gap.than.word();
            let is_noise = is_noise(gap);
            match gap.less.amount {
                0 => format!("as much as {than}"),
                _ if is_noise => format!("about as much as {than}"),
                _ => format!("{} less than {than}", self.figure(gap.less)),
            }
        };
        let gaps: Vec<String> = cheapest.gaps.iter().map(gap).collect();
        format!("{} {verb} the least in {span}: {}", cheapest.keeping.word(), gaps.join(", "))
    }
}

/// `shop.daily, shop.monthly`; of many, `4 tables, 9 assertions`
fn named_or_counted(readers: &[&Action<ActionId>]) -> String {
    if readers.len() <= MOST_NAMED {
        return readers.iter().map(|reader| reader.target.to_string()).collect::<Vec<_>>().join(", ");
    }
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for reader in readers {
        let word = match reader.kind.word() {
            "incremental" => "incremental table",
            "operations" => "operation",
            word => word,
        };
        match kinds.iter_mut().find(|(known, _)| *known == word) {
            Some((_, number)) => *number += 1,
            None => kinds.push((word, 1)),
        }
    }
    kinds.into_iter().map(|(word, number)| count(number, word)).collect::<Vec<_>>().join(", ")
}

/// `2`, `2 to 7`
fn range<N: Copy + PartialOrd>(numbers: impl Iterator<Item = N> + Clone, word: impl Fn(N) -> String) -> String {
    let least = numbers.clone().reduce(|one, other| if other < one { other } else { one });
    let most = numbers.reduce(|one, other| if other > one { other } else { one });
    let (Some(least), Some(most)) = (least.map(&word), most.map(&word)) else { return String::new() };
    if least == most { least } else { format!("{least} to {most}") }
}

/// `24`, `0.5`
fn one_digit(rate: f64) -> String {
    let text = format!("{rate:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
