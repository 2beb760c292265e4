use std::borrow::Cow;

use sqlparser::ast::Ident;

/// How names find their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
pub struct NameRules {
    /// When two names are one.
    pub case: CaseRule,
    /// Whether an expression in a select list may use the names that stand before it in the list.
    pub lateral_aliases: bool,
    /// Whether WHERE and the conditions of joins see the names of the select list.
    pub aliases_in_where: bool,
    /// How GROUP BY sees them.
    pub aliases_in_group_by: AliasScope,
    /// How HAVING sees them.
    pub aliases_in_having: AliasScope,
    /// How QUALIFY sees them.
    pub aliases_in_qualify: AliasScope,
    /// How the name of a relation alone is seen, which stands for its whole row.
    pub whole_rows: AliasScope,
    /// Whether a column that is named as its struct's field path may leave out the table: `a.b` is field `b` of column `a`.
    pub fields: bool,
    /// Whether a query in a FROM sees what stands before it there, as if LATERAL were written.
    pub derived_tables_are_lateral: bool,
    /// Whether ORDER BY of a set operation takes names of any of its queries, not only those that it gives.
    pub orders_by_any_query: bool,
    /// Whether an aggregate in a subquery may be of columns of the outer query alone.
    pub aggregates_outer_columns: bool,
    /// Whether two relations of one FROM may be called the same.
    pub repeated_aliases: RepeatedAliases,
}

/// Whether two relations of one FROM may be called the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatedAliases {
    /// Never.
    Refused,
    /// Only two tables of different schemas that are given no other name.
    TakenOfTables,
    /// As long as the name is not written before a column.
    Taken,
}

/// When two names are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseRule {
    /// Whatever the case of their letters, with quotes and without.
    Ignored,
    /// Names without quotes are in lower case; those with quotes are as they are.
    FoldsToLower,
}

/// Whether a clause sees the names that the select list gives, or those of the relations in FROM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasScope {
    /// It does not.
    Hidden,
    /// It does, where no column has that name.
    AfterColumns,
    /// It does, and they go before columns.
    BeforeColumns,
}

/// A name in lower case; most are.
pub fn lower(name: &str) -> Cow<'_, str> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { name.into() } else { name.to_lowercase().into() }
}

impl CaseRule {
    /// The name that an identifier stands for.
    pub fn name(self, identifier: &Ident) -> String {
        match self {
            Self::FoldsToLower if identifier.quote_style.is_none() => identifier.value.to_lowercase(),
            Self::FoldsToLower | Self::Ignored => identifier.value.clone(),
        }
    }

    /// What two names have in common if they are one.
    pub fn key(self, name: &str) -> String {
        match self {
            Self::FoldsToLower => name.to_owned(),
            Self::Ignored => name.to_lowercase(),
        }
    }

    /// Whether two names are one.
    pub fn is_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::FoldsToLower => one == other,
            Self::Ignored if one.is_ascii() && other.is_ascii() => one.eq_ignore_ascii_case(other),
            Self::Ignored => one.to_lowercase() == other.to_lowercase(),
        }
    }
}
