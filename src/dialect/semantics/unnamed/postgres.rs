//! PostgreSQL calls a column after what is outermost in its expression and has a name: a function, or the type of a cast.

use sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, DataType, ExactNumberInfo, Expr, FunctionArguments, Ident, SelectItem, SetExpr,
    Subscript, TimezoneInfo, TrimWhereField, Value,
};

/// A name that an expression has to give.
enum Name {
    None,
    /// One that gives way to that of something inside of a cast or behind an ELSE.
    Weak(String),
    Strong(String),
}

/// What the column is called; `None` if nobody knows.
pub(in super::super) fn name(expression: &Expr) -> Option<String> {
    Some(match find(expression)? {
        Name::None => "?column?".to_owned(),
        Name::Weak(name) | Name::Strong(name) => name,
    })
}

fn find(expression: &Expr) -> Option<Name> {
    let strong = |name: &str| Name::Strong(name.to_owned());
    Some(match expression {
        Expr::Identifier(name) => Name::Strong(folded(name)),
        Expr::CompoundIdentifier(parts) => Name::Strong(folded(parts.last()?)),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => find(inner)?,
        Expr::Value(value) if !matches!(value.value, Value::Placeholder(_)) => Name::None,
        Expr::Function(function) if !matches!(function.args, FunctionArguments::Subquery(_)) => {
            Name::Strong(folded(function.name.0.last()?.as_ident()?))
        }
        Expr::Cast { expr, data_type, .. } => match find(expr)? {
            Name::Strong(name) => Name::Strong(name),
            _ => Name::Weak(type_name(data_type)?.to_owned()),
        },
        Expr::TypedString(typed) => Name::Weak(type_name(&typed.data_type)?.to_owned()),
        Expr::Interval(_) => Name::Weak("interval".to_owned()),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(find) {
            Some(None) => return None,
            Some(Some(Name::Strong(name))) => Name::Strong(name),
            _ => Name::Weak("case".to_owned()),
        },
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand: false, .. } => strong("substring"),
        Expr::Substring { .. } => strong("substr"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => match trim_where {
            Some(TrimWhereField::Leading) => strong("ltrim"),
            Some(TrimWhereField::Trailing) => strong("rtrim"),
            _ => strong("btrim"),
        },
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Exists { .. } => strong("exists"),
        Expr::Subquery(query) => {
            let SetExpr::Select(select) = &*query.body else { return None };
            match select.projection.first()? {
                SelectItem::ExprWithAlias { alias, .. } => Name::Strong(folded(alias)),
                SelectItem::UnnamedExpr(inner) => find(inner)?,
                _ => return None,
            }
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(Some(Name::Strong(folded(name)))),
                AccessExpr::Dot(_) => Some(None),
                AccessExpr::Subscript(Subscript::Index { .. } | Subscript::Slice { .. }) => None,
            });
            field.unwrap_or_else(|| find(root))?
        }
        Expr::BinaryOp { .. }
        | Expr::UnaryOp { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::SimilarTo { .. }
        | Expr::InList { .. }
        | Expr::InSubquery { .. } => Name::None,
        _ => return None,
    })
}

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// What the catalogue calls a type.
fn type_name(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Bool | DataType::Boolean => "bool",
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => "float4",
        DataType::Float(_) | DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 => "float8",
        DataType::Text => "text",
        DataType::Varchar(_) | DataType::CharVarying(_) | DataType::CharacterVarying(_) => "varchar",
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Bytea => "bytea",
        DataType::Date => "date",
        DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "time",
        DataType::Time(..) => "timetz",
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => "timestamp",
        DataType::Timestamp(..) => "timestamptz",
        DataType::Interval { .. } => "interval",
        DataType::JSON => "json",
        DataType::JSONB => "jsonb",
        DataType::Uuid => "uuid",
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => type_name(element)?,
        _ => return None,
    })
}
