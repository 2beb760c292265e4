//! Does the intervals of a table whose inputs have changed.

use std::collections::BTreeSet;

use crate::adapter::{AdapterError, Session};
use crate::dialect::Dialect;
use crate::execute::Failure;
use crate::execute::crew::Crew;
use crate::execute::step::{Worker, failure};
use crate::plan::{Contents, IntervalRange, IntervalStart, IntervalWork, Ledger, Statement};
use crate::relation::Column;

impl Worker<'_> {
    /// Gives the number of rows that were written. What a failure leaves behind are whole intervals, and the next run goes on there.
    pub(super) fn run_intervals(&mut self, work: &IntervalWork) -> Result<Option<u64>, Failure> {
        self.ends_with_script = false;
        let ledger = &work.ledger;
        self.run(&ledger.create(self.dialect))?;
        match &work.start {
            IntervalStart::Grows => self.replace_intervals(work, None),
            IntervalStart::BuildsAll(build) => {
                let held = look(ledger, None, self.session, self.dialect)?;
                // A run that is taken up must not find that done which was made of less.
                self.session.depend_on(&format!("{held:?}"));
                // If what follows is cut off, all of it counts as not done.
                self.run(&ledger.clear())?;
                self.run(&ledger.begin())?;
                let rows = self.run_work(build)?;
                let held: Vec<_> = held.iter().collect();
                for statement in ledger.record(&held, self.dialect) {
                    self.run(&statement)?;
                }
                self.run(&ledger.finish())?;
                Ok(rows)
            }
            IntervalStart::BuildsEmpty(build) => {
                self.run(&ledger.clear())?;
                self.run_work(build)?;
                let columns = columns(&work.table(), self.session)?;
                self.replace_intervals(work, Some(&columns))
            }
        }
    }

    fn replace_intervals(&mut self, work: &IntervalWork, columns: Option<&[Column]>) -> Result<Option<u64>, Failure> {
        let ledger = &work.ledger;
        let bounds = Bounds::ask(ledger, self.session)?;
        let since = work.from(bounds.since(ledger)?)?;
        let held = look(ledger, since.as_deref(), self.session, self.dialect)?;
        let asked = work.asked(&held)?;
        if let Some(range) = &asked {
            // A backfill that is cut off goes on by itself.
            self.run(&ledger.ask_for(range, self.dialect))?;
        }
        let mut lines = lines(ledger, since.as_deref(), self.session, self.dialect)?;
        if !bounds.is_whole() {
            if !bounds.is_unfinished() {
                self.run(&ledger.begin())?;
            }
            self.add_unknown(&mut lines, work)?;
        }
        let written = self.replace_ranges(work, &ledger.ranges(&held, &lines, asked.as_ref())?, &held, columns)?;
        if !bounds.is_whole() && asked.is_none() {
            self.run(&ledger.finish())?;
        }
        Ok(Some(written))
    }

    /// The first range brings the columns that the query has and the table has not; what comes then may be done at the same time.
    fn replace_ranges(
        &mut self,
        work: &IntervalWork,
        ranges: &[IntervalRange],
        held: &Contents,
        made: Option<&[Column]>,
    ) -> Result<u64, Failure> {
        let Some((first, rest)) = ranges.split_first() else { return Ok(0) };
        let mut written = self.run_new_rows(&work.replace(first, held, made, self.dialect))?.unwrap_or_default();
        if rest.is_empty() {
            return Ok(written);
        }
        let columns = columns(&work.table(), self.session)?;
        let crew = self.crew.filter(|_| rest.len() > 1 && work.can_be_parallel(self.dialect));
        if let Some(crew) = crew
            && let Some(shared) = self.replace_with(crew, work, rest, held, &columns)?
        {
            return Ok(written + shared);
        }
        for range in rest {
            let batch = work.replace(range, held, Some(&columns), self.dialect);
            written += self.run_new_rows(&batch)?.unwrap_or_default();
        }
        Ok(written)
    }

    /// `None` if this session is the only one that the server has room for.
    fn replace_with(
        &mut self,
        crew: Crew<'_>,
        work: &IntervalWork,
        ranges: &[IntervalRange],
        held: &Contents,
        columns: &[Column],
    ) -> Result<Option<u64>, Failure> {
        let part = |range| work.replace_beside_others(range, held, columns, self.dialect);
        let parts = ranges.iter().map(part).collect();
        // All of them are this step, which no other run may be in.
        self.session.begin()?;
        let shared =
            work.lock().map_or(Ok(None), |lock| self.run(&lock)).and_then(|_| crew.share(parts, self.retrying));
        self.session.roll_back();
        shared
    }

    /// Adds intervals of which the table has rows and no line tells, as if an input that is gone had held something of them.
    fn add_unknown(&mut self, lines: &mut Contents, work: &IntervalWork) -> Result<(), Failure> {
        let columns = columns(&work.table(), self.session)?;
        let held = rows(&work.held_by_table(&columns, self.dialect)?, self.session)?;
        let known: BTreeSet<String> = lines.keys().map(|(interval, _)| interval.clone()).collect();
        let unknown = held.into_iter().map(cells).filter(|[interval]| !known.contains(interval));
        lines.extend(unknown.map(|[interval]| ((interval, String::new()), (0, String::new()))));
        Ok(())
    }
}

