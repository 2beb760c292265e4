//! Warehouse nouns: what an object is called and what is known of it.

mod state;
mod target;

pub use state::{Column, Relation, RelationKind, WarehouseState};
pub use target::Target;
