//! Values of types that the warehouse does not bring together: in comparisons and sums, in the halves of a set operation, in the
//! branches of one value, and in conditions.

use std::collections::HashSet;

use sqlparser::tokenizer::Span;

use super::Subject;
use crate::analysis::bound::{Body, Call, Column, Expr, ExprKind, Query, Select, SetOperation, SourceKind};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::dialect::semantics::{Meeting, Operand, Outcome};
use crate::relation::DataType;

/// Reports what is surely refused, and what fails as soon as there is a value.
pub(super) fn type_mismatch(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let queries = &subject.survey.queries;
    let inner: HashSet<*const Query> = queries.iter().flat_map(|query| parts_within(query)).collect();
    for expr in &subject.survey.exprs {
        in_expression(expr, subject, &mut found);
    }
    for query in queries {
        match &query.body {
            Body::SetOperation(operation) if operation.by_name => found.extend(in_halves(operation, subject)),
            Body::SetOperation(_) if inner.contains(&std::ptr::from_ref(*query)) => {}
            Body::SetOperation(_) => found.extend(in_set_operation(query, subject)),
            Body::Select(select) => found.extend(in_clauses(select, subject)),
            Body::Nested(_) | Body::Values(_) | Body::Opaque => {}
        }
    }
    found
}

fn in_expression(expr: &Expr, subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    if let ExprKind::InSubquery { value, query, .. } = &expr.kind {
        let column = query.columns.known.first().filter(|_| !query.columns.is_open && query.columns.known.len() == 1);
        let pair = column.map(|column| (Side::of(value, subject), Side::of_query(column, query.span)));
        found.extend(pair.and_then(|(one, other)| apart(Meeting::Membership, &one, &other, COMPARED, subject)));
        return;
    }
    let Some(call) = expr.call() else { return };
    match (meeting_of(&call.name), call.arguments.as_slice()) {
        (Some(meeting @ (Meeting::Equality | Meeting::Order)), [one, others @ ..]) => {
            found.extend(in_comparison(meeting, one, others, subject));
        }
        (Some(Meeting::Choice), branches) if call.name == "case" => {
            found.extend(in_conditions_of_case(call, subject));
            found.extend(in_branches(branches, subject));
        }
        (Some(Meeting::Choice), branches) => found.extend(in_branches(branches, subject)),
        (None, [condition, branches @ ..]) if call.name == "if" => {
            found.extend(in_condition(condition, subject));
            found.extend(in_branches(branches, subject));
        }
        (Some(Meeting::Pattern), [value, pattern]) => {
            let (value, pattern) = (Side::of(value, subject), Side::of(pattern, subject));
            found.extend(in_pattern(&call.name, &value, &pattern, subject));
        }
        (Some(meeting), [one, other]) => {
            let (one, other) = (Side::of(one, subject), Side::of(other, subject));
            found.extend(apart(meeting, &one, &other, &format!("the sides of `{}`", call.name), subject));
        }
        (None, parts) if ["and", "or", "not"].contains(&call.name.as_str()) => {
            found.extend(parts.iter().filter_map(|part| in_condition(part, subject)));
        }
        _ => {}
    }
}

const COMPARED: &str = "the sides of a comparison";

/// How the arguments of a function or an operator meet.
fn meeting_of(name: &str) -> Option<Meeting> {
    Some(match name {
        "=" | "<>" | "is distinct from" | "is not distinct from" | "in" | "not in" | "nullif" => Meeting::Equality,
        "<" | "<=" | ">" | ">=" | "between" | "not between" => Meeting::Order,
        "case" | "coalesce" | "ifnull" | "nvl" | "greatest" | "least" => Meeting::Choice,
        "+" => Meeting::Sum,
        "-" => Meeting::Difference,
        "*" | "/" => Meeting::Product,
        "like" | "not like" | "ilike" | "not ilike" => Meeting::Pattern,
        _ => return None,
    })
}

/// Whether it may come to anything.
fn is_open(data_type: &DataType) -> bool {
    data_type.is_vague() || matches!(data_type, DataType::Named(_) | DataType::Json)
}

/// One value beside others, of which the first that does not go with it is told.
fn in_comparison(meeting: Meeting, one: &Expr, others: &[Expr], subject: &Subject<'_>) -> Option<Diagnostic> {
    // Of several values one may be what the others come to.
    let has_open = std::iter::once(one).chain(others).any(|value| is_open(&value.data_type));
    if others.len() > 1 && has_open {
        return None;
    }
    let has_text = others.len() > 1 && others.iter().any(|other| other.data_type.is_text());
    let one = Side::of(one, subject);
    let mut others = others.iter().map(|other| Side::of(other, subject));
    let found = others.find_map(|other| apart(meeting, &one, &other, COMPARED, subject))?;
    // What is cast at any price becomes a text beside one.
    (found.severity == Severity::Error || !has_text).then_some(found)
}

