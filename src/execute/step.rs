use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::adapter::{AdapterError, Rows, Session};
use crate::dialect::{Dialect, Widening};
use crate::execute::crew::Crew;
use crate::execute::{Failure, Finding, Outcome, Rejection};
use crate::plan::{
    Audit, AuditCheck, FieldExtension, IncrementalWork, MultiStatement, REJECTED, SchemaMismatch, Script,
    ScriptStatement, Statement, Step, Work,
};
use crate::relation::Column;

/// How many of the offending rows are kept for people to look at.
const SAMPLE: usize = 5;

/// How often a transaction is tried that others are in the way of.
pub const TRIES: u32 = 20;

const NOT_COUNTED: &str = "the warehouse did not count the rows of the assertion";

const FIRST_PAUSE: Duration = Duration::from_millis(2);

const LAST_PAUSE: Duration = Duration::from_millis(250);

/// A transaction that is tried again, because another one was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Which try comes next; the second is the first that is told.
    pub number: u32,
    /// How long it waits before that.
    pub pause: Duration,
}

/// Does the work of one step, with the help of a crew if there is one, and tells `retrying` before it tries again. If it fails,
/// nothing of it stays behind.
pub(super) fn run_step(
    step: &Step,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    retrying: &dyn Fn(Retry),
    crew: Option<Crew<'_>>,
) -> Outcome {
    session.begin_step(&step.target, &step.job);
    let mut worker = Worker::new(session, dialect, retrying, crew);
    let result = match &step.work {
        Work::Disabled => return Outcome::Disabled,
        Work::Assertion { create, count, rows } => {
            return worker.run_assertion(create, count, rows).unwrap_or_else(Outcome::Failed);
        }
        work => worker.run_work(work),
    };
    let finished = result.and_then(|rows| {
        if !step.marks.is_empty() {
            worker.session.mark_columns(&step.target, &step.marks)?;
        }
        if step.work.is_marked() {
            worker.session.finish_table(&step.target)?;
        }
        Ok(rows)
    });
    match finished {
        Ok(rows) => Outcome::Done { rows },
        Err(Failure { rejection: Some(rejection), .. }) => Outcome::Rejected(rejection),
        Err(failure) => Outcome::Failed(failure),
    }
}

