//! The history: a table with a row for each action of each run and of each comparison.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::dialect::{Dialect, Storage};
use crate::plan::create_schema;
use crate::plan::statement::Statement;
use crate::relation::{Column, DataType, PhysicalOptions, RelationKind, Target};

/// A statement does not get much longer than that: some warehouses take a million bytes and no more.
const LONGEST: usize = 500_000;

/// How far back it is looked for the last run and the last comparison: 400 days.
const LOOK_BACK: Duration = Duration::from_hours(400 * 24);

/// What was done with one action.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// The run, which has a row for each of its actions.
    pub run: String,
    /// The project.
    pub project: String,
    /// Its environment.
    pub environment: String,
    /// What was asked for.
    pub command: HistoryCommand,
    /// The action, without the prefixes and suffixes of the environment.
    pub action: String,
    /// What came of it.
    pub outcome: HistoryOutcome,
    /// How much of a relation it built, if it built one.
    pub build: Option<HistoryBuild>,
    /// When it began; of what never began, when the run did.
    pub started_at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Rows written, where somebody counted them.
    pub rows: Option<u64>,
    /// Bytes read, where the warehouse tells.
    pub bytes_read: Option<u64>,
    /// Bytes to be paid for, where the warehouse tells.
    pub bytes_billed: Option<u64>,
    /// What it cost, where that is known.
    pub cost: Option<f64>,
    /// What a comparison found.
    pub found: Option<HistoryFinding>,
    /// Of the text of the action, whatever its layout and its comments.
    pub fingerprint: Option<u64>,
}

/// What a comparison with a full recompute found.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryFinding {
    /// Which part of the table was looked at, in words; `None` for all of it.
    pub part: Option<String>,
    /// Which part of all rows was right: 0 to 1.
    pub accuracy: f64,
    /// Rows that were missing.
    pub missing: u64,
    /// Rows that were too many.
    pub extra: u64,
    /// Rows with other values.
    pub different: u64,
    /// Missing rows that are not newer than the newest of the table: its filter has passed over them. `None` where nothing says when
    /// rows happened.
    pub late: Option<u64>,
}

impl HistoryFinding {
    /// Which share of the rows that there should be the filter has passed over: 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "it is a share")]
    pub fn share_late(&self) -> Option<f64> {
        let late = self.late?;
        let wrong = self.missing + self.extra + self.different;
        if late == 0 || wrong == 0 {
            return Some(0.0);
        }
        // So many rows are there on one side or the other.
        let all = wrong as f64 / (1.0 - self.accuracy);
        let expected = all - self.extra as f64;
        (expected.is_finite() && expected > 0.0).then(|| (late as f64 / expected).min(1.0))
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryCommand {
    /// That it be built.
    Run,
    /// That it be compared with a full recompute.
    Reconcile,
}

impl HistoryCommand {
    const ALL: [Self; 2] = [Self::Run, Self::Reconcile];

    /// As on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Reconcile => "reconcile",
        }
    }

    /// The one of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.word() == word)
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryOutcome {
    /// It was done; of a comparison: all was right.
    Success,
    /// The warehouse refused it.
    Error,
    /// An assertion found rows, or something differed.
    Fail,
    /// Something differed and was written anew.
    Repaired,
    /// It was not done.
    Skipped,
}

impl HistoryOutcome {
    const ALL: [Self; 5] = [Self::Success, Self::Error, Self::Fail, Self::Repaired, Self::Skipped];

    /// As in `run_results.json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Fail => "fail",
            Self::Repaired => "repaired",
            Self::Skipped => "skipped",
        }
    }

    /// The one of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// How much of a relation a run built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryBuild {
    /// A view, which holds no rows.
    View,
    /// All of a table.
    Full,
    /// All of a table, interval by interval.
    Batches,
    /// What had come to a table since its last run.
    Incremental,
}

impl HistoryBuild {
    const ALL: [Self; 4] = [Self::View, Self::Full, Self::Batches, Self::Incremental];

    /// As it stands in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Full => "full",
            Self::Batches => "batches",
            Self::Incremental => "incremental",
        }
    }

    /// The one of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|build| build.word() == word)
    }
}

/// A value in the table.
enum Cell {
    Text(String),
    Moment(SystemTime),
    Whole(Option<u64>),
    Real(Option<f64>),
}