fn in_conditions_of_case(case: &Call, subject: &Subject<'_>) -> Vec<Diagnostic> {
    match case.clauses.split_first() {
        // `case status when 1 then …` compares.
        Some((operand, values)) if case.detail.starts_with("true") => {
            in_comparison(Meeting::Equality, operand, values, subject).into_iter().collect()
        }
        _ => case.clauses.iter().filter_map(|condition| in_condition(condition, subject)).collect(),
    }
}

/// Several values of which one is taken.
fn in_branches(branches: &[Expr], subject: &Subject<'_>) -> Option<Diagnostic> {
    if branches.iter().any(|branch| is_open(&branch.data_type)) {
        return None;
    }
    let branches: Vec<Side<'_>> = branches.iter().map(|branch| Side::of(branch, subject)).collect();
    // Of many branches those tell that do not go with the first one that has a type of its own.
    let has_type = |branch: &&Side<'_>| branch.literal.is_none() && *branch.data_type != DataType::Null;
    let first = branches.iter().find(has_type)?;
    branches.iter().find_map(|branch| apart(Meeting::Choice, first, branch, "the branches of one value", subject))
}

fn in_pattern(name: &str, value: &Side<'_>, pattern: &Side<'_>, subject: &Subject<'_>) -> Option<Diagnostic> {
    let semantics = subject.dialect.semantics();
    let outcome = semantics.meets(Meeting::Pattern, &value.operand(), &pattern.operand());
    if outcome == Outcome::Taken {
        return None;
    }
    let message = format!("`{name}` looks at texts, and this is {}", semantics.type_name(value.data_type));
    report(outcome, message, value.span, subject).map(|found| found.help("cast it"))
}

/// The clauses in which one value is asked whether it is true.
fn in_clauses(select: &Select, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let filters = [&select.filter, &select.having, &select.qualify].into_iter().flatten();
    let joins = select.joins.iter().filter_map(|join| join.condition.as_ref());
    joins.chain(filters).filter_map(|condition| in_condition(condition, subject)).collect()
}

fn in_condition(condition: &Expr, subject: &Subject<'_>) -> Option<Diagnostic> {
    let side = Side::of(condition, subject);
    // A literal text may be read as one.
    if side.literal.is_some() || matches!(condition.kind, ExprKind::Alias(_)) {
        return None;
    }
    let semantics = subject.dialect.semantics();
    let outcome = semantics.takes_as_condition(side.data_type);
    if outcome == Outcome::Taken {
        return None;
    }
    let message = format!("this is {}, and a condition is true or false", semantics.type_name(side.data_type));
    let found = report(outcome, message, side.span, subject)?;
    Some(found.help("compare it with something"))
}

/// What several queries one behind the other bring together; those inside of it are not looked at by themselves.
fn in_set_operation(query: &Query, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let parts = parts(query);
    let Some(first) = parts.first() else { return Vec::new() };
    let width = first.columns.known.len();
    let is_other =
        |part: &&Query| part.columns.is_open || part.columns.known.len() != width || part.form() != first.form();
    if parts.iter().any(is_other) {
        return Vec::new();
    }
    let Body::SetOperation(operation) = &query.body else { return Vec::new() };
    let columns = (0..width).filter_map(|place| {
        let name = first.columns.known[place].name.as_deref();
        let sides: Vec<Side<'_>> = parts.iter().map(|part| Side::of_part(part, place, subject)).collect();
        in_column(&sides, name, operation.word, subject)
    });
    columns.collect()
}

/// Set operations right in another one.
fn parts_within(query: &Query) -> Vec<*const Query> {
    match &query.body {
        Body::SetOperation(operation) if !operation.by_name => {
            let halves = [&operation.left, &operation.right];
            halves.into_iter().map(|half| std::ptr::from_ref(half.without_brackets())).collect()
        }
        _ => Vec::new(),
    }
}

/// The queries that a set operation is made of, in their order.
fn parts(query: &Query) -> Vec<&Query> {
    let mut open = vec![query];
    let mut parts = Vec::new();
    while let Some(query) = open.pop() {
        match &query.without_brackets().body {
            Body::SetOperation(operation) if !operation.by_name => open.extend([&operation.right, &operation.left]),
            _ => parts.push(query),
        }
    }
    parts
}

/// The halves of a set operation by name.
fn in_halves(operation: &SetOperation, subject: &Subject<'_>) -> Vec<Diagnostic> {
    let SetOperation { left, right, word, .. } = operation;
    let case = subject.dialect.semantics().names().case;
    let mut found = Vec::new();
    for (place, column) in left.columns.known.iter().enumerate() {
        let Some(name) = column.name.as_deref() else { continue };
        let is_it = |other: &Column| other.name.as_deref().is_some_and(|other| case.is_same(other, name));
        let Some(partner) = right.columns.known.iter().position(is_it) else { continue };
        let sides = [Side::of_part(left, place, subject), Side::of_part(right, partner, subject)];
        found.extend(in_column(&sides, Some(name), word, subject));
    }
    found
}

