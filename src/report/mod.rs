//! What people and machines read: the one place that words and draws what the rest found out.

mod catalog;
mod columns;
mod compile;
mod cost;
mod diagnostics;
mod diff;
mod lateness;
mod lineage;
mod plan;
mod reconcile;
mod run;
mod status;
mod table;
mod terminal;
mod test;
mod words;

pub use catalog::{NotThere, catalog_changes};
pub use columns::columns;
pub use compile::compile_summary;
pub use cost::costs_text;
pub use diagnostics::{DiagnosticFormat, render_diagnostics};
pub use diff::{comparison_markdown, comparison_text};
pub use lateness::lateness_text;
pub use lineage::LineageReport;
pub use plan::{estimates_text, plan_text, script_statement_text, statement_text};
pub use reconcile::{reconciliation, relations_beside};
pub use run::{RunReporter, blanks_warnings};
pub use status::status_text;
pub use table::{diff_table, rows_table, rows_text};
pub use terminal::{ColorChoice, OutputFormat, Terminal};
pub use test::{TestReport, junit};
pub use words::{ago, byte_count, count, digits, duration, length, length_at_most, money, percent, read_text};
