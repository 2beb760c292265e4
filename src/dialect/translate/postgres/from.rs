//! Functions in FROM.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, Ident, Spanned, TableAlias, TableAliasColumnDef, TableFactor,
};

use sqlparser::tokenizer::Span;

use super::aggregate::called;
use super::expr::arguments;
use crate::dialect::translate::functions::{build, build_query};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// Functions that give rows: an alias without columns names the column too.
pub(super) fn function(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    let place = table.span();
    let (list, element, default, alias, numbered) = match table {
        TableFactor::Table { name, alias, args: Some(args), with_ordinality, json_path: None, .. } => {
            let name = name.to_string().to_ascii_lowercase();
            if matches!(name.as_str(), "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text") {
                return pairs(&name, table, rewriter);
            }
            let Some((list, element)) = rows_of(&name, &args.args, place, rewriter) else { return false };
            (list, element, default_name(&name).to_owned(), alias.clone(), *with_ordinality)
        }
        TableFactor::Function { name, args, with_ordinality, alias, .. } => {
            let name = name.to_string().to_ascii_lowercase();
            if matches!(name.as_str(), "json_each" | "jsonb_each" | "json_each_text" | "jsonb_each_text") {
                return pairs(&name, table, rewriter);
            }
            let Some((list, element)) = rows_of(&name, args, place, rewriter) else { return false };
            (list, element, default_name(&name).to_owned(), alias.clone(), *with_ordinality)
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality, .. } => {
            let mut kinds: Vec<Type> = array_exprs.iter_mut().map(|array| rewriter.expr(array)).collect();
            let [list] = array_exprs.as_slice() else {
                rewriter.missing(place, "UNNEST of several arrays");
                return true;
            };
            (list.clone(), kinds.remove(0).element(), "unnest".to_owned(), alias.clone(), *with_ordinality)
        }
        _ => return false,
    };
    let mut alias = alias_of(alias.as_ref(), &default);
    if !numbered {
        rewriter.bring(Some(&alias), "", Some(vec![(String::new(), element)]));
        *table = unnest(list, alias);
        return true;
    }
    if alias.columns.len() == 1 {
        alias.columns.push(TableAliasColumnDef { name: Ident::new("ordinality"), data_type: None });
    }
    let rows = "select unnest(x) as a, unnest(range(1, len(x) + 1)) as b";
    derive(table, rows, &[("x", &list)], alias, vec![element, Type::Int], rewriter);
    true
}

/// `json_each(…)`: a row for each name of an object.
fn pairs(name: &str, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    let (args, alias) = match table {
        TableFactor::Table { args: Some(args), alias, with_ordinality: false, .. } => (&args.args, alias),
        TableFactor::Function { args, alias, with_ordinality: false, .. } => (&*args, alias),
        _ => return false,
    };
    let mut values = values_of(args, rewriter);
    if values.len() != 1 {
        return false;
    }
    let (object, _) = values.remove(0);
    let mut alias = alias.clone().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(name),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        alias.columns =
            ["key", "value"].map(|name| TableAliasColumnDef { name: Ident::new(name), data_type: None }).to_vec();
    }
    let (extract, kind) =
        if name.ends_with("_text") { ("json_extract_string", Type::Text) } else { ("json_extract", Type::Json) };
    let rows = format!(
        "select k as a, {extract}(x, '/' || replace(replace(k, '~', '~0'), '/', '~1')) as b \
         from (select unnest(json_keys(x)) as k) as _keys"
    );
    derive(table, &rows, &[("x", &object)], alias, vec![Type::Text, kind], rewriter);
    true
}

/// A query in the place of a function.
fn derive(
    table: &mut TableFactor,
    rows: &str,
    values: &[(&str, &Expr)],
    alias: TableAlias,
    kinds: Vec<Type>,
    rewriter: &mut Rewriter,
) {
    let subquery = Box::new(build_query(rows, values));
    rewriter.bring(Some(&alias), "", Some(kinds.into_iter().map(|kind| (String::new(), kind)).collect()));
    *table = TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None };
}

