//! Functions of JSON.

use std::fmt::Write as _;

use sqlparser::ast::{Expr, Function, Spanned, Value};

use super::calls::translated;
use super::literals::text_of;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A call of a `json_…` function whose arguments are not yet translated; `None` leaves it to the table.
pub(crate) fn call(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let known = matches!(
        name,
        "json_value"
            | "json_extract_scalar"
            | "json_query"
            | "json_extract"
            | "json_query_array"
            | "json_extract_array"
            | "json_value_array"
            | "json_extract_string_array"
    );
    if !known {
        return None;
    }
    let place = function.name.span();
    let arguments = translated(function, rewriter)?;
    let (json, kind) = arguments.first()?;
    let path = match arguments.get(1) {
        None => "$".to_owned(),
        Some((path, _)) => {
            let Some(path) = text_of(path).as_deref().and_then(read_path) else {
                rewriter.missing(place, &format!("function `{name}` with this path"));
                return Some((json.clone(), Type::Unknown));
            };
            path
        }
    };
    let literal = |path: &str| Expr::value(Value::SingleQuotedString(path.to_owned()));
    let every = literal(&format!("{path}[*]"));
    let path = literal(&path);
    let parts = [("j", json), ("p", &path), ("e", &every)];
    // A text that is no JSON has no value; DuckDB refuses it.
    let valid = if *kind == Type::Json { "" } else { "json_valid(j) and " };
    let (expr, result) = match name {
        "json_value" | "json_extract_scalar" => (
            build(
                &format!(
                    "case when {valid} json_type(j, p) not in ('OBJECT', 'ARRAY') then json_extract_string(j, p) end"
                ),
                &parts,
            ),
            Type::Text,
        ),
        "json_query" | "json_extract" if *kind == Type::Text => (
            build("case when json_valid(j) then nullif(cast(json_extract(j, p) as varchar), 'null') end", &parts),
            Type::Text,
        ),
        "json_query" | "json_extract" if *kind == Type::Json => (build("json_extract(j, p)", &parts), Type::Json),
        "json_query" | "json_extract" => {
            (build("case when json_valid(j) then json_extract(j, p) end", &parts), Type::Json)
        }
        "json_query_array" | "json_extract_array" => {
            let (word, element) = if *kind == Type::Text { ("varchar", Type::Text) } else { ("json", Type::Json) };
            let text =
                format!("case when {valid} json_type(j, p) = 'ARRAY' then cast(json_extract(j, e) as {word}[]) end");
            (build(&text, &parts), Type::Array(Box::new(element)))
        }
        _ => (
            build(&format!("case when {valid} json_type(j, p) = 'ARRAY' then json_extract_string(j, e) end"), &parts),
            Type::Array(Box::new(Type::Text)),
        ),
    };
    Some((expr, result))
}

/// A path as DuckDB writes it: `$['a']` is `$."a"`.
fn read_path(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut found = String::from("$");
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("['").or_else(|| rest.strip_prefix("[\"")) {
            let quote = if rest.starts_with("['") { "']" } else { "\"]" };
            let (key, after) = after.split_once(quote)?;
            let _ = write!(found, ".\"{key}\"");
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            index.trim().parse::<u32>().ok()?;
            let _ = write!(found, "[{}]", index.trim());
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            if let Some(quoted) = after.strip_prefix('"') {
                let (key, after) = quoted.split_once('"')?;
                let _ = write!(found, ".\"{key}\"");
                rest = after;
            } else {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let key = after.get(..end)?;
                if key.is_empty() || key.contains('*') {
                    return None;
                }
                let _ = write!(found, ".\"{key}\"");
                rest = after.get(end..)?;
            }
        }
    }
    Some(found)
}
