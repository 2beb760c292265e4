//! What names, types and functions mean in a dialect: what a query gives can be told from these and its text alone.

mod bigquery;
mod duckdb;
mod meeting;
mod names;
mod pattern;
mod pivot;
mod postgres;
mod redshift;
mod reserved;
mod signatures;
mod types;
mod unnamed;

use std::fmt::Debug;

use sqlparser::ast;

use crate::relation::{DataType, Nullability};

pub use bigquery::BigQuery;
pub use duckdb::DuckDb;
pub use meeting::{Meeting, Operand, Outcome};
pub use names::{AliasScope, CaseRule, NameRules, RepeatedAliases, lower};
pub use postgres::Postgres;
pub use redshift::Redshift;

/// The rules of one dialect. What it does not know is unknown, which is never wrong.
pub trait Semantics: Debug + Send + Sync {
    /// How names find their columns.
    fn names(&self) -> &NameRules;

    /// The same where whoever owns the warehouse has let names of a select list be used in the list itself and in WHERE; `None`
    /// if there is no such switch.
    fn names_with_reused_aliases(&self) -> Option<&NameRules> {
        None
    }

    /// Columns, in lower case, that relations have without naming them.
    fn pseudo_columns(&self) -> &'static [&'static str] {
        &[]
    }

    /// Names, in lower case, that stand for a value of the session or the moment without brackets behind them, where no column
    /// is called so. [`Semantics::call`] knows their types.
    fn values(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a word, in lower case, names a column only in quotes or behind a dot.
    fn is_reserved(&self, name: &str) -> bool;

    /// Words, in lower case, that stand for themselves as an argument of some function: the parts of a date, types.
    fn keyword_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether `from t, t.items` joins the elements of an array.
    fn joins_arrays_by_path(&self) -> bool {
        false
    }

    /// Whether the elements of an array of structs become rows with their fields as columns.
    fn unnests_structs(&self) -> bool {
        false
    }

    /// Whether the column of an array's elements is called as their alias: `unnest(items) as item`.
    fn names_elements_by_alias(&self) -> bool {
        true
    }

    /// Whether an item of a select list may become many columns: `columns('…')`, and `unnest` of a struct.
    fn spreads_items(&self) -> bool {
        false
    }

    /// Whether a column is called as the field that it is of something else than a column: `(list[1]).name`.
    fn calls_fields_by_name(&self) -> bool {
        true
    }

    /// Whether a star gives the columns of USING before all others.
    fn puts_using_first(&self) -> bool {
        true
    }

    /// What the column at a place of VALUES is called, if it is called anything.
    fn column_of_values(&self, _place: usize) -> Option<String> {
        None
    }

    /// The type that a column has for others if an expression of this type makes it: a NULL or a literal text may be of no
    /// type yet within a query.
    fn in_a_table(&self, data_type: DataType) -> DataType {
        data_type
    }

    /// Whether a NULL that a query in a FROM gives is of no type yet for the query around it.
    fn passes_nulls_on(&self) -> bool {
        false
    }

    /// Whether a number in GROUP BY counts the expressions of ORDER BY behind the columns of the select list.
    fn groups_by_order_keys(&self) -> bool {
        false
    }

    /// What becomes of a second column of the same name in a table.
    fn repeated_columns(&self) -> RepeatedColumns {
        RepeatedColumns::Refused
    }

    /// Whether the columns of a view are looked at when it is made.
    fn looks_into_views(&self) -> bool {
        true
    }

    /// Whether each column of a table or a view has to be given a name.
    fn wants_names_of_columns(&self) -> bool {
        false
    }

    /// Whether a reserved word is no name for a column even behind AS.
    fn refuses_reserved_names(&self) -> bool {
        false
    }

    /// Whether GROUP BY of a table's primary key is enough to select its other columns.
    fn groups_by_primary_key(&self) -> bool {
        false
    }

    /// Whether an INSERT that names no columns may give values for the first ones only.
    fn fills_columns_left_out(&self) -> bool {
        false
    }

    /// Whether UNPIVOT gives the value before its name.
    fn unpivots_value_first(&self) -> bool {
        false
    }

    /// What PIVOT calls the column of a value and an aggregate; `None` if nobody knows. `is_only` says that there is no other
    /// aggregate.
    fn pivoted(&self, _value: &ast::ExprWithAlias, _aggregate: &ast::ExprWithAlias, _is_only: bool) -> Option<String> {
        None
    }

    /// The type that is written there.
    fn data_type(&self, written: &ast::DataType) -> DataType;

    /// The type that a warehouse or a person calls so: `numeric(10,2)`, `ARRAY<INT64>`.
    fn named_type(&self, name: &str) -> DataType;

    /// What the warehouse calls a type.
    fn type_name(&self, data_type: &DataType) -> String;

    /// The type of a literal.
    fn literal(&self, value: &ast::Value) -> DataType;

    /// What a function, or an operator by its sign, makes of arguments of these types. `name` is as written, without quotes,
    /// in lower case: `count`, `safe.parse_json`, `+`, `is null`, `like`, `between`.
    ///
    /// Signs and words that are operators: `+`, `and`, `not`, `is null`, `is not null`, `is true`, `is distinct from`, `like`,
    /// `ilike`, `between`, `in` (with the values of the list), `exists`, `case` (with the results, not the conditions), `array`
    /// (a literal, with its elements), `[]` (an element of something), `at time zone`. `extract` has the part as its first
    /// argument, a text. The words that are negated have the type of those that are not.
    fn call(&self, name: &str, arguments: &[&DataType]) -> Call {
        self.call_with(name, arguments, &[])
    }

    /// The same, with the texts of the arguments that are literals, at their places: in some functions it depends on the
    /// value what type they give, as in `round(price, 2)` and `extract('epoch', moment)`. Without, such a type is unknown.
    fn call_with(&self, name: &str, arguments: &[&DataType], literals: &[Option<&str>]) -> Call;

    /// The type that values of all of these come to, in a CASE or a UNION; `None` if there surely is none. A text
    /// can be a literal, which becomes what the others are. A CASE without an ELSE has a NULL among them.
    fn common(&self, types: &[&DataType]) -> Option<DataType>;

    /// What a column is called whose expression has no name: `f0_`, `?column?`, `sum(x)`; `None` if nobody knows. `number`
    /// counts the columns before it that have none either.
    fn unnamed(&self, expression: &ast::Expr, number: usize) -> Option<String>;

    /// What becomes of two values that meet. What is not known is taken.
    fn meets(&self, meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> Outcome;

    /// What becomes of a value of this type where one is asked whether it is true: in WHERE, beside AND, behind WHEN.
    fn takes_as_condition(&self, _data_type: &DataType) -> Outcome {
        Outcome::Taken
    }
}

/// What a call gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How it comes by its value.
    pub kind: FunctionKind,
    /// What it gives.
    pub data_type: DataType,
    /// When that is NULL.
    pub nulls: NullRule,
}

