//! Who feels a change further down: by the columns that they read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::compare::{Difference, Read, Snapshot, SnapshotAction};

/// An action that feels a change of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeltBy {
    /// Its name.
    pub name: String,
    /// What of it.
    pub felt: Felt,
    /// Whether it reads something that is gone or has another type.
    pub is_broken: bool,
}

/// What of an action is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Felt {
    /// Its rows, and so perhaps all of its columns.
    Rows,
    /// These columns.
    Columns(BTreeSet<String>),
}

/// The actions of a snapshot by what they depend on.
pub(super) struct Readers<'a> {
    snapshot: &'a Snapshot,
    of: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Readers<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut of: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, action) in &snapshot.actions {
            for on in &action.depends_on {
                of.entry(on).or_default().push(name);
            }
        }
        Self { snapshot, of }
    }

    /// Those that depend on an action, in the order of their names.
    fn of(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a SnapshotAction)> {
        let readers = self.of.get(name).map(Vec::as_slice).unwrap_or_default();
        readers.iter().filter_map(|reader| Some((*reader, self.snapshot.actions.get(*reader)?)))
    }
}

/// The actions that feel the differences of one of them, by name.
pub(super) fn felt_by(name: &str, differences: &[Difference], base: &Readers<'_>, head: &Readers<'_>) -> Vec<FeltBy> {
    let mut columns = BTreeSet::new();
    let mut gone = BTreeSet::new();
    let mut rows = false;
    for difference in differences {
        match difference {
            Difference::Rows | Difference::Increment | Difference::Statements | Difference::Unclear => rows = true,
            Difference::Removed => gone.extend(all_columns(base.snapshot, name)),
            Difference::ColumnRedefined(column) => {
                columns.insert(column.clone());
            }
            Difference::ColumnRetyped { name, .. } => {
                columns.insert(name.clone());
                if difference.breaks() {
                    gone.insert(name.clone());
                }
            }
            Difference::ColumnRemoved(column) => {
                gone.insert(column.name.clone());
            }
            Difference::Added
            | Difference::Kind { .. }
            | Difference::Formatting
            | Difference::Documentation
            | Difference::Settings
            | Difference::ColumnAdded(_)
            | Difference::ColumnsReordered => {}
        }
    }
    let start = if rows { Felt::Rows } else { Felt::Columns(columns) };
    let mut felt = spread(name, start, head);
    // What is gone can only be read by what was there before, and still is.
    let readers = spread(name, Felt::Columns(gone), base);
    let is_removed = differences.contains(&Difference::Removed);
    for (reader, more) in readers {
        if head.snapshot.actions.contains_key(&reader) {
            let is_near =
                base.snapshot.actions.get(&reader).is_some_and(|action| action.depends_on.iter().any(|on| on == name));
            let entry = felt.entry(reader).or_insert_with(|| (more.0.clone(), false));
            entry.0.add(more.0);
            entry.1 |= is_near || is_removed;
        }
    }
    let feels = |(name, (felt, is_broken)): (String, (Felt, bool))| FeltBy { name, felt, is_broken };
    felt.into_iter().map(feels).collect()
}

fn all_columns(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let action = snapshot.actions.get(name);
    action.into_iter().flat_map(|action| &action.columns).map(|column| column.name.clone()).collect()
}

/// What every action further down feels, by name.
fn spread(from: &str, start: Felt, readers: &Readers<'_>) -> BTreeMap<String, (Felt, bool)> {
    let mut felt: BTreeMap<String, (Felt, bool)> = BTreeMap::from([(from.to_owned(), (start, false))]);
    let mut edge = vec![from.to_owned()];
    while let Some(name) = edge.pop() {
        let Some((of, _)) = felt.get(&name).cloned() else { continue };
        for (reader, action) in readers.of(&name).filter(|(reader, _)| *reader != from) {
            let Some(more) = feels(action, &name, &of) else { continue };
            let before = felt.get(reader).map(|(felt, _)| felt.clone());
            let entry = felt.entry(reader.to_owned()).or_insert_with(|| (more.clone(), false));
            entry.0.add(more);
            if before.as_ref() != Some(&entry.0) {
                edge.push(reader.to_owned());
            }
        }
    }
    felt.remove(from);
    felt
}

/// What an action feels of one that it reads; `None` if nothing.
fn feels(action: &SnapshotAction, name: &str, of: &Felt) -> Option<Felt> {
    let Felt::Columns(changed) = of else { return Some(Felt::Rows) };
    if changed.is_empty() {
        return None;
    }
    let is_changed = |read: &Read| {
        let column = read.column.split('.').next().unwrap_or_default();
        read.relation == name && changed.iter().any(|changed| changed.eq_ignore_ascii_case(column))
    };
    if action.influences.iter().any(is_changed) {
        return Some(Felt::Rows);
    }
    // Of a text that is not understood nobody knows what it reads.
    if action.is_open || action.columns.is_empty() {
        return Some(Felt::Rows);
    }
    let columns = action.columns.iter().filter(|column| column.origins.iter().any(is_changed));
    let columns: BTreeSet<String> = columns.map(|column| column.name.clone()).collect();
    (!columns.is_empty()).then_some(Felt::Columns(columns))
}

impl Felt {
    fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Columns(columns), Self::Columns(more)) => columns.extend(more),
            (Self::Columns(_), Self::Rows) => *self = Self::Rows,
            (Self::Rows, _) => {}
        }
    }
}
