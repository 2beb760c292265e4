//! The files under `.trueup/` that others read, and the catalog. The only module that gives its types a form in JSON.

mod catalog;
mod columns;
mod comparison;
mod compiled;
mod costs;
mod dataform;
mod journal;
mod lateness;
mod manifest;
mod memory;
mod reconciled;
mod run_results;
mod snapshot;
mod status;
mod write;

pub use catalog::write_catalog;
pub use columns::Columns;
pub use comparison::comparison_json;
pub use compiled::{Written, compiled, read_written, write_compiled, write_compiled_once, write_written};
pub use costs::costs_json;
pub use dataform::dataform_graph;
pub use journal::{Journal, LastRun, Undertaking};
pub use lateness::lateness_json;
pub use memory::{make_folder, read_memory, write_memory};
pub use reconciled::reconciled_json;
pub use run_results::{read_last_run, write_run_results};
pub use snapshot::read_snapshot;
pub use status::status_json;
pub use write::write_atomically;
