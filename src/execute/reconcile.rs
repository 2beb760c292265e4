//! Finds out how much of a table is what a full recompute would give, and mends it where it is not.

use std::collections::BTreeSet;

use crate::action::{ActionId, Kind, Model, Times};
use crate::adapter::{Adapter, AdapterError, Session};
use crate::analysis::bound::below;
use crate::analysis::{Facts, OriginKind, Relation as Read};
use crate::compile::Compilation;
use crate::diagnostic::Diagnostics;
use crate::dialect::Dialect;
use crate::execute::allowance::{Allowance, OverBudget, Refusal, number};
use crate::execute::reconciled::{Habits, IntervalDifference, LeftOut, Reconciled, Renewal};
use crate::execute::repair::repair;
use crate::execute::sample::{Share, draw};
use crate::plan::{
    AuditCheck, ComparedColumn, Ledger, Preview, Reconciliation, Statement, Time, audits_of_rows, every_row, preview,
};
use crate::relation::{
    Column, DataType, JobOptions, Partitioning, PhysicalOptions, Relation, Target, WarehouseState, Width,
};

/// How a table is compared.
#[derive(Debug, Clone, Copy)]
pub struct ReconcileOptions<'a> {
    /// How long intervals are.
    pub width: Width,
    /// From which time on rows count.
    pub since: Option<&'a str>,
    /// Which share of the intervals is looked at, if not all.
    pub sample: Option<Share>,
    /// How many bytes may be read at the most, where the warehouse tells that beforehand.
    pub budget: Option<u64>,
    /// Whether what differs is written anew.
    pub repair: bool,
    /// How many rows are shown at the most.
    pub examples: usize,
}

/// What is to be compared.
pub(super) struct Task<'a> {
    pub target: &'a Target,
    /// How its queries run.
    job: JobOptions,
    /// How the table lies, if it is not to be read without a filter on that.
    filtered_by: Option<&'a Partitioning>,
    /// How the project wants it to lie.
    layout: Option<&'a PhysicalOptions>,
    /// What was done of it, if it is kept by intervals.
    pub ledger: Option<&'a Ledger>,
    /// What is asked of its rows before they may be read.
    pub audits: Vec<AuditCheck>,
    /// Whether no two rows may have the same key.
    pub is_unique: bool,
    /// Its columns; `None` if nobody has asked for them.
    columns: Option<&'a [Column]>,
    habits: Habits,
    /// What gives all of its rows.
    query: &'a Preview,
    key: RowKey,
    /// The column that says when.
    time: Option<&'a str>,
    /// Columns that are another value in each run.
    left_out: Vec<(String, LeftOut)>,
    pub options: ReconcileOptions<'a>,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The query cannot be translated.
    #[error("the project has mistakes")]
    Project(Diagnostics),
    /// Its pre-operations cannot be undone.
    #[error("`{0}` cannot be recomputed beside its table: its pre-operations would run")]
    PreOperations(Target),
    /// Rows are to count from a time on, and nothing says when they happened.
    #[error("`{0}` has no time to begin with")]
    NoTime(Target),
    /// Intervals are to be drawn, and nothing says when rows happened.
    #[error("`{0}` has no time, and so no intervals to draw from")]
    NoIntervals(Target),
    /// The same, and no row says when.
    #[error("no row of `{0}` says when, so that there are no intervals to draw from")]
    NothingToDraw(Target),
    /// It would read more than it may, behind what has been found out by then: all intervals have been counted if one differs.
    #[error("`{0}` is not compared to the end")]
    Budget(Target, OverBudget, Box<Reconciled>),
    /// The warehouse said no.
    #[error("cannot compare `{0}` with `{1}`: {2}")]
    Relations(Target, Target, AdapterError),
    /// The warehouse said no.
    #[error("cannot recompute `{0}`: {1}")]
    Adapter(Target, AdapterError),
}

