//! How late rows are, as JSON.

use serde_json::{Value, json};

use crate::execute::{Lateness, LatenessStep};

/// One object on a line.
pub fn lateness_json(name: &str, found: &Lateness) -> String {
    let step = |step: &LatenessStep| json!({ "within": step.name, "came": step.came, "young": step.young });
    let steps: Vec<Value> = found.steps.iter().map(step).collect();
    format!("{}\n", json!({ "name": name, "rows": found.rows, "steps": steps }))
}
