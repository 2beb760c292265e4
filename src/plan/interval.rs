//! A table that is kept by intervals of event time: what its inputs hold of each is compared with a ledger of what they held when
//! it was done, and where the two differ the rows of the interval are replaced.
//!
//! A line of the ledger is written in the transaction that replaces the rows, and says what was there before the query ran. What
//! comes in between is in the rows and not in the ledger, so that the interval is done once more: never too seldom.

use std::slice;

use crate::action::{Action, ActionId, Incremental, IncrementalStrategy, Intervals, Materialization, Model, Rendered};
use crate::dialect::{Dialect, Writes};
use crate::plan::audit::Auditor;
use crate::plan::incremental::IncrementalWork;
use crate::plan::ledger::{Contents, IntervalRange, Ledger, time_column};
use crate::plan::model::{Build, grow, lies_otherwise, plan_model};
use crate::plan::rows::StagedRows;
use crate::plan::schema_change::SchemaMismatch;
use crate::plan::statement::Statement;
use crate::plan::texts::Translator;
use crate::plan::{Context, ScriptStatement, Work};
use crate::relation::{Column, DataType, Layout, Relation, RelationKind, Width};

/// The intervals that are to be done whether something has changed in them or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// A date or a timestamp in the first one.
    pub from: String,
    /// One that is no longer to be done; `None` for all that there are.
    pub to: Option<String>,
}

/// What is known before the warehouse is asked.
#[derive(Debug)]
pub struct IntervalWork {
    /// What was done, and from what.
    pub ledger: Ledger,
    /// How it begins.
    pub start: IntervalStart,
    /// What is done again in any case.
    pub backfill: Option<Backfill>,
    event: String,
    relation: String,
    /// With marks in the place of the bounds of an interval.
    template: Box<IncrementalWork>,
}

/// What is there when the step begins.
#[derive(Debug)]
pub enum IntervalStart {
    /// The table, which grows.
    Grows,
    /// Nothing that counts: this builds all of it.
    BuildsAll(Box<Work>),
    /// Nothing: this makes a table without rows, for which all intervals are to be done.
    BuildsEmpty(Box<Work>),
}

/// What is done with one range, beside the new rows.
#[derive(Debug, Clone)]
pub(super) struct IntervalBatch {
    range: IntervalRange,
    event: String,
    ledger: Vec<Statement>,
}

/// All intervals as one, of which no ledger knows.
pub(super) fn whole(action: &Action<ActionId>, incremental: &Incremental) -> Option<Box<IntervalBatch>> {
    let IncrementalStrategy::Interval(intervals) = incremental.strategy else { return None };
    let [start, end] = Intervals::marks(intervals.width).map(str::to_owned);
    let range = IntervalRange { first: start.clone(), last: end.clone(), start, end };
    Some(Box::new(IntervalBatch { range, event: event(action), ledger: Vec::new() }))
}

/// The column that says when, as the config has it.
fn event(action: &Action<ActionId>) -> String {
    action.documentation.times.event.as_ref().map(|event| event.name.clone()).unwrap_or_default()
}

pub(super) fn plan(
    action: &Action<ActionId>,
    (model, incremental, intervals): (&Model, &Incremental, Intervals),
    context: &Context<'_>,
    translator: &mut Translator<'_>,
) -> Work {
    let dialect = translator.to;
    let build = Build::new(action, model, context, dialect);
    let grown = build.grown(context.options).map(|(_, table)| table);
    let in_parts = build.existing.is_none() && (intervals.batch.is_some() || context.options.backfill.is_some());
    let start = if let Some(table) = grown {
        translator.diagnostics.extend(lies_otherwise(action, model, incremental, table, dialect));
        IntervalStart::Grows
    } else if in_parts {
        let work = plan_model(action, &without_rows(model, intervals.width), context, translator);
        IntervalStart::BuildsEmpty(Box::new(work))
    } else {
        IntervalStart::BuildsAll(Box::new(plan_model(action, model, context, translator)))
    };
    translator.begin();
    // One that is made in this step has the columns of its query.
    let made = Relation { kind: RelationKind::Table, columns: Vec::new(), layout: Layout::default() };
    let auditor = Auditor::new(action, model, context.audits, true, translator);
    let template = grow((action, model, incremental), grown.unwrap_or(&made), (build.swap, auditor), translator);
    Work::Intervals(Box::new(IntervalWork {
        ledger: Ledger::new(action, intervals, context.inputs, dialect),
        start,
        backfill: context.options.backfill.cloned(),
        event: event(action),
        relation: dialect.relation(&action.target),
        template,
    }))
}

