//! How much of a table is right, for people.

use std::fmt::Write;

use crate::execute::{Finding, LeftOut, Objection, Reconciled, Renewal, WrittenBy};
use crate::report::{ago, count, diff_table, digits, length_at_most, percent, read_text};

/// What was found out about one table, and what that cost, where it is known.
pub fn reconciliation(name: &str, found: &Reconciled, cost: Option<f64>, color: bool) -> String {
    let (missing, extra, different) = found.totals();
    let mut text = if found.differing.is_empty() {
        format!("{name}: all of {} right{}\n", rows(found.actual), intervals(found))
    } else {
        let parts = [(missing, "missing"), (extra, "too many"), (different, "different")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", digits(*count)))
            .collect();
        format!(
            "{name}: {} accurate: {} expected, {}{}\n",
            percent(found.accuracy()),
            rows(found.expected),
            parts.join(", "),
            intervals(found)
        )
    };
    if let Some(drawn) = found.drawn {
        let _ = writeln!(text, "  a sample: {drawn} intervals, drawn by chance");
    }
    if found.intervals.is_some() && !found.differing.is_empty() {
        text += &table(found, ["expected", "missing", "too many"]);
    }
    for cause in causes(found) {
        let _ = writeln!(text, "  {cause}");
    }
    if !found.examples.rows.is_empty() {
        text += "  some of them, - in the table and + as they should be:\n";
        text += &diff_table(&found.examples, color);
    }
    text += &left_out(found, ["the table does not have it", "the query does not give it"]);
    if found.is_repaired {
        text += "  repaired\n";
    }
    for reason in &found.objections {
        let _ = writeln!(text, "  not repaired: {}", objection(reason));
    }
    if let Some(usage) = found.usage.as_ref().filter(|usage| !usage.jobs.is_empty()) {
        let _ = writeln!(text, "  read {}", read_text(usage.bytes_processed, cost));
    }
    text
}

/// What was found out about two relations: the rows of `new` are the expected ones.
pub fn relations_beside(base: &str, new: &str, found: &Reconciled, color: bool) -> String {
    let (added, removed, different) = found.totals();
    let mut text = if found.differing.is_empty() {
        let part = if found.has_same_columns() { "" } else { " in what both have" };
        format!("{new} and {base}: the same {}{part}{}\n", rows(found.actual), intervals(found))
    } else {
        let parts =
            [(added, format!("only in {new}")), (removed, format!("only in {base}")), (different, "different".into())];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{} {words}", digits(*count)))
            .collect();
        let (was, is) = (rows(found.actual), digits(found.expected));
        let share = percent(found.accuracy());
        format!("{new} beside {base}: {share} the same: {was} and now {is}, {}{}\n", parts.join(", "), intervals(found))
    };
    if found.intervals.is_some() && !found.differing.is_empty() {
        text += &table(found, ["now", "added", "gone"]);
    }
    if !found.examples.rows.is_empty() {
        let _ = writeln!(text, "  some of them, - in {base} and + in {new}:");
        text += &diff_table(&found.examples, color);
    }
    for column in &found.retyped {
        let (was, is) = (&column.column.data_type, &column.given.data_type);
        let _ = writeln!(text, "  `{}` is {is} in {new}, and {was} in {base}", column.column.name);
    }
    text + &left_out(found, [&format!("{base} does not have it"), &format!("{new} does not have it")])
}

/// The columns that are not compared. The reasons are for those of the expected rows alone, and of the actual ones alone.
fn left_out(found: &Reconciled, [only_expected, only_actual]: [&str; 2]) -> String {
    let lines = found.left_out.iter().map(|(column, reason)| {
        let why = match reason {
            LeftOut::Declared => "it tells when a row was made",
            LeftOut::Volatile => "it is another value in each run",
            LeftOut::Unstable => "asked twice, the query gave other values of it",
            LeftOut::OnlyInQuery => only_expected,
            LeftOut::OnlyInTable => only_actual,
        };
        format!("  `{column}` is not compared: {why}\n")
    });
    lines.collect()
}

fn intervals(found: &Reconciled) -> String {
    match (found.intervals, found.differing.len()) {
        (Some(all), 0) => format!(", in {}", count(all, "interval")),
        (Some(all), differing) => format!(", in {differing} of {}", count(all, "interval")),
        (None, _) => String::new(),
    }
}

/// One line for each interval that differs.
fn table(found: &Reconciled, [expected, missing, extra]: [&str; 3]) -> String {
    const SHOWN: usize = 20;
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "(no time)".to_owned());
    let shown = found.differing.iter().take(SHOWN);
    let width = shown.clone().map(|interval| name(&interval.name).chars().count()).max().unwrap_or_default();
    let mut text = format!("  {:<width$}  {expected:>9}  {missing:>9}  {extra:>9}  {:>9}\n", "", "different");
    for interval in shown {
        let _ = writeln!(
            text,
            "  {:<width$}  {:>9}  {:>9}  {:>9}  {:>9}",
            name(&interval.name),
            digits(interval.expected),
            digits(interval.missing),
            digits(interval.extra),
            digits(interval.different),
        );
    }
    if found.differing.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", found.differing.len() - SHOWN);
    }
    text
}

