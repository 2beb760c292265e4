//! How much of a table is right, as JSON.

use serde_json::{Map, Value, json};

use crate::adapter::Rows;
use crate::execute::{LeftOut, Objection, Reconciled, WrittenBy};

/// One object on a line. `base` is the name of the other one of two relations.
pub fn reconciled_json(name: &str, base: Option<&str>, found: &Reconciled) -> String {
    let (missing, extra, different) = found.totals();
    let intervals = found.differing.iter().map(|interval| {
        json!({
            "interval": interval.name,
            "expected": interval.expected,
            "actual": interval.actual,
            "missing": interval.missing,
            "extra": interval.extra,
            "different": interval.different,
        })
    });
    let left_out = found.left_out.iter().map(|(column, reason)| json!({ "column": column, "reason": word(*reason) }));
    let waiting = &found.waiting;
    let retyped = found.retyped.iter().map(|column| {
        json!({ "column": column.column.name, "type": column.column.data_type, "expected_type": column.given.data_type })
    });
    let value = json!({
        "name": name,
        "base": base,
        "accuracy": found.accuracy(),
        "expected": found.expected,
        "actual": found.actual,
        "missing": missing,
        "extra": extra,
        "different": different,
        "intervals": found.intervals,
        "since": found.since,
        "sample": found.drawn.map(|draw| json!({ "drawn": draw.drawn, "of": draw.of })),
        "differing": intervals.collect::<Vec<Value>>(),
        "missing_newer": waiting.newer,
        "missing_tied": waiting.tied,
        "missing_late": waiting.late,
        "oldest_late": waiting.oldest,
        "late_by_seconds": (waiting.late > 0).then_some(waiting.late_by),
        "duplicate_keys": found.duplicate_keys,
        "duplicate_keys_of_query": found.duplicate_keys_of_query,
        "text_changed": match found.written_by {
            WrittenBy::Unknown => None,
            WrittenBy::Present => Some(false),
            WrittenBy::Other { .. } => Some(true),
        },
        "not_compared": left_out.collect::<Vec<Value>>(),
        "retyped": retyped.collect::<Vec<Value>>(),
        "examples": examples(&found.examples),
        "repaired": found.is_repaired,
        "objections": found.objections.iter().map(objection).collect::<Vec<Value>>(),
        "bytes_read": found.usage.as_ref().map(|usage| usage.bytes_processed),
    });
    format!("{value}\n")
}

/// Each row as an object, `+` as it should be and `-` as it is.
fn examples(rows: &Rows) -> Vec<Value> {
    let names: Vec<&str> = rows.columns.iter().skip(1).map(|column| column.name.as_str()).collect();
    let example = |row: &Vec<Option<String>>| {
        let (side, values) = row.split_first()?;
        let row: Map<String, Value> =
            names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        Some(json!({ "side": side, "row": row }))
    };
    rows.rows.iter().filter_map(example).collect()
}

fn objection(objection: &Objection) -> Value {
    match objection {
        Objection::DuplicateKeys(count) => json!({ "duplicate_keys": count }),
        Objection::Assertion(finding) => json!({ "assertion": finding.assertion, "rows": finding.count }),
    }
}

fn word(reason: LeftOut) -> &'static str {
    match reason {
        LeftOut::Declared => "processed_time",
        LeftOut::Volatile => "volatile",
        LeftOut::Unstable => "unstable",
        LeftOut::OnlyInQuery => "only_in_query",
        LeftOut::OnlyInTable => "only_in_table",
    }
}
