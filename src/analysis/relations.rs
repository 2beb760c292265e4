//! Which action a name in a text stands for.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::action::ActionId;
use crate::analysis::bind::{Known, Relations};
use crate::analysis::bound::SourceKind;
use crate::analysis::facts::Facts;
use crate::graph::Graph;

/// The actions by the last part of their names, and what is known of them so far.
pub(super) struct Index<'a> {
    graph: &'a Graph,
    by_name: HashMap<String, Vec<ActionId>>,
    facts: Vec<OnceLock<Facts>>,
    /// The words of all statements that may make relations which are no actions, in lower case.
    words: OnceLock<HashSet<String>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut by_name: HashMap<String, Vec<ActionId>> = HashMap::new();
        let mut facts = Vec::new();
        for (id, action) in graph.iter() {
            facts.push(OnceLock::new());
            if action.kind.has_output() {
                by_name.entry(action.target.name.to_lowercase()).or_default().push(id);
            }
        }
        Self { graph, by_name, facts, words: OnceLock::new() }
    }

    /// Notes what is known of an action. Those that read it come later.
    pub(super) fn set(&self, id: ActionId, facts: Facts) {
        // Each action is looked at once.
        let _ = self.facts[id.index()].set(facts);
    }

    pub(super) fn into_facts(self) -> Vec<Facts> {
        self.facts.into_iter().map(|facts| facts.into_inner().unwrap_or_else(Facts::unknown)).collect()
    }

    /// What the text of an action sees. `own` is what its table holds, if that is known.
    pub(super) fn seen_by<'i>(&'i self, id: ActionId, own: Option<&'i Facts>) -> Seen<'i, 'a> {
        Seen { index: self, id, own }
    }

    /// Whether an action may be meant by that path, or a statement may make a relation of that name.
    pub(super) fn may_make(&self, path: &[String]) -> bool {
        let Some(name) = path.last().map(|name| name.to_lowercase()) else { return true };
        let is_alike = |id: &ActionId| {
            let parts: Vec<&str> = self.graph.get(*id).target.parts().collect();
            let same = |(one, other): (&&str, &String)| one.eq_ignore_ascii_case(other);
            parts.iter().rev().zip(path.iter().rev()).all(same)
        };
        let words = self.words.get_or_init(|| {
            let actions = self.graph.iter().map(|(_, action)| &action.kind);
            actions.flat_map(super::statements).flat_map(|text| words_of(text.text())).collect()
        });
        self.by_name.get(&name).is_some_and(|named| named.iter().any(is_alike)) || words.contains(&name)
    }

    /// The action of that path, if there is one. A path may leave out the database, and the schema only if the action has
    /// none.
    fn find(&self, path: &[String]) -> Option<ActionId> {
        let named = self.by_name.get(&path.last()?.to_lowercase())?;
        let is_it = |id: &&ActionId| {
            let target = &self.graph.get(**id).target;
            let parts: Vec<&str> = target.parts().collect();
            let same = |(one, other): (&&str, &String)| one.eq_ignore_ascii_case(other);
            let (short, long) = (path.len(), parts.len());
            let ends = short <= long && parts[long - short..].iter().zip(path).all(same);
            ends && (short == long || short > 1)
        };
        let mut found = named.iter().filter(is_it);
        found.next().copied().filter(|_| found.next().is_none())
    }
}

/// The relations as one action sees them.
pub(super) struct Seen<'i, 'a> {
    index: &'i Index<'a>,
    id: ActionId,
    own: Option<&'i Facts>,
}

impl Relations for Seen<'_, '_> {
    fn find(&self, path: &[String]) -> Option<Known> {
        let id = self.index.find(path)?;
        if id == self.id {
            return Some(match self.own {
                Some(facts) => facts.known_as(SourceKind::Own),
                None => Facts::unknown().known_as(SourceKind::Own),
            });
        }
        let kind = SourceKind::Action(id);
        Some(match self.index.facts[id.index()].get() {
            Some(facts) => facts.known_as(kind),
            None => Facts::unknown().known_as(kind),
        })
    }
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}
