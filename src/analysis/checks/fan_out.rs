//! A join that can multiply the rows of a model that declares what tells its rows apart.

use super::{Role, Subject};
use crate::action::Kind;
use crate::analysis::bound::{
    Bound, Distinct, Expr, ExprKind, Grouping, Join, JoinKind, Key, Query, Select, Source, SourceId, SourceKind,
    Statement,
};
use crate::analysis::keys;
use crate::diagnostic::{Code, Diagnostic};

/// Reports joins of a source of which keys are known, by columns that are none, where the declared key says nothing of
/// that source. Where another condition might choose one row of several nothing is said.
pub(super) fn fan_out(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let (Kind::Model(_), Role::Query | Role::Increment) = (&subject.action.kind, subject.role) else {
        return Vec::new();
    };
    let [Statement::Query(query)] = subject.bound.statements.as_slice() else { return Vec::new() };
    let declared = subject.seen.own_keys();
    for names in declared {
        let place = |name: &String| {
            let mut known = query.columns.known.iter();
            known.position(|column| column.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name)))
        };
        let Some(key) = names.iter().map(place).collect::<Option<Key>>() else { continue };
        // It is one already.
        if query.columns.is_open || query.keys.iter().any(|known| known.iter().all(|place| key.contains(place))) {
            continue;
        }
        if let Some(found) = multiplied(query, &key, subject) {
            return vec![report(&found, names, subject)];
        }
    }
    Vec::new()
}

/// A source that is joined by columns that are no key of it.
struct Multiplier<'a> {
    source: &'a Source,
    columns: Vec<usize>,
}

fn report(found: &Multiplier<'_>, key: &[String], subject: &Subject<'_>) -> Diagnostic {
    let Multiplier { source, columns } = found;
    let list = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let names_of = |places: &[usize]| -> Vec<&str> {
        places.iter().filter_map(|place| source.columns.known.get(*place)?.name.as_deref()).collect()
    };
    let name = source.name.as_deref().unwrap_or("the subquery");
    let joined = list(names_of(columns));
    let model = &subject.action.canonical.name;
    let own_key = list(key.iter().map(String::as_str).collect());
    let message = format!("the join of `{name}` can give several rows for one {own_key}, the key of `{model}`");
    let known = source.keys.first().map(|key| list(names_of(key))).unwrap_or_default();
    let diagnostic = subject.text.place(
        Diagnostic::warning(Code::FanOut, message),
        crate::dialect::syntax::range(subject.text.text(), source.span),
    );
    diagnostic.help(format!(
        "`{name}` is joined by {joined} and has one row for each {known}: join by that, bring its rows together first, or \
         correct the key"
    ))
}

/// The first source that multiplies the rows for a key, which is made of these columns of a query.
fn multiplied<'a>(query: &'a Query, key: &[usize], subject: &Subject<'a>) -> Option<Multiplier<'a>> {
    let select = query.without_brackets().select()?;
    let is_plain = matches!(select.grouping, Grouping::None)
        && matches!(select.distinct, Distinct::All)
        && select.qualify.is_none()
        && query.limit.is_empty()
        && !select.projection.iter().any(|item| item.expr.is_aggregated());
    if !is_plain {
        return None;
    }
    let items: Vec<&Expr> =
        key.iter().map(|place| Some(&select.projection.get(*place)?.expr)).collect::<Option<_>>()?;
    let mut owners = Vec::new();
    for item in &items {
        owners_of(item, &mut owners)?;
    }
    // Of a key of several relations it is not known which of their rows belong together.
    let [owner] = owners[..] else { return None };
    let bound = subject.bound;
    let own_key: Key = items.iter().map(|item| item.column()?.1).collect::<Option<_>>().unwrap_or_default();
    if let Some(found) = select.sources.iter().find_map(|id| multiplier(*id, (owner, &own_key), select, subject)) {
        return Some(found);
    }
    // The rows may have been multiplied where they come from.
    if select.sources.len() > 1 || select.filter.is_some() {
        return None;
    }
    let inner = match &bound.source(owner).kind {
        SourceKind::Cte(id) => &bound.cte(*id).query,
        SourceKind::Derived(query) => query,
        _ => return None,
    };
    let is_known = inner.keys.iter().any(|known| known.iter().all(|place| own_key.contains(place)));
    if is_known || own_key.is_empty() { None } else { multiplied(inner, &own_key, subject) }
}

/// The sources whose columns an expression is made of; `None` if that cannot be told.
fn owners_of(expr: &Expr, owners: &mut Vec<SourceId>) -> Option<()> {
    let mut is_clear = true;
    expr.walk(&mut |part| {
        match &part.kind {
            ExprKind::Column { source, levels: 0, .. } => owners.push(*source),
            ExprKind::Literal(_) | ExprKind::Cast { .. } | ExprKind::Call(_) | ExprKind::Field { .. } => {}
            _ => is_clear = false,
        }
        is_clear &= part.call().is_none_or(|call| call.window.is_none());
        is_clear
    });
    owners.sort_unstable();
    owners.dedup();
    (is_clear && !owners.is_empty()).then_some(())
}

