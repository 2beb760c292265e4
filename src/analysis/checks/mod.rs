//! One file for each check.

mod one_statement;
mod outer_name;
mod syntax;

pub(super) use one_statement::one_statement;
pub(super) use outer_name::outer_name;
pub(super) use syntax::syntax;
