//! What a run would read, asked of the warehouse without running it.

use crate::action::ActionId;
use crate::adapter::{Adapter, AdapterError, Session};
use crate::dialect::Dialect;
use crate::plan::{IncrementalWork, Plan, Statement, Step, Work};

/// What each step would read.
#[derive(Debug, Default)]
pub struct Estimates {
    /// In the order of the plan; empty where the warehouse does not tell.
    pub steps: Vec<StepEstimate>,
}

/// What one step would read.
#[derive(Debug)]
pub struct StepEstimate {
    /// The step.
    pub id: ActionId,
    /// How much.
    pub reads: Reads,
}

/// How much is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// So many bytes.
    Bytes(u64),
    /// So many, and perhaps more.
    AtLeast(u64),
    /// The warehouse cannot tell: why not.
    Unknown(String),
}

impl Estimates {
    /// All that is known of, together.
    pub fn bytes(&self) -> u64 {
        let bytes = self.steps.iter().map(|step| match step.reads {
            Reads::Bytes(bytes) | Reads::AtLeast(bytes) => bytes,
            Reads::Unknown(_) => 0,
        });
        bytes.sum()
    }

    /// Whether it may be more.
    pub fn is_lower_bound(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step.reads, Reads::Bytes(_)))
    }
}

/// Asks for the bytes of each step. Steps that read what an earlier one is yet to make cannot be told.
pub fn estimate(plan: &Plan, adapter: &dyn Adapter) -> Result<Estimates, AdapterError> {
    let mut session = adapter.session()?;
    // Where the warehouse does not tell it is not asked again and again.
    if session.estimate("select 1")?.is_none() {
        return Ok(Estimates::default());
    }
    let of_step =
        |step: &Step| Some(StepEstimate { id: step.id, reads: reads(step, session.as_mut(), adapter.dialect())? });
    Ok(Estimates { steps: plan.steps.iter().filter_map(of_step).collect() })
}

/// `None` for a step that does nothing.
fn reads(step: &Step, session: &mut dyn Session, dialect: &dyn Dialect) -> Option<Reads> {
    session.begin_step(&step.target, &step.job);
    let statements = match &step.work {
        Work::Disabled => return None,
        Work::Build(script) => Ok(script.estimate().to_vec()),
        Work::Fill(work) => Ok(work.estimate().to_vec()),
        Work::Operations(script) => Ok(script.sent().cloned().collect()),
        Work::Incremental(work) => of_new_rows(work, session, dialect),
        Work::Intervals(work) => of_new_rows(work.outline(), session, dialect),
        Work::Assertion { create, .. } => Ok(create.estimate().to_vec()),
    };
    let sum = statements.and_then(|statements| sum(&statements, session));
    Some(sum.unwrap_or_else(|error| Reads::Unknown(error.message)))
}

fn of_new_rows(
    work: &IncrementalWork,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Vec<Statement>, AdapterError> {
    Ok(work.estimate(&watermarks(work, session, dialect)?, dialect))
}

/// What the new rows are read from depends on what the table holds: a literal for each watermark.
pub(super) fn watermarks(
    work: &IncrementalWork,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Vec<String>, AdapterError> {
    let mut literals = Vec::new();
    for watermark in work.watermarks(dialect) {
        let found = session.query(watermark.sql(), 1)?;
        let value = found.rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
        let data_type = found.columns.first().map_or("STRING", |column| column.data_type.as_str());
        let value = value.map_or_else(|| "null".to_owned(), |text| dialect.string(&text));
        literals.push(format!("cast({value} as {data_type})"));
    }
    Ok(literals)
}

pub(super) fn sum(statements: &[Statement], session: &mut dyn Session) -> Result<Reads, AdapterError> {
    let (mut bytes, mut is_lower_bound) = (0, false);
    for statement in statements {
        let Some(estimate) = session.estimate(statement.sql())? else { continue };
        bytes += estimate.bytes;
        is_lower_bound |= estimate.is_lower_bound;
    }
    Ok(if is_lower_bound { Reads::AtLeast(bytes) } else { Reads::Bytes(bytes) })
}
