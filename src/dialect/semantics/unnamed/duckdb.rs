//! DuckDB calls a column after its whole expression, in its own spelling.

use std::collections::HashSet;
use std::sync::LazyLock;

use fnv::FnvBuildHasher;
use sqlparser::ast::{
    self, AccessExpr, BinaryOperator, CaseWhen, CastKind, DataType, DuplicateTreatment, ExactNumberInfo, Expr,
    Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident, LambdaSyntax,
    OneOrManyWithParens, OrderByOptions, Subscript, TimezoneInfo, UnaryOperator, Value, WindowSpec, WindowType,
};

/// The expression as DuckDB writes it; `None` if nobody knows.
pub(in super::super) fn name(expression: &Expr) -> Option<String> {
    write(expression)
}

#[recursive::recursive]
fn write(expression: &Expr) -> Option<String> {
    Some(match expression {
        Expr::Identifier(name) => identifier(name),
        Expr::CompoundIdentifier(parts) => parts.iter().map(identifier).collect::<Vec<_>>().join("."),
        Expr::Nested(inner) => write(inner)?,
        Expr::Value(value) => literal(&value.value)?,
        Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
            let mut parts = Vec::new();
            collect(left, op, &mut parts)?;
            collect(right, op, &mut parts)?;
            format!("({})", parts.join(&format!(" {op} ")))
        }
        Expr::BinaryOp { left, op, right } => format!("({} {} {})", write(left)?, sign(op)?, write(right)?),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match &**expr {
            Expr::Value(value) => format!("-{}", literal(&value.value)?),
            other => format!("-({})", write(other)?),
        },
        // What can be turned round is.
        Expr::UnaryOp { op: UnaryOperator::Not, expr } if matches!(**expr, Expr::Identifier(_) | Expr::Function(_)) => {
            format!("(NOT {})", write(expr)?)
        }
        Expr::IsNull(value) => format!("({} IS NULL)", write(value)?),
        Expr::IsNotNull(value) => format!("({} IS NOT NULL)", write(value)?),
        Expr::Between { expr, negated, low, high } => {
            let between = format!("({} BETWEEN {} AND {})", write(expr)?, write(low)?, write(high)?);
            if *negated { format!("(NOT {between})") } else { between }
        }
        Expr::InList { expr, list, negated } => {
            let word = if *negated { "NOT IN" } else { "IN" };
            format!("({} {word} ({}))", write(expr)?, write_all(list)?)
        }
        Expr::InUnnest { expr, array_expr, negated } => {
            let call = format!("contains({}, {})", write(array_expr)?, write(expr)?);
            if *negated { format!("(NOT {call})") } else { call }
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            format!("({} {}~~ {})", write(expr)?, if *negated { "!" } else { "" }, write(pattern)?)
        }
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
            format!("({} {}~~* {})", write(expr)?, if *negated { "!" } else { "" }, write(pattern)?)
        }
        Expr::Cast { kind, expr, data_type, format: None, .. } => {
            let word = if *kind == CastKind::TryCast { "TRY_CAST" } else { "CAST" };
            format!("{word}({} AS {})", write(expr)?, type_name(data_type)?)
        }
        Expr::TypedString(typed) => {
            format!("CAST({} AS {})", literal(&typed.value.value)?, type_name(&typed.data_type)?)
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            case(operand.as_deref(), conditions, else_result.as_deref())?
        }
        Expr::Function(function) => call(function)?,
        Expr::Extract { field, expr, .. } => {
            format!("main.date_part('{}', {})", field.to_string().to_lowercase(), write(expr)?)
        }
        Expr::Trim { trim_where: None, trim_what: None, trim_characters: None, expr } => {
            format!("main.\"trim\"({})", write(expr)?)
        }
        Expr::Substring { expr, substring_from: Some(from), substring_for, shorthand, .. } => {
            let name = if *shorthand { "substr" } else { "main.\"substring\"" };
            let parts = [Some(expr), Some(from), substring_for.as_ref()].into_iter().flatten();
            format!("{name}({})", parts.map(|part| write(part)).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Expr::Ceil { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
            format!("ceil({})", write(expr)?)
        }
        Expr::Floor { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
            format!("floor({})", write(expr)?)
        }
        Expr::Array(array) => format!("main.list_value({})", write_all(&array.elem)?),
        Expr::Lambda(ast::LambdaFunction { params: OneOrManyWithParens::One(parameter), body, syntax }) => {
            let (name, body) = (identifier(&parameter.name), write(body)?);
            match syntax {
                LambdaSyntax::Arrow => format!("({name} -> {body})"),
                LambdaSyntax::LambdaKeyword => format!("(lambda {name}: {body})"),
            }
        }
        Expr::Tuple(parts) => format!("main.\"row\"({})", write_all(parts)?),
        Expr::Dictionary(fields) => {
            let field =
                |field: &ast::DictionaryField| Some(format!("{} := {}", identifier(&field.key), write(&field.value)?));
            format!("main.struct_pack({})", fields.iter().map(field).collect::<Option<Vec<_>>>()?.join(", "))
        }
        Expr::CompoundFieldAccess { root, access_chain } => {
            // A name with dots is one, in brackets it is not.
            let mut is_path = matches!(**root, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
            let mut written = write(root)?;
            for access in access_chain {
                written = match access {
                    AccessExpr::Dot(Expr::Identifier(name)) if is_path => format!("{written}.{}", identifier(name)),
                    AccessExpr::Dot(Expr::Identifier(name)) => format!("({written}).{}", identifier(name)),
                    AccessExpr::Subscript(Subscript::Index { index }) => format!("{written}[{}]", write(index)?),
                    AccessExpr::Subscript(Subscript::Slice {
                        lower_bound: Some(from),
                        upper_bound: Some(to),
                        stride: None,
                    }) => format!("{written}[{}:{}]", write(from)?, write(to)?),
                    _ => return None,
                };
                is_path &= matches!(access, AccessExpr::Dot(_));
            }
            written
        }
        _ => return None,
    })
}

fn write_all(expressions: &[Expr]) -> Option<String> {
    Some(expressions.iter().map(write).collect::<Option<Vec<_>>>()?.join(", "))
}

/// The parts of a chain of ANDs or ORs, which has no brackets inside.
fn collect(expression: &Expr, operator: &BinaryOperator, parts: &mut Vec<String>) -> Option<()> {
    match expression {
        Expr::BinaryOp { left, op, right } if op == operator => {
            collect(left, operator, parts)?;
            collect(right, operator, parts)
        }
        // Whether brackets stay is not known.
        Expr::Nested(inner) if matches!(&**inner, Expr::BinaryOp { op, .. } if op == operator) => None,
        other => {
            parts.push(write(other)?);
            Some(())
        }
    }
}

fn sign(operator: &BinaryOperator) -> Option<&str> {
    Some(match operator {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::DuckIntegerDivide => "//",
        BinaryOperator::Modulo => "%",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "!=",
        BinaryOperator::Lt => "<",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Gt => ">",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::BitwiseXor => "^",
        BinaryOperator::Arrow => "->",
        BinaryOperator::LongArrow => "->>",
        BinaryOperator::Custom(sign) => sign,
        _ => return None,
    })
}

fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Number(text, false) if text.chars().all(|letter| letter.is_ascii_digit() || letter == '.') => {
            text.clone()
        }
        Value::SingleQuotedString(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Boolean(true) => "CAST('t' AS BOOLEAN)".to_owned(),
        Value::Boolean(false) => "CAST('f' AS BOOLEAN)".to_owned(),
        Value::Null => "NULL".to_owned(),
        _ => return None,
    })
}

