//! `tests/translate/<warehouse>/*.md`: statements of a warehouse, and the rows that it returns for them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use duckdb::Connection;
use libtest_mimic::{Failed, Trial};
use trueup::dialect::{self, translate};
use walkdir::WalkDir;

/// A heading with its blocks.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) warehouse: String,
    pub(crate) setup: String,
    pub(crate) sql: String,
    pub(crate) rows: Option<String>,
    problems: Option<String>,
}

/// One trial for each heading.
pub(crate) fn trials() -> Vec<Trial> {
    let trials =
        cases().into_iter().map(|(name, case)| Trial::test(format!("translate::{name}"), move || check(&case)));
    trials.collect()
}

/// All headings, each with the names of its folder and file in front.
pub(crate) fn cases() -> Vec<(String, Case)> {
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

fn of_file(folder: &Path, file: &Path) -> Vec<(String, Case)> {
    let stem = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    read(&text)
        .into_iter()
        .map(|case| {
            let name = format!("{}::{}", stem.display(), case.title).replace('/', "::");
            (name, case)
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
    let translated = translate::translate(&case.sql, from, &dialect::DuckDb);
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

/// The header and the rows of the last statement, columns parted by ` | `, each value as DuckDB writes it in UTC.
fn rows(setup: &str, sql: &str) -> Result<String, duckdb::Error> {
    let connection = Connection::open_in_memory()?;
    // No result may depend on where the machine stands.
    connection.execute_batch("set timezone = 'America/New_York'; set threads = 1;")?;
    connection.execute_batch(setup)?;
    let (before, last) = split(sql);
    connection.execute_batch(before)?;
    connection.execute_batch(&format!("create temp table _result as {last}"))?;
    connection.execute_batch("set timezone = 'UTC'")?;
    let mut statement = connection.prepare("select columns(*)::varchar from _result order by rowid")?;
    let mut lines = Vec::new();
    let mut rows = statement.query([])?;
    let names = rows.as_ref().map(duckdb::Statement::column_names).unwrap_or_default();
    while let Some(row) = rows.next()? {
        let cells = (0..names.len()).map(|place| row.get::<_, Option<String>>(place));
        let cells: Vec<String> =
            cells.map(|cell| Ok(cell?.unwrap_or_else(|| "NULL".to_owned()))).collect::<Result<_, duckdb::Error>>()?;
        lines.push(cells.join(" | "));
    }
    Ok(std::iter::once(names.join(" | ")).chain(lines).map(|line| line + "\n").collect())
}

/// What stands before the last statement, and that. Our printer ends statements with `;` and a line break.
fn split(sql: &str) -> (&str, &str) {
    let sql = sql.trim_end().trim_end_matches(';');
    match sql.rfind(";\n") {
        Some(end) => (&sql[..=end], &sql[end + 2..]),
        None => ("", sql),
    }
}
