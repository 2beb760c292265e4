//! What is read of each dialect, and what is refused and how.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trueup::dialect::{self, Dialect, syntax};

/// One trial for each statement of `tests/syntax/*/accepted.sql`, and one for `tests/syntax/refused.md`.
pub(crate) fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/syntax");
    let mut trials = Vec::new();
    for name in dialect::names() {
        let dialect = dialect(name);
        let text = read(&folder.join(name).join("accepted.sql"));
        for (index, statement) in text.split("\n----\n").map(str::to_owned).enumerate() {
            let title = format!("syntax::accepted::{name}::{}", index + 1);
            trials.push(Trial::test(title, move || accepted(&statement, dialect)));
        }
    }
    let file = folder.join("refused.md");
    trials.push(Trial::test("syntax::refused", move || refused(&file)));
    trials.push(Trial::test("syntax::never_panics", || never_panics(&words())));
    trials.push(Trial::test("syntax::deep_texts_end_in_a_problem", || {
        deep_texts_end_in_a_problem();
        Ok(())
    }));
    trials
}

fn dialect(name: &str) -> &'static dyn Dialect {
    dialect::named(name).unwrap_or_else(|| panic!("no dialect {name}"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn accepted(sql: &str, dialect: &dyn Dialect) -> Result<(), Failed> {
    match syntax::check(sql, dialect).first() {
        Some(problem) => Err(format!("{}\n{sql}", problem.message).into()),
        None => Ok(()),
    }
}

/// Compares the whole file with itself, its outputs written anew; `UPDATE=1` keeps the new one.
fn refused(file: &PathBuf) -> Result<(), Failed> {
    let text = read(file);
    let mut renewed = String::new();
    let mut blocks = text.split("```");
    renewed += blocks.next().unwrap_or_default();
    let mut said = String::new();
    while let (Some(block), Some(prose)) = (blocks.next(), blocks.next()) {
        let (language, body) = block.split_once('\n').unwrap_or((block, ""));
        let body = if language == "output" {
            said.as_str()
        } else {
            said = output(body.trim_end(), dialect(language));
            body
        };
        write!(renewed, "```{language}\n{body}```{prose}")?;
    }
    if renewed != text {
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(file, renewed)?;
            return Ok(());
        }
        let changes = text.lines().zip(renewed.lines()).find(|(old, new)| old != new);
        return Err(format!("the outputs differ, first (expected, found): {changes:?}").into());
    }
    Ok(())
}

/// The problems of a text, each with its line and carets.
fn output(sql: &str, dialect: &dyn Dialect) -> String {
    let mut output = String::new();
    for problem in syntax::check(sql, dialect) {
        let severity = if problem.certain { "error" } else { "warning" };
        let start = sql[..problem.range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = sql[start..].lines().next().unwrap_or_default();
        let indent = " ".repeat(sql[start..problem.range.start].chars().count());
        let carets = "^".repeat(sql[problem.range.clone()].chars().count().max(1));
        let _ = writeln!(output, "{severity}: {}\n  {line}\n  {indent}{carets}", problem.message);
        if let Some(help) = problem.help {
            let _ = writeln!(output, "  help: {help}");
        }
    }
    output
}

/// Texts of the words and signs that SQL is made of, in any order, and of any characters at all.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(
            "select from where group by order having limit join left on using and or not case when then else end as with \
             union all insert into values create table view begin if loop declare pivot array struct < > ( ) [ ] { } , ; . \
             * = + - || |> :: => -> 'x' \" ` ' /* */ -- \n $$ # @ e' 1 a b äö interval date cast over partition"
                .split(' ')
                .collect::<Vec<_>>()
        )
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

fn never_panics(texts: &impl Strategy<Value = String>) -> Result<(), Failed> {
    let config = Config { failure_persistence: None, ..Config::with_cases(500) };
    TestRunner::new(config).run(texts, |sql| {
        for name in dialect::names() {
            for problem in syntax::check(&sql, dialect(name)) {
                prop_assert!(sql.get(problem.range.clone()).is_some(), "{problem:?}");
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// On the stack of an ordinary thread: parsed, printed, compared and dropped.
fn deep_texts_end_in_a_problem() {
    let repeated = [
        ("select ", "(", "1", ")"),
        ("select ", "f(", "1", ")"),
        ("select ", "- ", "1", ""),
        ("select ", "not ", "true", ""),
        ("select ", "case when true then ", "1", " end"),
        ("select ", "[", "1", "]"),
        ("select * from ", "(select * from ", "t", ")"),
        ("select * from ", "(", "t", ")"),
        ("select cast(x as ", "array<", "int", ">"),
        ("", "with a as (", "select 1", ") select * from a"),
        ("select 1", " union all select 1", "", ""),
        ("select 1", " + 1", "", ""),
        ("select * from t where a", " or a", "", ""),
        ("select * from t", " cross join t", "", ""),
        ("select x", ".a", "", ""),
        ("select x", "[1]", "", ""),
        ("select x", "::int", "", ""),
        ("", "begin ", "", "end; "),
        ("", "explain ", "select 1", ""),
    ];
    for (start, open, middle, close) in repeated {
        for depth in [40, 95, 1_000, 20_000] {
            let sql = format!("{start}{}{middle}{}", open.repeat(depth), close.repeat(depth));
            for name in dialect::names() {
                let _ = syntax::check(&sql, dialect(name));
                if let Ok(statements) = syntax::parse(&sql, dialect(name)) {
                    let again = statements.clone();
                    let _ = (
                        again == statements,
                        format!("{statements:?}").len(),
                        statements.first().map(ToString::to_string),
                    );
                }
            }
        }
    }
}
