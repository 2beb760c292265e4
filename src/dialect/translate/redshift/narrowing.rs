//! Casts of decimals to fewer digits, which cut the rest off.
//!
//! <https://docs.aws.amazon.com/redshift/latest/dg/r_enable_numeric_rounding.html>. Only values of tables are cut off: in
//! the examples of CAST, `109.652` becomes `109.7`. Doubles and texts are rounded, too.

use sqlparser::ast::{DataType, ExactNumberInfo, Expr, Ident};

use crate::dialect::translate::functions::build;
use crate::dialect::translate::types::Type;

/// A translated value that is no constant as a number of the type `target`. `cast` is the cast that rounds.
pub(super) fn number(value: Expr, from: &Type, target: &DataType, cast: &dyn Fn(Expr) -> Expr) -> Expr {
    let scale = match target {
        DataType::Decimal(ExactNumberInfo::PrecisionAndScale(_, scale)) => *scale,
        _ => 0,
    };
    match (from, &value) {
        (Type::Decimal, _) if scale == 0 => cast(build("trunc(x)", &[("x", &value)])),
        (Type::Decimal, _) => cast(build(&format!("trunc(x, {scale})"), &[("x", &value)])),
        (Type::Unknown, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => unknown(&value, scale, cast),
        // Named, as it stands in several places.
        (Type::Unknown, _) => {
            let number = unknown(&Expr::Identifier(Ident::new("_x")), scale, cast);
            build("list_transform([x], lambda _x: n)[1]", &[("x", &value), ("n", &number)])
        }
        _ => cast(value),
    }
}

/// DuckDB knows when it binds the query whether it is a decimal. It is cut as text, since no function of numbers binds
/// for every type that it may have instead.
fn unknown(value: &Expr, scale: i64, cast: &dyn Fn(Expr) -> Expr) -> Expr {
    let text = if scale == 0 {
        "split_part(cast(x as varchar), '.', 1)".to_owned()
    } else {
        format!("regexp_extract(cast(x as varchar), '^[^.]*([.][0-9]{{0,{scale}}})?')")
    };
    let cut = cast(build(&text, &[("x", value)]));
    let rounded = cast(value.clone());
    build("case when typeof(x) like 'DECIMAL%' then t else n end", &[("x", value), ("t", &cut), ("n", &rounded)])
}
