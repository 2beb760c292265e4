//! A snapshot in a manifest, and out of one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::analysis::Fingerprint;
use crate::compare::{Read, Snapshot, SnapshotAction, SnapshotColumn, State};

/// The part of a manifest that is read again.
#[derive(Deserialize)]
struct Saved {
    actions: Vec<SavedAction>,
}

#[derive(Deserialize)]
struct SavedAction {
    name: String,
    canonical_target: SavedTarget,
    r#type: String,
    file: String,
    #[serde(default)]
    columns: Vec<SavedColumn>,
    columns_complete: Option<bool>,
    #[serde(default)]
    influences: Vec<SavedRead>,
    depends_on: Vec<String>,
    state: SavedState,
}

#[derive(Deserialize)]
struct SavedTarget {
    database: Option<String>,
    schema: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct SavedColumn {
    path: Vec<String>,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    origins: Vec<SavedRead>,
}

#[derive(Deserialize)]
struct SavedRead {
    relation: String,
    column: String,
}

/// An action in numbers that differ if it does.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedState {
    source: Number,
    text: Number,
    rows: Number,
    is_exact: bool,
    increment: Number,
    statements: Number,
    settings: Number,
    documentation: Number,
    /// Those of the first columns of the action: of all but those that are only documented.
    columns: Vec<Number>,
}

/// One of 64 bits, more than a number of JSON can be trusted to hold: it is written in hexadecimal.
struct Number(u64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |place: usize| b"0123456789abcdef"[(self.0 >> (60 - 4 * place) & 0xf) as usize];
        let digits: [u8; 16] = std::array::from_fn(digit);
        serializer.serialize_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

impl SavedState {
    /// `columns` is how many of them a query gives.
    pub(super) fn of(state: &State, columns: usize) -> Self {
        let print = &state.fingerprint;
        let numbers = print.columns.iter().copied().chain(std::iter::repeat(0));
        Self {
            source: Number(state.source),
            text: Number(print.text),
            rows: Number(print.rows),
            is_exact: print.is_exact,
            increment: Number(print.increment),
            statements: Number(print.statements),
            settings: Number(state.settings),
            documentation: Number(state.documentation),
            columns: numbers.take(columns).map(Number).collect(),
        }
    }

    fn into_state(self) -> State {
        State {
            source: self.source.0,
            fingerprint: Fingerprint {
                text: self.text.0,
                rows: self.rows.0,
                columns: self.columns.into_iter().map(|number| number.0).collect(),
                increment: self.increment.0,
                statements: self.statements.0,
                is_exact: self.is_exact,
            },
            settings: self.settings.0,
            documentation: self.documentation.0,
        }
    }
}

/// The snapshot that a manifest holds. A file that is no manifest of this version is an error of kind `InvalidData`.
pub fn read_snapshot(path: &Path) -> io::Result<Snapshot> {
    let saved: Saved = serde_json::from_str(&fs::read_to_string(path)?).map_err(io::Error::from)?;
    let canonical: HashMap<String, String> =
        saved.actions.iter().map(|action| (action.name.clone(), action.canonical_target.name())).collect();
    let named = |action: SavedAction| (action.canonical_target.name(), action.into_action(&canonical));
    let actions: BTreeMap<String, SnapshotAction> = saved.actions.into_iter().map(named).collect();
    Ok(Snapshot { actions })
}

impl SavedTarget {
    fn name(&self) -> String {
        let around = self.database.iter().chain(&self.schema);
        around.chain([&self.name]).map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

impl SavedAction {
    /// `canonical` are the names of all actions without what the environment adds to them.
    fn into_action(self, canonical: &HashMap<String, String>) -> SnapshotAction {
        let own = self.name;
        let read = |read: SavedRead| {
            let relation = canonical.get(&read.relation).filter(|_| read.relation != own)?.clone();
            Some(Read { relation, column: read.column })
        };
        let state = self.state.into_state();
        let column = |(column, print): (SavedColumn, &u64)| SnapshotColumn {
            name: column.path.into_iter().next().unwrap_or_default(),
            // That is how each dialect writes the part of a type that nobody knows.
            data_type: if column.r#type.contains("UNKNOWN") { String::new() } else { column.r#type },
            print: *print,
            origins: column.origins.into_iter().filter_map(read).collect(),
        };
        SnapshotAction {
            kind: self.r#type,
            file: self.file,
            columns: self.columns.into_iter().zip(&state.fingerprint.columns).map(column).collect(),
            is_open: self.columns_complete == Some(false),
            influences: self.influences.into_iter().filter_map(read).collect(),
            depends_on: self.depends_on.iter().filter_map(|name| canonical.get(name).cloned()).collect(),
            state,
        }
    }
}