/// The same model with a query that gives no rows: it ends where it begins.
fn without_rows(model: &Model, width: Width) -> Model {
    let [start, end] = Intervals::marks(width);
    let none = |text: &Rendered| text.replaced(&[(end, start)]);
    let mut model = model.clone();
    model.texts.query = none(&model.texts.query);
    // It is made to be added to.
    if let Materialization::Incremental(incremental) = &mut model.materialization {
        incremental.strategy = IncrementalStrategy::Append;
    }
    model
}

impl IntervalStart {
    /// What builds the table first.
    pub fn build(&self) -> Option<&Work> {
        match self {
            Self::Grows => None,
            Self::BuildsAll(work) | Self::BuildsEmpty(work) => Some(work),
        }
    }
}

impl IntervalWork {
    /// The range that a backfill names, up to the last interval that there is.
    pub fn asked(&self, held: &Contents) -> Result<Option<IntervalRange>, SchemaMismatch> {
        let Some(Backfill { from, to }) = &self.backfill else { return Ok(None) };
        let width = self.ledger.intervals.width;
        let first = width.name(from)?;
        let newest = held.keys().map(|(interval, _)| interval.as_str()).max().unwrap_or(&first);
        let last = match to {
            Some(to) => width.last_before(to)?,
            None => newest.to_owned(),
        };
        if last < first {
            return Ok(None);
        }
        IntervalRange::new(&first, &last, width).map(Some)
    }

    /// From which interval on inputs are looked at: a backfill may go further back.
    pub fn from(&self, since: Option<String>) -> Result<Option<String>, SchemaMismatch> {
        let Some(Backfill { from, .. }) = &self.backfill else { return Ok(since) };
        let asked = self.ledger.intervals.width.name(from)?;
        Ok(since.map(|since| since.min(asked)))
    }

    /// The table, to ask for its columns.
    pub fn table(&self) -> Statement {
        Statement::new(format!("select * from {}", self.relation))
    }

    /// The intervals that the table has rows in. `columns` are its own.
    pub fn held_by_table(&self, columns: &[Column], dialect: &dyn Dialect) -> Result<Statement, SchemaMismatch> {
        let event = time_column(columns, &self.event, &self.relation, dialect)?;
        let name = dialect.identifier(&event.name);
        let interval = dialect.interval(&name, &event.data_type, self.ledger.intervals.width);
        Ok(Statement::new(format!("select distinct {interval} from {} where {name} is not null", self.relation)))
    }

    /// What replaces the rows of a range and says so in the ledger. `columns` are those of the table, if this step has made it or
    /// changed it.
    pub fn replace(
        &self,
        range: &IntervalRange,
        held: &Contents,
        columns: Option<&[Column]>,
        dialect: &dyn Dialect,
    ) -> IncrementalWork {
        let ledger = self.ledger.rewrite(slice::from_ref(range), held, dialect);
        let batch = IntervalBatch { range: range.clone(), event: self.event.clone(), ledger };
        let [start, end] = Intervals::marks(self.ledger.intervals.width);
        let mut work = self.template.replaced(&[(start, &range.start), (end, &range.end)]);
        if let Some(columns) = columns {
            work.columns = columns.to_vec();
        }
        work.batch = Some(Box::new(batch));
        work
    }

