//! A table that is kept by intervals of event time: what its inputs hold of each is compared with a ledger of what they held when
//! it was done, and where the two differ the rows of the interval are replaced.
//!
//! A line of the ledger is written in the transaction that replaces the rows, and says what was there before the query ran. What
//! comes in between is in the rows and not in the ledger, so that the interval is done once more: never too seldom.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::{
    Action, ActionId, Incremental, IncrementalStrategy, Intervals, Kind, Materialization, Model, Rendered,
};
use crate::dialect::Dialect;
use crate::plan::audit::Auditor;
use crate::plan::incremental::IncrementalWork;
use crate::plan::model::{Build, extend, plan_model};
use crate::plan::rows::StagedRows;
use crate::plan::schema_change::SchemaMismatch;
use crate::plan::statement::Statement;
use crate::plan::texts::Translator;
use crate::plan::{Context, ScriptStatement, Work, swap};
use crate::relation::{Column, DataType, Layout, Relation, RelationKind, Target, Width};

/// How many lines of the ledger one statement writes.
const LINES: usize = 500;

/// How many intervals a backfill may name.
const MOST_NAMED: usize = 100_000;

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
    /// The model, for people.
    pub name: String,
    /// How long the intervals are, and how far back is looked.
    pub intervals: Intervals,
    /// What the model reads that says when.
    pub inputs: Vec<IntervalInput>,
    /// How it begins.
    pub start: IntervalStart,
    /// What is done again in any case.
    pub backfill: Option<Backfill>,
    event: String,
    relation: String,
    ledger: String,
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

/// Something that a model reads, and that says when.
#[derive(Debug, Clone)]
pub struct IntervalInput {
    /// As the ledger has it.
    pub name: String,
    /// Quoted.
    pub relation: String,
    /// The column that says when it happened.
    pub event: String,
    /// The column that says when a row came, where a row that is there never changes it.
    pub processed: Option<String>,
}

/// What an input holds of an interval: how many rows, and something that is another one if they are others.
pub type Held = (u64, String);

/// By the name of the interval and of the input.
pub type Contents = BTreeMap<(String, String), Held>;

/// Intervals that are next to each other, and are done at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntervalRange {
    /// The name of the first one.
    pub first: String,
    /// That of the last one.
    pub last: String,
    /// Its first moment.
    start: String,
    /// The first moment behind it.
    end: String,
}

/// What is done with one range, beside the new rows.
#[derive(Debug, Clone)]
pub(super) struct IntervalBatch {
    range: IntervalRange,
    event: String,
    ledger: Vec<Statement>,
}

