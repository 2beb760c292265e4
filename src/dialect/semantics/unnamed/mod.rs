//! What a column is called whose expression has no name.

pub(super) mod duckdb;
pub(super) mod postgres;
