//! Runs on BigQuery where the stand-in refuses what is above a quota: nothing is refused, as what comes too fast waits.
//!
//! `TRUEUP_BIGQUERY_TABLES` asks for a larger graph.

use libtest_mimic::{Failed, Trial};

use crate::bigquery;
use crate::project::Project;
use crate::random::setting;

const TABLES: u64 = 30;

const SETTINGS: &str = "name: quotas\ndialect: bigquery\ndefaults: { schema: s }\n\
                        environments: { local: { warehouse: bigquery } }\n";

pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = bigquery::has_python();
    let graph = Trial::test("bigquery_quotas::a_graph_stays_within_them", graph);
    let updates = Trial::test("bigquery_quotas::updates_of_one_table_wait", updates);
    [graph, updates].map(|trial| trial.with_ignored_flag(!is_installed)).into()
}

/// Each table reads one that was made before; all are made, and then made again.
fn graph() -> Result<(), Failed> {
    let Some(warehouse) = enforced("graph")? else { return Ok(()) };
    let project = Project::new(&[("trueup.yaml", SETTINGS)])?;
    let tables = setting("TRUEUP_BIGQUERY_TABLES", TABLES);
    project.write("definitions/table_0.sqlx", "config { type: \"table\" } select 1 as id")?;
    for table in 1..tables {
        let text = format!(
            "config {{ type: \"table\", description: \"One of many\", columns: {{ id: \"A number\" }} }}\n\
             select id + 1 as id from ${{ref(\"table_{}\")}}",
            table / 2
        );
        project.write(&format!("definitions/table_{table}.sqlx"), &text)?;
    }
    for _ in 0..2 {
        succeed(&project, &warehouse)?;
    }
    let made = warehouse.stand_in(&["tables", "s"])?.lines().count();
    if u64::try_from(made)? != tables {
        return Err(format!("there are {made} tables, not {tables}").into());
    }
    nothing_was_refused(&warehouse)
}

/// More than ten seconds' worth.
fn updates() -> Result<(), Failed> {
    let Some(warehouse) = enforced("updates")? else { return Ok(()) };
    let adds = (0..5).map(|number| format!("---\nalter table s.wide add column added_{number} int64\n"));
    let texts = format!(
        "config {{ type: \"operations\", name: \"widen\" }}\ncreate table s.wide (id int64)\n{}",
        adds.collect::<String>()
    );
    let project = Project::new(&[("trueup.yaml", SETTINGS), ("definitions/widen.sqlx", &texts)])?;
    succeed(&project, &warehouse)?;
    let columns = warehouse.stand_in(&["table", "s.wide"])?.matches("\"added_").count();
    if columns != 5 {
        return Err(format!("{columns} columns were added, not 5").into());
    }
    nothing_was_refused(&warehouse)
}

fn enforced(name: &str) -> Result<Option<bigquery::Project>, Failed> {
    let warehouse = bigquery::Project::new(&format!("quotas_{name}"))?;
    if let Some(warehouse) = &warehouse {
        warehouse.stand_in(&["quotas", "on"])?;
    }
    Ok(warehouse)
}

fn succeed(project: &Project, warehouse: &bigquery::Project) -> Result<(), Failed> {
    let output = project.command(&["run"]).envs(warehouse.variables()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned().into())
}

fn nothing_was_refused(warehouse: &bigquery::Project) -> Result<(), Failed> {
    let counters = warehouse.stand_in(&["quotas"])?;
    // Lines are `NAME | MOST | LIMIT | REFUSED`.
    if counters.lines().all(|line| line.ends_with("| 0")) {
        return warehouse.all_was_parsed();
    }
    Err(format!("refused:\n{counters}").into())
}