/// Compares the table of a model, which is `relation` in the warehouse, with what its query gives. All of it is one transaction,
/// in which the table is mended, too.
pub fn reconcile(
    compilation: &Compilation,
    adapter: &dyn Adapter,
    id: ActionId,
    relation: &Relation,
    options: ReconcileOptions<'_>,
) -> Result<Reconciled, ReconcileError> {
    let action = compilation.graph.get(id);
    let target = &action.target;
    let dialect = adapter.dialect();
    let (query, diagnostics) = preview(action, compilation.project.settings.dialect, dialect);
    if diagnostics.has_errors() {
        return Err(ReconcileError::Project(diagnostics));
    }
    let model = if let Kind::Model(model) = &action.kind { Some(model) } else { None };
    let has_pre_operations = model.is_some_and(|model| !model.texts.pre_operations.is_empty());
    let wants_filter = model.is_some_and(|model| model.options.require_partition_filter);
    // One job would be both.
    let has_script = has_pre_operations && dialect.capabilities().multi_statements;
    if !query.can_be_undone || has_script {
        return Err(ReconcileError::PreOperations(target.clone()));
    }
    let times = &action.documentation.times;
    if options.since.is_some() && times.event.is_none() {
        return Err(ReconcileError::NoTime(target.clone()));
    }
    if options.sample.is_some() && times.event.is_none() {
        return Err(ReconcileError::NoIntervals(target.clone()));
    }
    let (key, left_out) = comparison_of(compilation, id);
    let failed = |error| ReconcileError::Adapter(target.clone(), error);
    let ledger = Ledger::of(&compilation.graph, id, dialect);
    if let Some(ledger) = ledger.as_ref().filter(|_| options.repair) {
        adapter.session().and_then(|mut session| session.execute(ledger.create(dialect).sql())).map_err(failed)?;
    }
    let dialects = (compilation.project.settings.dialect, dialect);
    let mut audits = Vec::new();
    if options.repair {
        let (checks, diagnostics) = audits_of_rows(&compilation.graph, id, &query.query, dialects);
        if diagnostics.has_errors() {
            return Err(ReconcileError::Project(diagnostics));
        }
        audits = checks;
    }
    // What a run of it may be billed says nothing of a full recompute.
    let job = JobOptions { maximum_bytes_billed: None, ..action.job.clone() };
    let task = Task {
        target,
        job,
        filtered_by: relation.layout.partitioning.as_ref().filter(|_| wants_filter),
        layout: model.map(|model| &model.options),
        ledger: ledger.as_ref(),
        audits,
        habits: Habits {
            renewal: model.map(|model| renewal(model)).unwrap_or_default(),
            aggregates: compilation.analysis.facts(id).is_some_and(aggregates),
            has_key: false,
        },
        is_unique: model.is_some_and(|model| model.distinct_key().is_some()),
        columns: Some(&relation.columns),
        query: &query,
        key: RowKey::Known(key),
        time: times.event.as_ref().map(|time| time.name.as_str()),
        left_out,
        options,
    };
    in_transaction(adapter, &task).map_err(|stop| stop.into_error(target, failed))
}

fn renewal(model: &Model) -> Renewal {
    match (model.incremental(), model.intervals()) {
        (_, Some(_)) => Renewal::Intervals,
        (Some(_), None) => Renewal::Filter,
        (None, None) => Renewal::Whole,
    }
}

fn aggregates(facts: &Facts) -> bool {
    let mut origins = facts.columns.known.iter().flat_map(|column| &column.origins);
    origins.any(|origin| origin.kind == OriginKind::Aggregated)
}

/// Columns that tell rows apart; empty where nothing is said of that.
#[derive(Debug, Clone)]
pub enum RowKey {
    /// Somebody asks for these: both sides must have them.
    Asked(Vec<String>),
    /// What the project knows. Without one of them rows have no key.
    Known(Vec<String>),
}

impl RowKey {
    fn names(&self) -> &[String] {
        match self {
            Self::Asked(names) | Self::Known(names) => names,
        }
    }

