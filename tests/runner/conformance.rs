//! Recorded outputs of the real Dataform compiler: the same projects are compiled here, and the graphs compared.
//!
//! The recordings are no part of this repository. They are read from the folder that `TRUEUP_CONFORMANCE` names, or else
//! from `../shared/conformance` if it is there. Where trueup means to differ, `tests/conformance.md` says so: a heading is
//! the name of a case, the text below it the reason; if that is a list of files, only these may differ. A case that is
//! listed there and does not differ fails.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde_json::{Map, Value};
use trueup::artifact::dataform_graph;
use trueup::compile::{Compilation, compile};
use trueup::diagnostic::{Code, Diagnostic, Severity};
use trueup::files::{FileSystem, Memory};
use trueup::project::{Defaults, Naming, Overrides};

/// The lists of a graph whose entries are compared one by one.
const LISTS: [&str; 8] =
    ["tables", "operations", "assertions", "tests", "declarations", "notebooks", "dataPreparations", "propertyGraphs"];

/// The cases of upstream's tests were made by this version.
const UPSTREAM: &str = "3.0.65";

/// Those of our own by this one.
const OWN: &str = "3.0.62";

pub(crate) fn trials() -> Vec<Trial> {
    let named = std::env::var_os("TRUEUP_CONFORMANCE").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let folder = named.unwrap_or_else(beside);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let differences = differences();
    let mut trials = Vec::new();
    for path in paths {
        let suite = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !suite.starts_with("upstream_") && suite != "own" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
        let is_compiled = |case: &Value| match case.get("passed") {
            Some(passed) => *passed == Value::Bool(true),
            // The others were made to see the SQL that is sent.
            None => ["out", "out.json"].iter().any(|key| case.get(key).is_some()),
        };
        for case in cases.into_iter().filter(is_compiled) {
            let name = case["name"].as_str().unwrap_or_default();
            let name = name.trim_matches('_').to_owned();
            let difference = differences.get(&name).cloned();
            let title = format!("conformance::{suite}::{name}");
            trials.push(Trial::test(title, move || judge(&case, difference.as_ref())));
        }
    }
    if trials.is_empty() {
        let message = format!("no recordings of Dataform in {}: nothing is compared", folder.display());
        trials.push(Trial::test("conformance", move || Err(Failed::from(message))).with_ignored_flag(true));
    }
    trials
}

/// The files of a case that may differ; none for all of it.
type Spared = BTreeSet<String>;

/// By name of the case: what differs on purpose.
fn differences() -> BTreeMap<String, Spared> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let sections = text.split("\n## ").skip(1);
    let named = |section: &str| {
        let (name, why) = section.split_once('\n')?;
        let files = why.lines().filter_map(|line| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned()));
        Some((name.trim().to_owned(), files.collect()))
    };
    sections.filter_map(named).collect()
}

fn judge(case: &Value, difference: Option<&Spared>) -> Result<(), Failed> {
    let Some(spared) = difference else { return run(case, &Spared::new()) };
    if run(case, &Spared::new()).is_ok() {
        return Err("tests/conformance.md says that this differs, and it does not".into());
    }
    if spared.is_empty() { Ok(()) } else { run(case, spared) }
}

fn run(case: &Value, spared: &Spared) -> Result<(), Failed> {
    if let Some(graph) = case.get("graph") {
        return compare(case, graph, &overrides(case.get("override")), UPSTREAM, spared);
    }
    // What the command line changed is to be seen in the settings that came out.
    let compare = |graph: &Value| compare(case, graph, &overrides(graph.get("projectConfig")), OWN, spared);
    let printed = case.get("out.json").and_then(Value::as_str).and_then(|text| text.get(text.find("\n{")?..));
    let printed = printed.and_then(|text| serde_json::from_str(text).ok());
    compare(case.get("out").or(printed.as_ref()).unwrap_or(&Value::Null))?;
    case.get("out_suffix").map_or(Ok(()), compare)
}

/// The override of a recorded compilation, in the words of the command line.
fn overrides(written: Option<&Value>) -> Overrides {
    let text = |key: &str| Some(written?.get(key)?.as_str()?.to_owned());
    let vars = written.and_then(|written| written.get("vars")?.as_object());
    let vars = vars.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Overrides {
        environment: None,
        vars: vars.collect(),
        defaults: Defaults {
            database: text("defaultDatabase"),
            schema: text("defaultSchema"),
            assertion_schema: text("assertionSchema"),
            location: text("defaultLocation"),
        },
        naming: Naming {
            database_suffix: text("databaseSuffix"),
            schema_suffix: text("schemaSuffix"),
            name_prefix: text("tablePrefix"),
            scratch: None,
        },
        disable_assertions: written.and_then(|written| written.get("disableAssertions")) == Some(&Value::Bool(true)),
        default_reservation: text("defaultReservation"),
    }
}