pub(super) struct Worker<'a> {
    pub(super) session: &'a mut dyn Session,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) retrying: &'a dyn Fn(Retry),
    pub(super) crew: Option<Crew<'a>>,
    /// Whether the step is done with a script that is run whole. One that goes on is done again if it is cut off.
    pub(super) ends_with_script: bool,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        session: &'a mut dyn Session,
        dialect: &'a dyn Dialect,
        retrying: &'a dyn Fn(Retry),
        crew: Option<Crew<'a>>,
    ) -> Self {
        Self { session, dialect, retrying, crew, ends_with_script: true }
    }

    /// Gives the number of rows that were written.
    pub(super) fn run_work(&mut self, work: &Work) -> Result<Option<u64>, Failure> {
        let dialect = self.dialect;
        match work {
            Work::Build(script) => self.run_whole(script),
            Work::Operations(script) => self.run_operations(script),
            Work::Fill(work) => {
                let texts = (work.query(), &work.query_behind_pre_operations());
                self.run_in_one(texts, |columns| work.in_one(columns, dialect))
            }
            Work::Incremental(work) => self.run_new_rows(work),
            Work::Intervals(work) => self.run_intervals(work),
            Work::Disabled | Work::Assertion { .. } => Ok(None),
        }
    }

    /// Brings the rows of a query into a table that is there.
    pub(super) fn run_new_rows(&mut self, work: &IncrementalWork) -> Result<Option<u64>, Failure> {
        let dialect = self.dialect;
        if !dialect.capabilities().multi_statements {
            return self.run_incremental(work);
        }
        let texts = (&work.query(), &work.query_behind_pre_operations());
        self.run_in_one(texts, |columns| work.in_one(columns, dialect))
    }

    /// Runs a script with which the step is done.
    fn run_whole(&mut self, script: &Script) -> Result<Option<u64>, Failure> {
        if self.ends_with_script {
            self.session.expect(script.before.len() + script.statements.len() + script.after.len());
        }
        self.run_script(script)
    }

    fn run_script(&mut self, script: &Script) -> Result<Option<u64>, Failure> {
        self.run_statements(&script.before)?;
        let rows = if script.in_transaction {
            self.in_transaction(|worker| worker.run_statements(&script.statements))
        } else {
            self.run_statements(&script.statements)
        }?;
        self.run_statements(&script.after)?;
        Ok(rows)
    }

    fn run_operations(&mut self, script: &Script) -> Result<Option<u64>, Failure> {
        let rows = self.run_whole(script)?;
        if !script.in_transaction {
            // Only where no transaction is open can one begin.
            let closed = self.session.begin();
            self.session.roll_back();
            closed.map_err(|_| Failure {
                help: Some("end it with `commit`".to_owned()),
                ..Failure::from_message("the statements leave a transaction open, and what they did in it is undone")
            })?;
        }
        Ok(rows)
    }

    /// Makes a transaction of what runs, and tries it again as a whole if another one was in the way.
    fn in_transaction<T>(&mut self, run: impl Fn(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.persist(|worker| worker.try_in_transaction(&run))
    }

    /// Tries again if another step was in the way, as when two write to the same log: no step can know of the other.
    fn persist<T>(&mut self, run: impl Fn(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut longest = FIRST_PAUSE;
        for number in 2..=TRIES {
            match run(self) {
                Err(failure) if failure.is_conflict => {}
                result => return result,
            }
            // As different for each step as can be, so that they do not meet again.
            let percent = u32::try_from(RandomState::new().build_hasher().finish() % 100).unwrap_or_default();
            let pause = longest / 2 + longest * percent / 100;
            (self.retrying)(Retry { number, pause });
            thread::sleep(pause);
            longest = (longest * 2).min(LAST_PAUSE);
        }
        run(self)
    }

    fn try_in_transaction<T>(&mut self, run: impl Fn(&mut Self) -> Result<T, Failure>) -> Result<T, Failure> {
        self.session.begin()?;
        let result = run(self);
        // An audit that says no has taken back everything but the rejected rows, and these are to stay.
        let stays = result.as_ref().map_or_else(|failure| failure.rejection.is_some(), |_| true);
        if !stays {
            self.session.roll_back();
            return result;
        }
        self.session.commit().map_err(|error| {
            self.session.roll_back();
            Failure::from(error)
        })?;
        result
    }

    /// Adds new rows. Where a column cannot be made longer in a transaction, the one that finds it too short is undone,
    /// and another begins when it is long enough.
    fn run_incremental(&mut self, work: &IncrementalWork) -> Result<Option<u64>, Failure> {
        self.run_statements(&work.before(self.dialect))?;
        let too_short = RefCell::new(Vec::new());
        let add = |worker: &mut Self, widens: bool| {
            worker.run_statements(&work.pre_operations(worker.dialect))?;
            let query = work.query();
            let columns = worker.session.describe(query.sql()).map_err(|error| failure(error, &query))?;
            if widens {
                let widenings = work.widen(&columns, worker.dialect);
                if worker.dialect.capabilities().widening == Widening::Apart && !widenings.is_empty() {
                    too_short.replace(widenings);
                    return Err(Failure::from_message("a column is too short"));
                }
                worker.run_statements(&widenings)?;
            }
            let script = work.finish(&columns, worker.dialect)?;
            Ok((worker.run_statements(&script.statements)?, script.after))
        };
        let added = self.in_transaction(|worker| add(worker, true));
        let widenings = too_short.take();
        let (rows, after) = if widenings.is_empty() {
            added?
        } else {
            self.run_statements(&widenings)?;
            self.in_transaction(|worker| add(worker, false))?
        };
        self.run_statements(&after)?;
        Ok(rows)
    }

    /// Runs a step that is one script, pre-operations and all, and depends on the columns of its query. They are told
    /// without running it, where that can be.
    fn run_in_one(
        &mut self,
        (query, behind): (&Statement, &Statement),
        script: impl FnOnce(Option<&[Column]>) -> Result<Script, SchemaMismatch>,
    ) -> Result<Option<u64>, Failure> {
        let columns = match self.session.describe(behind.sql()) {
            // What pre-operations make is not there before they run.
            Err(_) if query.sql() != behind.sql() => Vec::new(),
            columns => columns.map_err(|error| failure(error, behind))?,
        };
        let script = script(Some(columns.as_slice()).filter(|columns| !columns.is_empty()))?;
        if let Some(FieldExtension { table, columns }) = &script.extension {
            self.session.extend_columns(table, columns)?;
        }
        self.run_whole(&script)
    }

    fn run_statements(&mut self, statements: &[ScriptStatement]) -> Result<Option<u64>, Failure> {
        let mut count = None;
        for statement in statements {
            match statement {
                ScriptStatement::Run(statement) => {
                    self.run(statement)?;
                }
                ScriptStatement::Count(statement) => count = self.run(statement)?,
                ScriptStatement::Multi(multi) => count = self.run_multi(multi)?,
                ScriptStatement::Each { query, between } => {
                    let rows = self.session.rows(query.sql()).map_err(|error| failure(error, query))?;
                    for statement in between {
                        self.run(statement)?;
                    }
                    for sql in rows.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
                        let statement = Statement::new(sql);
                        let within = |error: AdapterError| {
                            // Nobody has seen it before.
                            let message = format!("{}\nin: {}", error.message, statement.sql());
                            failure(AdapterError { message, ..error }, &statement)
                        };
                        self.session.execute(statement.sql()).map_err(within)?;
                    }
                }
                ScriptStatement::Define(definition) => {
                    let query = &definition.query;
                    let columns = self.session.describe(query.sql()).map_err(|error| failure(error, query))?;
                    self.run(&definition.create(&columns, self.dialect)?)?;
                }
                ScriptStatement::Audit(audit) => self.audit(audit)?,
                ScriptStatement::Guard { query, message, help } => {
                    if self.session.has_rows(query.sql()).map_err(|error| failure(error, query))? {
                        let rows = self.session.query(query.sql(), SAMPLE).map_err(|error| failure(error, query))?;
                        let (help, rows) = (Some(help.clone()), Some(rows));
                        return Err(Failure { help, rows, ..Failure::from_message(message.clone()) });
                    }
                }
            }
        }
        Ok(count)
    }

    /// Asks every assertion. If one finds rows, the new ones are put aside.
    fn audit(&mut self, audit: &Audit) -> Result<(), Failure> {
        let (mut findings, mut sample) = (Vec::new(), Rows::default());
        for AuditCheck { assertion, count, rows } in &audit.checks {
            let found = self.session.number(count.sql()).map_err(|error| failure(error, count))?;
            let found = found.ok_or_else(|| Failure::from_message(NOT_COUNTED))?;
            if found > 0 {
                if findings.is_empty() {
                    sample = self.session.query(rows.sql(), SAMPLE).map_err(|error| failure(error, rows))?;
                }
                findings.push(Finding { assertion: assertion.clone(), count: found });
            }
        }
        if findings.is_empty() {
            return Ok(());
        }
        for statement in &audit.reject {
            self.run(statement)?;
        }
        Err(Rejection { findings, sample, verdict: audit.verdict.clone() }.into())
    }

    fn run_multi(&mut self, multi: &MultiStatement) -> Result<Option<u64>, Failure> {
        let MultiStatement { statement, guards, audit, counted } = multi;
        self.session.execute_script(statement.sql(), counted.as_deref()).map_err(|error| {
            if let Some(rejection) = audit.as_ref().and_then(|audit| rejection(&error.message, audit)) {
                return rejection.into();
            }
            let found = guards.iter().find_map(|guard| Some((guard, error.message.split_once(&guard.message)?.1)));
            match found {
                // It is the script that says so, at a place that nobody has written.
                Some((guard, rest)) => Failure {
                    help: Some(guard.help.clone()),
                    rows: rows_of_json(rest),
                    sql: Some(statement.sql().to_owned()),
                    ..Failure::from_message(guard.message.clone())
                },
                None => failure(error, statement),
            }
        })
    }

    pub(super) fn run(&mut self, statement: &Statement) -> Result<Option<u64>, Failure> {
        self.session.execute(statement.sql()).map_err(|error| failure(error, statement))
    }

    fn run_assertion(&mut self, create: &Script, count: &Statement, rows: &Statement) -> Result<Outcome, Failure> {
        self.run_script(create)?;
        self.persist(|worker| worker.count_violations(count, rows))
    }

    /// Counts the rows of a query that should have none.
    fn count_violations(&mut self, count: &Statement, rows: &Statement) -> Result<Outcome, Failure> {
        match self.session.number(count.sql()).map_err(|error| failure(error, count))? {
            Some(0) => Ok(Outcome::Done { rows: None }),
            Some(count) => {
                let sample = self.session.query(rows.sql(), SAMPLE).map_err(|error| failure(error, rows))?;
                Ok(Outcome::Violated { count, sample, query: rows.sql().to_owned() })
            }
            None => Err(Failure::from_message(NOT_COUNTED)),
        }
    }
}

