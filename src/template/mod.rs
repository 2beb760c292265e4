//! Templates to SQL: JavaScript and Jinja over one set of functions.
//!
//! Two passes: every name is declared, then every body is rendered, so that a `ref` knows all names wherever they stand.

mod advice;
mod build;
mod checks;
mod config;
mod declare;
mod engine;
mod generated;
mod jinja;
mod jinja_error;
mod limits;
mod render;
mod scope;
mod tags;

pub use engine::running_longer_than;

use std::sync::Arc;

use rayon::prelude::*;

use crate::action::{Action, ActionId, Names, Reference};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::FileId;
use crate::project::Project;
use crate::sqlx;
use crate::template::advice::advised;
use crate::template::build::Builder;
use crate::template::config::Rules;
use crate::template::declare::{Read, declare};
use crate::template::engine::{Engine, is_follow_up};
use crate::template::jinja::Jinja;
use crate::template::render::{Engines, Includes, Means, Renderer};
use crate::template::scope::{Catalog, Unresolved};

/// What the files of a project declare. An action's place in the list is its id.
#[derive(Debug)]
pub struct Evaluated {
    /// In the order in which they were made; a model's inline assertions stand before it.
    pub actions: Vec<Action<Reference>>,
    /// Finds them. Unit tests are not in it: nothing refers to them.
    pub names: Arc<Names>,
    /// Whether no names are missing because a file has failed that code needs.
    pub is_complete: bool,
    /// What code keeps for run time (Dataform's `jitData`): a JSON object as text.
    pub run_time_data: String,
}

/// Declares the actions of a project and renders their texts.
pub fn evaluate(project: &Project) -> (Evaluated, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let rules = Rules::of(&project.settings);
    let parse = |id: &FileId| {
        let file = project.sources.get(*id);
        let parse = || {
            let (sqlx, found) = sqlx::parse(file, project.settings.jinja);
            let config = Read::literal(file, &sqlx, rules);
            ((sqlx, config), found)
        };
        let is_code = file.path().ends_with(".js");
        (*id, (!is_code).then(parse))
    };
    let mut parsed = Vec::new();
    // The engine stays on this thread.
    let (engine, of_engine) = rayon::in_place_scope(|scope| {
        scope.spawn(|_| parsed = project.definitions.par_iter().map(parse).collect());
        Engine::start(project)
    });
    let files = parsed.into_iter().map(|(id, parsed)| {
        let sqlx = parsed.map(|(sqlx, found)| {
            diagnostics.extend(found);
            sqlx
        });
        (id, sqlx)
    });
    let files: Vec<_> = files.collect();

    diagnostics.extend(of_engine);
    let (declared, is_complete, found) = declare(project, &engine, files);
    diagnostics.extend(found);
    diagnostics.extend(unused_sql(project));

    let dialect = project.settings.dialect;
    let named = (0..).map(ActionId).zip(&declared).filter(|(_, declared)| !declared.is_test());
    let names = Arc::new(Names::new(named.map(|(id, declared)| (id, declared.named.clone()))));
    let is_old = project.settings.core.is_some_and(|core| core.major < 3);
    let catalog = Arc::new(Catalog {
        names: Arc::clone(&names),
        relations: declared.iter().map(|declared| project.relation(&declared.target)).collect(),
        dialect,
        vars: project.settings.vars.clone(),
        unresolved: is_old
            .then(|| Unresolved { defaults: project.settings.defaults.clone(), naming: project.naming() }),
        is_dataform_3: project.settings.core.is_some_and(|core| core.major >= 3),
    });

    let (jinja, found) = Jinja::start(project);
    diagnostics.extend(found);
    let includes = Includes::new(project);
    let means = Means::Engines(Engines { javascript: &engine, jinja: &jinja });
    let renderer = Renderer::new(project, &includes, means);
    let mut builder = Builder { project, catalog: &catalog, renderer, declared: &declared, diagnostics };
    let actions = builder.build();
    let mut diagnostics = Diagnostics::default();
    let run_time_data = engine.run_time_data().unwrap_or_else(|diagnostic| {
        builder.diagnostics.push(diagnostic);
        String::new()
    });
    let found = builder.diagnostics.into_iter().filter(|diagnostic| !is_follow_up(diagnostic));
    diagnostics.extend(found.map(advised));
    // Another thread takes it apart meanwhile.
    rayon::spawn(|| drop(declared));
    (Evaluated { actions, names, is_complete, run_time_data }, diagnostics)
}

/// A `.sql` file by itself is no action.
fn unused_sql(project: &Project) -> Vec<Diagnostic> {
    let unused = project.other_sql.iter().filter(|path| project.sources.find(path).is_none());
    let report = |path: &String| {
        let file = project.sources.get(project.sources.add(path, ""));
        Diagnostic::warning(Code::IgnoredFile, "this file is not read")
            .at(file.whole(), "")
            .help("make a `.sqlx` file of it, or name it in an `actions.yaml`")
    };
    unused.map(report).collect()
}
