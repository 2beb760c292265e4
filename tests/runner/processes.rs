//! Ctrl-C: what runs is stopped, what was there stays, and everyone is told. And two runs at the same time.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::project::Project;

const DATABASE: &str = ".trueup/local.duckdb";

/// Would run for days.
const FOR_DAYS: &str = "select count(*) as number from range(10000000) a, range(10000000) b \
                        where hash(a.range + b.range) % 7 = 0";

/// Long enough that it ends by itself only if nobody stops it.
const SOON: Duration = Duration::from_secs(5);

/// A project of ten thousand statements takes its time to compile where others build.
const AT_LAST: Duration = Duration::from_secs(30);

type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Test); 5] = [
        ("ctrl_c_stops_what_runs", once_stops_what_runs),
        ("ctrl_c_stops_between_statements", once_stops_between_statements),
        ("ctrl_c_twice_ends_at_once", twice_ends_at_once),
        ("ctrl_c_stops_assertions", stops_assertions),
        ("second_run_names_the_first", second_run_names_the_first),
    ];
    trials.map(|(name, test)| Trial::test(format!("processes::{name}"), test)).into()
}

/// A project that has run, and of which `slow` will now run for days.
fn project(slow: &str) -> Result<Project, Failed> {
    let project = Project::new(&[
        ("trueup.yaml", "name: slow\ndialect: duckdb\ndefaults: { schema: s }\nvars: { days: \"\" }\nhistory: true\n"),
        ("definitions/quick.sqlx", "config { type: \"table\" } select 1 as number"),
        ("definitions/slow.sqlx", slow),
        ("definitions/below.sqlx", "config { type: \"table\" } select * from ${ref(\"slow\")}"),
        ("definitions/checked.sqlx", "config { type: \"assertion\" } select * from ${ref(\"below\")} where number < 0"),
    ])?;
    project.succeed(&["run"])?;
    Ok(project)
}

fn table() -> String {
    format!("config {{ type: \"table\" }} ${{dataform.projectConfig.vars.days ? `{FOR_DAYS}` : `select 7 as number`}}")
}

fn start(project: &Project, arguments: &[&str], until: &str) -> Result<Child, Failed> {
    let mut command = project.command(arguments);
    let child = command.stdout(Stdio::null()).stderr(std::fs::File::create(project.path().join("printed"))?).spawn()?;
    wait_for(project, until, 1)?;
    // The step behind has begun by then.
    thread::sleep(Duration::from_millis(300));
    Ok(child)
}

/// Waits until a text stands in the file `printed` so many times.
pub(crate) fn wait_for(project: &Project, text: &str, times: usize) -> Result<(), Failed> {
    let started = Instant::now();
    while printed(project).matches(text).count() < times {
        if started.elapsed() > AT_LAST {
            return Err(format!("`{text}` was not printed, but:\n{}", printed(project)).into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn printed(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("printed")).unwrap_or_default()
}

pub(crate) fn interrupt(child: &Child) -> Result<(), Failed> {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    if status.success() { Ok(()) } else { Err("no such process".into()) }
}

pub(crate) fn ends_with(child: &mut Child, code: i32) -> Result<(), Failed> {
    let started = Instant::now();
    while started.elapsed() < SOON {
        if let Some(status) = child.try_wait()? {
            return if status.code() == Some(code) { Ok(()) } else { Err(format!("ended with {status}").into()) };
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    Err("it did not end".into())
}

/// Each step of `run_results.json`: name and status.
fn statuses(project: &Project) -> Result<Vec<String>, Failed> {
    let results: Value =
        serde_json::from_str(&std::fs::read_to_string(project.path().join(".trueup/run_results.json"))?)?;
    let steps = results["results"].as_array().ok_or("no results")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {} {}", text(&step["name"]), text(&step["status"]), text(&step["message"])))
        .map(|line| line.trim_end().to_owned())
        .collect();
    all.sort();
    Ok(all)
}

fn holds(project: &Project, table: &str, expected: &[&str]) -> Result<(), Failed> {
    let found = project.look(DATABASE)?.texts(&format!("select number::varchar from s.{table} order by number"))?;
    if found == expected { Ok(()) } else { Err(format!("{table} holds {found:?}").into()) }
}

fn once_stops_what_runs() -> Result<(), Failed> {
    let project = project(&table())?;
    let mut child = start(&project, &["run", "--vars", "days=1"], "s.quick")?;
    interrupt(&child)?;
    ends_with(&mut child, 130)?;
    let expected = [
        "s.below skipped because the run was ended",
        "s.checked skipped because the run was ended",
        "s.quick success",
        "s.slow skipped because the run was ended",
    ];
    let found = statuses(&project)?;
    if found != expected {
        return Err(format!("{found:#?}").into());
    }
    let printed = printed(&project);
    if !printed.contains("1 ok, 3 skipped") || !printed.contains("error: cancelled") || printed.contains("Interrupt") {
        return Err(printed.into());
    }
    holds(&project, "slow", &["7"])?;
    // What was cancelled is kept, too.
    let kept = "select split_part(action, '.', 2) || ' ' || outcome from s.trueup_history where outcome = 'skipped' order by 1";
    let kept = project.look(DATABASE)?.texts(kept)?;
    if kept != ["below skipped", "checked skipped", "slow skipped"] {
        return Err(format!("the history holds {kept:?}").into());
    }
    project.succeed(&["run"])?;
    Ok(())
}

/// An interruption between two statements of a step is no reason to begin the next.
fn once_stops_between_statements() -> Result<(), Failed> {
    let head =
        "config { type: \"operations\", hasOutput: true }\ncreate or replace table s.slow as select 7 as number\n";
    let project = project(head)?;
    let statement = "---\ninsert into s.slow select sum(hash(range)) % 7 from range(100000)\n";
    project.write("definitions/slow.sqlx", &format!("{head}{}", statement.repeat(10_000)))?;
    let mut child = start(&project, &["run", "--vars", "days=1"], "s.quick")?;
    interrupt(&child)?;
    ends_with(&mut child, 130)?;
    holds(&project, "slow", &["7"])
}

fn twice_ends_at_once() -> Result<(), Failed> {
    let project = project(&table())?;
    let mut child = start(&project, &["run", "--vars", "days=1"], "s.quick")?;
    interrupt(&child)?;
    interrupt(&child)?;
    ends_with(&mut child, 130)?;
    holds(&project, "slow", &["7"])?;
    project.succeed(&["run"])?;
    Ok(())
}

fn stops_assertions() -> Result<(), Failed> {
    let project = project(&table())?;
    let slow = format!("config {{ type: \"assertion\" }} select * from ({FOR_DAYS}), ${{ref(\"below\")}}");
    project.write("definitions/slow_check.sqlx", &slow)?;
    let mut child = start(&project, &["test"], "s.checked")?;
    interrupt(&child)?;
    ends_with(&mut child, 130)
}

fn second_run_names_the_first() -> Result<(), Failed> {
    let project = project(&table())?;
    let mut first = start(&project, &["run", "--vars", "days=1"], "s.quick")?;
    let found = project.run(&["run"])?;
    let database = project.path().join(DATABASE);
    let expected = format!(
        "error: {} is in use by another process (process {})\n\
         help: wait until it is done: one process at a time can write to a DuckDB file\n",
        database.display(),
        first.id()
    );
    first.kill()?;
    first.wait()?;
    if found != (Some(2), expected) {
        return Err(format!("{found:?}").into());
    }
    project.succeed(&["run"])?;
    Ok(())
}