    /// Those that must be there.
    fn asked(&self) -> impl Iterator<Item = &str> {
        let names: &[String] = if let Self::Asked(names) = self { names } else { &[] };
        names.iter().map(String::as_str)
    }
}

/// Two relations of one warehouse.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    /// What was there: its rows are the actual ones.
    pub base: &'a Target,
    /// What is there now: its rows are the expected ones.
    pub new: &'a Target,
    /// What tells rows apart.
    pub key: RowKey,
    /// The column that says when.
    pub time: Option<&'a str>,
    /// Columns that are not compared.
    pub left_out: Vec<(String, LeftOut)>,
    /// What the warehouse says of both.
    pub state: &'a WarehouseState,
}

/// Compares two relations as [`reconcile`] does.
pub fn compare_relations(
    adapter: &dyn Adapter,
    pair: &Pair<'_>,
    options: ReconcileOptions<'_>,
) -> Result<Reconciled, ReconcileError> {
    let dialect = adapter.dialect();
    let partitioning = |target: &Target| pair.state.get(target)?.layout.partitioning.as_ref();
    let mut rows = format!("select * from {}", dialect.relation(pair.new));
    if let (Some(new), Some(partitioning)) = (pair.state.get(pair.new), partitioning(pair.new)) {
        // It may not be read without a filter.
        rows += &format!(" where {}", every_row(partitioning, &new.columns, dialect));
    }
    let query = Preview { before: Vec::new(), can_be_undone: true, query: Statement::new(rows) };
    let task = Task {
        target: pair.base,
        job: JobOptions::default(),
        filtered_by: partitioning(pair.base),
        layout: None,
        ledger: None,
        audits: Vec::new(),
        habits: Habits::default(),
        is_unique: false,
        columns: None,
        query: &query,
        key: pair.key.clone(),
        time: pair.time,
        left_out: pair.left_out.clone(),
        options,
    };
    let failed = |error| ReconcileError::Relations(pair.base.clone(), pair.new.clone(), error);
    in_transaction(adapter, &task).map_err(|stop| stop.into_error(pair.new, failed))
}

/// The columns that tell rows apart, and those that are another value in each run, of an action.
fn comparison_of(compilation: &Compilation, id: ActionId) -> (Vec<String>, Vec<(String, LeftOut)>) {
    let action = compilation.graph.get(id);
    let declared = match &action.kind {
        Kind::Model(model) => &model.unique_key,
        _ => &action.documentation.unique_key,
    };
    let facts = compilation.analysis.facts(id);
    (key(declared, facts), left_out(&action.documentation.times, facts))
}

/// The same where both sides have been built, each in runs of its own: what comes from such a column is another value, too.
pub fn comparison_of_built(compilation: &Compilation, id: ActionId) -> (Vec<String>, Vec<(String, LeftOut)>) {
    let (key, mut left_out) = comparison_of(compilation, id);
    let columns = compilation.analysis.facts(id).into_iter().flat_map(|facts| &facts.columns.known);
    for name in columns.filter_map(|column| column.name.as_deref()) {
        if !left_out.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) && inherits_chance(compilation, id, name)
        {
            left_out.push((name.to_owned(), LeftOut::Volatile));
        }
    }
    (key, left_out)
}

/// Whether a column, or one that it comes from, is another value in each run.
fn inherits_chance(compilation: &Compilation, id: ActionId, name: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![(id, name)]);
    while let Some((id, name)) = open.pop() {
        let Some(facts) = compilation.analysis.facts(id).filter(|_| seen.insert((id, name))) else { continue };
        // A field has the fate of its column.
        let is_it = |known: &str| below(name, known).is_some();
        let column = facts.columns.known.iter().find(|column| column.name.as_deref().is_some_and(is_it));
        let times = &compilation.graph.get(id).documentation.times;
        let is_built = matches!(compilation.graph.get(id).kind, Kind::Model(_));
        let is_processed = is_built && times.processed.as_ref().is_some_and(|time| is_it(&time.name));
        if is_processed || column.is_some_and(|column| column.is_volatile) {
            return true;
        }
        for origin in column.into_iter().flat_map(|column| &column.origins) {
            if let Read::Action(from) = &origin.relation {
                open.push((*from, &*origin.column));
            }
        }
    }
    false
}