    /// The same where [`lock`](Self::lock) is held for all of them.
    pub fn replace_beside_others(
        &self,
        range: &IntervalRange,
        held: &Contents,
        columns: &[Column],
        dialect: &dyn Dialect,
    ) -> IncrementalWork {
        IncrementalWork { lock: None, ..self.replace(range, held, Some(columns), dialect) }
    }

    /// Whether several ranges can be done at the same time, beside each other, when the columns are there: where nothing but the
    /// rows of a range and its lines of the ledger is written with them.
    pub fn can_be_parallel(&self, dialect: &dyn Dialect) -> bool {
        let work = &self.template;
        dialect.capabilities().writes == Writes::Parallel
            && work.auditor.is_none()
            && work.options.postgres.partition_by.is_none()
            && work.pre_operations.iter().chain(&work.post_operations).next().is_none()
    }

    /// What keeps others from working on the table while its ranges are done beside each other.
    pub fn lock(&self) -> Option<Statement> {
        self.template.lock.clone().map(Statement::new)
    }

    /// What to ask the warehouse about to know what all intervals from one on read: the query, and the rows that go.
    pub fn estimate_since(&self, since: &str, dialect: &dyn Dialect) -> Result<[Statement; 2], SchemaMismatch> {
        let width = self.ledger.intervals.width;
        let [mark, _] = Intervals::marks(width);
        let start = width.start(since);
        let of_query = self.template.replaced(&[(mark, &start)]).estimate_of_query(&[], dialect);
        let event = time_column(&self.template.columns, &self.event, &self.relation, dialect)?;
        let (relation, name) = (&self.relation, dialect.identifier(&event.name));
        let start = dialect.string(&start);
        let of_table = format!("select * from {relation} where {name} >= cast({start} as {})", event.data_type);
        Ok([of_query, Statement::new(of_table)])
    }

    /// The same as if all intervals were one.
    pub fn outline(&self) -> &IncrementalWork {
        &self.template
    }
}

impl IntervalBatch {
    /// The column of the table that says when.
    pub(super) fn event<'c>(
        &self,
        name: &str,
        table: &'c [Column],
        dialect: &dyn Dialect,
    ) -> Result<&'c Column, SchemaMismatch> {
        let event = time_column(table, &self.event, name, dialect)?;
        let is_date = dialect.semantics().named_type(&event.data_type) == DataType::Date;
        if is_date && self.range.start.contains(':') {
            return Err(SchemaMismatch {
                message: format!("`{}` of `{name}` is a date, and no hour of it", event.name),
                help: "replace whole days, `interval: \"day\"`, or let it be a timestamp".to_owned(),
            });
        }
        Ok(event)
    }

    /// What is refused, and what is done: the rows of the table in the interval go, and those of the query come.
    pub(super) fn statements(
        &self,
        event: &Column,
        rows: &StagedRows<'_>,
        dialect: &dyn Dialect,
    ) -> (ScriptStatement, Vec<ScriptStatement>) {
        let IntervalRange { first, last, start, end } = &self.range;
        let column = dialect.identifier(&event.name);
        let bound = |text: &str| format!("cast({} as {})", dialect.string(text), event.data_type);
        let (start, end) = (bound(start), bound(end));
        let span = if first == last { first.clone() } else { format!("{first} to {last}") };
        let guard = ScriptStatement::Guard {
            query: rows.all_but(&column, &event.data_type, &start, &end),
            message: format!("not all new rows lie in the interval that is replaced ({span})"),
            help: format!(
                "let the query filter what becomes `{}` by `>= ${{interval.start}}` and `< ${{interval.end}}`",
                event.name
            ),
        };
        let mut statements: Vec<ScriptStatement> = self.ledger.iter().cloned().map(ScriptStatement::Run).collect();
        statements.extend(rows.replace(&format!("{column} >= {start} and {column} < {end}")));
        (guard, statements)
    }
}
