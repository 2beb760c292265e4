//! Names of columns and relations that mean nothing in their query, or more than one thing.

use std::collections::BTreeSet;

use super::Subject;
use crate::analysis::bound::{Bound, Expr, ExprKind, Source, SourceId, SourceKind, Survey, Unbound, UnboundName};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::dialect::Dialect;
use crate::project::{CATALOG_FILE, REUSED_ALIASES};
use crate::relation::{DataType, Field};

/// Reports each. They are told only where all that could have such a name is known, so the warehouse would refuse them.
pub(super) fn unknown_name(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let Subject { bound, survey, dialect, .. } = subject;
    let report = |name: &UnboundName| {
        let diagnostic = describe(name, bound, survey, *dialect).maybe_help(old_catalog(name, subject));
        subject.place(diagnostic, name.span)
    };
    bound.unbound.iter().map(report).collect()
}

fn describe(unbound: &UnboundName, bound: &Bound, survey: &Survey<'_>, dialect: &dyn Dialect) -> Diagnostic {
    let name = &unbound.name;
    match &unbound.reason {
        Unbound::Column(sources) => {
            let message = match named(sources, bound).as_slice() {
                [] => format!("there is no column `{name}`"),
                [one] => format!("{one} has no column `{name}`"),
                several => format!("none of {} has a column `{name}`", several.join(", ")),
            };
            let columns = sources.iter().flat_map(|id| columns(bound.source(*id)));
            let help = if is_listed(unbound, survey) {
                let way_out = "write what it stands for, or select it in a subquery";
                let switch = match dialect.semantics().names_with_reused_aliases() {
                    Some(_) => format!("; if it is switched on that it can, set `{REUSED_ALIASES}: true`"),
                    None => String::new(),
                };
                format!("the name `{name}` of the select list cannot be used here: {way_out}{switch}")
            } else {
                advice(name, columns)
            };
            Diagnostic::error(Code::UnknownColumn, message).help(help)
        }
        Unbound::ColumnOf(source) => {
            let source = bound.source(*source);
            let message = format!("{} has no column `{name}`", called(source));
            Diagnostic::error(Code::UnknownColumn, message).help(advice(name, columns(source)))
        }
        Unbound::Field(data_type) => {
            let message = format!("`{}` has no field `{name}`", dialect.semantics().type_name(data_type));
            let fields = match data_type {
                DataType::Struct(fields) => fields.as_slice(),
                _ => &[],
            };
            let names = fields.iter().filter_map(|field: &Field| field.name.as_deref());
            Diagnostic::error(Code::UnknownColumn, message).help(advice(name, names))
        }
        Unbound::Source(sources) => {
            let names: Vec<&str> = sources.iter().filter_map(|id| bound.source(*id).name.as_deref()).collect();
            let near = did_you_mean(name, names.iter().copied());
            let hidden = sources
                .iter()
                .map(|id| bound.source(*id))
                .find(|source| source.path.last().is_some_and(|last| last.eq_ignore_ascii_case(name)));
            let help = match hidden.and_then(|source| source.name.as_deref()) {
                Some(alias) => format!("it is called `{alias}` in this query"),
                None => near.unwrap_or_else(|| match names.as_slice() {
                    [] => "this query reads no relation".to_owned(),
                    names => format!("in sight are {}", quoted(names)),
                }),
            };
            Diagnostic::error(Code::UnknownAlias, format!("no relation in sight is called `{name}`")).help(help)
        }
        Unbound::Ambiguous(sources) => {
            let owners = named(sources, bound);
            let message = match owners.as_slice() {
                [one] => format!("{one} has more than one column `{name}`"),
                [one, other] => format!("both {one} and {other} have a column `{name}`"),
                several => format!("{} all have a column `{name}`", several.join(" and ")),
            };
            let first = sources.first().and_then(|id| bound.source(*id).name.as_deref());
            let help = match (owners.len(), first) {
                (2.., Some(first)) => format!("say which one is meant: `{first}.{name}`"),
                _ => "give the columns names of their own where they are selected".to_owned(),
            };
            Diagnostic::error(Code::AmbiguousColumn, message).help(help)
        }
        Unbound::Place(listed) => {
            let message = format!("the select list has no column {name}");
            let last = if *listed == 1 { "it has one column".to_owned() } else { format!("it has {listed} columns") };
            Diagnostic::error(Code::UnknownColumn, message).help(last)
        }
        Unbound::Window => Diagnostic::error(Code::UnknownAlias, format!("no window is called `{name}`"))
            .help(format!("define it behind HAVING: `window {name} as (partition by … order by …)`")),
    }
}

/// Whether the SELECT in which a name stands gives that to a column of its own.
fn is_listed(unbound: &UnboundName, survey: &Survey<'_>) -> bool {
    let is_it = |part: &Expr| matches!(part.kind, ExprKind::Unbound) && part.span == unbound.span;
    survey.selects().any(|(query, select)| {
        let items = query.columns.known.iter().zip(&select.projection).filter(|(_, item)| item.alias.is_some());
        let mut names = items.filter_map(|(column, _)| column.name.as_deref());
        names.any(|name| name.eq_ignore_ascii_case(&unbound.name)) && select.exprs().any(|expr| expr.any(&is_it))
    })
}

/// What to do if the table has changed since its columns were saved.
fn old_catalog(unbound: &UnboundName, subject: &Subject<'_>) -> Option<String> {
    let sources = match &unbound.reason {
        Unbound::Column(sources) => sources.as_slice(),
        Unbound::ColumnOf(source) => std::slice::from_ref(source),
        Unbound::Field(_) | Unbound::Source(_) | Unbound::Ambiguous(_) | Unbound::Place(_) | Unbound::Window => &[],
    };
    let is_saved = |id: &SourceId| match subject.bound.source(*id).kind {
        SourceKind::Action(id) => subject.seen.profile(id).is_saved,
        _ => false,
    };
    let help = format!("if the table has it by now: `trueup catalog` brings {CATALOG_FILE} up to date");
    sources.iter().any(is_saved).then_some(help)
}

fn columns(source: &Source) -> impl Iterator<Item = &str> {
    source.columns.known.iter().filter_map(|column| column.name.as_deref())
}

/// A near name, or all there are.
fn advice<'a>(name: &str, columns: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 8;
    let mut columns: Vec<&str> = columns.collect();
    let mut seen = BTreeSet::new();
    columns.retain(|column| seen.insert(*column));
    did_you_mean(name, columns.iter().copied()).unwrap_or_else(|| match columns.len() {
        0 => "correct the name".to_owned(),
        1..=SHOWN => format!("there are {}", quoted(&columns)),
        all => format!("there are {} and {} others", quoted(&columns[..SHOWN]), all - SHOWN),
    })
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn named(sources: &[SourceId], bound: &Bound) -> Vec<String> {
    sources.iter().map(|id| called(bound.source(*id))).collect()
}

fn called(source: &Source) -> String {
    match &source.name {
        Some(name) => format!("`{name}`"),
        None => "what is read here".to_owned(),
    }
}
