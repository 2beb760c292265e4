//! How a warehouse writes SQL: quoting, literals, grammar, and what it can do. Pure text, no I/O.

mod bigquery;
mod capabilities;
mod ddl;
mod duckdb;
mod postgres;
mod redshift;
pub mod semantics;
pub mod syntax;
mod test_bed;
pub mod translate;

use std::fmt::Debug;

use crate::dialect::translate::Translation;
use crate::relation::{Access, Column, Partitioning, PhysicalOptions, RelationKind, Target, Width};

pub use bigquery::{BigQuery, FieldType};
pub use capabilities::{
    Capabilities, Deletion, MaterializedViews, NullSafe, Replacement, SessionZone, Undoing, Upsert, Widening, Writes,
};
pub use ddl::{Clauses, Command, FieldChange, Filling, NotHandedOver, Publication, Storage};
pub use duckdb::DuckDb;
pub use postgres::Postgres;
pub use redshift::Redshift;
pub use test_bed::{ComparedColumn, Comparison, TestBed};

/// What a warehouse's SQL looks like, and how it makes relations. Of the latter, what is given here is DuckDB's.
pub trait Dialect: Debug + Send + Sync {
    /// As written in the settings: `bigquery`, `duckdb`, `postgres`, `redshift`.
    fn name(&self) -> &'static str;

    /// An identifier, always quoted, with the quotes inside it escaped.
    fn identifier(&self, name: &str) -> String;

    /// A string literal that the warehouse reads as exactly this text.
    fn string(&self, text: &str) -> String;

    /// The quoted name of a relation of the database that the connection is to, as it stands after FROM.
    fn relation(&self, target: &Target) -> String {
        self.qualified(target)
    }

    /// The same with the database.
    fn qualified(&self, target: &Target) -> String {
        target.parts().map(|part| self.identifier(part)).collect::<Vec<_>>().join(".")
    }

    /// The full, quoted name of the schema of a relation; `None` if it names none.
    fn schema(&self, target: &Target) -> Option<String> {
        let parts = target.database.iter().chain([target.schema.as_ref()?]);
        Some(parts.map(|part| self.identifier(part)).collect::<Vec<_>>().join("."))
    }

    /// The grammar in which its statements are parsed.
    fn grammar(&self) -> &dyn syntax::Grammar;

    /// What its names, types and functions mean.
    fn semantics(&self) -> &'static dyn semantics::Semantics;

    /// Whether names of relations that differ only in the case of letters are the same, quoted or not.
    fn ignores_case(&self) -> bool {
        false
    }

    /// Whether blanks at the end of a text mean nothing where texts are compared.
    fn ignores_trailing_blanks(&self) -> bool {
        false
    }

    /// Whether it says how many rows the query of a new table gave.
    fn counts_made_rows(&self) -> bool {
        true
    }

    /// Whether TRUNCATE ends the transaction that it is in.
    fn truncate_commits(&self) -> bool {
        false
    }