/// The first and the newest interval of a ledger.
struct Bounds {
    first: Option<String>,
    newest: Option<String>,
}

impl Bounds {
    fn ask(ledger: &Ledger, session: &mut dyn Session) -> Result<Self, Failure> {
        let mut cells = rows(&ledger.bounds(), session)?.into_iter().next().unwrap_or_default().into_iter();
        let (first, newest) = (cells.next().flatten(), cells.next().flatten());
        Ok(Self { first, newest })
    }

    /// Whether a run was cut off that had to do all of the table.
    fn is_unfinished(&self) -> bool {
        self.first.as_deref() == Some("")
    }

    /// Whether the ledger knows of all intervals that the table has rows in.
    fn is_whole(&self) -> bool {
        self.first.is_some() && !self.is_unfinished()
    }

    /// From which interval on inputs are looked at.
    fn since(&self, ledger: &Ledger) -> Result<Option<String>, Failure> {
        Ok(if self.is_whole() { ledger.since(self.newest.as_deref())? } else { None })
    }
}

/// How many intervals are to be done, as far back as a run would look.
pub(super) fn count_changed(
    ledger: &Ledger,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<usize, Failure> {
    let since = Bounds::ask(ledger, session)?.since(ledger)?;
    let lines = lines(ledger, since.as_deref(), session, dialect)?;
    let held = look(ledger, since.as_deref(), session, dialect)?;
    Ok(Ledger::changed(&held, &lines).into_values().filter(|is_changed| *is_changed).count())
}

/// What to ask the warehouse about to know what a run reads at the most: a look at the inputs, as far back as it goes, and all
/// intervals that it may find changed there.
pub(super) fn most_reads(
    work: &IntervalWork,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Vec<Statement>, Failure> {
    let ledger = &work.ledger;
    let since = Bounds::ask(ledger, session)?.since(ledger)?;
    let mut asked = Vec::new();
    for input in &ledger.inputs {
        let columns = columns(&Statement::new(format!("select * from {}", input.relation)), session)?;
        asked.push(ledger.look(input, &columns, since.as_deref(), dialect)?);
    }
    match since {
        Some(since) => asked.extend(work.estimate_since(&since, dialect)?),
        None => asked.extend(work.outline().estimate(&[], dialect)),
    }
    Ok(asked)
}

/// What the inputs hold.
pub(super) fn look(
    ledger: &Ledger,
    since: Option<&str>,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Contents, Failure> {
    let mut held = Contents::new();
    for input in &ledger.inputs {
        let columns = columns(&Statement::new(format!("select * from {}", input.relation)), session)?;
        let look = ledger.look(input, &columns, since, dialect)?;
        held.extend(rows(&look, session)?.into_iter().map(|row| {
            let [interval, rows, mark] = cells(row);
            ((interval, input.name.clone()), (rows.parse().unwrap_or_default(), mark))
        }));
    }
    Ok(held)
}

/// What they held when their intervals were done.
fn lines(
    ledger: &Ledger,
    since: Option<&str>,
    session: &mut dyn Session,
    dialect: &dyn Dialect,
) -> Result<Contents, Failure> {
    let found = rows(&ledger.lines(since, dialect), session)?.into_iter().map(|row| {
        let [interval, input, rows, mark] = cells(row);
        ((interval, input), (rows.parse().unwrap_or_default(), mark))
    });
    Ok(found.collect())
}

/// The first cells of a row; NULL is an empty text.
fn cells<const COUNT: usize>(row: Vec<Option<String>>) -> [String; COUNT] {
    let mut cells = row.into_iter().map(Option::unwrap_or_default);
    std::array::from_fn(|_| cells.next().unwrap_or_default())
}

fn rows(query: &Statement, session: &mut dyn Session) -> Result<Vec<Vec<Option<String>>>, Failure> {
    session.rows(query.sql()).map_err(|error| failure(error, query))
}

fn columns(query: &Statement, session: &mut dyn Session) -> Result<Vec<Column>, Failure> {
    session.describe(query.sql()).map_err(|error: AdapterError| failure(error, query))
}
