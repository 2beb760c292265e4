//! SUPER: a way through JSON by names and places, and its arrays in FROM.

use sqlparser::ast::{
    AccessExpr, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, JsonPathElem, Spanned, Subscript, TableAlias, TableAliasColumnDef, TableFactor, Value,
};

use super::functions::is_text;
use crate::dialect::translate::functions::{build, build_query};
use crate::dialect::translate::postgres::{alias_of, name_of, text_of, unnest as unnested, whole};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A step of a way.
enum Step {
    Name(Ident),
    Place(Box<Expr>),
}

/// A way from a column: `t.column.name[0].name`.
struct Way {
    column: Expr,
    /// Whether the column is known to be JSON.
    known: bool,
    steps: Vec<Step>,
}

fn steps(expr: &Expr) -> Option<Vec<Step>> {
    Some(match expr {
        Expr::Identifier(name) => vec![Step::Name(name.clone())],
        Expr::CompoundIdentifier(names) => names.iter().cloned().map(Step::Name).collect(),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let mut way = steps(root)?;
            for access in access_chain {
                way.push(step_of(access)?);
            }
            way
        }
        Expr::JsonAccess { value, path } => {
            let mut way = steps(value)?;
            for step in &path.path {
                way.push(step_in(step)?);
            }
            way
        }
        _ => return None,
    })
}

/// The way that an expression is; `None` for a plain column.
fn way(expr: &Expr, rewriter: &Rewriter) -> Option<Way> {
    let mut rest = steps(expr)?.into_iter();
    let Some(Step::Name(first)) = rest.next() else { return None };
    let mut rest: Vec<Step> = rest.collect();
    let json = |kind: &Type| matches!(kind, Type::Json | Type::Unknown);
    let (column, kind) = if let Some(relation) = rewriter.scopes.relation(&first.value) {
        let element = matches!(relation.columns.as_deref(), Some([(name, Type::Json), ..]) if name.eq_ignore_ascii_case(&relation.name));
        if element {
            // An element of an array has no columns: the way begins at itself.
            (Expr::CompoundIdentifier(vec![first.clone(), first]), Type::Json)
        } else {
            if rest.len() < 2 {
                return None;
            }
            let Step::Name(column) = rest.remove(0) else { return None };
            let kind = rewriter.scopes.path(&[&first.value, &column.value]);
            (Expr::CompoundIdentifier(vec![first, column]), kind)
        }
    } else {
        let is_schema =
            matches!(rest.first(), Some(Step::Name(name)) if rewriter.scopes.relation(&name.value).is_some());
        if rest.is_empty() || is_schema {
            return None;
        }
        let kind = rewriter.scopes.column(&first.value);
        // A table that is not in sight, or a column: only brackets tell.
        if kind != Type::Json && !rest.iter().any(|step| matches!(step, Step::Place(_))) {
            return None;
        }
        (Expr::Identifier(first), kind)
    };
    json(&kind).then(|| Way { column, known: kind == Type::Json, steps: rest })
}

/// A way from what is no column, such as `json_parse(…).name`, translated.
fn of_value(expr: &Expr, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut chain = Vec::new();
    let mut root = match expr {
        Expr::CompoundFieldAccess { root, access_chain } => {
            for access in access_chain {
                chain.push(step_of(access)?);
            }
            root.as_ref().clone()
        }
        Expr::JsonAccess { value, path } => {
            for step in &path.path {
                chain.push(step_in(step)?);
            }
            value.as_ref().clone()
        }
        _ => return None,
    };
    if !matches!(root, Expr::Function(_) | Expr::Nested(_) | Expr::Cast { .. } | Expr::CompoundFieldAccess { .. }) {
        return None;
    }
    match (rewriter.expr(&mut root), expr) {
        (Type::Json, _) => Some((walked(Way { column: root, known: true, steps: chain }, rewriter), Type::Json)),
        // What begins the way is translated once, whatever it is: it may be a way itself, and so on.
        (kind, Expr::CompoundFieldAccess { access_chain, .. }) => {
            let mut access_chain = access_chain.clone();
            let kind = rewriter.accesses(root.span(), kind, &mut access_chain);
            Some((Expr::CompoundFieldAccess { root: Box::new(root), access_chain }, kind))
        }
        _ => {
            rewriter.missing(root.span(), "way through a value that is not known to be SUPER");
            Some((expr.clone(), Type::Unknown))
        }
    }
}

