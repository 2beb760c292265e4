//! Measures trueup beside the real Dataform compiler: `cargo bench --bench dataform -- [N]`, by default 1,000 actions.
//!
//! Every file of the made-up project needs the JavaScript engine: for its config and for its SQL. The real compiler is
//! measured if `TRUEUP_DATAFORM` names a folder with `node_modules` that hold `@dataform/cli` and `@dataform/core` 3.

#![expect(clippy::print_stdout, reason = "a benchmark is there to print")]

mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::usage::{best, heading, measure, report};

fn main() {
    let size = env::args().skip(1).find_map(|text| text.parse().ok()).unwrap_or(1_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    make_project(folder.path(), size);
    println!("a project of Dataform with {size} tables and {size} assertions");
    heading();
    let trueup = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        measure(command.args(["compile", "--format", "dataform", "--project"]).arg(folder.path()))
    };
    report("trueup compile", &best(&[trueup(), trueup(), trueup()]));
    let Some(packages) = env::var_os("TRUEUP_DATAFORM").map(PathBuf::from) else {
        println!("dataform compile: not measured, TRUEUP_DATAFORM is not set");
        return;
    };
    // The compiler wants its packages in the project's own folder.
    let copied = Command::new("cp").arg("-a").arg(packages.join("node_modules")).arg(folder.path()).status();
    assert!(copied.is_ok_and(|status| status.success()), "the packages can be copied");
    let mut command = Command::new(packages.join("node_modules/.bin/dataform"));
    // It works in a process of its own that nobody waits for: only the wall time counts it.
    report("dataform compile", &measure(command.args(["compile", "--json", "--timeout=600s"]).arg(folder.path())));
}

fn make_project(root: &Path, size: usize) {
    let write = |path: String, text: String| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root)).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let settings = "defaultProject: shop\ndefaultDataset: main\ndefaultAssertionDataset: checks\ndefaultLocation: EU\n";
    write("workflow_settings.yaml".to_owned(), settings.to_owned());
    write("package.json".to_owned(), r#"{ "dependencies": { "@dataform/core": "3.0.62" } }"#.to_owned());
    let include = "const since = (column) => `${column} >= date '2024-01-01'`;\n\
                   const texts = { id: \"The key\", day: \"When\" };\nmodule.exports = { since, texts };\n";
    write("includes/common.js".to_owned(), include.to_owned());
    for number in 0..size {
        let from = match number {
            0 => "raw.events".to_owned(),
            _ => format!("${{ref(`model_${{{}}}`)}}", number * 7 % number.min(50)),
        };
        let text = format!(
            "config {{\n  type: \"table\",\n  tags: [\"daily\", `group_${{{number} % 10}}`],\n  columns: common.texts,\n  \
             assertions: {{ uniqueKey: [\"id\"] }}\n}}\njs {{ const columns = [\"id\", \"day\", \"amount\"]; }}\n\
             select ${{columns.map((name) => `t.${{name}}`).join(\", \")}}\nfrom {from} as t\nwhere ${{common.since(\"day\")}}\n"
        );
        write(format!("definitions/model_{number}.sqlx"), text);
    }
}
