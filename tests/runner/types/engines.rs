//! The engines that say what the type of an expression really is.

use std::fmt::Write;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use duckdb::Connection;
use libtest_mimic::Failed;

use crate::{bigquery, postgres_server};

/// An engine that can be asked.
#[derive(Clone, Copy)]
pub(super) enum Engine {
    BigQuery,
    DuckDb,
    Postgres,
}

/// Of so many functions one is tried with each pair of arguments.
const STRIDE: usize = 20;

/// What it says of an expression.
pub(super) struct Answer {
    pub(super) name: String,
    pub(super) data_type: String,
}

impl Engine {
    pub(super) fn of(dialect: &str) -> Option<Self> {
        Some(match dialect {
            "bigquery" => Self::BigQuery,
            "duckdb" => Self::DuckDb,
            "postgres" => Self::Postgres,
            _ => return None,
        })
    }

    pub(super) fn is_there(self) -> bool {
        match self {
            Self::BigQuery => bigquery::has_python(),
            Self::DuckDb => true,
            Self::Postgres => postgres_server::programs().is_some(),
        }
    }

    /// Of a hundred expressions that the engine takes, the type of so many is known, or more.
    pub(super) fn least_known(self) -> usize {
        match self {
            Self::BigQuery | Self::DuckDb => 70,
            Self::Postgres => 80,
        }
    }

    /// Whether two names of types mean the same.
    pub(super) fn is_same_type(self, one: &str, other: &str) -> bool {
        // A `varchar` without a limit is told from `text` by nothing that matters, and so are times by their digits.
        let text = |name: &str| match name.strip_prefix("character varying") {
            Some(rest) if !rest.starts_with('(') => format!("text{rest}"),
            _ if name.starts_with("time") => name.replace(|letter: char| "(0123456)".contains(letter), ""),
            _ => name.to_owned(),
        };
        one == other || matches!(self, Self::Postgres) && text(one) == text(other)
    }

    /// All operators and functions of the dialect, with columns of many types. Most are nonsense, which the engine refuses.
    pub(super) fn crossed(self, columns: &[(String, String)]) -> Result<Vec<String>, Failed> {
        let (dialect, others) = match self {
            Self::BigQuery => ("bigquery", "1 1.5 'a' null day"),
            Self::DuckDb => ("duckdb", "1 1.5 'a' null 'epoch'"),
            Self::Postgres => ("postgres", "1 1.5 'a' null '1'"),
        };
        let table = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/dialect/semantics/{dialect}.signatures"));
        let table = std::fs::read_to_string(table)?;
        let mut functions: Vec<&str> = table
            .lines()
            .filter_map(|line| line.split_once('('))
            .map(|(name, _)| name)
            .filter(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter)))
            .filter(|name| {
                !["and", "array", "between", "case", "exists", "extract", "in", "like", "not", "or"].contains(name)
            })
            .collect();
        functions.dedup();
        let columns: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<&str> = columns.iter().copied().chain(others.split(' ')).collect();
        let mut crossed: Vec<String> = functions.iter().map(|name| format!("{name}()")).collect();
        for one in &values {
            crossed.extend(functions.iter().map(|name| format!("{name}({one})")));
            for other in &values {
                let operators = ["+", "-", "*", "/", "%", "||", "^", "<", "="];
                crossed.extend(operators.iter().map(|sign| format!("{one} {sign} {other}")));
                crossed.push(format!("case when true then {one} else {other} end"));
                crossed.push(format!("coalesce({one}, {other})"));
            }
        }
        // All pairs would take minutes, and GoogleSQL's analyzer takes its time.
        let pairs = values.iter().flat_map(|one| values.iter().map(move |other| (one, other)));
        for (number, (one, other)) in pairs.enumerate() {
            let some = functions.iter().skip(number % STRIDE).step_by(STRIDE);
            crossed.extend(some.map(|name| format!("{name}({one}, {other})")));
        }
        Ok(self.some_of(crossed))
    }

    /// As many of these as it answers in a short time.
    pub(super) fn some_of(self, expressions: Vec<String>) -> Vec<String> {
        expressions.into_iter().step_by(if matches!(self, Self::BigQuery) { 10 } else { 1 }).collect()
    }

    /// Whether expressions that it takes fail on a table `t` that has a row without NULLs.
    pub(super) fn fails(self, columns: &[(String, String)], expressions: &[String]) -> Result<Vec<bool>, Failed> {
        if expressions.is_empty() {
            return Ok(Vec::new());
        }
        let Self::DuckDb = self else { return Err("nothing fails that is taken".into()) };
        let connection = Connection::open_in_memory()?;
        let list = |part: &dyn Fn(&(String, String)) -> String| columns.iter().map(part).collect::<Vec<_>>().join(", ");
        connection.execute_batch(&format!("create table t ({})", list(&|(name, kind)| format!("{name} {kind}"))))?;
        connection.execute_batch(&format!("insert into t values ({})", list(&|(_, kind)| some_value(kind))))?;
        let fails = |expression: &String| {
            // That there are rows can be told without making their values.
            let sql = match expression.strip_prefix("exists ") {
                Some(query) => format!("select list(x) from {query} as u(x)"),
                None => format!("select {expression} from t"),
            };
            connection.query_row(&sql, [], |_| Ok(())).is_err()
        };
        Ok(expressions.iter().map(fails).collect())
    }

    /// What it says of expressions on the table `t`; nothing of one that it does not take.
    pub(super) fn describe(
        self,
        columns: &[(String, String)],
        expressions: &[String],
    ) -> Result<Vec<Option<Answer>>, Failed> {
        let columns: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        match self {
            Self::BigQuery => describe_on_bigquery(&columns, expressions),
            Self::DuckDb => describe_on_duckdb(&columns, expressions),
            Self::Postgres => describe_on_postgres(&columns, expressions),
        }
    }
}

