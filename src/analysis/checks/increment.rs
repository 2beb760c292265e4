//! What an incremental model selects when its table is there, beside what it selects for a full build.

use super::{Role, Subject};
use crate::action::{IncrementalStrategy, OnSchemaChange};
use crate::analysis::bound::{Column, Columns, Expr, ExprKind, Query, Source, SourceKind, Statement};
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::{DataType, Nullability};

/// A text that looks neither at its own table nor at a time gives the same rows on each run.
pub(super) fn rereads_all(subject: &Subject<'_>) -> Vec<Diagnostic> {
    rereading(subject).into_iter().collect()
}

fn rereading(subject: &Subject<'_>) -> Option<Diagnostic> {
    // By a key the result is right for all that, only slow.
    let incremental = subject.incremental().filter(|it| it.strategy == IncrementalStrategy::Append)?;
    // What stands before it may have set a variable, or made a table of what is new.
    if incremental.filter.is_some() || !incremental.texts.pre_operations.is_empty() {
        return None;
    }
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return None };
    let sources = &subject.bound.sources;
    // A view may leave out what is old.
    let reads = |source: &Source| match &source.kind {
        SourceKind::Action(id) => !subject.seen.profile(*id).is_view,
        SourceKind::Cte(_) | SourceKind::Derived(_) | SourceKind::Values(_) | SourceKind::Turned(_) => true,
        SourceKind::Own | SourceKind::Undeclared | SourceKind::Opaque => false,
    };
    let reads_some = sources.iter().any(|source| matches!(source.kind, SourceKind::Action(_)));
    if !reads_some || !sources.iter().all(reads) {
        return None;
    }
    let chooses = subject.survey.selects().any(|(_, select)| {
        let conditions = select.joins.iter().filter_map(|join| join.condition.as_ref());
        let filters = [&select.filter, &select.having, &select.qualify].into_iter().flatten();
        conditions.chain(filters).any(|expr| expr.any(&may_tell_new_rows))
    });
    // A copy of all rows for each day or hour is meant to hold them again and again.
    if chooses || (0..query.columns.known.len()).any(|place| holds_moment(query, place)) {
        return None;
    }
    let message = format!("each run adds all rows of the query to `{}` again", subject.action.canonical.name);
    let help = "select only what is new: `${when(incremental(), `where … > (select max(…) from ${self()})`)}`, or give it a \
                `uniqueKey`";
    Some(subject.place(Diagnostic::warning(Code::NoIncrement, message), query.span).help(help))
}

/// Whether a column of a query may say when it ran.
fn holds_moment(query: &Query, place: usize) -> bool {
    let column = &query.columns.known[place];
    let may_say = is_moment(&column.data_type) || column.data_type.is_text() || column.data_type.is_vague();
    let is_said = |part: &Expr| is_moment(&part.data_type);
    column.is_volatile && (may_say || query.item(place).is_some_and(|item| item.any(&is_said)))
}

fn is_moment(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Time { .. } | DataType::Timestamp { .. })
}

/// Whether a part of a condition can tell new rows from old ones: a time, a variable, a subquery, or what is not known.
fn may_tell_new_rows(expr: &Expr) -> bool {
    // What a subquery gives may be what is new.
    let is_open = expr.query().is_some() || matches!(expr.kind, ExprKind::Unbound | ExprKind::Other(_));
    is_open || is_moment(&expr.data_type) || expr.data_type.is_vague()
}