/// The source, if its rows surely are not told apart by what it is joined by.
fn multiplier<'a>(
    id: SourceId,
    (owner, own_key): (SourceId, &Key),
    select: &Select,
    subject: &Subject<'a>,
) -> Option<Multiplier<'a>> {
    let source = subject.bound.source(id);
    let is_open = source.columns.is_open || source.keys.is_empty();
    let understood = |join: &Join| !matches!(join.kind, JoinKind::Other);
    if id == owner || is_open || !select.joins.iter().all(understood) || !is_whole(source, subject) {
        return None;
    }
    // What is looked up by its rows leaves them as they are.
    let looks_up = |join: &&Join| !(join.kind == JoinKind::Left && join.source != id && join.source != owner);
    let conditions = select.joins.iter().filter(looks_up).filter_map(|join| join.condition.as_ref());
    let (mut columns, mut owner_columns) = (Vec::new(), Vec::new());
    for part in conditions.chain(&select.filter).flat_map(Expr::conjuncts).filter(|part| mentions(part, id)) {
        let before = columns.len();
        keys::equal_columns(part, id, &[owner], &mut columns);
        keys::equal_columns(part, owner, &[id], &mut owner_columns);
        // Anything else might leave one row of several.
        if columns.len() == before || !mentions(part, owner) {
            return None;
        }
    }
    columns.sort_unstable();
    columns.dedup();
    // Where many rows look for the same partner, what they find it by may well be another key of it.
    let has = |key: &Key| !key.is_empty() && key.iter().all(|place| owner_columns.contains(place));
    if !subject.bound.source(owner).keys.iter().chain([own_key]).any(has) {
        return None;
    }
    let declared = match source.kind {
        SourceKind::Action(id) => subject.seen.profile(id).declared_keys,
        _ => Vec::new(),
    };
    let is_no_key = |key: &Key| {
        // A key that follows from GROUP BY or DISTINCT may have columns in it that depend on the others.
        let is_apart = !key.iter().any(|place| columns.contains(place));
        let names = key.iter().map(|place| source.columns.known.get(*place)?.name.as_deref());
        let names: Option<Vec<&str>> = names.collect();
        let is_declared = names.is_some_and(|names| {
            let has = |key: &[String], name: &&str| key.iter().any(|other| other.eq_ignore_ascii_case(name));
            declared.iter().any(|key| key.len() == names.len() && names.iter().all(|name| has(key, name)))
        });
        let is_covered = key.iter().all(|place| columns.contains(place));
        !is_covered && (is_apart || is_declared || is_finer(source, key, &columns, subject.bound))
    };
    (!columns.is_empty() && source.keys.iter().all(is_no_key)).then_some(Multiplier { source, columns })
}

/// Whether all rows of a source are there that its keys say something of.
fn is_whole(source: &Source, subject: &Subject<'_>) -> bool {
    keys::is_whole(source, subject.bound, &|id| !subject.seen.profile(id).declared_keys.is_empty())
}

/// Whether a source has a row for each of its groups, sums them up, and is joined by some of what makes these, so that what is
/// left tells several rows apart: days, numbers. A text may well be a name of what the others number.
fn is_finer(source: &Source, key: &Key, columns: &[usize], bound: &Bound) -> bool {
    let Some(select) = grouped(source, bound) else { return false };
    let is_plain_text = |place: &usize| {
        let is_plain = select.projection.get(*place).is_none_or(|item| select.resolved(&item.expr).column().is_some());
        let known = source.columns.known.get(*place).map(|column| &column.data_type);
        is_plain && known.is_none_or(|data_type| data_type.is_text() || data_type.is_vague())
    };
    select.projection.iter().any(|item| item.expr.is_aggregated())
        && key.iter().any(|place| !columns.contains(place) && !is_plain_text(place))
}

/// The SELECT with GROUP BY that gives the rows of a source.
fn grouped<'a>(source: &'a Source, bound: &'a Bound) -> Option<&'a Select> {
    let query = match &source.kind {
        SourceKind::Cte(id) => &bound.cte(*id).query,
        SourceKind::Derived(query) => query,
        _ => return None,
    };
    query.without_brackets().select().filter(|select| !matches!(select.grouping, Grouping::None))
}

/// Whether an expression has to do with a source. Of a query in it that is not known.
fn mentions(expr: &Expr, id: SourceId) -> bool {
    expr.any(&|part| match &part.kind {
        ExprKind::Column { source, .. } | ExprKind::Row(source) => *source == id,
        ExprKind::Subquery(_)
        | ExprKind::Exists(_)
        | ExprKind::InSubquery { .. }
        | ExprKind::ArrayOf(_)
        | ExprKind::Unbound => true,
        _ => false,
    })
}
