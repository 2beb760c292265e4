//! Functions of JSON.

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
        Some((path, _)) => match text_of(path).as_deref().and_then(read_path) {
            Some(path) => path,
            None => {
                rewriter.missing(place, &format!("function `{name}` with this path"));
                return Some((json.clone(), Type::Unknown));
            }
        },
    };
    let literal = |path: &str| Expr::value(Value::SingleQuotedString(path.to_owned()));
    let every = literal(&format!("{path}[*]"));
    let path = literal(&path);
    // A text that is no JSON has no value; DuckDB refuses it.
    let parts = [("j", json), ("p", &path), ("e", &every)];
    let text = *kind != Type::Json;
    let (expr, result) = match name {
        "json_value" | "json_extract_scalar" => (
            build(
                "try(case when json_type(j, p) not in ('OBJECT', 'ARRAY') then json_extract_string(j, p) end)",
                &parts,
            ),
            Type::Text,
        ),
        "json_query" | "json_extract" if *kind == Type::Text => {
            (build("try(nullif(cast(json_extract(j, p) as varchar), 'null'))", &parts), Type::Text)
        }
        "json_query" | "json_extract" => (build("json_extract(j, p)", &parts), Type::Json),
        "json_query_array" | "json_extract_array" => {
            let element = if *kind == Type::Text { ("varchar", Type::Text) } else { ("json", Type::Json) };
            (
                build(
                    &format!(
                        "try(case when json_type(j, p) = 'ARRAY' then cast(json_extract(j, e) as {}[]) end)",
                        element.0
                    ),
                    &parts,
                ),
                Type::Array(Box::new(element.1)),
            )
        }
        _ => (
            build("try(case when json_type(j, p) = 'ARRAY' then json_extract_string(j, e) end)", &parts),
            Type::Array(Box::new(Type::Text)),
        ),
    };
    let _ = text;
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
            found.push_str(&format!(".\"{key}\""));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            index.trim().parse::<u32>().ok()?;
            found.push_str(&format!("[{}]", index.trim()));
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            if let Some(quoted) = after.strip_prefix('"') {
                let (key, after) = quoted.split_once('"')?;
                found.push_str(&format!(".\"{key}\""));
                rest = after;
            } else {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let key = after.get(..end)?;
                if key.is_empty() || key.contains('*') {
                    return None;
                }
                found.push_str(&format!(".\"{key}\""));
                rest = after.get(end..)?;
            }
        }
    }
    Some(found)
}
