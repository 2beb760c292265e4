//! How fresh relations are, and how many of their newest rows came late.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::action::{Action, ActionId, Age, Expectations, Times};
use crate::adapter::{Adapter, AdapterError, Session};
use crate::execute::LastOfAction;
use crate::execute::interval::count_changed;
use crate::execute::lateness::time_column;
use crate::plan::{Ledger, StatusQuery};
use crate::relation::{Column, Layout, Relation, Target, WarehouseState};

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Watched<'a> {
    /// The relation.
    pub target: &'a Target,
    /// Whether somebody else makes it, so that it must be there.
    pub is_declared: bool,
    /// The columns that say when.
    pub times: &'a Times,
    /// What is expected of them.
    pub expectations: Expectations,
    /// What was done of it, if it is kept by intervals.
    pub ledger: Option<Ledger>,
}

/// What there is to say of a relation.
#[derive(Debug, Clone)]
pub enum Sight {
    /// It is not there yet.
    NotBuilt,
    /// It is there, and nothing says when its rows happened.
    Timeless,
    /// It has been looked at.
    Seen(Seen),
    /// It cannot be looked at.
    Failed(AdapterError),
}

/// What has been seen of a relation.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The newest event and how long ago it was; `None` if there is none.
    pub newest: Option<Newest>,
    /// How its newest rows came, if something says how late they may come, and when they came.
    pub arrivals: Option<Arrivals>,
    /// How many intervals are to be done, if it is kept by them and has a ledger.
    pub to_do: Option<usize>,
}

/// A relation of a project, how it looks, and what was done with it last.
#[derive(Debug, Clone)]
pub struct RelationStatus<'a> {
    /// What it is.
    pub action: &'a Action<ActionId>,
    /// How it looks.
    pub sight: Sight,
    /// What is known of its last run and its last comparison.
    pub last: LastOfAction,
}

impl RelationStatus<'_> {
    /// How fresh it is, beside what is expected of it; `None` if nothing is, or nobody knows.
    pub fn age(&self) -> Option<Age> {
        let Sight::Seen(seen) = &self.sight else { return None };
        let ago = seen.newest.as_ref().map(|newest| u64::try_from(newest.seconds_ago).unwrap_or_default());
        Some(self.action.documentation.expectations.freshness?.judge(ago))
    }
}

/// The newest event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// In the warehouse's own words.
    pub at: String,
    /// In seconds, by the clock of the warehouse; below 0 for one that is still to come.
    pub seconds_ago: i64,
}

/// Rows that have come not long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrivals {
    /// Those with both times.
    pub rows: u64,
    /// Those of them that came later than they may.
    pub late: u64,
}

/// Looks at relations, at as many at a time as the warehouse takes: one query for each that has a time.
pub fn look_at_all(adapter: &dyn Adapter, watched: &[Watched<'_>]) -> Vec<Sight> {
    let relations = Relations::ask(adapter, watched);
    let mut sights: Vec<Sight> = watched.iter().map(|_| Sight::NotBuilt).collect();
    let next = AtomicUsize::new(0);
    let (found, all) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..adapter.parallelism().min(watched.len()) {
            let (found, next, relations) = (found.clone(), &next, &relations);
            scope.spawn(move || {
                let mut session = None;
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(one) = watched.get(at) else { return };
                    let sight = look(adapter, &mut session, one, relations).unwrap_or_else(Sight::Failed);
                    // The receiver lives as long as this scope.
                    let _ = found.send((at, sight));
                }
            });
        }
        drop(found);
        for (at, sight) in all {
            if let Some(place) = sights.get_mut(at) {
                *place = sight;
            }
        }
    });
    sights
}

/// What the warehouse tells of the relations without a look at their rows.
struct Relations(Result<WarehouseState, AdapterError>);

impl Relations {
    fn ask(adapter: &dyn Adapter, watched: &[Watched<'_>]) -> Self {
        let targets: Vec<Target> = watched.iter().map(|one| one.target.clone()).collect();
        Self(adapter.state(&targets))
    }

    /// One that cannot be seen must not hide the others.
    fn get(&self, adapter: &dyn Adapter, target: &Target) -> Result<Option<Relation>, AdapterError> {
        match &self.0 {
            Ok(state) => Ok(state.get(target).cloned()),
            Err(_) => Ok(adapter.state(std::slice::from_ref(target))?.get(target).cloned()),
        }
    }
}

fn look<'a>(
    adapter: &'a dyn Adapter,
    session: &mut Option<Box<dyn Session + 'a>>,
    watched: &Watched<'_>,
    relations: &Relations,
) -> Result<Sight, AdapterError> {
    let dialect = adapter.dialect();
    let relation = relations.get(adapter, watched.target)?;
    if relation.is_none() && !watched.is_declared {
        return Ok(Sight::NotBuilt);
    }
    let Some(event) = &watched.times.event else { return Ok(Sight::Timeless) };
    let session = match session {
        Some(session) => session,
        None => session.insert(adapter.session()?),
    };
    // Not everything that can be read is in the catalogue with its columns. What cannot be read either has an error that says so.
    let known = relation.map(|Relation { columns, layout, .. }| (columns, layout));
    let (columns, layout): (Vec<Column>, Layout) = match known.filter(|(columns, _)| !columns.is_empty()) {
        Some(known) => known,
        None => (session.describe(&format!("select * from {}", dialect.relation(watched.target)))?, Layout::default()),
    };
    let event = time_column(&columns, &event.name, dialect)?;
    let lateness = watched.expectations.lateness;
    let processed = watched.times.processed.as_ref().map(|time| time_column(&columns, &time.name, dialect));
    // Nobody asks for one that does not matter.
    let processed = if lateness.is_some() { processed.transpose()? } else { processed.and_then(Result::ok) };
    let query = StatusQuery {
        dialect,
        target: watched.target,
        layout: &layout,
        event: &event,
        processed: processed.as_ref(),
        lateness,
    };
    let rows = session.rows(query.statement().sql())?;
    let to_do = watched.ledger.as_ref().and_then(|ledger| count_changed(ledger, session.as_mut(), dialect).ok());
    let Some([at, ago, rows, late]) = rows.first().map(Vec::as_slice) else {
        return Ok(Sight::Seen(Seen { newest: None, arrivals: None, to_do }));
    };
    let newest = at.clone().zip(seconds(ago.as_ref())).map(|(at, seconds_ago)| Newest { at, seconds_ago });
    let count =
        |text: &Option<String>| seconds(text.as_ref()).and_then(|it| u64::try_from(it).ok()).unwrap_or_default();
    let arrivals = processed.as_ref().zip(lateness).map(|_| Arrivals { rows: count(rows), late: count(late) });
    Ok(Sight::Seen(Seen { newest, arrivals, to_do }))
}

/// A number that may be written with a point, rounded down. Infinity is a very large one.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
pub(super) fn seconds(text: Option<&String>) -> Option<i64> {
    let number = text?.parse::<f64>().ok().filter(|number| !number.is_nan())?;
    Some(number.floor() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_down() {
        let read = |text: &str| seconds(Some(&text.to_owned()));
        assert_eq!(read("12.9"), Some(12));
        assert_eq!(read("-0.5"), Some(-1));
        assert_eq!(read("-Infinity"), Some(i64::MIN));
        assert_eq!(read("NaN"), None);
        assert_eq!(read("soon"), None);
    }
}
