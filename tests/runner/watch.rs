//! `compile --watch`: each change is seen, mistakes do not end it, Ctrl-C does.

use std::process::Stdio;

use libtest_mimic::{Failed, Trial};

use crate::processes;
use crate::project::Project;

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("watch::compiles_on_each_change", compiles_on_each_change)]
}

fn compiles_on_each_change() -> Result<(), Failed> {
    let project = Project::new(&[
        ("trueup.yaml", "name: shop\ndefaults: { schema: shop }\n"),
        ("definitions/orders.sqlx", "config { type: \"table\" } select 1 as id"),
    ])?;
    let printed = || std::fs::File::create(project.path().join("printed"));
    let mut child = project.command(&["compile", "--watch"]).stdout(Stdio::null()).stderr(printed()?).spawn()?;
    let until = |text: &str, times: usize| processes::wait_for(&project, text, times);
    let steps: [(&str, &str, &str); 4] = [
        ("definitions/daily.sqlx", "config { type: \"view\" } select * from ${ref(\"orders\")}", "compiled 2 actions"),
        ("definitions/daily.sqlx", "config { type: \"view\" } select * from ${ref(\"order\")}", "[unknown-ref]"),
        ("trueup.yaml", "name: [", "[invalid-settings]"),
        ("trueup.yaml", "name: shop\nenvironments: { a: { path: \"${MISSING}\" } }\n", "needs the variable MISSING"),
    ];
    let watched = || -> Result<(), Failed> {
        until("compiled 1 action", 1)?;
        for (file, text, expected) in steps {
            project.write(file, text)?;
            until(expected, 1)?;
        }
        std::fs::remove_file(project.path().join("definitions/daily.sqlx"))?;
        project.write("trueup.yaml", "name: shop\nvars: { again: yes }\ndefaults: { schema: shop }\n")?;
        until("compiled 1 action", 2)?;
        processes::interrupt(&child)
    };
    let result = watched();
    if result.is_err() {
        child.kill()?;
    }
    result.and_then(|()| processes::ends_with(&mut child, 0))
}
