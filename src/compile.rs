//! The pipeline, from files to a checked graph, on one page.

use std::sync::Arc;

use crate::action::Kind;
use crate::analysis::{self, Analysis, Memory};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::files::{FileSystem, Span};
use crate::graph::{self, Graph};
use crate::project::{self, LoadError, Overrides, Project, Scratch};
use crate::relation::Target;
use crate::template;

/// A project that has been read and checked: what every command works on.
#[derive(Debug)]
pub struct Compilation {
    /// Settings and texts.
    pub project: Project,
    /// The actions, linked. Complete only if there are no errors.
    pub graph: Graph,
    /// What code keeps for run time (Dataform's `jitData`): a JSON object as text.
    pub run_time_data: String,
    /// What is known of the rows that each action gives.
    pub analysis: Analysis,
    /// Everything found wrong, in order of file and place.
    pub diagnostics: Diagnostics,
}

/// Compiles a project. Mistakes in it are in the result; an error is about the outside world.
///
/// `secret` looks up the variables that the settings of the environment ask for.
pub fn compile(
    files: &Arc<dyn FileSystem>,
    overrides: &Overrides,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<Compilation, LoadError> {
    compile_again(files, overrides, secret, &mut Memory::default())
}

/// The same, with what earlier compilations have found out.
pub fn compile_again(
    files: &Arc<dyn FileSystem>,
    overrides: &Overrides,
    secret: &dyn Fn(&str) -> Option<String>,
    memory: &mut Memory,
) -> Result<Compilation, LoadError> {
    let mut compilation = link(files, overrides, secret)?;
    let Compilation { project, graph, diagnostics, .. } = &mut compilation;
    let (analysis, found) = analysis::analyze(graph, project, memory);
    diagnostics.extend(found);
    leave_out_follow_ups(diagnostics);
    settle(project, diagnostics);
    diagnostics.silence(&project.sources);
    diagnostics.set(&project.settings.checks);
    diagnostics.sort();
    compilation.analysis = analysis;
    Ok(compilation)
}

/// The same without a look at the SQL: its actions and their links.
pub fn link(
    files: &Arc<dyn FileSystem>,
    overrides: &Overrides,
    secret: &dyn Fn(&str) -> Option<String>,
) -> Result<Compilation, LoadError> {
    let (project, mut diagnostics) = project::load(files, overrides, secret)?;
    let (mut evaluated, found) = template::evaluate(&project);
    diagnostics.extend(found);
    let run_time_data = std::mem::take(&mut evaluated.run_time_data);
    let (graph, found) = graph::resolve(evaluated, &project.settings);
    diagnostics.extend(found);
    if project.settings.core.is_some() {
        // Dataform passes over it.
        diagnostics.weaken_where(|found| found.code == Code::UnusedInput);
    }
    diagnostics.extend(history_in_the_way(&project, &graph));
    diagnostics.sort();
    Ok(Compilation { project, graph, run_time_data, analysis: Analysis::default(), diagnostics })
}

impl Compilation {
    /// The same project once more with all that it names in one schema. Actions have the same ids, and places are those of the
    /// same files. The SQL has been checked already.
    #[must_use]
    pub fn in_scratch(&self, scratch: Scratch) -> Self {
        let project = self.project.in_scratch(scratch);
        let (mut evaluated, mut diagnostics) = template::evaluate(&project);
        let run_time_data = std::mem::take(&mut evaluated.run_time_data);
        let (graph, found) = graph::resolve(evaluated, &project.settings);
        diagnostics.extend(found);
        if project.settings.core.is_some() {
            diagnostics.weaken_where(|found| found.code == Code::UnusedInput);
        }
        diagnostics.sort();
        Self { project, graph, run_time_data, analysis: Analysis::default(), diagnostics }
    }
}

/// The history cannot be kept in what the project makes. Whoever reads it declares it.
fn history_in_the_way(project: &Project, graph: &Graph) -> Option<Diagnostic> {
    let (history, span) = project.history()?;
    let is_it = |target: &Target| target.to_string().eq_ignore_ascii_case(&history.to_string());
    let (_, action) =
        graph.iter().find(|(_, action)| is_it(&action.target) && !matches!(action.kind, Kind::Declaration))?;
    let file = project.sources.get(action.name_span.file).path().to_owned();
    Some(
        Diagnostic::error(Code::InvalidSettings, format!("the history cannot be in `{history}`: {file} makes that"))
            .at(span, "")
            .help("give the history another name"),
    )
}

/// A ref to nothing stands for a name that nobody knows: that is one mistake, not two.
fn leave_out_follow_ups(diagnostics: &mut Diagnostics) {
    let is_ref = |found: &&Diagnostic| matches!(found.code, Code::UnknownRef | Code::AmbiguousRef);
    let refs: Vec<Span> = diagnostics.iter().filter(is_ref).filter_map(Diagnostic::span).collect();
    let holds = |span: Span| refs.iter().any(|of| of.file == span.file && span.start <= of.start && of.end <= span.end);
    diagnostics.retain(|found| {
        !matches!(found.code, Code::UnknownColumn | Code::UnknownAlias) || !found.span().is_some_and(holds)
    });
}

/// Of a file with the marks of a merge in it only that is reported; as a warning if the project compiles for all that.
fn settle(project: &Project, diagnostics: &mut Diagnostics) {
    let is_unsettled = |found: &Diagnostic| found.span().is_some_and(|span| project.unsettled.contains(&span.file));
    let is_mark = |found: &Diagnostic| found.code == Code::UnreadableFile && is_unsettled(found);
    let is_wrong = diagnostics.iter().any(|found| {
        let is_in_doubt = found.code == Code::SqlNotUnderstood && is_unsettled(found);
        !is_mark(found) && (found.severity == Severity::Error || is_in_doubt)
    });
    diagnostics.retain(|found| !is_unsettled(found) || is_mark(found));
    if !is_wrong {
        diagnostics.weaken_where(is_mark);
    }
}
