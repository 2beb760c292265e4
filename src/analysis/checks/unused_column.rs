//! Columns of common table expressions, and of queries in a FROM, that nothing reads.

use std::collections::BTreeSet;

use sqlparser::tokenizer::Span;

use super::Subject;
use super::unused_cte::{may_hide_names, other_text};
use crate::analysis::bound::{
    Bound, Columns, Distinct, Expr, ExprKind, Grouping, Query, Select, SourceId, SourceKind, Statement,
};
use crate::analysis::relations::count;
use crate::diagnostic::{Code, Diagnostic, Level};
use crate::dialect::semantics::FunctionKind;
use crate::dialect::syntax::range;

/// Looks only if the project asks for it: such a column costs nothing where the warehouse sees by itself that nobody reads it.
pub(super) fn unused_column(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let level = subject.levels.get(&Code::UnusedColumn);
    let is_wanted = level.is_some_and(|level| *level != Level::Off);
    if !is_wanted || may_read_others(subject) {
        return Vec::new();
    }
    let bound = subject.bound;
    let reads = Reads::of(subject);
    let ctes = bound.ctes.iter().zip(0..).map(|(cte, place)| {
        let is_it = |kind: &SourceKind| matches!(kind, SourceKind::Cte(id) if id.0 == place);
        List { query: &cte.query, columns: &cte.columns, name: Some(&cte.name), sources: bound.sources_that(is_it) }
    });
    let derived = bound.sources.iter().zip(0..).filter_map(|(source, place)| {
        let SourceKind::Derived(query) = &source.kind else { return None };
        let name = source.name.as_deref();
        Some(List { query, columns: &source.columns, name, sources: vec![SourceId(place)] })
    });
    ctes.chain(derived).flat_map(|list| list.unread(&reads, subject)).collect()
}

/// A select list that others read, under its names.
struct List<'a> {
    query: &'a Query,
    columns: &'a Columns,
    name: Option<&'a str>,
    /// Where it is read.
    sources: Vec<SourceId>,
}

impl List<'_> {
    fn unread(&self, reads: &Reads, subject: &Subject<'_>) -> Vec<Diagnostic> {
        let Some(select) = self.query.select().filter(|select| self.is_known(select)) else { return Vec::new() };
        let is_read = |place: usize| self.sources.iter().any(|source| reads.has(*source, place));
        // Where only the rows count, some column has to be there.
        if !(0..select.projection.len()).any(is_read) {
            return Vec::new();
        }
        let unread = (0..select.projection.len()).filter(|place| !is_read(*place) && self.can_go(*place, select));
        unread.filter_map(|place| self.report(place, select, subject)).collect()
    }

    /// Whether each place of the list is that of a column, and the same rows are left without it.
    fn is_known(&self, select: &Select) -> bool {
        !self.columns.is_open
            && self.columns.known.len() == select.projection.len()
            && matches!(select.distinct, Distinct::All)
            && !matches!(select.grouping, Grouping::All)
    }

    /// Whether neither its own query needs a column, nor its rows come from it.
    fn can_go(&self, place: usize, select: &Select) -> bool {
        let item = &select.projection[place];
        let names_it = |expr: &Expr| expr.any(&|part| part.alias() == Some(place));
        let makes_rows = |part: &Expr| match part.call().map(|call| call.kind) {
            Some(FunctionKind::Table | FunctionKind::Unknown) => true,
            Some(FunctionKind::Aggregate) => matches!(select.grouping, Grouping::None),
            _ => false,
        };
        !item.from_star
            && !item.expr.any(&makes_rows)
            && !select.exprs().chain(&self.query.order_by).any(names_it)
            && !select.grouping.keys().iter().any(|key| key.is_same(&item.expr))
    }

    fn report(&self, place: usize, select: &Select, subject: &Subject<'_>) -> Option<Diagnostic> {
        let name = self.columns.known[place].name.as_deref()?;
        let span = select.projection[place].expr.span;
        (is_written_here(span, subject) && !may_be_named(name, subject)).then_some(())?;
        let of = self.name.map(|of| format!(" of `{of}`")).unwrap_or_default();
        let diagnostic = Diagnostic::warning(Code::UnusedColumn, format!("nothing reads the column `{name}`{of}"));
        Some(subject.place(diagnostic, span).help("take it out of the select list"))
    }
}

/// The columns of sources that are read.
#[derive(Default)]
struct Reads {
    columns: BTreeSet<(SourceId, usize)>,
    /// All columns of these.
    whole: BTreeSet<SourceId>,
}

impl Reads {
    fn of(subject: &Subject<'_>) -> Self {
        let Subject { bound, survey, .. } = subject;
        let mut reads = Self::default();
        for query in &survey.queries {
            let has_star = |select: &&Select| {
                select.projection.is_empty()
                    || select.projection.iter().any(|item| item.from_star)
                    || !select.stars.is_empty()
            };
            reads.whole.extend(query.select().filter(has_star).into_iter().flat_map(|select| &select.sources));
        }
        for source in &bound.sources {
            reads.whole.extend(match &source.kind {
                SourceKind::Turned(turned) => Some(turned.of),
                _ => None,
            });
        }
        for expr in &survey.exprs {
            match &expr.kind {
                ExprKind::Column { source, column: Some(place), .. } => {
                    reads.columns.insert((*source, *place));
                }
                ExprKind::Column { source, column: None, .. } | ExprKind::Row(source) => {
                    reads.whole.insert(*source);
                }
                _ => {}
            }
        }
        reads
    }

    fn has(&self, source: SourceId, place: usize) -> bool {
        self.whole.contains(&source) || self.columns.contains(&(source, place))
    }
}

/// Whether something may be read that is not seen to be.
fn may_read_others(subject: &Subject<'_>) -> bool {
    let bound = subject.bound;
    let mut hides = !bound.unbound.is_empty() || may_hide_names(subject);
    hides |= subject.survey.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Unbound => true,
        ExprKind::Other(parts) => parts.is_empty(),
        // A star in the brackets of a function; that of `count(*)` looks at no column.
        ExprKind::Call(call) => call.detail.contains(".*") || call.name != "count" && call.detail.contains('*'),
        _ => false,
    });
    // Which columns a natural join compares is not always known.
    hides || subject.text.text().to_lowercase().contains("natural")
}

/// Whether a part of a text stands so in its file. What a macro writes is often not for one query alone.
fn is_written_here(span: Span, subject: &Subject<'_>) -> bool {
    let bytes = range(subject.text.text(), span);
    let origin = subject.text.origin(bytes.clone());
    subject.text.is_verbatim(bytes) && origin.is_some_and(|origin| origin.definition.is_none())
}

/// Whether the column may be meant by what is not bound, or by the other text of an incremental model.
fn may_be_named(name: &str, subject: &Subject<'_>) -> bool {
    let (name, text) = (name.to_lowercase(), subject.text.text());
    let is_all_bound = !subject.bound.is_partial && !changes_rows(subject.bound);
    let here = count(text, &name);
    here > 1 && !is_all_bound || other_text(subject).is_some_and(|other| count(other.text(), &name) > here)
}

/// Whether it has statements that are not bound to their ends: RETURNING.
fn changes_rows(bound: &Bound) -> bool {
    bound.statements.iter().any(|statement| matches!(statement, Statement::Change(_) | Statement::Insert { .. }))
}
