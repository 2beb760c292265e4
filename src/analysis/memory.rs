//! What earlier compilations have found out about actions, by all that they looked at for it: only what has changed, and what
//! sees a change, is taken apart again.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::action::ActionId;
use crate::analysis::bound::Relation;
use crate::analysis::facts::Facts;
use crate::analysis::relations::Index;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::FileId;

/// In how many compilations in a row nobody has to ask for something until it is forgotten: who goes back and forth between
/// two environments or branches finds both.
const PATIENCE: u8 = 5;

/// What is remembered. It is never out of date: what is found in it is what another look would find.
#[derive(Debug, Default)]
pub struct Memory {
    pages: HashMap<Digest, Page>,
    has_news: bool,
}

/// What was found out about one action.
#[derive(Debug)]
struct Page {
    /// A [`Finding`].
    bytes: Arc<[u8]>,
    /// How many compilations ago somebody asked for it.
    age: u8,
}

/// What one look at an action has found. Its only file is that of the action. `F` and `D` are [`Facts`] and [`Diagnostic`].
#[derive(Debug, Serialize, Deserialize)]
struct Finding<F, D> {
    /// What was asked about the rest of the project, with the answers.
    questions: Vec<(Question, Answer)>,
    /// The ids of the actions in these are those that they had then.
    facts: F,
    diagnostics: Vec<D>,
}

/// What a look at an action asks about the rest of the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Question {
    /// What stands at that path?
    Find(Vec<String>),
    /// May there be something at that path?
    MayMake(Vec<String>),
    /// May what stands there get other columns?
    MayAlter(Vec<String>),
    /// How often does the file of the action have that word?
    Mentions(String),
}

/// What a question is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// Of all that the answer says.
    pub(super) digest: Digest,
    /// The action at that path.
    pub(super) action: Option<ActionId>,
}

/// A number that two different things do not have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Digest([u8; 16]);

impl Digest {
    pub(super) fn of(thing: &impl Hash) -> Self {
        let mut digester = Digester { hash: Sha256::new(), waiting: Vec::with_capacity(PIECE) };
        thing.hash(&mut digester);
        let mut digest = [0; 16];
        digest.copy_from_slice(&digester.end()[..16]);
        Self(digest)
    }
}

/// How much is digested at once, in bytes: most things are made of many small ones.
const PIECE: usize = 1 << 10;

#[derive(Clone)]
struct Digester {
    hash: Sha256,
    waiting: Vec<u8>,
}

impl Digester {
    fn end(mut self) -> [u8; 32] {
        self.hash.update(&self.waiting);
        self.hash.finalize().into()
    }
}

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        if self.waiting.len() + bytes.len() > PIECE {
            self.hash.update(&self.waiting);
            self.waiting.clear();
        }
        if bytes.len() > PIECE {
            self.hash.update(bytes);
        } else {
            self.waiting.extend_from_slice(bytes);
        }
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.clone().end()[..8]);
        u64::from_le_bytes(first)
    }
}

/// Where an action's finding stands or will stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Of all of the action and of the project that the look depends on, but for what it asks.
    pub(super) digest: Digest,
    pub(super) action: ActionId,
    /// Where its text is written.
    pub(super) file: FileId,
}

/// What has become of the page of an action.
pub(super) enum Use {
    /// It has been read.
    Read(Digest),
    /// It is new.
    Written(Digest, Arc<[u8]>),
}

impl Memory {
    /// What was found at that place, if every question still has the same answer.
    pub(super) fn recall(&self, place: Place, index: &Index<'_>) -> Option<(Facts, Diagnostics)> {
        let page = self.pages.get(&place.digest)?;
        let Finding { questions, mut facts, diagnostics }: Finding<Facts, Diagnostic> =
            postcard::from_bytes(&page.bytes).ok()?;
        let mut ids = Vec::new();
        for (question, old) in &questions {
            let answer = index.answer(place.action, question);
            if answer.digest != old.digest {
                return None;
            }
            ids.push((old.action, answer.action));
        }
        for id in facts.actions_mut() {
            let (_, new) = ids.iter().find(|(old, _)| *old == Some(*id))?;
            *id = (*new)?;
        }
        let mut found = Diagnostics::default();
        for mut diagnostic in diagnostics {
            diagnostic.labels.iter_mut().for_each(|label| label.span.file = place.file);
            found.push(diagnostic);
        }
        Some((facts, found))
    }