    /// Names in lower case that without quotes are never a column, but the user of the session. None of them is one that
    /// people who mean the user write, such as `current_user`.
    fn session_values(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it takes BigQuery's options of tables, and no others.
    fn has_bigquery_options(&self) -> bool {
        false
    }

    /// How the SQL of another dialect is translated to its own; `None` where it is not.
    fn translation_from(&self, _from: &dyn Dialect) -> Option<Translation> {
        None
    }

    /// How its SQL is translated to DuckDB's; `None` where it is not.
    fn to_duckdb(&self) -> Option<Translation> {
        None
    }

    /// How its SQL is translated to PostgreSQL's; `None` where it is not.
    fn to_postgres(&self) -> Option<Translation> {
        None
    }

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// What unit tests need of it; `None` where they cannot run there.
    fn test_bed(&self) -> Option<&dyn TestBed> {
        None
    }

    /// How many bytes the name of a relation may have.
    fn longest_name(&self) -> usize {
        usize::MAX
    }

    /// What stands around the query of a statement that makes a relation.
    fn clauses(&self, _kind: RelationKind, _storage: &Storage<'_>) -> Clauses {
        Clauses::default()
    }

    /// How a table with these options comes to its rows.
    fn filling(&self, _options: &PhysicalOptions) -> Filling {
        Filling::FromQuery
    }

    /// Makes the partitions that staged rows need and that a table has not yet. `table` and `staged` are quoted names; the
    /// partitions are named after the table's place.
    fn make_partitions(
        &self,
        _table: &str,
        _place: &Target,
        _staged: &str,
        _options: &PhysicalOptions,
    ) -> Option<String> {
        None
    }

    /// What stands behind the type of a column in a statement that makes it, with a blank at its start.
    fn column_clause(&self, _column: &str, _options: &PhysicalOptions) -> String {
        String::new()
    }

    /// The start of a statement that makes a temporary table: its query follows. `name` is quoted; the options are those
    /// of the table whose new rows it will hold.
    fn temporary_table(&self, name: &str, _options: &PhysicalOptions) -> String {
        format!("create or replace temporary table {name} as\n")
    }

    /// An expression with another type; NULL where that cannot be, if the warehouse can say so, or else an error.
    fn cast_if_possible(&self, expression: &str, data_type: &str) -> String {
        format!("try_cast({expression} as {data_type})")
    }

    /// Whether two types of columns are one, as far as values of it are concerned.
    fn same_type(&self, one: &str, other: &str) -> bool {
        one == other
    }

    /// Whether values of a type can be compared with `=`.
    fn compares(&self, _data_type: &str) -> bool {
        true
    }

    /// Which fields inside of a column its types in a table and in a query do not have in common; `None` if there are none, or
    /// types have no fields.
    fn field_change(&self, _column: &str, _table: &str, _query: &str) -> Option<FieldChange> {
        None
    }

    /// A value whose fields are given by name to another type, which has others or in another order; `None` if it has not.
    fn rebuild(&self, _expression: &str, _from: &str, _to: &str) -> Option<String> {
        None
    }

    /// The partitioning that an expression asks for; `None` where it is not understood.
    fn partitioning(&self, _expression: &str) -> Option<Partitioning> {
        None
    }

    /// What [`clauses`](Self::clauses) says of a relation besides how it lies, as a statement about one that is there. Its
    /// name is quoted.
    fn say(&self, _kind: RelationKind, _name: &str, _storage: &Storage<'_>) -> Option<String> {
        None
    }

    /// Gives a relation, whose name is quoted, what is granted on the one that it takes the place of.
    fn hand_over(&self, _kind: RelationKind, _name: &str, _access: &Access) -> Result<Vec<String>, NotHandedOver> {
        Ok(Vec::new())
    }

    /// Describes a relation, whose name is quoted. `None` where [`clauses`](Self::clauses) has done so.
    fn describe_relation(&self, kind: RelationKind, name: &str, description: &str) -> Option<String> {
        (!description.is_empty()).then(|| format!("comment on {kind} {name} is {}", self.string(description)))
    }

    /// Describes those columns of a relation that it has, as pairs of a name and a text.
    fn describe_columns(&self, _kind: RelationKind, _target: &Target, _columns: &[(&str, &str)]) -> Option<Command> {
        None
    }

    /// Keeps others that make the same relation waiting until the transaction ends.
    fn lock(&self, _target: &Target) -> Option<String> {
        None
    }

    /// Puts a relation in the place of another, where there is one of that kind; both are in one schema. Where that would be
    /// [`Replacement::InPlace`](Replacement::InPlace), readers see it at the end of the transaction.
    fn publish(&self, publication: &Publication<'_>) -> Vec<Command> {
        let Publication { target, existing, made, kind, .. } = *publication;
        let drop = existing.map(|existing| format!("drop {existing} {}", self.relation(target)));
        let rename = format!("alter {kind} {} rename to {}", self.relation(made), self.identifier(&target.name));
        drop.into_iter().chain([rename]).map(Command::Run).collect()
    }

    /// What a relation that has been replaced still leaves to the one in its place, behind the post-operations.
    fn inherit(&self, _publication: &Publication<'_>) -> Option<String> {
        None
    }

    /// The indexes that the options ask for and that a table has not yet.
    fn missing_indexes(&self, _target: &Target, _options: &PhysicalOptions) -> Option<Command> {
        None
    }

    /// A query with a sentence for each of these processes of the server that waits for another session: for which one,
    /// and since when that holds what it holds.
    fn waits(&self, _processes: &[String]) -> Option<String> {
        None
    }

    /// A query for the schema and the name of each materialized view, where the catalogue has them as views like any other.
    fn materialized_views(&self) -> Option<&'static str> {
        None
    }

    /// What a session needs before the statements of a plan.
    fn session(&self) -> Option<&'static str> {
        None
    }

    /// A number made of all values of a row: of two rows that differ it is almost surely not the same, and sums of it over many
    /// rows are exact. Names of columns are not quoted yet.
    fn row_hash(&self, columns: &[Column]) -> String {
        let names: Vec<String> = columns.iter().map(|column| self.identifier(&column.name)).collect();
        format!("cast(hash({}) as hugeint)", names.join(", "))
    }

    /// The name of the interval that a date or a timestamp of that type lies in.
    fn interval(&self, expression: &str, _data_type: &str, width: Width) -> String {
        format!("strftime({expression}, '{}')", width.strftime())
    }

    /// What is quickly made of a date or a timestamp and is the same for many, but not for two of different intervals: a value of
    /// which [`interval`](Self::interval) makes the same name.
    fn within_interval(&self, expression: &str, _data_type: &str, width: Width) -> String {
        match width {
            Width::Hour => format!("date_trunc('hour', {expression})"),
            Width::Day | Width::Month => format!("cast({expression} as date)"),
        }
    }

    /// How many seconds lie between two dates or timestamps of these types.
    fn seconds_between(&self, from: &str, _from_type: &str, to: &str, _to_type: &str) -> String {
        format!("(epoch({to}) - epoch({from}))")
    }

    /// The moment at which a statement runs, and its type.
    fn now(&self) -> (&'static str, &'static str) {
        ("current_timestamp", "timestamp with time zone")
    }

    /// A statement that lets the transaction that has just begun see one state of the database from beginning to end, where it
    /// does not do so by itself.
    fn one_state(&self) -> Option<&'static str> {
        None
    }

    /// The type that a column of a table has to get to hold the values of another type that is the same but longer.
    fn widened(&self, _table: &str, _query: &str) -> Option<String> {
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
