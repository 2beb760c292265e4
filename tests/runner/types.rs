//! `tests/types/*.md`: what trueup says of the type of an expression. A file is of one dialect. Its block `columns` is a table
//! `t`; each line of a block `types` is an expression and its type, or `?` where nobody knows. Behind it stands `null` if it
//! can be NULL from what the SQL says, and `not null` if it never is.
//!
//! The real engines are asked for the same expressions, and for all operators and functions that trueup knows with many types
//! of arguments. Where trueup has an answer it is the engine's; how often it has one is in [`Engine`]. They are asked, too, which
//! pairs of types they do not bring together: what trueup says is refused, or fails, is and does.

mod engines;

use std::fmt::Write;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use trueup::analysis::bind::{self, Known, Relations, Variables};
use trueup::analysis::bound::{Column, Columns, SourceKind, Statement};
use trueup::dialect::semantics::{Meeting, Operand, Outcome};
use trueup::dialect::{self, Dialect, syntax};
use trueup::relation::{DataType, Nullability};

use crate::markdown::{self, Block};
use engines::Engine;

/// One trial for each heading, and one for each dialect that has an engine.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in markdown::files("tests/types") {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let stem = markdown::stem(&path, "tests/types");
        let Some(table) = Table::read(&stem, &text) else { panic!("{}: no dialect, or no columns", path.display()) };
        for block in blocks(&text) {
            let (path, text, table) = (path.clone(), text.clone(), table.clone());
            trials.push(Trial::test(format!("types::{stem}::{}", block.heading), move || {
                check(&path, &text, &block, &table)
            }));
        }
        if let Some(engine) = Engine::of(&stem) {
            let is_there = engine.is_there();
            let columns = table.clone();
            let trial =
                Trial::test(format!("types::{stem}::agrees_with_the_engine"), move || agrees(engine, &columns, &text));
            trials.push(trial.with_ignored_flag(!is_there));
            let trial =
                Trial::test(format!("types::{stem}::refuses_what_the_engine_refuses"), move || refuses(engine, &table));
            trials.push(trial.with_ignored_flag(!is_there));
        }
    }
    trials
}

fn blocks(text: &str) -> impl Iterator<Item = Block> {
    markdown::blocks(text).into_iter().filter(|block| block.language == "types")
}

/// The table `t`.
#[derive(Clone)]
struct Table {
    dialect: &'static dyn Dialect,
    /// Names, and types as the dialect calls them.
    columns: Vec<(String, String)>,
    /// The names of those that are never NULL.
    not_null: Vec<String>,
}

impl Table {
    fn read(dialect: &str, text: &str) -> Option<Self> {
        let block = markdown::blocks(text).into_iter().find(|block| block.language == "columns")?;
        let (mut columns, mut not_null) = (Vec::new(), Vec::new());
        for line in block.text(text).lines() {
            let (name, kind) = line.split_once(' ')?;
            let kind = kind.strip_suffix(" not null").inspect(|_| not_null.push(name.to_owned())).unwrap_or(kind);
            columns.push((name.to_owned(), kind.to_owned()));
        }
        Some(Self { dialect: dialect::named(dialect)?, columns, not_null })
    }

    /// What trueup says of the first column of a query on the table: its name and its type.
    fn describe(&self, expression: &str) -> Option<Column> {
        let sql = format!("select {expression} from t");
        let statements = syntax::parse(&sql, self.dialect).ok()?;
        let semantics = self.dialect.semantics();
        let bound = bind::bind(&statements, semantics, semantics.names(), self, Variables::default());
        let [Statement::Query(query)] = bound.statements.as_slice() else { return None };
        query.columns.known.first().cloned()
    }

    /// The type that trueup knows, as the dialect calls it, and whether it can be NULL.
    fn type_of(&self, expression: &str) -> String {
        let column = self.describe(expression).unwrap_or_default();
        let is_known = !column.data_type.is_vague();
        let data_type = if is_known { self.dialect.semantics().type_name(&column.data_type) } else { "?".to_owned() };
        let nullable = match column.nullable {
            Nullability::NotNull => " not null",
            Nullability::Nullable => " null",
            Nullability::Unknown => "",
        };
        data_type + nullable
    }
}

impl Relations for Table {
    fn find(&self, _path: &[String]) -> Option<Known> {
        let semantics = self.dialect.semantics();
        let columns = self.columns.iter().map(|(name, kind)| Column {
            name: Some(name.as_str().into()),
            data_type: semantics.named_type(kind),
            nullable: if self.not_null.contains(name) { Nullability::NotNull } else { Nullability::Unknown },
            ..Column::default()
        });
        let columns = Columns::closed(columns.collect());
        Some(Known { kind: SourceKind::Undeclared, columns, keys: Vec::new(), is_whole: false })
    }
}

fn check(path: &Path, text: &str, block: &Block, table: &Table) -> Result<(), Failed> {
    if let Some((name, kind)) =
        table.columns.iter().find(|(_, kind)| table.dialect.semantics().named_type(kind) == DataType::Unknown)
    {
        return Err(format!("the type of `{name}` is not known: {kind}").into());
    }
    let mut found = String::new();
    for line in block.text(text).lines() {
        let expression = line.split_once(" => ").map_or(line, |(expression, _)| expression);
        let _ = writeln!(found, "{expression} => {}", table.type_of(expression));
    }
    markdown::compare(path, text, &[(block.clone(), found)], |expected, found| expected == found)
}