fn step_of(access: &AccessExpr) -> Option<Step> {
    match access {
        AccessExpr::Dot(Expr::Identifier(name)) => Some(Step::Name(name.clone())),
        AccessExpr::Subscript(Subscript::Index { index }) => Some(Step::Place(Box::new(index.clone()))),
        _ => None,
    }
}

fn step_in(step: &JsonPathElem) -> Option<Step> {
    match step {
        JsonPathElem::Dot { key, quoted: true } => Some(Step::Name(Ident::with_quote('"', key))),
        JsonPathElem::Dot { key, quoted: false } => Some(Step::Name(Ident::new(key))),
        JsonPathElem::Bracket { key } => Some(Step::Place(Box::new(key.clone()))),
        JsonPathElem::ColonBracket { .. } => None,
    }
}

/// Whether an expression is a value out of SUPER.
fn is_super(expr: &Expr, rewriter: &Rewriter) -> bool {
    match expr {
        Expr::Identifier(name) => rewriter.scopes.column(&name.value) == Type::Json,
        Expr::CompoundIdentifier(names) if names.len() == 2 => {
            let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
            way(expr, rewriter).is_some() || rewriter.scopes.path(&names) == Type::Json
        }
        Expr::Nested(inner) => is_super(inner, rewriter),
        expr => way(expr, rewriter).is_some(),
    }
}

/// A way through SUPER as one through JSON; names are in small letters unless quoted.
pub(super) fn navigation(expr: &Expr, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let Some(way) = way(expr, rewriter) else { return of_value(expr, rewriter) };
    if way.steps.is_empty() {
        return Some((way.column, Type::Json));
    }
    Some((walked(way, rewriter), Type::Json))
}

fn walked(way: Way, rewriter: &mut Rewriter) -> Expr {
    let root = if way.known { way.column } else { build("to_json(x)", &[("x", &way.column)]) };
    if way.steps.is_empty() {
        return root;
    }
    let mut path = "$".to_owned();
    for step in way.steps {
        match step {
            Step::Name(name) if name.quote_style.is_some() => path += &key(&name.value),
            Step::Name(name) => path += &key(&name.value.to_ascii_lowercase()),
            Step::Place(place) => match whole(&place) {
                Some(place @ 0..) => path.extend(["[", &place.to_string(), "]"]),
                _ => rewriter.missing(place.span(), "place in an array that is no number"),
            },
        }
    }
    let path = Expr::value(Value::SingleQuotedString(path));
    build("json_extract(x, y)", &[("x", &root), ("y", &path)])
}

/// A step by name, as DuckDB's paths have it.
fn key(name: &str) -> String {
    format!(".\"{name}\"")
}

/// `from t, t.items as item [at place]` and `from t, unpivot t.attributes as value at name`.
pub(super) fn unnest(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    let (column, alias, second, text) = match table {
        TableFactor::Table { name, alias, args: None, json_path: None, .. } => {
            let names: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
            let [first, _, ..] = names.as_slice() else { return false };
            let innermost = rewriter.scopes.innermost();
            if !innermost.iter().any(|relation| relation.name.eq_ignore_ascii_case(&first.value)) {
                return false;
            }
            let alone = names.last().map_or("", |name| name.value.as_str());
            let mut alias = alias_of(alias.as_ref(), alone);
            let place = alias.at.take();
            let column = super_of(&Expr::CompoundIdentifier(names.clone()), rewriter);
            let list = build("cast(x as json[])", &[("x", &column)]);
            let Some(place) = place else {
                rewriter.bring(Some(&alias), "", Some(vec![(String::new(), Type::Json)]));
                *table = unnested(list, alias);
                return true;
            };
            (list, alias, (place, Type::Int), "select unnest(x) as a, unnest(range(len(x))) as b")
        }
        TableFactor::UnpivotExpr { expression, value_alias, attribute_alias } => {
            let column = super_of(expression, rewriter);
            let alias = TableAlias { explicit: true, name: value_alias.clone(), columns: Vec::new(), at: None };
            let name = attribute_alias.clone().unwrap_or_else(|| Ident::new("_name"));
            let text = "select json_extract(x, '$.\"' || k || '\"') as a, k as b from (select unnest(json_keys(x)) as k) as _keys";
            (column, alias_of(Some(&alias), ""), (name, Type::Text), text)
        }
        _ => return false,
    };
    let (second, kind) = second;
    let mut alias = alias;
    alias.columns.push(TableAliasColumnDef { name: second, data_type: None });
    let query = Box::new(build_query(text, &[("x", &column)]));
    rewriter.bring(Some(&alias), "", Some(vec![(String::new(), Type::Json), (String::new(), kind)]));
    *table = TableFactor::Derived { lateral: false, subquery: query, alias: Some(alias), sample: None };
    true
}

