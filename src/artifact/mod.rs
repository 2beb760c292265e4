//! The files under `.trueup/` that others read. The only module that gives its types a form in JSON.

mod compiled;
mod manifest;
mod write;

pub use compiled::{compiled, write_compiled};
pub use write::write_atomically;
