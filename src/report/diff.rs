//! What is different between two states of a project, for people.

use crate::compare::{Change, Comparison, Difference, Felt, FeltBy, Level, SnapshotColumn};
use crate::report::count;

/// A comparison as text: each change, what of it, and who feels it.
pub fn comparison_text(comparison: &Comparison) -> String {
    let mut text = String::new();
    let width = comparison.changes.iter().map(|change| change.name.chars().count()).max().unwrap_or_default();
    for change in &comparison.changes {
        text += &format!("{:<13}  {:<width$}  {}\n", change.level().word(), change.name, change.file);
        for difference in &change.differences {
            text += &format!("  {}\n", words(difference));
        }
        for felt in &change.felt_by {
            text += &format!("  → {}\n", felt_words(felt));
        }
    }
    text + &summary(comparison)
}

/// A comparison in Markdown, for a pull request.
pub fn comparison_markdown(comparison: &Comparison) -> String {
    if comparison.changes.is_empty() {
        return summary(comparison);
    }
    let mut text = "| Level | Action | What is different | Who feels it |\n|---|---|---|---|\n".to_owned();
    for change in &comparison.changes {
        let lines = |lines: Vec<String>| lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("<br>");
        let differences = lines(change.differences.iter().map(words).collect());
        let felt = lines(change.felt_by.iter().map(felt_words).collect());
        text += &format!("| {} | `{}` | {differences} | {felt} |\n", marked(change), change.name);
    }
    text + "\n" + &summary(comparison)
}

fn marked(change: &Change) -> String {
    let word = change.level().word();
    if change.level() == Level::Breaking { format!("**{word}**") } else { word.to_owned() }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

fn summary(comparison: &Comparison) -> String {
    match comparison.changes.as_slice() {
        [] => format!("nothing is different: {} compared\n", count(comparison.same, "action")),
        changes => {
            let is = if changes.len() == 1 { "is" } else { "are" };
            format!("{} of {} {is} different\n", changes.len(), count(changes.len() + comparison.same, "action"))
        }
    }
}

fn words(difference: &Difference) -> String {
    match difference {
        Difference::Added => "is new".to_owned(),
        Difference::Removed => "is gone".to_owned(),
        Difference::Kind { was, is } => format!("was a {was} and is a {is}"),
        Difference::Formatting => "says the same in another way".to_owned(),
        Difference::Documentation => "descriptions, tags or labels".to_owned(),
        Difference::Settings => "options of its config".to_owned(),
        Difference::ColumnAdded(column) => format!("+ {}", described(column)),
        Difference::ColumnRemoved(column) => format!("- {}", described(column)),
        Difference::ColumnRetyped { name, was, is } => format!("~ {name}: {was} → {is}"),
        Difference::ColumnRedefined(name) => format!("~ {name} is made of something else"),
        Difference::ColumnsReordered => "its columns stand in another order".to_owned(),
        Difference::Rows => "its rows: a relation, join, filter or grouping is another one".to_owned(),
        Difference::Increment => "what an incremental run adds".to_owned(),
        Difference::Statements => "statements that run as they are".to_owned(),
        Difference::Unclear => "its text, in a way that is not understood".to_owned(),
    }
}

fn described(column: &SnapshotColumn) -> String {
    if column.is_vague() { column.name.clone() } else { format!("{}: {}", column.name, column.data_type) }
}

fn felt_words(felt: &FeltBy) -> String {
    let what = match &felt.felt {
        Felt::Rows => "its rows".to_owned(),
        Felt::Columns(columns) => columns.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let broken = if felt.is_broken { ", and it may break" } else { "" };
    format!("{}: {what}{broken}", felt.name)
}
