//! One file for each check.
//!
//! Some look at the text or at sqlparser's tree; all others at the [`Bound`] statements of a text, and are in the list
//! [`CHECKS`].

mod column_count;
mod integer_division;
mod lost_left_join;
mod misplaced_aggregate;
mod nullable_count;
mod nullable_not_in;
mod one_statement;
mod outer_name;
mod session_value;
mod syntax;
mod undeclared_table;
mod undescribed_star;
mod ungrouped_column;
mod unknown_name;
mod unused_cte;

use crate::action::{Action, ActionId, Rendered};
use crate::analysis::bound::Bound;
use crate::analysis::facts::Facts;
use crate::analysis::relations::Index;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::dialect::syntax::range;
use crate::graph::Graph;
use sqlparser::tokenizer::Span;

pub(super) use one_statement::one_statement;
pub(super) use session_value::session_value;
pub(super) use syntax::syntax;

/// What each of these finds is reported.
const CHECKS: &[fn(&Subject<'_>) -> Vec<Diagnostic>] = &[
    column_count::column_count,
    integer_division::integer_division,
    lost_left_join::lost_left_join,
    misplaced_aggregate::misplaced_aggregate,
    nullable_count::nullable_count,
    nullable_not_in::nullable_not_in,
    outer_name::outer_name,
    undeclared_table::undeclared_table,
    undescribed_star::undescribed_star,
    ungrouped_column::ungrouped_column,
    unknown_name::unknown_name,
    unused_cte::unused_cte,
];

/// A text whose names are bound, and what it is of.
pub(super) struct Subject<'a> {
    /// Its statements.
    pub(super) bound: &'a Bound,
    /// The text.
    pub(super) text: &'a Rendered,
    /// What it is.
    pub(super) role: Role,
    /// Whose it is.
    pub(super) action: &'a Action<ActionId>,
    /// What the table of the model holds, by its full text; `None` for that text itself.
    pub(super) own: Option<&'a Facts>,
    /// All actions.
    pub(super) graph: &'a Graph,
    /// The relations that its project makes.
    pub(super) index: &'a Index<'a>,
    /// What it is written in.
    pub(super) dialect: &'a dyn Dialect,
}

/// What a text is of its action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What a model or an assertion selects; of an incremental model that for a full build.
    Query,
    /// What an incremental model selects when its table is there.
    Increment,
    /// A statement that is run as it is.
    Operation,
    /// A part of a unit test.
    Test,
}

impl Subject<'_> {
    /// Puts a diagnostic where a part of the text comes from.
    pub(super) fn place(&self, diagnostic: Diagnostic, span: Span) -> Diagnostic {
        self.text.place(diagnostic, range(self.text.text(), span))
    }
}

/// Everything that the checks find in a text.
pub(super) fn of_bound(subject: &Subject<'_>) -> Vec<Diagnostic> {
    CHECKS.iter().flat_map(|check| check(subject)).collect()
}