/// The columns that tell rows apart: those that the config names, or else what follows from its assertions and from the query.
fn key(declared: &[String], facts: Option<&Facts>) -> Vec<String> {
    if !declared.is_empty() {
        return declared.to_vec();
    }
    let name = |facts: &Facts, place: usize| Some(facts.columns.known.get(place)?.name.as_deref()?.to_owned());
    let named = facts.into_iter().flat_map(|facts| {
        facts.keys.iter().filter_map(|key| key.iter().map(|place| name(facts, *place)).collect::<Option<Vec<String>>>())
    });
    named.filter(|key| !key.is_empty()).min_by_key(Vec::len).unwrap_or_default()
}

/// The columns that are another value in each run.
fn left_out(times: &Times, facts: Option<&Facts>) -> Vec<(String, LeftOut)> {
    let declared = times.processed.iter().map(|time| (time.name.clone(), LeftOut::Declared));
    let mut left_out: Vec<(String, LeftOut)> = declared.collect();
    let volatile = facts.into_iter().flat_map(|facts| &facts.columns.known).filter(|column| column.is_volatile);
    for name in volatile.filter_map(|column| column.name.as_deref()) {
        if !left_out.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            left_out.push((name.to_owned(), LeftOut::Volatile));
        }
    }
    left_out
}

fn in_transaction(adapter: &dyn Adapter, task: &Task<'_>) -> Result<Reconciled, Stop> {
    let mut session = adapter.session()?;
    session.begin_step(task.target, &task.job);
    session.begin()?;
    let mut found = Reconciled { since: task.options.since.map(str::to_owned), ..Reconciled::default() };
    let result = compare(session.as_mut(), adapter.dialect(), task, &mut found);
    if result.is_ok() && found.is_repaired {
        session.commit()?;
    } else {
        session.roll_back();
    }
    found.usage = session.usage();
    match result {
        Ok(()) => Ok(found),
        Err(Refusal::Budget(over)) => Err(Stop::Budget(over, Box::new(found))),
        Err(Refusal::NothingToDraw) => Err(Stop::NothingToDraw),
        Err(Refusal::Adapter(error)) => Err(Stop::Adapter(error)),
    }
}

/// Why a comparison did not come to its end.
enum Stop {
    Budget(OverBudget, Box<Reconciled>),
    NothingToDraw,
    Adapter(AdapterError),
}

impl Stop {
    /// The error for relations with that name. `failed` makes one of what the warehouse says.
    fn into_error(self, target: &Target, failed: impl FnOnce(AdapterError) -> ReconcileError) -> ReconcileError {
        match self {
            Self::Budget(over, found) => ReconcileError::Budget(target.clone(), over, found),
            Self::NothingToDraw => ReconcileError::NothingToDraw(target.clone()),
            Self::Adapter(error) => failed(error),
        }
    }
}

