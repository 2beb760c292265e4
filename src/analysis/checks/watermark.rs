//! `where ts > (select max(ts) from ${self()})`: rows that come later than others of the same time are never read.

use super::Subject;
use crate::action::IncrementalStrategy;
use crate::analysis::bound::{Bound, Expr, ExprKind, Query, SourceId, SourceKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::DataType;

/// Reports comparisons that take only what is beyond the largest time in the table.
pub(super) fn strict_watermark(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some((model, incremental)) = subject.model_and_increment() else { return Vec::new() };
    // Where whole partitions or intervals take the place of others nothing is added to one that is there.
    if matches!(incremental.strategy, IncrementalStrategy::InsertOverwrite | IncrementalStrategy::Interval(_)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (_, select) in subject.bound.selects() {
        let conditions = select.joins.iter().filter_map(|join| join.condition.as_ref());
        // Where something else will do as well the time does not decide.
        for part in conditions.chain(&select.filter).flat_map(Expr::conjuncts) {
            found.extend(strict_comparison(part, subject).map(|watermark| (part.span, watermark)));
        }
    }
    let help = if model.unique_key.is_empty() {
        "give it a `uniqueKey`, by which rows that come again are replaced, and look back as long as rows can be late: \
         `>= (select max(…) - interval '1 day' from ${self()})`"
    } else {
        "look back as long as rows can be late, since the unique key replaces those that come again: \
         `>= (select max(…) - interval '1 day' from ${self()})`"
    };
    let report = |(span, watermark): (_, Watermark<'_>)| {
        let ties =
            if watermark.loses_ties { format!(", or others of the same `{}`", watermark.name) } else { String::new() };
        let message = format!("rows are lost that come when the table has later ones{ties}");
        subject.place(Diagnostic::warning(Code::StrictWatermark, message), span).help(help)
    };
    found.into_iter().map(report).collect()
}

/// A column whose largest value in the table new rows have to exceed.
struct Watermark<'a> {
    name: &'a str,
    /// Whether rows of the same value are lost. A time of that day is more than the day.
    loses_ties: bool,
}

fn strict_comparison<'a>(expr: &'a Expr, subject: &Subject<'a>) -> Option<Watermark<'a>> {
    let call = expr.call()?;
    let ((">", [new, bound]) | ("<", [bound, new])) = (call.name.as_str(), call.arguments.as_slice()) else {
        return None;
    };
    let (source, place, name) = largest(bound, subject.bound)?;
    // What tells the rows apart has no two of one value.
    if let Some(place) = place
        && subject.bound.source(source).keys.iter().any(|key| key.as_slice() == [place])
    {
        return None;
    }
    let is_moment = |expr: &Expr| matches!(expr.data_type, DataType::Date | DataType::Timestamp { .. });
    let is_of_table = new.column().is_some_and(|(id, _)| matches!(subject.bound.source(id).kind, SourceKind::Own));
    let is_day = |expr: &Expr| expr.data_type == DataType::Date;
    let is_strict = (is_moment(new) || is_moment(bound)) && new.column().is_some() && !is_of_table;
    is_strict.then(|| Watermark { name, loses_ties: is_day(new) == is_day(bound) })
}

/// The column of the table whose largest value an expression is, as it is or in place of NULL.
fn largest<'a>(expr: &'a Expr, bound: &'a Bound) -> Option<(SourceId, Option<usize>, &'a str)> {
    match &expr.kind {
        ExprKind::Subquery(query) => largest_of_query(query, 0, bound),
        ExprKind::Column { source, column: Some(place), .. } => {
            let query = match &bound.source(*source).kind {
                SourceKind::Cte(id) => &bound.cte(*id).query,
                SourceKind::Derived(query) => query,
                _ => return None,
            };
            largest_of_query(query, *place, bound)
        }
        ExprKind::Call(call) => match call.name.as_str() {
            "max" if call.window.is_none() => match &call.arguments.first()?.kind {
                ExprKind::Column { source, column, name, .. }
                    if matches!(bound.source(*source).kind, SourceKind::Own) =>
                {
                    Some((*source, *column, name))
                }
                _ => None,
            },
            "coalesce" | "ifnull" | "nvl" => largest(call.arguments.first()?, bound),
            _ => None,
        },
        // A time that becomes a day is earlier, which is a look back.
        ExprKind::Cast { value, .. } if expr.data_type != DataType::Date || value.data_type == DataType::Date => {
            largest(value, bound)
        }
        _ => None,
    }
}

fn largest_of_query<'a>(
    query: &'a Query,
    place: usize,
    bound: &'a Bound,
) -> Option<(SourceId, Option<usize>, &'a str)> {
    let select = query.without_brackets().select()?;
    // What is left out or grouped has a largest value of its own.
    let is_plain = select.sources.len() == 1 && select.filter.is_none() && select.grouping.keys().is_empty();
    largest(&select.projection.get(place).filter(|_| is_plain)?.expr, bound)
}
