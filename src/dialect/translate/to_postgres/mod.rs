//! What other warehouses write, in PostgreSQL's words.

mod dates;
mod expr;
mod redshift;

pub(crate) use redshift::Redshift;