/// The columns of the two texts are matched by their names when rows are written; what has no partner fails or gets lost.
pub(super) fn other_columns(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (Some(incremental), Some(own)) = (subject.incremental(), subject.own) else { return Vec::new() };
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let (full, new) = (&own.columns, &query.columns);
    if full.is_open || new.is_open {
        return Vec::new();
    }
    let semantics = subject.dialect.semantics();
    let name = &subject.action.canonical.name;
    let mut found = Vec::new();
    let is_alone = |column: &Column, others: &Columns| column.name.is_some() && partner(column, others).is_none();
    let missing: Vec<&Column> = full.known.iter().filter(|column| is_alone(column, new)).collect();
    if !missing.is_empty() {
        let message = format!("`{name}` has {}, which its incremental text does not give", listed(&missing));
        let diagnostic = match incremental.on_schema_change {
            OnSchemaChange::Synchronize => Diagnostic::warning(Code::IncrementColumns, message)
                .help("select it in both texts: it is dropped from the table, with what it holds"),
            _ => Diagnostic::error(Code::IncrementColumns, message)
                .help("select it in both texts: a run fails where the table has the columns of the full one"),
        };
        found.push(subject.place(diagnostic, query.span));
    }
    let added: Vec<usize> = (0..new.known.len()).filter(|place| is_alone(&new.known[*place], full)).collect();
    if let Some(first) = added.first() {
        let columns: Vec<&Column> = added.iter().map(|place| &new.known[*place]).collect();
        let message = format!("only the incremental text of `{name}` gives {}", listed(&columns));
        let help = match incremental.on_schema_change {
            OnSchemaChange::Ignore => "select it in both texts: the table does not have it, and it is left out",
            OnSchemaChange::Fail => "select it in both texts: the table does not have it, and a run fails",
            OnSchemaChange::Extend | OnSchemaChange::Synchronize => {
                "select it in both texts: the next full build makes a table without it"
            }
        };
        let diagnostic = Diagnostic::warning(Code::IncrementColumns, message);
        found.push(subject.place(diagnostic, query.span_of(*first)).help(help));
    }
    for (place, column) in new.known.iter().enumerate() {
        let Some(other) = partner(column, full) else { continue };
        if semantics.common(&[&column.data_type, &other.data_type]).is_none() {
            let (is, was) = (semantics.type_name(&column.data_type), semantics.type_name(&other.data_type));
            let column = listed(&[column]);
            let message = format!("{column} is {is} in the incremental text of `{name}`, and {was} in the full one");
            let diagnostic = Diagnostic::warning(Code::IncrementColumns, message);
            found.push(subject.place(diagnostic, query.span_of(place)).help("cast it in one of them"));
        }
    }
    found
}

/// The names of columns, the first few of many.
fn listed(columns: &[&Column]) -> String {
    const SHOWN: usize = 5;
    let names = columns.iter().filter_map(|column| column.name.as_deref());
    let names: Vec<String> = names.take(SHOWN).map(|name| format!("`{name}`")).collect();
    match columns.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        others => format!("{} and {others} others", names.join(", ")),
    }
}

/// The column of the same name.
fn partner<'a>(column: &Column, others: &'a Columns) -> Option<&'a Column> {
    let name = column.name.as_deref()?;
    others.known.iter().find(|other| other.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name)))
}

/// A key by which rows are replaced, and that can be NULL.
pub(super) fn nullable_key(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (Role::Query, Some((model, incremental))) = (subject.role, subject.model_and_increment()) else {
        return Vec::new();
    };
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let replaces = matches!(incremental.strategy, IncrementalStrategy::Merge | IncrementalStrategy::DeleteInsert);
    if query.columns.is_open || !replaces {
        return Vec::new();
    }
    let name = &subject.action.canonical.name;
    let mut found = Vec::new();
    for key in &model.unique_key {
        let is_it = |column: &Column| column.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(key));
        let Some(place) = query.columns.known.iter().position(is_it) else { continue };
        if query.columns.known[place].nullable != Nullability::Nullable || subject.seen.is_asserted(key) {
            continue;
        }
        let Some(item) = query.item(place) else { continue };
        let message = format!("`{key}` is in the unique key of `{name}` and can be NULL");
        let diagnostic = subject.place(Diagnostic::warning(Code::NullableKey, message), item.span);
        found.push(diagnostic.help(
            "NULLs count as equal, so that such rows replace each other: leave them out, give them a value with \
             `coalesce`, or add `assertions: { nonNull: [\"…\"] }`",
        ));
    }
    found
}
