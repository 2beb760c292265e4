//! Whatever happens to the source of a table, and however runs go: `reconcile` finds exactly the rows that another comparison
//! finds, and behind a repair the table is what a full recompute gives.
//!
//! `TRUEUP_RECONCILE` asks for more schedules, `TRUEUP_RECONCILE_SEED` for others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use trueup::action::ActionId;
use trueup::adapter::{self, Adapter};
use trueup::compile::{Compilation, compile};
use trueup::execute::{
    ExecuteOptions, IntervalDifference, Objection, Outcome, ReconcileOptions, Reconciled, execute, reconcile,
};
use trueup::files::{FileSystem, Memory};
use trueup::graph::Selection;
use trueup::plan::{Backfill, PlanOptions, plan, preview};
use trueup::project::Overrides;
use trueup::relation::{Target, Width};

use crate::bigquery;
use crate::postgres_server::{self, Server, USER};
use crate::random::{Random, setting};

/// Few, each of many steps: a run of all tests does not take longer for it.
const EFFORT: Effort = Effort { schedules: 5, steps: 12 };

/// A stand-in takes its time.
const SMALL_EFFORT: Effort = Effort { schedules: 1, steps: 3 };

#[derive(Clone, Copy)]
struct Effort {
    schedules: u64,
    steps: u64,
}

