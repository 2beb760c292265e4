//! Compares the rows that a query gives with those of a table, in the warehouse: first by counts and sums of hashes for each
//! interval of time, in one look at each side, then row by row where these differ.

use crate::dialect::Dialect;
use crate::plan::statement::Statement;
use crate::relation::{Column, Width};

/// How many intervals a condition names at the most; of more all rows are looked at.
const MOST_NAMED: usize = 500;

/// The interval that a row lies in; one for all rows without a time.
const INTERVAL: &str = "trueup_interval";

/// The hash of a row.
const HASH: &str = "trueup_hash";

/// Two sides with the same columns. The key and the time are among these.
#[derive(Debug)]
pub struct Reconciliation<'a> {
    /// The SQL of the warehouse.
    pub dialect: &'a dyn Dialect,
    /// The rows that there should be.
    pub expected: Statement,
    /// The quoted name of the table.
    pub table: String,
    /// What is compared, with the types of the table.
    pub columns: Vec<ComparedColumn>,
    /// Those that tell rows apart; empty where nothing is known of that.
    pub key: Vec<String>,
    /// When what a row tells of happened, if a column says so.
    pub time: Option<Time>,
    /// From which value of the time on rows count.
    pub since: Option<String>,
}

/// A column of both sides.
#[derive(Debug, Clone)]
pub struct ComparedColumn {
    /// As the table has it.
    pub column: Column,
    /// As the query has it.
    pub given: Column,
}

/// The column that says when, and how long intervals are.
#[derive(Debug, Clone)]
pub struct Time {
    /// It is one of those that are compared.
    pub column: Column,
    /// Of an interval.
    pub width: Width,
}

