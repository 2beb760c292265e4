use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::relation::{Access, Layout, Target};

/// A column of a relation or of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the warehouse has it.
    pub name: String,
    /// In the warehouse's own words.
    pub data_type: String,
}

/// What kind of object holds rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A base table.
    Table,
    /// A view.
    View,
    /// A view whose rows are kept.
    MaterializedView,
}

/// As in SQL: `table`, `view`, `materialized view`.
impl fmt::Display for RelationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
        })
    }
}

/// An object that exists in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Table or view.
    pub kind: RelationKind,
    /// In their order.
    pub columns: Vec<Column>,
    /// How it lies, and what is said of it. Empty where the adapter does not ask.
    pub layout: Layout,
}

/// What a warehouse holds of the targets that were asked for. A target that is not in it does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarehouseState {
    /// By the target as it was asked for.
    pub relations: HashMap<Target, Relation>,
    /// The targets whose schema is there.
    pub with_schema: HashSet<Target>,
    /// Who may read a relation. Only of those that another one is to take the place of.
    pub access: HashMap<Target, Access>,
}

impl WarehouseState {
    /// What stands at that name.
    pub fn get(&self, target: &Target) -> Option<&Relation> {
        self.relations.get(target)
    }
}
