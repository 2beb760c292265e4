//! Functions in FROM.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, Ident, Spanned, TableAlias, TableAliasColumnDef, TableFactor,
};

use super::aggregate::called;
use super::expr::arguments;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// `generate_series(…)` and `unnest(…)`: an alias without columns names the column too.
pub(super) fn function(table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
    match table {
        TableFactor::Table { name, alias, args: Some(args), with_ordinality: false, .. }
            if name.to_string().eq_ignore_ascii_case("generate_series") =>
        {
            let values = values_of(&args.args, rewriter);
            let kind = values.first().map(|(_, kind)| kind.clone()).unwrap_or_default();
            let list = Expr::Function(called("generate_series", series(values)));
            let alias = alias_of(alias.as_ref(), "generate_series");
            rewriter.bring(Some(&alias), "", Some(vec![(String::new(), moment(kind))]));
            *table = unnest(list, alias);
            true
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality: false, .. } => {
            let mut kinds: Vec<Type> = array_exprs.iter_mut().map(|array| rewriter.expr(array)).collect();
            if array_exprs.len() != 1 {
                rewriter.missing(table.span(), "UNNEST of several arrays");
                return true;
            }
            let renamed = alias_of(alias.as_ref(), "unnest");
            rewriter.bring(Some(&renamed), "", Some(vec![(String::new(), kinds.remove(0).element())]));
            *alias = Some(renamed);
            true
        }
        _ => false,
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
