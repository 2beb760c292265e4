//! Which columns are in sight, and what is known of their types.

use crate::dialect::translate::types::Type;

/// The columns of a relation, in order; `None` where the text does not tell them.
pub(crate) type Columns = Option<Vec<(String, Type)>>;

/// Something in FROM.
#[derive(Debug)]
pub(crate) struct Relation {
    /// By which its columns are qualified.
    pub(crate) name: String,
    pub(crate) columns: Columns,
    /// Whether it has one column that may be a struct, whose fields would then be its columns.
    pub(crate) elements: bool,
}

/// The relations of each query around a place, outermost first, and the named queries.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    queries: Vec<Vec<Relation>>,
    named: Vec<(String, Columns)>,
}

impl Scopes {
    pub(crate) fn open(&mut self) {
        self.queries.push(Vec::new());
    }

    pub(crate) fn close(&mut self) {
        self.queries.pop();
    }

    /// Puts a relation into the innermost query.
    pub(crate) fn add(&mut self, name: &str, columns: Columns) {
        if let Some(query) = self.queries.last_mut() {
            query.push(Relation { name: name.to_owned(), columns, elements: false });
        }
    }

    /// Puts the elements of an array into the innermost query.
    pub(crate) fn add_elements(&mut self, name: &str, columns: Columns, unknown: bool) {
        if let Some(query) = self.queries.last_mut() {
            query.push(Relation { name: name.to_owned(), columns, elements: unknown });
        }
    }

    /// Whether some relation in sight is known to have that column.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        self.queries
            .iter()
            .flatten()
            .filter_map(|relation| relation.columns.as_ref())
            .flatten()
            .any(|(column, _)| column.eq_ignore_ascii_case(name))
    }

    /// The relations of the innermost query.
    pub(crate) fn innermost(&self) -> &[Relation] {
        self.queries.last().map_or(&[], Vec::as_slice)
    }

    /// A mark to which [`Scopes::forget`] goes back.
    pub(crate) fn mark(&self) -> usize {
        self.named.len()
    }

    /// Names a query (WITH) or a table that the script makes.
    pub(crate) fn name(&mut self, name: &str, columns: Columns) {
        self.named.push((name.to_owned(), columns));
    }

    /// Forgets every name given after the mark.
    pub(crate) fn forget(&mut self, mark: usize) {
        self.named.truncate(mark);
    }

    /// The columns of the named query of that name.
    pub(crate) fn named(&self, name: &str) -> Option<&Columns> {
        self.named.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, columns)| columns)
    }

    /// The columns of the nearest relation of that name.
    pub(crate) fn relation(&self, name: &str) -> Option<&Relation> {
        self.queries.iter().rev().flatten().find(|relation| relation.name.eq_ignore_ascii_case(name))
    }

    /// The type of an unqualified column.
    pub(crate) fn column(&self, name: &str) -> Type {
        for query in self.queries.iter().rev() {
            let mut blind = false;
            for relation in query {
                // The fields of its elements, if they are structs, are not known.
                blind |= relation.elements;
                match &relation.columns {
                    None => blind = true,
                    Some(columns) => {
                        if let Some((_, kind)) = columns.iter().find(|(column, _)| column.eq_ignore_ascii_case(name)) {
                            return kind.clone();
                        }
                    }
                }
            }
            if let Some(relation) = query.iter().find(|relation| relation.name.eq_ignore_ascii_case(name)) {
                // The whole row.
                return relation.columns.clone().map_or(Type::Unknown, Type::Struct);
            }
            if blind {
                return Type::Unknown;
            }
        }
        Type::Unknown
    }

    /// The type of a dotted path: `relation.column`, `column.field`, and deeper.
    pub(crate) fn path(&self, parts: &[&str]) -> Type {
        let [first, rest @ ..] = parts else { return Type::Unknown };
        let (start, fields) = match (self.relation(first), rest) {
            (Some(relation), [column, fields @ ..]) => {
                let kind = relation.columns.as_ref().and_then(|columns| {
                    columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(column)).map(|(_, kind)| kind.clone())
                });
                (kind.unwrap_or_default(), fields)
            }
            _ => (self.column(first), rest),
        };
        fields.iter().fold(start, |kind, field| kind.field(field))
    }
}
