use crate::action::{Action, ActionId, Kind, Materialization, TestInput, UnitTest};
use crate::diagnostic::{Code, Diagnostic, article, did_you_mean};
use crate::graph::Graph;

/// What an input of a unit test stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputMatch {
    /// The table of the tested model as it was before the run.
    Before,
    /// A relation that the model refers to.
    Action(ActionId),
    /// A relation that the model names in its text without a ref.
    Literal,
}

impl Graph {
    /// The model that a unit test tests.
    pub fn tested(&self, test: &UnitTest) -> Option<ActionId> {
        let mut found = self.names.find(&test.tested);
        found.next().filter(|id| matches!(self.get(*id).kind, Kind::Model(_)))
    }

    /// What an input stands for: the tested model, one of the relations that it refers to, or a name in its text.
    pub fn match_input(&self, tested: ActionId, input: &TestInput) -> InputMatch {
        let mut meant = self.names.find(&input.relation);
        match meant.find(|id| *id == tested || self.edges.contains_edge(super::node(*id), super::node(tested))) {
            Some(id) if id == tested => InputMatch::Before,
            Some(id) => InputMatch::Action(id),
            None => InputMatch::Literal,
        }
    }
}

/// Whether each unit test has a model and the rows that the model needs.
pub(super) fn check(graph: &Graph) -> Vec<Diagnostic> {
    let tests = graph.iter().filter_map(|(_, action)| match &action.kind {
        Kind::Test(test) => Some((action, &**test)),
        _ => None,
    });
    tests.flat_map(|(action, test)| check_one(graph, action, test)).collect()
}

fn check_one(graph: &Graph, action: &Action<ActionId>, test: &UnitTest) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    // A name that is not known at all has been reported with the other dependencies.
    let Some(dependency) = action.dependencies.first() else { return diagnostics };
    let Some(tested) = graph.tested(test) else {
        if matches!(graph.get(dependency.on).kind, Kind::Unknown) {
            return diagnostics;
        }
        let other = graph.get(dependency.on);
        let message = format!("`{}` is {}; only a model can be tested", test.tested, with_article(other.kind.word()));
        diagnostics.push(
            Diagnostic::error(Code::InvalidConfig, message)
                .at(dependency.origin.call, "")
                .help("name a table, a view or an incremental table as its `dataset`"),
        );
        return diagnostics;
    };
    let model = graph.get(tested);
    let texts = texts(model);
    let mut given = Vec::new();
    for input in &test.inputs {
        match graph.match_input(tested, input) {
            InputMatch::Action(id) => given.push(id),
            InputMatch::Before if is_incremental(model) => given.push(tested),
            InputMatch::Before => {
                let message = format!("`{}` is no incremental table, so it has no rows before a run", test.tested);
                diagnostics.push(
                    Diagnostic::error(Code::UnusedInput, message)
                        .at(input.span, "")
                        .help("take this input out: the test of a table or a view begins with an empty warehouse"),
                );
            }
            // Without a ref the name stands in the text as it is.
            InputMatch::Literal if texts.iter().any(|text| text.contains(&input.relation.name)) => {}
            InputMatch::Literal => {
                let message = format!("`{}` does not read `{}`", test.tested, input.relation);
                let read = graph.dependencies(tested);
                let read: Vec<&str> = read.iter().map(|id| graph.get(*id).canonical.name.as_str()).collect();
                let reads = match read.as_slice() {
                    [] => "take it out: the model refers to nothing".to_owned(),
                    names => format!("take it out, or name what the model reads: `{}`", names.join("`, `")),
                };
                diagnostics.push(
                    Diagnostic::error(Code::UnusedInput, message)
                        .at(input.span, "")
                        .help(did_you_mean(&input.relation.name, read).unwrap_or(reads)),
                );
            }
        }
    }
    for id in graph.dependencies(tested) {
        let read = graph.get(id);
        let has_rows =
            matches!(read.kind, Kind::Model(_) | Kind::Declaration | Kind::Operations { has_output: true, .. });
        if has_rows && !given.contains(&id) {
            let message =
                format!("the test gives no rows for `{}`, which `{}` reads", read.canonical.name, test.tested);
            diagnostics.push(
                Diagnostic::error(Code::MissingInput, message)
                    .at(dependency.origin.call, "")
                    .help(format!("add `input \"{}\" {{ select … }}`", read.canonical.name)),
            );
        }
    }
    diagnostics
}

fn with_article(word: &str) -> String {
    match word {
        "operations" => word.to_owned(),
        _ => format!("{} {word}", article(word)),
    }
}

fn is_incremental(action: &Action<ActionId>) -> bool {
    matches!(&action.kind, Kind::Model(model) if matches!(model.materialization, Materialization::Incremental(_)))
}

fn texts(action: &Action<ActionId>) -> Vec<&str> {
    let Kind::Model(model) = &action.kind else { return Vec::new() };
    let mut texts = vec![model.texts.query.text()];
    if let Materialization::Incremental(incremental) = &model.materialization {
        texts.push(incremental.texts.query.text());
    }
    texts
}
