//! Arrays: their elements, as rows, and made of rows.

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArgumentClause, FunctionArguments, NullTreatment, ObjectNamePart, Spanned,
    Subscript, TableAlias, TableFactor,
};

use crate::dialect::translate::bigquery::plain_arguments;
use crate::dialect::translate::functions::{build, give};
use crate::dialect::translate::postgres::whole;
use crate::dialect::translate::rewrite::{Rewriter, simple_name};
use crate::dialect::translate::types::Type;

/// `array[OFFSET(n)]` and the like, not yet translated.
pub(super) fn access(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return Type::Unknown };
    let place = root.span();
    let [AccessExpr::Subscript(Subscript::Index { index })] = access_chain.as_slice() else {
        rewriter.missing_because(place, "field of a STRUCT", super::STRUCT);
        return Type::Unknown;
    };
    let Some((mut index, first, is_safe)) = place_of(index) else {
        rewriter.missing_because(place, "subscript without OFFSET", "say OFFSET or ORDINAL");
        return Type::Unknown;
    };
    let array = root.as_mut();
    // The first rows of an aggregate are all that count, and there is one wherever there is an array.
    let is_first = whole(&index) == Some(first);
    let is_aggregate = matches!(&*array, Expr::Function(function) if simple_name(&function.name) == "array_agg");
    if is_first
        && is_aggregate
        && let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut *array
    {
        list.clauses.retain(|clause| !matches!(clause, FunctionArgumentClause::Limit(_)));
    }
    let kind = rewriter.expr(array);
    rewriter.expr(&mut index);
    let place = match whole(&index) {
        Some(number) => build(&number.saturating_add(1 - first).to_string(), &[]),
        None if first == 1 => index,
        None => build("i + 1", &[("i", &index)]),
    };
    let element = |place: Expr| Expr::CompoundFieldAccess {
        root: Box::new(Expr::Nested(Box::new(match &*array {
            Expr::Nested(inner) => inner.as_ref().clone(),
            other => other.clone(),
        }))),
        access_chain: vec![AccessExpr::Subscript(Subscript::Index { index: place })],
    };
    let item = element(place.clone());
    *expr = if is_safe || is_first && is_aggregate {
        item
    } else {
        // PostgreSQL has NULL for a place beyond the end: only a cast that fails when it runs makes an error of it.
        let beyond = build("cast('array index out of bounds: ' || cardinality(a) as integer)", &[("a", array)]);
        build(
            "case when p < 1 or p > cardinality(a) then e else i end",
            &[("p", &place), ("a", array), ("e", &element(beyond)), ("i", &item)],
        )
    };
    kind.element()
}

/// The index, the first one that there is, and whether one beyond the end is NULL.
fn place_of(index: &Expr) -> Option<(Expr, i64, bool)> {
    let Expr::Function(function) = index else { return None };
    let arguments = plain_arguments(function)?;
    let [index] = arguments.as_slice() else { return None };
    let (first, is_safe) = match simple_name(&function.name).as_str() {
        "offset" => (0, false),
        "safe_offset" => (0, true),
        "ordinal" => (1, false),
        "safe_ordinal" => (1, true),
        _ => return None,
    };
    Some((index.clone(), first, is_safe))
}

/// `ARRAY_AGG` and `STRING_AGG`, with LIMIT and IGNORE NULLS.
pub(super) fn aggregate(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let mut function = function.clone();
    let mut limit = None;
    let mut ignores = function.null_treatment.take() == Some(NullTreatment::IgnoreNulls);
    if let FunctionArguments::List(list) = &mut function.args {
        list.clauses.retain(|clause| match clause {
            FunctionArgumentClause::Limit(count) => {
                limit = Some(count.clone());
                false
            }
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                ignores |= *treatment == NullTreatment::IgnoreNulls;
                false
            }
            _ => true,
        });
    }
    let place = function.name.span();
    let (arguments, mut modifiers) = rewriter.take_arguments(name, &mut function);
    let (value, kind) = arguments.first().cloned()?;
    if ignores || name == "string_agg" && limit.is_some() {
        let present = build("x is not null", &[("x", &value)]);
        modifiers.filter = Some(Box::new(match modifiers.filter.take() {
            Some(filter) => build("a and b", &[("a", &filter), ("b", &present)]),
            None => present,
        }));
    }
    let comma = build("','", &[]);
    let separator = arguments.get(1).map_or(&comma, |(separator, _)| separator);
    let is_list = name == "array_agg" || limit.is_some();
    let mut call = if is_list {
        build("array_agg(x)", &[("x", &value)])
    } else {
        build("string_agg(x, s)", &[("x", &value), ("s", separator)])
    };
    if let Expr::Function(function) = &mut call {
        give(function, &modifiers);
    }
    if modifiers.over.is_some() && limit.is_some() {
        rewriter.missing(place, "LIMIT of an aggregate over a window");
    }
    let listed = match limit {
        None => call,
        Some(count) => Expr::CompoundFieldAccess {
            root: Box::new(Expr::Nested(Box::new(call))),
            access_chain: vec![AccessExpr::Subscript(Subscript::Slice {
                lower_bound: Some(build("1", &[])),
                upper_bound: Some(count),
                stride: None,
            })],
        },
    };
    Some(match name {
        "array_agg" => (listed, Type::Array(Box::new(kind))),
        _ if is_list => (build("array_to_string(l, s)", &[("l", &listed), ("s", separator)]), Type::Text),
        _ => (listed, Type::Text),
    })
}

/// `ARRAY(SELECT …)`.
pub(super) fn of_query(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let FunctionArguments::Subquery(query) = &function.args else { return None };
    let mut query = query.clone();
    let kind = rewriter.value_query(&mut query);
    let mut call = function.clone();
    call.args = FunctionArguments::Subquery(query);
    Some((Expr::Function(call), Type::Array(Box::new(kind))))
}

/// A piece of FROM before it is translated. `true` says that it is done.
pub(super) fn table(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    match table {
        TableFactor::Table { name, args, .. } => {
            let place = name.span();
            if args.is_some() {
                let what = format!("table function `{name}`");
                rewriter.missing(place, &what);
                return true;
            }
            for part in &mut name.0 {
                let ObjectNamePart::Identifier(part) = part else { continue };
                if part.value.contains('*') {
                    rewriter.missing(place, "wildcard table");
                } else if part.value.eq_ignore_ascii_case("information_schema") {
                    rewriter.missing(place, "view of INFORMATION_SCHEMA");
                }
            }
            if let [ObjectNamePart::Identifier(first), _, ..] = name.0.as_slice()
                && (rewriter.scopes.relation(&first.value).is_some() || rewriter.scopes.has_column(&first.value))
            {
                rewriter.missing_because(place, "array in FROM without UNNEST", "write `unnest(…) as element`");
            }
            false
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset, .. } => {
            let [array] = array_exprs.as_mut_slice() else {
                rewriter.missing(sqlparser::tokenizer::Span::empty(), "UNNEST of several arrays");
                return true;
            };
            let place = array.span();
            let kind = rewriter.expr(array).element();
            if *with_offset {
                rewriter.missing(place, "UNNEST WITH OFFSET");
            }
            if matches!(kind, Type::Struct(_)) {
                rewriter.missing_because(place, "UNNEST of a STRUCT", super::STRUCT);
            }
            // The elements are a column of the name that the relation has.
            let name = alias.as_ref().map_or_else(|| rewriter.fresh("element"), |alias| alias.name.clone());
            rewriter.scopes.add(&name.value, Some(vec![(name.value.clone(), kind)]));
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
            true
        }
        _ => false,
    }
}
