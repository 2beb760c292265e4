//! Calls that no table can tell.

use sqlparser::ast::{DataType, Expr, Function, Spanned, Value};

use super::{dates, json, regexp};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::postgres::{arguments, converted, name_of, text_of, whole, within_group};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// The call in DuckDB's words; `None` for all that the table tells or that PostgreSQL shares.
pub(super) fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let name = name_of(function);
    let values = arguments(function)?;
    Some(match (name.as_str(), values.as_slice()) {
        ("dateadd" | "date_add", [part, count, moment]) => dates::add(part, count, moment, function, rewriter),
        ("datediff" | "date_diff", [part, from, to]) => dates::difference(part, from, to, function, rewriter),
        ("convert_timezone", [to, moment]) => dates::convert(None, to, moment, rewriter),
        ("convert_timezone", [from, to, moment]) => dates::convert(Some(from), to, moment, rewriter),
        ("next_day", [day, name]) => dates::next_day(day, name, rewriter),
        ("decode", [value, rest @ ..]) if rest.len() > 1 => decode(value, rest, rewriter),
        ("concat", [one, other]) => concat(one, other, rewriter),
        ("listagg", _) if function.within_group.is_empty() => within_group(function, rewriter),
        ("trunc", [value]) if names_a_moment(value) => trunc(value, rewriter),
        ("sha2", [text, bits]) => sha2(text, bits, rewriter),
        ("strtol", [text, base]) => strtol(text, base, rewriter),
        ("regexp_count", [text, pattern, rest @ ..]) if rest.len() < 3 => regexp::count(text, pattern, rest, rewriter),
        ("regexp_substr", [text, pattern, rest @ ..]) if rest.len() < 4 => {
            regexp::substring(text, pattern, rest, rewriter)
        }
        ("regexp_instr", [text, pattern, rest @ ..]) if rest.len() < 5 => {
            regexp::position(text, pattern, rest, rewriter)
        }
        ("regexp_replace", [text, pattern, rest @ ..]) if rest.len() < 4 => {
            regexp::replace(text, pattern, rest, rewriter)
        }
        ("json_extract_path_text", [text, path @ ..]) if !path.is_empty() => json::path_text(text, path, rewriter),
        _ => return None,
    })
}

/// `decode(x, one, result, …, otherwise)`: NULL is found by NULL.
pub(crate) fn decode(value: &Expr, rest: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut value = value.clone();
    rewriter.expr(&mut value);
    let mut rest = rest.to_vec();
    let kinds: Vec<Type> = rest.iter_mut().map(|part| rewriter.expr(part)).collect();
    let names: Vec<String> = (0..rest.len()).map(|place| format!("_{place}")).collect();
    let mut branches: Vec<String> = vec!["case".to_owned()];
    let mut results = Vec::new();
    for place in (0..rest.len()).step_by(2) {
        let search = &names[place];
        if let Some(result) = names.get(place + 1) {
            branches.push(format!("when x is not distinct from {search} then {result}"));
            results.push(place + 1);
        } else {
            branches.push(format!("else {search}"));
            results.push(place);
        }
    }
    branches.push("end".to_owned());
    let text = branches.join(" ");
    let kind = results
        .iter()
        .filter(|place| rest[**place] != Expr::value(Value::Null))
        .map(|place| kinds[*place].clone())
        .reduce(Type::and)
        .unwrap_or_default();
    let places: Vec<(&str, &Expr)> =
        std::iter::once(("x", &value)).chain(names.iter().map(String::as_str).zip(&rest)).collect();
    (build(&text, &places), kind)
}

/// Two values, NULL if one of them is.
fn concat(one: &Expr, other: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut sides = [one.clone(), other.clone()];
    for side in &mut sides {
        let kind = rewriter.expr(side);
        if kind != Type::Text {
            *side = converted(side.clone(), &kind, &Type::Text, &DataType::Varchar(None), false);
        }
    }
    (build("x || y", &[("x", &sides[0]), ("y", &sides[1])]), Type::Text)
}

/// Whether a column is called as moments are. A wrong guess is no wrong row: the cast is refused.
pub(crate) fn names_a_moment(value: &Expr) -> bool {
    let name = match value {
        Expr::Identifier(name) => name,
        Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(name) => name,
            None => return false,
        },
        _ => return false,
    };
    let name = name.value.to_ascii_lowercase();
    ["date", "time", "day"].iter().any(|word| name.contains(word))
        || ["_at", "_ts", "_on", "_dt"].iter().any(|end| name.ends_with(end))
        || name == "ts"
}

/// `trunc(x)` of a column whose type is not known, but whose name is one of moments: the day.
fn trunc(value: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut value = value.clone();
    match rewriter.expr(&mut value) {
        Type::TimestampTz => (build("cast(x at time zone 'UTC' as date)", &[("x", &value)]), Type::Date),
        kind if kind.is_number() => (build("trunc(x)", &[("x", &value)]), kind),
        _ => (build("cast(x as date)", &[("x", &value)]), Type::Date),
    }
}

fn sha2(text: &Expr, bits: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut text = text.clone();
    rewriter.expr(&mut text);
    if !matches!(whole(bits), Some(0 | 256)) {
        rewriter.missing_because(bits.span(), "SHA2 of this length", "DuckDB has the one of 256 bits");
    }
    (build("sha256(x)", &[("x", &text)]), Type::Text)
}

fn strtol(text: &Expr, base: &Expr, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut text = text.clone();
    rewriter.expr(&mut text);
    let done = match whole(base) {
        Some(10) => "cast(x as bigint)",
        Some(16) => "cast('0x' || regexp_replace(x, '^0[xX]', '') as bigint)",
        Some(2) => {
            "list_reduce(list_transform(string_split(x, ''), lambda _bit: cast(_bit as bigint)), lambda _sum, _bit: _sum * 2 + _bit)"
        }
        _ => {
            rewriter.missing(base.span(), "STRTOL in this base");
            "x"
        }
    };
    (build(done, &[("x", &text)]), Type::Int)
}

/// Whether it is a text in the query.
pub(super) fn is_text(expr: &Expr) -> bool {
    text_of(expr).is_some()
}
