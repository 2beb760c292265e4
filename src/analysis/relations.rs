//! Which action a name in a text stands for.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use crate::action::{ActionId, Check, Kind, Rendered};
use crate::analysis::bind::{Known, Relations};
use crate::analysis::bound::SourceKind;
use crate::analysis::facts::Facts;
use crate::graph::Graph;

/// The actions by the last part of their names, and what is known of them so far.
pub(super) struct Index<'a> {
    graph: &'a Graph,
    by_name: HashMap<String, Vec<ActionId>>,
    facts: Vec<OnceLock<Facts>>,
    /// In which round each is looked at.
    rounds: Vec<usize>,
    checks: HashMap<ActionId, Vec<&'a Check>>,
    /// The words of all statements that may make relations which are no actions, in lower case.
    words: OnceLock<HashSet<String>>,
    /// Those that may name a relation whose columns a statement changes.
    altered: OnceLock<HashSet<String>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut by_name: HashMap<String, Vec<ActionId>> = HashMap::new();
        let mut facts = Vec::new();
        let rounds = rounds(graph);
        let mut checks: HashMap<ActionId, Vec<&Check>> = HashMap::new();
        for (id, action) in graph.iter() {
            facts.push(OnceLock::new());
            if action.kind.has_output() {
                by_name.entry(action.target.name.to_lowercase()).or_default().push(id);
            }
            if let Kind::Assertion(assertion) = &action.kind
                && !action.disabled
                && let Some(of) = assertion.check.of()
                && let [of] = graph.names().find(of).collect::<Vec<_>>()[..]
            {
                checks.entry(of).or_default().push(&assertion.check);
            }
        }
        Self { graph, by_name, facts, rounds, checks, words: OnceLock::new(), altered: OnceLock::new() }
    }

    /// The actions of each round. None reads what another one of its round makes, as far as refs say.
    pub(super) fn rounds(&self) -> Vec<Vec<ActionId>> {
        let last = self.rounds.iter().max().map_or(0, |last| last + 1);
        let mut rounds = vec![Vec::new(); last];
        for id in self.graph.order() {
            rounds[self.rounds[id.index()]].push(*id);
        }
        rounds
    }

    /// What assertions check of the rows of an action.
    pub(super) fn checks(&self, of: ActionId) -> &[&'a Check] {
        self.checks.get(&of).map(Vec::as_slice).unwrap_or_default()
    }

    /// The columns that tell the rows of an action apart, as its author has it.
    pub(super) fn declared_keys(&self, of: ActionId) -> Vec<&'a [String]> {
        let action = self.graph.get(of);
        let own = match &action.kind {
            Kind::Model(model) => &model.unique_key,
            _ => &action.documentation.unique_key,
        };
        let checked = self.checks(of).iter().filter_map(|check| match check {
            Check::Unique { columns, .. } => Some(columns.as_slice()),
            _ => None,
        });
        std::iter::once(own.as_slice()).filter(|key| !key.is_empty()).chain(checked).collect()
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
        let words = self.words.get_or_init(|| self.texts().flat_map(words_of).collect());
        self.by_name.get(&name).is_some_and(|named| named.iter().any(is_alike)) || words.contains(&name)
    }

    /// Whether a statement of the project may change the columns of the relation of that path.
    fn may_alter(&self, path: &[String]) -> bool {
        let altered = self.altered.get_or_init(|| self.texts().flat_map(altered_names).collect());
        path.last().is_none_or(|name| altered.contains(&name.to_lowercase()))
    }

    /// All statements that are run as they are.
    fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.graph.iter().flat_map(|(_, action)| super::statements(&action.kind)).map(Rendered::text)
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
        // What is read without a ref may be looked at later; whether it has been already is for no thread to decide.
        let is_earlier = self.index.rounds[id.index()] < self.index.rounds[self.id.index()];
        Some(match self.index.facts[id.index()].get().filter(|_| is_earlier) {
            Some(facts) => facts.known_as(kind),
            None => Facts::unknown().known_as(kind),
        })
    }

    fn may_be_altered(&self, path: &[String]) -> bool {
        self.index.may_alter(path)
    }
}

/// For each action the longest way to it; declarations, which need nothing, come before all others.
fn rounds(graph: &Graph) -> Vec<usize> {
    let mut rounds = vec![0; graph.order().len()];
    for id in graph.order() {
        let first = usize::from(!matches!(graph.get(*id).kind, Kind::Declaration));
        let below = graph.dependencies(*id).into_iter().map(|id| rounds[id.index()] + 1);
        rounds[id.index()] = below.max().unwrap_or(0).max(first);
    }
    rounds
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The words of a text that may be names of relations which it alters or makes: those soon behind TABLE, or all if what it calls
/// may do so.
fn altered_names(text: &str) -> Vec<String> {
    const NAME: usize = 8;
    let words: Vec<String> = words_of(text).collect();
    if words.iter().any(|word| matches!(word.as_str(), "call" | "execute")) {
        return words;
    }
    let tables = (0..words.len()).filter(|place| words[*place] == "table");
    let changing = tables.filter(|place| place.checked_sub(1).is_none_or(|before| words[before] != "truncate"));
    changing.flat_map(|place| words[place..].iter().skip(1).take(NAME).cloned()).collect()
}
