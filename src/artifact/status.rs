//! How fresh, accurate and cheap relations are, as JSON.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::action::Age;
use crate::config::TimeSpan;
use crate::execute::{LastDone, RelationStatus, Seen, Sight};
use crate::plan::HistoryFinding;

/// One object on a line for each.
pub fn status_json(relations: &[RelationStatus<'_>]) -> String {
    let now = Timestamp::now();
    relations.iter().map(|relation| format!("{}\n", object(relation, now))).collect()
}

fn object(relation: &RelationStatus<'_>, now: Timestamp) -> Value {
    let documentation = &relation.action.documentation;
    let expectations = documentation.expectations;
    let (state, error, seen) = match &relation.sight {
        Sight::NotBuilt => ("not_built", None, None),
        Sight::Timeless => ("timeless", None, None),
        Sight::Seen(seen) => ("seen", None, Some(seen)),
        Sight::Failed(error) => ("failed", Some(error.message.as_str()), None),
    };
    let newest = seen.and_then(|seen| seen.newest.as_ref());
    let seconds = |span: Option<TimeSpan>| span.map(TimeSpan::seconds);
    let freshness = relation.age().map(|age| {
        let word = match age {
            Age::Fresh => "ok",
            Age::Old(_) => "warn",
            Age::TooOld(_) => "error",
        };
        json!({
            "status": word,
            "warn_after_seconds": seconds(expectations.freshness.and_then(|it| it.warn_after)),
            "error_after_seconds": seconds(expectations.freshness.and_then(|it| it.error_after)),
        })
    });
    json!({
        "name": relation.action.target.to_string(),
        "type": relation.action.kind.word(),
        "state": state,
        "error": error,
        "event_time": documentation.times.event.as_ref().map(|time| &time.name),
        "newest_event": newest.map(|newest| &newest.at),
        "lag_seconds": newest.map(|newest| newest.seconds_ago.max(0)),
        "ahead_seconds": newest.map(|newest| newest.seconds_ago.saturating_neg()).filter(|ahead| *ahead > 0),
        "freshness": freshness,
        "intervals_to_do": seen.and_then(|seen| seen.to_do),
        "lateness": seen.and_then(|seen| lateness(seen, expectations.lateness)),
        "reconcile": relation.last.comparison.as_ref().map(|done| comparison(done, now)),
        "last_run": relation.last.run.as_ref().map(|done| last_run(done, now)),
    })
}

fn lateness(seen: &Seen, allowed: Option<TimeSpan>) -> Option<Value> {
    let arrivals = seen.arrivals?;
    Some(json!({
        "allowed_seconds": allowed.map(TimeSpan::seconds),
        "rows": arrivals.rows,
        "late": arrivals.late,
    }))
}

fn comparison(done: &LastDone, now: Timestamp) -> Value {
    let found = done.found.as_ref();
    json!({
        "started_at": at(done, now),
        "outcome": done.outcome.word(),
        "part": found.map(|found| &found.part),
        "accuracy": found.map(|found| found.accuracy),
        "missing": found.map(|found| found.missing),
        "extra": found.map(|found| found.extra),
        "different": found.map(|found| found.different),
        "late": found.map(|found| found.late),
        "late_share": found.map(HistoryFinding::share_late),
    })
}

fn last_run(done: &LastDone, now: Timestamp) -> Value {
    json!({
        "started_at": at(done, now),
        "outcome": done.outcome.word(),
        "milliseconds": done.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "rows": done.rows,
        "bytes_read": done.bytes_read,
        "cost": done.cost,
    })
}

/// RFC 3339, in UTC, to the second.
fn at(done: &LastDone, now: Timestamp) -> Option<String> {
    let began = now.checked_sub(i64::try_from(done.seconds_ago).ok()?.seconds()).ok()?;
    Some(began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
