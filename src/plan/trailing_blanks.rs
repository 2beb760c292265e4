//! A look at the data where the SQL of a project takes blanks at the end of a text for nothing, and the warehouse does
//! not: no translation can know of them.

use std::collections::BTreeSet;

use crate::action::{ActionId, Kind};
use crate::dialect::Dialect;
use crate::graph::Graph;
use crate::plan::{Statement, runs};
use crate::relation::{RelationKind, WarehouseState};

/// A query of one row that tells for each column whether a value ends in a blank.
#[derive(Debug)]
pub struct BlanksQuery {
    /// The action whose relation it is about.
    pub id: ActionId,
    /// Its columns of text.
    pub columns: Vec<String>,
    /// Gives a boolean for each of them.
    pub query: Statement,
}

/// The relations that steps have built or read from outside of the project.
pub fn touched_relations(graph: &Graph, steps: impl Iterator<Item = ActionId>) -> BTreeSet<ActionId> {
    let mut touched = BTreeSet::new();
    for id in steps {
        touched.insert(id);
        touched.extend(graph.dependencies(id).into_iter().filter(|id| is_declared(graph, *id)));
    }
    touched
}

/// The queries for these relations: tables that were built, and whatever was declared.
pub fn trailing_blanks(
    graph: &Graph,
    touched: &BTreeSet<ActionId>,
    state: &WarehouseState,
    dialect: &dyn Dialect,
) -> Vec<BlanksQuery> {
    touched.iter().filter_map(|id| blanks_query(graph, *id, state, dialect)).collect()
}

fn blanks_query(graph: &Graph, id: ActionId, state: &WarehouseState, dialect: &dyn Dialect) -> Option<BlanksQuery> {
    let target = &graph.get(id).target;
    let relation = state.get(target)?;
    let is_declared = is_declared(graph, id);
    if relation.kind == RelationKind::View && !is_declared {
        // Its values are those of the tables that it reads.
        return None;
    }
    // As DuckDB writes it, or PostgreSQL.
    let texts = relation.columns.iter().filter(|column| {
        let data_type = column.data_type.to_ascii_lowercase();
        data_type == "varchar" || data_type == "text" || data_type.starts_with("character varying")
    });
    let names = texts.map(|column| &column.name).filter(|name| !is_declared || !is_trimmed(graph, id, name));
    let columns: Vec<String> = names.cloned().collect();
    if columns.is_empty() {
        return None;
    }
    let tests = columns.iter().map(|name| format!("coalesce(bool_or({} like '% '), false)", dialect.identifier(name)));
    let tests = tests.collect::<Vec<_>>().join(", ");
    let query = Statement::new(format!("select {tests} from {}", dialect.relation(target)));
    Some(BlanksQuery { id, columns, query })
}

fn is_declared(graph: &Graph, id: ActionId) -> bool {
    matches!(graph.get(id).kind, Kind::Declaration)
}

/// Whether every model that reads the relation takes the blanks off that column, as far as a glance at its text tells.
fn is_trimmed(graph: &Graph, id: ActionId, column: &str) -> bool {
    graph.dependents(id).into_iter().filter(|reader| runs(graph, *reader)).all(|reader| match &graph.get(reader).kind {
        Kind::Model(model) => trims(model.texts.query.text(), column),
        _ => false,
    })
}

fn trims(sql: &str, column: &str) -> bool {
    let (sql, column) = (sql.to_lowercase(), column.to_lowercase());
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut calls = sql.split("trim(").skip(1).filter_map(|rest| rest.split(')').next());
    calls.any(|inside| inside.split(|letter| !is_letter(letter)).any(|word| word == column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_in_trim() {
        assert!(trims("select rtrim(o.Status) as status from o", "status"));
        assert!(trims("select btrim(status, ' ') from o", "STATUS"));
        assert!(!trims("select rtrim(status_code), status from o", "status"));
        assert!(!trims("select status from o", "status"));
    }
}
