//! One file for each check.

mod outer_name;
mod syntax;

pub(super) use outer_name::outer_name;
pub(super) use syntax::syntax;
