use std::fmt::Write;
use std::time::Duration;

use crate::compile::Compilation;
use crate::diagnostic::Severity;
use crate::report::{count, duration};

/// One line on a compilation: what there is, or how much is wrong.
pub fn compile_summary(compilation: &Compilation, took: Duration) -> String {
    let errors = compilation.diagnostics.count(Severity::Error);
    let warnings = compilation.diagnostics.count(Severity::Warning);
    if errors > 0 {
        let mut text = format!("found {}", count(errors, "error"));
        if warnings > 0 {
            let _ = write!(text, " and {}", count(warnings, "warning"));
        }
        return text + "\n";
    }
    let words = ["incremental", "table", "view", "operations", "declaration", "assertion", "test"];
    let parts = words.iter().filter_map(|word| {
        let number = compilation.graph.iter().filter(|(_, action)| action.kind.word() == *word).count();
        let noun = if *word == "incremental" { "incremental table" } else { word };
        (number > 0).then(|| count(number, noun))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        return "there is nothing to compile: no `.sqlx` file under definitions/\n".to_owned();
    }
    let mut text = format!("compiled {}", count(compilation.graph.iter().count(), "action"));
    let _ = write!(text, ": {}", parts.join(", "));
    if warnings > 0 {
        let _ = write!(text, "; {}", count(warnings, "warning"));
    }
    text + &format!(" ({})\n", duration(took))
}
