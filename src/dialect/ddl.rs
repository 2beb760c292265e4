use std::collections::BTreeMap;

use crate::relation::{PhysicalOptions, RelationKind, Target};

/// How a relation is to be kept, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub struct Storage<'a> {
    /// How it lies.
    pub options: &'a PhysicalOptions,
    /// For people.
    pub description: Option<&'a str>,
    /// For programs.
    pub labels: &'a BTreeMap<String, String>,
}

/// What stands around the query of a statement that makes a relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clauses {
    /// Between `create` and the kind, with a blank at its end.
    pub modifier: &'static str,
    /// Between the name and `as`, with a blank at its end.
    pub before: String,
    /// Behind the query, with a line end at its start.
    pub after: &'static str,
}

/// How a table that is made anew comes to its columns and its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// `create table … as` its query.
    FromQuery,
    /// Its columns are spelled out, since something is said of them that does not go with a query. Then the query's rows
    /// are put in.
    Defined,
    /// The rows are staged first, since what the table is made of depends on them. It gets their columns.
    Staged,
}

/// A relation that takes the place of another.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The place.
    pub target: &'a Target,
    /// What stands there as far as is known.
    pub existing: Option<RelationKind>,
    /// The new relation.
    pub made: &'a Target,
    /// What it is.
    pub kind: RelationKind,
    /// How it lies.
    pub options: &'a PhysicalOptions,
    /// Relations that are built anew behind this one: they may be lost in the meantime if they no longer fit.
    pub rebuilt: &'a [&'a Target],
    /// Those of them that are materialized views by now.
    pub materialized: &'a [&'a Target],
}

/// SQL with its part in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Just runs.
    Run(String),
    /// A query whose rows are statements. They run behind those that are given.
    Each {
        /// Gives the statements, in one column.
        query: String,
        /// Run between the query and what it gives.
        between: Vec<String>,
    },
}

/// The fields inside of a column that its types in a table and in a query do not have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldChange {
    /// Those that only the query has, by their paths, which begin with the column.
    pub added: Vec<String>,
    /// Those that only the table has.
    pub missing: Vec<String>,
    /// The type with all of them.
    pub data_type: String,
}

/// What no statement can grant on a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHandedOver {
    /// In words, with what is in the way.
    pub what: String,
    /// What to do.
    pub help: &'static str,
}