/// Each but the last two reads the source in another wrong way. `x` stands for what none of them compares.
const MODELS: [(&str, &str); 7] = [
    (
        "merged",
        "config { type: \"incremental\", eventTime: \"happened\", processedTime: \"x\", uniqueKey: [\"id\"] }
        select distinct id, happened, amount, current_timestamp as x from ${ref(\"events\")}
        ${when(incremental(), `where happened > (select max(happened) from ${self()})`)}",
    ),
    (
        "appended",
        "config { type: \"incremental\", eventTime: \"happened\" }
        select id, happened, amount, note, RANDOM as x from ${ref(\"events\")}
        ${when(incremental(), `where happened > (select max(happened) from ${self()})`)}",
    ),
    (
        "late",
        "config { type: \"incremental\", eventTime: \"happened\" }
        select id, happened, amount from ${ref(\"events\")}
        ${when(incremental(), `where happened >= FIVE_HOURS_BEFORE`)}",
    ),
    ("plain", "config { type: \"incremental\" } select id, note from ${ref(\"events\")} ${when(incremental(), `where id > 900`)}"),
    (
        "daily",
        "config { type: \"table\", eventTime: \"day\" }
        select cast(happened as date) as day, count(*) as events, sum(amount) as amount from ${ref(\"events\")} group by 1",
    ),
    (
        "by_day",
        "config { type: \"incremental\", incrementalStrategy: \"interval\", eventTime: \"day\", batch: 3 }
        select cast(happened as date) as day, count(*) as events, sum(amount) as amount from ${ref(\"events\")}
        where happened >= ${interval.start} and happened < ${interval.end}
        group by 1",
    ),
    (
        "by_hour",
        "config { type: \"incremental\", incrementalStrategy: \"interval\", interval: \"hour\", eventTime: \"happened\" }
        select id, happened, amount, note from ${ref(\"events\")}
        where happened >= ${interval.start} and happened < ${interval.end}",
    ),
];

/// Those that are right behind every run.
const BY_INTERVALS: [&str; 2] = ["by_day", "by_hour"];

pub(crate) fn trials() -> Vec<Trial> {
    let has_server = postgres_server::programs().is_some();
    vec![
        Trial::test("reconcile::on_duckdb", || schedules("{ warehouse: duckdb }", &STANDARD, EFFORT)),
        Trial::test("reconcile::on_postgres", on_postgres).with_ignored_flag(!has_server),
        Trial::test("reconcile::on_bigquery", on_bigquery).with_ignored_flag(!bigquery::has_python()),
    ]
}

fn on_postgres() -> Result<(), Failed> {
    let server = Server::shared()?;
    let database = server.new_database("reconcile_schedules")?;
    let socket = server.socket();
    let folder = socket.parent().unwrap_or(Path::new("/")).display();
    schedules(
        &format!("{{ warehouse: postgres, host: \"{folder}\", port: 5432, user: {USER}, database: {database} }}"),
        &Words { dialect: "postgres", ..STANDARD },
        EFFORT,
    )
}

fn on_bigquery() -> Result<(), Failed> {
    let Some(project) = bigquery::Project::new("reconcile_schedules")? else { return Ok(()) };
    let (endpoint, id) = (&project.endpoint, &project.id);
    let environment = format!("{{ warehouse: bigquery, project: {id}, endpoint: \"{endpoint}\", credentials: none }}");
    schedules(&environment, &GOOGLE, SMALL_EFFORT)?;
    project.all_was_parsed()
}

/// How a warehouse says what the others say in other words.
struct Words {
    dialect: &'static str,
    columns: &'static str,
    random: &'static str,
    five_hours_before_newest: &'static str,
    later: fn(&str, i64) -> String,
    /// Whether a connection remembers what it has done, and does not do it again.
    does_once: bool,
}

const STANDARD: Words = Words {
    dialect: "duckdb",
    columns: "id integer, happened timestamp, amount numeric(12, 2), note varchar(20)",
    random: "random()",
    five_hours_before_newest: "(select max(happened) from ${self()}) - interval '5 hours'",
    later: |moment, hours| format!("{moment} + {hours} * interval '1 hour'"),
    does_once: false,
};

const GOOGLE: Words = Words {
    dialect: "bigquery",
    columns: "id int64, happened timestamp, amount numeric, note string",
    random: "rand()",
    five_hours_before_newest: "(select timestamp_sub(max(happened), interval 5 hour) from ${self()})",
    later: |moment, hours| format!("timestamp_add({moment}, interval {hours} hour)"),
    does_once: true,
};

fn schedules(environment: &str, words: &'static Words, effort: Effort) -> Result<(), Failed> {
    let mut seen = Seen::default();
    let first = setting("TRUEUP_RECONCILE_SEED", 1);
    for seed in first..first + setting("TRUEUP_RECONCILE", effort.schedules) {
        let world = World::new(environment, words, effort.steps, seed)?;
        world.play().map_err(|message| format!("schedule {seed}: {message}"))?;
        seen.add(&world.seen.into_inner());
    }
    let is_small = effort.schedules == 1;
    if is_small && seen.looks.min(seen.kept) > 0 {
        return Ok(());
    }
    if seen.looks.saturating_sub(seen.wrong) == 0
        || seen.missing.min(seen.extra).min(seen.different).min(seen.repairs).min(seen.kept) == 0
    {
        return Err(format!("too little has happened: {seen:?}").into());
    }
    Ok(())
}

/// How often something was seen.
#[derive(Debug, Default, Clone)]
struct Seen {
    looks: u64,
    /// Looks at a table that was not right.
    wrong: u64,
    missing: u64,
    extra: u64,
    different: u64,
    repairs: u64,
    /// Runs that have left a table that is kept by intervals as it has to be.
    kept: u64,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.looks += other.looks;
        self.wrong += other.wrong;
        self.missing += other.missing;
        self.extra += other.extra;
        self.different += other.different;
        self.repairs += other.repairs;
        self.kept += other.kept;
    }

    fn note(&mut self, verdict: &Verdict) {
        self.looks += 1;
        self.wrong += u64::from(!verdict.is_right());
        for (missing, extra, different) in verdict.intervals.values() {
            self.missing += missing;
            self.extra += extra;
            self.different += different;
        }
    }
}

/// A warehouse with a source, and the models on it.
struct World {
    adapter: RefCell<Option<Arc<dyn Adapter>>>,
    /// For the database file of the embedded engine.
    folder: TempDir,
    compilation: Compilation,
    schema: String,
    words: &'static Words,
    steps: u64,
    seed: u64,
    seen: RefCell<Seen>,
}

impl World {
    fn new(environment: &str, words: &'static Words, steps: u64, seed: u64) -> Result<Self, Failed> {
        let dialect = words.dialect;
        let schema = format!("s{seed}");
        let mut files = Memory::default();
        files.write(
            "trueup.yaml",
            format!(
                "name: a\ndialect: {dialect}\ndefaults: {{ schema: {schema} }}\nenvironments: {{ e: {environment} }}\n"
            ),
        );
        files.write(
            "definitions/events.sqlx",
            format!("config {{ type: \"declaration\", schema: \"raw_{schema}\", eventTime: \"happened\" }}"),
        );
        for (name, text) in MODELS {
            let text =
                text.replace("RANDOM", words.random).replace("FIVE_HOURS_BEFORE", words.five_hours_before_newest);
            files.write(format!("definitions/{name}.sqlx"), text);
        }
        let files: Arc<dyn FileSystem> = Arc::new(files);
        let compilation = compile(&files, &Overrides::default(), &|_| None)?;
        if compilation.diagnostics.has_errors() {
            return Err(format!("{:?}", compilation.diagnostics).into());
        }
        let (adapter, folder) = (RefCell::default(), tempfile::tempdir()?);
        Ok(Self { adapter, folder, compilation, schema, words, steps, seed, seen: RefCell::default() })
    }

    /// A connection, the same as before if there was one and it does what it has done once more.
    fn adapter(&self) -> Result<Arc<dyn Adapter>, String> {
        let mut adapter = self.adapter.borrow_mut();
        if adapter.is_none() || self.words.does_once {
            let connected = adapter::connect(&self.compilation.project, self.folder.path(), &self.targets());
            *adapter = Some(connected.map_err(|error| error.to_string())?);
        }
        adapter.clone().ok_or_else(|| "there is no connection".to_owned())
    }

    fn play(&self) -> Result<(), String> {
        let mut random = Random(self.seed);
        let source = format!("raw_{}.events", self.schema);
        self.send(&format!("create schema raw_{}", self.schema))?;
        self.send(&format!("create table {source} ({})", self.words.columns))?;
        let mut hour = 0;
        for step in 0..self.steps {
            for _ in 0..=random.below(4) {
                self.send(&change(&source, self.words, &mut hour, &mut random))?;
            }
            if step == 0 || random.below(3) > 0 {
                self.run(&mut random)?;
            }
            let repair = random.below(3) == 0;
            for (id, action) in self.compilation.graph.iter() {
                if action.target.name != "events" {
                    self.check(id, &action.target, repair).map_err(|message| format!("step {step}: {message}"))?;
                }
            }
        }
        self.send(&format!("drop schema if exists raw_{} cascade", self.schema))?;
        self.send(&format!("drop schema if exists {} cascade", self.schema))
    }

    fn send(&self, sql: &str) -> Result<(), String> {
        let adapter = self.adapter()?;
        let mut session = adapter.session().map_err(|error| error.to_string())?;
        session.execute(sql).map(drop).map_err(|error| format!("{sql}: {error}"))
    }

    /// A run of some models, which may be broken off in the middle.
    fn run(&self, random: &mut Random) -> Result<(), String> {
        let graph = &self.compilation.graph;
        let adapter = self.adapter()?;
        let state = adapter.state(&self.targets()).map_err(|error| error.to_string())?;
        let is_first = state.relations.len() < 2;
        let selection: Selection = graph.iter().filter(|_| is_first || random.below(4) > 0).map(|(id, _)| id).collect();
        let project = self.compilation.project.settings.dialect;
        let day = |number: u64| format!("2024-01-{:02}", 1 + number);
        let from = random.below(9);
        let to = Some(day(from + 1 + random.below(9))).filter(|_| random.below(3) > 0);
        let backfill = Some(Backfill { from: day(from), to }).filter(|_| random.below(4) == 0);
        let options = PlanOptions { full_refresh: random.below(8) == 0, backfill: backfill.as_ref() };
        let (plan, _) = plan(graph, &selection, &state, project, adapter.dialect(), options);
        let cancelled = AtomicBool::new(false);
        let mut steps_left = if !is_first && random.below(4) == 0 { random.below(4) } else { u64::MAX };
        let mut listen = |_: &trueup::execute::Event| {
            steps_left = steps_left.saturating_sub(1);
            cancelled.store(steps_left == 0, Ordering::SeqCst);
        };
        let threads = if random.below(2) == 0 { 1 } else { 3 };
        let options = ExecuteOptions { threads, fail_fast: false };
        // A key that comes twice makes a merge fail: the table is as it was, which is one more way to be behind.
        let run = execute(&plan, adapter.as_ref(), options, &cancelled, &mut listen);
        // The embedded engine takes a file to be its own.
        drop(adapter);
        if cancelled.load(Ordering::SeqCst) {
            // Nothing begins any more on a connection that has been cancelled.
            self.adapter.take();
        }
        let results = run.map_err(|error| error.to_string())?;
        // A backfill leaves alone what lies beside it.
        for step in results.steps.iter().filter(|_| backfill.is_none()) {
            let target = &self.compilation.graph.get(step.id).target;
            if !BY_INTERVALS.contains(&target.name.as_str()) || !matches!(step.outcome, Outcome::Done { .. }) {
                continue;
            }
            let known = self.compare(step.id, target)?;
            if !known.is_right() {
                return Err(format!("{target} is wrong behind a run: {known:?}"));
            }
            self.seen.borrow_mut().kept += 1;
        }
        Ok(())
    }

    fn targets(&self) -> Vec<Target> {
        self.compilation.graph.iter().map(|(_, action)| action.target.clone()).collect()
    }

    /// What `reconcile` says of a table is what rows say that are compared here.
    fn check(&self, id: ActionId, target: &Target, repair: bool) -> Result<(), String> {
        let adapter = self.adapter()?;
        let state = adapter.state(std::slice::from_ref(target)).map_err(|error| error.to_string())?;
        let Some(relation) = state.get(target) else { return Ok(()) };
        let options =
            ReconcileOptions { width: Width::Day, since: None, sample: None, budget: None, repair: false, examples: 3 };
        let look = |options: ReconcileOptions<'_>| {
            reconcile(&self.compilation, adapter.as_ref(), id, relation, options).map_err(|error| error.to_string())
        };
        let known = self.compare(id, target)?;
        let all = look(options)?;
        let found = Verdict::of(&all);
        if found != known {
            return Err(format!("{target}:\nreconcile {found:?}\nrows      {known:?}"));
        }
        if self.has_times(id, target)? {
            let share = if repair { "100%" } else { "40%" }.parse()?;
            is_part_of(&look(ReconcileOptions { sample: Some(share), ..options })?, &all)
                .map_err(|message| format!("{target}, a sample: {message}"))?;
        }
        self.seen.borrow_mut().note(&known);
        if repair {
            self.seen.borrow_mut().repairs += u64::from(!known.is_right());
            let repaired = look(ReconcileOptions { repair: true, ..options })?;
            let duplicates = if known.is_right() { 0 } else { self.duplicate_keys(id, target)? };
            let objections: Vec<Objection> =
                (duplicates > 0).then_some(Objection::DuplicateKeys(duplicates)).into_iter().collect();
            if repaired.objections != objections {
                return Err(format!("{target}: {:?} against a repair, and not {objections:?}", repaired.objections));
            }
            let before = known;
            let known = self.compare(id, target)?;
            if objections.is_empty() && !known.is_right() {
                return Err(format!("{target} is not repaired: {known:?}"));
            }
            if !objections.is_empty() && known != before {
                return Err(format!("{target} is touched by a repair that cannot be: {known:?}"));
            }
            let found = Verdict::of(&look(options)?);
            if found != known {
                return Err(format!("{target}, repaired:\nreconcile {found:?}\nrows      {known:?}"));
            }
        }
        Ok(())
    }

    /// How many values of its key the query of a table gives more than once that must not have such.
    fn duplicate_keys(&self, id: ActionId, target: &Target) -> Result<u64, String> {
        if target.name != "merged" {
            return Ok(0);
        }
        let adapter = self.adapter()?;
        let project = self.compilation.project.settings.dialect;
        let (query, _) = preview(self.compilation.graph.get(id), project, adapter.dialect());
        let sql = format!(
            "select count(*) from (select id from ({}) as q group by id having count(*) > 1) as q",
            query.query.sql()
        );
        let count = adapter.session().and_then(|mut session| session.number(&sql));
        Ok(count.map_err(|error| error.to_string())?.unwrap_or_default())
    }

    fn has_times(&self, id: ActionId, target: &Target) -> Result<bool, String> {
        let Some(time) = &self.compilation.graph.get(id).documentation.times.event else { return Ok(false) };
        let adapter = self.adapter()?;
        let sql = format!("select count({}) from {}", time.name, adapter.dialect().relation(target));
        let count = adapter.session().and_then(|mut session| session.number(&sql));
        Ok(count.map_err(|error| error.to_string())? > Some(0))
    }

    /// Both sides row by row, with nothing of what `reconcile` uses.
    fn compare(&self, id: ActionId, target: &Target) -> Result<Verdict, String> {
        let adapter = self.adapter()?;
        let project = self.compilation.project.settings.dialect;
        let (query, _) = preview(self.compilation.graph.get(id), project, adapter.dialect());
        let (key, time): (&[&str], Option<&str>) = match target.name.as_str() {
            "merged" => (&["id"], Some("happened")),
            "daily" | "by_day" => (&["day"], Some("day")),
            "plain" => (&[], None),
            _ => (&[], Some("happened")),
        };
        let mut session = adapter.session().map_err(|error| error.to_string())?;
        let mut bag: BTreeMap<Row, (u64, u64)> = BTreeMap::new();
        let table = format!("select * from {}", adapter.dialect().relation(target));
        for (sql, is_expected) in [(query.query.sql(), true), (table.as_str(), false)] {
            let found = session.query(sql, usize::MAX).map_err(|error| format!("{sql}: {error}"))?;
            let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
            let places = |wanted: &[&str]| -> Vec<usize> {
                wanted.iter().filter_map(|wanted| names.iter().position(|name| name == wanted)).collect()
            };
            let compared: Vec<usize> = (0..names.len()).filter(|place| names[*place] != "x").collect();
            for row in &found.rows {
                let values: Vec<Option<String>> = compared.iter().map(|place| row[*place].clone()).collect();
                let of_key: Vec<Option<String>> = places(key).iter().map(|place| row[*place].clone()).collect();
                let interval = time.and_then(|time| places(&[time]).first().and_then(|place| row[*place].clone()));
                let interval = interval.map(|moment| moment.chars().take(10).collect());
                let row = Row { key: if key.is_empty() { values.clone() } else { of_key }, values, interval };
                let counts = bag.entry(row).or_default();
                if is_expected { counts.0 += 1 } else { counts.1 += 1 }
            }
        }
        Ok(Verdict::of_rows(&bag))
    }
}

/// What a sample says of intervals is what is said of them if all are looked at.
fn is_part_of(sample: &Reconciled, all: &Reconciled) -> Result<(), String> {
    let draw = sample.drawn.ok_or("nothing was drawn")?;
    let same = |one: &IntervalDifference, other: &IntervalDifference| {
        one.name == other.name && (one.expected, one.actual) == (other.expected, other.actual)
    };
    let is_in = |one: &IntervalDifference, of: &Reconciled| of.differing.iter().any(|other| same(one, other));
    if let Some(wrong) = sample.differing.iter().find(|one| !is_in(one, all)) {
        return Err(format!("{wrong:?} is not among {:?}", all.differing));
    }
    // What the table has no row of may lie beyond its bounds.
    let drawn = all.differing.iter().filter(|one| draw.drawn == draw.of && one.name.is_some() && one.actual > 0);
    match drawn.clone().find(|one| !is_in(one, sample)) {
        Some(missed) => Err(format!("{missed:?} is not among {:?}", sample.differing)),
        None => Ok(()),
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    key: Vec<Option<String>>,
    values: Vec<Option<String>>,
    interval: Option<String>,
}

/// What differs: for each interval the missing rows, those that are too many, and those with other values.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    expected: u64,
    actual: u64,
    intervals: BTreeMap<Option<String>, (u64, u64, u64)>,
}

impl Verdict {
    fn is_right(&self) -> bool {
        self.intervals.is_empty()
    }

    fn of(found: &Reconciled) -> Self {
        let differing = found.differing.iter();
        let intervals = differing
            .map(|interval| (interval.name.clone(), (interval.missing, interval.extra, interval.different)))
            .filter(|(_, counts)| *counts != (0, 0, 0));
        Self { expected: found.expected, actual: found.actual, intervals: intervals.collect() }
    }

    fn of_rows(bag: &BTreeMap<Row, (u64, u64)>) -> Self {
        let mut verdict = Self::default();
        let mut by_key: BTreeMap<&[Option<String>], Vec<(&Row, i64)>> = BTreeMap::new();
        for (row, (expected, actual)) in bag {
            verdict.expected += expected;
            verdict.actual += actual;
            if expected != actual {
                let surplus = i64::try_from(*expected).unwrap_or_default() - i64::try_from(*actual).unwrap_or_default();
                by_key.entry(&row.key).or_default().push((row, surplus));
            }
        }
        for rows in by_key.into_values() {
            let sum = |sign: i64| rows.iter().map(|(_, surplus)| (surplus * sign).max(0).unsigned_abs()).sum::<u64>();
            let (missing, extra) = (sum(1), sum(-1));
            let different = missing.min(extra);
            let new = rows.iter().filter(|(_, surplus)| *surplus > 0).filter_map(|(row, _)| row.interval.clone()).min();
            let interval = new.or_else(|| rows.iter().filter_map(|(row, _)| row.interval.clone()).min());
            let counts = verdict.intervals.entry(interval).or_default();
            counts.0 += missing - different;
            counts.1 += extra - different;
            counts.2 += different;
        }
        verdict
    }
}

/// Something that happens to the source: an event on time, as late as it gets, a tie, a copy; an update, one that moves it to
/// another day, a deletion; and an event of which nobody knows when it was.
fn change(source: &str, words: &Words, hour: &mut i64, random: &mut Random) -> String {
    let id = random.below(60);
    let amount = random.below(500);
    let at = |hour: i64| (words.later)("timestamp '2024-01-01 00:00:00'", hour);
    let add =
        |moment: &str, note: &str| format!("insert into {source} values ({}, {moment}, {amount}.25, {note})", id + 900);
    match random.below(10) {
        0..=3 => {
            *hour += i64::try_from(random.below(9)).unwrap_or_default();
            add(&at(*hour), "'on time'")
        }
        4 => add(&at((*hour - i64::try_from(random.below(60)).unwrap_or_default()).max(0)), "null"),
        5 => add(&format!("(select max(happened) from {source})"), "''"),
        6 => format!("insert into {source} select * from {source} where mod(id, 7) = {}", id % 7),
        7 => format!(
            "update {source} set amount = {amount}, happened = {} where mod(id, 11) = {}",
            (words.later)("happened", 20),
            id % 11
        ),
        8 => format!("delete from {source} where mod(id, 5) = {}", id % 5),
        _ => add("null", "'some time'"),
    }
}
