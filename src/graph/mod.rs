//! Actions and what they depend on.

mod cycle;
mod resolve;
mod selector;
mod unit_test;

use std::sync::Arc;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::{Direction, algo};

use crate::action::{Action, ActionId, Names};

pub use resolve::resolve;
pub use selector::{SelectError, Selection, Selector};
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
            for dependency in &action.dependencies {
                edges.update_edge(node(dependency.on), node(id), ());
            }
        }
        let order = algo::toposort(&edges, None).map_or_else(
            |_| (0..).map(ActionId).take(actions.len()).collect(),
            |order| order.into_iter().map(id).collect(),
        );
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

    /// All ids, each behind everything that it depends on.
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

fn node(id: ActionId) -> NodeIndex {
    NodeIndex::new(id.index())
}

#[expect(clippy::cast_possible_truncation, reason = "petgraph's own index is a u32")]
fn id(node: NodeIndex) -> ActionId {
    ActionId(node.index() as u32)
}
