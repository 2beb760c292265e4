//! What is known of an action's output.

use crate::action::{Action, ActionId, Kind};
use crate::analysis::bind::Known;
use crate::analysis::bound::{Bound, Column, Columns, Influence, Key, Query, SourceKind, Statement};
use crate::dialect::semantics::Semantics;

/// What is known of the rows that an action gives.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Their columns.
    pub columns: Columns,
    /// The columns of others that decide on them without being in them.
    pub influences: Vec<Influence>,
    /// Columns whose values no two of them share.
    pub keys: Vec<Key>,
}

impl Facts {
    /// Nothing.
    pub(super) fn unknown() -> Self {
        Self { columns: Columns::unknown(), ..Self::default() }
    }

    /// Those of an action whose text says nothing: what its author says of its columns.
    pub(super) fn declared(action: &Action<ActionId>, semantics: &dyn Semantics) -> Self {
        Self { columns: documented(action, semantics), ..Self::default() }
    }

    /// Those of a query.
    pub(super) fn of_query(query: &Query) -> Self {
        Self { columns: query.columns.clone(), influences: query.influences.clone(), keys: query.keys.clone() }
    }

    /// Those of an action whose text has been bound.
    pub(super) fn of(action: &Action<ActionId>, bound: &Bound, semantics: &dyn Semantics) -> Self {
        match (&action.kind, bound.statements.as_slice()) {
            (Kind::Model(model), [Statement::Query(query)]) => {
                let mut facts = Self::of_query(query);
                facts.add_key(&model.unique_key);
                facts
            }
            (Kind::Assertion(_), [Statement::Query(query)]) => Self::of_query(query),
            _ => Self::declared(action, semantics),
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

    /// As a relation that another text reads.
    pub(super) fn known_as(&self, kind: SourceKind) -> Known {
        Known { kind, columns: self.columns.clone(), keys: self.keys.clone() }
    }
}

/// Those that its author names. There may be others, unless it is a contract.
fn documented(action: &Action<ActionId>, semantics: &dyn Semantics) -> Columns {
    let mut columns = Columns { known: Vec::new(), is_open: !action.documentation.is_contract };
    for column in &action.documentation.columns {
        if let [name] = column.path.as_slice() {
            let data_type = column.data_type.as_deref().map(|name| semantics.named_type(name)).unwrap_or_default();
            columns.known.push(Column { name: Some(name.clone()), data_type, ..Column::default() });
        }
    }
    columns
}
