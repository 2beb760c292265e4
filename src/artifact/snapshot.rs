//! A snapshot in a manifest, and out of one.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::compare::{Read, Snapshot, SnapshotAction, SnapshotColumn};

/// The part of a manifest that is read again.
#[derive(Deserialize)]
struct Saved {
    actions: Vec<SavedAction>,
}

#[derive(Deserialize)]
struct SavedAction {
    canonical_target: SavedTarget,
    r#type: String,
    file: String,
    state: State,
}

#[derive(Deserialize)]
struct SavedTarget {
    database: Option<String>,
    schema: Option<String>,
    name: String,
}

/// An action in numbers that differ if it does. The numbers are of 64 bits, more than a number of JSON can be trusted to
/// hold: they are written in hexadecimal.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    source: String,
    text: String,
    rows: String,
    is_exact: bool,
    increment: String,
    statements: String,
    settings: String,
    documentation: String,
    columns: Vec<StateColumn>,
    is_open: bool,
    influences: Vec<StateRead>,
    depends_on: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StateColumn {
    name: String,
    r#type: String,
    print: String,
    origins: Vec<StateRead>,
}

#[derive(Serialize, Deserialize)]
struct StateRead {
    relation: String,
    column: String,
}

impl State {
    pub(super) fn of(action: &SnapshotAction) -> Self {
        let column = |column: &SnapshotColumn| StateColumn {
            name: column.name.clone(),
            r#type: column.data_type.clone(),
            print: hexadecimal(column.print),
            origins: column.origins.iter().map(StateRead::of).collect(),
        };
        Self {
            source: hexadecimal(action.source),
            text: hexadecimal(action.text),
            rows: hexadecimal(action.rows),
            is_exact: action.is_exact,
            increment: hexadecimal(action.increment),
            statements: hexadecimal(action.statements),
            settings: hexadecimal(action.settings),
            documentation: hexadecimal(action.documentation),
            columns: action.columns.iter().map(column).collect(),
            is_open: action.is_open,
            influences: action.influences.iter().map(StateRead::of).collect(),
            depends_on: action.depends_on.clone(),
        }
    }
}

impl StateRead {
    fn of(read: &Read) -> Self {
        Self { relation: read.relation.clone(), column: read.column.clone() }
    }

    fn into_read(self) -> Read {
        Read { relation: self.relation, column: self.column }
    }
}

/// The snapshot that a manifest holds. A file that is no manifest of this version is an error of kind `InvalidData`.
pub fn read_snapshot(path: &Path) -> io::Result<Snapshot> {
    let saved: Saved = serde_json::from_str(&fs::read_to_string(path)?).map_err(io::Error::from)?;
    let named = |action: SavedAction| {
        let SavedTarget { database, schema, name } = action.canonical_target;
        let name = database.into_iter().chain(schema).chain([name]).collect::<Vec<_>>().join(".");
        let State { columns, influences, .. } = action.state;
        let number = |text: &str| {
            u64::from_str_radix(text, 16).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        let columns: Vec<SnapshotColumn> = columns
            .into_iter()
            .map(|column| {
                Ok(SnapshotColumn {
                    print: number(&column.print)?,
                    name: column.name,
                    data_type: column.r#type,
                    origins: column.origins.into_iter().map(StateRead::into_read).collect(),
                })
            })
            .collect::<io::Result<_>>()?;
        let read = SnapshotAction {
            kind: action.r#type,
            file: action.file,
            source: number(&action.state.source)?,
            text: number(&action.state.text)?,
            rows: number(&action.state.rows)?,
            is_exact: action.state.is_exact,
            increment: number(&action.state.increment)?,
            statements: number(&action.state.statements)?,
            settings: number(&action.state.settings)?,
            documentation: number(&action.state.documentation)?,
            columns,
            is_open: action.state.is_open,
            influences: influences.into_iter().map(StateRead::into_read).collect(),
            depends_on: action.state.depends_on,
        };
        Ok((name, read))
    };
    let actions: io::Result<BTreeMap<String, SnapshotAction>> = saved.actions.into_iter().map(named).collect();
    Ok(Snapshot { actions: actions? })
}

fn hexadecimal(number: u64) -> String {
    format!("{number:016x}")
}
