//! How late rows are, as JSON.

use serde_json::{Value, json};

use crate::execute::{Lateness, LatenessStep};

/// One object on a line.
pub fn lateness_json(name: &str, found: &Lateness) -> String {
    let step = |step: &LatenessStep| json!({ "within": step.name, "came": step.came, "young": step.young });
    let steps: Vec<Value> = found.steps.iter().map(step).collect();
    let value = json!({
        "name": name,
        "rows": found.rows,
        "rows_untimed": found.untimed,
        "rows_early": found.early,
        "bytes_of_table": found.bytes,
        "steps": steps,
    });
    format!("{value}\n")
}