fn case(operand: Option<&Expr>, conditions: &[CaseWhen], otherwise: Option<&Expr>) -> Option<String> {
    let mut written = "CASE ".to_owned();
    for CaseWhen { condition, result } in conditions {
        let condition = match operand {
            Some(operand) => format!("({} = {})", write(operand)?, write(condition)?),
            None => write(condition)?,
        };
        written += &format!(" WHEN ({condition}) THEN ({})", write(result)?);
    }
    let otherwise = otherwise.map_or_else(|| Some("NULL".to_owned()), write)?;
    Some(format!("{written} ELSE {otherwise} END"))
}

fn call(function: &Function) -> Option<String> {
    let [name] = function.name.0.as_slice() else { return None };
    let written = &name.as_ident()?.value;
    let list = match &function.args {
        FunctionArguments::List(list) => list,
        // `current_date`, which is no call.
        FunctionArguments::None => return Some(written.clone()),
        FunctionArguments::Subquery(_) => return None,
    };
    let name = written.to_lowercase();
    let ordered = match list.clauses.as_slice() {
        [] => String::new(),
        [FunctionArgumentClause::OrderBy(orders)] => {
            format!(" ORDER BY {}", orders.iter().map(order).collect::<Option<Vec<_>>>()?.join(", "))
        }
        _ => return None,
    };
    if !function.within_group.is_empty() || function.null_treatment.is_some() {
        return None;
    }
    let mut arguments = Vec::new();
    for argument in &list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => arguments.push(write(value)?),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" => {}
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                arguments.push(format!("{} := {}", identifier(name), write(value)?));
            }
            _ => return None,
        }
    }
    let is_distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let inside = format!("{}{}{ordered}", if is_distinct { "DISTINCT " } else { "" }, arguments.join(", "));
    let mut written = match (name.as_str(), arguments.as_slice()) {
        ("count", []) => "count_star()".to_owned(),
        ("coalesce" | "ifnull", _) => format!("COALESCE({inside})"),
        ("if" | "iff", [condition, yes, no]) => format!("CASE  WHEN ({condition}) THEN ({yes}) ELSE {no} END"),
        ("trim" | "substring" | "position" | "row", _) => format!("main.\"{name}\"({inside})"),
        // It is no function, but has a tree of its own.
        ("try" | "unnest" | "grouping" | "array" | "columns" | "list_value", _) => return None,
        _ => format!("{}({inside})", quoted(&name)),
    };
    if let Some(condition) = &function.filter {
        written += &format!(" FILTER (WHERE {})", write(condition)?);
    }
    match &function.over {
        None => {}
        Some(WindowType::WindowSpec(WindowSpec { window_name: None, window_frame: None, partition_by, order_by })) => {
            let mut parts = Vec::new();
            if !partition_by.is_empty() {
                parts.push(format!("PARTITION BY {}", write_all(partition_by)?));
            }
            if !order_by.is_empty() {
                parts.push(format!("ORDER BY {}", order_by.iter().map(order).collect::<Option<Vec<_>>>()?.join(", ")));
            }
            written += &format!(" OVER ({})", parts.join(" "));
        }
        Some(_) => return None,
    }
    Some(written)
}

