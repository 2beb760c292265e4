use std::collections::{HashMap, VecDeque};

use petgraph::algo;

use crate::action::ActionId;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Graph, id};

/// About as much as takes a tenth of a second.
const MOST_STEPS: usize = 200_000;

/// A longer circle is shown by its first actions.
const MOST_SHOWN: usize = 10;

/// The shortest circle of each group of actions that depend on each other.
pub(super) fn find(graph: &Graph) -> Vec<Diagnostic> {
    let groups = algo::tarjan_scc(&graph.edges).into_iter().map(|group| {
        let mut group: Vec<ActionId> = group.into_iter().map(id).collect();
        group.sort_unstable();
        group
    });
    groups.filter_map(|group| shortest(graph, &group)).map(|circle| report(graph, &circle)).collect()
}

/// Each action of the circle depends on the next one, the last on the first.
fn shortest(graph: &Graph, group: &[ActionId]) -> Option<Vec<ActionId>> {
    let mut best: Option<Vec<ActionId>> = None;
    // Looking from each action takes as many steps as there are actions; in a huge group any short circle will do.
    for start in group.iter().take((MOST_STEPS / group.len().max(1)).max(1)) {
        // Of circles of the same length the first one counts, so a later one must be shorter.
        let limit = best.as_ref().map_or(group.len(), |best| best.len() - 1);
        best = circle_from(graph, *start, group, limit).or(best);
    }
    best
}

/// The shortest circle through `start`, if it has no more than `limit` actions.
fn circle_from(graph: &Graph, start: ActionId, group: &[ActionId], limit: usize) -> Option<Vec<ActionId>> {
    let mut came_from: HashMap<ActionId, ActionId> = HashMap::new();
    let mut queue = VecDeque::from([(start, 1)]);
    while let Some((at, length)) = queue.pop_front() {
        if length > limit {
            return None;
        }
        for next in graph.dependencies(at) {
            if next == start {
                let mut circle = vec![at];
                while let Some(before) =
                    circle.last().filter(|last| **last != start).and_then(|last| came_from.get(last))
                {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            if group.binary_search(&next).is_ok() && !came_from.contains_key(&next) {
                came_from.insert(next, at);
                queue.push_back((next, length + 1));
            }
        }
    }
    None
}

fn report(graph: &Graph, circle: &[ActionId]) -> Diagnostic {
    let name = |id: ActionId| format!("`{}`", graph.get(id).target.name);
    let mut chain: Vec<String> = circle.iter().take(MOST_SHOWN).map(|id| name(*id)).collect();
    if circle.len() > MOST_SHOWN {
        chain.push(format!("{} more", circle.len() - MOST_SHOWN));
    }
    chain.extend(circle.first().map(|id| name(*id)));
    let message = match circle {
        [only] => format!("{} depends on itself", name(*only)),
        _ => format!("these depend on each other in a circle: {}", chain.join(" → ")),
    };
    let mut diagnostic = Diagnostic::error(Code::CircularDependency, message);
    for (at, from) in circle.iter().enumerate().take(MOST_SHOWN) {
        let to = circle[(at + 1) % circle.len()];
        let place = graph.get(*from).dependencies.iter().find(|dependency| dependency.on == to);
        if let Some(dependency) = place {
            diagnostic = diagnostic.at(dependency.origin.call, format!("{} needs {}", name(*from), name(to)));
        }
    }
    diagnostic.help(match circle {
        [_] => "a model reads its own table with `self()`, which is no dependency",
        _ => "take one of these refs out",
    })
}