/// What the error of a job says of new rows that were rejected.
fn rejection(message: &str, audit: &Audit) -> Option<Rejection> {
    let mut lines = message.split_once(REJECTED)?.1.trim_start().lines();
    let mut findings: Vec<Finding> = serde_json::from_str(lines.next()?).ok()?;
    findings.sort_by_key(|finding| audit.checks.iter().position(|check| check.assertion == finding.assertion));
    let sample = lines.next().and_then(rows_of_json).unwrap_or_default();
    Some(Rejection { findings, sample, verdict: audit.verdict.clone() })
}

/// The rows at the end of a message, where they stand as a list of objects.
fn rows_of_json(text: &str) -> Option<Rows> {
    let list = text.get(text.find('[')?..=text.rfind(']')?)?;
    let objects: Vec<Map<String, Value>> = serde_json::from_str(list).ok()?;
    let names = objects.first()?.keys();
    let columns = names.map(|name| Column { name: name.clone(), data_type: String::new() }).collect();
    let value = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let rows = objects.into_iter().map(|object| object.into_iter().map(|(_, json)| value(json)).collect());
    Some(Rows { columns, rows: rows.collect() })
}

/// An error of the warehouse, at the place in the project that it points at.
pub(super) fn failure(error: AdapterError, statement: &Statement) -> Failure {
    Failure {
        origin: error.position.and_then(|position| statement.origin(position)),
        sql: Some(statement.sql().to_owned()),
        ..Failure::from(error)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self { rejection: Some(Box::new(rejection)), ..Self::default() }
    }
}

/// With no place in the project.
impl From<AdapterError> for Failure {
    fn from(error: AdapterError) -> Self {
        Self { is_conflict: error.is_conflict, help: error.help, ..Self::from_message(error.message) }
    }
}

impl From<SchemaMismatch> for Failure {
    fn from(mismatch: SchemaMismatch) -> Self {
        Self { help: Some(mismatch.help), ..Self::from_message(mismatch.message) }
    }
}
