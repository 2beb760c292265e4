//! Functions that no table can say.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, Ident, ObjectNamePart, Spanned, Value, VisitMut, VisitorMut,
};

use super::casts::convert;
use super::literals::text_of;
use super::{aggregates, dates, format, json};
use crate::dialect::translate::functions::{bracketed, build};
use crate::dialect::translate::rewrite::{Rewriter, simple_name};
use crate::dialect::translate::types::Type;

/// A call whose arguments are not yet translated; `None` leaves it to the table.
pub(crate) fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    if let [path @ .., ObjectNamePart::Identifier(_)] = function.name.0.as_slice()
        && let [ObjectNamePart::Identifier(first), ..] = path
        && first.quote_style.is_none()
    {
        let name = simple_name(&function.name);
        return match first.value.to_ascii_lowercase().as_str() {
            "safe" if path.len() == 1 => {
                let mut bare = function.clone();
                bare.name.0.remove(0);
                let mut bare = Expr::Function(bare);
                let kind = rewriter.expr(&mut bare);
                // Where an error would be raised, the result is NULL at once.
                let _ = bare.visit(&mut WithoutErrors);
                Some((build("try(x)", &[("x", &bare)]), kind))
            }
            word @ ("net"
            | "hll_count"
            | "kll_quantiles"
            | "keys"
            | "aead"
            | "ml"
            | "ai"
            | "vector_search"
            | "deterministic_decrypt")
                if path.len() == 1 =>
            {
                rewriter.missing(place, &format!("function `{word}.{name}`"));
                Some((Expr::Function(function.clone()), Type::Unknown))
            }
            _ => None,
        };
    }
    let name = simple_name(&function.name);
    if rewriter.own_functions.contains(&name) {
        return None;
    }
    if let Some(done) = dates::call(&name, function, rewriter) {
        return Some(done);
    }
    match name.as_str() {
        "concat" => Some(concat(function, rewriter)),
        "array_concat" => {
            let arguments = translated(function, rewriter)?;
            let kind = arguments.first().map(|(_, kind)| kind.clone()).unwrap_or_default();
            Some((joined(arguments.into_iter().map(|(value, _)| value), &BinaryOperator::StringConcat)?, kind))
        }
        "greatest" | "least" => Some(extreme(function, rewriter)),
        "substr" | "substring" => substring(translated(function, rewriter)?),
        "trim" | "ltrim" | "rtrim" => match translated(function, rewriter)?.as_slice() {
            [(value, Type::Bytes), ..] => {
                rewriter.missing(place, &format!("function `{name}` of bytes"));
                Some((value.clone(), Type::Bytes))
            }
            [(value, _)] => Some((trimmed(&name, value), Type::Text)),
            [(value, _), (letters, _)] => {
                Some((build(&format!("{name}(x, y)"), &[("x", value), ("y", letters)]), Type::Text))
            }
            _ => None,
        },
        "regexp_extract" | "regexp_substr" | "regexp_extract_all" => regexp(&name, function, rewriter),
        "percentile_cont" | "percentile_disc" => Some(aggregates::percentile(function, rewriter)),
        "array_slice" => match translated(function, rewriter)?.as_slice() {
            [(list, kind), (first, _), (last, _)]
                if [first, last].into_iter().all(|place| whole(place).is_some_and(|place| place >= 0)) =>
            {
                let parts = [("x", list), ("n", first), ("m", last)];
                Some((build("list_slice(x, n + 1, m + 1)", &parts), kind.clone()))
            }
            _ => None,
        },
        "array_agg" | "string_agg" => aggregates::aggregate(&name, function, rewriter),
        "any_value" => aggregates::any_value(function, rewriter),
        "approx_quantiles" => aggregates::approx_quantiles(function, rewriter),
        "approx_top_count" => aggregates::approx_top_count(function, rewriter),
        "array" => match &function.args {
            FunctionArguments::Subquery(query) => {
                let mut query = query.clone();
                let kind = rewriter.value_query(&mut query);
                let mut call = function.clone();
                call.args = FunctionArguments::Subquery(query);
                Some((Expr::Function(call), Type::Array(Box::new(kind))))
            }
            _ => None,
        },
        "format" => format::format(function, rewriter),
        "to_json" | "to_json_string" => to_json(&name, function, rewriter),
        "regexp_instr" => match translated(function, rewriter)?.as_slice() {
            [(value, _), (pattern, _)] if text_of(pattern).is_some_and(|pattern| groups(&pattern) == 0) => {
                let before = build("'(?s)^(.*?)(?:' || r || ')'", &[("r", pattern)]);
                let text = "case when regexp_matches(x, r) then length(regexp_extract(x, b, 1)) + 1 when x is not null then 0 end";
                Some((build(text, &[("x", value), ("r", pattern), ("b", &before)]), Type::Int))
            }
            _ => None,
        },
        _ if name.starts_with("json_") => json::call(&name, function, rewriter),
        _ => None,
    }
}