/// What the differences may come from.
fn causes(found: &Reconciled) -> Vec<String> {
    let (_, extra, different) = found.totals();
    let mut causes = causes_of_missing(found);
    if let WrittenBy::Other { seconds_ago } = found.written_by {
        causes
            .push(format!("the last run of another text began {}: rows of that may still be there", ago(seconds_ago)));
    }
    if different > 0 {
        let late = if found.habits.aggregates { ", or rows of it that came late or went" } else { "" };
        let or = match found.written_by {
            WrittenBy::Unknown => ", or a query that has changed",
            WrittenBy::Present => "",
            WrittenBy::Other { .. } => ", or of another text",
        };
        causes.push(format!("{} with other values: updates of the source{late}{or}", rows(different)));
    }
    let keys = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "key");
    if found.duplicate_keys_of_query > 0 {
        let keys = keys(found.duplicate_keys_of_query);
        causes.push(format!("{keys} of which the query gives more than one row: twice in the source, or no key"));
    }
    if found.duplicate_keys > 0 {
        let keys = keys(found.duplicate_keys);
        causes.push(format!("{keys} of which the table has more than one row: added twice, or no key"));
    } else if extra > 0 {
        let why = if found.habits.has_key {
            "deleted in the source, or given another key"
        } else {
            "deleted in the source, or changed, which a key would tell"
        };
        causes.push(format!("{} that the query no longer gives: {why}", rows(extra)));
    }
    causes
}

/// Why rows are missing, by their time.
fn causes_of_missing(found: &Reconciled) -> Vec<String> {
    let waiting = &found.waiting;
    let renewal = found.habits.renewal;
    let later = match renewal {
        Renewal::Whole => "the source has them since it was built",
        Renewal::Filter | Renewal::Intervals => "they came since their interval was done, or went from the table",
    };
    let mut causes = Vec::new();
    if waiting.late > 0 {
        let (by, oldest) = (length_at_most(waiting.late_by), waiting.oldest.as_deref().unwrap_or_default());
        let why = if renewal == Renewal::Filter { "late facts that the filter passes over" } else { later };
        causes.push(format!(
            "{} missing that {} older than the newest of the table, by up to {by} ({oldest}): {why}",
            rows(waiting.late),
            are(waiting.late)
        ));
    }
    if waiting.tied > 0 {
        let why = if renewal == Renewal::Filter { "ties that a strict `>` passes over" } else { later };
        causes.push(format!(
            "{} missing that {} as new as the newest of the table: {why}",
            rows(waiting.tied),
            are(waiting.tied)
        ));
    }
    if waiting.newer > 0 {
        causes.push(format!(
            "{} missing that {} newer than the newest of the table: the next run may bring them",
            rows(waiting.newer),
            are(waiting.newer)
        ));
    }
    let untimed: u64 = found.differing.iter().filter(|interval| interval.name.is_none()).map(|it| it.missing).sum();
    match (untimed, found.intervals) {
        (0, _) => {}
        (_, Some(_)) => {
            let have = if untimed == 1 { "has" } else { "have" };
            let why = if renewal == Renewal::Whole { later } else { "a filter on the time passes over such" };
            causes.push(format!("{} missing that {have} no time: {why}", rows(untimed)));
        }
        (_, None) => {
            let why = match renewal {
                Renewal::Whole => later,
                Renewal::Filter | Renewal::Intervals => {
                    "the filter passes over them, or the next run brings them, which an `eventTime` would tell"
                }
            };
            causes.push(format!("{} missing: {why}", rows(untimed)));
        }
    }
    causes
}

/// Why a table has not been mended.
fn objection(objection: &Objection) -> String {
    match objection {
        Objection::DuplicateKeys(_) => "its unique key is not unique in what the query gives".to_owned(),
        Objection::Assertion(Finding { assertion, count: number }) => {
            format!("`{assertion}` finds {} in what the query gives", rows(*number))
        }
    }
}

fn rows(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "row")
}

fn are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}
