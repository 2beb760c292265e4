//! Which action a name in a text stands for.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use crate::action::{ActionId, Check, Kind, Rendered};
use crate::analysis::bind::{Known, Relations};
use crate::analysis::bound::{Columns, SourceKind};
use crate::analysis::facts::{self, Facts, Outline};
use crate::analysis::memory::{Answer, Digest, Question};
use crate::dialect::semantics::lower;
use crate::graph::Graph;
use crate::project::Project;
use crate::relation::Target;

/// The actions by the last part of their names, and what is known of them so far.
pub(super) struct Index<'a> {
    graph: &'a Graph,
    project: &'a Project,
    by_name: HashMap<String, Vec<ActionId>>,
    known: Vec<OnceLock<(Facts, Digest)>>,
    /// In which round each is looked at.
    rounds: Vec<usize>,
    checks: HashMap<ActionId, Vec<&'a Check>>,
    /// The words of all statements that may make relations which are no actions, in lower case.
    words: OnceLock<HashSet<String>>,
    /// Those that may name a relation whose columns a statement changes.
    altered: OnceLock<HashSet<String>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(graph: &'a Graph, project: &'a Project) -> Self {
        let mut by_name: HashMap<String, Vec<ActionId>> = HashMap::new();
        let mut known = Vec::new();
        let rounds = rounds(graph);
        let mut checks: HashMap<ActionId, Vec<&Check>> = HashMap::new();
        for (id, action) in graph.iter() {
            known.push(OnceLock::new());
            if action.kind.has_output() {
                by_name.entry(lower(&action.target.name).into_owned()).or_default().push(id);
            }
            if let Kind::Assertion(assertion) = &action.kind
                && !action.disabled
                && let Some(of) = assertion.check.of()
                && let [of] = graph.names().find(of).collect::<Vec<_>>()[..]
            {
                checks.entry(of).or_default().push(&assertion.check);
            }
        }
        Self { graph, project, by_name, known, rounds, checks, words: OnceLock::new(), altered: OnceLock::new() }
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

    /// Whether an assertion on the rows of an action says that a column is never NULL.
    pub(super) fn is_asserted(&self, of: ActionId, column: &str) -> bool {
        let says_so = |condition: &String| {
            let condition = condition.to_lowercase();
            condition.contains("is not null") && condition.contains(&column.to_lowercase())
        };
        self.checks(of).iter().any(|check| match check {
            Check::Rows { conditions, .. } => conditions.iter().any(says_so),
            _ => false,
        })
    }

    /// Notes what is known of an action. Those that read it come later.
    pub(super) fn set(&self, id: ActionId, facts: Facts) {
        let digest = Digest::of(&(self.profile(id), Outline(&facts)));
        // Each action is looked at once.
        let _ = self.known[id.index()].set((facts, digest));
    }

    pub(super) fn into_facts(self) -> Vec<Facts> {
        let known = self.known.into_iter().map(OnceLock::into_inner);
        known.map(|known| known.map_or_else(Facts::unknown, |(facts, _)| facts)).collect()
    }

    /// The door through which one action sees the others.
    pub(super) fn seen_by(&self, id: ActionId) -> Seen<'_, 'a> {
        Seen { index: self, id, asked: RefCell::default() }
    }

    /// What others may know of an action besides its columns and keys.
    pub(super) fn profile(&self, id: ActionId) -> Profile<'a> {
        let action = self.graph.get(id);
        let has_post_operations = match &action.kind {
            Kind::Model(model) => !model.texts.post_operations.is_empty(),
            _ => true,
        };
        let catalog = self.project.catalog.as_ref();
        Profile {
            canonical: &action.canonical,
            is_model: matches!(action.kind, Kind::Model(_)),
            is_view: action.kind.is_view(),
            has_post_operations,
            // The names of a contract count, whatever the catalog has.
            is_saved: !action.documentation.is_contract
                && catalog.is_some_and(|catalog| facts::is_all_known(action, catalog)),
            declared_keys: self.declared_keys(id),
        }
    }

    /// What a question of an action is answered with.
    pub(super) fn answer(&self, from: ActionId, question: &Question) -> Answer {
        let of_no_action = |digest| Answer { digest, action: None };
        match question {
            Question::MayMake(path) => of_no_action(Digest::of(&self.may_make(path))),
            Question::MayAlter(path) => of_no_action(Digest::of(&self.may_alter(path))),
            Question::Mentions(word) => of_no_action(Digest::of(&self.mentions(from, word))),
            Question::Find(path) => {
                let action = self.find(path);
                let digest = match action {
                    None => Digest::of(&"nothing"),
                    Some(id) if id == from => Digest::of(&"itself"),
                    Some(id) => match self.known_before(from, id) {
                        Some((_, digest)) => *digest,
                        None => Digest::of(&self.profile(id)),
                    },
                };
                Answer { digest, action }
            }
        }
    }

    /// What is known of an action, if that was looked at before. What is read without a ref may be looked at later; whether it
    /// has been already is for no thread to decide.
    fn known_before(&self, from: ActionId, id: ActionId) -> Option<&(Facts, Digest)> {
        let is_earlier = self.rounds[id.index()] < self.rounds[from.index()];
        self.known[id.index()].get().filter(|_| is_earlier)
    }

    /// Whether an action may be meant by that path, or a statement may make a relation of that name.
    fn may_make(&self, path: &[String]) -> bool {
        let Some(name) = path.last().map(|name| lower(name)) else { return true };
        let is_alike = |id: &ActionId| {
            let parts: Vec<&str> = self.graph.get(*id).target.parts().collect();
            let same = |(one, other): (&&str, &String)| one.eq_ignore_ascii_case(other);
            parts.iter().rev().zip(path.iter().rev()).all(same)
        };
        let words = self.words.get_or_init(|| self.texts().flat_map(words_of).collect());
        self.by_name.get(&*name).is_some_and(|named| named.iter().any(is_alike)) || words.contains(&*name)
    }

    /// Whether a statement of the project may change the columns of the relation of that path.
    fn may_alter(&self, path: &[String]) -> bool {
        let altered = self.altered.get_or_init(|| self.texts().flat_map(altered_names).collect());
        path.last().is_none_or(|name| altered.contains(&*lower(name)))
    }

    /// How often the file of an action has a word.
    fn mentions(&self, of: ActionId, word: &str) -> usize {
        count(self.project.sources.get(self.graph.get(of).name_span.file).text(), word)
    }

    /// All statements that are run as they are.
    fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.graph.iter().flat_map(|(_, action)| super::statements(&action.kind)).map(Rendered::text)
    }

    /// The action of that path, if there is one. A path may leave out the database, and the schema only if the action has
    /// none.
    pub(super) fn find(&self, path: &[String]) -> Option<ActionId> {
        let named = self.by_name.get(&*lower(path.last()?))?;
        let is_it = |id: &&ActionId| {
            let target = &self.graph.get(**id).target;
            let same = |(one, other): (&str, &String)| one.eq_ignore_ascii_case(other);
            let (short, long) = (path.len(), target.parts().count());
            let ends = short <= long && target.parts().skip(long - short).zip(path).all(same);
            ends && (short == long || short > 1)
        };
        let mut found = named.iter().filter(is_it);
        found.next().copied().filter(|_| found.next().is_none())
    }
}

