//! A session that reads no more than it may, where the warehouse tells beforehand how much that is.

use crate::adapter::{AdapterError, Rows, Session};
use crate::plan::Statement;

/// A session, and the bytes that it may still read.
pub(super) struct Allowance<'s> {
    pub session: &'s mut dyn Session,
    /// `None` if nobody counts.
    pub left: Option<u64>,
}

/// A query that would read more than is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverBudget {
    /// What it would read, in bytes.
    pub needed: u64,
    /// What is left.
    pub left: u64,
}

/// Why a query gave nothing.
#[derive(Debug)]
pub(super) enum Refusal {
    Budget(OverBudget),
    NothingToDraw,
    Adapter(AdapterError),
}

impl From<AdapterError> for Refusal {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

impl Allowance<'_> {
    /// The number in the first cell that a query gives; 0 if there is none.
    pub(super) fn number(&mut self, statement: &Statement) -> Result<u64, Refusal> {
        let rows = self.rows(statement)?;
        Ok(number(rows.first().and_then(|row| row.first()?.as_ref())))
    }

    /// All rows of a query.
    pub(super) fn rows(&mut self, statement: &Statement) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        self.take(statement)?;
        Ok(self.session.rows(statement.sql())?)
    }

    /// Its first rows.
    pub(super) fn query(&mut self, statement: &Statement, limit: usize) -> Result<Rows, Refusal> {
        self.take(statement)?;
        Ok(self.session.query(statement.sql(), limit)?)
    }

    /// Takes off what a statement reads.
    pub(super) fn take(&mut self, statement: &Statement) -> Result<(), Refusal> {
        let Some(left) = self.left else { return Ok(()) };
        let Some(estimate) = self.session.estimate(statement.sql())? else { return Ok(()) };
        let needed = estimate.bytes;
        self.left = Some(left.checked_sub(needed).ok_or(Refusal::Budget(OverBudget { needed, left }))?);
        Ok(())
    }
}

/// A count, which may be written with a point; 0 where there is none.
pub(super) fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.split('.').next()?.parse().ok()).unwrap_or_default()
}
