use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::action::ActionId;
use crate::adapter::Usage;
use crate::compile::Compilation;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::Dialect;
use crate::execute::{Event, Failure, Outcome, Rejection, RunResults, SkipReason, StepResult, TRIES, TrailingBlanks};
use crate::files::Span;
use crate::plan::Verdict;
use crate::report::{
    DiagnosticFormat, Terminal, byte_count, count, duration, read_text, render_diagnostics, rows_table,
};

/// Shows a run while it goes on: a bar and the steps that run on a terminal, one line for each step that ended.
pub struct RunReporter<'a> {
    terminal: &'a Terminal,
    compilation: &'a Compilation,
    bar: ProgressBar,
    running: BTreeMap<ActionId, String>,
    total: usize,
    ended: usize,
}

impl<'a> RunReporter<'a> {
    /// Draws nothing yet.
    pub fn new(terminal: &'a Terminal, compilation: &'a Compilation) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { terminal, compilation, bar, running: BTreeMap::new(), total: 0, ended: 0 }
    }

    /// Shows one event.
    pub fn handle(&mut self, event: &Event) {
        match event {
            Event::RunStarted { steps } => {
                self.total = *steps;
                if self.terminal.is_interactive() {
                    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}");
                    self.bar = ProgressBar::new(*steps as u64);
                    self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                    self.bar.enable_steady_tick(Duration::from_millis(100));
                }
            }
            Event::StepStarted { id } => {
                self.running.insert(*id, self.name(*id));
                self.show_running();
            }
            Event::StepFinished(result) => {
                self.ended += 1;
                self.running.remove(&result.id);
                let text = self.line(result);
                self.bar.suspend(|| self.terminal.progress(&text));
                self.bar.inc(1);
                self.show_running();
            }
            Event::Retrying { id, retry } => {
                let text = format!(
                    "retrying: {}, conflict with a concurrent transaction, try {} of {TRIES}, in {}\n",
                    self.name(*id),
                    retry.number,
                    duration(retry.pause)
                );
                self.bar.suspend(|| self.terminal.progress(&text));
            }
            Event::Waiting { waits } => {
                let text: String = waits.iter().map(|wait| format!("waiting: {wait}\n")).collect();
                self.bar.suspend(|| self.terminal.progress(&text));
            }
            Event::RunFinished => self.bar.finish_and_clear(),
        }
    }

    fn show_running(&self) {
        let names: Vec<&str> = self.running.values().map(String::as_str).collect();
        self.bar.set_message(names.join(", "));
    }

    fn name(&self, id: ActionId) -> String {
        self.compilation.graph.get(id).target.to_string()
    }

    fn line(&self, result: &StepResult) -> String {
        let action = self.compilation.graph.get(result.id);
        let (word, color, detail) = match &result.outcome {
            Outcome::Done { rows } => {
                let rows = rows.map(|rows| count(usize::try_from(rows).unwrap_or(usize::MAX), "row"));
                ("ok", "32", rows.unwrap_or_default())
            }
            Outcome::Failed(_) => ("failed", "31", String::new()),
            Outcome::Rejected(_) => ("rejected", "31", String::new()),
            Outcome::Violated { count: number, .. } => {
                ("failed", "31", count(usize::try_from(*number).unwrap_or(usize::MAX), "row"))
            }
            Outcome::Skipped(SkipReason::Because(id)) => {
                ("skipped", "33", format!("because `{}` failed", self.compilation.graph.get(*id).target.name))
            }
            Outcome::Skipped(SkipReason::Cancelled) => ("skipped", "33", "because the run was ended".to_owned()),
            Outcome::Disabled => ("disabled", "2", String::new()),
        };
        let width = self.total.to_string().len();
        let padded = format!("{word:<8}");
        let word = self.terminal.paint(color, &padded);
        let took = if result.started_at.is_some() { duration(result.took) } else { String::new() };
        let tries = if result.tries > 1 { format!("{} tries", result.tries) } else { String::new() };
        let read = result.usage.as_ref().map(|usage| usage.bytes_processed).filter(|bytes| *bytes > 0);
        let read = read.map(byte_count).unwrap_or_default();
        let (ended, total) = (self.ended, self.total);
        let line = format!(
            "{ended:>width$}/{total} {word} {:<11} {}  {}",
            action.kind.word(),
            action.target,
            [detail, read, tries, took].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ")
        );
        line.trim_end().to_owned() + "\n"
    }

    /// What failed, with the place in the project, and the sum of it all.
    pub fn summary(&self, results: &RunResults) {
        for result in &results.steps {
            self.terminal.note(&outcome_detail(self.compilation, result, self.terminal.color()));
        }
        let number = |wanted: fn(&Outcome) -> bool| results.steps.iter().filter(|step| wanted(&step.outcome)).count();
        let parts = [
            (number(|outcome| matches!(outcome, Outcome::Done { .. })), "ok"),
            (number(Outcome::is_failure), "failed"),
            (number(|outcome| matches!(outcome, Outcome::Skipped(_))), "skipped"),
            (number(|outcome| matches!(outcome, Outcome::Disabled)), "disabled"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
        let parts = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
        self.terminal.progress(&format!("{parts} ({})\n", duration(results.took)));
        if let Some(usage) = results.usage() {
            let cost = self.compilation.project.environment.connection.cost(usage.bytes_billed);
            self.terminal.progress(&format!("{}\n", usage_text(&usage, cost)));
        }
    }
}

/// `read 1.2 GiB, billed 1.2 GiB ($0.01), 12.5 s of slots, 1 answer from the cache`
fn usage_text(usage: &Usage, cost: Option<f64>) -> String {
    let cached = match usage.cache_hits {
        0 => String::new(),
        hits => format!(", {} from the cache", count(usize::try_from(hits).unwrap_or(usize::MAX), "answer")),
    };
    format!(
        "read {}, billed {}, {} of slots{cached}",
        byte_count(usage.bytes_processed),
        read_text(usage.bytes_billed, cost),
        duration(Duration::from_millis(usage.slot_millis)),
    )
}

/// What to do about an error of the warehouse, whose own words say all that is known.
const ADVICE: &str = "mend the SQL, or what it reads, and run it again";

/// What is wrong with a step that failed, with the rows that show it; nothing for any other.
pub(super) fn outcome_detail(compilation: &Compilation, result: &StepResult, color: bool) -> String {
    let action = compilation.graph.get(result.id);
    let (diagnostic, rows) = match &result.outcome {
        Outcome::Failed(failure) => {
            (failure_diagnostic(failure, &action.target.to_string(), action.name_span), failure.rows.as_ref())
        }
        Outcome::Rejected(rejection) => {
            let Rejection { sample, verdict: Verdict { rejected, table_stays }, .. } = &**rejection;
            let message = format!("{}: {rejection}", action.target);
            let diagnostic = Diagnostic::error(Code::AssertionFailed, message).at(action.name_span, "");
            let left = if *table_stays { "its old rows are still in place" } else { "there is no table yet" };
            (diagnostic.help(format!("{left}; all new rows: {rejected}")), Some(sample))
        }
        Outcome::Violated { count: number, sample, query } => {
            let rows = count(usize::try_from(*number).unwrap_or(usize::MAX), "row");
            let message = format!("assertion `{}` found {rows}", action.target.name);
            let diagnostic = Diagnostic::error(Code::AssertionFailed, message).at(action.name_span, "");
            (diagnostic.help(format!("all of them: {query}")), Some(sample))
        }
        Outcome::Done { .. } | Outcome::Skipped(_) | Outcome::Disabled => return String::new(),
    };
    let mut diagnostics = Diagnostics::default();
    diagnostics.push(diagnostic);
    let mut text = String::from("\n");
    let format = DiagnosticFormat::Text { color };
    text.push_str(&render_diagnostics(&diagnostics, &compilation.project.sources, format));
    if let Some(rows) = rows {
        text.push_str(&rows_table(rows));
        text.push('\n');
    }
    text
}

/// A failed step, at the place that the warehouse points at, or else where the action is named.
pub(super) fn failure_diagnostic(failure: &Failure, target: &str, name_span: Span) -> Diagnostic {
    let message = format!("{target}: {}", failure.message);
    let diagnostic = Diagnostic::error(Code::WarehouseError, message);
    let diagnostic = match failure.origin {
        Some(origin) => origin.place(diagnostic, "in the text made here"),
        None => diagnostic.at(name_span, ""),
    };
    diagnostic.help(failure.help.clone().unwrap_or_else(|| ADVICE.to_owned()))
}

/// Texts that the project's SQL and the warehouse compare in different ways.
pub fn blanks_warnings(found: &[TrailingBlanks], compilation: &Compilation, to: &dyn Dialect) -> Diagnostics {
    let from = compilation.project.settings.dialect;
    let mut diagnostics = Diagnostics::default();
    for TrailingBlanks { id, columns } in found {
        let action = compilation.graph.get(*id);
        let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("`{}` has values that end in a blank: {}", action.target, names.join(", "));
        let help = format!(
            "{} pays no heed to such blanks where texts are compared, grouped or joined, but {} does: take them off where \
             they come in, for example with `rtrim({})` in the staging model",
            from.name(),
            to.name(),
            columns.first().map_or("…", String::as_str)
        );
        diagnostics.push(Diagnostic::warning(Code::TrailingBlanks, message).at(action.name_span, "").help(help));
    }
    diagnostics
}