/// A value out of SUPER, or any column as JSON.
fn super_of(expr: &Expr, rewriter: &mut Rewriter) -> Expr {
    match way(expr, rewriter) {
        Some(way) => walked(way, rewriter),
        None => build("to_json(x)", &[("x", expr)]),
    }
}

/// Where a value out of SUPER stands for text or a number, it is cast to it: DuckDB's JSON is text with its quotes.
pub(super) fn unwrap_operands(expr: &mut Expr, rewriter: &Rewriter) {
    let like = |example: Option<&Expr>| match example {
        Some(Expr::Value(value)) if matches!(value.value, Value::Number(..)) => DataType::Double(ExactNumberInfo::None),
        _ => DataType::Varchar(None::<CharacterLength>),
    };
    let wrap = |operand: &mut Expr, data_type: DataType| {
        if is_super(operand, rewriter) {
            let inner = std::mem::replace(operand, Expr::value(Value::Null));
            *operand = Expr::Cast { kind: CastKind::Cast, expr: Box::new(inner), data_type, format: None };
        }
    };
    match expr {
        Expr::InList { expr: operand, list, .. } => wrap(operand, like(list.first())),
        Expr::Between { expr: operand, low, .. } => wrap(operand, like(Some(low))),
        Expr::Like { expr: operand, .. }
        | Expr::ILike { expr: operand, .. }
        | Expr::SimilarTo { expr: operand, .. }
        | Expr::IsNull(operand)
        | Expr::IsNotNull(operand) => wrap(operand, DataType::Varchar(None)),
        Expr::Function(function) => {
            let name = name_of(function);
            let takes_json = name.contains("json")
                || matches!(
                    name.as_str(),
                    "" | "get_array_length"
                        | "is_array"
                        | "is_object"
                        | "count"
                        | "array"
                        | "object"
                        | "any_value"
                        | "first_value"
                        | "last_value"
                        | "lag"
                        | "lead"
                        | "coalesce"
                        | "nvl"
                );
            if takes_json {
                return;
            }
            let number = matches!(name.as_str(), "sum" | "avg" | "abs" | "round" | "median" | "stddev" | "max" | "min");
            let data_type = if number { DataType::Double(ExactNumberInfo::None) } else { DataType::Varchar(None) };
            if let FunctionArguments::List(list) = &mut function.args {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                        wrap(argument, data_type.clone());
                    }
                }
            }
        }
        _ => {}
    }
}

/// `json_extract_path_text(json, 'name', … [, null_if_invalid])`.
pub(super) fn path_text(json: &Expr, path: &[Expr], rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut json = json.clone();
    rewriter.expr(&mut json);
    let (names, lenient) = match path {
        [names @ .., Expr::Value(last)] if matches!(last.value, Value::Boolean(_)) => {
            (names, last.value == Value::Boolean(true))
        }
        names => (names, false),
    };
    let path = if names.iter().all(is_text) {
        let steps: String = names.iter().filter_map(text_of).map(key).collect();
        Expr::value(Value::SingleQuotedString(format!("${steps}")))
    } else {
        let mut path = build("'$'", &[]);
        for name in names {
            let mut name = name.clone();
            rewriter.expr(&mut name);
            path = build("x || '.\"' || y || '\"'", &[("x", &path), ("y", &name)]);
        }
        path
    };
    let text = if lenient {
        "case when json_valid(x) then json_extract_string(x, y) end"
    } else {
        "json_extract_string(x, y)"
    };
    (build(text, &[("x", &json), ("y", &path)]), Type::Text)
}
