//! The columns of a model that its config names as times.

use super::named_columns::missing;
use super::{Role, Subject};
use crate::action::{Kind, NamedColumn};
use crate::analysis::bound::Statement;
use crate::diagnostic::{Code, Diagnostic};
use crate::relation::DataType;

/// Reports names that the query gives no column of, and columns that are no times.
pub(super) fn times(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (Kind::Model(_), Role::Query) = (&subject.action.kind, subject.role) else { return Vec::new() };
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let times = &subject.action.documentation.times;
    let columns = &query.columns;
    let case = subject.dialect.semantics().names().case;
    let check = |time: &NamedColumn| {
        let is_it = |name: &str| case.is_same(name, &time.name);
        let given = columns.known.iter().find(|column| column.name.as_deref().is_some_and(is_it));
        match given {
            None => missing(time, columns, subject),
            Some(column) if is_surely_no_time(&column.data_type) => {
                let data_type = subject.dialect.semantics().type_name(&column.data_type);
                let message = format!("`{}` is {data_type}, and no time", time.name);
                let help = "name a column that is a date or a timestamp, or cast it in the query";
                Some(Diagnostic::error(Code::TypeMismatch, message).at(time.span, "").help(help))
            }
            Some(_) => None,
        }
    };
    [&times.event, &times.processed].into_iter().flatten().filter_map(check).collect()
}

fn is_surely_no_time(data_type: &DataType) -> bool {
    !data_type.is_moment() && !matches!(data_type, DataType::Named(_) | DataType::Null | DataType::Unknown)
}
