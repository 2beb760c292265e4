//! Compares the rows that a query gives with those of a table, in the warehouse: first by counts and sums of hashes for each
//! interval of time, in one look at each side, then row by row where these differ.

use crate::dialect::{Dialect, SessionZone};
use crate::plan::statement::Statement;
use crate::relation::{Column, DataType, Partitioning, PhysicalOptions, Target, Width};

/// How many intervals a condition names at the most; of more all rows are looked at.
pub const MOST_NAMED: usize = 500;

/// Of how many columns each one is left out to see which is another one each time.
const MOST_LEFT_OUT: usize = 50;

/// Stands for the interval that a row lies in; one for all rows without a time.
const INTERVAL: &str = "trueup_interval";

/// Rows on their way into a table whose partitions have to be made for them.
const STAGED: &str = "trueup_repair";

/// The hash of a row.
const HASH: &str = "trueup_hash";

/// Two sides with the same columns. The key and the time are among these.
#[derive(Debug)]
pub struct Reconciliation<'a> {
    /// The SQL of the warehouse.
    pub dialect: &'a dyn Dialect,
    /// The rows that there should be.
    pub expected: Statement,
    /// The table.
    pub target: &'a Target,
    /// How the project wants it to lie.
    pub options: Option<&'a PhysicalOptions>,
    /// What is compared, with the types of the table.
    pub columns: Vec<ComparedColumn>,
    /// Those that tell rows apart; empty where nothing is known of that.
    pub key: Vec<String>,
    /// When what a row tells of happened, if a column says so.
    pub time: Option<Time>,
    /// From which value of the time on rows count.
    pub since: Option<String>,
    /// How the table lies, if it is not to be read without a filter on that.
    pub filtered_by: Option<Partitioning>,
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
    fn table(&self) -> String {
        self.dialect.relation(self.target)
    }

    /// Compares these columns no longer. Without one of them rows have no key.
    pub fn leave_out(&mut self, names: &[String]) {
        self.columns.retain(|column| !names.contains(&column.column.name));
        if self.key.iter().any(|name| names.contains(name)) {
            self.key.clear();
        }
    }

    /// The names of the first and of the last interval of the table.
    pub fn bounds(&self) -> Option<Statement> {
        let time = self.time.as_ref()?;
        let name = self.dialect.identifier(&time.column.name);
        let bound = |function: &str| self.interval_name(&format!("{function}({name})"));
        let counted = self.of_table(None, "");
        Some(Statement::new(format!("select {}, {}\nfrom {}\n{counted}", bound("min"), bound("max"), self.table())))
    }

    /// For each interval, or each of these, in order: its name, how many rows are expected, how many there are, and `1` if they are
    /// the same.
    pub fn by_interval(&self, intervals: Option<&[Option<String>]>) -> Statement {
        let side = |name: &str, expected: &str, actual: &str, sign: &str| {
            format!(
                "  select {INTERVAL}, {expected} as expected_rows, {actual} as actual_rows, {sign}sum({HASH}) as hashes\n  \
                 from {name}\n  group by {INTERVAL}\n"
            )
        };
        // Names are made of few rows: to make a text for each one takes longer than all else.
        self.sides(intervals).then(&format!(
            "select\n  interval_name,\n  sum(expected_rows) as expected_rows,\n  sum(actual_rows) as actual_rows,\n  \
             case when sum(expected_rows) = sum(actual_rows) and sum(hashes) = 0 then 1 else 0 end as is_same\n\
             from (\n  select {} as interval_name, expected_rows, actual_rows, hashes\n  from (\n{}  union all\n{}  ) as \
             sides\n) as named\ngroup by interval_name\norder by interval_name",
            self.interval_name(INTERVAL),
            side("trueup_expected", "count(*)", "0", ""),
            side("trueup_actual", "0", "count(*)", "-"),
        ))
    }

    /// For each of these intervals, in order: its name, how many rows are missing, are too many, and are there with other values;
    /// of those that are missing how many are newer than the newest row of the table, as new as that, and older; the time of the
    /// oldest, and how many seconds older it is.
    pub fn by_row(&self, intervals: &[Option<String>]) -> Statement {
        let (newest, [newer, tied, late], oldest, by) = if let Some(time) = &self.time {
            let name = self.dialect.identifier(&time.column.name);
            let missing = |sign: &str| {
                format!(
                    "sum(case when expected_rows > actual_rows and trueup_time {sign} newest then expected_rows - actual_rows \
                     else 0 end)"
                )
            };
            let oldest = "min(case when expected_rows > actual_rows and trueup_time < newest then trueup_time end)";
            let all = self.every_row().map(|all| format!(" where {all}")).unwrap_or_default();
            let newest = format!("(select max({name}) as newest from {}{all})", self.table());
            let data_type = &time.column.data_type;
            let by = self.dialect.seconds_between(oldest, data_type, "min(newest)", data_type);
            (newest, [">", "=", "<"].map(missing), oldest, by)
        } else {
            ("(select 0 as newest)".to_owned(), [(); 3].map(|()| "0".to_owned()), "null", "null".to_owned())
        };
        let least = "case when expected_rows < actual_rows then expected_rows else actual_rows end";
        self.sides(Some(intervals)).then(",\n").then(&self.differences()).then(&format!(
            "select\n  interval_name,\n  sum(expected_rows - {least}) as missing_rows,\n  sum(actual_rows - {least}) as extra_rows,\n  \
             sum({least}) as different_rows,\n  {newer} as newer_rows,\n  {tied} as tied_rows,\n  {late} as late_rows,\n  {oldest} as oldest_row,\n  \
             {by} as late_by\n\
             from (\n  select {} as interval_name, trueup_time, expected_rows, actual_rows\n  from trueup_keys\n) as named\n\
             cross join {newest} as latest\ngroup by interval_name\norder by interval_name",
            self.interval_name(INTERVAL),
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
                 {HASH} order by {HASH}) as trueup_number\n    from {name}\n  ) as numbered\n  join (\n    select {HASH} as \
                 trueup_wanted, sum(surplus) as surplus\n    from trueup_differences\n    where surplus {condition} 0\n    group \
                 by {HASH}\n  ) as wanted on {HASH} = trueup_wanted\n  where trueup_number <= abs(surplus)\n",
            )
        };
        let order: Vec<String> = [INTERVAL.to_owned()].into_iter().chain(self.key_names()).collect();
        self.sides(Some(intervals)).then(",\n").then(&self.differences()).then(&format!(
            "select trueup_sign, {names}\nfrom (\n{}  union all\n{}) as examples\norder by {}, trueup_sign, {HASH}",
            side("1", "trueup_expected", ">"),
            side("0", "trueup_actual", "<"),
            order.join(", "),
        ))
    }

    /// How many values of the key the table has more than once, in all of it or in these intervals.
    pub fn duplicate_keys(&self, intervals: Option<&[Option<String>]>) -> Option<Statement> {
        let key = self.key_names().join(", ");
        (!self.key.is_empty()).then(|| {
            Statement::new(format!(
                "select count(*) from (\n  select {key} from {}\n{}  group by {key}\n  having count(*) > 1\n) as duplicates",
                self.table(),
                self.of_table(intervals, "  "),
            ))
        })
    }

    /// How many values of the key the query gives more than once.
    pub fn duplicate_keys_of_query(&self) -> Option<Statement> {
        let key = self.key_names().join(", ");
        (!self.key.is_empty()).then(|| {
            self.sides(None).then(&format!(
                "select count(*) from (\n  select {key} from trueup_expected\n  group by {key}\n  having count(*) > 1\n) as duplicates"
            ))
        })
    }

    /// What tells columns of which the query gives another value whenever it is asked: asked twice in these intervals it gives
    /// another row then. `number` keeps an answer from being taken for the other.
    pub fn probe(&self, intervals: &[Option<String>], number: usize) -> Statement {
        let columns = self.hashed();
        let is_anchor: Vec<bool> = self.columns.iter().map(|column| self.is_anchor(&column.column.name)).collect();
        let anchor = columns.iter().zip(&is_anchor).filter(|(_, is_anchor)| **is_anchor);
        let anchor: Vec<Column> = anchor.map(|(column, _)| column.clone()).collect();
        let others = || columns.iter().zip(&is_anchor).filter(|(_, is_anchor)| !**is_anchor).map(|(column, _)| column);
        let with = others().map(|column| anchor.iter().chain([column]).cloned().collect());
        // Where no key tells rows apart; and a text that names all columns for each of many is too long for some.
        let is_asked = self.key.is_empty() && columns.len() <= MOST_LEFT_OUT;
        let without = others()
            .filter(|_| is_asked)
            .map(|column| columns.iter().filter(|it| it.name != column.name).cloned().collect());
        let hashed: Vec<Vec<Column>> =
            [anchor.clone(), columns.clone()].into_iter().chain(with).chain(without).collect();
        let sums = hashed.iter().enumerate().map(|(place, columns)| {
            let hash = if columns.is_empty() { "0".to_owned() } else { self.dialect.row_hash(columns) };
            format!("  sum({hash}) as sum_{number}_{place}")
        });
        let sums: Vec<String> = sums.collect();
        self.sides(Some(intervals))
            .then(&format!("select\n  count(*) as count_{number},\n{}\nfrom trueup_expected", sums.join(",\n")))
    }

    /// The columns that two answers to [`probe`](Self::probe) tell. None if these are of other rows.
    pub fn unstable(&self, first: &[Option<String>], second: &[Option<String>]) -> Vec<String> {
        let others = self.columns.iter().map(|column| &column.column.name).filter(|name| !self.is_anchor(name));
        let others: Vec<&String> = others.collect();
        let is_same: Vec<bool> = first.iter().zip(second).map(|(first, second)| first == second).collect();
        let [true, true, is_all_same, rest @ ..] = is_same.as_slice() else { return Vec::new() };
        let (with, without) = rest.split_at(others.len().min(rest.len()));
        let unstable = others.iter().zip(with).filter(|(_, is_same)| !**is_same).map(|(name, _)| (*name).clone());
        let unstable: Vec<String> = unstable.collect();
        if *is_all_same || !unstable.is_empty() {
            return unstable;
        }
        // The same values at other rows: the one is guilty without which all is the same.
        let guilty = others.iter().zip(without).rfind(|(_, is_same)| **is_same);
        guilty.map(|(name, _)| (*name).clone()).into_iter().collect()
    }

    /// Whether a column tells rows apart, as far as that is known.
    fn is_anchor(&self, name: &String) -> bool {
        let time = self.time.as_ref().map(|time| &time.column.name);
        self.key.contains(name) || time == Some(name)
    }

    /// Puts the rows of the query in the place of those of the table in these intervals: statements that belong together. All
    /// columns of the table are written that the query has; `given` are these.
    pub fn repair(&self, intervals: &[Option<String>], given: &[ComparedColumn]) -> Vec<Statement> {
        let condition = self.condition(intervals, None);
        // A DELETE without a condition is refused by some.
        let conditions: Vec<String> = condition.into_iter().chain(self.every_row()).collect();
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
        let table = self.table();
        let delete = Statement::new(format!("delete from {table} where {conditions}"));
        let names: Vec<String> = given.iter().map(|column| self.name(column)).collect();
        let names = names.join(", ");
        let values = given.iter().map(|column| {
            let (value, name) = (self.value(column), self.name(column));
            if value == name { name } else { format!("{value} as {name}") }
        });
        let values: Vec<String> = values.collect();
        let time =
            self.time.as_ref().and_then(|time| self.columns.iter().find(|it| it.column.name == time.column.name));
        let condition = self.condition(intervals, time.map(|time| self.value(time)).as_deref());
        let rows = Statement::new(format!("select {}\nfrom (\n", values.join(", ")))
            .then_statement(&self.expected)
            .then("\n) as q")
            .then(&condition.map(|condition| format!("\nwhere {condition}")).unwrap_or_default());
        let insert = Statement::new(format!("insert into {table} ({names})\n"));
        let staged = self.dialect.identifier(STAGED);
        let partitions = |options| self.dialect.make_partitions(&table, self.target, &staged, options);
        if let Some((options, partitions)) = self.options.and_then(|options| Some((options, partitions(options)?))) {
            let stage = Statement::new(self.dialect.temporary_table(&staged, options)).then_statement(&rows);
            let insert = insert.then(&format!("select {names} from {staged}"));
            return vec![delete, stage, Statement::new(partitions), insert];
        }
        let insert = insert.then_statement(&rows);
        if !self.dialect.capabilities().multi_statements {
            return vec![delete, insert];
        }
        let begin = Statement::new("begin transaction;\n").then_statement(&delete).then(";\n");
        vec![begin.then_statement(&insert).then("\n;\ncommit transaction;")]
    }

    /// `with`, and the two sides: their rows that count, or those of them in some intervals.
    fn sides(&self, intervals: Option<&[Option<String>]>) -> Statement {
        let named = |(value, name): (String, String)| if value == name { name } else { format!("{value} as {name}") };
        let given = self.columns.iter().map(|column| named((self.value(column), self.name(column))));
        let given: Vec<String> = given.collect();
        let rounded: Vec<(String, String)> =
            self.columns.iter().enumerate().filter_map(|(place, column)| self.rounded(place, column)).collect();
        let names = self.columns.iter().map(|column| self.name(column));
        let names: Vec<String> = names.chain(rounded.iter().map(|(_, name)| name.clone())).collect();
        let more: Vec<String> = rounded.into_iter().map(named).collect();
        let more = more.join(", ");
        let (table, of_table) = (self.table(), self.of_table(intervals, "  "));
        let held = if more.is_empty() {
            format!("{table} as held\n{of_table}")
        } else {
            format!("(\n  select *, {more}\n  from {table}\n{of_table}  ) as held\n")
        };
        let interval = match &self.time {
            Some(time) => {
                let name = self.dialect.identifier(&time.column.name);
                self.dialect.within_interval(&name, &time.column.data_type, time.width)
            }
            None => self.dialect.string("all"),
        };
        let hash = self.dialect.row_hash(&self.hashed());
        let chosen = format!("  select {interval} as {INTERVAL}, {hash} as {HASH}, {}\n", names.join(", "));
        let given = given.join(", ");
        let head = format!("(\n    select {given}\n    from (\n");
        let tail = "\n    ) as q\n  )";
        let (head, tail) = if more.is_empty() {
            (head, format!("{tail} as given\n"))
        } else {
            (format!("(\n  select *, {more}\n  from {head}"), format!("{tail} as exact\n  ) as given\n"))
        };
        Statement::new(format!("with trueup_expected as (\n{chosen}  from {head}")).then_statement(&self.expected).then(
            &format!("{tail}{}),\ntrueup_actual as (\n{chosen}  from {held})", self.counted(intervals, None, "  ")),
        )
    }

    /// What stands for a row in its hash.
    fn hashed(&self) -> Vec<Column> {
        let column = |(place, column): (usize, &ComparedColumn)| {
            let data_type = self.dialect.semantics().type_name(&DataType::Double);
            match self.rounded(place, column) {
                Some(_) => Column { name: rounded_name(place), data_type },
                None => column.column.clone(),
            }
        };
        self.columns.iter().enumerate().map(column).collect()
    }

    /// What stands for a column of floating point in the hash of its row, and the name of that. Sums of such depend on the order of
    /// their rows, which is another one each time, so that the last digits tell nothing: 40 of the 53 bits of a double count, and 20
    /// of the 24 of a single one. The rest goes as T. J. Dekker has it in "A floating-point technique for extending the available
    /// precision" (1971), which needs no function.
    fn rounded(&self, place: usize, column: &ComparedColumn) -> Option<(String, String)> {
        let semantics = self.dialect.semantics();
        let (name, double) = (self.name(column), semantics.type_name(&DataType::Double));
        let (wide, factor) = match semantics.named_type(&column.column.data_type) {
            DataType::Double => (name, "8193"),
            DataType::Real => (format!("cast({name} as {double})"), "8589934593"),
            _ => return None,
        };
        let product = format!("{wide} * {factor}");
        let value = format!(
            "case when abs({wide}) < cast('1e290' as {double}) then {product} - ({product} - {wide}) else {wide} end"
        );
        Some((value, self.dialect.identifier(&rounded_name(place))))
    }

    /// The rows that one side has more often, and the same by key.
    fn differences(&self) -> String {
        let key = if self.key.is_empty() { vec![HASH.to_owned()] } else { self.key_names() };
        let key = key.join(", ");
        let all = if self.key.is_empty() { key.clone() } else { format!("{key}, {HASH}") };
        let time = match &self.time {
            Some(time) => self.dialect.identifier(&time.column.name),
            None => "1".to_owned(),
        };
        let side = |name: &str, number: &str| {
            format!("    select {all}, {INTERVAL}, {time} as trueup_time, {number} as counted\n    from {name}\n")
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

    /// The condition that rows of the table count, or those of them in some intervals, on a line of its own.
    fn of_table(&self, intervals: Option<&[Option<String>]>, indent: &str) -> String {
        self.counted(intervals, self.every_row(), indent)
    }

    /// The same of both sides.
    fn counted(&self, intervals: Option<&[Option<String>]>, more: Option<String>, indent: &str) -> String {
        let within = intervals.and_then(|intervals| self.condition(intervals, None));
        let conditions: Vec<String> = self.since().into_iter().chain(within).chain(more).collect();
        if conditions.is_empty() { String::new() } else { format!("{indent}where {}\n", conditions.join(" and ")) }
    }

    /// A filter that leaves no row of the table out, where one is asked for.
    fn every_row(&self) -> Option<String> {
        let partitioning = self.filtered_by.as_ref()?;
        Some(every_row(partitioning, self.columns.iter().map(|column| &column.column), self.dialect))
    }

    fn since(&self) -> Option<String> {
        let (time, since) = (self.time.as_ref()?, self.since.as_ref()?);
        let (name, since) = (self.dialect.identifier(&time.column.name), self.dialect.string(since));
        Some(format!("{name} >= cast({since} as {})", time.column.data_type))
    }

    /// That a row lies in one of these intervals, or between them where they are too many to name; `None` if all rows may. `value`
    /// is what says when, if it is not the column of the table.
    fn condition(&self, intervals: &[Option<String>], value: Option<&str>) -> Option<String> {
        let time = self.time.as_ref()?;
        let name = self.dialect.identifier(&time.column.name);
        let value = value.unwrap_or(&name);
        let names: Vec<&str> = intervals.iter().flatten().map(String::as_str).collect();
        let empty = intervals.contains(&None).then(|| format!("{value} is null"));
        let named = (!names.is_empty()).then(|| self.named(time, value, &names));
        let named = if let Some(named) = named { Some(named?) } else { None };
        let conditions: Vec<String> = named.into_iter().chain(empty).collect();
        Some(if conditions.is_empty() { "false".to_owned() } else { format!("({})", conditions.join(" or ")) })
    }

    fn named(&self, time: &Time, value: &str, names: &[&str]) -> Option<String> {
        // An hour of a clock that is put back is there twice.
        let is_zoned = self.dialect.semantics().named_type(&time.column.data_type) == DataType::INSTANT;
        let is_exact = !is_zoned || self.dialect.capabilities().zone == SessionZone::Utc;
        // What lies elsewhere need not be read, where that can be told from the bounds of partitions.
        let ranges = self.ranges(time, value, names, if is_exact { 0 } else { 3600 });
        if names.len() > MOST_NAMED {
            return ranges;
        }
        let listed: Vec<String> = names.iter().map(|name| self.dialect.string(name)).collect();
        let listed = format!("{} in ({})", self.interval_name(value), listed.join(", "));
        Some(match ranges {
            Some(ranges) if is_exact => format!("({ranges})"),
            Some(ranges) => format!("({ranges}) and {listed}"),
            None => listed,
        })
    }

    /// The ranges of time that these intervals lie in, one for too many, so many seconds further apart at both ends; `None` if a
    /// calendar does not have one of them.
    fn ranges(&self, time: &Time, value: &str, names: &[&str], around: u32) -> Option<String> {
        let data_type = &time.column.data_type;
        let mut ranges: Vec<(String, String)> = Vec::new();
        for name in names {
            let (start, end) = time.width.around(name, around).ok()?;
            match ranges.last_mut().filter(|(_, last)| *last >= start || names.len() > MOST_NAMED) {
                Some((_, last)) => *last = end,
                None => ranges.push((start, end)),
            }
        }
        let bound = |text: &str| format!("cast({} as {data_type})", self.dialect.string(text));
        let range =
            |(start, end): &(String, String)| format!("{value} >= {} and {value} < {}", bound(start), bound(end));
        Some(ranges.iter().map(range).collect::<Vec<_>>().join(" or "))
    }

    /// The name of the interval that a time lies in, or that such a value stands for.
    fn interval_name(&self, value: &str) -> String {
        match &self.time {
            Some(time) => self.dialect.interval(value, &time.column.data_type, time.width),
            None => value.to_owned(),
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

fn rounded_name(place: usize) -> String {
    format!("trueup_rounded_{place}")
}

/// A condition on the partitions of a table that leaves no row of it out: some tables are not to be read without one. `columns`
/// are those of the table that are known.
pub fn every_row<'c>(
    partitioning: &Partitioning,
    columns: impl IntoIterator<Item = &'c Column>,
    dialect: &dyn Dialect,
) -> String {
    let Some(column) = partitioning.column() else {
        return "(_PARTITIONTIME is not null or _PARTITIONTIME is null)".to_owned();
    };
    let name = dialect.identifier(column);
    let known = columns.into_iter().find(|it| it.name.eq_ignore_ascii_case(column));
    let first = match (partitioning, known) {
        (Partitioning::Time { .. }, Some(known)) => format!("{name} >= cast('0001-01-01' as {})", known.data_type),
        _ => format!("{name} is not null"),
    };
    format!("({first} or {name} is null)")
}
