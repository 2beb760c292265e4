//! What other warehouses write, in PostgreSQL's words.

mod bigquery;
mod dates;
mod expr;
mod redshift;

pub(crate) use bigquery::BigQuery;
pub(crate) use redshift::Redshift;
