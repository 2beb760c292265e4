//! What `trueup diff` prints as JSON.

use serde::Serialize;

use crate::compare::{Change, Comparison, Difference, Felt, FeltBy};

#[derive(Serialize)]
struct Document<'a> {
    level: Option<&'static str>,
    same: usize,
    changes: Vec<JsonChange<'a>>,
}

#[derive(Serialize)]
struct JsonChange<'a> {
    name: &'a str,
    r#type: &'a str,
    file: &'a str,
    level: &'static str,
    differences: Vec<JsonDifference<'a>>,
    felt_by: Vec<JsonFelt<'a>>,
}

#[derive(Serialize)]
struct JsonDifference<'a> {
    kind: &'static str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonFelt<'a> {
    name: &'a str,
    /// All of them may be felt where the rows are.
    rows: bool,
    columns: Vec<&'a str>,
    broken: bool,
}

/// A comparison as one JSON object.
pub fn comparison_json(comparison: &Comparison) -> String {
    let document = Document {
        level: comparison.level().map(crate::compare::Level::word),
        same: comparison.same,
        changes: comparison.changes.iter().map(change).collect(),
    };
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn change(change: &Change) -> JsonChange<'_> {
    JsonChange {
        name: &change.name,
        r#type: &change.kind,
        file: &change.file,
        level: change.level().word(),
        differences: change.differences.iter().map(difference).collect(),
        felt_by: change.felt_by.iter().map(felt).collect(),
    }
}

fn difference(difference: &Difference) -> JsonDifference<'_> {
    let (kind, column, was, is) = match difference {
        Difference::Added => ("added", None, None, None),
        Difference::Removed => ("removed", None, None, None),
        Difference::Kind { was, is } => ("type", None, Some(was.as_str()), Some(is.as_str())),
        Difference::Formatting => ("formatting", None, None, None),
        Difference::Documentation => ("documentation", None, None, None),
        Difference::Settings => ("settings", None, None, None),
        Difference::ColumnAdded(column) => {
            ("column_added", Some(column.name.as_str()), None, Some(column.data_type.as_str()))
        }
        Difference::ColumnRemoved(column) => {
            ("column_removed", Some(column.name.as_str()), Some(column.data_type.as_str()), None)
        }
        Difference::ColumnRetyped { name, was, is } => {
            ("column_retyped", Some(name.as_str()), Some(was.as_str()), Some(is.as_str()))
        }
        Difference::ColumnRedefined(name) => ("column_redefined", Some(name.as_str()), None, None),
        Difference::ColumnsReordered => ("columns_reordered", None, None, None),
        Difference::Rows => ("rows", None, None, None),
        Difference::Increment => ("increment", None, None, None),
        Difference::Statements => ("statements", None, None, None),
        Difference::Unclear => ("unclear", None, None, None),
    };
    JsonDifference { kind, level: difference.level().word(), column, was, is }
}

fn felt(felt: &FeltBy) -> JsonFelt<'_> {
    let columns = match &felt.felt {
        Felt::Rows => Vec::new(),
        Felt::Columns(columns) => columns.iter().map(String::as_str).collect(),
    };
    JsonFelt { name: &felt.name, rows: felt.felt == Felt::Rows, columns, broken: felt.is_broken }
}