/// The columns: a name, a type, and what stands in it.
type HistoryColumn = (&'static str, DataType, fn(&HistoryEntry) -> Cell);

/// The names of actions may be long, and some warehouses want to know how long.
const LONG_TEXT: DataType = DataType::Text(Some(4096));

/// In their order in the table.
const COLUMNS: [HistoryColumn; 21] = [
    ("run_id", DataType::TEXT, |entry| Cell::Text(entry.run.clone())),
    ("project", DataType::TEXT, |entry| Cell::Text(entry.project.clone())),
    ("environment", DataType::TEXT, |entry| Cell::Text(entry.environment.clone())),
    ("command", DataType::TEXT, |entry| Cell::Text(entry.command.word().to_owned())),
    ("action", LONG_TEXT, |entry| Cell::Text(entry.action.clone())),
    ("outcome", DataType::TEXT, |entry| Cell::Text(entry.outcome.word().to_owned())),
    ("build", DataType::TEXT, |entry| Cell::Text(entry.build.map(HistoryBuild::word).unwrap_or_default().to_owned())),
    ("started_at", DataType::INSTANT, |entry| Cell::Moment(entry.started_at)),
    ("milliseconds", DataType::BIGINT, |entry| Cell::Whole(u64::try_from(entry.took.as_millis()).ok())),
    ("rows_written", DataType::BIGINT, |entry| Cell::Whole(entry.rows)),
    ("bytes_read", DataType::BIGINT, |entry| Cell::Whole(entry.bytes_read)),
    ("bytes_billed", DataType::BIGINT, |entry| Cell::Whole(entry.bytes_billed)),
    ("cost", DataType::Double, |entry| Cell::Real(entry.cost)),
    ("accuracy", DataType::Double, |entry| Cell::Real(entry.found.as_ref().map(|found| found.accuracy))),
    ("rows_missing", DataType::BIGINT, |entry| Cell::Whole(entry.found.as_ref().map(|found| found.missing))),
    ("rows_extra", DataType::BIGINT, |entry| Cell::Whole(entry.found.as_ref().map(|found| found.extra))),
    ("rows_different", DataType::BIGINT, |entry| Cell::Whole(entry.found.as_ref().map(|found| found.different))),
    ("rows_late", DataType::BIGINT, |entry| Cell::Whole(entry.found.as_ref().and_then(|found| found.late))),
    ("compared_part", DataType::TEXT, |entry| {
        Cell::Text(entry.found.as_ref().and_then(|found| found.part.clone()).unwrap_or_default())
    }),
    ("fingerprint", DataType::TEXT, |entry| Cell::Text(entry.fingerprint.map(written_fingerprint).unwrap_or_default())),
    ("trueup_version", DataType::TEXT, |_| Cell::Text(env!("CARGO_PKG_VERSION").to_owned())),
];

/// Makes the schema and the table where they are not there yet.
pub fn create_history(table: &Target, dialect: &dyn Dialect) -> Vec<Statement> {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, data_type, _)| {
            format!("  {} {}", dialect.identifier(name), dialect.semantics().type_name(data_type))
        })
        .collect();
    // Where a look at it costs money, one at the last days is cheap.
    let options = PhysicalOptions { partition_by: Some("date(started_at)".to_owned()), ..PhysicalOptions::default() };
    let description = Some("What trueup has done: a row for each action of each run and of each comparison");
    let storage = Storage { options: &options, description, labels: &BTreeMap::new() };
    let clauses = dialect.clauses(RelationKind::Table, &storage);
    let name = dialect.relation(table);
    let create = format!("create table if not exists {name} (\n{}\n) {}", columns.join(",\n"), clauses.before);
    let create = Statement::new(create.trim_end());
    create_schema(table, dialect).map(Statement::new).into_iter().chain([create]).collect()
}

/// What tells the rows of a history apart: a table without these is none.
const ESSENTIAL: [&str; 6] = ["project", "environment", "command", "action", "outcome", "started_at"];

/// Whether a table with these columns may be a history, of this version or of another one; otherwise the name of a column that it
/// lacks.
pub fn check_history(columns: &[Column]) -> Result<(), &'static str> {
    ESSENTIAL.into_iter().find(|name| !has(columns, name)).map_or(Ok(()), Err)
}

