//! However the events of an example arrive, late, twice and in any order: what the incremental runs make of them is, row
//! for row, what a full refresh makes of them.
//!
//! `TRUEUP_ARRIVALS` asks for more orders of arrival, `TRUEUP_ARRIVALS_SEED` for others.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use walkdir::WalkDir;

use crate::project::Project;
use crate::random::{Random, setting};

const ORDERS: u64 = 3;

const DATABASE: &str = ".trueup/local.duckdb";

/// Everything has happened by then; the loads come one hour after the other.
const FIRST_LOAD: i64 = 1_720_000_000_000;

const HOUR: i64 = 3_600_000;

/// Marks an event as one of a load.
type Mark = fn(&mut Value, load: u64, minute: u64) -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let examples: [(&str, &str, Mark); 2] =
        [("streamify", "lake/clean", mark_stream), ("wikipedia", "lake", mark_edit)];
    let seeds = setting("TRUEUP_ARRIVALS_SEED", 1)..;
    let orders = usize::try_from(setting("TRUEUP_ARRIVALS", ORDERS)).unwrap_or_default();
    let trials = examples.into_iter().flat_map(|(example, lake, mark)| {
        seeds.clone().take(orders).map(move |seed| {
            Trial::test(format!("arrivals::{example}_{seed}"), move || arrive(example, lake, mark, seed))
        })
    });
    trials.collect()
}

/// Each load is a file that appears whole and has a number.
fn mark_stream(event: &mut Value, load: u64, _: u64) -> Result<(), Failed> {
    event["loadId"] = format!("{load:05}-202407").into();
    event["arrivedAt"] = (FIRST_LOAD + i64::try_from(load)? * HOUR).into();
    Ok(())
}

/// Each edit has its own time.
fn mark_edit(event: &mut Value, load: u64, minute: u64) -> Result<(), Failed> {
    let moment = FIRST_LOAD + i64::try_from(load)? * HOUR + i64::try_from(minute)? * 60_000;
    event["ingested_at"] = Timestamp::from_millisecond(moment)?.to_string().into();
    Ok(())
}

fn arrive(example: &str, lake: &str, mark: Mark, seed: u64) -> Result<(), Failed> {
    let mut random = Random(seed);
    let project = Project::copy(&format!("example_project/{example}"))?;
    let loads = 2 + random.below(4);
    let mut files: BTreeMap<(u64, PathBuf), String> = BTreeMap::new();
    for (topic, event) in events(&project.path().join(lake))? {
        let copies = 1 + u64::from(random.below(20) == 0);
        for _ in 0..copies {
            let (load, minute) = (random.below(loads), random.below(60));
            let mut event = event.clone();
            mark(&mut event, load, minute)?;
            writeln!(files.entry((load, topic.clone())).or_default(), "{event}")?;
        }
    }
    // Now and then a load overtakes those before it.
    let mut order: Vec<u64> = (0..loads).collect();
    if random.below(2) == 0 {
        order.sort_by_key(|_| random.below(u64::MAX));
    }
    for load in &order {
        for ((_, topic), lines) in files.iter().filter(|((of, _), _)| of == load) {
            let file = topic.join(format!("arrivals/load-{load}.jsonl"));
            fs::create_dir_all(file.parent().unwrap_or(&file))?;
            fs::write(file, lines)?;
        }
        project.succeed(&["run", "--exclude", "type:assertion"])?;
    }
    let grown = contents(&project)?;
    project.succeed(&["run", "--full-refresh", "--exclude", "type:assertion"])?;
    let rebuilt = contents(&project)?;
    let different: Vec<String> = rebuilt
        .iter()
        .filter(|(name, rows)| grown.get(*name) != Some(rows))
        .map(|(name, rows)| format!("{name}: {:?} grown, {rows} rebuilt", grown.get(name)))
        .collect();
    if rebuilt.len() < 4 {
        return Err(format!("there is next to nothing: {rebuilt:?}").into());
    }
    if different.is_empty() { Ok(()) } else { Err(format!("loads {order:?}:\n{}", different.join("\n")).into()) }
}

/// Takes the events out of the lake, each with the folder of its topic.
fn events(lake: &Path) -> Result<Vec<(PathBuf, Value)>, Failed> {
    let mut events = Vec::new();
    for entry in WalkDir::new(lake).sort_by_file_name() {
        let path = entry?.into_path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let topic = path.strip_prefix(lake)?.components().next().ok_or("a file without a topic")?;
        for line in fs::read_to_string(&path)?.lines() {
            events.push((lake.join(topic), serde_json::from_str(line)?));
        }
        fs::remove_file(path)?;
    }
    Ok(events)
}

/// For each relation the number of its rows and the sum of their hashes.
fn contents(project: &Project) -> Result<BTreeMap<String, String>, Failed> {
    let look = project.look(DATABASE)?;
    let names = look.texts(
        "select schema_name || '.' || table_name from duckdb_tables() where not internal and table_name <> 'trueup_history' union \
         select schema_name || '.' || view_name from duckdb_views() where not internal order by all",
    )?;
    let mut contents = BTreeMap::new();
    for name in names {
        let sum = look.texts(&format!(
            "select count(*) || ' rows ' || coalesce(sum(hash(found)::hugeint), 0) from {name} found"
        ))?;
        contents.insert(name, sum.concat());
    }
    Ok(contents)
}
