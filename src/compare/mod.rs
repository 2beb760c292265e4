//! What is different between two states of a project, and who feels it.

mod impact;
mod snapshot;

use std::collections::BTreeSet;

use crate::compile::Compilation;

pub use impact::{Felt, FeltBy};
pub use snapshot::{Read, Snapshot, SnapshotAction, SnapshotColumn, State};

/// How much a change matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only layout, comments, or how the same thing is said.
    Formatting,
    /// Descriptions, tags and labels.
    Documentation,
    /// How the relation lies or is brought up to date.
    Settings,
    /// A relation or a column is new.
    Additive,
    /// What is in a column is another thing.
    Columns,
    /// Other rows, or perhaps.
    Rows,
    /// A relation or a column is gone, or has another type.
    Breaking,
}

/// All levels, least first.
pub const LEVELS: [Level; 7] = [
    Level::Formatting,
    Level::Documentation,
    Level::Settings,
    Level::Additive,
    Level::Columns,
    Level::Rows,
    Level::Breaking,
];

impl Level {
    /// As it is written: `formatting`, …, `breaking`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Formatting => "formatting",
            Self::Documentation => "documentation",
            Self::Settings => "settings",
            Self::Additive => "additive",
            Self::Columns => "columns",
            Self::Rows => "rows",
            Self::Breaking => "breaking",
        }
    }
}

/// One thing that is different about an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The action is new.
    Added,
    /// The action is gone.
    Removed,
    /// It is another kind of thing: `view`, `table`.
    Kind {
        /// What it was.
        was: String,
        /// What it is.
        is: String,
    },
    /// The text says the same in other words or another layout.
    Formatting,
    /// Descriptions, tags or labels.
    Documentation,
    /// Options of the relation, its key, its strategy.
    Settings,
    /// A column is new.
    ColumnAdded(SnapshotColumn),
    /// A column is gone.
    ColumnRemoved(SnapshotColumn),
    /// A column has another type.
    ColumnRetyped {
        /// Its name.
        name: String,
        /// Its type before.
        was: String,
        /// Its type now.
        is: String,
    },
    /// A column of the same name is made of something else.
    ColumnRedefined(String),
    /// The columns are the same ones in another order.
    ColumnsReordered,
    /// A filter, a join, a grouping or a relation that is read is another one.
    Rows,
    /// What an incremental run selects, or the filter of its new rows.
    Increment,
    /// Statements that run as they are, before, behind or in place of a query.
    Statements,
    /// The text is different, and too much of it is not understood to say more.
    Unclear,
}

impl Difference {
    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Formatting => Level::Formatting,
            Self::Documentation => Level::Documentation,
            Self::Settings | Self::Kind { .. } | Self::ColumnsReordered => Level::Settings,
            Self::Added | Self::ColumnAdded(_) => Level::Additive,
            Self::ColumnRedefined(_) => Level::Columns,
            Self::Rows | Self::Increment | Self::Statements | Self::Unclear => Level::Rows,
            Self::ColumnRetyped { .. } if !self.breaks() => Level::Columns,
            Self::Removed | Self::ColumnRemoved(_) | Self::ColumnRetyped { .. } => Level::Breaking,
        }
    }

    /// Whether something that others read is gone, or is a thing of another kind. A number of more digits is none.
    pub fn breaks(&self) -> bool {
        fn kind(data_type: &str) -> &str {
            data_type.split('(').next().unwrap_or_default()
        }
        match self {
            Self::Removed | Self::ColumnRemoved(_) => true,
            Self::ColumnRetyped { was, is, .. } => kind(was) != kind(is),
            _ => false,
        }
    }
}

/// An action that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name, without what an environment adds.
    pub name: String,
    /// What kind of action it is, or was.
    pub kind: String,
    /// Its file; that of before if it is gone.
    pub file: String,
    /// What is different; never empty.
    pub differences: Vec<Difference>,
    /// Who feels it further down.
    pub felt_by: Vec<FeltBy>,
}

impl Change {
    /// How much the most of it matters.
    pub fn level(&self) -> Level {
        self.differences.iter().map(Difference::level).max().unwrap_or(Level::Formatting)
    }

    /// Whether the action has to be run for the warehouse to hold what it says now.
    pub fn needs_run(&self) -> bool {
        !self.is_removal() && self.level() >= Level::Settings
    }

    /// Whether the action is gone.
    pub fn is_removal(&self) -> bool {
        self.differences.contains(&Difference::Removed)
    }

    /// Whether the action is new.
    pub fn is_addition(&self) -> bool {
        self.differences.contains(&Difference::Added)
    }
}