/// Whether the table says what a run has built.
pub fn has_history_build(columns: &[Column]) -> bool {
    has(columns, "build")
}

/// The columns of the history that a table does not have: their names, and a statement that gives it each of them.
pub fn missing_history_columns(
    table: &Target,
    columns: &[Column],
    dialect: &dyn Dialect,
) -> Vec<(&'static str, String)> {
    let missing = COLUMNS.iter().filter(|(name, ..)| !has(columns, name));
    let add = |(name, data_type, _): &HistoryColumn| {
        let (relation, column) = (dialect.relation(table), dialect.identifier(name));
        let statement =
            format!("alter table {relation} add column {column} {}", dialect.semantics().type_name(data_type));
        (*name, statement)
    };
    missing.map(add).collect()
}

/// Adds entries: one statement, or several if that would be too long for some warehouses. Only those columns are written
/// that the table has; `None` stands for all of them.
pub fn insert_history(
    table: &Target,
    columns: Option<&[Column]>,
    entries: &[HistoryEntry],
    dialect: &dyn Dialect,
) -> Vec<Statement> {
    let written: Vec<&HistoryColumn> =
        COLUMNS.iter().filter(|(name, ..)| columns.is_none_or(|columns| has(columns, name))).collect();
    if written.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = written.iter().map(|(name, ..)| dialect.identifier(name)).collect();
    let head = format!("insert into {} ({})\nvalues\n", dialect.relation(table), names.join(", "));
    let mut statements: Vec<String> = Vec::new();
    for entry in entries {
        let cells: Vec<String> =
            written.iter().map(|(_, data_type, cell)| literal(&cell(entry), data_type, dialect)).collect();
        let row = format!("  ({})", cells.join(", "));
        match statements.last_mut() {
            Some(statement) if statement.len() + row.len() < LONGEST => {
                statement.push_str(",\n");
                statement.push_str(&row);
            }
            _ => statements.push(format!("{head}{row}")),
        }
    }
    statements.into_iter().map(Statement::new).collect()
}

/// A query for the last run of each action, and for its last comparison that came to an end: `command`, `action`, `outcome`, how
/// many seconds ago it began, `milliseconds`, `rows_written`, `bytes_read`, `cost`, `accuracy`, and the rows that were missing, too many,
/// different and late, and which part was compared. What the table does not have is NULL; what [`check_history`] asks for must be there.
pub fn last_of_history(
    table: &Target,
    columns: &[Column],
    project: &str,
    environment: &str,
    now: SystemTime,
    dialect: &dyn Dialect,
) -> Statement {
    let was_compared = if has(columns, "accuracy") { "accuracy is not null" } else { "1 = 0" };
    Statement::new(format!(
        "select command, action, outcome, {} as seconds_ago, {}\nfrom (\n  select command, action, outcome, started_at, {}, row_number() \
         over (partition by command, action order by started_at desc) as trueup_number\n  from {}\n  where {}\n    and (command = {} or \
         command = {} and {was_compared})\n) as entries\nwhere trueup_number = 1",
        seconds_since("started_at", dialect),
        LAST.map(|name| dialect.identifier(name)).join(", "),
        there_or_null(&LAST, columns, dialect),
        dialect.relation(table),
        entries_of((project, environment), now, dialect),
        dialect.string(HistoryCommand::Run.word()),
        dialect.string(HistoryCommand::Reconcile.word()),
    ))
}

/// A query for the last runs of actions that ended well, at most so many of each, the newest first: `action`; how many seconds ago it
/// began; how many seconds ago the first one of that action did; how many there were in the last 30 days; `milliseconds`,
/// `bytes_read`, `build` and `fingerprint`.
pub fn runs_of_history(
    table: &Target,
    columns: &[Column],
    (project, environment): (&str, &str),
    actions: &[String],
    now: SystemTime,
    dialect: &dyn Dialect,
) -> Statement {
    let actions: Vec<String> = actions.iter().map(|action| dialect.string(action)).collect();
    Statement::new(format!(
        "select action, {} as seconds_ago, {} as first_seconds_ago, runs_of_month, {}\nfrom (\n  select action, started_at, {}, row_number() \
         over (partition by action order by started_at desc) as trueup_number,\n    min(started_at) over (partition by action) as first_at, \
         count(case when started_at >= {} then 1 end) over (partition by action) as runs_of_month\n  from {}\n  where {}\n    and command = \
         {} and outcome = {} and action in ({})\n) as entries\nwhere trueup_number <= {MOST_RUNS}\norder by action, trueup_number",
        seconds_since("started_at", dialect),
        seconds_since("first_at", dialect),
        RUN.map(|name| dialect.identifier(name)).join(", "),
        there_or_null(&RUN, columns, dialect),
        before(now, COUNTED_OVER, dialect),
        dialect.relation(table),
        entries_of((project, environment), now, dialect),
        dialect.string(HistoryCommand::Run.word()),
        dialect.string(HistoryOutcome::Success.word()),
        actions.join(", "),
    ))
}

