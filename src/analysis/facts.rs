//! What is known of an action's output.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::action::{Action, ActionId, Kind};
use crate::analysis::Fingerprint;
use crate::analysis::bound::{Bound, Column, Columns, Influence, Key, Query, Statement};
use crate::analysis::keys;
use crate::dialect::Dialect;
use crate::dialect::semantics::{RepeatedColumns, Semantics};
use crate::project::{Catalog, Project};
use crate::relation::{DataType, Nullability};

/// What is known of the rows that an action gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Their columns.
    pub columns: Columns,
    /// The columns of others that decide on them without being in them.
    pub influences: Vec<Influence>,
    /// Columns whose values no two of them share.
    pub keys: Vec<Key>,
    /// Whether all rows are there that the keys say something of.
    pub is_whole: bool,
    /// What its texts mean.
    pub fingerprint: Fingerprint,
}

impl Facts {
    /// Nothing.
    pub(super) fn unknown() -> Self {
        Self { columns: Columns::unknown(), ..Self::default() }
    }

    /// Those of an action whose text says nothing: what its author says of its columns, and what a warehouse has told of them.
    pub(super) fn declared(action: &Action<ActionId>, project: &Project) -> Self {
        let dialect = project.settings.dialect;
        let said = documented(action, dialect.semantics());
        let saved = project.catalog.as_ref().and_then(|catalog| saved(action, catalog, dialect));
        let columns = match saved {
            Some(saved) => completed(&said, &saved, dialect.semantics()),
            None => said,
        };
        Self { columns, is_whole: matches!(action.kind, Kind::Declaration), ..Self::default() }
    }

    /// Those of a query.
    pub(super) fn of_query(query: &Query, bound: &Bound) -> Self {
        Self {
            columns: query.columns.clone(),
            influences: query.influences.clone(),
            keys: query.keys.clone(),
            is_whole: keys::is_whole_query(query, bound, &|_| false),
            fingerprint: Fingerprint::default(),
        }
    }

    /// Those of an action whose text has been bound.
    pub(super) fn of(action: &Action<ActionId>, bound: &Bound, project: &Project) -> Self {
        match (&action.kind, bound.statements.as_slice()) {
            (Kind::Model(model), [Statement::Query(query)]) => {
                let mut facts = Self::of_query(query, bound);
                facts.is_whole &= model.texts.post_operations.is_empty();
                if project.settings.dialect.semantics().repeated_columns() == RepeatedColumns::Numbered {
                    facts.columns.rename_repeated();
                }
                facts.add_key(&model.unique_key);
                facts
            }
            (Kind::Assertion(_), [Statement::Query(query)]) => Self::of_query(query, bound),
            _ => Self::declared(action, project),
        }
    }

    /// Notes that columns of these names tell the rows apart.
    pub(super) fn add_key(&mut self, names: &[String]) {
        let place = |name: &String| {
            let is_it = |column: &Column| column.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name));
            self.columns.known.iter().position(is_it)
        };
        let places: Option<Key> = names.iter().map(place).collect();
        if let Some(mut key) = places.filter(|key| !key.is_empty()) {
            key.sort_unstable();
            self.keys.push(key);
            self.keys.sort();
            self.keys.dedup();
        }
    }

    /// Takes back that these columns can be NULL.
    pub(super) fn doubt_nulls(&mut self, is_asserted: impl Fn(&str) -> bool) {
        for column in &mut self.columns.known {
            if column.nullable == Nullability::Nullable && column.name.as_deref().is_some_and(&is_asserted) {
                column.nullable = Nullability::Unknown;
            }
        }
    }

    /// As a relation that another text reads: its columns, its keys, and whether all rows are there that these say something of. Where the columns come from is of no concern there.
    pub(super) fn outline(&self) -> (Columns, Vec<Key>, bool) {
        let seen = |column: &Column| Column {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            nullable: column.nullable,
            origins: Vec::new(),
            is_hidden: column.is_hidden,
            is_volatile: column.is_volatile,
        };
        let known = self.columns.known.iter().map(seen).collect();
        (Columns { known, is_open: self.columns.is_open }, self.keys.clone(), self.is_whole)
    }
}

