//! `where ts > (select max(ts) from ${self()})`: rows that come later than others of the same time are never read. With `>=` those of
//! the latest time are read again.

use std::collections::BTreeMap;

use super::{Role, Subject};
use crate::action::{Incremental, IncrementalStrategy, Model, Texts};
use crate::analysis::bound::{Bound, Expr, ExprKind, Query, SourceKind, Statement};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::syntax::range;
use crate::relation::DataType;

/// Reports comparisons that take only what is beyond the largest time in the table, and those that take what has it once more.
pub(super) fn watermark(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Some((model, incremental)) = subject.model_and_increment() else { return Vec::new() };
    // Where whole partitions or intervals take the place of others nothing is added to one that is there.
    if matches!(incremental.strategy, IncrementalStrategy::InsertOverwrite | IncrementalStrategy::Interval(_)) {
        return Vec::new();
    }
    let repeats = repeats_rows(model, incremental, subject);
    let mut found = Vec::new();
    for (_, select) in subject.survey.selects() {
        let conditions = select.joins.iter().filter_map(|join| join.condition.as_ref());
        // Where something else will do as well the time does not decide.
        for part in conditions.chain(&select.filter).flat_map(Expr::conjuncts) {
            let flawed =
                comparison(part, subject).filter(|watermark| watermark.is_strict || repeats && watermark.takes_ties);
            found.extend(flawed.map(|watermark| (part.span, watermark)));
        }
    }
    let report = |(span, watermark): (_, Watermark<'_>)| {
        let (message, help) = if watermark.is_strict {
            let help = if model.unique_key.is_empty() { LOOK_BACK_BY_KEY } else { LOOK_BACK };
            let of_same = format!(", or others of the same `{}`", watermark.name);
            let ties = if watermark.loses_ties { of_same } else { String::new() };
            (format!("rows are lost that come when the table has later ones{ties}"), help)
        } else {
            (format!("each run adds the rows of the latest `{}` once more", watermark.name), BY_KEY)
        };
        subject.place(Diagnostic::warning(Code::StrictWatermark, message), span).help(help)
    };
    found.into_iter().map(report).collect()
}

const LOOK_BACK: &str = "look back as long as rows can be late, since the unique key replaces those that come again: \
                         `>= (select max(…) - interval '1 day' from ${self()})`";
const LOOK_BACK_BY_KEY: &str = "give it a `uniqueKey`, by which rows that come again are replaced, and look back as long as rows can \
                                be late: `>= (select max(…) - interval '1 day' from ${self()})`";
const BY_KEY: &str = "give it a `uniqueKey`, by which rows that come again are replaced";

/// Whether rows that come again stay beside those that are there: nothing replaces them, and nothing looks for them.
fn repeats_rows(model: &Model, incremental: &Incremental, subject: &Subject<'_>) -> bool {
    let Texts { query, pre_operations, post_operations } = &incremental.texts;
    let has_operations = !pre_operations.is_empty() || !post_operations.is_empty();
    let own = subject.bound.sources_that(|kind| matches!(kind, SourceKind::Own));
    // A condition on what it selects does not know what that has looked at.
    let is_all = subject.role == Role::Increment || !query.text().contains(&*subject.action.target.name);
    let is_added = incremental.strategy == IncrementalStrategy::Append && model.unique_key.is_empty();
    is_added && !has_operations && own.len() == 1 && is_all
}

/// A column whose largest value in the table new rows have to exceed, or to reach.
struct Watermark<'a> {
    name: &'a str,
    is_strict: bool,
    /// Whether rows of the same value are lost. A time of that day is more than the day.
    loses_ties: bool,
    /// Whether rows of the same value come again. A day is hardly ever as late as a time of that day.
    takes_ties: bool,
}

