//! Does the intervals of a table whose inputs have changed.

use crate::execute::Failure;
use crate::execute::step::{Worker, failure};
use crate::plan::{Contents, IntervalStart, IntervalWork, Statement};
use crate::relation::Column;

impl Worker<'_> {
    /// Gives the number of rows that were written. What a failure leaves behind are whole intervals, and the next run goes on there.
    pub(super) fn run_intervals(&mut self, work: &IntervalWork) -> Result<Option<u64>, Failure> {
        self.behind = 1;
        let rows = self.do_intervals(work);
        self.behind = 0;
        rows
    }

    fn do_intervals(&mut self, work: &IntervalWork) -> Result<Option<u64>, Failure> {
        self.run(&work.create_ledger(self.dialect))?;
        match &work.start {
            IntervalStart::Grows => self.replace_intervals(work, None),
            IntervalStart::BuildsAll(build) => {
                let held = self.look(work, None)?;
                // A run that is taken up must not find that done which was made of less.
                self.session.depend_on(&format!("{held:?}"));
                // If what follows is cut off, all of it counts as not done.
                self.run(&work.clear())?;
                let rows = self.run_work(build)?;
                let held: Vec<_> = held.iter().collect();
                for statement in work.record(&held, self.dialect) {
                    self.run(&statement)?;
                }
                Ok(rows)
            }
            IntervalStart::BuildsEmpty(build) => {
                self.run(&work.clear())?;
                self.run_work(build)?;
                let columns = self.columns(&work.table())?;
                self.replace_intervals(work, Some(&columns))
            }
        }
    }

    fn replace_intervals(&mut self, work: &IntervalWork, columns: Option<&[Column]>) -> Result<Option<u64>, Failure> {
        let newest = if work.intervals.lookback.is_some() { self.value(&work.newest())? } else { None };
        let since = work.since(newest.as_deref())?;
        let held = self.look(work, since.as_deref())?;
        let asked = work.asked(&held)?;
        if let Some(range) = &asked {
            // A backfill that is cut off goes on by itself.
            self.run(&work.forget(range, self.dialect))?;
        }
        let ledger = self.ledger(work, since.as_deref())?;
        let mut written = 0;
        for range in work.ranges(&held, &ledger, asked.as_ref())? {
            let batch = work.replace(&range, &held, columns, self.dialect);
            written += self.run_new_rows(&batch)?.unwrap_or_default();
        }
        Ok(Some(written))
    }

    /// What the inputs hold.
    fn look(&mut self, work: &IntervalWork, since: Option<&str>) -> Result<Contents, Failure> {
        let mut held = Contents::new();
        for input in &work.inputs {
            let columns = self.columns(&Statement::new(format!("select * from {}", input.relation)))?;
            let look = work.look(input, &columns, since, self.dialect)?;
            for row in self.session.rows(look.sql()).map_err(|error| failure(error, &look))? {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let mut next = || cells.next().unwrap_or_default();
                let (interval, rows, mark) = (next(), next(), next());
                held.insert((interval, input.name.clone()), (rows.parse().unwrap_or_default(), mark));
            }
        }
        Ok(held)
    }

    /// What they held when their intervals were done.
    fn ledger(&mut self, work: &IntervalWork, since: Option<&str>) -> Result<Contents, Failure> {
        let lines = work.lines(since, self.dialect);
        let rows = self.session.rows(lines.sql()).map_err(|error| failure(error, &lines))?;
        let line = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            let mut next = || cells.next().unwrap_or_default();
            let (interval, input, rows, mark) = (next(), next(), next(), next());
            ((interval, input), (rows.parse().unwrap_or_default(), mark))
        };
        Ok(rows.into_iter().map(line).collect())
    }

    fn columns(&mut self, query: &Statement) -> Result<Vec<Column>, Failure> {
        self.session.describe(query.sql()).map_err(|error| failure(error, query))
    }

    fn value(&mut self, query: &Statement) -> Result<Option<String>, Failure> {
        let rows = self.session.rows(query.sql()).map_err(|error| failure(error, query))?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }
}