/// What [`Facts::outline`] gives, as it stands in them.
pub(super) struct Outline<'a>(pub(super) &'a Facts);

impl Hash for Outline<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Facts { columns, keys, is_whole, influences: _, fingerprint: _ } = self.0;
        (columns.is_open, keys, is_whole).hash(state);
        for Column { name, data_type, nullable, origins: _, is_hidden, is_volatile } in &columns.known {
            (name, data_type, nullable, is_hidden, is_volatile).hash(state);
        }
    }
}

/// Those that its author names. There may be others, unless it is a contract.
fn documented(action: &Action<ActionId>, semantics: &dyn Semantics) -> Columns {
    let mut columns = Columns { known: Vec::new(), is_open: !action.documentation.is_contract };
    for column in &action.documentation.columns {
        if let [name] = column.path.as_slice() {
            let data_type = column.data_type.as_deref().map(|name| semantics.named_type(name)).unwrap_or_default();
            columns.known.push(Column { name: Some(name.as_str().into()), data_type, ..Column::default() });
        }
    }
    columns
}

/// What an author says of columns, with what a warehouse has told of them. The author's types count, and so do the names of a
/// contract.
fn completed(said: &Columns, saved: &Columns, semantics: &dyn Semantics) -> Columns {
    let case = semantics.names().case;
    let same = |one: &Column, other: &Column| match (&one.name, &other.name) {
        (Some(one), Some(other)) => case.is_same(one, other),
        _ => false,
    };
    let is_typed = |column: &&Column| column.data_type != DataType::Unknown;
    let with_type = |column: &Column, others: &Columns| {
        let other = others.known.iter().find(|other| same(other, column));
        let data_type = other.filter(is_typed).unwrap_or(column).data_type.clone();
        Column { data_type, ..column.clone() }
    };
    if !said.is_open {
        let known = said.known.iter().map(|column| match column.data_type {
            DataType::Unknown => with_type(column, saved),
            _ => column.clone(),
        });
        return Columns::closed(known.collect());
    }
    let mut known: Vec<Column> = saved.known.iter().map(|column| with_type(column, said)).collect();
    // A column that has a type is meant to be there, even if the table did not have it then.
    let is_new = |column: &&Column| is_typed(column) && !saved.known.iter().any(|other| same(other, column));
    known.extend(said.known.iter().filter(is_new).cloned());
    Columns { known, is_open: saved.is_open }
}

/// Those that the catalog has. What the project itself makes may have become another one since.
fn saved(action: &Action<ActionId>, catalog: &Catalog, dialect: &dyn Dialect) -> Option<Columns> {
    let columns = catalog.columns(&action.canonical)?;
    let case = dialect.semantics().names().case;
    // Another warehouse may write its names in another way than this one.
    let is_known = |name: &str| catalog.dialect.name() == dialect.name() || case.is_same(name, &name.to_lowercase());
    let is_closed = is_all_known(action, catalog) && columns.iter().all(|column| is_known(&column.name));
    let known = columns.iter().map(|column| Column {
        name: Some(column.name.as_str().into()),
        data_type: type_of(&column.data_type, catalog.dialect, dialect),
        nullable: Nullability::Unknown,
        ..Column::default()
    });
    Some(Columns { known: known.collect(), is_open: !is_closed })
}

/// Whether the columns of an action are those of the catalog, and no others.
pub(super) fn is_all_known(action: &Action<ActionId>, catalog: &Catalog) -> bool {
    matches!(action.kind, Kind::Declaration) && catalog.columns(&action.canonical).is_some()
}

/// The type of that name in one dialect, as far as another one has it, too.
fn type_of(name: &str, from: &dyn Dialect, to: &dyn Dialect) -> DataType {
    let data_type = from.semantics().named_type(name);
    let semantics = to.semantics();
    let is_shared = from.name() == to.name() || semantics.named_type(&semantics.type_name(&data_type)) == data_type;
    if is_shared { data_type } else { DataType::Unknown }
}
