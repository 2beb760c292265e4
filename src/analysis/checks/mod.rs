//! One file for each check.
//!
//! Some look at the text or at sqlparser's tree; all others at the [`Bound`] statements of a text, and are in the list
//! [`CHECKS`].

mod column_count;
mod contract;
mod duplicate_alias;
mod duplicate_column;
mod fan_out;
mod increment;
mod integer_division;
mod lost_left_join;
mod misplaced_aggregate;
mod named_columns;
mod nullable_count;
mod nullable_not_in;
mod one_statement;
mod outer_name;
mod reserved_name;
mod session_value;
mod syntax;
mod times;
mod type_mismatch;
mod undeclared_table;
mod undescribed_star;
mod ungrouped_column;
mod unknown_name;
mod unnamed_column;
mod unused_column;
mod unused_cte;
mod watermark;

use crate::action::{Action, ActionId, Incremental, Kind, Model, Rendered};
use crate::analysis::bound::{Bound, Survey};
use crate::analysis::facts::Facts;
use crate::analysis::relations::Seen;
use crate::diagnostic::{Diagnostic, Levels};
use crate::dialect::Dialect;
use crate::dialect::syntax::range;
use sqlparser::tokenizer::Span;

pub(super) use one_statement::one_statement;
pub(super) use session_value::session_value;
pub(super) use syntax::syntax;
pub(super) use watermark::Marks;

/// What each of these finds is reported.
const CHECKS: &[fn(&Subject<'_>) -> Vec<Diagnostic>] = &[
    column_count::column_count,
    contract::contract,
    duplicate_alias::duplicate_alias,
    duplicate_column::duplicate_column,
    fan_out::fan_out,
    increment::nullable_key,
    integer_division::integer_division,
    lost_left_join::lost_left_join,
    misplaced_aggregate::misplaced_aggregate,
    named_columns::named_columns,
    nullable_count::nullable_count,
    nullable_not_in::nullable_not_in,
    outer_name::outer_name,
    reserved_name::reserved_name,
    times::times,
    type_mismatch::type_mismatch,
    undeclared_table::undeclared_table,
    undescribed_star::undescribed_star,
    ungrouped_column::ungrouped_column,
    unknown_name::unknown_name,
    unnamed_column::unnamed_column,
    unused_column::unused_column,
    unused_cte::unused_cte,
];

/// The same for what an incremental model selects when its table is there.
const CHECKS_OF_INCREMENTS: &[fn(&Subject<'_>) -> Vec<Diagnostic>] =
    &[increment::rereads_all, increment::other_columns, watermark::watermark];

/// A text whose names are bound, and what it is of.
pub(super) struct Subject<'a> {
    /// Its statements.
    pub(super) bound: &'a Bound,
    /// All queries and expressions in these.
    pub(super) survey: Survey<'a>,
    /// The text.
    pub(super) text: &'a Rendered,
    /// What it is.
    pub(super) role: Role,
    /// Whose it is.
    pub(super) action: &'a Action<ActionId>,
    /// What the table of the model holds, by its full text; `None` for that text itself.
    pub(super) own: Option<&'a Facts>,
    /// Variables that hold the largest time in the table of the model.
    pub(super) marks: &'a Marks,
    /// What is known of other actions.
    pub(super) seen: &'a Seen<'a, 'a>,
    /// How bad the project has it that something is found.
    pub(super) levels: &'a Levels,
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
    /// A condition on what it selects then.
    Filter,
    /// A statement that is run as it is.
    Operation,
    /// A part of a unit test.
    Test,
}

impl Subject<'_> {
    /// The model that it is of, if that is incremental, with how it grows.
    pub(super) fn model_and_increment(&self) -> Option<(&Model, &Incremental)> {
        let Kind::Model(model) = &self.action.kind else { return None };
        Some((model, model.incremental()?))
    }

    /// How the model grows that it is of.
    pub(super) fn incremental(&self) -> Option<&Incremental> {
        self.model_and_increment().map(|(_, incremental)| incremental)
    }

    /// Adds the place of a part of the text that has to do with a diagnostic.
    pub(super) fn point_at(&self, diagnostic: Diagnostic, span: Span, words: &str) -> Diagnostic {
        match self.text.origin(range(self.text.text(), span)) {
            Some(origin) => diagnostic.at(origin.call, words),
            None => diagnostic,
        }
    }

    /// Puts a diagnostic where a part of the text comes from.
    pub(super) fn place(&self, diagnostic: Diagnostic, span: Span) -> Diagnostic {
        self.text.place(diagnostic, range(self.text.text(), span))
    }
}

/// What the checks of increments find in one.
pub(super) fn of_increment(subject: &Subject<'_>) -> Vec<Diagnostic> {
    CHECKS_OF_INCREMENTS.iter().flat_map(|check| check(subject)).collect()
}

/// What they find in a condition on the rows of one.
pub(super) fn of_filter(subject: &Subject<'_>) -> Vec<Diagnostic> {
    watermark::watermark(subject)
}

/// Everything that the checks find in a text.
pub(super) fn of_bound(subject: &Subject<'_>) -> Vec<Diagnostic> {
    CHECKS.iter().flat_map(|check| check(subject)).collect()
}
