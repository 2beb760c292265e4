//! Many steps at a time: they get out of each other's way.

use libtest_mimic::{Failed, Trial};

use crate::project::Project;

const THREADS: [&str; 2] = ["--threads", "8"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("parallel::many_models", many_models),
        Trial::test("parallel::steps_that_write_to_the_same", steps_that_write_to_the_same),
    ]
}

/// Tables, views and incremental tables in layers and in several schemas, each with a comment, of another kind in each
/// run.
fn many_models() -> Result<(), Failed> {
    const MODELS: usize = 300;
    let project = Project::new(&[(
        "trueup.yaml",
        "name: many\ndialect: duckdb\ndefaults: { schema: s, assertion_schema: checks }\nvars: { shift: \"0\" }\n",
    )])?;
    for model in 0..MODELS {
        let kinds = "[\"table\", \"view\", \"incremental\", \"view\"]";
        let kind = format!("{kinds}[(Number(dataform.projectConfig.vars.shift) + {model}) % 4]");
        let config = format!("type: {kind}, schema: \"s{}\", description: \"number {model}\"", model % 5);
        let checked = if model % 3 == 0 { ", assertions: { nonNull: [\"id\"] }" } else { "" };
        let query = match model {
            0..30 => format!("select range as id, {model} as number from range(20)"),
            _ => format!(
                "select id, {model} as number from ${{ref(\"m{}\")}} union select id, {model} from ${{ref(\"m{}\")}}",
                model / 3,
                model - 17
            ),
        };
        project.write(&format!("definitions/m{model}.sqlx"), &format!("config {{ {config}{checked} }}\n{query}\n"))?;
    }
    for shift in 0..4 {
        let shift = format!("shift={shift}");
        let printed = project.succeed(&["run", "--full-refresh", THREADS[0], THREADS[1], "--vars", &shift])?;
        if !printed.contains("400 ok (") {
            return Err(printed.into());
        }
    }
    Ok(())
}

/// DuckDB refuses the second of two transactions that write to the same rows or to the same entry of its catalog.
fn steps_that_write_to_the_same() -> Result<(), Failed> {
    const STEPS: usize = 40;
    let project = Project::new(&[("trueup.yaml", "name: same\ndialect: duckdb\ndefaults: { schema: s }\n")])?;
    for step in 1..=STEPS {
        project.write(
            &format!("definitions/logged{step}.sqlx"),
            &format!(
                "config {{ type: \"table\" }} select range as id from range({step})
                pre_operations {{
                    create schema if not exists audit;
                    create table if not exists audit.log (name text, rows bigint);
                    create table if not exists audit.latest as select 0 as step
                }}
                post_operations {{
                    insert into audit.log select 'logged{step}', count(*) from ${{self()}};
                    update audit.latest set step = {step}
                }}"
            ),
        )?;
    }
    for run in 1..=3 {
        project.succeed(&["run", THREADS[0], THREADS[1]])?;
        let look = project.look(".trueup/local.duckdb")?;
        let found = look.texts(
            "select count(*) || ' ' || sum(rows) || ' ' || (select count(*) from audit.latest) from audit.log",
        )?;
        let expected = format!("{} {} 1", run * STEPS, run * STEPS * (STEPS + 1) / 2);
        if found != [expected] {
            return Err(format!("run {run}: the log has {found:?}").into());
        }
    }
    Ok(())
}
