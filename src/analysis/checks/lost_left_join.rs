//! A LEFT JOIN whose rows without a partner WHERE takes away again.

use super::Subject;
use crate::analysis::bound::{ExprKind, Join, JoinKind, Select};
use crate::analysis::nulls;
use crate::diagnostic::{Code, Diagnostic};

/// Looks at conditions on columns of the joined side that a NULL does not meet. Who writes IS NOT NULL has thought of it.
pub(super) fn lost_left_join(subject: &Subject<'_>) -> Vec<Diagnostic> {
    subject.survey.selects().flat_map(|(_, select)| of_select(select, subject)).collect()
}

fn of_select(select: &Select, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let is_forward =
        |join: &Join| matches!(join.kind, JoinKind::Inner | JoinKind::Cross | JoinKind::Left | JoinKind::Semi);
    let Some(filter) = select.filter.as_ref().filter(|_| select.joins.iter().all(is_forward)) else {
        return Vec::new();
    };
    let rejections = nulls::rejections(filter);
    let mut found = Vec::new();
    for join in select.joins.iter().filter(|join| join.kind == JoinKind::Left) {
        let of_it: Vec<_> = rejections
            .iter()
            .filter(|rejection| {
                matches!(rejection.column.kind, ExprKind::Column { source, levels: 0, .. } if source == join.source)
            })
            .collect();
        let Some(first) = of_it.first().filter(|_| of_it.iter().all(|rejection| !rejection.is_plain)) else { continue };
        let ExprKind::Column { name, .. } = &first.column.kind else { continue };
        let called = subject.bound.source(join.source).name.as_deref().unwrap_or("the subquery");
        let message =
            format!("the LEFT JOIN of `{called}` keeps rows without a partner, and WHERE takes them away by `{name}`");
        let help = "move the condition into ON, or write JOIN if these rows are not wanted";
        let diagnostic = Diagnostic::warning(Code::LostLeftJoin, message);
        found.push(subject.place(diagnostic, first.column.span).help(help));
    }
    found
}