/// A query for what tells which text has written the rows of tables, the newest first: `action`, how many seconds ago it began,
/// `command`, `outcome`, `build`, `trueup_version` and `fingerprint`, of runs and of comparisons of all rows.
pub fn writes_of_history(
    table: &Target,
    columns: &[Column],
    (project, environment): (&str, &str),
    actions: &[String],
    now: SystemTime,
    dialect: &dyn Dialect,
) -> Statement {
    let actions: Vec<String> = actions.iter().map(|action| dialect.string(action)).collect();
    let of_all = if has(columns, "compared_part") { "compared_part is null" } else { "1 = 0" };
    Statement::new(format!(
        "select action, {} as seconds_ago, command, outcome, {}\nfrom (\n  select action, started_at, command, outcome, {}, row_number() over \
         (partition by action order by started_at desc) as trueup_number\n  from {}\n  where {} and action in ({})\n    and (command = {} or \
         command = {} and {of_all})\n) as entries\nwhere trueup_number <= {MOST_RUNS}\norder by action, trueup_number",
        seconds_since("started_at", dialect),
        WRITE.map(|name| dialect.identifier(name)).join(", "),
        there_or_null(&WRITE, columns, dialect),
        dialect.relation(table),
        entries_of((project, environment), now, dialect),
        actions.join(", "),
        dialect.string(HistoryCommand::Run.word()),
        dialect.string(HistoryCommand::Reconcile.word()),
    ))
}

