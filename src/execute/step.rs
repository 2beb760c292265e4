use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;
use std::time::Duration;

use crate::adapter::{AdapterError, Session};
use crate::dialect::{Dialect, Widening};
use crate::execute::{Failure, Outcome};
use crate::plan::{IncrementalWork, Script, ScriptStatement, Statement, Step, Work};

/// How many of the offending rows are kept for people to look at.
const SAMPLE: usize = 5;

/// How often a transaction is tried that others are in the way of.
const TRIES: u32 = 20;

const FIRST_PAUSE: Duration = Duration::from_millis(2);

const LAST_PAUSE: Duration = Duration::from_millis(250);

/// Does the work of one step. If it fails, nothing of it stays behind.
pub fn run_step(step: &Step, session: &mut dyn Session, dialect: &dyn Dialect) -> Outcome {
    let result = match &step.work {
        Work::Disabled => return Outcome::Disabled,
        Work::Build(script) => run_script(script, session),
        Work::Operations(script) => run_operations(script, session),
        Work::Incremental(work) => run_incremental(work, session, dialect),
        Work::Assertion { create, count, rows } => return run_assertion(create, count, rows, session),
    };
    match result {
        Ok(rows) => Outcome::Done { rows },
        Err(failure) => Outcome::Failed(failure),
    }
}

fn run_script(script: &Script, session: &mut dyn Session) -> Result<Option<u64>, Failure> {
    let rows = if script.in_transaction {
        in_transaction(session, |session| run_statements(&script.statements, session))
    } else {
        run_statements(&script.statements, session)
    }?;
    run_statements(&script.after, session)?;
    Ok(rows)
}

fn run_operations(script: &Script, session: &mut dyn Session) -> Result<Option<u64>, Failure> {
    let rows = run_script(script, session)?;
    if !script.in_transaction {
        // Only where no transaction is open can one begin.
        let closed = session.begin();
        session.roll_back();
        closed.map_err(|_| Failure {
            help: Some("end it with `commit`".to_owned()),
            ..Failure::from_message("the statements leave a transaction open, and what they did in it is undone")
        })?;
    }
    Ok(rows)
}

/// Makes a transaction of what runs, and tries it again as a whole if another one was in the way.
fn in_transaction<T>(
    session: &mut dyn Session,
    run: impl Fn(&mut dyn Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    persist(session, |session| try_in_transaction(session, &run))
}

/// Tries again if another step was in the way, as when two write to the same log: no step can know of the other.
fn persist<T>(session: &mut dyn Session, run: impl Fn(&mut dyn Session) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match run(session) {
            Err(failure) if failure.is_conflict => {}
            result => return result,
        }
        // As different for each step as can be, so that they do not meet again.
        let percent = u32::try_from(RandomState::new().build_hasher().finish() % 100).unwrap_or_default();
        thread::sleep(pause / 2 + pause * percent / 100);
        pause = (pause * 2).min(LAST_PAUSE);
    }
    run(session)
}

