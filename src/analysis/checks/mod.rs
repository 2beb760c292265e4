//! One file for each check.

mod one_statement;
mod outer_name;
mod session_value;
mod syntax;
mod unknown_name;

pub(super) use one_statement::one_statement;
pub(super) use outer_name::outer_name;
pub(super) use session_value::session_value;
pub(super) use syntax::syntax;
pub(super) use unknown_name::unknown_name;