/// How a function comes by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// From one row.
    Scalar,
    /// From all rows of a group; or of a window, if there is an OVER.
    Aggregate,
    /// From the rows around it; there has to be an OVER.
    Window,
    /// From anything: it gives many rows.
    Table,
    /// Nobody knows the function.
    Unknown,
}

/// What becomes of a second column of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatedColumns {
    /// There can be none.
    Refused,
    /// It gets a number: `id_1`.
    Numbered,
}

/// When the result of a function is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullRule {
    /// When one of its arguments is.
    Strict,
    /// When all of its arguments are.
    Coalesce,
    /// Never.
    Never,
    /// Even when no argument is.
    Always,
    /// Nobody knows.
    Unknown,
}

impl Call {
    /// Of a function that nobody knows.
    pub const UNKNOWN: Self =
        Self { kind: FunctionKind::Unknown, data_type: DataType::Unknown, nulls: NullRule::Unknown };
}

impl NullRule {
    /// Whether the result can be NULL.
    pub fn apply(self, arguments: impl IntoIterator<Item = Nullability>) -> Nullability {
        match self {
            Self::Strict => Nullability::of_any(arguments),
            Self::Coalesce => Nullability::of_all(arguments),
            Self::Never => Nullability::NotNull,
            Self::Always => Nullability::Nullable,
            Self::Unknown => Nullability::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bigquery, duckdb, postgres, redshift};

    #[test]
    fn tables_can_be_read() {
        let tables = [&bigquery::SIGNATURES, &duckdb::SIGNATURES, &postgres::SIGNATURES, &redshift::SIGNATURES];
        for table in tables {
            assert_eq!(table.as_ref().err(), None);
        }
    }
}
