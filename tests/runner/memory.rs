//! What is remembered of one compilation never changes what another one finds.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use trueup::analysis::{self, Memory};
use trueup::compile::{Compilation, compile, compile_again};
use trueup::files::{self, FileSystem};
use trueup::project::{LoadError, Overrides};

use crate::random::{Random, setting};
use crate::{markdown, spec};

/// Files of a project that grows, shrinks and changes, each with the texts that it may have.
const FILES: &[(&str, &[&str])] = &[
    (
        "trueup.yaml",
        &[
            "name: a\ndialect: duckdb\ndefaults: { schema: s }\n",
            "name: a\ndialect: duckdb\ndefaults: { schema: s }\nchecks: { unused-cte: error }\n",
            "name: a\ndialect: bigquery\ndefaults: { schema: s }\n",
            "name: a\ndialect: duckdb\ndefaults: { schema: t }\n",
        ],
    ),
    (
        "catalog.json",
        &[
            "{}",
            "{\"catalog_version\": 1, \"dialect\": \"duckdb\", \"relations\": {\"raw.events\": {\"columns\": [{\"name\": \"id\", \"type\": \"BIGINT\"}, {\"name\": \"at\", \"type\": \"TIMESTAMP\"}]}}}",
            "{\"catalog_version\": 1, \"dialect\": \"duckdb\", \"relations\": {\"raw.events\": {\"columns\": [{\"name\": \"id\", \"type\": \"VARCHAR\"}]}}}",
        ],
    ),
    (
        "definitions/events.sqlx",
        &[
            "config { type: \"declaration\", schema: \"raw\", name: \"events\" }",
            "config { type: \"declaration\", schema: \"raw\", name: \"events\", columns: { id: { type: \"BIGINT\" }, at: { type: \"TIMESTAMP\" } } }",
            "config { type: \"declaration\", schema: \"raw\", name: \"events\", uniqueKey: [\"id\"] }",
        ],
    ),
    (
        "definitions/a.sqlx",
        &[
            "config { type: \"table\" }\nselect id, at from ${ref(\"events\")}",
            "config { type: \"table\" }\n-- a word\nselect id,   at from ${ref(\"events\")}",
            "config { type: \"view\" }\nselect id, cast(at as varchar) as at, 1 as more from ${ref(\"events\")}",
            "config { type: \"table\", uniqueKey: [\"id\"] }\nselect id from ${ref(\"events\")} group by id",
            "config { type: \"table\", assertions: { uniqueKey: [\"id\"] } }\nselect id, nothing from ${ref(\"events\")}",
        ],
    ),
    (
        "definitions/b.sqlx",
        &[
            "config { type: \"table\" }\nselect * from ${ref(\"a\")}",
            "config { type: \"table\", assertions: { uniqueKey: [\"id\"] } }\nselect a.id, e.at from ${ref(\"a\")} a left join ${ref(\"events\")} e on a.id = e.id",
            "config { type: \"incremental\" }\nselect id, more from ${ref(\"a\")} ${when(incremental(), `where id > (select max(id) from ${self()})`)}",
            "config { type: \"incremental\", uniqueKey: [\"id\"] }\nselect id, more from ${ref(\"a\")}\npost_operations { delete from ${self()} where oder is null }",
            "config { type: \"table\", columns: { id: \"a key\" } }\nselect * from s.made",
        ],
    ),
    (
        "definitions/c.sqlx",
        &[
            "config { type: \"view\" }\nwith unused as (select 1 as x) select ${columns.list} from ${ref(\"b\")}",
            "config { type: \"view\" }\nselect (select max(id) from ${ref(\"a\")} where more = b.id) as id from ${ref(\"b\")} b",
            "config { type: \"operations\" }\ncreate table s.made as select * from ${ref(\"b\")}",
            "config { type: \"operations\", hasOutput: true }\ncreate table ${self()} as select 1 as id",
        ],
    ),
    (
        "includes/columns.js",
        &["const list = \"id\";\nmodule.exports = { list };", "const list = \"id, more\";\nmodule.exports = { list };"],
    ),
    (
        "definitions/0.sqlx",
        &["config { type: \"table\" }\nselect c.id, b.id from ${ref(\"c\")} c join ${ref(\"b\")} b using (id)"],
    ),
    (
        "definitions/more/test.sqlx",
        &["config { type: \"test\", dataset: \"a\" }\ninput \"events\" { select 1 as id, 2 as at }\nselect 1 as id"],
    ),
    ("definitions/made.js", &["publish(\"d\", \"table\").query(ctx => `select at from ${ctx.ref(\"a\")}`)"]),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("memory::changes", changes)];
    for path in markdown::files("tests/spec") {
        let name = format!("memory::spec::{}", markdown::stem(&path, "tests/spec"));
        trials.push(Trial::test(name, move || specification(&path)));
    }
    trials
}

/// Many changes of one project, one after the other.
fn changes() -> Result<(), Failed> {
    let seed = setting("TRUEUP_MEMORY_SEED", 1);
    let steps = setting("TRUEUP_MEMORY_STEPS", 200);
    let mut random = Random(seed);
    let mut project = files::Memory::default();
    project.write("trueup.yaml", FILES[0].1[0]);
    let mut memory = Memory::default();
    for step in 0..steps {
        for _ in 0..=random.below(2) {
            let (path, texts) = FILES[one_of(&mut random, FILES.len())];
            match texts.get(one_of(&mut random, texts.len() + 1)) {
                Some(text) => project.write(path, *text),
                None if path == "trueup.yaml" => {}
                None => project.remove(path),
            }
        }
        let files: Arc<dyn FileSystem> = Arc::new(project.clone());
        same(&files, &mut memory).map_err(|difference| format!("seed {seed}, step {step}: {difference}"))?;
    }
    Ok(())
}

/// The projects of a file of the specification: many have files of the same names. Forwards, then backwards.
fn specification(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let projects = spec::projects(&text);
    let mut memory = Memory::default();
    for project in projects.iter().chain(projects.iter().rev()) {
        same(project, &mut memory)?;
    }
    Ok(())
}

fn one_of(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.below(length as u64)).unwrap_or_default()
}

/// Compiles with what is remembered and without, and keeps it in its written form.
fn same(files: &Arc<dyn FileSystem>, memory: &mut Memory) -> Result<(), String> {
    let fresh = compile(files, &Overrides::default(), &|_| None);
    let again = compile_again(files, &Overrides::default(), &|_| None, memory);
    *memory = Memory::from_bytes(&memory.to_bytes());
    if let Ok(compilation) = &again {
        analysis::analyze(&compilation.graph, &compilation.project, memory);
        if memory.has_news() {
            return Err("nothing has changed, and something was looked at again".to_owned());
        }
    }
    let (fresh, again) = (told(fresh), told(again));
    if fresh == again {
        return Ok(());
    }
    let different = fresh.lines().zip(again.lines()).find(|(one, other)| one != other);
    let (fresh, again) = different.unwrap_or((&fresh, &again));
    Err(format!("without memory:\n{fresh}\nwith it:\n{again}"))
}

/// Everything that a compilation has found.
fn told(compilation: Result<Compilation, LoadError>) -> String {
    match compilation {
        Ok(compilation) => {
            let facts = compilation
                .graph
                .iter()
                .map(|(id, action)| format!("{}: {:?}\n", action.target, compilation.analysis.facts(id)));
            let facts: String = facts.collect();
            facts + &compilation.diagnostics.iter().map(|found| format!("{found:?}\n")).collect::<String>()
        }
        Err(error) => error.to_string(),
    }
}