impl From<AdapterError> for Stop {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

/// Asks for the columns of both sides. Gives what is to be compared, and all columns that both have.
fn look_at_sides<'d>(
    session: &mut dyn Session,
    dialect: &'d dyn Dialect,
    task: &Task<'d>,
    found: &mut Reconciled,
) -> Result<(Reconciliation<'d>, Vec<ComparedColumn>), Refusal> {
    if let Some(statement) = dialect.one_state() {
        session.execute(statement)?;
    }
    for statement in &task.query.before {
        session.execute(statement.sql())?;
    }
    let given = session.describe(task.query.query.sql())?;
    let described;
    let columns = if let Some(columns) = task.columns {
        columns
    } else {
        described = session.describe(&format!("select * from {}", dialect.relation(task.target)))?;
        &described
    };
    let (shared, mut left_out) = shared(columns, &given);
    let is_left_out =
        |column: &ComparedColumn| task.left_out.iter().any(|(name, _)| name.eq_ignore_ascii_case(&column.column.name));
    let compared: Vec<ComparedColumn> = shared.iter().filter(|column| !is_left_out(column)).cloned().collect();
    left_out.extend(task.left_out.iter().cloned());
    found.left_out = left_out;
    let is_retyped = |column: &&ComparedColumn| !dialect.same_type(&column.column.data_type, &column.given.data_type);
    found.retyped = shared.iter().filter(is_retyped).cloned().collect();
    let named = |name: &str| compared.iter().find(|column| column.column.name.eq_ignore_ascii_case(name));
    // By a name that is nowhere, all rows would count, and none would be the same as another.
    let asked = task.time.into_iter().chain(task.key.asked());
    if let Some(missing) = asked.into_iter().find(|name| named(name).is_none()) {
        let help = Some("name a column that both sides have, and that is compared".to_owned());
        let message = format!("no column `{missing}` can be compared");
        return Err(AdapterError { help, ..AdapterError::from_message(message) }.into());
    }
    if let Some(column) =
        task.time.and_then(named).filter(|column| !dialect.semantics().named_type(&column.column.data_type).is_moment())
    {
        let Column { name, data_type } = &column.column;
        let help = Some("name a column that is a date or a timestamp".to_owned());
        let message = format!("`{name}` is {data_type}, and no time");
        return Err(AdapterError { help, ..AdapterError::from_message(message) }.into());
    }
    let time = task.time.and_then(named).map(|column| {
        let is_date = dialect.semantics().named_type(&column.column.data_type) == DataType::Date;
        // A day has no hours.
        let width = if is_date && task.options.width == Width::Hour { Width::Day } else { task.options.width };
        Time { column: column.column.clone(), width }
    });
    let key: Option<Vec<String>> = task.key.names().iter().map(|name| Some(named(name)?.column.name.clone())).collect();
    let reconciliation = Reconciliation {
        dialect,
        expected: task.query.query.clone(),
        target: task.target,
        options: task.layout,
        columns: compared,
        key: key.unwrap_or_default(),
        time,
        since: task.options.since.map(str::to_owned),
        filtered_by: task.filtered_by.cloned(),
    };
    Ok((reconciliation, shared))
}

fn compare(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    task: &Task<'_>,
    found: &mut Reconciled,
) -> Result<(), Refusal> {
    let (mut reconciliation, shared) = look_at_sides(session, dialect, task, found)?;
    let mut reader = Allowance { session, left: task.options.budget };
    let drawn = match task.options.sample {
        Some(share) => Some(draw(&mut reader, &reconciliation, share)?),
        None => None,
    };
    let drawn = drawn.map(|(names, draw)| {
        found.drawn = Some(draw);
        names.into_iter().map(Some).collect::<Vec<_>>()
    });
    count_intervals(&mut reader, &reconciliation, drawn.as_deref(), found)?;
    if found.differing.is_empty() {
        return Ok(());
    }
    let unstable = unstable(&mut reader, &reconciliation, &names(found))?;
    if !unstable.is_empty() {
        reconciliation.leave_out(&unstable);
        found.left_out.extend(unstable.into_iter().map(|name| (name, LeftOut::Unstable)));
        count_intervals(&mut reader, &reconciliation, drawn.as_deref(), found)?;
        if found.differing.is_empty() {
            return Ok(());
        }
    }
    found.habits = Habits { has_key: !reconciliation.key.is_empty(), ..task.habits };
    let intervals = names(found);
    by_row(reader.rows(&reconciliation.by_row(&intervals))?, found);
    if let Some(statement) = reconciliation.duplicate_keys(drawn.as_deref()) {
        found.duplicate_keys = reader.number(&statement)?;
    }
    if let Some(statement) = reconciliation.duplicate_keys_of_query() {
        found.duplicate_keys_of_query = reader.number(&statement)?;
    }
    if task.options.examples > 0 {
        found.examples = reader.query(&reconciliation.examples(&intervals), task.options.examples)?;
        for row in &mut found.examples.rows {
            if let Some(Some(sign)) = row.first_mut() {
                if sign == "1" { "+" } else { "-" }.clone_into(sign);
            }
        }
    }
    if task.options.repair {
        repair(&mut reader, task, &reconciliation, &shared, found)?;
    }
    Ok(())
}