/// The list whose elements are the rows of a function, and their type; `None` for any other function.
fn rows_of(name: &str, args: &[FunctionArg], place: Span, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let known = matches!(
        name,
        "generate_series" | "unnest" | "json_object_keys" | "jsonb_object_keys" | "regexp_split_to_table"
    ) || elements_of(name).is_some();
    if !known {
        return None;
    }
    let values = values_of(args, rewriter);
    Some(match (name, values.as_slice()) {
        ("generate_series", [(_, kind), ..]) => {
            let kind = kind.clone();
            (Expr::Function(called("generate_series", series(values))), moment(kind))
        }
        ("unnest", [(list, kind)]) => (list.clone(), kind.element()),
        ("json_object_keys" | "jsonb_object_keys", [(object, _)]) => {
            (build("json_keys(x)", &[("x", object)]), Type::Text)
        }
        ("regexp_split_to_table", [(text, _), (pattern, _)]) => {
            super::check_pattern(pattern, rewriter);
            (build("string_split_regex(x, y)", &[("x", text), ("y", pattern)]), Type::Text)
        }
        (_, [(array, _)]) => {
            let (list, kind) = elements_of(name)?;
            (build(list, &[("x", array)]), kind)
        }
        _ => {
            rewriter.missing(place, &format!("these arguments of `{name}`"));
            (build("[]", &[]), Type::Unknown)
        }
    })
}

/// The elements of an array of JSON, as a list.
fn elements_of(name: &str) -> Option<(&'static str, Type)> {
    match name {
        "json_array_elements" | "jsonb_array_elements" => Some(("cast(x as json[])", Type::Json)),
        "json_array_elements_text" | "jsonb_array_elements_text" => {
            Some(("list_transform(cast(x as json[]), lambda _item: json_extract_string(_item, '$'))", Type::Text))
        }
        _ => None,
    }
}

/// The column of a function without an alias.
fn default_name(function: &str) -> &str {
    if elements_of(function).is_some() { "value" } else { function }
}

/// `item.value` of `jsonb_array_elements(…) as item`, whose column we call `item`.
pub(super) fn element(expr: &Expr, rewriter: &Rewriter) -> Option<(Expr, Type)> {
    let Expr::CompoundIdentifier(parts) = expr else { return None };
    let [relation, column] = parts.as_slice() else { return None };
    let columns = rewriter.scopes.relation(&relation.value)?.columns.as_deref()?;
    match columns {
        [(name, kind @ (Type::Json | Type::Text)), ..]
            if name.eq_ignore_ascii_case(&relation.value) && column.value.eq_ignore_ascii_case("value") =>
        {
            Some((Expr::CompoundIdentifier(vec![relation.clone(), relation.clone()]), kind.clone()))
        }
        _ => None,
    }
}

fn values_of(args: &[FunctionArg], rewriter: &mut Rewriter) -> Vec<(Expr, Type)> {
    let mut values = Vec::new();
    for arg in args {
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) = arg {
            let mut value = value.clone();
            let kind = rewriter.expr(&mut value);
            values.push((value, kind));
        }
    }
    values
}

/// Days count as moments.
fn series(values: Vec<(Expr, Type)>) -> Vec<Expr> {
    values
        .into_iter()
        .map(|(value, kind)| match kind {
            Type::Date | Type::Text => build("cast(x as timestamp)", &[("x", &value)]),
            Type::TimestampTz => build("x at time zone 'UTC'", &[("x", &value)]),
            _ => value,
        })
        .collect()
}

fn moment(kind: Type) -> Type {
    match kind {
        Type::Date | Type::TimestampTz | Type::Text => Type::Timestamp,
        kind => kind,
    }
}

/// `generate_series(…)` among the columns of a query.
pub(super) fn series_in_select(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut values: Vec<(Expr, Type)> = Vec::new();
    for mut value in arguments(function).unwrap_or_default() {
        let kind = rewriter.expr(&mut value);
        values.push((value, kind));
    }
    let kind = values.first().map(|(_, kind)| kind.clone()).unwrap_or_default();
    let list = Expr::Function(called("generate_series", series(values)));
    (build("unnest(x)", &[("x", &list)]), moment(kind))
}

/// `unnest(list) as alias`.
pub(crate) fn unnest(list: Expr, alias: TableAlias) -> TableFactor {
    TableFactor::UNNEST {
        alias: Some(alias),
        array_exprs: vec![list],
        with_offset: false,
        with_offset_alias: None,
        with_ordinality: false,
    }
}

/// The alias with its column, which has the name of the alias if it has none of its own.
pub(crate) fn alias_of(alias: Option<&TableAlias>, default: &str) -> TableAlias {
    let mut alias = alias.cloned().unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(default),
        columns: Vec::new(),
        at: None,
    });
    if alias.columns.is_empty() {
        alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
    }
    alias.explicit = true;
    alias
}
