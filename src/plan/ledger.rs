//! The ledger of a table that is kept by intervals: what its inputs held of each interval when that was done.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use crate::action::{Action, ActionId, Intervals, Kind};
use crate::dialect::Dialect;
use crate::graph::Graph;
use crate::plan::schema_change::SchemaMismatch;
use crate::plan::statement::Statement;
use crate::plan::swap;
use crate::relation::{Column, DataType, Width};

/// How many lines one statement writes.
const LINES: usize = 500;

/// What is known of it before it is read.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// How long the intervals are, and how far back is looked.
    pub intervals: Intervals,
    /// What the model reads that says when.
    pub inputs: Vec<IntervalInput>,
    /// Quoted.
    relation: String,
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
    pub(super) start: String,
    /// The first moment behind it.
    pub(super) end: String,
}

impl Ledger {
    pub(super) fn new(
        action: &Action<ActionId>,
        intervals: Intervals,
        reads: &[&Action<ActionId>],
        dialect: &dyn Dialect,
    ) -> Self {
        let relation = dialect.relation(&swap::ledger(&action.target, dialect));
        Self { intervals, inputs: inputs(reads, dialect), relation }
    }

    /// That of an action, if it is kept by intervals.
    pub fn of(graph: &Graph, id: ActionId, dialect: &dyn Dialect) -> Option<Self> {
        let action = graph.get(id);
        let Kind::Model(model) = &action.kind else { return None };
        let intervals = model.intervals()?;
        Some(Self::new(action, intervals, &reads(graph, action), dialect))
    }

    /// Makes the ledger where it is not there yet.
    pub fn create(&self, dialect: &dyn Dialect) -> Statement {
        let name = |data_type: &DataType| dialect.semantics().type_name(data_type);
        let (text, number, moment) = (name(&DataType::TEXT), name(&DataType::BIGINT), name(&DataType::INSTANT));
        // Some want to know how long it may be, and names may be long.
        let long_text = name(&DataType::Text(Some(4096)));
        Statement::new(format!(
            "create table if not exists {} (\n  interval_start {text},\n  input {long_text},\n  input_rows {number},\n  input_mark {text},\n  \
             written_at {moment}\n)",
            self.relation
        ))
    }

    /// The lines of the ledger from an interval on: its interval, its input, its rows and its mark.
    pub fn lines(&self, since: Option<&str>, dialect: &dyn Dialect) -> Statement {
        let condition = match since {
            Some(since) => format!("interval_start >= {}", dialect.string(since)),
            None => "interval_start > ''".to_owned(),
        };
        Statement::new(format!(
            "select interval_start, input, input_rows, input_mark\nfrom {}\nwhere {condition}",
            self.relation
        ))
    }

    /// The first and the newest interval of the ledger. The first is an empty name while the table may have rows of which
    /// the ledger does not know, and NULL where nothing was ever done.
    pub fn bounds(&self) -> Statement {
        Statement::new(format!("select min(interval_start), max(interval_start) from {}", self.relation))
    }

    /// What an input with these columns holds, from an interval on: the interval, its rows and their mark.
    pub fn look(
        &self,
        input: &IntervalInput,
        columns: &[Column],
        since: Option<&str>,
        dialect: &dyn Dialect,
    ) -> Result<Statement, SchemaMismatch> {
        let event = time_column(columns, &input.event, &input.name, dialect)?;
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
        Statement::new(format!("delete from {} where true", self.relation))
    }

    /// Says that the table may have rows of which the ledger does not know.
    pub fn begin(&self) -> Statement {
        Statement::new(format!("insert into {} (interval_start, input_rows) values ('', 0)", self.relation))
    }

    /// Says that it has none any more.
    pub fn finish(&self) -> Statement {
        Statement::new(format!("delete from {} where interval_start = ''", self.relation))
    }

    /// Lets intervals count as changed. Their lines stay: what the inputs no longer hold is known by these alone.
    pub fn ask_for(&self, range: &IntervalRange, dialect: &dyn Dialect) -> Statement {
        Statement::new(format!("update {} set input_rows = -1 where {}", self.relation, within(range, dialect)))
    }

    /// The ranges of its own intervals that these are in, which may be longer ones or shorter ones.
    pub fn covering(&self, names: &[&str], width: Width) -> Result<Vec<IntervalRange>, SchemaMismatch> {
        let own = self.intervals.width;
        let mut bounds = Vec::new();
        for name in names {
            bounds.push((own.name(&width.start(name))?, own.last_before(&width.end(name)?)?));
        }
        bounds.sort();
        bounds.dedup();
        bounds.iter().map(|(first, last)| IntervalRange::new(first, last, own)).collect()
    }