    /// Takes in what became of each page.
    pub(super) fn turn(&mut self, uses: Vec<Use>) {
        self.pages.values_mut().for_each(|page| page.age += 1);
        for used in uses {
            match used {
                Use::Read(digest) => {
                    if let Some(page) = self.pages.get_mut(&digest) {
                        page.age = 0;
                    }
                }
                Use::Written(digest, bytes) => {
                    self.has_news = true;
                    self.pages.insert(digest, Page { bytes, age: 0 });
                }
            }
        }
        self.pages.retain(|_, page| page.age < PATIENCE);
    }

    /// Whether something is new since it was read or written.
    pub fn has_news(&self) -> bool {
        self.has_news
    }

    /// All of it, for [`from_bytes`](Self::from_bytes) of the same build of trueup.
    pub fn to_bytes(&mut self) -> Vec<u8> {
        self.has_news = false;
        let mut pages: Vec<(Digest, &[u8], u8)> =
            self.pages.iter().map(|(digest, page)| (*digest, &*page.bytes, page.age)).collect();
        pages.sort_unstable();
        postcard::to_stdvec(&pages).unwrap_or_default()
    }

    /// What was written; nothing if that cannot be read.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let pages: Vec<(Digest, &[u8], u8)> = postcard::from_bytes(bytes).unwrap_or_default();
        let pages = pages.into_iter().map(|(digest, bytes, age)| (digest, Page { bytes: bytes.into(), age }));
        Self { pages: pages.collect(), has_news: false }
    }
}

/// What was found out about an action as a page; `None` if it says something of other files than the action's own.
pub(super) fn page(
    place: Place,
    asked: BTreeSet<Question>,
    index: &Index<'_>,
    facts: &Facts,
    diagnostics: &Diagnostics,
) -> Option<Arc<[u8]>> {
    let questions: Vec<(Question, Answer)> = asked
        .into_iter()
        .map(|question| {
            let answer = index.answer(place.action, &question);
            (question, answer)
        })
        .collect();
    let is_known = |id: ActionId| questions.iter().any(|(_, answer)| answer.action == Some(id));
    let is_own = |found: &&Diagnostic| found.labels.iter().all(|label| label.span.file == place.file);
    let diagnostics: Vec<&Diagnostic> = diagnostics.iter().collect();
    if !facts.actions().all(is_known) || !diagnostics.iter().all(is_own) {
        return None;
    }
    postcard::to_stdvec(&Finding { questions, facts, diagnostics }).ok().map(Into::into)
}

impl Facts {
    /// The actions that its columns come from, and those that decide on its rows, each as often as it is named.
    fn actions(&self) -> impl Iterator<Item = ActionId> {
        let origins = self.columns.known.iter().flat_map(|column| &column.origins);
        let read = origins.map(|origin| &origin.relation);
        let read = read.chain(self.influences.iter().map(|influence| &influence.relation));
        read.filter_map(|relation| match relation {
            Relation::Action(id) => Some(*id),
            Relation::Own | Relation::Undeclared(_) => None,
        })
    }

    /// The same, to put others in their place.
    fn actions_mut(&mut self) -> impl Iterator<Item = &mut ActionId> {
        let origins = self.columns.known.iter_mut().flat_map(|column| &mut column.origins);
        let read = origins.map(|origin| &mut origin.relation);
        let read = read.chain(self.influences.iter_mut().map(|influence| &mut influence.relation));
        read.filter_map(|relation| match relation {
            Relation::Action(id) => Some(id),
            Relation::Own | Relation::Undeclared(_) => None,
        })
    }
}
