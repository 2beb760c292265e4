//! Functions that no table can say.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Function, FunctionArgumentClause, FunctionArguments, HavingBoundKind, Ident,
    NullTreatment, ObjectNamePart, Spanned, Subscript, Value, VisitMut, VisitorMut,
};

use super::casts::convert;
use super::literals::text_of;
use super::{dates, json};
use crate::dialect::translate::functions::{Modifiers, bracketed, build, give};
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
        "array_agg" | "string_agg" => aggregate(&name, function, rewriter),
        "any_value" => any_value(function, rewriter),
        "approx_quantiles" => approx_quantiles(function, rewriter),
        "approx_top_count" => approx_top_count(function, rewriter),
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
        "format" => format(function, rewriter),
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

fn joined(values: impl IntoIterator<Item = Expr>, op: &BinaryOperator) -> Option<Expr> {
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

/// `ARRAY_AGG` and `STRING_AGG`.
fn aggregate(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut function = function.clone();
    let mut limit = None;
    let mut ignore = function.null_treatment.take() == Some(NullTreatment::IgnoreNulls);
    if let FunctionArguments::List(list) = &mut function.args {
        list.clauses.retain_mut(|clause| match clause {
            FunctionArgumentClause::Limit(count) => {
                limit = Some(count.clone());
                false
            }
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                ignore |= *treatment == NullTreatment::IgnoreNulls;
                false
            }
            _ => true,
        });
    }
    let (arguments, mut modifiers) = rewriter.take_arguments(name, &mut function);
    let (value, kind) = arguments.first().cloned()?;
    let text = name == "string_agg";
    if ignore || text && limit.is_some() {
        let present = build("x is not null", &[("x", &value)]);
        modifiers.filter = Some(Box::new(match modifiers.filter.take() {
            Some(filter) => build("a and b", &[("a", &filter), ("b", &present)]),
            None => present,
        }));
    }
    let default = build("','", &[]);
    let separator = arguments.get(1).map_or(&default, |(separator, _)| separator);
    let call = |template: &str, modifiers: &Modifiers| {
        let mut call = build(template, &[("x", &value), ("s", separator)]);
        if let Expr::Function(function) = &mut call {
            give(function, modifiers);
        }
        call
    };
    let limited = |list: Expr| match &limit {
        Some(count) => build("l[1:n]", &[("l", &list), ("n", count)]),
        None => list,
    };
    Some(if text {
        if limit.is_none() {
            (call("string_agg(x, s)", &modifiers), Type::Text)
        } else {
            let list = limited(call("list(x)", &modifiers));
            (build("array_to_string(l, s)", &[("l", &list), ("s", separator)]), Type::Text)
        }
    } else {
        (limited(call("list(x)", &modifiers)), Type::Array(Box::new(kind)))
    })
}

