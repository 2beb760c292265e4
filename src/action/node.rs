use crate::action::{Kind, PropertyGraph, Rendered};
use crate::relation::Target;

/// An action that compiles, so that others may depend on it, and that only BigQuery's own pipelines run.
#[derive(Debug, Clone)]
pub enum Node {
    /// A notebook of Jupyter's.
    Notebook {
        /// The notebook as JSON, without outputs.
        contents: String,
    },
    /// A data preparation of BigQuery's.
    DataPreparation(DataPreparation),
    /// A property graph of BigQuery's.
    PropertyGraph(PropertyGraph),
    /// An action whose text is made by code when its turn comes (Dataform's `jitCode`).
    RunTime {
        /// What it will be; its texts are empty.
        kind: Box<Kind>,
        /// A function of JavaScript.
        code: String,
    },
}

/// A data preparation: where it reads, and where the rows go.
#[derive(Debug, Clone)]
pub struct DataPreparation {
    /// The steps, in BigQuery's YAML; `None` where there is a query.
    pub steps: Option<String>,
    /// A query with validations; `None` where there are steps.
    pub query: Option<Rendered>,
    /// What it makes: its destinations, then the table for errors. Names in the warehouse, and as the project has them.
    pub targets: Vec<(Target, Target)>,
    /// The table for errors: its name in the warehouse, and the days that a row is kept.
    pub error_table: Option<(Target, Option<u64>)>,
    /// How rows are brought into the table.
    pub load: Option<Load>,
}

/// How the rows of a data preparation are brought into its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Load {
    /// Added.
    Append,
    /// Those that are beyond the largest value of a column.
    Maximum {
        /// The column.
        column: String,
    },
    /// Merged by a key.
    Merge {
        /// The key.
        unique_key: Vec<String>,
    },
    /// In place of those that were there.
    Replace,
    /// Those whose value of a column is not there.
    Unique {
        /// The column.
        column: String,
    },
}

impl Node {
    /// A word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Notebook { .. } => "notebook",
            Self::DataPreparation(_) => "data preparation",
            Self::PropertyGraph(_) => "property graph",
            Self::RunTime { .. } => "run-time code",
        }
    }
}
