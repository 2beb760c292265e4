//! Columns of the same name, which a table cannot have.

use std::collections::BTreeMap;

use sqlparser::tokenizer::Span;

use super::{Role, Subject};
use crate::action::{Kind, Materialization};
use crate::analysis::bound::Statement;
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::semantics::RepeatedColumns;

/// Looks at what becomes a table or a view. Inside of a query columns may be called the same as long as nobody asks for one of
/// them.
pub(super) fn duplicate_column(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    if !becomes_relation(subject) {
        return Vec::new();
    }
    let semantics = subject.dialect.semantics();
    let case = semantics.names().case;
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    // Those that are written at one place are told together.
    let mut repeated: Vec<Repeated<'_>> = Vec::new();
    for (place, column) in query.columns.visible() {
        let Some(name) = column.name.as_deref().filter(|name| !name.is_empty()) else { continue };
        let first = *places.entry(case.key(name)).or_insert(place);
        if first == place {
            continue;
        }
        let (first, again) = (query.span_of(first), query.span_of(place));
        if let Some(repeated) = repeated.last_mut().filter(|repeated| repeated.again == again) {
            repeated.names.push(name);
        } else {
            let from_star = query.item_of(place).is_none_or(|item| item.from_star);
            repeated.push(Repeated { names: vec![name], first, again, from_star });
        }
    }
    let report = |repeated: Repeated<'_>| {
        let Repeated { first, again, from_star, .. } = repeated;
        let diagnostic = match semantics.repeated_columns() {
            RepeatedColumns::Refused => Diagnostic::error(Code::DuplicateColumn, repeated.describe())
                .help("give one of them another name, or leave it out"),
            // Who joins by a star knows that there may be some.
            RepeatedColumns::Numbered if from_star => return None,
            RepeatedColumns::Numbered => {
                let name = repeated.names.first().copied().unwrap_or_default();
                let message = format!("{}, so this one gets a number: `{name}_1`", repeated.describe());
                Diagnostic::warning(Code::DuplicateColumn, message).help(format!(
                    "give one of them another name; in place of a column of a star: `* replace (… as {name})`"
                ))
            }
        };
        let diagnostic = subject.place(diagnostic, again);
        Some(if first == again { diagnostic } else { subject.point_at(diagnostic, first, "the first one") })
    };
    repeated.into_iter().filter_map(report).collect()
}

/// Columns that come again.
struct Repeated<'a> {
    names: Vec<&'a str>,
    first: Span,
    again: Span,
    from_star: bool,
}

impl Repeated<'_> {
    fn describe(&self) -> String {
        const SHOWN: usize = 3;
        match self.names.as_slice() {
            [name] => format!("a column `{name}` is there already"),
            names => {
                let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
                let rest = names.len().saturating_sub(SHOWN);
                let rest = if rest == 0 { String::new() } else { format!(" and {rest} others") };
                format!("columns {}{rest} are there already", shown.join(", "))
            }
        }
    }
}

/// Whether the warehouse makes a relation of the query, and looks at its columns then.
pub(super) fn becomes_relation(subject: &Subject<'_>) -> bool {
    let is_view = match &subject.action.kind {
        Kind::Model(model) => matches!(model.materialization, Materialization::View { materialized: false }),
        Kind::Assertion(_) => true,
        _ => return false,
    };
    subject.role == Role::Query && (!is_view || subject.dialect.semantics().looks_into_views())
}
