//! Keeps below the rates that BigQuery allows, so that it has nothing to refuse:
//! <https://cloud.google.com/bigquery/quotas>.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// "API requests per second, per user, per method": 100. Here of all methods together, with room for other tools.
const REQUESTS: Rate = Rate { number: 80, within: Duration::from_secs(1) };

/// "Table metadata update operations per table" and "dataset metadata update operations per dataset". DML does not count.
const UPDATES: Rate = Rate { number: 5, within: Duration::from_secs(10) };

/// Their clocks are not ours.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
struct Rate {
    number: usize,
    within: Duration,
}

/// What has a quota of updates of its own. The name of a table has that of its dataset before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Updated {
    Table(String),
    Dataset(String),
}

/// When what was done last.
#[derive(Debug, Default)]
pub(super) struct Pace {
    requests: Mutex<VecDeque<Instant>>,
    updates: Mutex<HashMap<Updated, VecDeque<Instant>>>,
}

impl Pace {
    /// Waits until one more request may be sent.
    pub(super) async fn request(&self) {
        let wait = take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner), REQUESTS, 1, Duration::ZERO);
        sleep(wait).await;
    }

    /// Takes room for so many updates, and says how long to wait for it.
    pub(super) fn updates(&self, of: &Updated, number: usize) -> Duration {
        let mut all = self.updates.lock().unwrap_or_else(PoisonError::into_inner);
        take(all.entry(of.clone()).or_default(), UPDATES, number, MARGIN)
    }
}

/// What a script makes, alters and drops, and in how many statements. Each begins a line, as a plan writes it, or stands
/// behind a semicolon. What has no dataset is temporary, and another one in each script.
pub(super) fn metadata_updates(sql: &str) -> BTreeMap<Updated, usize> {
    const VERBS: [&str; 3] = ["alter", "create", "drop"];
    const BESIDE: [&str; 8] = ["or", "replace", "materialized", "external", "snapshot", "if", "not", "exists"];
    let mut found = BTreeMap::new();
    let mut start = 0;
    for piece in sql.split_inclusive(['\n', ';']) {
        let rest = sql.get(start..).unwrap_or_default();
        start += piece.len();
        if piece.trim().is_empty() {
            continue;
        }
        let is_beside = |word: &&str| BESIDE.iter().any(|beside| word.eq_ignore_ascii_case(beside));
        let mut words = rest.split_whitespace().filter(|word| !is_beside(word));
        let verb = words.next().unwrap_or_default().to_ascii_lowercase();
        let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
        if !VERBS.contains(&verb.as_str()) {
            continue;
        }
        let name = name.split(['(', ';']).next().unwrap_or_default().replace('`', "");
        let end = |parts: usize| name.rmatch_indices('.').nth(parts - 1).map_or(0, |(at, _)| at + 1);
        let updated = match kind.to_ascii_lowercase().as_str() {
            "table" | "view" if name.contains('.') => Updated::Table(name[end(2)..].to_owned()),
            "schema" => Updated::Dataset(name[end(1)..].to_owned()),
            _ => continue,
        };
        *found.entry(updated).or_default() += 1;
    }
    found
}

/// Notes so many more for when there is room for them, and says how long that is from now. More at once than the rate allows
/// are let through when nothing else is in the way.
fn take(taken: &mut VecDeque<Instant>, rate: Rate, number: usize, margin: Duration) -> Duration {
    let now = Instant::now();
    let window = rate.within + margin;
    while taken.front().is_some_and(|at| *at + window <= now) {
        taken.pop_front();
    }
    let kept = rate.number.saturating_sub(number);
    let begins = match taken.len().checked_sub(kept + 1) {
        None => now,
        Some(last) => taken[last] + window,
    };
    taken.extend(std::iter::repeat_n(begins, number));
    begins.saturating_duration_since(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Updated {
        Updated::Table(name.to_owned())
    }

    #[test]
    fn a_sixth_update_waits() {
        let pace = Pace::default();
        assert!((0..5).all(|_| pace.updates(&table("a"), 1).is_zero()));
        assert!(pace.updates(&table("a"), 1) > Duration::from_secs(10));
        assert!(pace.updates(&table("b"), 1).is_zero());
        assert!(pace.updates(&Updated::Dataset("a".to_owned()), 1).is_zero());
    }

    #[test]
    fn several_at_once_need_room_for_all() {
        let pace = Pace::default();
        assert!(pace.updates(&table("a"), 3).is_zero());
        assert!(pace.updates(&table("a"), 2).is_zero());
        assert!(pace.updates(&table("a"), 3) > Duration::from_secs(10));
        // Those wait for the three before them, and not for the first two alone.
        assert!(pace.updates(&table("a"), 3) > Duration::from_secs(20));
    }

    #[test]
    fn more_than_is_allowed_is_let_through_alone() {
        let pace = Pace::default();
        assert!(pace.updates(&table("a"), 9).is_zero());
        assert!(pace.updates(&table("a"), 1) > Duration::from_secs(10));
    }

    #[test]
    fn updates_are_told_by_their_words() {
        let found = |sql: &str| metadata_updates(sql).into_iter().collect::<Vec<_>>();
        assert_eq!(found("create or replace table `p`.`s.a` as\nselect 1 as alter_table"), [(table("s.a"), 1)]);
        assert_eq!(
            found("ALTER TABLE\n  s.a add column b int64; drop view if exists s.c;"),
            [(table("s.a"), 1), (table("s.c"), 1)]
        );
        assert_eq!(found("create table s.a(b int64);\nalter table `s`.`a` drop column b"), [(table("s.a"), 2)]);
        assert_eq!(found("create schema if not exists `p.s`"), [(Updated::Dataset("s".to_owned()), 1)]);
        assert_eq!(found("create temp table a as\nselect 1;\ninsert into s.b select * from a;\ndrop table `a`"), []);
        assert_eq!(found("create"), []);
    }
}
