use std::fmt::Debug;

/// What unit tests need of a warehouse to run on it.
pub trait TestBed: Debug {
    /// Makes a schema for the tables of tests. Its name is quoted.
    fn create_schema(&self, schema: &str) -> String {
        format!("create schema {schema}")
    }

    /// How many bytes a statement may have.
    fn longest_statement(&self) -> usize {
        usize::MAX
    }

    /// The type of a column that takes the values of a type of DuckDB's, as JSON has them; `None` where none does.
    fn type_for(&self, of_duckdb: &str) -> Option<String> {
        Some(of_duckdb.to_owned())
    }

    /// A query for each row that one of two tables has more often than the other, as often as that. `-` comes before those
    /// that are missing, `+` before those that were not expected.
    ///
    /// Floats are compared to their first digits. A text is cast where it stands for a value of another type.
    fn difference(&self, comparison: &Comparison<'_>) -> String;
}

/// Two tables whose rows are to be the same. Their names are quoted.
#[derive(Debug, Clone)]
pub struct Comparison<'a> {
    /// What came out.
    pub actual: String,
    /// What should have.
    pub expected: String,
    /// What both have, in the order expected.
    pub columns: Vec<ComparedColumn<'a>>,
}

/// A column that both tables have.
#[derive(Debug, Clone, Copy)]
pub struct ComparedColumn<'a> {
    /// As the expected rows write it.
    pub name: &'a str,
    /// Its type in what came out.
    pub is: &'a str,
    /// Its type in what was expected.
    pub should: &'a str,
}