/// `ANY_VALUE(x HAVING MAX y)`.
fn any_value(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut function = function.clone();
    let FunctionArguments::List(list) = &mut function.args else { return None };
    let bound = list.clauses.iter().find_map(|clause| match clause {
        FunctionArgumentClause::Having(bound) => Some(bound.clone()),
        _ => None,
    })?;
    list.clauses.clear();
    let mut by = bound.1;
    rewriter.expr(&mut by);
    let (arguments, modifiers) = rewriter.take_arguments("any_value", &mut function);
    let (value, kind) = arguments.first().cloned()?;
    let text = match bound.0 {
        HavingBoundKind::Max => "arg_max_null(x, y)",
        HavingBoundKind::Min => "arg_min_null(x, y)",
    };
    let mut call = build(text, &[("x", &value), ("y", &by)]);
    if let Expr::Function(function) = &mut call {
        give(function, &modifiers);
    }
    Some((call, kind))
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

/// The smallest value, those that part the values into `n` equal shares, and the greatest.
fn approx_quantiles(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut function = function.clone();
    let (arguments, modifiers) = rewriter.take_arguments("approx_quantiles", &mut function);
    let (value, kind) = arguments.first()?;
    let Some(shares @ 1..=1000) = arguments.get(1).and_then(|(count, _)| whole(count)) else {
        rewriter.missing(function.name.span(), "function `approx_quantiles` with such a number");
        return Some((value.clone(), Type::Unknown));
    };
    let places: Vec<String> = (0..=shares).map(|share| format!("{share} / {shares}.0")).collect();
    let places: Vec<String> = if shares == 1 { vec!["0.0".into(), "1.0".into()] } else { places };
    let mut call = build(&format!("quantile_disc(x, [{}])", places.join(", ")), &[("x", value)]);
    if let Expr::Function(function) = &mut call {
        give(function, &modifiers);
    }
    Some((call, Type::Array(Box::new(kind.clone()))))
}

fn approx_top_count(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let arguments = translated(function, rewriter)?;
    let [(value, kind), (count, _)] = arguments.as_slice() else { return None };
    let expr = build(
        "list_transform(list_sort(list_transform(map_entries(histogram(x)), lambda _e: {'c': _e.value, 'v': _e.key}), 'DESC')[1:n], \
         lambda _e: {'value': _e.v, 'count': cast(_e.c as bigint)})",
        &[("x", value), ("n", count)],
    );
    let element = Type::Struct(vec![("value".to_owned(), kind.clone()), ("count".to_owned(), Type::Int)]);
    Some((expr, Type::Array(Box::new(element))))
}

/// `FORMAT('…%d…', …)`: one piece for each element.
fn format(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    let arguments = translated(function, rewriter)?;
    let Some(text) = arguments.first().and_then(|(format, _)| text_of(format)) else {
        rewriter.missing(place, "function `format` with a format that is no literal");
        return Some((Expr::Function(function.clone()), Type::Text));
    };
    let mut values = arguments.into_iter().skip(1);
    let mut pieces: Vec<Expr> = Vec::new();
    let mut plain = String::new();
    let literal = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            plain.push(letter);
            continue;
        }
        let mut element = String::from("%");
        let conversion = loop {
            match letters.next() {
                Some(letter) if letter.is_ascii_digit() || ".-+ #0'".contains(letter) => element.push(letter),
                other => break other,
            }
        };
        if conversion == Some('%') {
            plain.push('%');
            continue;
        }
        let grouped = element.contains('\'');
        let Some((value, kind)) = values.next() else {
            rewriter.problem(place, "`format` has fewer arguments than its format has elements".to_owned(), None);
            break;
        };
        if !plain.is_empty() {
            pieces.push(literal(&std::mem::take(&mut plain)));
        }
        let x = [("x", &value)];
        let piece = match conversion {
            Some('d' | 'i') if grouped && element == "%'" => build("format('{:,}', cast(x as bigint))", &x),
            Some('f') if grouped => {
                let digits = element.split_once('.').map_or("6", |(_, digits)| digits);
                let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
                build(&format!("format('{{:,.{digits}f}}', cast(x as double))"), &x)
            }
            Some('d' | 'i') if !grouped => build(&format!("printf('{element}d', cast(x as bigint))"), &x),
            Some(letter @ ('f' | 'F' | 'e' | 'E' | 'g' | 'G')) if !grouped => {
                build(&format!("printf('{element}{letter}', cast(x as double))"), &x)
            }
            Some(letter @ ('x' | 'X' | 'o')) if !grouped => {
                build(&format!("printf('{element}{letter}', cast(x as bigint))"), &x)
            }
            Some('s') if element == "%" => convert(value.clone(), &kind, &Type::Text, false),
            Some('s') => build(&format!("printf('{element}s', x)"), &x),
            Some('t')
                if element == "%"
                    && matches!(
                        kind,
                        Type::Int | Type::Text | Type::Bool | Type::Date | Type::Timestamp | Type::TimestampTz
                    ) =>
            {
                let text = convert(value.clone(), &kind, &Type::Text, false);
                build("coalesce(t, 'NULL')", &[("t", &text)])
            }
            Some('T') if element == "%" && matches!(kind, Type::Int | Type::Bool) => {
                build("coalesce(cast(x as varchar), 'NULL')", &x)
            }
            other => {
                let letter = other.map(String::from).unwrap_or_default();
                rewriter.missing(place, &format!("format element `{element}{letter}` of `format`"));
                continue;
            }
        };
        pieces.push(piece);
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(literal(&plain));
    }
    Some((joined(pieces, &BinaryOperator::StringConcat)?, Type::Text))
}

