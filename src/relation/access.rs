/// Who may read a relation, as far as that is said of the relation itself. What is said of its schema is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// Roles, and who has them.
    pub grants: Vec<Grant>,
    /// Which rows may be read by whom. Where there are any, nobody reads the others.
    pub row_policies: Vec<RowPolicy>,
}

/// A role, and those who have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Such as `roles/bigquery.dataViewer`.
    pub role: String,
    /// Such as `user:ann@example.com`.
    pub members: Vec<String>,
    /// The name of the condition under which they have it.
    pub condition: Option<String>,
}

/// Rows that some may read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowPolicy {
    /// What it is called; unique in its table.
    pub name: String,
    /// SQL that is true of them.
    pub filter: String,
    /// Such as `group:sales@example.com`.
    pub members: Vec<String>,
}
