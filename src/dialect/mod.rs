//! How a warehouse writes SQL: quoting, literals, grammar, and what it can do. Pure text, no I/O.

mod bigquery;
mod duckdb;
mod postgres;
mod redshift;
pub mod syntax;
pub mod translate;

use std::fmt::Debug;

use crate::relation::Target;

pub use bigquery::BigQuery;
pub use duckdb::DuckDb;
pub use postgres::Postgres;
pub use redshift::Redshift;

/// What a warehouse's SQL looks like.
pub trait Dialect: Debug + Send + Sync {
    /// As written in the settings: `bigquery`, `duckdb`, `postgres`, `redshift`.
    fn name(&self) -> &'static str;

    /// An identifier, always quoted, with the quotes inside it escaped.
    fn identifier(&self, name: &str) -> String;

    /// A string literal that the warehouse reads as exactly this text.
    fn string(&self, text: &str) -> String;

    /// The full, quoted name of a relation, as it stands after FROM.
    fn relation(&self, target: &Target) -> String {
        target.parts().map(|part| self.identifier(part)).collect::<Vec<_>>().join(".")
    }

    /// The grammar in which its statements are parsed.
    fn grammar(&self) -> &dyn syntax::Grammar;

    /// Whether names of relations that differ only in the case of letters are the same, quoted or not.
    fn ignores_case(&self) -> bool {
        false
    }

    /// Whether blanks at the end of a text mean nothing where texts are compared.
    fn ignores_trailing_blanks(&self) -> bool {
        false
    }

    /// Whether an aggregate in a subquery may be of columns of the outer query alone.
    fn aggregates_outer_columns(&self) -> bool {
        false
    }

    /// Whether it takes BigQuery's options of tables, and no others.
    fn has_bigquery_options(&self) -> bool {
        false
    }

    /// How its SQL is translated to DuckDB; `None` where it is DuckDB's own.
    fn to_duckdb(&self) -> Option<translate::ToDuckDb> {
        None
    }
}

static DIALECTS: [&dyn Dialect; 4] = [&BigQuery, &DuckDb, &Postgres, &Redshift];

/// The dialect of that name (`postgresql` is taken for `postgres`, in any case of letters).
pub fn named(name: &str) -> Option<&'static dyn Dialect> {
    let name = name.to_ascii_lowercase();
    let name = if name == "postgresql" { "postgres" } else { &name };
    DIALECTS.into_iter().find(|dialect| dialect.name() == name)
}

/// The names that [`named`] knows, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    DIALECTS.into_iter().map(Dialect::name)
}
