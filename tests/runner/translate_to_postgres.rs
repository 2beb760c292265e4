//! The statements of `tests/translate` in PostgreSQL's words, on a real server: the rows are those that the warehouse
//! returns, or the statement stands in `tests/translate/to_postgres.md` as one that has no translation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use duckdb::Connection;
use libtest_mimic::{Failed, Trial};
use trueup::dialect::{self, Dialect as _, translate};

use crate::postgres_server::{self, Server};
use crate::translate::{Case, cases};

/// One trial for each dialect that is translated to PostgreSQL's.
pub(crate) fn trials() -> Vec<Trial> {
    let is_installed = postgres_server::programs().is_some();
    let mut of_dialect: BTreeMap<String, Vec<(String, Case)>> = BTreeMap::new();
    for (name, case) in cases() {
        let from = dialect::named(&case.warehouse);
        if case.rows.is_some() && from.is_some_and(|from| dialect::Postgres.translation_from(from).is_some()) {
            of_dialect.entry(case.warehouse.clone()).or_default().push((name, case));
        }
    }
    let trials = of_dialect.into_iter().map(|(warehouse, cases)| {
        let name = format!("translate_to_postgres::{warehouse}");
        Trial::test(name, move || check(&warehouse, &cases)).with_ignored_flag(!is_installed)
    });
    trials.collect()
}

fn check(warehouse: &str, cases: &[(String, Case)]) -> Result<(), Failed> {
    let server = Server::shared()?;
    let from = dialect::named(warehouse).ok_or("no such dialect")?;
    let (mut missing, mut refused, mut longer, mut wrong) = <(String, String, String, String)>::default();
    for (number, (name, case)) in cases.iter().enumerate() {
        let sql = match translate::translate(&case.sql, from, &dialect::Postgres) {
            Ok(sql) => sql,
            Err(problems) => {
                let _ = writeln!(missing, "- {name}: {}", problems[0].message);
                continue;
            }
        };
        let setup = match tables(&case.setup) {
            Ok(setup) => setup,
            Err(reason) => {
                let _ = writeln!(missing, "- {name}: the test's {reason}");
                continue;
            }
        };
        let schema = format!("{warehouse}_{number}");
        let found = rows(server, &schema, &setup, &sql)?;
        let expected = case.rows.as_deref().unwrap_or_default();
        let found = without_numbers(&found);
        if expected.starts_with("error: ") && found.starts_with("error: ") || is_same(expected, &found, is_same_cell) {
            continue;
        }
        // Never rows that are wrong: an error of the server, or a number with digits behind those of the warehouse.
        if let Some(error) = found.strip_prefix("error: ") {
            let _ = writeln!(refused, "- {name}: {}", error.lines().next().unwrap_or_default());
        } else if is_same(expected, &found, |one, other| is_same_cell(one, other) || has_more_digits(one, other)) {
            let _ = writeln!(longer, "- {name}");
        } else {
            let _ = writeln!(wrong, "{name}\nexpected:\n{expected}found:\n{found}by:\n{sql}\n");
        }
    }
    let text = format!(
        "# Statements of {warehouse} that PostgreSQL does not run as they are\n\n\
         Each is a mistake that the user sees. The tests write this list.\n\n{missing}\n\
         ## The server refuses these\n\n{refused}\n## Decimals have more digits\n\n{longer}"
    );
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/translate/{warehouse}_to_postgres.md"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&list, &text)?;
    }
    let listed = fs::read_to_string(&list).unwrap_or_default();
    if listed != text {
        let _ = writeln!(wrong, "{} is not up to date (UPDATE=1 writes it):\n{text}", list.display());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// The tables that DuckDB makes of this, as PostgreSQL makes them.
fn tables(setup: &str) -> Result<String, String> {
    let text = |error: duckdb::Error| error.to_string();
    let connection = Connection::open_in_memory().map_err(text)?;
    connection.execute_batch("set timezone = 'UTC'").map_err(text)?;
    connection.execute_batch(setup).map_err(text)?;
    let strings = |sql: &str| -> Result<Vec<Vec<Option<String>>>, duckdb::Error> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let count = row.as_ref().column_count();
            all.push((0..count).map(|place| row.get(place)).collect::<Result<_, _>>()?);
        }
        Ok(all)
    };
    let mut sql = String::new();
    let tables = strings("select schema_name, table_name from duckdb_tables() order by table_oid").map_err(text)?;
    for table in tables {
        let [Some(schema), Some(table)] = table.as_slice() else { continue };
        let columns = strings(&format!(
            "select column_name, data_type from duckdb_columns() where schema_name = '{schema}' and table_name = '{table}' order by column_index"
        ))
        .map_err(text)?;
        let mut described = Vec::new();
        for column in &columns {
            let [Some(name), Some(kind)] = column.as_slice() else { continue };
            described.push(format!(
                "\"{}\" {}",
                name.to_lowercase(),
                type_of(kind).ok_or(format!("table has a column of type {kind}"))?
            ));
        }
        let path = if schema == "main" {
            format!("\"{table}\"")
        } else {
            let _ = writeln!(sql, "create schema if not exists \"{schema}\";");
            format!("\"{schema}\".\"{table}\"")
        };
        let _ = writeln!(sql, "drop table if exists {path}; create table {path} ({});", described.join(", "));
        for row in strings(&format!("select columns(*)::varchar from \"{schema}\".\"{table}\"")).map_err(text)? {
            let values = row.iter().zip(&columns).map(|(value, column)| {
                let is_list = column.get(1).and_then(Option::as_deref).is_some_and(|kind| kind.ends_with(']'));
                value
                    .as_ref()
                    .map(|value| if is_list { value.replace('[', "{").replace(']', "}") } else { value.clone() })
            });
            let values: Vec<String> = values
                .map(|value| {
                    value.as_ref().map_or("null".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
                })
                .collect();
            let _ = writeln!(sql, "insert into {path} values ({});", values.join(", "));
        }
    }
    Ok(sql)
}

