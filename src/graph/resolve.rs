use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use crate::action::{Action, ActionId, Dependency, Kind, Reference};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::graph::{Graph, cycle, interval, unit_test};
use crate::project::Settings;
use crate::relation::Target;
use crate::template::Evaluated;

/// Links actions to what they depend on. What cannot be linked is reported and left out.
pub fn resolve(evaluated: Evaluated, settings: &Settings) -> (Graph, Diagnostics) {
    let Evaluated { actions, names, is_complete, .. } = evaluated;
    let mut diagnostics = Diagnostics::default();
    report_duplicates(&actions, &mut diagnostics);

    let no_output: BTreeSet<ActionId> =
        (0..).map(ActionId).zip(&actions).filter(|(_, action)| !action.kind.has_output()).map(|(id, _)| id).collect();
    let link = |(id, action): (usize, &Action<Reference>)| {
        let id = ActionId(u32::try_from(id).unwrap_or(u32::MAX));
        let mut dependencies: Vec<Dependency<ActionId>> = Vec::with_capacity(action.dependencies.len());
        let mut written = Vec::with_capacity(action.dependencies.len());
        let mut found = Diagnostics::default();
        for dependency in &action.dependencies {
            match names.resolve(&dependency.on, dependency.origin, Some(id)) {
                // It may have a name that is not known.
                Err(diagnostic) if diagnostic.code == Code::UnknownRef && !is_complete => {}
                Err(diagnostic) => found.push(diagnostic),
                Ok(on) => {
                    if no_output.contains(&on) && dependency.is_read {
                        found.push(refers_to_nothing(&actions[on.index()], dependency));
                    }
                    dependencies.push(dependency.map(on));
                    written.push(&dependency.on);
                }
            }
        }
        found.extend(conflicting(&dependencies, &written, &actions, settings));
        (dependencies, found)
    };
    let (mut linked, found): (Vec<_>, Vec<_>) = actions.par_iter().enumerate().map(link).unzip();
    diagnostics.extend(found.into_iter().flatten());
    add_assertions(&actions, &mut linked);

    let actions: Vec<Action<ActionId>> =
        actions.into_iter().zip(linked).map(|(action, dependencies)| action.with_dependencies(dependencies)).collect();
    let graph = Graph::new(actions, names);
    diagnostics.extend(cycle::find(&graph));
    diagnostics.extend(unit_test::check(&graph));
    diagnostics.extend(interval::check(&graph));
    (graph, diagnostics)
}

fn refers_to_nothing(of: &Action<Reference>, dependency: &Dependency<Reference>) -> Diagnostic {
    let message = format!("`{}` has no output to refer to", dependency.on);
    Diagnostic::error(Code::UnfitAction, message)
        .at(dependency.origin.call, "")
        .at(of.name_span, "these operations make nothing of that name")
        .help("add `hasOutput: true` to its config if it makes a relation of that name, or list it in `dependencies`")
}

/// Dependencies on the same action that bring its assertions along here and not there. Dataform finds only those that are
/// written as the same name.
fn conflicting(
    dependencies: &[Dependency<ActionId>],
    written: &[&Reference],
    actions: &[Action<Reference>],
    settings: &Settings,
) -> Vec<Diagnostic> {
    let full = |name: &Reference| {
        let defaults = &settings.defaults;
        let schema = name.schema.clone().or_else(|| defaults.schema.clone());
        (name.database.clone().or_else(|| defaults.database.clone()), schema)
    };
    let mut first: HashMap<ActionId, (&Dependency<ActionId>, &Reference)> = HashMap::new();
    let mut found = Vec::new();
    for (dependency, name) in dependencies.iter().zip(written) {
        let (known, known_name) = *first.entry(dependency.on).or_insert((dependency, name));
        if known.with_assertions != dependency.with_assertions {
            let is_known = settings.core.is_none() || full(name) == full(known_name);
            let severity = if is_known { Severity::Error } else { Severity::Warning };
            let name = &actions[dependency.on.index()].canonical.name;
            let message = format!("`{name}` is needed with its assertions and without them");
            let diagnostic = Diagnostic { severity, ..Diagnostic::error(Code::InvalidConfig, message) };
            let help = "give `includeDependentAssertions` the same value in both places";
            found.push(diagnostic.at(dependency.origin.call, "").at(known.origin.call, "and here").help(help));
        }
    }
    found
}

fn report_duplicates(actions: &[Action<Reference>], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<(&Target, bool), &Action<Reference>> = HashMap::with_capacity(actions.len());
    for action in actions {
        let Action { target, kind, name_span, .. } = action;
        let first = match seen.entry((target, matches!(kind, Kind::Test(_)))) {
            Entry::Vacant(entry) => {
                entry.insert(action);
                continue;
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        diagnostics.push(
            Diagnostic::error(Code::DuplicateAction, format!("{} `{target}` is defined twice", kind.word()))
                .at(*name_span, "")
                .at(first.name_span, "the first one")
                .help("rename one of them, or give it another schema"),
        );
    }
}

/// Whoever depends on an action together with its assertions depends on every assertion that depends on it.
fn add_assertions(actions: &[Action<Reference>], linked: &mut [Vec<Dependency<ActionId>>]) {
    let mut assertions: HashMap<ActionId, Vec<ActionId>> = HashMap::new();
    for (id, action) in (0..).map(ActionId).zip(actions) {
        if matches!(action.kind, Kind::Assertion(_)) {
            for dependency in &linked[id.index()] {
                assertions.entry(dependency.on).or_default().push(id);
            }
        }
    }
    for (own, dependencies) in (0..).map(ActionId).zip(linked) {
        let mut with = Vec::with_capacity(dependencies.len());
        for dependency in dependencies.drain(..) {
            let of = assertions.get(&dependency.on).filter(|_| dependency.with_assertions);
            let of = of.map(Vec::as_slice).unwrap_or_default().iter().filter(|id| **id != own);
            let more = of.map(|id| Dependency { with_assertions: false, is_read: false, ..dependency.map(*id) });
            let more: Vec<_> = more.collect();
            with.push(dependency);
            with.extend(more);
        }
        *dependencies = with;
    }
}