fn comparison<'a>(expr: &'a Expr, subject: &Subject<'a>) -> Option<Watermark<'a>> {
    let call = expr.call()?;
    let (is_strict, new, bound) = match (call.name.as_str(), call.arguments.as_slice()) {
        (">", [new, bound]) | ("<", [bound, new]) => (true, new, bound),
        (">=", [new, bound]) | ("<=", [bound, new]) => (false, new, bound),
        _ => return None,
    };
    let finder = Finder { bound: subject.bound, text: subject.text.text(), marks: subject.marks };
    let mark = finder.largest(bound)?;
    // What tells the rows apart has no two of one value.
    if mark.is_key {
        return None;
    }
    let bound_type = if bound.data_type.is_vague() { mark.data_type } else { &bound.data_type };
    let is_of_table = new.column().is_some_and(|(id, _)| matches!(subject.bound.source(id).kind, SourceKind::Own));
    let is_day = |data_type: &DataType| *data_type == DataType::Date;
    let is_meant = (new.data_type.is_moment() || bound_type.is_moment()) && new.column().is_some() && !is_of_table;
    let (new_day, bound_day) = (is_day(&new.data_type), is_day(bound_type));
    let (loses_ties, takes_ties) = (new_day == bound_day, bound_day || !new_day);
    is_meant.then_some(Watermark { name: mark.column, is_strict, loses_ties, takes_ties })
}

/// The column of the model's table whose largest value something is.
#[derive(Clone, Copy)]
struct Mark<'a> {
    column: &'a str,
    data_type: &'a DataType,
    /// Whether no two rows have the same value.
    is_key: bool,
}

/// Variables of a script, in lower case, that hold the largest value of a column of the model's table.
#[derive(Debug, Default)]
pub(in crate::analysis) struct Marks(BTreeMap<String, (String, DataType, bool)>);

impl Marks {
    /// Takes in what a text declares.
    pub(in crate::analysis) fn add(&mut self, bound: &Bound) {
        let none = Self::default();
        let finder = Finder { bound, text: "", marks: &none };
        for statement in &bound.statements {
            let Statement::Declare(names, Some(value)) = statement else { continue };
            let Some(mark) = finder.largest(value) else { continue };
            let held = (mark.column.to_owned(), mark.data_type.clone(), mark.is_key);
            self.0.extend(names.iter().map(|name| (name.clone(), held.clone())));
        }
    }
}

/// Looks for such a column.
struct Finder<'a> {
    bound: &'a Bound,
    text: &'a str,
    marks: &'a Marks,
}

impl<'a> Finder<'a> {
    /// The column whose largest value an expression is, as it is or in place of NULL.
    fn largest(&self, expr: &'a Expr) -> Option<Mark<'a>> {
        match &expr.kind {
            ExprKind::Subquery(query) => self.largest_of_query(query, 0),
            ExprKind::Column { source, column: Some(place), .. } => {
                let query = match &self.bound.source(*source).kind {
                    SourceKind::Cte(id) => &self.bound.cte(*id).query,
                    SourceKind::Derived(query) => query,
                    _ => return None,
                };
                self.largest_of_query(query, *place)
            }
            ExprKind::Unbound => {
                let name = self.text.get(range(self.text, expr.span))?.to_lowercase();
                let (column, data_type, is_key) = self.marks.0.get(&name)?;
                Some(Mark { column, data_type, is_key: *is_key })
            }
            ExprKind::Call(call) => match call.name.as_str() {
                "max" if call.window.is_none() => self.of_own(call.arguments.first()?),
                "coalesce" | "ifnull" | "nvl" => self.largest(call.arguments.first()?),
                _ => None,
            },
            // A time that becomes a day is earlier, which is a look back.
            ExprKind::Cast { value, .. } if expr.data_type != DataType::Date || value.data_type == DataType::Date => {
                self.largest(value)
            }
            _ => None,
        }
    }

    fn largest_of_query(&self, query: &'a Query, place: usize) -> Option<Mark<'a>> {
        let select = query.without_brackets().select()?;
        // What is left out or grouped has a largest value of its own.
        let is_plain = select.sources.len() == 1 && select.filter.is_none() && select.grouping.keys().is_empty();
        self.largest(&select.projection.get(place).filter(|_| is_plain)?.expr)
    }

    /// A column of the model's table.
    fn of_own(&self, expr: &'a Expr) -> Option<Mark<'a>> {
        let ExprKind::Column { source, column, name, .. } = &expr.kind else { return None };
        let source = self.bound.source(*source);
        let is_key = column.is_some_and(|place| source.keys.iter().any(|key| key.as_slice() == [place]));
        matches!(source.kind, SourceKind::Own).then_some(Mark { column: name, data_type: &expr.data_type, is_key })
    }
}