fn compare(
    case: &Value,
    expected: &Value,
    overrides: &Overrides,
    version: &str,
    spared: &Spared,
) -> Result<(), Failed> {
    let mut memory = Memory::default();
    let files = case["files"].as_object().ok_or("the case has no files")?;
    for (path, text) in files {
        // A list of files does not hold those that a name with a dot hides.
        memory.write(path.as_str(), text.as_str().unwrap_or_default());
    }
    if !files.contains_key("package.json") {
        memory.write("package.json", format!(r#"{{ "dependencies": {{ "@dataform/core": "{version}" }} }}"#));
    }
    let files: Arc<dyn FileSystem> = Arc::new(memory);
    let thrown = expected.as_object().is_none_or(Map::is_empty);
    let compilation = match compile(&files, overrides, &|_| None) {
        Ok(compilation) => compilation,
        Err(_) if thrown => return Ok(()),
        Err(error) => return Err(error.to_string().into()),
    };
    if thrown {
        let why = case.get("thrown").or(case.get("out.err")).and_then(Value::as_str).unwrap_or_default();
        let found = own_errors(&compilation).next().is_some();
        return if found { Ok(()) } else { Err(format!("Dataform ends with: {why}").into()) };
    }
    let found: Value = serde_json::from_str(&dataform_graph(&compilation))?;
    let mut problems = Vec::new();
    let (theirs, ours) = (error_files(expected), own_error_files(&compilation));
    let real = |files: &BTreeMap<String, Vec<String>>| -> BTreeSet<String> {
        files.keys().filter(|file| *file != "index.js" && !spared.contains(*file)).cloned().collect()
    };
    // What Dataform finds when a name is looked up it reports at a file that is not there.
    let is_elsewhere = real(&theirs).is_empty() && theirs.contains_key("index.js") && !ours.is_empty();
    if real(&theirs) != real(&ours) && !is_elsewhere || spared.is_empty() && theirs.is_empty() != ours.is_empty() {
        problems.push(format!("errors in Dataform: {theirs:#?}\nerrors here: {ours:#?}"));
    }
    for list in LISTS {
        let is_spared = |entry: &Value| {
            let file = entry["fileName"].as_str().unwrap_or_default();
            theirs.contains_key(file) || ours.contains_key(file) || spared.contains(file)
        };
        let entries = |graph: &Value| -> Vec<Value> {
            let all = graph.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
            all.into_iter().filter(|entry| !is_spared(entry)).map(normalized).collect()
        };
        compare_entries(list, &entries(expected), &entries(&found), &mut problems);
    }
    if theirs.is_empty() && spared.is_empty() {
        for key in ["projectConfig", "targets", "jitData"] {
            let at = |graph: &Value| normalized(graph.get(key).cloned().unwrap_or_default());
            if at(expected) != at(&found) {
                problems.push(format!("{key}\n  Dataform: {}\n  here:     {}", at(expected), at(&found)));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

fn error_files(graph: &Value) -> BTreeMap<String, Vec<String>> {
    let errors = graph["graphErrors"]["compilationErrors"].as_array().cloned().unwrap_or_default();
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for error in errors {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        files.entry(text("fileName")).or_default().push(text("message"));
    }
    files
}

/// Errors but those in SQL, which Dataform does not read.
fn own_errors(compilation: &Compilation) -> impl Iterator<Item = &Diagnostic> {
    let is_of_sql = |code: Code| matches!(code, Code::SqlSyntax | Code::Untranslatable) || Code::CHECKS.contains(&code);
    let errors = compilation.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.filter(move |error| !is_of_sql(error.code))
}

/// The files that one of them points at.
fn own_error_files(compilation: &Compilation) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for error in own_errors(compilation) {
        // Both of two that are called alike, and all in a circle or in a conflict, are to blame; otherwise the first place.
        let all = matches!(error.code, Code::DuplicateAction);
        for label in error.labels.iter().take(if all { usize::MAX } else { 1 }) {
            let path = compilation.project.sources.get(label.span.file).path().to_string();
            files.entry(path).or_default().push(error.message.clone());
        }
    }
    files
}

/// YAML in a text is compared by what it says; a database without a name is none.
fn normalized(mut entry: Value) -> Value {
    without_empty_database(&mut entry);
    let yaml = entry.get("dataPreparationYaml").and_then(Value::as_str);
    if let Some(tree) = yaml.and_then(|yaml| serde_yaml::from_str::<Value>(yaml).ok()) {
        entry["dataPreparationYaml"] = tree;
    }
    entry
}

fn without_empty_database(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, value| key != "database" || *value != Value::String(String::new()));
            fields.values_mut().for_each(without_empty_database);
        }
        Value::Array(items) => items.iter_mut().for_each(without_empty_database),
        _ => {}
    }
}

fn compare_entries(list: &str, expected: &[Value], found: &[Value], problems: &mut Vec<String>) {
    let name = |entry: &Value| entry.get("target").unwrap_or(entry).to_string();
    let (theirs, ours): (Vec<String>, Vec<String>) =
        (expected.iter().map(name).collect(), found.iter().map(name).collect());
    if theirs != ours {
        problems.push(format!("{list}\n  Dataform: {theirs:#?}\n  here:     {ours:#?}"));
        return;
    }
    for (expected, found) in expected.iter().zip(found) {
        let keys: BTreeSet<&String> =
            [expected, found].iter().filter_map(|entry| entry.as_object()).flat_map(Map::keys).collect();
        for key in keys {
            if expected.get(key) != found.get(key) {
                let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
                problems.push(format!(
                    "{} {key}\n  Dataform: {}\n  here:     {}",
                    name(expected),
                    shown(expected.get(key)),
                    shown(found.get(key))
                ));
            }
        }
    }
}
