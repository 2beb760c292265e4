//! Breaks runs on PostgreSQL at random moments: the client is killed or interrupted, its session is ended, the server
//! stops at once. Each table is then as it was before or as it is after its step, and the next run ends right.
//!
//! Every row carries the generation of the run that wrote it, so that any mixture shows. `TRUEUP_POSTGRES_FAULTS` asks for
//! more faults, `TRUEUP_CRASH_SEED` for other moments.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::crash::{generations_of, is_rejected};
use crate::postgres_server::{self, Server};
use crate::project::Project;
use crate::random::{Random, setting};

const FAULTS: u64 = 20;

/// Rows of each table.
const ROWS: u32 = 20_000;

const MODELS: [(&str, &str); 9] = [
    ("input", "config { type: \"declaration\", schema: \"raw\" }"),
    (
        "plain",
        "config { type: \"table\", assertions: { uniqueKey: [\"id\"] } }
        select generation, id, md5(id::text) as payload from ${ref(\"input\")}, generate_series(1, ROWS) as id",
    ),
    ("shown", "config { type: \"view\" } select generation, id from ${ref(\"plain\")}"),
    (
        "appended",
        "config { type: \"incremental\" }
        pre_operations { create table if not exists s.audit (generation integer) }
        post_operations { insert into s.audit select max(generation) from ${self()} }
        select generation, id from ${ref(\"shown\")}",
    ),
    (
        "merged",
        "config { type: \"incremental\", uniqueKey: [\"id\"], onSchemaChange: \"SYNCHRONIZE\" }
        select generation, nullif(id, 7) as id, generation as extra_${dataform.projectConfig.vars.generation}
        from ${ref(\"plain\")}",
    ),
    (
        "overwritten",
        "config { type: \"incremental\", partitionBy: \"nullif(id % 4, 0)\", incrementalStrategy: \"INSERT_OVERWRITE\" }
        select generation, id from ${ref(\"plain\")}",
    ),
    (
        "checked",
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
        create table if not exists s.logged (generation integer, id integer); delete from s.logged
        ---
        insert into s.logged select generation, id from ${ref(\"merged\")}",
    ),
];

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    vec![Trial::test("postgres_faults::runs_leave_no_half", run).with_ignored_flag(!is_installed)]
}

/// What happens to a run.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// `kill -9`
    Kill,
    /// Ctrl-C
    Interrupt,
    /// Somebody ends its sessions.
    Terminate,
    /// The server stops as if the power were gone, and starts again.
    Crash,
}

/// What a run is to do.
#[derive(Debug, Clone, Copy)]
struct How {
    full_refresh: bool,
    /// Whether audits find something.
    rejects: bool,
}

const KINDS: [Fault; 4] = [Fault::Kill, Fault::Interrupt, Fault::Terminate, Fault::Crash];

/// For each table which generations it holds, with the number of rows of each.
type Snapshot = BTreeMap<String, String>;

fn run() -> Result<(), Failed> {
    let server = Server::start()?;
    let mut faults = Faults { database: server.new_database("faults")?, project: project()?, server, generation: 0 };
    faults.server.psql(&faults.database, "create schema raw; create table raw.input (generation integer)")?;
    let mut random = Random(setting("TRUEUP_CRASH_SEED", 1));
    let mut before = Snapshot::new();
    let mut longest = Duration::from_millis(300);
    let (mut broken, faults_wanted) = (0, setting("TRUEUP_POSTGRES_FAULTS", FAULTS));
    while broken < faults_wanted {
        let fault = KINDS[usize::try_from(random.below(KINDS.len() as u64))?];
        let delay = Duration::from_micros(random.below(u64::try_from(longest.as_micros())?));
        let how = How { full_refresh: random.below(4) == 0, rejects: random.below(2) == 0 };
        let (was_broken, after) = faults.break_one(fault, delay, how)?;
        broken += u64::from(was_broken);
        faults
            .compare(&before, &after, how.rejects)
            .map_err(|problem| format!("fault {broken}, {fault:?} after {delay:?}: {problem}"))?;
        // Often a broken run stands on what another broken run has left.
        before = after;
        if random.below(2) == 0 {
            let started = Instant::now();
            before = faults.complete()?;
            longest = started.elapsed();
        }
    }
    faults.complete()?;
    Ok(())
}

fn project() -> Result<Project, Failed> {
    let settings = "name: faults\ndialect: postgres\ndefaults: { schema: s, assertion_schema: checks }\n\
                    vars: { generation: \"0\", reject: \"no\" }\nenvironments: { local: { warehouse: postgres } }\n";
    let project = Project::new(&[("trueup.yaml", settings)])?;
    for (name, text) in MODELS {
        project.write(&format!("definitions/{name}.sqlx"), &text.replace("ROWS", &ROWS.to_string()))?;
    }
    Ok(project)
}

struct Faults {
    server: Server,
    database: String,
    project: Project,
    generation: u32,
}

impl Faults {
    fn query(&self, sql: &str) -> Result<Vec<String>, Failed> {
        Ok(self.server.psql(&self.database, sql)?.lines().map(str::to_owned).collect())
    }

    /// The command of the next run, which reads rows of the next generation, and may reject them.
    fn command(&mut self, rejects: bool) -> Result<Command, Failed> {
        self.generation += 1;
        self.query(&format!("delete from raw.input; insert into raw.input values ({})", self.generation))?;
        let mut command = self.project.command(&["run", "--threads", "3"]);
        let reject = if rejects { "yes" } else { "no" };
        command.arg(format!("--vars=generation={},reject={reject}", self.generation));
        command.envs(self.server.variables(&self.database));
        Ok(command)
    }

    /// A run that is left alone: everything is of its generation afterwards.
    fn complete(&mut self) -> Result<Snapshot, Failed> {
        let output = self.command(false)?.output()?;
        if !output.status.success() {
            let printed =
                String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            return Err(format!("run {}: {}\n{printed}", self.generation, output.status).into());
        }
        let found = self.snapshot()?;
        for (table, rows) in &found {
            if table != "audit" && !rows.split(", ").any(|part| part == self.whole()) {
                return Err(format!("run {}: {table} holds {rows}", self.generation).into());
            }
        }
        if found.len() < 6 {
            return Err(format!("run {} made no more than {found:?}", self.generation).into());
        }
        Ok(found)
    }

    /// A run that meets with a fault, if it is not over before.
    fn break_one(&mut self, fault: Fault, delay: Duration, how: How) -> Result<(bool, Snapshot), Failed> {
        let mut command = self.command(how.rejects)?;
        if how.full_refresh {
            command.arg("--full-refresh");
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        thread::sleep(delay);
        match fault {
            Fault::Kill => child.kill()?,
            Fault::Interrupt => interrupt(&child)?,
            Fault::Terminate => {
                self.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'trueup'")?;
            }
            Fault::Crash => {
                self.server.end("immediate");
                self.server.begin()?;
            }
        }
        let status = child.wait()?;
        self.wait_until_idle(fault)?;
        Ok((!status.success(), self.snapshot()?))
    }

    /// Nothing of the run may be left on the server for long.
    fn wait_until_idle(&self, fault: Fault) -> Result<(), Failed> {
        let started = Instant::now();
        let sessions = "select state, query from pg_stat_activity where application_name = 'trueup'";
        loop {
            let running = self.query(sessions)?;
            if running.is_empty() {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(15) {
                return Err(format!("{fault:?}: still on the server: {}", running.join("\n")).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A table that is fully of this run.
    fn whole(&self) -> String {
        format!("{}×{ROWS}", self.generation)
    }

    fn compare(&self, before: &Snapshot, after: &Snapshot, rejects: bool) -> Result<(), String> {
        let whole = self.whole();
        for (table, rows) in after {
            let was = before.get(table);
            let is_after = match table.as_str() {
                // Each generation that came through, or only this one after a full refresh.
                "appended" => *rows == whole || was.is_some_and(|was| *rows == format!("{was}, {whole}")),
                "audit" => rows.split(", ").all(|part| part.ends_with("×1")),
                "checked" | "grown" => !rejects && *rows == whole,
                rejected if is_rejected(rejected) => rejects && *rows == whole,
                _ => *rows == whole,
            };
            if was != Some(rows) && !is_after {
                return Err(format!("{table} held {was:?}, and now {rows}"));
            }
        }
        // Once other rows are published nobody asks for those that were rejected.
        let may_go = |table: &str| is_rejected(table) && !rejects;
        if let Some(gone) = before.keys().find(|table| !after.contains_key(*table) && !may_go(table)) {
            return Err(format!("{gone} is gone"));
        }
        let generations =
            |table: &str| -> Vec<String> { generations_of(after.get(table).map(String::as_str).unwrap_or_default()) };
        let audited = generations("audit");
        if generations("appended").iter().any(|generation| !audited.contains(generation)) {
            return Err("`appended` was written without its post-operation".to_owned());
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Snapshot, Failed> {
        let relations = "select relname from pg_class where relkind in ('r', 'v', 'm')";
        let left = self.query(&format!("{relations} and relname like '%trueup%'"))?;
        if !left.is_empty() {
            return Err(format!("left behind: {}", left.join(", ")).into());
        }
        let mut snapshot = Snapshot::new();
        let tables = self.query("select tablename from pg_tables where schemaname = 's'")?;
        for table in tables {
            let rows = self.query(&format!(
                "select coalesce(string_agg(generation || '×' || number, ', ' order by generation), 'nothing') from \
                 (select generation, count(*) as number from s.{table} group by generation) as counted"
            ))?;
            snapshot.insert(table, rows.join(""));
        }
        if let Some(merged) = snapshot.get("merged") {
            let generation = merged.split('×').next().unwrap_or_default();
            let columns = self.query(
                "select attname from pg_attribute where attrelid = 's.merged'::regclass and attname like 'extra%' \
                 and not attisdropped",
            )?;
            if columns != [format!("extra_{generation}")] {
                return Err(format!("`merged` holds {merged}, and its columns are {columns:?}").into());
            }
        }
        Ok(snapshot)
    }
}

fn interrupt(child: &Child) -> Result<(), Failed> {
    // It may be over already.
    Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status()?;
    Ok(())
}
