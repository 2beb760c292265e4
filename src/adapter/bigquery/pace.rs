//! Keeps below the rates that BigQuery allows, so that it has nothing to refuse:
//! <https://cloud.google.com/bigquery/quotas>.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// "API requests per second, per user, per method": 100. Here of all methods together, with room for other tools.
const REQUESTS: Rate = Rate { number: 80, within: Duration::from_secs(1) };

/// "Table metadata update operations per table": 5 in 10 seconds.
const TABLE_UPDATES: Rate = Rate { number: 5, within: Duration::from_secs(10) };

/// "Dataset metadata update operations": 5 in 10 seconds.
const DATASET_UPDATES: Rate = Rate { number: 5, within: Duration::from_secs(10) };

/// Their clocks are not ours.
const MARGIN: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
struct Rate {
    number: usize,
    within: Duration,
}

/// When what was done last.
#[derive(Debug, Default)]
pub(super) struct Pace {
    requests: Mutex<VecDeque<Instant>>,
    tables: Mutex<HashMap<String, VecDeque<Instant>>>,
    datasets: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl Pace {
    /// Waits until one more request may be sent.
    pub(super) async fn request(&self) {
        let wait = take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner), REQUESTS, 1, Duration::ZERO);
        sleep(wait).await;
    }

    /// Takes room for so many updates of a table, and says how long to wait for it.
    pub(super) fn table_updates(&self, table: &str, number: usize) -> Duration {
        updates(&self.tables, table, TABLE_UPDATES, number)
    }

    /// The same for a dataset.
    pub(super) fn dataset_updates(&self, dataset: &str, number: usize) -> Duration {
        updates(&self.datasets, dataset, DATASET_UPDATES, number)
    }
}

fn updates(all: &Mutex<HashMap<String, VecDeque<Instant>>>, name: &str, rate: Rate, number: usize) -> Duration {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    take(all.entry(name.to_owned()).or_default(), rate, number, MARGIN)
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

    #[test]
    fn a_sixth_update_waits() {
        let pace = Pace::default();
        assert!((0..5).all(|_| pace.table_updates("a", 1).is_zero()));
        assert!(pace.table_updates("a", 1) > Duration::from_secs(10));
        assert!(pace.table_updates("b", 1).is_zero());
    }

    #[test]
    fn several_at_once_need_room_for_all() {
        let pace = Pace::default();
        assert!(pace.table_updates("a", 3).is_zero());
        assert!(pace.table_updates("a", 2).is_zero());
        assert!(pace.table_updates("a", 3) > Duration::from_secs(10));
        // Those wait for the three before them, and not for the first two alone.
        assert!(pace.table_updates("a", 3) > Duration::from_secs(20));
    }

    #[test]
    fn more_than_is_allowed_is_let_through_alone() {
        let pace = Pace::default();
        assert!(pace.table_updates("a", 9).is_zero());
        assert!(pace.table_updates("a", 1) > Duration::from_secs(10));
    }
}
