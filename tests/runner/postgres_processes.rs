//! Several at a time on one PostgreSQL server: Ctrl-C, a lock that somebody holds, two runs of one project.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::postgres_server::{self, Server};
use crate::project::Project;

type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let trials: [(&str, Test); 4] = [
        ("ctrl_c_stops_what_runs_on_the_server", ctrl_c),
        ("a_run_says_whom_it_waits_for", waits),
        ("two_runs_at_once", two_runs),
        ("a_server_that_starts_again", restart),
    ];
    let trial =
        |(name, test)| Trial::test(format!("postgres_processes::{name}"), test).with_ignored_flag(!is_installed);
    trials.map(trial).into()
}

/// A project and its database.
struct Run {
    server: &'static Server,
    database: String,
    project: Project,
}

impl Run {
    fn new(database: &str, files: &[(&str, &str)]) -> Result<Self, Failed> {
        let server = Server::shared()?;
        let settings = "name: shop\ndialect: postgres\ndefaults: { schema: s }\nvars: { long: \"\" }\n\
                        environments: { local: { warehouse: postgres } }\n";
        let project = Project::new(&[("trueup.yaml", settings)])?;
        for (name, text) in files {
            project.write(&format!("definitions/{name}.sqlx"), text)?;
        }
        Ok(Self { server, database: server.new_database(database)?, project })
    }

    fn start(&self, arguments: &[&str]) -> Result<Child, Failed> {
        let mut command = self.project.command(arguments);
        command.envs(self.server.variables(&self.database));
        Ok(command.stdout(Stdio::null()).stderr(File::create(self.project.path().join("printed"))?).spawn()?)
    }

    fn printed(&self) -> Result<String, Failed> {
        Ok(std::fs::read_to_string(self.project.path().join("printed"))?)
    }

    fn succeed(&self, arguments: &[&str]) -> Result<(), Failed> {
        let status = self.start(arguments)?.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{status}\n{}", self.printed()?).into()) }
    }

    fn query(&self, sql: &str) -> Result<String, Failed> {
        Ok(self.server.psql(&self.database, sql)?.trim().to_owned())
    }

    /// Waits until a query gives this.
    fn wait_for(&self, sql: &str, wanted: &str, longest: Duration) -> Result<(), Failed> {
        let started = Instant::now();
        loop {
            let found = self.query(sql)?;
            if found == wanted {
                return Ok(());
            }
            if started.elapsed() > longest {
                return Err(format!("{sql}: {found}, not {wanted}\n{}", self.printed()?).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

const SESSIONS: &str =
    "select count(*) from pg_stat_activity where application_name = 'trueup' and datname = current_database()";

const SLEEPING: &str =
    "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";

const FEW_SECONDS: Duration = Duration::from_secs(10);

fn ctrl_c() -> Result<(), Failed> {
    let slow = "config { type: \"table\" }
        select 1 as number ${dataform.projectConfig.vars.long && \", pg_sleep(600)::text as slept\"}";
    let run = Run::new(
        "cancelled",
        &[("slow", slow), ("below", "config { type: \"view\" } select number from ${ref(\"slow\")}")],
    )?;
    run.succeed(&["run"])?;
    let mut child = run.start(&["run", "--vars=long=yes"])?;
    run.wait_for(SLEEPING, "1", FEW_SECONDS)?;
    Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    run.wait_for(SESSIONS, "0", Duration::from_secs(3))?;
    let status = child.wait()?;
    if status.code() == Some(0) || !run.printed()?.contains("skipped") {
        return Err(format!("{status}\n{}", run.printed()?).into());
    }
    run.wait_for(
        "select string_agg(relname, ' ' order by relname) from pg_class where relnamespace = 's'::regnamespace",
        "below slow",
        FEW_SECONDS,
    )?;
    run.wait_for(
        "select count(*) from pg_attribute where attrelid = 's.slow'::regclass and attnum > 0",
        "1",
        FEW_SECONDS,
    )
}

fn waits() -> Result<(), Failed> {
    let run = Run::new("waiting", &[("orders", "config { type: \"table\" } select 1 as id")])?;
    run.succeed(&["run"])?;
    let mut holder = Command::new("psql")
        .envs(run.server.variables(&run.database))
        .args(["-qAtX", "-c", "begin; lock table s.orders; select pg_sleep(6); commit"])
        .stdout(Stdio::null())
        .spawn()?;
    run.wait_for(SLEEPING, "1", FEW_SECONDS)?;
    run.succeed(&["run"])?;
    holder.wait()?;
    let printed = run.printed()?;
    if printed.matches("waiting: session").count() != 1 || !printed.contains("(psql, user trueup) holds a lock") {
        return Err(printed.into());
    }
    Ok(())
}

fn two_runs() -> Result<(), Failed> {
    let numbers = "select g as id, md5(g::text) as text from generate_series(1, 2000) as g";
    let run = Run::new(
        "twice",
        &[
            ("built", &format!("config {{ type: \"table\" }} {numbers}")),
            ("shown", "config { type: \"view\" } select * from ${ref(\"built\")}"),
            ("merged", "config { type: \"incremental\", uniqueKey: [\"id\"] } select * from ${ref(\"shown\")}"),
            (
                "checked",
                "config { type: \"assertion\" } select id from ${ref(\"merged\")} group by id having count(*) > 1",
            ),
        ],
    )?;
    // From nothing at all, and from what is there.
    for _ in 0..6 {
        let runs = [run.start(&["run"])?, run.start(&["run"])?, run.start(&["run", "--full-refresh"])?];
        for mut child in runs {
            let status = child.wait()?;
            if !status.success() {
                return Err(format!("{status}\n{}", run.printed()?).into());
            }
        }
        run.wait_for("select count(*) || ' ' || count(distinct id) from s.merged", "2000 2000", Duration::ZERO)?;
    }
    Ok(())
}

/// The run goes on where the server comes back in the middle of it.
fn restart() -> Result<(), Failed> {
    let server: &'static Server = Box::leak(Box::new(Server::start()?));
    let first = "config { type: \"table\" } select 1 as id from pg_sleep(2)";
    let mut run = Run::new(
        "starting",
        &[("broken", first), ("first", "config { type: \"table\" } select 1 as id from pg_sleep(1)")],
    )?;
    run.project.write("definitions/second.sqlx", "config { type: \"table\" } select * from ${ref(\"first\")}")?;
    run.server = server;
    run.database = server.new_database("restarted")?;
    let mut child = run.start(&["run", "--threads", "1", "--select", "first+"])?;
    run.wait_for(SLEEPING, "1", FEW_SECONDS)?;
    server.end("immediate");
    server.begin()?;
    let status = child.wait()?;
    let printed = run.printed()?;
    server.end("immediate");
    if status.code() != Some(1) || !printed.contains("connection to the server was lost") {
        return Err(format!("{status}\n{printed}").into());
    }
    Ok(())
}