/// A value of a type of DuckDB.
fn some_value(data_type: &str) -> String {
    let value = match data_type.split(['(', ' ']).next().unwrap_or_default() {
        "BLOB" => "'a'::blob",
        "DATE" | "TIMESTAMP" => "'2024-01-01'",
        "TIME" => "'10:00:00'",
        "INTERVAL" => "interval 1 day",
        "UUID" => "uuid()",
        "MAP" => "map {'a': 1}",
        "STRUCT" => "{'a': 1, 'b': 'x'}",
        list if list.ends_with("[]") => "['1']",
        _ => "'1'",
    };
    format!("cast({value} as {data_type})")
}

fn describe_on_duckdb(columns: &[String], expressions: &[String]) -> Result<Vec<Option<Answer>>, Failed> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&format!("create table t ({})", columns.join(", ")))?;
    let describe = |expression: &String| {
        let sql = format!("select column_name, column_type from (describe select {expression} from t)");
        connection
            .query_row(&sql, [], |row| Ok(Answer { name: row.get(0)?, data_type: row.get(1)? }))
            .ok()
            // That of a value that is never anything but NULL.
            .filter(|answer| answer.data_type != "\"NULL\"")
    };
    Ok(expressions.iter().map(describe).collect())
}

/// `\gdesc` shows the columns of a statement that is prepared and not run.
fn describe_on_postgres(columns: &[String], expressions: &[String]) -> Result<Vec<Option<Answer>>, Failed> {
    let server = postgres_server::Server::shared()?;
    let mut script = format!("\\pset tuples_only on\ncreate temporary table t ({});\n", columns.join(", "));
    for (number, expression) in expressions.iter().enumerate() {
        let _ = writeln!(script, "\\echo @{number}\nselect {expression} from t \\gdesc");
    }
    let mut psql = server.psql_command("postgres");
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut input = psql.stdin.take().ok_or("no input")?;
    let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
    let output = String::from_utf8_lossy(&psql.wait_with_output()?.stdout).into_owned();
    writer.join().map_err(|_| "psql did not read all")??;
    let mut answers: Vec<Option<Answer>> = expressions.iter().map(|_| None).collect();
    let mut number = None;
    for line in output.lines() {
        if let Some(next) = line.strip_prefix('@') {
            number = next.parse::<usize>().ok();
        } else if let Some((name, data_type)) = line.rsplit_once(" | ")
            && let Some(answer) = number.and_then(|number| answers.get_mut(number))
        {
            *answer = Some(Answer { name: name.to_owned(), data_type: data_type.to_owned() });
        }
    }
    Ok(answers)
}

/// The analyzer of the stand-in, without its server.
fn describe_on_bigquery(columns: &[String], expressions: &[String]) -> Result<Vec<Option<Answer>>, Failed> {
    let Some(mut python) = bigquery::python("describe.py")? else {
        return Ok(expressions.iter().map(|_| None).collect());
    };
    let mut python = python.args(columns).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = python.stdin.take().ok_or("no input")?;
    let text = expressions.join("\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = python.wait_with_output()?;
    writer.join().map_err(|_| "the analyzer did not read all")??;
    let lines = String::from_utf8_lossy(&output.stdout);
    let answer = |line: &str| {
        let (name, data_type) = line.split_once('\t')?;
        Some(Answer { name: name.to_owned(), data_type: data_type.to_owned() })
    };
    let answers: Vec<Option<Answer>> = lines.lines().map(answer).collect();
    if answers.len() == expressions.len() { Ok(answers) } else { Err("the analyzer ended early".into()) }
}
