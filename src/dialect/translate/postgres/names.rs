//! The names of columns that a query does not name, as PostgreSQL's parser finds them (`FigureColname`).

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, DataType, ExactNumberInfo, Expr, Ident, JsonPathElem, Query, SelectItem, SetExpr,
    TableAlias, TableAliasColumnDef, TimezoneInfo, TrimWhereField, Value,
};

/// What a column is called where nothing in it has a name.
pub(crate) const UNNAMED: &str = "?column?";

/// The name of a column without one: that of the column or function in it, or else that of its type. `renamed` gives
/// the functions that have another name than the one they are called by.
pub(crate) fn column_name(expr: &Expr, renamed: fn(&str) -> Option<&'static str>) -> Option<String> {
    own(expr, renamed).or_else(|| of_type(expr))
}

/// A name that stays through casts and CASE.
fn own(expr: &Expr, renamed: fn(&str) -> Option<&'static str>) -> Option<String> {
    let name = match expr {
        Expr::Identifier(name) if name.quote_style.is_none() && renamed(&lower(&name.value)).is_some() => {
            lower(&name.value)
        }
        Expr::Identifier(name) => return Some(folded(name)),
        Expr::CompoundIdentifier(parts) => return parts.last().map(folded),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(folded(name)),
                _ => None,
            });
            return field.or_else(|| own(root, renamed));
        }
        Expr::JsonAccess { value, path } => {
            let key = path.path.iter().rev().find_map(|step| match step {
                JsonPathElem::Dot { key, .. } => Some(lower(key)),
                _ => None,
            });
            return key.or_else(|| own(value, renamed));
        }
        Expr::Nested(inner)
        | Expr::Prefixed { value: inner, .. }
        | Expr::Collate { expr: inner, .. }
        | Expr::Cast { expr: inner, .. }
        | Expr::Convert { expr: inner, .. } => return own(inner, renamed),
        Expr::Case { else_result, .. } => return own(else_result.as_ref()?, renamed),
        Expr::Subquery(query) => return of_query(query, renamed),
        Expr::Function(function) => function.name.0.last()?.as_ident().map(|name| lower(&name.value))?,
        Expr::Trim { trim_where, .. } => match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }
        .to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::Substring { .. } => "substring".to_owned(),
        Expr::Position { .. } => "position".to_owned(),
        Expr::Overlay { .. } => "overlay".to_owned(),
        Expr::AtTimeZone { .. } => "timezone".to_owned(),
        Expr::Ceil { .. } => "ceil".to_owned(),
        Expr::Floor { .. } => "floor".to_owned(),
        Expr::Exists { negated: false, .. } => "exists".to_owned(),
        Expr::Array(_) => "array".to_owned(),
        Expr::Tuple(_) => "row".to_owned(),
        _ => return None,
    };
    Some(renamed(&name).map_or(name, str::to_owned))
}

/// The only column of a query in the place of a value; `None` where its name is that of a column of a table.
fn of_query(query: &Query, renamed: fn(&str) -> Option<&'static str>) -> Option<String> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            SetExpr::Select(select) => {
                return match select.projection.first()? {
                    SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
                    SelectItem::UnnamedExpr(expr) => {
                        Some(column_name(expr, renamed).unwrap_or_else(|| UNNAMED.to_owned()))
                    }
                    _ => None,
                };
            }
            SetExpr::Values(_) => return Some("column1".to_owned()),
            _ => return None,
        }
    }
}

/// The name of the type that a value is cast to, or of CASE.
fn of_type(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) | Expr::Prefixed { value: inner, .. } | Expr::Collate { expr: inner, .. } => of_type(inner),
        Expr::CompoundFieldAccess { root, .. } => of_type(root),
        Expr::Cast { data_type, .. } | Expr::Convert { data_type: Some(data_type), .. } => Some(type_name(data_type)),
        Expr::TypedString(typed) => Some(type_name(&typed.data_type)),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => Some("bool".to_owned()),
        Expr::Case { .. } => Some("case".to_owned()),
        _ => None,
    }
}

/// A type by its name in the catalog, whatever it was written as.
fn type_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Float(ExactNumberInfo::Precision(digits)) if *digits < 25 => "float4",
        DataType::Float(_) | DataType::Float8 | DataType::Double(_) | DataType::DoublePrecision => "float8",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Bool | DataType::Boolean => "bool",
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) | DataType::Nvarchar(_) => {
            "varchar"
        }
        DataType::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timestamptz",
        DataType::Timestamp(..) => "timestamp",
        DataType::Time(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "timetz",
        DataType::Time(..) => "time",
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => return type_name(element),
        DataType::Custom(name, _) => return name.0.last().map_or_else(String::new, |name| lower(&name.to_string())),
        other => return lower(other.to_string().split(['(', ' ']).next().unwrap_or_default()),
    };
    name.to_owned()
}

/// Names the columns of VALUES that have no name.
pub(crate) fn name_values(alias: &mut TableAlias, columns: usize) {
    let named = alias.columns.len();
    alias.columns.extend(
        (named..columns)
            .map(|place| TableAliasColumnDef { name: Ident::new(format!("column{}", place + 1)), data_type: None }),
    );
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_none() { lower(&name.value) } else { name.value.clone() }
}

fn lower(name: &str) -> String {
    name.to_lowercase()
}