fn names(found: &Reconciled) -> Vec<Option<String>> {
    found.differing.iter().map(|interval| interval.name.clone()).collect()
}

/// Looks at each interval as a whole.
fn count_intervals(
    reader: &mut Allowance<'_>,
    reconciliation: &Reconciliation<'_>,
    drawn: Option<&[Option<String>]>,
    found: &mut Reconciled,
) -> Result<(), Refusal> {
    let has_time = reconciliation.time.is_some();
    (found.expected, found.actual) = (0, 0);
    found.differing.clear();
    let mut count = 0;
    for row in reader.rows(&reconciliation.by_interval(drawn))? {
        let [name, expected, actual, is_same] = row.as_slice() else { continue };
        let (expected, actual) = (number(expected.as_ref()), number(actual.as_ref()));
        found.expected += expected;
        found.actual += actual;
        count += 1;
        if number(is_same.as_ref()) == 0 {
            let name = name.clone().filter(|_| has_time);
            found.differing.push(IntervalDifference { name, expected, actual, ..IntervalDifference::default() });
        }
    }
    found.intervals = has_time.then_some(count);
    Ok(())
}

/// The columns of which the query gives another value whenever it is asked, though nothing in its text says so.
fn unstable(
    reader: &mut Allowance<'_>,
    reconciliation: &Reconciliation<'_>,
    intervals: &[Option<String>],
) -> Result<Vec<String>, Refusal> {
    let mut answers = Vec::new();
    for number in [1, 2] {
        answers.extend(reader.rows(&reconciliation.probe(intervals, number))?.into_iter().next());
    }
    let [first, second] = answers.as_slice() else { return Ok(Vec::new()) };
    Ok(reconciliation.unstable(first, second))
}

/// Adds what is known of the rows of the intervals.
fn by_row(rows: Vec<Vec<Option<String>>>, found: &mut Reconciled) {
    for row in rows {
        let [name, missing, extra, different, newer, tied, late, oldest, by] = row.as_slice() else { continue };
        let missing = number(missing.as_ref());
        let waiting = &mut found.waiting;
        waiting.newer += number(newer.as_ref());
        waiting.tied += number(tied.as_ref());
        waiting.late += number(late.as_ref());
        waiting.late_by = waiting.late_by.max(number(by.as_ref()));
        if let Some(oldest) = oldest
            && waiting.oldest.as_ref().is_none_or(|known| oldest < known)
        {
            waiting.oldest = Some(oldest.clone());
        }
        let name = name.clone().filter(|_| found.intervals.is_some());
        if let Some(interval) = found.differing.iter_mut().find(|interval| interval.name == name) {
            interval.missing += missing;
            interval.extra += number(extra.as_ref());
            interval.different += number(different.as_ref());
        }
    }
}

/// The columns that both sides have, and the others.
fn shared(table: &[Column], query: &[Column]) -> (Vec<ComparedColumn>, Vec<(String, LeftOut)>) {
    let called = |columns: &[Column], name: &str| {
        let exact = columns.iter().find(|column| column.name == name);
        exact.or_else(|| columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))).cloned()
    };
    let pair = |column: &Column| Some(ComparedColumn { column: column.clone(), given: called(query, &column.name)? });
    let only_in_table = table.iter().filter(|column| called(query, &column.name).is_none());
    let only_in_query = query.iter().filter(|column| called(table, &column.name).is_none());
    let left_out = only_in_table
        .map(|column| (column.name.clone(), LeftOut::OnlyInTable))
        .chain(only_in_query.map(|column| (column.name.clone(), LeftOut::OnlyInQuery)));
    (table.iter().filter_map(pair).collect(), left_out.collect())
}