/// What is different between two states of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// By name.
    pub changes: Vec<Change>,
    /// How many actions are the same in every respect.
    pub same: usize,
}

impl Comparison {
    /// How much the most of it matters; `None` if nothing is different.
    pub fn level(&self) -> Option<Level> {
        self.changes.iter().map(Change::level).max()
    }

    /// The changes that may be told of the actions in a project.
    pub fn of(
        &self,
        compilation: &Compilation,
        is_meant: impl Fn(&Change) -> bool,
    ) -> BTreeSet<crate::action::ActionId> {
        let names: BTreeSet<&str> =
            self.changes.iter().filter(|change| is_meant(change)).map(|change| change.name.as_str()).collect();
        let is_it = |name: &str| names.contains(name);
        compilation.graph.iter().filter(|(_, action)| is_it(&action.canonical.to_string())).map(|(id, _)| id).collect()
    }
}

/// Compares a project with what it was.
pub fn compare(base: &Snapshot, head: &Snapshot) -> Comparison {
    let mut changes = Vec::new();
    let mut same = 0;
    let (base_readers, head_readers) = (impact::Readers::new(base), impact::Readers::new(head));
    let names: BTreeSet<&String> = base.actions.keys().chain(head.actions.keys()).collect();
    for name in names {
        let (was, is) = (base.actions.get(name), head.actions.get(name));
        let differences = match (was, is) {
            (Some(was), Some(is)) => differences(was, is),
            (None, _) => vec![Difference::Added],
            (_, None) => vec![Difference::Removed],
        };
        let Some(action) = is.or(was) else { continue };
        if differences.is_empty() {
            same += 1;
            continue;
        }
        let felt_by = impact::felt_by(name, &differences, &base_readers, &head_readers);
        let (kind, file) = (action.kind.clone(), action.file.clone());
        changes.push(Change { name: name.clone(), kind, file, differences, felt_by });
    }
    Comparison { changes, same }
}

fn differences(was: &SnapshotAction, is: &SnapshotAction) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, now) = (&was.state, &is.state);
    let (old, new) = (&before.fingerprint, &now.fingerprint);
    if was.kind != is.kind {
        found.push(Difference::Kind { was: was.kind.clone(), is: is.kind.clone() });
    }
    if before.settings != now.settings {
        found.push(Difference::Settings);
    }
    of_columns(was, is, &mut found);
    let is_exact = old.is_exact && new.is_exact;
    let is_same_text = old.text == new.text;
    match is_exact {
        // What it reads may have changed, so that the same text gives other columns.
        true if old.rows != new.rows => found.push(Difference::Rows),
        false if !is_same_text => found.push(Difference::Unclear),
        _ => {}
    }
    if old.increment != new.increment {
        found.push(Difference::Increment);
    }
    if old.statements != new.statements {
        found.push(Difference::Statements);
    }
    if before.documentation != now.documentation {
        found.push(Difference::Documentation);
    }
    let is_rewritten = !is_same_text || before.source != now.source;
    if is_rewritten && found.iter().all(|found| *found == Difference::Documentation) {
        found.push(Difference::Formatting);
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.level()));
    found
}

fn of_columns(was: &SnapshotAction, is: &SnapshotAction, found: &mut Vec<Difference>) {
    // Of one that may have others it is not known which are new or gone.
    let is_open = was.is_open || is.is_open;
    let is_exact = was.state.fingerprint.is_exact && is.state.fingerprint.is_exact;
    let named = |action: &SnapshotAction, name: &str| action.columns.iter().position(|column| column.name == name);
    for column in &is.columns {
        let Some(place) = named(was, &column.name) else {
            found.extend((!is_open).then(|| Difference::ColumnAdded(column.clone())));
            continue;
        };
        let before = &was.columns[place];
        if before.data_type != column.data_type && !before.is_vague() && !column.is_vague() {
            let (was, is) = (before.data_type.clone(), column.data_type.clone());
            found.push(Difference::ColumnRetyped { name: column.name.clone(), was, is });
        } else if is_exact && before.print != column.print {
            found.push(Difference::ColumnRedefined(column.name.clone()));
        }
    }
    if is_open {
        return;
    }
    let removed = was.columns.iter().filter(|column| named(is, &column.name).is_none());
    let removed: Vec<Difference> = removed.cloned().map(Difference::ColumnRemoved).collect();
    let is_same_set = removed.is_empty() && was.columns.len() == is.columns.len();
    found.extend(removed);
    let in_order = was.columns.iter().zip(&is.columns).all(|(one, other)| one.name == other.name);
    if is_same_set && !in_order {
        found.push(Difference::ColumnsReordered);
    }
}