/// `array[OFFSET(n)]`, `json['key']` and the like, not yet translated.
pub(crate) fn access(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let mut value = std::mem::replace(root.as_mut(), Expr::value(Value::Null));
    let chain = std::mem::take(access_chain);
    let place = value.span();
    let mut kind = rewriter.expr(&mut value);
    for access in chain {
        match access {
            AccessExpr::Dot(Expr::Identifier(field)) if kind == Type::Json => {
                let path = format!("$.\"{}\"", field.value);
                value =
                    build("json_extract(j, p)", &[("j", &value), ("p", &Expr::value(Value::SingleQuotedString(path)))]);
            }
            AccessExpr::Dot(Expr::Identifier(field)) => {
                kind = kind.field(&field.value);
                value = Expr::CompoundFieldAccess {
                    root: Box::new(bracketed_root(value)),
                    access_chain: vec![AccessExpr::Dot(Expr::Identifier(field))],
                };
            }
            AccessExpr::Subscript(Subscript::Index { index }) => {
                (value, kind) = subscript(value, &kind, index, rewriter);
            }
            _ => rewriter.missing(place, "subscript"),
        }
    }
    *expr = value;
    Some(kind)
}

fn bracketed_root(expr: Expr) -> Expr {
    match bracketed(expr) {
        nested @ (Expr::Nested(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => nested,
        other => Expr::Nested(Box::new(other)),
    }
}

fn subscript(value: Expr, kind: &Type, index: Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut index, first, safe) = match &index {
        Expr::Function(function) => {
            match (simple_name(&function.name).as_str(), super::plain_arguments(function).as_deref()) {
                ("offset", Some([index])) => (index.clone(), 0, false),
                ("safe_offset", Some([index])) => (index.clone(), 0, true),
                ("ordinal", Some([index])) => (index.clone(), 1, false),
                ("safe_ordinal", Some([index])) => (index.clone(), 1, true),
                _ => (index, 0, false),
            }
        }
        _ => (index, 0, false),
    };
    let index_kind = rewriter.expr(&mut index);
    if *kind == Type::Json || index_kind == Type::Text {
        let key = match (text_of(&index), whole(&index)) {
            (Some(key), _) => Expr::value(Value::SingleQuotedString(format!("$.\"{key}\""))),
            (None, Some(number)) => Expr::value(Value::SingleQuotedString(format!("$[{number}]"))),
            _ => index,
        };
        return (build("json_extract(j, p)", &[("j", &value), ("p", &key)]), Type::Json);
    }
    // Only a list can be flattened: a JSON value, which counts in another way, is refused and not misread.
    let list = if *kind == Type::Unknown { build("flatten([x])", &[("x", &value)]) } else { bracketed(value) };
    let place = match whole(&index) {
        Some(number) => build(&format!("{}", number.saturating_add(1 - first)), &[]),
        None if first == 1 => index.clone(),
        None => build("i + 1", &[("i", &index)]),
    };
    let item = Expr::CompoundFieldAccess {
        root: Box::new(list.clone()),
        access_chain: vec![AccessExpr::Subscript(Subscript::Index { index: place.clone() })],
    };
    let literal = whole(&index).is_some_and(|number| number >= first);
    // DuckDB has NULL for a place beyond the end, and counts back from it for one below zero.
    let always_there = matches!(&list, Expr::Function(call) if simple_name(&call.name) == "string_split")
        && whole(&index) == Some(first);
    let expr = match (safe, literal) {
        (true, true) => item,
        _ if always_there => item,
        (true, false) => build("case when p > 0 then v end", &[("p", &place), ("v", &item)]),
        (false, _) => build(
            "case when p < 1 or p > len(l) then error('array index out of bounds') else v end",
            &[("p", &place), ("l", &list), ("v", &item)],
        ),
    };
    (expr, kind.element())
}

/// The name of a field that a struct takes from its value.
pub(crate) fn field_name(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}