/// Where trueup knows a type, or the name of a column, it is the engine's.
fn agrees(engine: Engine, table: &Table, text: &str) -> Result<(), Failed> {
    let mut expressions: Vec<String> = Vec::new();
    for block in blocks(text) {
        let written = block.text(text).lines().filter_map(|line| line.split_once(" => "));
        expressions.extend(written.map(|(expression, _)| expression.to_owned()));
    }
    expressions.extend(engine.crossed(&table.columns)?);
    let answers = engine.describe(&table.columns, &expressions)?;
    let (mut known, mut asked, mut wrong) = (0_usize, 0_usize, String::new());
    for (expression, answer) in expressions.iter().zip(answers) {
        // What the engine does not take has no type.
        let Some(answer) = answer else { continue };
        asked += 1;
        let ours = table.describe(expression).unwrap_or_default();
        if !ours.data_type.is_vague() {
            known += 1;
            let data_type = table.dialect.semantics().type_name(&ours.data_type);
            if !engine.is_same_type(&data_type, &answer.data_type) {
                let _ = writeln!(wrong, "{expression}: {data_type}, and it is {}", answer.data_type);
            }
        }
        // GoogleSQL's analyzer does not say what BigQuery calls a column without a name.
        let named = ours.name.filter(|_| !answer.name.is_empty());
        if let Some(name) = named.filter(|name| **name != *answer.name) {
            let _ = writeln!(wrong, "{expression} is called `{name}`, and it is `{}`", answer.name);
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let percent = known * 100 / asked.max(1);
    if percent < engine.least_known() {
        return Err(format!("{known} of {asked} types are known, {percent} %").into());
    }
    Ok(())
}

/// Where two values meet, as SQL.
const MEETINGS: &[(Meeting, &str)] = &[
    (Meeting::Equality, "{0} = {1}"),
    (Meeting::Equality, "{0} in ({1})"),
    (Meeting::Equality, "nullif({0}, {1})"),
    (Meeting::Order, "{0} < {1}"),
    (Meeting::Membership, "{0} in (select {1} from t)"),
    (Meeting::Choice, "case when true then {0} else {1} end"),
    (Meeting::Choice, "coalesce({0}, {1})"),
    (Meeting::Union, "exists (select {0} from t union all select {1} from t)"),
    (Meeting::Sum, "{0} + {1}"),
    (Meeting::Difference, "{0} - {1}"),
    (Meeting::Product, "{0} * {1}"),
    (Meeting::Product, "{0} / {1}"),
    (Meeting::Pattern, "{0} like {1}"),
];

/// What is said to be refused is, and what is said to fail does.
fn refuses(engine: Engine, table: &Table) -> Result<(), Failed> {
    let semantics = table.dialect.semantics();
    let column = |(name, kind): &(String, String)| (name.clone(), semantics.named_type(kind), None);
    let mut values: Vec<(String, DataType, Option<&str>)> = table.columns.iter().map(column).collect();
    values.extend(["", "abc", "2024-01-01"].map(|text| (format!("'{text}'"), DataType::TEXT, Some(text))));
    values.extend(["1", "1.5"].map(|text| {
        let number = sqlparser::ast::Value::Number(text.to_owned(), false);
        (text.to_owned(), semantics.literal(&number), None)
    }));
    let (mut refused, mut failing, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for (one, data_type, literal) in &values {
        let first = Operand { data_type, literal: *literal, is_settled: true };
        for (other, data_type, literal) in &values {
            for (meeting, template) in MEETINGS {
                let literal = literal.filter(|_| *meeting != Meeting::Membership);
                let second = Operand { data_type, literal, is_settled: true };
                let said = match semantics.meets(*meeting, &first, &second) {
                    Outcome::Refused => &mut refused,
                    Outcome::Fails => &mut failing,
                    Outcome::Taken => &mut taken,
                };
                said.push(template.replace("{0}", one).replace("{1}", other));
            }
        }
        for template in ["case when {0} then 1 end", "not {0}"] {
            let said = match semantics.takes_as_condition(data_type) {
                _ if literal.is_some() => continue,
                Outcome::Refused => &mut refused,
                Outcome::Fails => &mut failing,
                Outcome::Taken => &mut taken,
            };
            said.push(template.replace("{0}", one));
        }
    }
    let mut wrong = String::new();
    let refused = engine.some_of(refused);
    for (expression, answer) in refused.iter().zip(engine.describe(&table.columns, &refused)?) {
        if answer.is_some() {
            let _ = writeln!(wrong, "{expression} is taken");
        }
    }
    for (expression, fails) in failing.iter().zip(engine.fails(&table.columns, &failing)?) {
        if !fails {
            let _ = writeln!(wrong, "{expression} does not fail");
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let taken = engine.some_of(taken);
    let unknown = engine.describe(&table.columns, &taken)?.iter().filter(|answer| answer.is_none()).count();
    let percent = refused.len() * 100 / (refused.len() + unknown).max(1);
    if percent < 60 {
        return Err(format!("{percent} % of what is refused is known: {} and {unknown} others", refused.len()).into());
    }
    Ok(())
}