struct WithoutErrors;

impl VisitorMut for WithoutErrors {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Function(function) if simple_name(&function.name) == "error") {
            *expr = Expr::value(Value::Null);
        }
        ControlFlow::Continue(())
    }
}

/// The arguments of a plain call, translated.
pub(crate) fn translated(function: &Function, rewriter: &mut Rewriter) -> Option<Vec<(Expr, Type)>> {
    let arguments = super::plain_arguments(function)?;
    Some(
        arguments
            .into_iter()
            .map(|mut argument| {
                let kind = rewriter.expr(&mut argument);
                (argument, kind)
            })
            .collect(),
    )
}

pub(crate) fn joined(values: impl IntoIterator<Item = Expr>, op: &BinaryOperator) -> Option<Expr> {
    values.into_iter().map(bracketed).reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: Box::new(right),
    })
}

/// NULL if any part is NULL, where DuckDB's own function leaves it out.
fn concat(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let arguments = translated(function, rewriter).unwrap_or_default();
    let bytes = arguments.iter().any(|(_, kind)| *kind == Type::Bytes);
    let kind = if bytes { Type::Bytes } else { Type::Text };
    let alone = arguments.len() == 1;
    let parts = arguments.into_iter().map(|(value, from)| match from {
        Type::Unknown if !alone => value,
        from => convert(value, &from, &kind, false),
    });
    let joined = joined(parts, &BinaryOperator::StringConcat).unwrap_or_else(|| build("''", &[]));
    (joined, kind)
}

/// NULL if any argument is NULL, where DuckDB's own function leaves it out.
fn extreme(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let arguments = translated(function, rewriter).unwrap_or_default();
    let kind = arguments.iter().map(|(_, kind)| kind.clone()).reduce(Type::and).unwrap_or_default();
    let values: Vec<Expr> = arguments.into_iter().map(|(value, _)| value).collect();
    let tests = values
        .iter()
        .filter(|value| !matches!(value, Expr::Value(literal) if literal.value != Value::Null))
        .map(|value| build("x is not null", &[("x", value)]));
    let all = tests.reduce(|left, right| build("a and b", &[("a", &left), ("b", &right)]));
    let mut call = function.clone();
    call.args = FunctionArguments::List(super::list_of(values));
    let call = Expr::Function(call);
    match all {
        Some(all) => {
            // Built by hand: brackets around the condition would only blur it.
            (
                Expr::Case {
                    case_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                    end_token: sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
                    operand: None,
                    conditions: vec![sqlparser::ast::CaseWhen { condition: unnest_brackets(all), result: call }],
                    else_result: None,
                },
                kind,
            )
        }
        None => (call, kind),
    }
}

fn unnest_brackets(expr: Expr) -> Expr {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => Expr::BinaryOp {
            left: Box::new(unnest_brackets(*left)),
            op: BinaryOperator::And,
            right: Box::new(unnest_brackets(*right)),
        },
        Expr::Nested(inner)
            if matches!(*inner, Expr::IsNotNull(_) | Expr::BinaryOp { op: BinaryOperator::And, .. }) =>
        {
            unnest_brackets(*inner)
        }
        other => other,
    }
}

/// A position of 0, and one before the first letter, is the first letter.
pub(crate) fn substring(mut arguments: Vec<(Expr, Type)>) -> Option<(Expr, Type)> {
    let (value, kind) = arguments.first().cloned()?;
    if kind == Type::Bytes {
        return None;
    }
    let (position, _) = arguments.get(1).cloned()?;
    let position = match whole(&position) {
        Some(place) if place > 0 => position,
        Some(0) => build("1", &[]),
        _ => build("case when p = 0 or p < -length(x) then 1 else p end", &[("p", &position), ("x", &value)]),
    };
    let expr = match arguments.get_mut(2) {
        None => build("substring(x, p)", &[("x", &value), ("p", &position)]),
        Some((length, _)) => {
            let length = match whole(length) {
                Some(count) if count >= 0 => length.clone(),
                _ => build("case when n < 0 then error('negative length of a substring') else n end", &[("n", length)]),
            };
            build("substring(x, p, n)", &[("x", &value), ("p", &position), ("n", &length)])
        }
    };
    Some((expr, Type::Text))
}

