//! Breaks runs on BigQuery at random: requests are refused or their answers are lost, jobs fail, vanish or take long, and the
//! process is killed. Whatever happens, the run is taken up until it succeeds, and then each row is there exactly once.
//!
//! Often the first run on a batch has audits that find something: then no reader may see its rows.
//!
//! What each table must hold is worked out here from the batches that were loaded. `TRUEUP_BIGQUERY_FAULTS` asks for more
//! rounds, `TRUEUP_CRASH_SEED` for other faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::process::Child;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::bigquery;
use crate::project::Project;
use crate::random::{Random, setting};

const ROUNDS: u64 = 6;

/// How often a run is begun or taken up, and after how many times nothing goes wrong any more.
const TRIES: u32 = 12;
const TRIES_IN_CHAOS: u32 = 6;

/// How long each job takes at least where the process is to be killed.
const SLOW: Duration = Duration::from_millis(150);

const SETTINGS: &str = "name: faults\ndialect: bigquery\ndefaults: { schema: s, assertion_schema: s }\n\
                        vars: { reject: \"no\" }\nenvironments: { local: { warehouse: bigquery, retry_timeout: \"20\" } }\n";

/// `raw.events` holds all batches, `raw.latest` the last one alone. What stands outside of a transaction is one statement.
const MODELS: [(&str, &str); 15] = [
    ("events", "config { type: \"declaration\", schema: \"raw\" }"),
    ("latest", "config { type: \"declaration\", schema: \"raw\" }"),
    (
        "plain",
        "config { type: \"table\", columns: { day: \"The day\" }, assertions: { uniqueKey: [\"day\"] } }
        select day, count(*) as events, sum(amount) as amount from ${ref(\"events\")} group by day",
    ),
    ("shown", "config { type: \"view\" } select day, events from ${ref(\"plain\")}"),
    (
        "appended",
        "config { type: \"incremental\" }
        select batch, id from ${ref(\"events\")}
        ${when(incremental(), `where batch > (select max(batch) from ${self()})`)}",
    ),
    (
        "noted",
        "config { type: \"incremental\" }
        post_operations { insert into raw.log select 'noted', max(batch) from ${self()} }
        select batch, id from ${ref(\"events\")}
        ${when(incremental(), `where batch > (select max(batch) from ${self()})`)}",
    ),
    ("bare", "config { type: \"incremental\" } select batch, id from ${ref(\"latest\")}"),
    (
        "begun",
        "config { type: \"incremental\", columns: { batch: \"Which\" } }
        post_operations { ${when(!incremental(), `create or replace table raw.begun as select 1 as one`)} }
        select batch, id from ${ref(\"latest\")}",
    ),
    (
        "audited",
        "config { type: \"incremental\" }
        pre_operations {
            ${when(incremental(), `begin transaction; insert into raw.log select 'before', max(batch) from ${ref(\"latest\")}`)}
        }
        post_operations {
            ${when(incremental(), `insert into raw.log select 'after', max(batch) from ${self()}; commit transaction`)}
        }
        select batch, id from ${ref(\"latest\")}",
    ),
    (
        "merged",
        "config { type: \"incremental\", uniqueKey: [\"id\"] } select id, batch, amount from ${ref(\"latest\")}",
    ),
    (
        "replaced",
        "config { type: \"incremental\", uniqueKey: [\"id\"], incrementalStrategy: \"delete_insert\" }
        select id, batch, copy from ${ref(\"latest\")}, unnest([1, 2]) as copy",
    ),
    (
        "overwritten",
        "config { type: \"incremental\", incrementalStrategy: \"insert_overwrite\", partitionBy: \"day\" }
        select day, batch, id from ${ref(\"latest\")}",
    ),
    (
        "vetted",
        "config {
            type: \"table\", publish: \"audited\",
            assertions: { rowConditions: [`'${dataform.projectConfig.vars.reject}' = 'no'`] }
        }
        select batch, id from ${ref(\"latest\")}",
    ),
    (
        "grown",
        "config {
            type: \"incremental\", publish: \"audited\", uniqueKey: [\"id\"],
            assertions: { uniqueKey: [\"id\"], rowConditions: [`'${dataform.projectConfig.vars.reject}' = 'no'`] }
        }
        select id, batch, amount from ${ref(\"latest\")}",
    ),
    (
        "logged",
        "config { type: \"operations\", dependencies: [\"plain\", \"merged\"] }
        insert into raw.log select 'first', max(batch) from ${ref(\"latest\")};
        insert into raw.log select 'third', max(batch) from ${ref(\"latest\")}
        ---
        insert into raw.log select 'second', max(batch) from ${ref(\"latest\")}",
    ),
];

/// Those that are published behind their assertions.
const AUDITED: [&str; 2] = ["vetted", "grown"];

/// The tables that are looked at, and their columns.
const TABLES: [(&str, &[&str]); 13] = [
    ("s.plain", &["day", "events", "amount"]),
    ("s.shown", &["day", "events"]),
    ("s.appended", &["batch", "id"]),
    ("s.noted", &["batch", "id"]),
    ("s.bare", &["batch", "id"]),
    ("s.begun", &["batch", "id"]),
    ("s.audited", &["batch", "id"]),
    ("s.merged", &["id", "batch", "amount"]),
    ("s.replaced", &["id", "batch", "copy"]),
    ("s.overwritten", &["day", "batch", "id"]),
    ("s.vetted", &["batch", "id"]),
    ("s.grown", &["id", "batch", "amount"]),
    ("raw.log", &["word", "batch"]),
];

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = bigquery::has_python();
    vec![Trial::test("bigquery_faults::each_row_comes_once", run).with_ignored_flag(!is_installed)]
}

fn run() -> Result<(), Failed> {
    let seed = setting("TRUEUP_CRASH_SEED", 1);
    let Some(warehouse) = bigquery::Project::new(&format!("faults_{seed}"))? else { return Ok(()) };
    let mut random = Random(seed);
    warehouse.stand_in(&[
        "query",
        "create schema raw; create table raw.events (batch int64, id int64, amount int64, day date);
         create table raw.log (word string, batch int64)",
    ])?;
    let mut faults = Faults { warehouse, project: project()?, batches: Vec::new(), printed: String::new() };
    for round in 1..=setting("TRUEUP_BIGQUERY_FAULTS", ROUNDS) {
        let fault = Fault::any(&mut random);
        faults.round(&fault, &mut random).map_err(|problem| {
            let message = problem.message().unwrap_or_default();
            format!("round {round}, {fault:?}: {message}\n{}", faults.printed)
        })?;
    }
    faults.warehouse.all_was_parsed()
}

fn project() -> Result<Project, Failed> {
    let project = Project::new(&[("trueup.yaml", SETTINGS)])?;
    for (name, text) in MODELS {
        project.write(&format!("definitions/{name}.sqlx"), text)?;
    }
    Ok(project)
}

/// What goes wrong in a round.
#[derive(Debug)]
struct Fault {
    rules: Vec<String>,
    /// The process is killed when so many jobs were announced, and so long after that.
    kill: Option<(usize, Duration)>,
}

impl Fault {
    fn any(random: &mut Random) -> Self {
        let mut rules = Vec::new();
        if random.below(4) > 0 {
            rules.push(format!("chaos {} 0.{:02}", random.below(1_000_000), 5 + random.below(20)));
        }
        let (model, _) = MODELS[2 + usize::try_from(random.below(MODELS.len() as u64 - 2)).unwrap_or_default()];
        match random.below(5) {
            0 => rules.push(format!("sql~{model}: vanish")),
            // As of a service whose parts know of a job one after the other.
            1 => rules.push("GET path~/jobs/: 404 before, 3 times".to_owned()),
            2 => rules.push(format!("sql~{model}: fail backendError after {}, 2 times", 1 + random.below(4))),
            // Which does not pass by itself.
            3 => rules.push(format!("sql~{model}: fail quotaExceeded after {}", random.below(4))),
            _ => {}
        }
        let kill = (random.below(2) == 0).then(|| {
            rules.push(format!("slow {}ms after {}, always", SLOW.as_millis(), random.below(3)));
            let jobs = usize::try_from(1 + random.below(14)).unwrap_or_default();
            (jobs, Duration::from_millis(random.below(200)))
        });
        Self { rules, kill }
    }
}

struct Event {
    id: u64,
    amount: u64,
    day: u64,
}

struct Batch {
    events: Vec<Event>,
    /// How many runs were begun on it, those that took up another not counted.
    runs: u32,
}

struct Faults {
    warehouse: bigquery::Project,
    project: Project,
    batches: Vec<Batch>,
    /// What the runs of a round printed.
    printed: String,
}

impl Faults {
    /// Loads a batch, and brings it through.
    fn round(&mut self, fault: &Fault, random: &mut Random) -> Result<(), Failed> {
        self.printed.clear();
        self.load(random)?;
        let rules = fault.rules.iter().map(String::as_str);
        self.warehouse.stand_in(&["fault"].into_iter().chain(rules).collect::<Vec<_>>())?;
        let mut before = self.journal()?.first().cloned();
        if random.below(2) == 0 {
            self.reject(fault.kill)?;
            before = self.journal()?.first().cloned();
        }
        for attempt in 0..TRIES {
            if attempt == TRIES_IN_CHAOS {
                self.warehouse.stand_in(&["clear"])?;
            }
            let has_begun = self.journal()?.first().is_some_and(|first| Some(first) != before.as_ref());
            let resumes = has_begun && random.below(4) > 0;
            if !resumes {
                self.batches.last_mut().ok_or("no batch")?.runs += 1;
                if random.below(2) == 0 {
                    // Elsewhere, where nobody knows what was done.
                    self.project = project()?;
                }
            }
            let arguments: &[&str] = if resumes { &["run", "--resume"] } else { &["run"] };
            if self.succeeds(arguments, fault.kill.filter(|_| attempt == 0))? {
                self.warehouse.stand_in(&["clear"])?;
                return self.compare();
            }
        }
        Err("it does not succeed".into())
    }

    /// A run whose audits find something, if it comes so far.
    fn reject(&mut self, kill: Option<(usize, Duration)>) -> Result<(), Failed> {
        let batch = self.batches.len() - 1;
        self.batches.last_mut().ok_or("no batch")?.runs += 1;
        if self.succeeds(&["run", "--vars=reject=yes"], kill)? {
            return Err("no audit has found anything".into());
        }
        let tables = self.warehouse.stand_in(&["tables", "s"])?;
        let is_there = |name: &str| tables.lines().any(|line| line == format!("TABLE | {name}"));
        for name in AUDITED.into_iter().filter(|name| is_there(name)) {
            let sql = format!("select count(*) as seen from s.{name} where batch = {batch}");
            let printed = self.warehouse.stand_in(&["query", &sql])?;
            if printed.lines().nth(1) != Some("0") {
                return Err(format!("rows of `{name}` that were rejected can be seen: {printed}").into());
            }
        }
        Ok(())
    }

    fn load(&mut self, random: &mut Random) -> Result<(), Failed> {
        let batch = self.batches.len();
        let ids: BTreeSet<u64> = (0..4).map(|_| random.below(40)).collect();
        let event = |id| Event { id, amount: random.below(100), day: 1 + random.below(9) };
        let events: Vec<Event> = ids.into_iter().map(event).collect();
        let values =
            events.iter().map(|Event { id, amount, day }| format!("({batch}, {id}, {amount}, date '2024-01-0{day}')"));
        let values = values.collect::<Vec<_>>().join(", ");
        self.warehouse.stand_in(&[
            "query",
            &format!(
                "insert into raw.events values {values};
                 create or replace table raw.latest as select * from raw.events where batch = {batch}"
            ),
        ])?;
        self.batches.push(Batch { events, runs: 0 });
        Ok(())
    }

    /// The lines of the project's journal.
    fn journal(&self) -> Result<Vec<String>, Failed> {
        match fs::read_to_string(self.project.path().join(".trueup/journal.jsonl")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            text => Ok(text?.lines().map(str::to_owned).collect()),
        }
    }

    fn succeeds(&mut self, arguments: &[&str], kill: Option<(usize, Duration)>) -> Result<bool, Failed> {
        let before = self.journal()?.first().cloned();
        let mut child = self.project.command(arguments).envs(self.warehouse.variables()).spawn()?;
        if let Some((jobs, delay)) = kill {
            self.wait_for(jobs, before.as_ref(), &mut child)?;
            thread::sleep(delay);
            child.kill()?;
        }
        let output = child.wait_with_output()?;
        self.printed += &format!("$ trueup {}\n", arguments.join(" "));
        self.printed += &String::from_utf8_lossy(&output.stdout);
        self.printed += &String::from_utf8_lossy(&output.stderr);
        self.printed += &format!("? {}\n", output.status);
        Ok(output.status.success())
    }

    /// Waits until the run has announced so many jobs, or is over.
    fn wait_for(&self, jobs: usize, before: Option<&String>, child: &mut Child) -> Result<(), Failed> {
        while child.try_wait()?.is_none() {
            let journal = self.journal()?;
            let announced = journal.iter().filter(|line| line.contains("\"job\"")).count();
            if journal.first() != before && announced >= jobs {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), Failed> {
        let selects = TABLES.iter().map(|(table, columns)| {
            let cells = columns.iter().map(|column| format!("' ', cast({column} as string)")).collect::<Vec<_>>();
            format!("select concat('{table}', {}) as line from {table}", cells.join(", "))
        });
        let all = selects.collect::<Vec<_>>().join(" union all ");
        let sql = format!("select line, count(*) as times from ({all}) group by line order by line");
        let printed = self.warehouse.stand_in(&["query", &sql])?;
        let found = printed.lines().skip(1).map(|line| line.rsplit_once(" | ").unwrap_or((line, "")));
        let found = found.map(|(line, times)| Ok((line.to_owned(), times.parse()?)));
        let mut found: BTreeMap<String, u32> = found.collect::<Result<_, Failed>>()?;
        let mut problems = String::new();
        for (line, times) in self.expected() {
            let count = found.remove(&line).unwrap_or_default();
            if !times.contains(&count) {
                problems += &format!("`{line}` is there {count} times, not {times:?}\n");
            }
        }
        problems
            .extend(found.iter().map(|(line, count)| format!("`{line}` is there {count} times, and should not be\n")));
        let tables = self.warehouse.stand_in(&["tables", "s"])?;
        problems.extend(
            tables
                .lines()
                .filter(|table| table.contains("trueup") || table.contains("__rejected"))
                .map(|table| format!("left behind: {table}\n")),
        );
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// The rows that must be there, and how often.
    fn expected(&self) -> BTreeMap<String, RangeInclusive<u32>> {
        let mut expected = BTreeMap::new();
        let (mut days, mut ids) = (BTreeMap::<u64, (u64, u64)>::new(), BTreeMap::new());
        let mut partitions = BTreeMap::new();
        for (batch, Batch { events, runs }) in self.batches.iter().enumerate() {
            // Whoever begins a run anew asks for what has no memory once more.
            let by_run = 1..=*runs;
            for event in events {
                let Event { id, amount, day } = event;
                let of_day = days.entry(*day).or_default();
                *of_day = (of_day.0 + 1, of_day.1 + amount);
                ids.insert(*id, (batch, *amount));
                expected.insert(format!("s.appended {batch} {id}"), 1..=1);
                expected.insert(format!("s.noted {batch} {id}"), 1..=1);
                expected.insert(format!("s.bare {batch} {id}"), by_run.clone());
                expected.insert(format!("s.begun {batch} {id}"), by_run.clone());
                expected.insert(format!("s.audited {batch} {id}"), by_run.clone());
                if batch + 1 == self.batches.len() {
                    expected.insert(format!("s.vetted {batch} {id}"), 1..=1);
                }
            }
            for Event { id, day, .. } in events {
                let (latest, ids) = partitions.entry(*day).or_insert((batch, Vec::new()));
                if *latest != batch {
                    (*latest, *ids) = (batch, Vec::new());
                }
                ids.push(*id);
            }
            for word in ["first", "second", "third", "noted"] {
                expected.insert(format!("raw.log {word} {batch}"), by_run.clone());
            }
            // The first run makes the table.
            let audits = if batch == 0 { 0..=*runs - 1 } else { by_run };
            for word in ["before", "after"] {
                expected.insert(format!("raw.log {word} {batch}"), audits.clone());
            }
        }
        for (day, (events, amount)) in days {
            expected.insert(format!("s.plain 2024-01-0{day} {events} {amount}"), 1..=1);
            expected.insert(format!("s.shown 2024-01-0{day} {events}"), 1..=1);
        }
        for (id, (batch, amount)) in ids {
            for table in ["merged", "grown"] {
                expected.insert(format!("s.{table} {id} {batch} {amount}"), 1..=1);
            }
            for copy in [1, 2] {
                expected.insert(format!("s.replaced {id} {batch} {copy}"), 1..=1);
            }
        }
        for (day, (batch, ids)) in partitions {
            for id in ids {
                expected.insert(format!("s.overwritten 2024-01-0{day} {batch} {id}"), 1..=1);
            }
        }
        expected
    }
}