/// What one action knows of the others. It notes what is asked.
pub(super) struct Seen<'i, 'a> {
    index: &'i Index<'a>,
    id: ActionId,
    asked: RefCell<BTreeSet<Question>>,
}

/// What others may know of an action besides its columns and keys.
#[derive(Debug, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Profile<'a> {
    /// What it is called in every environment.
    pub(super) canonical: &'a Target,
    pub(super) is_model: bool,
    pub(super) is_view: bool,
    /// Whether something is done with its table that its query does not say.
    pub(super) has_post_operations: bool,
    /// Whether its columns are those of the catalog.
    pub(super) is_saved: bool,
    /// The columns that tell its rows apart, as its author has it.
    pub(super) declared_keys: Vec<&'a [String]>,
}

impl<'i, 'a> Seen<'i, 'a> {
    /// What is known of an action that a path has led to.
    pub(super) fn profile(&self, id: ActionId) -> Profile<'a> {
        self.index.profile(id)
    }

    /// Whether an action may be meant by that path, or a statement may make a relation of that name.
    pub(super) fn may_make(&self, path: &[String]) -> bool {
        self.asked.borrow_mut().insert(Question::MayMake(path.to_vec()));
        self.index.may_make(path)
    }

    /// The columns that tell the own rows apart, as the author has it.
    pub(super) fn own_keys(&self) -> Vec<&'a [String]> {
        self.index.declared_keys(self.id)
    }

    /// Whether an assertion on the own rows says that a column is never NULL.
    pub(super) fn is_asserted(&self, column: &str) -> bool {
        self.index.is_asserted(self.id, column)
    }

    /// The same door for a text that can read what the own table holds.
    pub(super) fn with_own<'s>(&'s self, own: Option<&'s Facts>) -> Reading<'s, 'i, 'a> {
        Reading { seen: self, own }
    }

    /// How often the own file has a word, in code that makes the text too.
    pub(super) fn mentions(&self, word: &str) -> usize {
        self.asked.borrow_mut().insert(Question::Mentions(word.to_owned()));
        self.index.mentions(self.id, word)
    }

    /// All that was asked.
    pub(super) fn into_asked(self) -> BTreeSet<Question> {
        self.asked.into_inner()
    }
}

/// The relations that a text reads.
pub(super) struct Reading<'s, 'i, 'a> {
    seen: &'s Seen<'i, 'a>,
    own: Option<&'s Facts>,
}

impl Relations for Reading<'_, '_, '_> {
    fn find(&self, path: &[String]) -> Option<Known> {
        let Seen { index, id: from, asked } = self.seen;
        asked.borrow_mut().insert(Question::Find(path.to_vec()));
        let id = index.find(path)?;
        let is_own = id == *from;
        let facts = if is_own { self.own } else { index.known_before(*from, id).map(|(facts, _)| facts) };
        let unknown = || (Columns::unknown(), Vec::new(), false);
        let (mut columns, keys, is_whole) = facts.map_or_else(unknown, Facts::outline);
        if is_own || !index.graph.get(id).kind.is_view() {
            // What has been written stays as it is.
            columns.known.iter_mut().for_each(|column| column.is_volatile = false);
        }
        let kind = if is_own { SourceKind::Own } else { SourceKind::Action(id) };
        Some(Known { kind, columns, keys, is_whole })
    }

    fn may_be_altered(&self, path: &[String]) -> bool {
        self.seen.asked.borrow_mut().insert(Question::MayAlter(path.to_vec()));
        self.seen.index.may_alter(path)
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

/// How often a text has a word, whatever the case of its letters.
pub(super) fn count(text: &str, word: &str) -> usize {
    let word = word.to_lowercase();
    words_of(text).filter(|other| *other == word).count()
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