fn order(order: &ast::OrderByExpr) -> Option<String> {
    let direction = match order.options {
        OrderByOptions { nulls_first: None, sort: None, .. } if order.with_fill.is_none() => "",
        _ => return None,
    };
    Some(format!("{}{direction}", write(&order.expr)?))
}

/// Types that DuckDB has a grammar for stand as they are, others as names, which are quoted in capitals.
fn type_name(data_type: &DataType) -> Option<String> {
    let name = match data_type {
        DataType::Boolean | DataType::Bool => "BOOLEAN",
        DataType::SmallInt(None) | DataType::Int2(None) => "SMALLINT",
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "INTEGER",
        DataType::BigInt(None) | DataType::Int8(None) => "BIGINT",
        DataType::Real | DataType::Float4 => "FLOAT",
        DataType::Double(ExactNumberInfo::None) | DataType::Float8 => "\"DOUBLE\"",
        DataType::Varchar(None) | DataType::Text | DataType::String(None) => "VARCHAR",
        DataType::Date => "\"DATE\"",
        DataType::Uuid => "\"UUID\"",
        DataType::Time(None, TimezoneInfo::None) => "TIME",
        DataType::Timestamp(None, TimezoneInfo::None) => "TIMESTAMP",
        DataType::Timestamp(None, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => "\"TIMESTAMP WITH TIME ZONE\"",
        DataType::Numeric(digits) | DataType::Decimal(digits) | DataType::Dec(digits) => {
            return Some(match digits {
                ExactNumberInfo::None => "DECIMAL".to_owned(),
                ExactNumberInfo::Precision(precision) => format!("DECIMAL({precision})"),
                ExactNumberInfo::PrecisionAndScale(precision, scale) => format!("DECIMAL({precision}, {scale})"),
            });
        }
        _ => return None,
    };
    Some(name.to_owned())
}

static KEYWORDS: LazyLock<HashSet<&str, FnvBuildHasher>> =
    LazyLock::new(|| include_str!("duckdb.keywords").split_whitespace().collect());

fn identifier(name: &Ident) -> String {
    quoted(&name.value)
}

/// A name with quotes where it needs them.
fn quoted(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if is_plain && !KEYWORDS.contains(name.to_lowercase().as_str()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
