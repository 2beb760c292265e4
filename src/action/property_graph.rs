use crate::relation::Target;

/// `create property graph`: tables of a warehouse as nodes and edges. Its tables are named as they are there, so that it
/// depends on no action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyGraph {
    /// Its nodes, in the order written; never empty.
    pub entities: Vec<GraphTable>,
    /// Its edges, in the order written.
    pub relationships: Vec<GraphRelationship>,
    /// What stands behind the name in `create property graph`.
    pub body: String,
}

/// A table whose rows are nodes or edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphTable {
    /// Its name in the graph.
    pub name: String,
    /// The table.
    pub source: Target,
    /// The columns that tell its rows apart; empty where an edge leaves them to the warehouse.
    pub keys: Vec<String>,
    /// What queries find its rows by; empty if that is its name and all its columns.
    pub labels: Vec<GraphLabel>,
}

/// Edges between two tables of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphRelationship {
    /// The table of the edges.
    pub table: GraphTable,
    /// Where they begin.
    pub source: GraphEndpoint,
    /// Where they end.
    pub destination: GraphEndpoint,
}

/// An end of an edge. Both lists are of the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphEndpoint {
    /// The name of the table of nodes.
    pub entity: String,
    /// Columns of the edge.
    pub columns: Vec<String>,
    /// The columns of the node that they are equal to.
    pub entity_columns: Vec<String>,
}

/// A label of the rows of a table, with what it shows of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphLabel {
    /// The name of the table if it is the default label.
    pub name: String,
    /// Whether it comes from keys of the table itself, and is written as `default label`.
    pub is_default: bool,
    /// For people.
    pub description: Option<String>,
    /// Other words for it.
    pub synonyms: Vec<String>,
    /// The columns that it shows; the warehouse decides if nothing is written.
    pub properties: Option<GraphProperties>,
}

/// The columns that a label shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphProperties {
    /// All columns of the table but a few.
    All {
        /// Those that are left out.
        except: Vec<String>,
    },
    /// These; never empty.
    Fields(Vec<GraphField>),
}

/// A property of nodes or edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphField {
    /// Its name.
    pub name: String,
    /// What it is, over the columns of the table; the name itself if nothing else is written.
    pub expression: String,
    /// For people.
    pub description: Option<String>,
    /// Other words for it.
    pub synonyms: Vec<String>,
}