    /// Says what the inputs held when the rows of these ranges were written.
    pub fn rewrite(&self, ranges: &[IntervalRange], held: &Contents, dialect: &dyn Dialect) -> Vec<Statement> {
        let is_within = |(interval, _): &(String, String)| {
            ranges.iter().any(|range| (&range.first..=&range.last).contains(&interval))
        };
        let held: Vec<_> = held.iter().filter(|(key, _)| is_within(key)).collect();
        let within: Vec<String> = ranges.iter().map(|range| format!("({})", within(range, dialect))).collect();
        let forget = Statement::new(format!("delete from {} where {}", self.relation, within.join(" or ")));
        iter::once(forget).chain(self.record(&held, dialect)).collect()
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
                self.relation,
                lines.join(",\n")
            ))
        };
        held.chunks(LINES).map(statement).collect()
    }

    /// The intervals that there are, and whether inputs hold something else of them than the ledger says.
    pub fn changed<'c>(held: &'c Contents, lines: &'c Contents) -> BTreeMap<&'c str, bool> {
        let mut names: BTreeMap<&str, bool> = BTreeMap::new();
        for key in held.keys().chain(lines.keys()) {
            *names.entry(&key.0).or_default() |= held.get(key) != lines.get(key);
        }
        names
    }

    /// What is to be done: where inputs hold something else than the ledger says, or what `asked` names. What is next to each other
    /// goes together, as far as one batch goes.
    pub fn ranges(
        &self,
        held: &Contents,
        lines: &Contents,
        asked: Option<&IntervalRange>,
    ) -> Result<Vec<IntervalRange>, SchemaMismatch> {
        let names = Self::changed(held, lines);
        // Only what is asked for: what else is to be done is done by a run that does not name anything.
        if let Some(asked) = asked {
            return self.ranges_of(asked, names.into_keys().map(str::to_owned).collect());
        }
        let mut ranges: Vec<(usize, &str, &str)> = Vec::new();
        let mut was_wrong = false;
        for (name, is_wrong) in names {
            if is_wrong {
                match ranges.last_mut() {
                    Some((count, _, last)) if was_wrong && *count < self.longest() => {
                        *count += 1;
                        *last = name;
                    }
                    _ => ranges.push((1, name, name)),
                }
            }
            was_wrong = is_wrong;
        }
        let width = self.intervals.width;
        ranges.into_iter().map(|(_, first, last)| IntervalRange::new(first, last, width)).collect()
    }

    /// All of a range. Intervals that no input holds anything of take no time, and go with those before them.
    fn ranges_of(&self, asked: &IntervalRange, mut known: Vec<String>) -> Result<Vec<IntervalRange>, SchemaMismatch> {
        let width = self.intervals.width;
        known.retain(|name| (&asked.first..=&asked.last).contains(&name));
        let mut ranges = Vec::new();
        let mut first = asked.first.clone();
        for next in known.chunks(self.longest()).skip(1).filter_map(|batch| batch.first()) {
            let last = width.last_before(&width.start(next))?;
            ranges.push(IntervalRange::new(&first, &last, width)?);
            first.clone_from(next);
        }
        ranges.push(IntervalRange::new(&first, &asked.last, width)?);
        Ok(ranges)
    }

    /// How many intervals are done at once.
    fn longest(&self) -> usize {
        self.intervals.batch.map_or(usize::MAX, usize::from)
    }

    /// Where an earlier look ended that is far enough back.
    pub fn since(&self, newest: Option<&str>) -> Result<Option<String>, SchemaMismatch> {
        let (Some(lookback), Some(newest)) = (self.intervals.lookback, newest) else { return Ok(None) };
        Ok(Some(self.intervals.width.earlier(newest, lookback.seconds())?))
    }
}

fn within(range: &IntervalRange, dialect: &dyn Dialect) -> String {
    let (first, last) = (dialect.string(&range.first), dialect.string(&range.last));
    format!("interval_start >= {first} and interval_start <= {last}")
}

/// What the texts of an action refer to.
pub(super) fn reads<'g>(graph: &'g Graph, action: &Action<ActionId>) -> Vec<&'g Action<ActionId>> {
    let read = action.dependencies.iter().filter(|dependency| dependency.is_read);
    read.map(|dependency| graph.get(dependency.on)).collect()
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

impl IntervalRange {
    pub(super) fn new(first: &str, last: &str, width: Width) -> Result<Self, SchemaMismatch> {
        let (start, end) = (width.start(first), width.end(last)?);
        Ok(Self { first: first.to_owned(), last: last.to_owned(), start, end })
    }
}

/// The column that says when.
pub(super) fn time_column<'c>(
    columns: &'c [Column],
    name: &str,
    of: &str,
    dialect: &dyn Dialect,
) -> Result<&'c Column, SchemaMismatch> {
    let column = column(columns, name, of)?;
    let data_type = dialect.semantics().named_type(&column.data_type);
    if data_type == DataType::Unknown || data_type.is_moment() {
        return Ok(column);
    }
    Err(SchemaMismatch {
        message: format!("`{name}` of `{of}` is {}, and no time", column.data_type),
        help: "let `eventTime` name a column that is a date or a timestamp".to_owned(),
    })
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
