use std::io::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::action::ActionId;
use crate::compile::Compilation;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::execute::{Event, Outcome, RunResults, StepResult, UnitTestOutcome, UnitTestResult};
use crate::report::run::{failure_diagnostic, outcome_detail};
use crate::report::{DiagnosticFormat, Terminal, count, diff_table, duration, render_diagnostics};

/// Shows how unit tests and assertions go.
pub struct TestReport<'a> {
    terminal: &'a Terminal,
    compilation: &'a Compilation,
}

impl<'a> TestReport<'a> {
    /// Draws nothing yet.
    pub fn new(terminal: &'a Terminal, compilation: &'a Compilation) -> Self {
        Self { terminal, compilation }
    }

    /// One line for a unit test, and what differs if something does.
    pub fn unit_test(&self, result: &UnitTestResult) {
        let passed = matches!(result.outcome, UnitTestOutcome::Passed);
        self.line(passed, "unit test", result.id, result.took);
        if !passed {
            self.terminal.note(&self.unit_test_detail(result, self.terminal.color()));
        }
    }

    /// One line for an assertion that ended, and its rows if it has some.
    pub fn assertion(&self, event: &Event) {
        if let Event::StepFinished(result) = event {
            self.line(matches!(result.outcome, Outcome::Done { .. }), "assertion", result.id, result.took);
            self.terminal.note(&outcome_detail(self.compilation, result, self.terminal.color()));
        }
    }

    fn line(&self, passed: bool, what: &str, id: ActionId, took: Duration) {
        let word = if passed { self.terminal.paint("32", "pass") } else { self.terminal.paint("31", "FAIL") };
        let action = self.compilation.graph.get(id);
        let name = if what == "assertion" { action.target.to_string() } else { action.target.name.clone() };
        let text = format!("{word} {what} {name}  {}\n", duration(took));
        if passed { self.terminal.progress(&text) } else { self.terminal.note(&text) }
    }

    fn unit_test_detail(&self, result: &UnitTestResult, color: bool) -> String {
        let action = self.compilation.graph.get(result.id);
        let mut diagnostics = Diagnostics::default();
        let mut table = String::new();
        match &result.outcome {
            UnitTestOutcome::Passed => return String::new(),
            UnitTestOutcome::Differs { message, rows } => {
                let message = format!("unit test `{}`: {message}", action.target.name);
                // The description says what the test is there for.
                let description = action.documentation.description.as_deref().unwrap_or_default();
                diagnostics.push(
                    Diagnostic::error(Code::UnitTestFailed, message)
                        .at(action.name_span, description)
                        .help("mend the model, or the rows that the test expects"),
                );
                table = rows.as_ref().map(|rows| diff_table(rows, color)).unwrap_or_default();
            }
            UnitTestOutcome::Failed(failure) => {
                let name = format!("unit test `{}`", action.target.name);
                diagnostics.push(failure_diagnostic(failure, &name, action.name_span));
            }
            UnitTestOutcome::Unfit(found) => diagnostics.extend(found.clone()),
        }
        let format = DiagnosticFormat::Text { color };
        format!("\n{}{table}\n", render_diagnostics(&diagnostics, &self.compilation.project.sources, format))
    }

    /// The sum of it all.
    pub fn summary(&self, unit_tests: &[UnitTestResult], assertions: Option<&RunResults>) {
        let of_units = unit_tests.iter().map(|result| matches!(result.outcome, UnitTestOutcome::Passed));
        let of_assertions = assertions.into_iter().flat_map(|results| &results.steps);
        let of_assertions = of_assertions.map(|step| matches!(step.outcome, Outcome::Done { .. }));
        let all: Vec<bool> = of_units.chain(of_assertions).collect();
        let failed = all.iter().filter(|passed| !**passed).count();
        let what =
            [(unit_tests.len(), "unit test"), (assertions.map_or(0, |results| results.steps.len()), "assertion")];
        let what: Vec<String> =
            what.iter().filter(|(number, _)| *number > 0).map(|(number, noun)| count(*number, noun)).collect();
        let text = match (what.is_empty(), failed) {
            (true, _) => "there is nothing to test".to_owned(),
            (false, 0) => format!("{} passed", what.join(" and ")),
            (false, failed) => format!("{}: {failed} failed, {} passed", what.join(" and "), all.len() - failed),
        };
        self.terminal.progress(&format!("{text}\n"));
    }
}

/// Writes the results as JUnit XML, as GitLab, Jenkins and others read it: a suite of unit tests and one of assertions.
pub fn junit(
    compilation: &Compilation,
    unit_tests: &[UnitTestResult],
    assertions: Option<&RunResults>,
    out: impl Write,
) -> Result<(), quick_junit::SerializeError> {
    let mut report = Report::new(compilation.project.settings.name.as_str());
    let plain = Terminal::plain();
    let tests = TestReport::new(&plain, compilation);
    let mut suite = TestSuite::new("unit tests");
    for result in unit_tests {
        let text = tests.unit_test_detail(result, false);
        suite.add_test_case(case(compilation, result.id, result.took, &text));
    }
    report.add_test_suite(suite);
    if let Some(results) = assertions {
        let mut suite = TestSuite::new("assertions");
        for result in &results.steps {
            suite.add_test_case(assertion_case(compilation, result));
        }
        report.add_test_suite(suite);
    }
    report.serialize(out)
}

fn assertion_case(compilation: &Compilation, result: &StepResult) -> TestCase {
    let text = match &result.outcome {
        Outcome::Done { .. } => String::new(),
        _ => outcome_detail(compilation, result, false),
    };
    case(compilation, result.id, result.took, &text)
}

fn case(compilation: &Compilation, id: ActionId, took: Duration, failure: &str) -> TestCase {
    let action = compilation.graph.get(id);
    let status = if failure.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let message = failure.lines().find(|line| line.starts_with("error")).unwrap_or_default();
        status.set_message(message).set_description(failure.trim());
        status
    };
    let mut case = TestCase::new(action.target.to_string(), status);
    case.set_time(took).set_classname(compilation.project.sources.get(action.name_span.file).path().to_string());
    case
}
