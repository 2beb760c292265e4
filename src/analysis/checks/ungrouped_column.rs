//! A column beside aggregates that GROUP BY does not name.

use super::Subject;
use crate::analysis::bound::{Expr, ExprKind, Grouping, Query, Select, SourceId, SourceKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::dialect::semantics::FunctionKind;

/// Looks at every SELECT that gives a row for a group.
pub(super) fn ungrouped_column(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (query, select) in subject.survey.selects() {
        let Some(groups) = Groups::of(select) else { continue };
        let mut ungrouped = of_select(query, select, &groups);
        // Without GROUP BY there is no key in it.
        if !groups.keys.is_empty() {
            ungrouped.retain(|expr| expr.column().is_none_or(|(source, _)| !may_be_determined(source, subject)));
        }
        found.extend(ungrouped);
    }
    found.into_iter().filter_map(|expr| report(expr, subject)).collect()
}

fn of_select<'a>(query: &'a Query, select: &'a Select, groups: &Groups<'a>) -> Vec<&'a Expr> {
    let given: Vec<&str> =
        query.columns.known.iter().map(|column| column.name.as_deref().unwrap_or_default()).collect();
    let mut found = Vec::new();
    for (place, item) in select.projection.iter().enumerate() {
        if !given.get(place).is_some_and(|name| groups.is_named(name)) {
            groups.ungrouped(&item.expr, &mut found);
        }
    }
    let mut after = Vec::new();
    for expr in [&select.having, &select.qualify].into_iter().flatten().chain(&query.order_by) {
        groups.ungrouped(expr, &mut after);
    }
    // Behind the select list a name may be one of that.
    after.retain(|expr| match &expr.kind {
        ExprKind::Column { name, is_qualified: false, .. } => {
            !given.iter().any(|given| given.eq_ignore_ascii_case(name))
        }
        _ => true,
    });
    found.extend(after);
    found
}

fn report(expr: &Expr, subject: &Subject<'_>) -> Option<Diagnostic> {
    let ExprKind::Column { name, .. } = &expr.kind else { return None };
    let message = format!("`{name}` is neither in GROUP BY nor in an aggregate");
    let help = format!("add it to GROUP BY, or say which of its values is meant: `min({name})`, `max({name})`");
    Some(subject.place(Diagnostic::error(Code::UngroupedColumn, message), expr.span).help(help))
}

/// Whether GROUP BY of a primary key may determine the columns of a source. Nobody knows the keys of tables that the
/// project does not make.
fn may_be_determined(source: SourceId, subject: &Subject<'_>) -> bool {
    if !subject.dialect.semantics().groups_by_primary_key() {
        return false;
    }
    match &subject.bound.source(source).kind {
        SourceKind::Cte(_) | SourceKind::Derived(_) | SourceKind::Values(_) => false,
        SourceKind::Action(id) => {
            let profile = subject.seen.profile(*id);
            !profile.is_model || !profile.is_view && profile.has_post_operations
        }
        SourceKind::Own | SourceKind::Undeclared | SourceKind::Turned(_) | SourceKind::Opaque => true,
    }
}

/// What GROUP BY names.
struct Groups<'a> {
    keys: Vec<&'a Expr>,
    /// Names without a relation before them, which a dialect could take for a column or for one of the select list.
    names: Vec<&'a str>,
    /// Columns in expressions that cannot be compared.
    columns: Vec<&'a Expr>,
}

impl<'a> Groups<'a> {
    /// `None` if all rows are as they are, or if it is not known what the groups are.
    fn of(select: &'a Select) -> Option<Self> {
        let mut groups = Self { keys: Vec::new(), names: Vec::new(), columns: Vec::new() };
        match &select.grouping {
            Grouping::All => return None,
            // HAVING alone makes one group of all rows.
            Grouping::None if select.having.is_some() => {}
            Grouping::None => {
                let mut exprs = select.projection.iter().map(|item| &item.expr);
                if !exprs.any(|expr| expr.any(&|part| part.aggregate().is_some())) {
                    return None;
                }
            }
            Grouping::By { keys, .. } => {
                for key in keys {
                    groups.add(key, select)?;
                }
            }
        }
        Some(groups)
    }

    fn add(&mut self, key: &'a Expr, select: &'a Select) -> Option<()> {
        let expr = select.resolved(key);
        let is_unknown =
            |expr: &Expr| matches!(&expr.kind, ExprKind::Unbound | ExprKind::Other(_) | ExprKind::Alias(_));
        match &expr.kind {
            ExprKind::Unbound | ExprKind::Other(_) => return None,
            ExprKind::Column { name, is_qualified: false, .. } => self.names.push(name),
            _ => {}
        }
        if expr.any(&|part| is_unknown(part) || part.query().is_some()) {
            expr.walk(&mut |part| {
                // A dialect could take the name for the column or for what has that name in the select list.
                select.resolved(part).walk(&mut |inner| {
                    self.columns.push(inner);
                    true
                });
                true
            });
        }
        self.keys.push(expr);
        Some(())
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Collects the columns in an expression that have more than one value in a group.
    fn ungrouped(&self, expr: &'a Expr, found: &mut Vec<&'a Expr>) {
        if self.keys.iter().any(|key| key.is_same(expr)) {
            return;
        }
        match &expr.kind {
            ExprKind::Column { levels: 0, source, name, .. } => {
                let is_whole = self.keys.iter().any(|key| matches!(&key.kind, ExprKind::Row(row) if row == source));
                let is_part = self.columns.iter().any(|column| column.is_same(expr));
                if !is_whole && !is_part && !self.is_named(name) {
                    found.push(expr);
                }
            }
            ExprKind::Call(call) => {
                // `WITHIN GROUP` and the like make an aggregate of what has no other sign of it.
                let may_be_aggregate = !call.clauses.is_empty() && call.window.is_none() && call.name != "case";
                let gives_value = matches!(call.kind, FunctionKind::Scalar | FunctionKind::Window);
                if gives_value && !may_be_aggregate {
                    expr.children().into_iter().for_each(|child| self.ungrouped(child, found));
                }
            }
            ExprKind::Cast { .. } | ExprKind::Field { .. } | ExprKind::InSubquery { .. } => {
                expr.children().into_iter().for_each(|child| self.ungrouped(child, found));
            }
            _ => {}
        }
    }
}
