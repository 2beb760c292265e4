//! Aggregates that no table can say.

use sqlparser::ast::{
    Expr, Function, FunctionArgumentClause, FunctionArguments, HavingBoundKind, NullTreatment, Spanned,
};

use super::calls::{translated, whole};
use crate::dialect::translate::functions::{Modifiers, build, give};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `ARRAY_AGG` and `STRING_AGG`.
pub(crate) fn aggregate(name: &str, function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
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
pub(crate) fn any_value(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
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

/// `PERCENTILE_CONT(x, p)` and its like, which leave NULL out unless they are told to respect it.
pub(crate) fn percentile(function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let mut function = function.clone();
    let mut treatments: Vec<NullTreatment> = function.null_treatment.take().into_iter().collect();
    if let FunctionArguments::List(list) = &mut function.args {
        list.clauses.retain(|clause| match clause {
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                treatments.push(*treatment);
                false
            }
            _ => true,
        });
    }
    if treatments.contains(&NullTreatment::RespectNulls) {
        rewriter.missing(function.name.span(), "RESPECT NULLS of a percentile");
    }
    rewriter.call(function)
}

/// The smallest value, those that part the values into `n` equal shares, and the greatest.
pub(crate) fn approx_quantiles(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
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

pub(crate) fn approx_top_count(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
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
