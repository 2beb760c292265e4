//! What is new in a catalog.

use std::collections::BTreeMap;

use crate::project::{CATALOG_FILE, Catalog};
use crate::relation::Column;
use crate::report::count;

/// Why a relation is not in a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotThere {
    /// The warehouse does not give it.
    Missing {
        /// In its words.
        message: String,
    },
    /// Nobody has asked for it this time.
    NotAsked,
    /// The project has no action of that name any more.
    Forgotten,
}

/// What has changed since the old one, a relation a line, and how much there is now. `others` are those that are not in it.
pub fn catalog_changes(old: Option<&Catalog>, new: &Catalog, others: &BTreeMap<String, NotThere>) -> String {
    let before = |name: &str| old.and_then(|old| old.relations.get(name));
    let mut lines: Vec<(String, &str, String)> = Vec::new();
    for (name, columns) in &new.relations {
        match before(name) {
            None => lines.push((name.clone(), "new", count(columns.len(), "column"))),
            Some(old) if old != columns => lines.push((name.clone(), "changed", differences(old, columns))),
            Some(_) => {}
        }
    }
    for (name, why) in others {
        let (word, why) = match (why, before(name)) {
            (NotThere::Missing { message }, before) => {
                (if before.is_some() { "dropped" } else { "missing" }, message.lines().next().unwrap_or_default())
            }
            (NotThere::Forgotten, _) => ("dropped", "the project has no such action any more"),
            (NotThere::NotAsked, _) => ("dropped", "nobody declares it; `--all` reads what the project makes, too"),
        };
        lines.push((name.clone(), word, why.to_owned()));
    }
    lines.sort();
    let width = lines.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or_default();
    let mut text: String =
        lines.iter().map(|(name, word, what)| format!("{word:<8} {name:<width$}  {what}\n")).collect();
    let columns = new.relations.values().map(Vec::len).sum();
    text.push_str(&format!(
        "{CATALOG_FILE}: {}, {}\n",
        count(new.relations.len(), "relation"),
        count(columns, "column")
    ));
    text
}

/// `+new, -old, other: INTEGER → BIGINT`.
fn differences(old: &[Column], new: &[Column]) -> String {
    let find = |columns: &'_ [Column], name: &str| columns.iter().find(|column| column.name == name).cloned();
    let mut words: Vec<String> = Vec::new();
    for column in new {
        match find(old, &column.name) {
            None => words.push(format!("+{}", column.name)),
            Some(before) if before.data_type != column.data_type => {
                words.push(format!("{}: {} → {}", column.name, before.data_type, column.data_type));
            }
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|column| find(new, &column.name).is_none());
    words.extend(gone.map(|column| format!("-{}", column.name)));
    if words.is_empty() { "its columns are in another order".to_owned() } else { words.join(", ") }
}
