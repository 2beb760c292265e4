//! One file for each check.

mod syntax;

pub(super) use syntax::syntax;