/// Values that become one column.
fn in_column(sides: &[Side<'_>], name: Option<&str>, word: &str, subject: &Subject<'_>) -> Option<Diagnostic> {
    let first = sides.iter().find(|side| side.literal.is_none() && *side.data_type != DataType::Null)?;
    let name = name.map_or_else(|| "one column".to_owned(), |name| format!("`{name}`"));
    let what = format!("the halves of {} for {name}", word.to_uppercase());
    let found = sides.iter().find_map(|side| apart(Meeting::Union, first, side, &what, subject))?;
    // What is cast at any price becomes a text beside one.
    let may_be_text = |side: &Side<'_>| side.data_type.is_text() || is_open(side.data_type);
    (found.severity == Severity::Error || !sides.iter().any(may_be_text)).then_some(found)
}

/// A value on one side.
struct Side<'a> {
    data_type: &'a DataType,
    literal: Option<&'a str>,
    is_settled: bool,
    span: Span,
}

impl<'a> Side<'a> {
    fn of(expr: &'a Expr, subject: &Subject<'_>) -> Self {
        // A name of the select list is what stands there, which may be a literal.
        let data_type = if expr.alias().is_some() { &DataType::Unknown } else { &expr.data_type };
        Self { data_type, literal: literal(expr), is_settled: is_settled(expr, subject), span: expr.span }
    }

    /// The column that a query gives.
    fn of_query(column: &'a Column, span: Span) -> Self {
        Self { data_type: &column.data_type, literal: None, is_settled: !column.origins.is_empty(), span }
    }

    /// A column of a query that a set operation brings in.
    fn of_part(part: &'a Query, place: usize, subject: &Subject<'_>) -> Self {
        let data_type = part.columns.known.get(place).map_or(&DataType::Unknown, |column| &column.data_type);
        let item = part.item(place);
        let is_settled = item.is_some_and(|item| is_settled(item, subject));
        Self { data_type, literal: item.and_then(literal), is_settled, span: part.span_of(place) }
    }

    fn operand(&self) -> Operand<'a> {
        Operand { data_type: self.data_type, literal: self.literal, is_settled: self.is_settled }
    }

    /// What it is, in a message.
    fn describe(&self, subject: &Subject<'_>) -> String {
        match self.literal {
            Some(text) if text.chars().count() <= 20 => format!("the text '{text}'"),
            _ => subject.dialect.semantics().type_name(self.data_type),
        }
    }
}

/// What stands in the quotes, if it is a text as it is written.
fn literal(expr: &Expr) -> Option<&str> {
    let ExprKind::Literal(text) = &expr.kind else { return None };
    (expr.data_type == DataType::TEXT).then(|| text.strip_prefix('\'')?.strip_suffix('\'')).flatten()
}

/// Whether its type does not hang on what stands around it: it comes from a table, or is cast.
fn is_settled(expr: &Expr, subject: &Subject<'_>) -> bool {
    expr.any(&|part| match &part.kind {
        ExprKind::Cast { .. } => true,
        ExprKind::Column { source, column, .. } => {
            let source = subject.bound.source(*source);
            let column = column.and_then(|place| source.columns.known.get(place));
            matches!(source.kind, SourceKind::Action(_) | SourceKind::Own)
                || column.is_some_and(|column| !column.origins.is_empty())
        }
        _ => false,
    })
}

fn apart(meeting: Meeting, one: &Side<'_>, other: &Side<'_>, what: &str, subject: &Subject<'_>) -> Option<Diagnostic> {
    let outcome = subject.dialect.semantics().meets(meeting, &one.operand(), &other.operand());
    if outcome == Outcome::Taken {
        return None;
    }
    let (first, second) = (one.describe(subject), other.describe(subject));
    let found = report(outcome, format!("{what} are {first} and {second}"), other.span, subject)?;
    let help = if meeting == Meeting::Difference && one.literal.or(other.literal).is_some() {
        "write `interval` before it"
    } else if one.literal.or(other.literal).is_some() {
        "write a value of its type"
    } else if meeting == Meeting::Sum && one.data_type.is_text() && other.data_type.is_text() {
        "`||` puts texts together"
    } else {
        "cast one of them"
    };
    Some(subject.point_at(found, one.span, &format!("this is {first}")).help(help))
}

fn report(outcome: Outcome, message: String, span: Span, subject: &Subject<'_>) -> Option<Diagnostic> {
    let found = match outcome {
        Outcome::Taken => return None,
        Outcome::Fails => {
            Diagnostic::warning(Code::TypeMismatch, format!("{message}: this fails at the first row that has a value"))
        }
        Outcome::Refused => Diagnostic::error(Code::TypeMismatch, message),
    };
    Some(subject.place(found, span))
}
