//! `tests/translate/<warehouse>/*.md`: statements of a warehouse, and the rows that it returns for them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use duckdb::Connection;
use libtest_mimic::{Failed, Trial};
use trueup::dialect::{self, translate};
use walkdir::WalkDir;

/// A heading with its blocks.
#[derive(Debug, Default)]
struct Case {
    title: String,
    warehouse: String,
    setup: String,
    sql: String,
    rows: Option<String>,
    problems: Option<String>,
}

/// One trial for each heading.
pub(crate) fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/translate");
    let mut files: Vec<PathBuf> = WalkDir::new(&folder)
        .min_depth(2)
        .into_iter()
        .filter_map(Result::ok)
        .map(walkdir::DirEntry::into_path)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| of_file(&folder, file)).collect()
}

fn of_file(folder: &Path, file: &Path) -> Vec<Trial> {
    let stem = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    read(&text)
        .into_iter()
        .map(|case| {
            let name = format!("translate::{}::{}", stem.display(), case.title).replace('/', "::");
            Trial::test(name, move || check(&case))
        })
        .collect()
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut block: Option<(String, String)> = None;
    for line in text.lines() {
        match &mut block {
            Some((words, content)) if line == "```" => {
                if let Some(case) = cases.last_mut() {
                    let content = std::mem::take(content);
                    match words.split_once(' ').unwrap_or((words.as_str(), "")) {
                        ("sql", "duckdb") => case.setup = content,
                        ("sql", warehouse) => {
                            warehouse.clone_into(&mut case.warehouse);
                            case.sql = content;
                        }
                        ("rows", _) => case.rows = Some(content),
                        ("problem", _) => case.problems = Some(content),
                        _ => {}
                    }
                }
                block = None;
            }
            Some((_, content)) => {
                content.push_str(line);
                content.push('\n');
            }
            None => {
                if let Some(words) = line.strip_prefix("```") {
                    block = Some((words.to_owned(), String::new()));
                } else if let Some(title) =
                    line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
                {
                    cases.push(Case { title: title.to_owned(), ..Case::default() });
                }
            }
        }
    }
    cases.retain(|case| !case.sql.is_empty());
    cases
}

fn check(case: &Case) -> Result<(), Failed> {
    let from = dialect::named(&case.warehouse).ok_or_else(|| format!("no warehouse is called `{}`", case.warehouse))?;
    let translated = translate::to_duckdb(&case.sql, from);
    match (&case.problems, &case.rows) {
        (Some(expected), None) => {
            let problems = match translated {
                Ok(text) => return Err(format!("no problem, but:\n{text}").into()),
                Err(problems) => problems,
            };
            let found: String = problems.iter().fold(String::new(), |mut text, problem| {
                let at = case.sql.get(problem.range.clone()).unwrap_or("outside of the text");
                let _ =
                    writeln!(text, "{} at {}", problem.message, at.split_whitespace().collect::<Vec<_>>().join(" "));
                if let Some(help) = &problem.help {
                    let _ = writeln!(text, "  help: {help}");
                }
                text
            });
            same(expected, &found, "")
        }
        (None, Some(expected)) => {
            let text = translated.map_err(|problems| format!("problems: {problems:#?}"))?;
            let found = rows(&case.setup, &text).unwrap_or_else(|error| format!("error: {error}\n"));
            same(expected, &found, &text)
        }
        _ => Err("a case has either rows or a problem".into()),
    }
}

fn same(expected: &str, found: &str, text: &str) -> Result<(), Failed> {
    let tidy =
        |text: &str| text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    // An expected error is the start of the message.
    if let (Some(expected), Some(found)) = (expected.strip_prefix("error: "), found.strip_prefix("error: "))
        && found.contains(expected.trim())
    {
        return Ok(());
    }
    if tidy(expected) == tidy(found) {
        return Ok(());
    }
    Err(format!("expected:\n{}\nfound:\n{}\nby:\n{text}", tidy(expected), tidy(found)).into())
}

/// The header and the rows of the last statement, columns parted by ` | `.
fn rows(setup: &str, sql: &str) -> Result<String, duckdb::Error> {
    let connection = Connection::open_in_memory()?;
    // Results must not depend on where the machine stands.
    connection.execute_batch("set timezone = 'America/New_York'; set threads = 1;")?;
    connection.execute_batch(setup)?;
    let (before, last) = split(sql);
    connection.execute_batch(before)?;
    let mut statement = connection.prepare(last)?;
    let mut text = String::new();
    let mut lines = Vec::new();
    let names: Vec<String>;
    {
        let mut rows = statement.query([])?;
        names = rows.as_ref().map(|statement| statement.column_names()).unwrap_or_default();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::new();
            for place in 0..names.len() {
                cells.push(cell(&row.get::<_, duckdb::types::Value>(place)?));
            }
            lines.push(cells.join(" | "));
        }
    }
    text.push_str(&names.join(" | "));
    text.push('\n');
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

/// What stands before the last statement, and that. Our printer ends statements with `;` and a line break.
fn split(sql: &str) -> (&str, &str) {
    let sql = sql.trim_end().trim_end_matches(';');
    match sql.rfind(";\n") {
        Some(end) => (&sql[..=end], &sql[end + 2..]),
        None => ("", sql),
    }
}

/// A value as BigQuery's console shows it, with NULL for none.
fn cell(value: &duckdb::types::Value) -> String {
    use duckdb::types::Value;
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::TinyInt(value) => value.to_string(),
        Value::SmallInt(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::BigInt(value) => value.to_string(),
        Value::HugeInt(value) => value.to_string(),
        Value::UTinyInt(value) => value.to_string(),
        Value::USmallInt(value) => value.to_string(),
        Value::UInt(value) => value.to_string(),
        Value::UBigInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Double(value) => format!("{value:?}"),
        Value::Decimal(value) => value.to_string(),
        Value::Text(value) => value.clone(),
        other => format!("{other:?}"),
    }
}
