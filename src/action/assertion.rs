use crate::action::{Reference, Rendered};
use crate::relation::Target;

/// A query that must return no rows.
#[derive(Debug, Clone, Hash)]
pub struct Assertion {
    /// Gives the rows that should not be there.
    pub query: Rendered,
    /// What it checks.
    pub check: Check,
    /// The model whose config or code made it, under the name that this had then.
    pub parent: Option<Target>,
}

/// What an assertion checks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Check {
    /// A file of its own: whatever its query says.
    Query,
    /// No two rows of the model have the same values in these columns.
    Unique {
        /// The model.
        of: Reference,
        /// The key.
        columns: Vec<String>,
    },
    /// Conditions that hold for every row of the model; those for `nonNull` and `acceptedValues` among them.
    Rows {
        /// The model.
        of: Reference,
        /// SQL conditions.
        conditions: Vec<String>,
    },
    /// Every value of a column that is not NULL is in a column of another relation.
    Relationship {
        /// The model.
        of: Reference,
        /// Its column.
        column: String,
        /// The other relation.
        to: Reference,
        /// The column there.
        to_column: String,
    },
}

impl Check {
    /// The model that it is about, if it says so.
    pub fn of(&self) -> Option<&Reference> {
        match self {
            Self::Query => None,
            Self::Unique { of, .. } | Self::Rows { of, .. } | Self::Relationship { of, .. } => Some(of),
        }
    }
}
