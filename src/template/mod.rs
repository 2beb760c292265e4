//! Templates to SQL: JavaScript and Jinja over one set of functions.
//!
//! Two passes: every name is declared, then every body is rendered, so that a `ref` knows all names wherever they stand.

mod advice;
mod build;
mod checks;
mod config;
mod declare;
mod generated;
mod javascript;
mod jinja;
mod jinja_error;
mod limits;
mod render;
mod scope;
mod tags;

use std::sync::Arc;

use rayon::prelude::*;

use crate::action::{Action, ActionId, Names, Reference};
use crate::diagnostic::Diagnostics;
use crate::project::Project;
use crate::sqlx;
use crate::template::advice::advised;
use crate::template::build::Builder;
use crate::template::declare::{What, declare};
use crate::template::javascript::Engine;
use crate::template::jinja::Jinja;
use crate::template::render::Renderer;
use crate::template::scope::Catalog;

/// What the files of a project declare. An action's place in the list is its id.
#[derive(Debug)]
pub struct Evaluated {
    /// In order of the files' paths; a model's inline assertions stand before it.
    pub actions: Vec<Action<Reference>>,
    /// Finds them. Unit tests are not in it: nothing refers to them.
    pub names: Arc<Names>,
}

/// Declares the actions of a project and renders their texts.
pub fn evaluate(project: &Project) -> (Evaluated, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let jinja_is_on = project.settings.jinja;
    let parsed: Vec<_> =
        project.definitions.par_iter().map(|id| (*id, sqlx::parse(project.sources.get(*id), jinja_is_on))).collect();
    let files = parsed.into_iter().map(|(id, (file, found))| {
        diagnostics.extend(found);
        (id, file)
    });
    let files: Vec<_> = files.collect();

    let (engine, found) = Engine::start(project);
    diagnostics.extend(found);
    let (declared, found) = declare(project, &engine, files);
    diagnostics.extend(found);

    let dialect = project.settings.dialect;
    let named = (0..).map(ActionId).zip(&declared).filter(|(_, declared)| !declared.is_test());
    let names = Arc::new(Names::new(named.map(|(id, declared)| (id, declared.canonical.clone()))));
    let catalog = Arc::new(Catalog {
        names: Arc::clone(&names),
        relations: declared.iter().map(|declared| dialect.relation(&declared.target)).collect(),
        dialect,
        vars: project.settings.vars.clone(),
    });

    let (jinja, found) = Jinja::start(project);
    diagnostics.extend(found);
    let inherited: Vec<_> = declared.iter().map(declare::Declared::inherited).collect();
    let parents: Vec<_> = declared.iter().map(|declared| declared.canonical.clone()).collect();
    let mut builder =
        Builder { project, catalog: &catalog, renderer: Renderer::new(project, &engine, &jinja), diagnostics };
    let actions = declared.into_iter().zip(0..).map(|(declared, id)| {
        let of = match &declared.what {
            What::File { .. } => id,
            What::Check { of, .. } => of.index(),
        };
        builder.build(declared, &parents[of], &catalog.relations[of], &inherited[of])
    });
    let actions = actions.collect();
    let mut diagnostics = Diagnostics::default();
    diagnostics.extend(builder.diagnostics.into_iter().map(advised));
    (Evaluated { actions, names }, diagnostics)
}