fn try_in_transaction<T>(
    session: &mut dyn Session,
    run: impl Fn(&mut dyn Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let without_place =
        |error: AdapterError| Failure { is_conflict: error.is_conflict, ..Failure::from_message(error.message) };
    session.begin().map_err(without_place)?;
    match run(session) {
        Ok(value) => {
            session.commit().map_err(|error| {
                session.roll_back();
                without_place(error)
            })?;
            Ok(value)
        }
        Err(failure) => {
            session.roll_back();
            Err(failure)
        }
    }
}

/// Adds new rows. Where a column cannot be made longer in a transaction, the one that finds it too short is undone, and
/// another begins when it is long enough.
fn run_incremental(
    work: &IncrementalWork,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Option<u64>, Failure> {
    let too_short = RefCell::new(Vec::new());
    let add = |session: &mut dyn Session, widens: bool| {
        run_statements(&work.pre_operations(), session)?;
        let query = work.query();
        let columns = session.describe(query.sql()).map_err(|error| failure(error, &query))?;
        if widens {
            let widenings = work.widen(&columns, dialect);
            if dialect.capabilities().widening == Widening::Apart && !widenings.is_empty() {
                too_short.replace(widenings);
                return Err(Failure::from_message("a column is too short"));
            }
            run_statements(&widenings, session)?;
        }
        let script = work.finish(&columns, dialect).map_err(|mismatch| Failure {
            help: Some(mismatch.help.clone()),
            ..Failure::from_message(mismatch.to_string())
        })?;
        Ok((run_statements(&script.statements, session)?, script.after))
    };
    let added = if dialect.capabilities().transactional_ddl {
        in_transaction(session, |session| add(session, true))
    } else {
        add(session, true)
    };
    let widenings = too_short.take();
    let (rows, after) = if widenings.is_empty() {
        added?
    } else {
        run_statements(&widenings, session)?;
        in_transaction(session, |session| add(session, false))?
    };
    run_statements(&after, session)?;
    Ok(rows)
}

fn run_statements(statements: &[ScriptStatement], session: &mut dyn Session) -> Result<Option<u64>, Failure> {
    let mut count = None;
    for statement in statements {
        match statement {
            ScriptStatement::Run(statement) => {
                session.execute(statement.sql()).map_err(|error| failure(error, statement))?;
            }
            ScriptStatement::Count(statement) => {
                count = session.execute(statement.sql()).map_err(|error| failure(error, statement))?;
            }
            ScriptStatement::Each { query, between } => {
                let rows = session.rows(query.sql()).map_err(|error| failure(error, query))?;
                for statement in between {
                    session.execute(statement.sql()).map_err(|error| failure(error, statement))?;
                }
                for sql in rows.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
                    let statement = Statement::new(sql);
                    let within = |error: AdapterError| {
                        // Nobody has seen it before.
                        let message = format!("{}\nin: {}", error.message, statement.sql());
                        failure(AdapterError { message, ..error }, &statement)
                    };
                    session.execute(statement.sql()).map_err(within)?;
                }
            }
            ScriptStatement::Guard { query, message, help } => {
                if session.has_rows(query.sql()).map_err(|error| failure(error, query))? {
                    let rows = session.query(query.sql(), SAMPLE).map_err(|error| failure(error, query))?;
                    let (help, rows) = (Some(help.clone()), Some(rows));
                    return Err(Failure { help, rows, ..Failure::from_message(message.clone()) });
                }
            }
        }
    }
    Ok(count)
}

fn run_assertion(create: &Script, count: &Statement, rows: &Statement, session: &mut dyn Session) -> Outcome {
    let run = |session: &mut dyn Session| -> Result<Outcome, Failure> {
        run_script(create, session)?;
        persist(session, |session| count_violations(count, rows, session))
    };
    run(session).unwrap_or_else(Outcome::Failed)
}

/// Counts the rows of a query that should have none.
fn count_violations(count: &Statement, rows: &Statement, session: &mut dyn Session) -> Result<Outcome, Failure> {
    match session.number(count.sql()).map_err(|error| failure(error, count))? {
        Some(0) => Ok(Outcome::Done { rows: None }),
        Some(count) => {
            let sample = session.query(rows.sql(), SAMPLE).map_err(|error| failure(error, rows))?;
            Ok(Outcome::Violated { count, sample, query: rows.sql().to_owned() })
        }
        None => Err(Failure::from_message("the warehouse did not count the rows of the assertion")),
    }
}

/// An error of the warehouse, at the place in the project that it points at.
pub(super) fn failure(error: AdapterError, statement: &Statement) -> Failure {
    Failure {
        origin: error.position.and_then(|position| statement.origin(position)),
        sql: Some(statement.sql().to_owned()),
        is_conflict: error.is_conflict,
        ..Failure::from_message(error.message)
    }
}