/// The ledger of a table.
pub(super) fn ledger(target: &Target, dialect: &dyn Dialect) -> Target {
    swap::ledger(target, dialect)
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

/// The inputs of a model that say when.
fn inputs(actions: &[&Action<ActionId>], dialect: &dyn Dialect) -> Vec<IntervalInput> {
    let input = |action: &&Action<ActionId>| {
        let times = &action.documentation.times;
        // What is built anew each time may say that all of its rows have just come.
        let keeps = match &action.kind {
            Kind::Declaration => true,
            Kind::Model(model) => model.incremental().is_some(),
            _ => false,
        };
        Some(IntervalInput {
            name: action.canonical.to_string(),
            relation: dialect.relation(&action.target),
            event: times.event.as_ref()?.name.clone(),
            processed: times.processed.as_ref().filter(|_| keeps).map(|column| column.name.clone()),
        })
    };
    actions.iter().filter_map(input).collect()
}

pub(super) fn plan(
    action: &Action<ActionId>,
    (model, incremental, intervals): (&Model, &Incremental, Intervals),
    context: &Context<'_>,
    translator: &mut Translator<'_>,
) -> Work {
    let dialect = translator.to;
    let build = Build::new(action, model, context, dialect);
    let grows = build.grown(context.options).is_some();
    let in_parts = build.existing.is_none() && (intervals.batch.is_some() || context.options.backfill.is_some());
    let (start, template) = if grows {
        let Work::Incremental(template) = plan_model(action, model, context, translator) else { return Work::Disabled };
        (IntervalStart::Grows, template)
    } else {
        let start = if in_parts {
            let work = plan_model(action, &without_rows(model, intervals.width), context, translator);
            IntervalStart::BuildsEmpty(Box::new(work))
        } else {
            IntervalStart::BuildsAll(Box::new(plan_model(action, model, context, translator)))
        };
        translator.begin();
        (start, template(action, (model, incremental), context, translator))
    };
    Work::Intervals(Box::new(IntervalWork {
        name: action.target.name.clone(),
        intervals,
        inputs: inputs(context.inputs, dialect),
        start,
        backfill: context.options.backfill.cloned(),
        event: event(action),
        relation: dialect.relation(&action.target),
        ledger: dialect.relation(&ledger(&action.target, dialect)),
        template,
    }))
}

/// What is done with each range, if the table is made in the same step.
fn template(
    action: &Action<ActionId>,
    (model, incremental): (&Model, &Incremental),
    context: &Context<'_>,
    translator: &mut Translator<'_>,
) -> Box<IncrementalWork> {
    let made = Relation { kind: RelationKind::Table, columns: Vec::new(), layout: Layout::default() };
    let Build { swap, .. } = Build::new(action, model, context, translator.to);
    let auditor = Auditor::new(action, model, context.audits, true, translator);
    extend((action, model, incremental), &made, swap, auditor, translator)
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
    /// Makes the ledger where it is not there yet.
    pub fn create_ledger(&self, dialect: &dyn Dialect) -> Statement {
        let name = |data_type: &DataType| dialect.semantics().type_name(data_type);
        let (text, number, moment) = (name(&DataType::TEXT), name(&DataType::BIGINT), name(&DataType::INSTANT));
        Statement::new(format!(
            "create table if not exists {} (\n  interval_start {text},\n  input {text},\n  input_rows {number},\n  input_mark {text},\n  \
             written_at {moment}\n)",
            self.ledger
        ))
    }

    /// The lines of the ledger from an interval on: its interval, its input, its rows and its mark.
    pub fn lines(&self, since: Option<&str>, dialect: &dyn Dialect) -> Statement {
        let since =
            since.map(|since| format!("\nwhere interval_start >= {}", dialect.string(since))).unwrap_or_default();
        Statement::new(format!("select interval_start, input, input_rows, input_mark\nfrom {}{since}", self.ledger))
    }

    /// The newest interval of the ledger.
    pub fn newest(&self) -> Statement {
        Statement::new(format!("select max(interval_start) from {}", self.ledger))
    }

    /// What an input with these columns holds, from an interval on: the interval, its rows and their mark.
    pub fn look(
        &self,
        input: &IntervalInput,
        columns: &[Column],
        since: Option<&str>,
        dialect: &dyn Dialect,
    ) -> Result<Statement, SchemaMismatch> {
        let event = column(columns, &input.event, &input.name)?;
        let name = dialect.identifier(&event.name);
        let text = dialect.semantics().type_name(&DataType::TEXT);
        let mark = if let Some(processed) = &input.processed {
            let processed = column(columns, processed, &input.name)?;
            format!("max({})", dialect.identifier(&processed.name))
        } else {
            format!("sum({})", dialect.row_hash(columns))
        };
        let since = since.map(|since| {
            let start = dialect.string(&self.intervals.width.start(since));
            format!(" and {name} >= cast({start} as {})", event.data_type)
        });
        Ok(Statement::new(format!(
            "select {} as interval_start, count(*) as input_rows, cast({mark} as {text}) as input_mark\nfrom {}\nwhere {name} is not \
             null{}\ngroup by 1\norder by 1",
            dialect.interval(&name, &event.data_type, self.intervals.width),
            input.relation,
            since.unwrap_or_default(),
        )))
    }

    /// Empties the ledger.
    pub fn clear(&self) -> Statement {
        Statement::new(format!("delete from {} where true", self.ledger))
    }

    /// Takes intervals out of the ledger, so that they are to be done.
    pub fn forget(&self, range: &IntervalRange, dialect: &dyn Dialect) -> Statement {
        let (first, last) = (dialect.string(&range.first), dialect.string(&range.last));
        Statement::new(format!(
            "delete from {} where interval_start >= {first} and interval_start <= {last}",
            self.ledger
        ))
    }

    /// Writes into the ledger what the inputs hold.
    pub fn record(&self, held: &[(&(String, String), &Held)], dialect: &dyn Dialect) -> Vec<Statement> {
        let line = |((interval, input), (rows, mark)): &(&(String, String), &Held)| {
            let [interval, input, mark] = [interval, input, mark].map(|text| dialect.string(text));
            format!("({interval}, {input}, {rows}, {mark}, current_timestamp)")
        };
        let statement = |lines: &[(&(String, String), &Held)]| {
            let lines: Vec<String> = lines.iter().map(line).collect();
            Statement::new(format!(
                "insert into {} (interval_start, input, input_rows, input_mark, written_at) values\n{}",
                self.ledger,
                lines.join(",\n")
            ))
        };
        held.chunks(LINES).map(statement).collect()
    }

    /// What is to be done: where inputs hold something else than the ledger says, and what `asked` names. What is next to each other
    /// goes together, as far as one batch goes.
    pub fn ranges(
        &self,
        held: &Contents,
        ledger: &Contents,
        asked: Option<&IntervalRange>,
    ) -> Result<Vec<IntervalRange>, SchemaMismatch> {
        let width = self.intervals.width;
        let mut names: BTreeMap<&str, bool> = BTreeMap::new();
        for key in held.keys().chain(ledger.keys()) {
            *names.entry(&key.0).or_default() |= held.get(key) != ledger.get(key);
        }
        let asked_for = asked.map(|range| width.names(&range.first, &range.last, MOST_NAMED)).transpose()?;
        if let Some(range) = asked {
            // Only that: what else is to be done is done by a run that does not name anything.
            names.retain(|name, _| (range.first.as_str()..=range.last.as_str()).contains(name));
            names.extend(asked_for.iter().flatten().map(|name| (name.as_str(), true)));
        }
        let longest = self.intervals.batch.map_or(usize::MAX, usize::from);
        let mut ranges: Vec<(usize, &str, &str)> = Vec::new();
        let mut was_wrong = false;
        for (name, is_wrong) in names {
            if is_wrong {
                match ranges.last_mut() {
                    Some((count, _, last)) if was_wrong && *count < longest => {
                        *count += 1;
                        *last = name;
                    }
                    _ => ranges.push((1, name, name)),
                }
            }
            was_wrong = is_wrong;
        }
        ranges.into_iter().map(|(_, first, last)| IntervalRange::new(first, last, width)).collect()
    }

    /// The range that a backfill names, up to the last interval that there is.
    pub fn asked(&self, held: &Contents) -> Result<Option<IntervalRange>, SchemaMismatch> {
        let Some(Backfill { from, to }) = &self.backfill else { return Ok(None) };
        let width = self.intervals.width;
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

    /// Where an earlier look ended that is far enough back.
    pub fn since(&self, newest: Option<&str>) -> Result<Option<String>, SchemaMismatch> {
        let (Some(lookback), Some(newest)) = (self.intervals.lookback, newest) else { return Ok(None) };
        let since = self.intervals.width.earlier(newest, lookback.seconds())?;
        let asked = self.backfill.as_ref().map(|backfill| self.intervals.width.name(&backfill.from)).transpose()?;
        Ok(Some(asked.map_or(since.clone(), |asked| since.min(asked))))
    }

    /// The table, to ask for its columns.
    pub fn table(&self) -> Statement {
        Statement::new(format!("select * from {}", self.relation))
    }

    /// What replaces the rows of a range and says so in the ledger. `columns` are those of the table, if it has been made in this
    /// step.
    pub fn replace(
        &self,
        range: &IntervalRange,
        held: &Contents,
        columns: Option<&[Column]>,
        dialect: &dyn Dialect,
    ) -> IncrementalWork {
        let within = |(interval, _): &(String, String)| (&range.first..=&range.last).contains(&interval);
        let held: Vec<_> = held.iter().filter(|(key, _)| within(key)).collect();
        let ledger = std::iter::once(self.forget(range, dialect)).chain(self.record(&held, dialect)).collect();
        let batch = IntervalBatch { range: range.clone(), event: self.event.clone(), ledger };
        let [start, end] = Intervals::marks(self.intervals.width);
        let mut work = self.template.replaced(&[(start, &range.start), (end, &range.end)]);
        if let Some(columns) = columns {
            work.columns = columns.to_vec();
        }
        work.batch = Some(Box::new(batch));
        work
    }

    /// The same as if all intervals were one.
    pub fn outline(&self) -> &IncrementalWork {
        &self.template
    }
}

impl IntervalRange {
    fn new(first: &str, last: &str, width: Width) -> Result<Self, SchemaMismatch> {
        let (start, end) = (width.start(first), width.end(last)?);
        Ok(Self { first: first.to_owned(), last: last.to_owned(), start, end })
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
        let event = column(table, &self.event, name)?;
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

fn column<'c>(columns: &'c [Column], name: &str, of: &str) -> Result<&'c Column, SchemaMismatch> {
    let found = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| SchemaMismatch {
        message: format!("`{of}` has no column `{name}`"),
        help: format!(
            "its columns are {}",
            columns
                .iter()
                .map(|column| format!("`{}`", column.name))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(", ")
        ),
    })
}