/// A fingerprint as it stands in the table.
pub fn written_fingerprint(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

/// What is asked of what has written rows.
const WRITE: [&str; 3] = ["build", "trueup_version", "fingerprint"];

/// Over which time runs are counted.
pub const COUNTED_OVER: Duration = Duration::from_hours(30 * 24);

/// Further runs between two full builds may be many.
const MOST_RUNS: usize = 200;

/// What is asked of a run.
const RUN: [&str; 4] = ["milliseconds", "bytes_read", "build", "fingerprint"];

/// How many seconds ago the moment of a column was.
fn seconds_since(column: &str, dialect: &dyn Dialect) -> String {
    let moment = dialect.semantics().type_name(&DataType::INSTANT);
    let (current, current_type) = dialect.now();
    dialect.seconds_between(column, &moment, current, current_type)
}

/// The moment so long before another one.
fn before(now: SystemTime, span: Duration, dialect: &dyn Dialect) -> String {
    literal(&Cell::Moment(now.checked_sub(span).unwrap_or(now)), &DataType::INSTANT, dialect)
}

/// Columns of a history, and NULL for those that the table does not have.
fn there_or_null(names: &[&str], columns: &[Column], dialect: &dyn Dialect) -> String {
    let column = |name: &&str| if has(columns, name) { dialect.identifier(name) } else { format!("null as {name}") };
    names.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// The condition on the entries of a project in an environment, as far back as it is looked.
fn entries_of((project, environment): (&str, &str), now: SystemTime, dialect: &dyn Dialect) -> String {
    let since = before(now, LOOK_BACK, dialect);
    let (project, environment) = (dialect.string(project), dialect.string(environment));
    format!("started_at >= {since} and project = {project} and environment = {environment}")
}

/// What is asked of an entry besides what tells it apart.
const LAST: [&str; 10] = [
    "milliseconds",
    "rows_written",
    "bytes_read",
    "cost",
    "accuracy",
    "rows_missing",
    "rows_extra",
    "rows_different",
    "rows_late",
    "compared_part",
];

fn has(columns: &[Column], name: &str) -> bool {
    columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
}

fn literal(cell: &Cell, data_type: &DataType, dialect: &dyn Dialect) -> String {
    match cell {
        Cell::Text(text) if text.is_empty() => "null".to_owned(),
        Cell::Text(text) => dialect.string(text),
        Cell::Moment(moment) => {
            let moment = jiff::Timestamp::try_from(*moment).unwrap_or_default();
            let text = dialect.string(&moment.strftime("%Y-%m-%d %H:%M:%S.%6f+00").to_string());
            format!("cast({text} as {})", dialect.semantics().type_name(data_type))
        }
        Cell::Whole(number) => number.map_or_else(|| "null".to_owned(), |number| number.to_string()),
        // Its shortest form without an exponent.
        Cell::Real(number) => {
            number.filter(|number| number.is_finite()).map_or_else(|| "null".to_owned(), |it| it.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{BigQuery, DuckDb};

    fn entry(action: &str) -> HistoryEntry {
        HistoryEntry {
            run: "r".to_owned(),
            project: "o'brien".to_owned(),
            environment: "local".to_owned(),
            command: HistoryCommand::Reconcile,
            action: action.to_owned(),
            outcome: HistoryOutcome::Fail,
            build: None,
            started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            took: Duration::from_millis(7),
            rows: None,
            bytes_read: Some(10),
            bytes_billed: Some(0),
            cost: Some(f64::NAN),
            found: Some(HistoryFinding { part: None, accuracy: 1e-7, missing: 1, extra: 2, different: 3, late: None }),
            fingerprint: Some(255),
        }
    }

    fn table() -> Target {
        Target { database: None, schema: Some("s".to_owned()), name: "h".to_owned() }
    }

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column { name: (*name).to_owned(), data_type: String::new() }).collect()
    }

    #[test]
    fn all_entries_are_one_statement_of_the_columns_that_are_there() {
        let there =
            columns(&["ACTION", "started_at", "project", "other", "cost", "accuracy", "rows_late", "fingerprint"]);
        let statements = insert_history(&table(), Some(&there), &[entry("a"), entry("b")], &DuckDb);
        let [statement] = statements.as_slice() else { panic!("{statements:?}") };
        assert_eq!(
            statement.sql(),
            "insert into \"s\".\"h\" (\"project\", \"action\", \"started_at\", \"cost\", \"accuracy\", \"rows_late\", \
             \"fingerprint\")\nvalues\n  \
             ('o''brien', 'a', cast('1970-01-01 00:00:01.500000+00' as TIMESTAMP WITH TIME ZONE), null, 0.0000001, null, \
             '00000000000000ff'),\n  \
             ('o''brien', 'b', cast('1970-01-01 00:00:01.500000+00' as TIMESTAMP WITH TIME ZONE), null, 0.0000001, null, \
             '00000000000000ff')"
        );
        let missing = missing_history_columns(&table(), &there, &DuckDb);
        assert_eq!(missing.len(), COLUMNS.len() - 7);
        assert_eq!(missing[0], ("run_id", "alter table \"s\".\"h\" add column \"run_id\" VARCHAR".to_owned()));
        assert_eq!(check_history(&there), Err("environment"));
    }

    #[test]
    fn many_entries_are_several_statements() {
        let entries: Vec<HistoryEntry> = (0..5_000).map(|number| entry(&format!("action_{number}"))).collect();
        let statements = insert_history(&table(), None, &entries, &BigQuery);
        assert!(statements.len() > 1);
        assert!(statements.iter().all(|statement| statement.sql().len() <= LONGEST + 2));
        let rows: usize = statements.iter().map(|statement| statement.sql().matches("'action_").count()).sum();
        assert_eq!(rows, entries.len());
    }

    #[test]
    fn the_table_is_partitioned_where_that_is_cheaper() {
        let statements = create_history(&table(), &BigQuery);
        let sql = statements.last().map(Statement::sql).unwrap_or_default();
        assert!(sql.starts_with("create table if not exists `s.h` (\n  `run_id` STRING,\n"), "{sql}");
        assert!(sql.contains(") partition by date(started_at) options(description = "), "{sql}");
        let statements = create_history(&table(), &DuckDb);
        assert!(statements.last().is_some_and(|statement| statement.sql().ends_with("VARCHAR\n)")));
    }
}
