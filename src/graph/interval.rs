use crate::action::{Action, ActionId, Intervals, Kind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::graph::Graph;

/// Whether each model that is kept by intervals says which rows are in one, and reads something that says when.
pub(super) fn check(graph: &Graph) -> Diagnostics {
    let mut diagnostics = Diagnostics::default();
    for (_, action) in graph.iter() {
        diagnostics.extend(unbounded(action));
        diagnostics.extend(timeless(graph, action));
    }
    diagnostics
}

fn intervals(action: &Action<ActionId>) -> Option<Intervals> {
    let Kind::Model(model) = &action.kind else { return None };
    model.intervals()
}

fn unbounded(action: &Action<ActionId>) -> Option<Diagnostic> {
    let intervals = intervals(action)?;
    let Kind::Model(model) = &action.kind else { return None };
    let incremental = model.incremental()?;
    let texts = [Some(&incremental.texts.query), incremental.filter.as_ref()];
    let holds = |mark: &str| texts.into_iter().flatten().any(|text| text.is_broken() || text.text().contains(mark));
    let missing: Vec<&str> = Intervals::marks(intervals.width)
        .into_iter()
        .zip(["`${interval.start}`", "`${interval.end}`"])
        .filter(|(mark, _)| !holds(mark))
        .map(|(_, written)| written)
        .collect();
    if missing.is_empty() {
        return None;
    }
    let name = &action.canonical.name;
    let message = format!("`{name}` is kept by intervals, and its query has no {}", missing.join(" and no "));
    let help = "say which rows are in an interval: `where … >= ${interval.start} and … < ${interval.end}`";
    Some(Diagnostic::error(Code::UnfitAction, message).at(action.name_span, "").help(help))
}

fn timeless(graph: &Graph, action: &Action<ActionId>) -> Option<Diagnostic> {
    intervals(action)?;
    let says_when = |id: ActionId| graph.get(id).documentation.times.event.is_some();
    let reads = || action.dependencies.iter().filter(|dependency| dependency.is_read).map(|dependency| dependency.on);
    if reads().any(says_when) {
        return None;
    }
    let name = &action.canonical.name;
    let message = format!("`{name}` is kept by intervals, and nothing that it reads says when");
    let help = match reads().next() {
        Some(first) => {
            format!("add `eventTime: \"…\"` to the config of `{}`, or of another one", graph.get(first).canonical.name)
        }
        None => "refer to what it reads by `${ref(\"…\")}`, and give that an `eventTime`".to_owned(),
    };
    Some(Diagnostic::error(Code::UnfitAction, message).at(action.name_span, "").help(help))
}
