//! The pipeline, from files to a checked graph, on one page.

use std::sync::Arc;

use crate::analysis;
use crate::diagnostic::{Code, Diagnostics};
use crate::files::FileSystem;
use crate::graph::{self, Graph};
use crate::project::{self, LoadError, Overrides, Project};
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
    let (project, mut diagnostics) = project::load(files, overrides, secret)?;
    let (mut evaluated, found) = template::evaluate(&project);
    diagnostics.extend(found);
    let run_time_data = std::mem::take(&mut evaluated.run_time_data);
    let (graph, found) = graph::resolve(evaluated, &project.settings);
    diagnostics.extend(found);
    if project.settings.core.is_some() {
        // Dataform passes over it.
        diagnostics.weaken_all(Code::UnusedInput);
    }
    diagnostics.extend(analysis::analyze(&graph, &project.settings));
    diagnostics.retain(|diagnostic| {
        let is_of_merge = diagnostic.code == Code::UnreadableFile;
        is_of_merge || diagnostic.span().is_none_or(|span| !project.unsettled.contains(&span.file))
    });
    diagnostics.sort();
    Ok(Compilation { project, graph, run_time_data, diagnostics })
}
