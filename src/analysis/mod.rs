//! What can be said of the SQL without a warehouse.

pub mod bind;
pub mod bound;
mod checks;
mod facts;
mod fingerprint;
mod keys;
mod lineage;
mod memory;
mod nulls;
mod reader;
mod relations;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::action::{ActionId, Kind, Materialization, Model, Rendered, Texts};
use crate::diagnostic::Diagnostics;
use crate::files::SourceFile;
use crate::graph::Graph;
use crate::project::{CATALOG_FILE, Project};
use memory::{Digest, Place, Use};
use rayon::prelude::*;
use reader::Reader;
use relations::Index;

pub use bound::{OriginKind, Relation};
pub use facts::Facts;
pub use fingerprint::{Fingerprint, Letters, hash};
pub use lineage::{Direction, Flow, FlowKind, Lineage, Node, Reach};
pub use memory::Memory;

/// Texts of more bytes than that are taken apart one after the other.
const LONG: usize = 64 << 10;

/// What is known of the actions of a project.
#[derive(Debug, Default)]
pub struct Analysis {
    /// By the actions' ids.
    facts: Vec<Facts>,
}

impl Analysis {
    /// What is known of an action; `None` if nobody has looked.
    pub fn facts(&self, id: ActionId) -> Option<&Facts> {
        self.facts.get(id.index())
    }
}

/// Takes every text of every action apart, in the SQL that the project is written in: what others read before what reads
/// it. What is remembered need not be looked at again. Of SQL that trueup has no dialect for, nothing can be said.
pub fn analyze(graph: &Graph, project: &Project, memory: &mut Memory) -> (Analysis, Diagnostics) {
    if project.settings.is_foreign() {
        return (Analysis::default(), Diagnostics::default());
    }
    let index = Index::new(graph, project);
    let common = common(project);
    let one_at_a_time = Mutex::new(());
    let mut diagnostics = Diagnostics::default();
    let mut uses = Vec::new();
    for round in index.rounds() {
        let remembered = &*memory;
        let analyze = |id: &ActionId| {
            let action = graph.get(*id);
            let place = place(*id, common, graph, project, &index);
            if let Some((place, (facts, found))) =
                place.and_then(|place| Some((place, remembered.recall(place, &index)?)))
            {
                index.set(*id, facts);
                return (found, Some(Use::Read(place.digest)));
            }
            // The trees of long texts fill the memory if there are many of them.
            let is_long = rendered(&action.kind).iter().any(|text| text.text().len() > LONG);
            let _turn = is_long.then(|| one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner));
            let seen = index.seen_by(*id);
            let (mut facts, found) = Reader::new(*id, graph, project, &seen).read();
            index.declared_keys(*id).into_iter().for_each(|key| facts.add_key(key));
            facts.doubt_nulls(|column| index.is_asserted(*id, column));
            let page = place.and_then(|place| {
                let page = memory::page(place, seen.into_asked(), &index, &facts, &found)?;
                Some(Use::Written(place.digest, page))
            });
            index.set(*id, facts);
            (found, page)
        };
        let found: Vec<(Diagnostics, Option<Use>)> = round.par_iter().map(analyze).collect();
        for (found, page) in found {
            diagnostics.extend(found);
            uses.extend(page);
        }
    }
    memory.turn(uses);
    (Analysis { facts: index.into_facts() }, diagnostics)
}

/// All that a look at any action depends on.
fn common(project: &Project) -> Digest {
    let catalog = project.sources.find(CATALOG_FILE).map(SourceFile::text);
    Digest::of(&(format!("{:?}", project.settings), catalog))
}

/// Where what is found out about an action is kept; `None` if there is no text to look at.
fn place(id: ActionId, common: Digest, graph: &Graph, project: &Project, index: &Index<'_>) -> Option<Place> {
    let action = graph.get(id);
    let kind = match &action.kind {
        Kind::Model(model) => Digest::of(model),
        Kind::Operations { statements, has_output } => Digest::of(&(statements, has_output)),
        Kind::Assertion(assertion) => Digest::of(assertion),
        Kind::Test(test) => Digest::of(test),
        Kind::Declaration | Kind::Node(_) | Kind::Unknown => return None,
    };
    let documentation = &action.documentation;
    let spans = documentation.columns.iter().filter_map(|column| column.span).chain([action.name_span]);
    let files = spans.map(|span| span.file).chain(rendered(&action.kind).into_iter().flat_map(Rendered::files));
    let paths: Vec<&str> = files.map(|file| &**project.sources.get(file).path()).collect();
    let own = (action.kind.word(), &action.target, &action.canonical, action.name_span, action.disabled, paths);
    let named = (&documentation.unique_key, &documentation.times, &documentation.named_columns);
    let said = (&documentation.columns, documentation.is_contract, named);
    let of_others = (index.declared_keys(id), index.checks(id), described_columns(graph, id));
    let digest = Digest::of(&(common, kind, own, said, of_others));
    Some(Place { digest, action: id, file: action.name_span.file })
}

/// The columns that are described of the relations that an action reads.
fn described_columns(graph: &Graph, id: ActionId) -> BTreeSet<&str> {
    let read = graph.dependencies(id).into_iter();
    let columns = read.flat_map(|id| &graph.get(id).documentation.columns);
    columns.filter_map(|column| column.path.first()).map(String::as_str).collect()
}

/// Every text of an action.
fn rendered(kind: &Kind) -> Vec<&Rendered> {
    let Kind::Model(model) = kind else { return texts(kind) };
    texts_of(model).flat_map(|texts| operations(texts).chain([&texts.query])).collect()
}

/// Every text of an action that is no model.
fn texts(kind: &Kind) -> Vec<&Rendered> {
    match kind {
        Kind::Operations { statements, .. } => statements.iter().collect(),
        Kind::Declaration | Kind::Model(_) | Kind::Node(_) | Kind::Unknown => Vec::new(),
        Kind::Assertion(assertion) => vec![&assertion.query],
        Kind::Test(test) => test.inputs.iter().map(|input| &input.rows).chain([&test.expected]).collect(),
    }
}

/// The texts of an action that are run as they are, and queries that have more statements behind them.
fn statements(kind: &Kind) -> Vec<&Rendered> {
    match kind {
        Kind::Model(model) => {
            let queries = texts_of(model).map(|texts| &texts.query).filter(|query| query.text().contains(';'));
            texts_of(model).flat_map(operations).chain(queries).collect()
        }
        Kind::Operations { statements, .. } => statements.iter().collect(),
        _ => Vec::new(),
    }
}

/// Those of a full build, and those of an incremental one.
fn texts_of(model: &Model) -> impl Iterator<Item = &Texts> {
    let incremental = match &model.materialization {
        Materialization::Incremental(incremental) => Some(&incremental.texts),
        Materialization::View { .. } | Materialization::Table => None,
    };
    std::iter::once(&model.texts).chain(incremental)
}

fn operations(texts: &Texts) -> impl Iterator<Item = &Rendered> {
    texts.pre_operations.iter().chain(&texts.post_operations)
}
