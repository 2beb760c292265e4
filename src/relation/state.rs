use std::collections::HashMap;

use crate::relation::Target;

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
}

/// An object that exists in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Table or view.
    pub kind: RelationKind,
    /// In their order.
    pub columns: Vec<Column>,
}

/// What a warehouse holds of the targets that were asked for. A target that is not in it does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarehouseState {
    /// By the target as it was asked for.
    pub relations: HashMap<Target, Relation>,
}

impl WarehouseState {
    /// What stands at that name.
    pub fn get(&self, target: &Target) -> Option<&Relation> {
        self.relations.get(target)
    }
}
