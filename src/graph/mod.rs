//! Actions and what they depend on.

mod cycle;
mod interval;
mod resolve;
mod selector;
mod unit_test;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::action::{Action, ActionId, Names};

pub use resolve::resolve;
pub use selector::{SelectError, Selection, Selector, States};
pub use unit_test::InputMatch;

/// The actions of a project, linked. An edge goes from what must be there first to what needs it.
#[derive(Debug)]
pub struct Graph {
    actions: Vec<Action<ActionId>>,
    names: Arc<Names>,
    edges: DiGraph<(), ()>,
    order: Vec<ActionId>,
}

impl Graph {
    /// Of actions whose dependencies all exist. Where they form a circle, which has been reported, the order is that of
    /// their ids.
    fn new(actions: Vec<Action<ActionId>>, names: Arc<Names>) -> Self {
        let mut edges = DiGraph::with_capacity(actions.len(), actions.len());
        for _ in &actions {
            edges.add_node(());
        }
        for (id, action) in (0..).map(ActionId).zip(&actions) {
            let mut all: Vec<ActionId> = action.dependencies.iter().map(|dependency| dependency.on).collect();
            all.sort_unstable();
            all.dedup();
            // Each is there once now, so the graph need not look for it among all that depends on the same.
            for on in all {
                edges.add_edge(node(on), node(id), ());
            }
        }
        let order = order(&edges);
        Self { actions, names, edges, order }
    }

    /// The action of that id.
    pub fn get(&self, id: ActionId) -> &Action<ActionId> {
        &self.actions[id.index()]
    }

    /// All actions with their ids, in the order of the files' paths.
    pub fn iter(&self) -> impl Iterator<Item = (ActionId, &Action<ActionId>)> {
        (0..).map(ActionId).zip(&self.actions)
    }

    /// All ids, each behind everything that it depends on; otherwise in the order of the files' paths.
    pub fn order(&self) -> &[ActionId] {
        &self.order
    }

    /// What the action depends on, each once, in the order of ids.
    pub fn dependencies(&self, of: ActionId) -> Vec<ActionId> {
        self.neighbours(of, Direction::Incoming)
    }

    /// What depends on the action, each once, in the order of ids.
    pub fn dependents(&self, of: ActionId) -> Vec<ActionId> {
        self.neighbours(of, Direction::Outgoing)
    }

    fn neighbours(&self, of: ActionId, direction: Direction) -> Vec<ActionId> {
        let mut ids: Vec<ActionId> = self.edges.neighbors_directed(node(of), direction).map(id).collect();
        ids.sort_unstable();
        ids
    }

    /// Finds actions by name.
    pub fn names(&self) -> &Names {
        &self.names
    }
}

/// Of those that everything they depend on stands before, the one with the smallest id is always next. Where actions
/// form a circle, they and what depends on them come last, by id.
fn order(edges: &DiGraph<(), ()>) -> Vec<ActionId> {
    let mut waits_for: Vec<usize> =
        edges.node_indices().map(|node| edges.neighbors_directed(node, Direction::Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<NodeIndex>> =
        edges.node_indices().filter(|node| waits_for[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waits_for.len());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(id(node));
        for next in edges.neighbors_directed(node, Direction::Outgoing) {
            waits_for[next.index()] -= 1;
            if waits_for[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    order.extend(edges.node_indices().filter(|node| waits_for[node.index()] > 0).map(id));
    order
}

fn node(id: ActionId) -> NodeIndex {
    NodeIndex::new(id.index())
}

#[expect(clippy::cast_possible_truncation, reason = "petgraph's own index is a u32")]
fn id(node: NodeIndex) -> ActionId {
    ActionId(node.index() as u32)
}
