//! The columns that a config promises, beside those that the query gives.

use super::{Role, Subject};
use crate::action::ColumnDocumentation;
use crate::analysis::bound::{Column, Statement};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::relation::DataType;

/// Reports each difference where the config names the column. Types are compared wherever one is written, names only
/// where the config is a contract.
pub(super) fn contract(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let documentation = &subject.action.documentation;
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    if subject.role != Role::Query || documentation.columns.is_empty() {
        return Vec::new();
    }
    let semantics = subject.dialect.semantics();
    let name = &subject.action.canonical.name;
    let promised: Vec<(&str, &ColumnDocumentation)> =
        documentation.columns.iter().filter_map(|column| Some((column.path.first()?.as_str(), column))).collect();
    let columns = &query.columns;
    let given = |name: &str| columns.known.iter().find(|column| is_called(column, name));
    let mut found = Vec::new();
    for (promise, column) in promised.iter().filter(|(_, column)| column.path.len() == 1) {
        let at = |diagnostic: Diagnostic| match column.span {
            Some(span) => diagnostic.at(span, ""),
            None => diagnostic.at(subject.action.name_span, ""),
        };
        match (given(promise), &column.data_type) {
            (None, _) if documentation.is_contract && !columns.is_open => {
                let message = format!("the query of `{name}` gives no column `{promise}`");
                let near = did_you_mean(promise, columns.known.iter().filter_map(|column| column.name.as_deref()));
                let help = near.unwrap_or_else(|| "select it, or take it out of the contract".to_owned());
                found.push(at(Diagnostic::error(Code::BrokenContract, message)).help(help));
            }
            (Some(given), Some(wanted)) if differ(&semantics.named_type(wanted), &given.data_type) => {
                let data_type = semantics.type_name(&given.data_type);
                let message = format!("`{promise}` is {data_type} in the query of `{name}`, and not {wanted}");
                let help = "cast it in the query, or correct the `type`";
                found.push(at(Diagnostic::error(Code::BrokenContract, message)).help(help));
            }
            _ => {}
        }
    }
    if documentation.is_contract {
        for (place, column) in columns.visible() {
            let Some(own) = column.name.as_deref() else { continue };
            if promised.iter().any(|(promise, _)| promise.eq_ignore_ascii_case(own)) {
                continue;
            }
            let message = format!("the contract of `{name}` has no column `{own}`");
            let diagnostic = subject.place(Diagnostic::error(Code::BrokenContract, message), query.span_of(place));
            let first = promised.iter().find_map(|(_, column)| column.span);
            let diagnostic =
                first.map_or(diagnostic.clone(), |span| diagnostic.at(span, "the columns of the contract"));
            found.push(diagnostic.help("add it to `columns`, or take it out of the query"));
        }
    }
    found
}

fn is_called(column: &Column, name: &str) -> bool {
    column.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name))
}

/// Whether two types are surely not the same. How long a text or a number may be does not count.
fn differ(one: &DataType, other: &DataType) -> bool {
    use DataType::{Array, Decimal, Named, Null, Struct};
    match (one, other) {
        (Array(one), Array(other)) => differ(one, other),
        // The fields of a struct may have other names, and who knows what a type of another name is.
        (Decimal(_), Decimal(_)) | (Struct(_), Struct(_)) | (Named(_) | Null, _) | (_, Named(_) | Null) => false,
        (one, other) => {
            let are_texts = one.is_text() && other.is_text();
            one != other && !are_texts && !one.is_vague() && !other.is_vague()
        }
    }
}
