//! Kills a run at random moments: each table is then as it was before or as it is after its step, never half, and the
//! next run works without repair.
//!
//! Every row carries the generation of the run that wrote it, so that any mixture shows. `TRUEUP_CRASH_KILLS` asks for
//! more kills, `TRUEUP_CRASH_SEED` for other moments.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::project::Project;
use crate::random::{Random, setting};

const KILLS: u64 = 33;

const DATABASE: &str = ".trueup/local.duckdb";

/// Rows that each model writes.
const ROWS: u32 = 40_000;

const SETTINGS: &str = "
name: crash
dialect: duckdb
defaults: { schema: s, assertion_schema: checks }
vars: { generation: \"0\", kind: table, reject: \"no\" }
default_environment: local
environments:
  local:
    warehouse: duckdb
    sources:
      raw.input: { path: input.csv }
";

const MODELS: [(&str, &str); 11] = [
    ("input", "config { type: \"declaration\", schema: \"raw\" }"),
    (
        "plain",
        "config { type: \"table\", description: \"plain\", assertions: { uniqueKey: [\"id\"], nonNull: [\"generation\"] } }
        select generation, range as id, md5(range::varchar) as payload from ${ref(\"input\")}, range(ROWS)",
    ),
    ("window", "config { type: \"view\" } select generation, id from ${ref(\"plain\")}"),
    // A view that becomes a table and a table that becomes a view.
    (
        "changing",
        "config { type: dataform.projectConfig.vars.kind }
        select generation, id from ${ref(\"window\")}",
    ),
    (
        "appended",
        "config { type: \"incremental\" }
        select generation, id from ${ref(\"plain\")}
        pre_operations { create table if not exists s.audit (generation int) }
        post_operations { insert into s.audit select max(generation) from ${self()} }",
    ),
    (
        "merged",
        "config { type: \"incremental\", uniqueKey: [\"id\"], onSchemaChange: \"SYNCHRONIZE\" }
        select generation, id, generation as extra_${dataform.projectConfig.vars.generation} from ${ref(\"plain\")}",
    ),
    (
        "overwritten",
        "config { type: \"incremental\", bigquery: { partitionBy: \"id % 4\" }, incrementalStrategy: \"INSERT_OVERWRITE\" }
        select generation, id from ${ref(\"plain\")}",
    ),
    (
        "audited",
        "config {
            type: \"table\", publish: \"audited\",
            assertions: { uniqueKey: [\"id\"], rowConditions: [`'${dataform.projectConfig.vars.reject}' = 'no'`] }
        }
        select generation, id from ${ref(\"plain\")}",
    ),
    (
        "grown",
        "config {
            type: \"incremental\", publish: \"audited\", uniqueKey: [\"id\"],
            assertions: { uniqueKey: [\"id\"], rowConditions: [`'${dataform.projectConfig.vars.reject}' = 'no'`] }
        }
        select generation, id from ${ref(\"plain\")}",
    ),
    (
        "logged",
        "config { type: \"operations\", hasOutput: true }
        create table if not exists s.logged (generation int, id int);
        create table if not exists s.logged_too (generation int, id int)
        ---
        delete from s.logged
        ---
        insert into s.logged select generation, id from ${ref(\"plain\")}
        ---
        insert into s.logged_too select max(generation), count(*) from s.logged",
    ),
    ("last", "config { type: \"table\" } select a.generation, b.id from ${ref(\"logged\")} a join ${ref(\"merged\")} b using (id)"),
];

/// One run with kills in later runs, one with kills in the very first.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("crash::runs_leave_no_half", runs_leave_no_half),
        Trial::test("crash::first_run_leaves_no_half", first_run_leaves_no_half),
    ]
}

fn project() -> Result<Project, Failed> {
    let project = Project::new(&[("trueup.yaml", SETTINGS)])?;
    for (name, text) in MODELS {
        project.write(&format!("definitions/{name}.sqlx"), &text.replace("ROWS", &ROWS.to_string()))?;
    }
    Ok(project)
}

fn runs_leave_no_half() -> Result<(), Failed> {
    let kills = setting("TRUEUP_CRASH_KILLS", KILLS) * 3 / 4;
    let mut random = Random(setting("TRUEUP_CRASH_SEED", 1));
    let mut trial = Crash { project: project()?, generation: 0, longest: Duration::ZERO };
    let mut before = trial.complete(&["run"])?;
    let mut killed = 0;
    while killed < kills {
        let full_refresh = random.below(4) == 0;
        let arguments: &[&str] = if full_refresh { &["run", "--full-refresh"] } else { &["run"] };
        let (was_killed, after) = trial.kill(arguments, &mut random, &before)?;
        killed += u64::from(was_killed);
        before = after;
        // Often a killed run stands on what another killed run has left.
        if random.below(3) == 0 {
            before = trial.complete(&["run"])?;
        }
    }
    trial.complete(&["run"])?;
    Ok(())
}

fn first_run_leaves_no_half() -> Result<(), Failed> {
    let kills = setting("TRUEUP_CRASH_KILLS", KILLS).div_ceil(4);
    let mut random = Random(setting("TRUEUP_CRASH_SEED", 1) + 1);
    let mut killed = 0;
    let mut longest = Duration::from_millis(500);
    while killed < kills {
        let mut trial = Crash { project: project()?, generation: 0, longest };
        let (was_killed, _) = trial.kill(&["run"], &mut random, &Snapshot::new())?;
        killed += u64::from(was_killed);
        trial.complete(&["run"])?;
        longest = trial.longest;
    }
    Ok(())
}

/// For each table which generations it holds, with the number of rows of each.
type Snapshot = BTreeMap<String, String>;

struct Crash {
    project: Project,
    generation: u32,
    /// What a whole run takes.
    longest: Duration,
}

impl Crash {
    /// The next run reads rows of the next generation, and may reject them.
    fn arguments(&mut self, arguments: &[&str], rejects: bool) -> Result<Vec<String>, Failed> {
        self.generation += 1;
        self.project.write("input.csv", &format!("generation\n{}\n", self.generation))?;
        let kind = if self.generation.is_multiple_of(2) { "view" } else { "table" };
        let reject = if rejects { "yes" } else { "no" };
        let vars = format!("--vars=generation={},kind={kind},reject={reject}", self.generation);
        Ok(arguments.iter().copied().map(str::to_owned).chain([vars]).collect())
    }

    /// A run that is left alone: everything is of its generation afterwards.
    fn complete(&mut self, arguments: &[&str]) -> Result<Snapshot, Failed> {
        let arguments = self.arguments(arguments, false)?;
        let started = Instant::now();
        self.project.succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.longest = self.longest.max(started.elapsed());
        let found = self.snapshot()?;
        let whole = self.whole();
        for (table, rows) in &found {
            if !rows.split(", ").any(|part| part == whole) && !is_summary(table) {
                return Err(format!("run {}: {table} holds {rows}", self.generation).into());
            }
        }
        if found.len() < 8 {
            return Err(format!("run {} made no more than {found:?}", self.generation).into());
        }
        Ok(found)
    }

    /// A run that is killed, if it is not over before.
    fn kill(&mut self, arguments: &[&str], random: &mut Random, before: &Snapshot) -> Result<(bool, Snapshot), Failed> {
        let longest = u64::try_from(self.longest.as_micros())?;
        let delay = Duration::from_micros(random.below(longest));
        let rejects = random.below(2) == 0;
        let arguments = self.arguments(arguments, rejects)?;
        let mut command = self.project.command(&[]);
        let mut child = command.args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(delay);
        child.kill()?;
        let status = child.wait()?;
        let context = format!("run {} ({arguments:?}), killed after {delay:?}", self.generation);
        if status.code().is_some_and(|code| code != i32::from(rejects)) {
            return Err(format!("{context}: it had ended with {status}").into());
        }
        let after = self.snapshot()?;
        self.compare(before, &after, rejects).map_err(|problem| format!("{context}: {problem}"))?;
        Ok((status.code().is_none(), after))
    }

    /// A table that is fully of this run.
    fn whole(&self) -> String {
        format!("{}×{ROWS}", self.generation)
    }

    fn compare(&self, before: &Snapshot, after: &Snapshot, rejects: bool) -> Result<(), String> {
        let whole = self.whole();
        for (table, rows) in after {
            let was = before.get(table);
            let is_before = was == Some(rows);
            let is_after = match table.as_str() {
                // Each generation that came through, or only this one after a full refresh.
                "appended table" => *rows == whole || was.is_some_and(|was| *rows == format!("{was}, {whole}")),
                "audit table" | "logged_too table" => rows.split(", ").all(|part| part.ends_with("×1")),
                "audited table" | "grown table" => !rejects && *rows == whole,
                rejected if is_rejected(rejected) => rejects && *rows == whole,
                _ => *rows == whole,
            };
            if !(is_before || is_after) {
                return Err(format!("{table} held {was:?}, and now {rows}"));
            }
        }
        for (table, was) in before {
            let other =
                if table.ends_with("table") { table.replace("table", "view") } else { table.replace("view", "table") };
            // Once other rows are published nobody asks for these.
            let may_go = is_rejected(table) && !rejects;
            if !after.contains_key(table) && !after.contains_key(&other) && !may_go {
                return Err(format!("{table} is gone; it held {was}"));
            }
        }
        // What is written in one transaction came together.
        let generations =
            |table: &str| -> Vec<String> { generations_of(after.get(table).map(String::as_str).unwrap_or_default()) };
        let appended = generations("appended table");
        if appended.iter().any(|generation| !generations("audit table").contains(generation)) {
            return Err("`appended` was written without its post-operation".to_owned());
        }
        if generations("logged table").first() != generations("logged_too table").last() {
            return Err("the statements of `logged` came apart".to_owned());
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot, Failed> {
        let look = self.project.look(DATABASE)?;
        let left = look.texts("select table_name from duckdb_tables() where table_name ilike 'trueup%'")?;
        if !left.is_empty() {
            return Err(format!("left behind: {}", left.join(", ")).into());
        }
        let extra = look.texts(
            "select column_name from duckdb_columns() where table_name = 'merged' and column_name like 'extra%'",
        )?;
        let mut snapshot = Snapshot::new();
        for table in look.texts("select table_name from duckdb_tables() where schema_name = 's'")? {
            let rows = look.texts(&format!(
                "select coalesce(string_agg(generation || '×' || number, ', ' order by generation), 'nothing') from \
                 (select generation, count(*) as number from s.{table} group by all)"
            ));
            snapshot.insert(format!("{table} table"), rows?.join(""));
        }
        if let Some(merged) = snapshot.get("merged table") {
            let columns: Vec<String> = merged
                .split(", ")
                .map(|part| format!("extra_{}", part.split('×').next().unwrap_or_default()))
                .collect();
            if columns != extra {
                return Err(format!("`merged` holds {merged}, and its columns are {extra:?}").into());
            }
        }
        for view in look.texts("select view_name from duckdb_views() where schema_name = 's' and not internal")? {
            // What it shows changes with what it reads; only that it is there counts.
            snapshot.insert(format!("{view} view"), self.whole());
        }
        Ok(snapshot)
    }
}

/// The generations of `3×40000, 4×40000`.
pub(crate) fn generations_of(rows: &str) -> Vec<String> {
    let parts = rows.split(", ").filter_map(|part| part.split_once('×'));
    parts.map(|(generation, _)| generation.to_owned()).collect()
}

/// Tables of rows that an audit has kept from readers.
pub(crate) fn is_rejected(table: &str) -> bool {
    table.split(' ').next().is_some_and(|name| name.ends_with("__rejected"))
}

/// Tables with one row for each generation.
fn is_summary(table: &str) -> bool {
    ["audit table", "logged_too table"].contains(&table)
}