/// The value of a literal whole number.
pub(crate) fn whole(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => whole(inner),
        Expr::UnaryOp { op: sqlparser::ast::UnaryOperator::Minus, expr } => whole(expr)?.checked_neg(),
        _ => None,
    }
}

/// Without the white space around it; DuckDB's own function takes only blanks away.
pub(crate) fn trimmed(name: &str, value: &Expr) -> Expr {
    let white = Expr::value(Value::SingleQuotedString(" \t\n\u{b}\u{c}\r\u{85}\u{a0}".to_owned()));
    build(&format!("{name}(x, w)"), &[("x", value), ("w", &white)])
}

/// The first capturing group, or the whole match where the pattern has none; NULL where nothing matches.
fn regexp(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    let arguments = translated(function, rewriter)?;
    let (value, _) = arguments.first()?;
    let (pattern, _) = arguments.get(1)?;
    let kind = if name == "regexp_extract_all" { Type::Array(Box::new(Type::Text)) } else { Type::Text };
    let group = match text_of(pattern).map(|pattern| groups(&pattern)) {
        Some(count @ 0..=1) => count,
        Some(_) => {
            rewriter.problem(
                place,
                format!("the pattern of `{name}` has more than one capturing group"),
                Some("write `(?:…)` for the others".to_owned()),
            );
            0
        }
        None => {
            rewriter.missing(place, &format!("function `{name}` with a pattern that is no literal"));
            0
        }
    };
    let all = |value: &Expr| build(&format!("regexp_extract_all(x, r, {group})"), &[("x", value), ("r", pattern)]);
    let expr = match arguments.as_slice() {
        [_, _] if name == "regexp_extract_all" => all(value),
        [_, _] => build("m[1]", &[("m", &all(value))]),
        [_, _, (position, _)] => {
            let rest = build("substring(x, p)", &[("x", value), ("p", position)]);
            build("m[1]", &[("m", &all(&rest))])
        }
        [_, _, (position, _), (occurrence, _)] => {
            let rest = if whole(position) == Some(1) {
                value.clone()
            } else {
                build("substring(x, p)", &[("x", value), ("p", position)])
            };
            build("m[n]", &[("m", &all(&rest)), ("n", occurrence)])
        }
        _ => return None,
    };
    Some((expr, kind))
}

/// How many groups of a pattern capture.
fn groups(pattern: &str) -> usize {
    let mut count = 0;
    let mut in_class = false;
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                letters.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                if letters.peek() == Some(&'?') {
                    letters.next();
                    // `(?P<name>…)` captures; `(?:…)` and `(?i)` do not.
                    count += usize::from(matches!(letters.peek(), Some('P' | '<')));
                } else {
                    count += 1;
                }
            }
            _ => {}
        }
    }
    count
}

/// JSON of a value whose type DuckDB writes as BigQuery does; a type that only shows at run time is tested there.
fn to_json(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let arguments = translated(function, rewriter)?;
    let [(value, kind)] = arguments.as_slice() else { return None };
    let (text, result) = if name == "to_json" {
        ("to_json(x)", Type::Json)
    } else {
        ("coalesce(cast(to_json(x) as varchar), 'null')", Type::Text)
    };
    let written = build(text, &[("x", value)]);
    match written_alike(kind) {
        Some(true) => Some((written, result)),
        Some(false) => {
            rewriter.missing(function.name.span(), &format!("function `{name}` of this type"));
            Some((written, result))
        }
        None => {
            let text = format!(
                "case when regexp_matches(typeof(x), 'DOUBLE|FLOAT|DECIMAL|TIMESTAMP|BLOB') \
                 then error('{name} of this type has no translation to duckdb') else w end"
            );
            Some((build(&text, &[("x", value), ("w", &written)]), result))
        }
    }
}

/// Whether DuckDB writes a type in JSON as BigQuery does, where that is known.
fn written_alike(kind: &Type) -> Option<bool> {
    match kind {
        Type::Unknown => None,
        Type::Int | Type::Text | Type::Bool | Type::Date | Type::Json => Some(true),
        Type::Array(element) => written_alike(element),
        Type::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|(_, kind)| written_alike(kind)).collect();
            if fields.contains(&Some(false)) {
                Some(false)
            } else {
                (!fields.is_empty() && !fields.contains(&None)).then_some(true)
            }
        }
        _ => Some(false),
    }
}

/// The name of a field that a struct takes from its value.
pub(crate) fn field_name(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}
