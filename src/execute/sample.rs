//! Intervals that are drawn by chance, so that a look at a large table costs less.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use crate::adapter::AdapterError;
use crate::execute::allowance::{Allowance, Refusal};
use crate::plan::{MOST_NAMED, Reconciliation};

/// From how many intervals some are drawn: hours of a hundred years.
const MOST_INTERVALS: usize = 1_000_000;

/// Which part of the intervals is drawn: more than 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

/// How many intervals have been drawn, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// At least one; no more than a query can name.
    pub drawn: usize,
    /// All that there are.
    pub of: usize,
}

impl Share {
    /// Draws some of these, each with the same chance, and keeps their order.
    pub fn draw(self, mut names: Vec<String>) -> (Vec<String>, Draw) {
        let draw = self.of(names.len());
        let chance = RandomState::new();
        // The lowest of numbers that nobody can foresee.
        let mut places: Vec<usize> = (0..names.len()).collect();
        places.sort_by_cached_key(|place| chance.hash_one(place));
        places.truncate(draw.drawn);
        places.sort_unstable();
        let mut kept = places.into_iter().peekable();
        let mut place = 0;
        names.retain(|_| {
            let is_kept = kept.next_if_eq(&place).is_some();
            place += 1;
            is_kept
        });
        (names, draw)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of a number is no more than that"
    )]
    fn of(self, all: usize) -> Draw {
        let wanted = (all as f64 * self.0).ceil() as usize;
        Draw { drawn: wanted.clamp(1, MOST_NAMED).min(all), of: all }
    }
}

/// Draws some of the intervals from the first of the table to its last.
pub(super) fn draw(
    reader: &mut Allowance<'_>,
    reconciliation: &Reconciliation<'_>,
    share: Share,
) -> Result<(Vec<String>, Draw), Refusal> {
    let bounds = reconciliation.bounds().map(|bounds| reader.rows(&bounds)).transpose()?.unwrap_or_default();
    let (Some([Some(first), Some(last)]), Some(time)) =
        (bounds.first().map(Vec::as_slice), reconciliation.time.as_ref())
    else {
        return Err(Refusal::NothingToDraw);
    };
    let names = time.width.names(first, last, MOST_INTERVALS);
    let names = names.map_err(|error| AdapterError::from_message(error.to_string()))?;
    if names.len() == MOST_INTERVALS {
        let help = Some("draw longer ones by --by, or name a beginning by --since".to_owned());
        let message = format!("from {first} to {last} there are too many intervals to draw from");
        return Err(AdapterError { help, ..AdapterError::from_message(message) }.into());
    }
    Ok(share.draw(names))
}

/// `10%`, or `10`.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>().ok();
        let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
        percent
            .map(|percent| Self(percent / 100.0))
            .ok_or_else(|| format!("`{text}` is no share of the intervals such as `10%`"))
    }
}

/// `3 of 31`
impl fmt::Display for Draw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.drawn, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_and_stays_in_order() {
        let names: Vec<String> = (0..100).map(|number| format!("{number:03}")).collect();
        let share: Share = "5 %".parse().unwrap();
        let (drawn, draw) = share.draw(names.clone());
        assert_eq!((drawn.len(), draw), (5, Draw { drawn: 5, of: 100 }));
        assert!(drawn.is_sorted() && drawn.iter().all(|name| names.contains(name)));
        let mut all = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            all.extend(share.draw(names.clone()).0);
        }
        assert_eq!(all.len(), 100);
        let draw = |text: &str, all| text.parse::<Share>().map(|share| share.of(all).drawn);
        assert_eq!(draw("0.1", 10), Ok(1));
        assert_eq!(draw("100%", 31), Ok(31));
        assert_eq!(draw("50%", 10_000), Ok(MOST_NAMED));
        assert_eq!(draw("50%", 0), Ok(0));
        for text in ["0", "-1%", "101", "NaN", "ten", ""] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }
}
