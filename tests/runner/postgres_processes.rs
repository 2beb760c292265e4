//! Several at a time on one PostgreSQL server: Ctrl-C, a lock that somebody holds, two runs of one project.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::postgres_server::{self, Server, UNPRIVILEGED};
use crate::project::Project;

type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let trials: [(&str, Test); 5] = [
        ("ctrl_c_stops_what_runs_on_the_server", ctrl_c),
        ("a_run_says_whom_it_waits_for", waits),
        ("two_runs_at_once", two_runs),
        ("a_server_that_starts_again", restart),
        ("a_disk_that_is_full", full_disk),
    ];
    let trial =
        |(name, test)| Trial::test(format!("postgres_processes::{name}"), test).with_ignored_flag(!is_installed);
    trials.map(trial).into()
}

/// A small disk, for as long as it is kept.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where the tests may mount nothing.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then(|| Self(at.to_path_buf()))
    }

    fn grow(&self, size: &str) -> Result<(), Failed> {
        let grown = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(&self.0).status()?;
        if grown.success() { Ok(()) } else { Err("the disk cannot be made larger".into()) }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
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

    /// Keeps a history in `ops.history`.
    fn with_history(self) -> Result<Self, Failed> {
        let settings = std::fs::read_to_string(self.project.path().join("trueup.yaml"))?;
        self.project.write("trueup.yaml", &format!("{settings}history: {{ schema: ops, name: history }}\n"))?;
        Ok(self)
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
    )?
    .with_history()?;
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
    )?;
    let kept =
        "select string_agg(action || ' ' || outcome, ', ' order by action) from ops.history where outcome <> 'success'";
    run.wait_for(kept, "s.below skipped, s.slow skipped", Duration::ZERO)
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
    )?
    .with_history()?;
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
    let kept = "select count(distinct run_id) || ' runs ' || count(*) from ops.history";
    run.wait_for(kept, "18 runs 72", Duration::ZERO)
}

/// The step that finds no room fails, with the table as it was; other steps go on, and the next run works.
fn full_disk() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    let at = folder.path().join("small");
    std::fs::create_dir(&at)?;
    let Some(disk) = SmallDisk::mount(&at, "24m") else {
        writeln!(io::stderr(), "NO DISK CAN BE MOUNTED HERE: THE TRIAL OF A FULL DISK IS PASSED OVER")?;
        return Ok(());
    };
    chown(&at, Some(UNPRIVILEGED), Some(UNPRIVILEGED))?;
    let run = Run::new(
        "full_disk",
        &[
            (
                "big",
                "config { type: \"table\" } select g as id, repeat('x', 1000) as text
                 from generate_series(1, ${dataform.projectConfig.vars.long || 10}) as g",
            ),
            (
                "grown",
                "config { type: \"incremental\" } select g as id, repeat('x', 1000) as text
                 from generate_series(1, ${dataform.projectConfig.vars.long || 10}) as g",
            ),
            // On the server's own disk, where there is room.
            ("other", "config { type: \"table\" } pre_operations { set default_tablespace = '' } select 1 as id"),
        ],
    )?;
    let tablespace = format!("create tablespace small_{} location '{}'", run.database, at.display());
    run.server.psql(&run.database, &tablespace)?;
    let setting = format!("alter database {0} set default_tablespace = small_{0}", run.database);
    run.server.psql(&run.database, &setting)?;
    run.succeed(&["run"])?;
    let counts = "select (select count(*) from s.big) || ' ' || (select count(*) from s.grown) || ' ' || \
                  (select count(*) from pg_class where relname like '%trueup%')";
    let status = run.start(&["run", "--threads", "1", "--vars", "long=100000"])?.wait()?;
    let printed = run.printed()?;
    let is_told = printed.matches("the server's disk is full").count() == 2
        && printed.contains("1 ok, 2 failed")
        && printed.contains("make room there, and run again");
    if status.success() || !is_told {
        return Err(printed.into());
    }
    run.wait_for(counts, "10 10 0", Duration::ZERO)?;
    disk.grow("96m")?;
    run.succeed(&["run"])?;
    run.wait_for(counts, "10 20 0", Duration::ZERO)?;
    // The server must not look for the disk when it is gone.
    run.server.psql(&run.database, "drop schema s cascade")?;
    run.server.psql(&run.database, &format!("alter database {} reset default_tablespace", run.database))?;
    run.server.psql(&run.database, &format!("drop tablespace small_{}", run.database)).map(drop)
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