impl Reconciliation<'_> {
    /// For each interval, in order: its name, how many rows are expected, how many there are, and `1` if they are the same.
    pub fn by_interval(&self) -> Statement {
        let side = |name: &str, expected: &str, actual: &str, sign: &str| {
            format!(
                "  select {INTERVAL}, {expected} as expected_rows, {actual} as actual_rows, {sign}sum({HASH}) as hashes\n  \
                 from {name}\n  group by {INTERVAL}\n"
            )
        };
        self.sides().then(&format!(
            "select\n  {INTERVAL},\n  sum(expected_rows) as expected_rows,\n  sum(actual_rows) as actual_rows,\n  \
             case when sum(expected_rows) = sum(actual_rows) and sum(hashes) = 0 then 1 else 0 end as is_same\n\
             from (\n{}  union all\n{}) as sides\ngroup by {INTERVAL}\norder by {INTERVAL}",
            side("trueup_expected", "count(*)", "0", ""),
            side("trueup_actual", "0", "count(*)", "-"),
        ))
    }

    /// For each of these intervals, in order: its name, how many rows are missing, are too many, and are there with other values;
    /// of those that are missing how many are newer than the newest row of the table, as new as that, and older; and the time of the
    /// oldest.
    pub fn by_row(&self, intervals: &[Option<String>]) -> Statement {
        let (newest, [newer, tied, late], oldest) = if let Some(time) = &self.time {
            let name = self.dialect.identifier(&time.column.name);
            let missing = |sign: &str| {
                format!(
                    "sum(case when expected_rows > actual_rows and trueup_time {sign} newest then expected_rows - actual_rows \
                     else 0 end)"
                )
            };
            let oldest = "min(case when expected_rows > actual_rows and trueup_time < newest then trueup_time end)";
            (format!("(select max({name}) as newest from trueup_actual)"), [">", "=", "<"].map(missing), oldest)
        } else {
            ("(select 0 as newest)".to_owned(), [(); 3].map(|()| "0".to_owned()), "null")
        };
        let least = "case when expected_rows < actual_rows then expected_rows else actual_rows end";
        self.sides().then(",\n").then(&self.differences(intervals)).then(&format!(
            "select\n  {INTERVAL},\n  sum(expected_rows - {least}) as missing_rows,\n  sum(actual_rows - {least}) as extra_rows,\n  \
             sum({least}) as different_rows,\n  {newer} as newer_rows,\n  {tied} as tied_rows,\n  {late} as late_rows,\n  {oldest} as oldest_row\n\
             from trueup_keys\ncross join {newest} as latest\ngroup by {INTERVAL}\norder by {INTERVAL}"
        ))
    }

    /// Rows that one side has more often than the other: `1` before those of the query, `0` before those of the table, those
    /// with the same key behind each other.
    pub fn examples(&self, intervals: &[Option<String>]) -> Statement {
        let names: Vec<String> = self.columns.iter().map(|column| self.name(column)).collect();
        let names = names.join(", ");
        let side = |sign: &str, name: &str, condition: &str| {
            format!(
                "  select {sign} as trueup_sign, {INTERVAL}, {HASH}, {names}\n  from (\n    select {name}.*, row_number() over (partition by \
                 {HASH} order by {HASH}) as trueup_number\n    from {name}\n{}  ) as numbered\n  join (\n    select {HASH} as \
                 trueup_wanted, sum(surplus) as surplus\n    from trueup_differences\n    where surplus {condition} 0\n    group \
                 by {HASH}\n  ) as wanted on {HASH} = trueup_wanted\n  where trueup_number <= abs(surplus)\n",
                self.within(intervals, "    "),
            )
        };
        let order: Vec<String> = [INTERVAL.to_owned()].into_iter().chain(self.key_names()).collect();
        self.sides().then(",\n").then(&self.differences(intervals)).then(&format!(
            "select trueup_sign, {names}\nfrom (\n{}  union all\n{}) as examples\norder by {}, trueup_sign, {HASH}",
            side("1", "trueup_expected", ">"),
            side("0", "trueup_actual", "<"),
            order.join(", "),
        ))
    }

    /// How many values of the key the table has more than once.
    pub fn duplicate_keys(&self) -> Option<Statement> {
        let key = self.key_names().join(", ");
        (!self.key.is_empty()).then(|| {
            Statement::new(format!(
                "select count(*) from (\n  select {key} from {}\n  group by {key}\n  having count(*) > 1\n) as duplicates",
                self.table
            ))
        })
    }

    /// Puts the rows of the query in the place of those of the table in these intervals: statements that belong together. All
    /// columns of the table are written that the query has; `given` are these.
    pub fn repair(&self, intervals: &[Option<String>], given: &[ComparedColumn]) -> Vec<Statement> {
        let condition = self.condition(intervals, &|time| self.interval_of(time));
        // A DELETE without a condition is refused by some.
        let delete = format!("delete from {} where {}", self.table, condition.as_deref().unwrap_or("true"));
        let names: Vec<String> = given.iter().map(|column| self.name(column)).collect();
        let values: Vec<String> = given.iter().map(|column| self.value(column)).collect();
        let condition = self.condition(intervals, &|_| {
            let time =
                self.time.as_ref().and_then(|time| self.columns.iter().find(|it| it.column.name == time.column.name));
            time.map_or_else(String::new, |time| self.interval_of(&self.value(time)))
        });
        let insert = Statement::new(format!("insert into {} ({})\n", self.table, names.join(", ")))
            .then(&format!("select {}\nfrom (\n", values.join(", ")))
            .then_statement(&self.expected)
            .then("\n) as q")
            .then(&condition.map(|condition| format!("\nwhere {condition}")).unwrap_or_default());
        let delete = Statement::new(delete);
        if !self.dialect.capabilities().multi_statements {
            return vec![delete, insert];
        }
        let begin = Statement::new("begin transaction;\n").then_statement(&delete).then(";\n");
        vec![begin.then_statement(&insert).then("\n;\ncommit transaction;")]
    }

    /// `with`, and the two sides.
    fn sides(&self) -> Statement {
        let plain: Vec<Column> = self.columns.iter().map(|column| column.column.clone()).collect();
        let names: Vec<String> = self.columns.iter().map(|column| self.name(column)).collect();
        let given: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                let (value, name) = (self.value(column), self.name(column));
                if value == name { name } else { format!("{value} as {name}") }
            })
            .collect();
        let since = match (&self.time, &self.since) {
            (Some(time), Some(since)) => {
                let since = self.dialect.string(since);
                let name = self.dialect.identifier(&time.column.name);
                format!("    where {name} >= cast({since} as {})\n", time.column.data_type)
            }
            _ => String::new(),
        };
        let interval = match &self.time {
            Some(time) => self.interval_of(&self.dialect.identifier(&time.column.name)),
            None => self.dialect.string("all"),
        };
        let hash = self.dialect.row_hash(&plain);
        let outer = format!("  select {interval} as {INTERVAL}, {hash} as {HASH}, {}\n  from (\n", names.join(", "));
        Statement::new(format!("with trueup_expected as (\n{outer}    select {}\n    from (\n", given.join(", ")))
            .then_statement(&self.expected)
            .then(&format!(
                "\n    ) as q\n  ) as given\n{since}),\ntrueup_actual as (\n{outer}    select {}\n",
                names.join(", ")
            ))
            .then(&format!("    from {}\n  ) as held\n{since})", self.table))
    }

    /// The rows that one side has more often, and the same by key.
    fn differences(&self, intervals: &[Option<String>]) -> String {
        let key = if self.key.is_empty() { vec![HASH.to_owned()] } else { self.key_names() };
        let key = key.join(", ");
        let all = if self.key.is_empty() { key.clone() } else { format!("{key}, {HASH}") };
        let time = match &self.time {
            Some(time) => self.dialect.identifier(&time.column.name),
            None => "1".to_owned(),
        };
        let within = self.within(intervals, "    ");
        let side = |name: &str, number: &str| {
            format!(
                "    select {all}, {INTERVAL}, {time} as trueup_time, {number} as counted\n    from {name}\n{within}"
            )
        };
        format!(
            "trueup_differences as (\n  select {all}, {INTERVAL}, min(trueup_time) as trueup_time, sum(counted) as surplus\n  from \
             (\n{}    union all\n{}  ) as both_sides\n  group by {all}, {INTERVAL}\n  having sum(counted) <> 0\n),\n\
             trueup_keys as (\n  select\n    {key},\n    coalesce(min(case when surplus > 0 then {INTERVAL} end), \
             min({INTERVAL})) as {INTERVAL},\n    max(case when surplus > 0 then trueup_time end) as trueup_time,\n    \
             sum(case when surplus > 0 then surplus else 0 end) as expected_rows,\n    sum(case when surplus < 0 then -surplus \
             else 0 end) as actual_rows\n  from trueup_differences\n  group by {key}\n)\n",
            side("trueup_expected", "1"),
            side("trueup_actual", "-1"),
        )
    }

    /// A condition on the intervals of a side, on a line of its own.
    fn within(&self, intervals: &[Option<String>], indent: &str) -> String {
        let condition = self.condition(intervals, &|_| INTERVAL.to_owned());
        condition.map(|condition| format!("{indent}where {condition}\n")).unwrap_or_default()
    }

    /// That a row lies in one of these intervals; `None` if all rows do, or there are too many to name. `interval` makes the name
    /// of an interval out of the name of the time.
    fn condition(&self, intervals: &[Option<String>], interval: &dyn Fn(&str) -> String) -> Option<String> {
        let time = self.time.as_ref()?;
        if intervals.len() > MOST_NAMED {
            return None;
        }
        let name = interval(&self.dialect.identifier(&time.column.name));
        let named: Vec<String> = intervals.iter().flatten().map(|interval| self.dialect.string(interval)).collect();
        let listed = (!named.is_empty()).then(|| format!("{name} in ({})", named.join(", ")));
        let empty = intervals.contains(&None).then(|| format!("{name} is null"));
        let conditions: Vec<String> = listed.into_iter().chain(empty).collect();
        Some(if conditions.is_empty() { "false".to_owned() } else { conditions.join(" or ") })
    }

    fn interval_of(&self, expression: &str) -> String {
        match &self.time {
            Some(time) => self.dialect.interval(expression, &time.column.data_type, time.width),
            None => self.dialect.string("all"),
        }
    }

    fn key_names(&self) -> Vec<String> {
        self.key.iter().map(|name| self.dialect.identifier(name)).collect()
    }

    fn name(&self, column: &ComparedColumn) -> String {
        self.dialect.identifier(&column.column.name)
    }

    /// What the query gives, in the type of the table.
    fn value(&self, column: &ComparedColumn) -> String {
        let given = self.dialect.identifier(&column.given.name);
        let is_same = self.dialect.same_type(&column.column.data_type, &column.given.data_type);
        if is_same { given } else { format!("cast({given} as {})", column.column.data_type) }
    }
}
