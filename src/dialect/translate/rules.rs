//! What sets a warehouse apart from the one that its SQL is translated for.

use std::fmt::Debug;

use sqlparser::ast::{AccessExpr, DataType, Expr, Query, Statement, TableAlias, TableFactor, TableWithJoins};

use crate::dialect::translate::functions::Functions;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::target::Target;
use crate::dialect::translate::types::Type;

/// One translation: a table of functions, and what no table can say.
///
/// Each method may change what it is given to the target's words, and reports with [`Rewriter::missing`] what has none.
pub(crate) trait Rules: Debug + Sync {
    /// The warehouse, as it stands in messages.
    fn warehouse(&self) -> &'static str;

    /// The warehouse whose words the result is in.
    fn target(&self) -> &'static Target {
        &Target::DUCKDB
    }

    /// Its functions.
    fn functions(&self) -> &'static Functions;

    /// Whether NULL is less than every value in ORDER BY; otherwise it is greater.
    fn null_is_least(&self) -> bool {
        false
    }

    /// Whether a name in GROUP BY means what SELECT gives that name to, before a column of FROM.
    fn alias_before_column(&self) -> bool {
        false
    }

    /// The target's word for a type; `false` where there is none.
    fn data_type(&self, data_type: &mut DataType) -> bool;

    /// An expression whose parts are not yet translated. `None` leaves it to what all warehouses share; `Some` says that
    /// it is done, with its type.
    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type>;

    /// An operator, a cast, a call… whose parts are translated, and their types known.
    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type;

    /// A translated value that is no constant as a number of the type `target`. `cast` is the cast that rounds.
    fn number(&self, value: Expr, from: &Type, target: &DataType, cast: &dyn Fn(Expr) -> Expr) -> Expr {
        let _ = (from, target);
        cast(value)
    }

    /// A query before it is translated.
    fn query(&self, query: &mut Query, rewriter: &mut Rewriter) {
        let _ = (query, rewriter);
    }

    /// The name that a column without an alias has from its expression; `None` where nothing in it has one.
    fn column_name(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Identifier(name) => Some(name.value.clone()),
            Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
            Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last() {
                Some(AccessExpr::Dot(Expr::Identifier(name))) => Some(name.value.clone()),
                _ => None,
            },
            Expr::Nested(inner) => self.column_name(inner),
            _ => None,
        }
    }

    /// The name that the warehouse makes up for a column without one. `number` counts those before it.
    fn unnamed(&self, number: usize) -> String;

    /// Names the columns of VALUES that the alias does not name.
    fn name_values(&self, alias: &mut TableAlias, columns: usize) {
        let _ = (alias, columns);
    }

    /// A translated column of a result.
    fn output(&self, expr: &mut Expr, kind: &Type) {
        let _ = (expr, kind);
    }

    /// A piece of FROM before it is translated. `true` says that it is done.
    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        let _ = (table, rewriter);
        false
    }

    /// FROM before it is translated, with everything that stands to the left of each piece.
    fn from(&self, from: &mut Vec<TableWithJoins>, rewriter: &mut Rewriter) {
        let _ = (from, rewriter);
    }

    /// A statement before it is translated. `None` leaves it to what all warehouses share; otherwise these stand in its
    /// place.
    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        let _ = (statement, rewriter);
        None
    }
}