fn type_of(duckdb: &str) -> Option<&str> {
    Some(match duckdb {
        "VARCHAR" => "text",
        "DOUBLE" => "double precision",
        "FLOAT" => "real",
        "HUGEINT" => "numeric",
        "JSON" => "jsonb",
        "VARCHAR[]" => "text[]",
        "INTEGER[]" => "integer[]",
        "BIGINT[]" => "bigint[]",
        "TINYINT" => "smallint",
        plain if plain.contains(['[', '<']) || plain.starts_with("STRUCT") || plain == "BLOB" => return None,
        plain => plain,
    })
}

/// The header and the rows of the last statement.
fn rows(server: &Server, schema: &str, setup: &str, sql: &str) -> Result<String, Failed> {
    let database = "postgres";
    let sql = sql.trim_end().trim_end_matches(';');
    let (before, last) = sql.rsplit_once(";\n").unwrap_or(("", sql));
    let script = format!(
        "set client_min_messages = error;\nset timezone = 'UTC';\ncreate schema \"{schema}\";\nset search_path = \"{schema}\";\n{setup}\
         {before};\n\\echo _rows_\n{last};\n"
    );
    let output = server.psql_script(database, &script)?;
    match output {
        Ok(text) => Ok(text.split_once("_rows_\n").map_or(String::new(), |(_, rows)| rows.to_owned())),
        Err(error) => Ok(format!("error: {error}\n")),
    }
}

/// Without the numbers that DuckDB puts behind names of columns that occur twice.
fn without_numbers(rows: &str) -> String {
    let Some((head, rest)) = rows.split_once('\n').filter(|_| !rows.starts_with("error: ")) else {
        return rows.to_owned();
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let names = head.split(" | ").map(|name| {
        let count = seen.entry(name).and_modify(|count| *count += 1).or_insert(0);
        if *count == 0 { name.to_owned() } else { format!("{name}_{count}") }
    });
    format!("{}\n{rest}", names.collect::<Vec<_>>().join(" | "))
}

/// Whether there are the same columns and rows, names in any case of letters.
fn is_same(expected: &str, found: &str, is_same_cell: fn(&str, &str) -> bool) -> bool {
    let lines = |text: &str| -> Vec<Vec<String>> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.split(" |").map(|cell| cell.trim().to_owned()).collect()).collect()
    };
    let (expected, found) = (lines(expected), lines(found));
    expected.len() == found.len()
        && expected.iter().zip(&found).enumerate().all(|(number, (expected, found))| {
            let is_same = |one: &str, other: &str| {
                if number == 0 { one.eq_ignore_ascii_case(other) } else { is_same_cell(one, other) }
            };
            expected.len() == found.len() && expected.iter().zip(found).all(|(one, other)| is_same(one, other))
        })
}

/// The same number, truth, JSON or length of time, as each of the two writes it.
fn is_same_cell(expected: &str, found: &str) -> bool {
    if expected == found {
        return true;
    }
    if let (Ok(one), Ok(other)) = (expected.parse::<f64>(), found.parse::<f64>()) {
        return (one - other).abs() <= 1e-12 * one.abs().max(1.0);
    }
    match expected {
        "true" => found == "t",
        "false" => found == "f",
        json if json.starts_with(['{', '[']) => {
            let bare = |text: &str| text.replace([' ', '"', '[', ']', '{', '}', '\''], "");
            bare(json) == bare(found)
        }
        time => time.replace("month", "mon") == found,
    }
}

/// Whether a number is the same as far as the digits go that are expected.
fn has_more_digits(expected: &str, found: &str) -> bool {
    let digits = expected.split_once('.').map_or(0, |(_, digits)| digits.len());
    match (expected.parse::<f64>(), found.parse::<f64>()) {
        (Ok(expected), Ok(found)) if found.fract() != 0.0 && digits > 0 => {
            (expected - found).abs() <= 0.5001 * 10_f64.powi(-i32::try_from(digits).unwrap_or(0))
        }
        _ => false,
    }
}
