//! What a config expects of rows as time goes by.

use crate::action::{Expectations, Freshness, Times};
use crate::config::Reader;
use crate::files::Span;

pub(super) fn read_expectations(reader: &mut Reader<'_>, times: &Times) -> Expectations {
    let place = reader.peek("freshness").map(|value| value.span);
    let freshness = reader.object("freshness", "`freshness`", |inner| read_freshness(inner, place));
    let lateness = reader.time_span("lateness");
    let needs_event = [
        ("freshness", "is the age of the newest event", freshness.as_ref().map(|found| found.span)),
        ("lateness", "is the time from the event to its row", lateness.as_ref().map(|found| found.span)),
    ];
    for (key, meaning, span) in needs_event {
        if let Some(span) = span.filter(|_| times.event.is_none()) {
            let help = Some("name the column that says when it happened: `eventTime: \"…\"`".to_owned());
            reader.refuse(span, format!("`{key}` {meaning}, and nothing says when that was"), help);
        }
    }
    Expectations { freshness: freshness.and_then(|found| found.value), lateness: lateness.map(|found| found.value) }
}

fn read_freshness(reader: &mut Reader<'_>, place: Option<Span>) -> Option<Freshness> {
    const HELP: &str = "write it as `{ warnAfter: \"1 hour\", errorAfter: \"6 hours\" }`";
    let warn_after = reader.time_span("warnAfter");
    let error_after = reader.time_span("errorAfter");
    if let (Some(warn), Some(error)) = (&warn_after, &error_after)
        && warn.value > error.value
    {
        let help = Some("let `warnAfter` be the shorter one".to_owned());
        reader.refuse(warn.span, format!("there is no warning: {} come before {}", error.value, warn.value), help);
    }
    let freshness = Freshness {
        warn_after: warn_after.map(|found| found.value),
        error_after: error_after.map(|found| found.value),
    };
    if freshness.warn_after.is_some() || freshness.error_after.is_some() {
        return Some(freshness);
    }
    let is_known = reader.keys().iter().all(|key| ["warnAfter", "errorAfter"].contains(key));
    if let Some(place) = place.filter(|_| reader.count_of_problems() == 0 && is_known) {
        reader.refuse(place, "`freshness` needs a `warnAfter` or an `errorAfter`", Some(HELP.to_owned()));
    }
    None
}
