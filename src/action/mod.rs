//! The nodes of the graph. An action before its references are resolved and one after are different types:
//! `Action<Reference>` and `Action<ActionId>`.

mod assertion;
mod expectations;
mod model;
mod names;
mod node;
mod property_graph;
mod reference;
mod rendered;

use std::collections::BTreeMap;

use crate::files::Span;
use crate::relation::{JobOptions, Target};
use serde::{Deserialize, Serialize};

pub use assertion::{Assertion, Check};
pub use expectations::{Age, Expectations, Freshness};
pub use model::{
    Incremental, IncrementalStrategy, Intervals, Materialization, Model, OnSchemaChange, Publishing, Texts,
};
pub use names::Names;
pub use node::{DataPreparation, Load, Node};
pub use property_graph::{
    GraphEndpoint, GraphField, GraphLabel, GraphProperties, GraphRelationship, GraphTable, PropertyGraph,
};
pub use reference::{Dependency, Origin, Reference};
pub use rendered::{Piece, Rendered};

/// A node's place in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActionId(pub u32);

impl ActionId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One thing that a project makes, checks or knows of. `R` is what it depends on: names as written, or nodes.
#[derive(Debug, Clone)]
pub struct Action<R> {
    /// Its name in the warehouse of the environment.
    pub target: Target,
    /// Its name as the project has it, without the environment's prefix and suffixes.
    pub canonical: Target,
    /// The name that it was made with, if code has changed that since.
    pub first_name: Option<Target>,
    /// Where its name is written; the start of the file where the file's name is its own.
    pub name_span: Span,
    /// The file that it is shown under, if that is not the one of `name_span`.
    pub file_name: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Labels for selection.
    pub tags: Vec<String>,
    /// In the graph, but not run.
    pub disabled: bool,
    /// Whether its text says all that its result depends on, as its author has it; for whoever caches results.
    pub hermetic: Option<bool>,
    /// How its statements run.
    pub job: JobOptions,
    /// For people.
    pub documentation: Documentation,
    /// What must be there first: those of the config in the order written, then those of the texts.
    pub dependencies: Vec<Dependency<R>>,
}

impl<R> Action<R> {
    /// The same action with other dependencies.
    pub fn with_dependencies<S>(self, dependencies: Vec<Dependency<S>>) -> Action<S> {
        let Self { target, canonical, first_name, name_span, file_name, kind, tags, disabled, hermetic, job, .. } =
            self;
        let documentation = self.documentation;
        Action {
            target,
            canonical,
            first_name,
            name_span,
            file_name,
            kind,
            tags,
            disabled,
            hermetic,
            job,
            documentation,
            dependencies,
        }
    }
}

/// What an action is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Makes a relation out of a query.
    Model(Box<Model>),
    /// SQL run as it is written.
    Operations {
        /// One text for each statement.
        statements: Vec<Rendered>,
        /// Whether it makes the relation that it is named after.
        has_output: bool,
    },
    /// A table made by someone else.
    Declaration,
    /// A query that must return no rows.
    Assertion(Box<Assertion>),
    /// Given inputs, the expected output of one model.
    Test(Box<UnitTest>),
    /// Something that only BigQuery's own pipelines run.
    Node(Box<Node>),
    /// Something of that name, whose config could not be read. That has been reported.
    Unknown,
}

impl Kind {
    /// One word for people: `table`, `view`, `incremental`, `operations`, `declaration`, `assertion`, `test`,
    /// `notebook`, `data preparation`, `property graph`, `run-time code`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Model(model) => model.materialization.word(),
            Self::Operations { .. } => "operations",
            Self::Declaration => "declaration",
            Self::Assertion(_) => "assertion",
            Self::Test(_) => "test",
            Self::Node(node) => node.word(),
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is a query that is run whenever somebody reads it.
    pub fn is_view(&self) -> bool {
        match self {
            Self::Model(model) => matches!(model.materialization, Materialization::View { .. }),
            _ => false,
        }
    }

    /// Whether there is something to select from after it ran.
    pub fn has_output(&self) -> bool {
        match self {
            Self::Model(_) | Self::Declaration | Self::Assertion(_) | Self::Unknown => true,
            Self::Operations { has_output, .. } => *has_output,
            Self::Test(_) => false,
            Self::Node(node) => !matches!(**node, Node::Notebook { .. }),
        }
    }
}

/// A unit test: the model's query over given rows, beside the rows expected.
#[derive(Debug, Clone, Hash)]
pub struct UnitTest {
    /// The model under test, as written.
    pub tested: Reference,
    /// The rows of each relation that the model reads.
    pub inputs: Vec<TestInput>,
    /// A query that gives the expected rows.
    pub expected: Rendered,
    /// The model's query with the inputs in the place of what it refers to.
    pub inlined: Rendered,
}

/// The rows that stand for a relation in a unit test.
#[derive(Debug, Clone, Hash)]
pub struct TestInput {
    /// The relation, as the model's ref names it; the tested model itself for the table as it was before the run.
    pub relation: Reference,
    /// Where it is named.
    pub span: Span,
    /// A query that gives the rows.
    pub rows: Rendered,
}

/// What people are told about an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documentation {
    /// What it is.
    pub description: Option<String>,
    /// Its columns, in the order written. A field inside a record has a path of several names.
    pub columns: Vec<ColumnDocumentation>,
    /// Whether it has these columns and no others.
    pub is_contract: bool,
    /// The columns that tell the rows of a declaration apart; empty if nothing is said of that.
    pub unique_key: Vec<String>,
    /// The columns that say when.
    pub times: Times,
    /// The columns of its own that other settings name: keys, partitions, clusters.
    pub named_columns: Vec<NamedColumn>,
    /// How old the newest rows may be, and how late they may come.
    pub expectations: Expectations,
    /// Labels of the object in the warehouse.
    pub labels: BTreeMap<String, String>,
    /// For a catalogue of data, if there is any.
    pub metadata: Option<Metadata>,
}

/// The columns that say when something happened, and when a row came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Times {
    /// When what a row tells of happened.
    pub event: Option<NamedColumn>,
    /// When a run has made the row: another run gives another value.
    pub processed: Option<NamedColumn>,
}

/// A column that a config names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamedColumn {
    /// Its name.
    pub name: String,
    /// Where that is written.
    pub span: Span,
}

/// What a catalogue of data is told about an action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// A text on it.
    pub overview: Option<String>,
    /// Whatever else is to be kept: an object.
    pub properties: Option<serde_json::Value>,
}

/// What people are told about a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ColumnDocumentation {
    /// Its name; the names of the records around it first.
    pub path: Vec<String>,
    /// What it is.
    pub description: Option<String>,
    /// Labels.
    pub tags: Vec<String>,
    /// BigQuery's policy tags.
    pub policy_tags: Vec<String>,
    /// The type that it has, in words of the warehouse.
    pub data_type: Option<String>,
    /// Where that is written, or else its name; `None` for what no config says.
    pub span: Option<Span>,
}
