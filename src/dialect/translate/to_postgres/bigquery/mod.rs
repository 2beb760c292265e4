//! BigQuery's `GoogleSQL`, as far as PostgreSQL has words for it: neither STRUCT nor scripts, nor what only the type of a
//! column that the text does not tell would decide.

mod arrays;
mod dates;
mod patterns;

use std::sync::LazyLock;

use sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, ExactNumberInfo, Expr,
    Function, FunctionArgumentClause, FunctionArguments, NullTreatment, ObjectNamePart, Query, Spanned, Statement,
    TableFactor, TableWithJoins, TimezoneInfo, TypedString, Value,
};

use crate::dialect::translate::bigquery::{
    conditions, literal, plain_arguments, text_of, translated, trimmed, unfold, with_zone,
};
use crate::dialect::translate::functions::{Functions, bracketed, build};
use crate::dialect::translate::postgres::{called, whole};
use crate::dialect::translate::rewrite::{Rewriter, cast, is_comparison, simple_name};
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::target::Target;
use crate::dialect::translate::types::Type;

/// The rules from BigQuery to PostgreSQL.
#[derive(Debug)]
pub(crate) struct BigQuery;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    Functions::read(concat!(include_str!("../bigquery.txt"), include_str!("../shared.txt")))
        .unwrap_or_else(|line| unreachable!("{line}"))
});

/// What NUMERIC is in BigQuery.
const NUMERIC: ExactNumberInfo = ExactNumberInfo::PrecisionAndScale(38, 9);

impl Rules for BigQuery {
    fn warehouse(&self) -> &'static str {
        "BigQuery"
    }

    fn target(&self) -> &'static Target {
        &Target::POSTGRES
    }

    fn functions(&self) -> &'static Functions {
        &FUNCTIONS
    }

    fn null_is_least(&self) -> bool {
        true
    }

    fn alias_before_column(&self) -> bool {
        true
    }

    fn unnamed(&self, number: usize) -> String {
        format!("f{number}_")
    }

    fn data_type(&self, data_type: &mut DataType) -> bool {
        data_type_of(data_type).map(|known| *data_type = known).is_some()
    }

    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
        match expr {
            Expr::Value(_) => value(expr, rewriter),
            Expr::TypedString(typed) => Some(typed_text(&typed.clone(), expr, rewriter)),
            Expr::CompoundIdentifier(parts) => {
                if parts.len() > 2 || rewriter.scopes.relation(&parts[0].value).is_none() {
                    rewriter.missing_because(parts[0].span, "field of a STRUCT", STRUCT);
                }
                None
            }
            Expr::Cast { .. } => Some(cast_of(expr, rewriter)),
            Expr::Extract { .. } => Some(dates::extract(expr, rewriter)),
            Expr::Function(function) => {
                let function = function.clone();
                let (done, kind) = call(&function, rewriter)?;
                *expr = done;
                Some(kind)
            }
            Expr::Ceil { field, expr: operand } | Expr::Floor { field, expr: operand } => {
                let kind = rewriter.expr(operand);
                if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
                    rewriter.missing(operand.span(), "CEIL or FLOOR with a second argument");
                }
                if kind != Type::Decimal {
                    **operand = build("cast(x as double precision)", &[("x", operand)]);
                }
                Some(if kind == Type::Decimal { kind } else { Type::Float })
            }
            Expr::Trim { trim_where: None, trim_what: None, trim_characters, expr: operand } => {
                let kind = rewriter.expr(operand);
                if kind == Type::Bytes {
                    rewriter.missing(operand.span(), "TRIM of bytes");
                }
                *expr = match trim_characters.as_deref() {
                    Some([letters]) => build("btrim(x, y)", &[("x", operand), ("y", letters)]),
                    _ => trimmed("btrim", operand),
                };
                Some(Type::Text)
            }
            Expr::Substring { expr: text, substring_from: Some(from), substring_for, .. } => {
                let arguments = [Some(text), Some(from), substring_for.as_mut()];
                let arguments = arguments.into_iter().flatten().map(|argument| argument.as_ref().clone()).collect();
                let (done, kind) = substring(arguments, rewriter);
                *expr = done;
                Some(kind)
            }
            // A backslash escapes in the pattern in both.
            Expr::Like { any: false, expr: text, pattern, escape_char: None, .. } => {
                rewriter.expr(text);
                rewriter.expr(pattern);
                Some(Type::Bool)
            }
            Expr::Interval(_) => Some(dates::interval(expr, rewriter)),
            Expr::InUnnest { expr: operand, array_expr, negated } => {
                rewriter.expr(operand);
                rewriter.expr(array_expr);
                // An array that is NULL counts as one without elements.
                let text = match array_expr.as_ref() {
                    Expr::Array(_) => "x = any(a)",
                    _ => "case when a is null then false else x = any(a) end",
                };
                let found = build(text, &[("x", operand), ("a", array_expr)]);
                *expr = if *negated { build("not (x)", &[("x", &found)]) } else { found };
                Some(Type::Bool)
            }
            Expr::CompoundFieldAccess { .. } => Some(arrays::access(expr, rewriter)),
            Expr::Struct { values, .. } => {
                let place = values.first().map_or_else(sqlparser::tokenizer::Span::empty, Spanned::span);
                rewriter.missing_because(place, "STRUCT", STRUCT);
                Some(Type::Unknown)
            }
            Expr::Subquery(query) => Some(rewriter.value_query(query)),
            _ => None,
        }
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        let Expr::BinaryOp { left: one, op, right: other } = expr else { return Type::Unknown };
        let sides = [("x", one.as_ref()), ("y", other.as_ref())];
        let is_exact = |kind: &Type| matches!(kind, Type::Decimal | Type::Int);
        match op {
            BinaryOperator::Divide
                if is_exact(left) && is_exact(right) && (left, right) != (&Type::Int, &Type::Int) =>
            {
                *expr = build("cast(x / y as numeric(38, 9))", &sides);
                Type::Decimal
            }
            BinaryOperator::Divide => {
                *expr = build("cast(x as double precision) / cast(y as double precision)", &sides);
                Type::Float
            }
            BinaryOperator::Multiply if (left, right) == (&Type::Decimal, &Type::Decimal) => {
                *expr = build("cast(x * y as numeric(38, 9))", &sides);
                Type::Decimal
            }
            BinaryOperator::PGBitwiseShiftLeft | BinaryOperator::PGBitwiseShiftRight => {
                rewriter.missing(one.span(), "shift of bits");
                Type::Int
            }
            BinaryOperator::BitwiseXor => {
                *expr = Expr::BinaryOp { left: one.clone(), op: BinaryOperator::PGBitwiseXor, right: other.clone() };
                Type::Int
            }
            // A day is one of 24 hours.
            BinaryOperator::Plus | BinaryOperator::Minus if *right == Type::Interval && *left == Type::TimestampTz => {
                let sign = if *op == BinaryOperator::Plus { '+' } else { '-' };
                *expr = build(&format!("(x at time zone 'UTC' {sign} y) at time zone 'UTC'"), &sides);
                Type::TimestampTz
            }
            BinaryOperator::Plus | BinaryOperator::Minus if *left == Type::Date && *right == Type::Int => {
                let sign = if *op == BinaryOperator::Plus { '+' } else { '-' };
                *expr = build(&format!("x {sign} cast(y as integer)"), &sides);
                Type::Date
            }
            BinaryOperator::Minus if *left == Type::Date && *right == Type::Date => {
                *expr = build("make_interval(days => x - y)", &sides);
                Type::Interval
            }
            // Between moments without a zone the interval is one of days, too.
            BinaryOperator::Minus if matches!((left, right), (Type::TimestampTz, Type::TimestampTz)) => Type::Interval,
            op if is_comparison(op) => {
                // A text beside a moment is read as one.
                for (side, kind, beside) in [(&mut **one, left, right), (&mut **other, right, left)] {
                    if *kind == Type::Text && matches!(beside, Type::Date | Type::Timestamp | Type::TimestampTz) {
                        *side = as_moment(side.clone(), beside);
                    }
                }
                Type::Bool
            }
            BinaryOperator::StringConcat => {
                for (side, kind) in [(one, left), (other, right)] {
                    if matches!(kind, Type::Float | Type::Decimal | Type::Timestamp | Type::TimestampTz) {
                        **side = bracketed(text_from(side, kind));
                    }
                }
                rewriter.operator(expr, left, right)
            }
            _ => rewriter.operator(expr, left, right),
        }
    }

    fn query(&self, query: &mut Query, rewriter: &mut Rewriter) {
        unfold(query, rewriter);
    }

    /// A literal is 32 bits wide in PostgreSQL, and INT64 is 64.
    fn output(&self, expr: &mut Expr, kind: &Type) {
        if *kind == Type::Int && whole(expr).is_some() {
            *expr = build("cast(x as bigint)", &[("x", expr)]);
        }
    }

    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        arrays::table(table, rewriter)
    }

    fn from(&self, from: &mut Vec<TableWithJoins>, _rewriter: &mut Rewriter) {
        conditions(from);
    }

    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        if matches!(statement, Statement::Merge(_)) {
            rewriter.missing_because(
                sqlparser::tokenizer::Span::empty(),
                "MERGE",
                "an incremental model writes what its warehouse needs",
            );
        }
        None
    }
}

/// What to write in place of a STRUCT.
const STRUCT: &str = "make columns of its fields";

fn data_type_of(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Int64
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::SmallInt(_)
        | DataType::TinyInt(_) => DataType::BigInt(None),
        DataType::Float64 => DataType::DoublePrecision,
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => {
            DataType::Numeric(NUMERIC)
        }
        DataType::Numeric(digits)
        | DataType::Decimal(digits)
        | DataType::BigNumeric(digits)
        | DataType::BigDecimal(digits) => DataType::Numeric(*digits),
        DataType::Bool | DataType::Boolean => DataType::Boolean,
        DataType::String(_) | DataType::Varchar(_) => DataType::Text,
        DataType::Bytes(_) => DataType::Bytea,
        DataType::Date => DataType::Date,
        DataType::Time(..) => DataType::Time(None, TimezoneInfo::None),
        DataType::Datetime(_) => DataType::Timestamp(None, TimezoneInfo::None),
        DataType::Timestamp(..) => DataType::Timestamp(None, TimezoneInfo::Tz),
        DataType::JSON => DataType::JSONB,
        DataType::Array(ArrayElemTypeDef::AngleBracket(element) | ArrayElemTypeDef::SquareBracket(element, _)) => {
            DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(data_type_of(element)?), None))
        }
        _ => return None,
    })
}

fn value(expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
    let written = expr.clone();
    let kind = literal(expr, rewriter);
    match &kind {
        Some(Type::Bytes) => {
            // `unhex('…')` by now.
            let hex = expr.to_string();
            let hex = hex.split('\'').nth(1).unwrap_or_default();
            *expr = build(&format!("decode('{hex}', 'hex')"), &[]);
        }
        // PostgreSQL has no literal of a double.
        Some(Type::Float) => *expr = build("cast(x as double precision)", &[("x", &written)]),
        _ => {}
    }
    kind
}

/// `DATE '…'` and the like.
fn typed_text(typed: &TypedString, expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let mut data_type = typed.data_type.clone();
    rewriter.data_type(&mut data_type, typed.value.span);
    let kind = Type::of(&data_type);
    let mut text = Expr::Value(typed.value.clone());
    value(&mut text, rewriter);
    *expr = match kind {
        Type::TimestampTz => as_moment(text, &kind),
        _ => cast(text, data_type),
    };
    kind
}

/// A text as a day or moment: in UTC where it names no zone.
fn as_moment(text: Expr, kind: &Type) -> Expr {
    let data_type = match kind {
        Type::Date => "date",
        Type::Timestamp => "timestamp",
        _ => "timestamptz",
    };
    let text = match text_of(&text) {
        Some(literal) if *kind == Type::TimestampTz => Expr::value(Value::SingleQuotedString(with_zone(&literal))),
        _ => text,
    };
    build(&format!("cast(x as {data_type})"), &[("x", &text)])
}

/// A cast whose operand is not yet translated.
fn cast_of(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return Type::Unknown };
    let place = operand.span();
    let is_safe = !matches!(kind, CastKind::Cast | CastKind::DoubleColon);
    let from = rewriter.expr(operand);
    if format.is_some() {
        rewriter.missing(place, "CAST with FORMAT");
    }
    rewriter.data_type(data_type, place);
    let to = Type::of(data_type);
    let operand = operand.as_ref().clone();
    let plain = |operand: &Expr| cast(operand.clone(), data_type.clone());
    let digits = match to {
        Type::Int => Some(r"^\s*[-+]?[0-9]+\s*$"),
        Type::Float | Type::Decimal => Some(
            r"^\s*([-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?|[-+]?[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN])\s*$",
        ),
        _ => None,
    };
    *expr = match (&from, &to) {
        (Type::Text | Type::Unknown, _) if is_safe => match digits {
            Some(digits) => {
                let text = cast(operand.clone(), DataType::Text);
                let done = if to == Type::Int {
                    // What is too large is NULL; what is hexadecimal is a number there, and an error here.
                    let whole = format!(
                        "when textregexeq(t, '{digits}') then case when cast(t as numeric) between -9223372036854775808 \
                         and 9223372036854775807 then cast(t as bigint) end \
                         when textregexeq(t, '^\\s*[-+]?0[xX][0-9a-fA-F]+\\s*$') then cast(t as bigint)"
                    );
                    // A number is rounded, and a text with a fraction is none.
                    let number = "when pg_typeof(x) = any (array['double precision', 'numeric']::regtype[]) \
                         then cast(cast(t as numeric) as bigint)";
                    format!("case {whole} {} end", if from == Type::Text { "" } else { number })
                } else {
                    format!("case when textregexeq(t, '{digits}') then c end")
                };
                build(&done, &[("t", &text), ("c", &plain(&operand)), ("x", &operand)])
            }
            None if to == Type::Text && from == Type::Text => operand,
            None => {
                rewriter.missing_because(place, "SAFE_CAST to this type", "test the value with CASE first");
                operand
            }
        },
        (Type::Interval, Type::Text) => {
            rewriter.missing(place, "text of an interval");
            operand
        }
        (_, Type::Text) => text_from(&operand, &from),
        (Type::Text, Type::TimestampTz) => as_moment(operand, &to),
        (Type::TimestampTz, Type::Date | Type::Timestamp) => plain(&build("x at time zone 'UTC'", &[("x", &operand)])),
        (Type::Date | Type::Timestamp, Type::TimestampTz) => {
            build("cast(x as timestamp) at time zone 'UTC'", &[("x", &operand)])
        }
        (Type::Bool, Type::Int) => plain(&build("cast(x as integer)", &[("x", &operand)])),
        // Halves are rounded away from zero, where PostgreSQL rounds those of a double to the even number. By way of its
        // text a double keeps all its digits.
        (Type::Float | Type::Unknown, Type::Int) => {
            plain(&build("cast(cast(x as text) as numeric)", &[("x", &operand)]))
        }
        (Type::Text, Type::Bool) => {
            let text = "cast(case when lower(x) in ('true', 'false') then x else 'not a BOOL: ' || x end as boolean)";
            build(text, &[("x", &operand)])
        }
        _ => plain(&operand),
    };
    to
}

/// The text of a value as BigQuery writes it: no noughts at the end of a NUMERIC, three or six digits of a second.
fn text_from(value: &Expr, kind: &Type) -> Expr {
    let numeric = "cast(trim_scale(cast(cast(x as text) as numeric)) as text)";
    let moment = "regexp_replace(regexp_replace(cast(x as text), '([.][0-9]([0-9]{3})?)(?![0-9])', '\\100'), \
        '([.][0-9]{2}([0-9]{3})?)(?![0-9])', '\\10')";
    let text = match kind {
        Type::Decimal => numeric.to_owned(),
        Type::Timestamp | Type::TimestampTz => moment.to_owned(),
        Type::Bytes => "convert_from(x, 'UTF8')".to_owned(),
        Type::Unknown => format!(
            "case pg_typeof(x) when 'numeric'::regtype then {numeric} when 'timestamp'::regtype then {moment} \
             when 'timestamptz'::regtype then {moment} else cast(x as text) end"
        ),
        _ => "cast(x as text)".to_owned(),
    };
    build(&text, &[("x", value)])
}

/// Calls that no table can tell.
fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let place = function.name.span();
    if let [ObjectNamePart::Identifier(first), _, ..] = function.name.0.as_slice()
        && first.value.eq_ignore_ascii_case("safe")
    {
        rewriter.missing_because(place, "call with `SAFE.`", "test the value with CASE first");
        return Some((Expr::Function(function.clone()), Type::Unknown));
    }
    let name = simple_name(&function.name);
    if rewriter.own_functions.contains(&name) {
        return None;
    }
    let ignores = |clause: &FunctionArgumentClause| {
        matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls))
    };
    let is_aggregate = matches!(name.as_str(), "array_agg" | "string_agg");
    let within = matches!(&function.args, FunctionArguments::List(list) if list.clauses.iter().any(ignores));
    if !is_aggregate && (within || function.null_treatment == Some(NullTreatment::IgnoreNulls)) {
        rewriter.missing(place, "IGNORE NULLS");
    }
    if let Some(done) = dates::call(&name, function, rewriter) {
        return Some(done);
    }
    match name.as_str() {
        "array_agg" | "string_agg" => arrays::aggregate(&name, function, rewriter),
        "array" => arrays::of_query(function, rewriter),
        "concat" => {
            let parts = translated(function, rewriter)?;
            // NULL where one of them is.
            let texts = parts.into_iter().map(|(value, kind)| match kind {
                Type::Text | Type::Bytes => value,
                _ => text_from(&value, &kind),
            });
            let joined = texts.map(bracketed).reduce(|one, other| Expr::BinaryOp {
                left: Box::new(one),
                op: BinaryOperator::StringConcat,
                right: Box::new(other),
            });
            Some((joined?, Type::Text))
        }
        "substr" | "substring" => Some(substring(plain_arguments(function)?, rewriter)),
        "trim" | "ltrim" | "rtrim" => {
            let sql_name = if name == "trim" { "btrim" } else { &name };
            match translated(function, rewriter)?.as_slice() {
                [(_, Type::Bytes), ..] => None,
                [(value, _)] => Some((trimmed(sql_name, value), Type::Text)),
                [(value, _), (letters, _)] => {
                    Some((build(&format!("{sql_name}(x, y)"), &[("x", value), ("y", letters)]), Type::Text))
                }
                _ => None,
            }
        }
        "regexp_extract" | "regexp_contains" | "regexp_replace" => {
            let arguments = translated(function, rewriter)?;
            Some(regexp(&name, &arguments).unwrap_or_else(|| {
                rewriter.missing_because(place, "this regular expression", "write it without alternatives and flags");
                (Expr::Function(function.clone()), Type::Text)
            }))
        }
        "left" | "right" | "repeat" | "lpad" | "rpad" => {
            let mut arguments = translated(function, rewriter)?;
            if arguments.iter().any(|(_, kind)| *kind == Type::Bytes) {
                rewriter.missing(place, &format!("function `{name}` of bytes"));
            }
            let (count, _) = arguments.get_mut(1)?;
            // A count below zero is an error there.
            if whole(count).is_none_or(|count| count < 0) {
                *count = build("cast(n as integer) / case when n >= 0 then 1 else 0 end", &[("n", count)]);
            }
            let values = arguments.into_iter().map(|(value, _)| value).collect();
            Some((Expr::Function(called(&name, values)), Type::Text))
        }
        _ => None,
    }
}

/// A function of regular expressions whose arguments are translated.
fn regexp(name: &str, arguments: &[(Expr, Type)]) -> Option<(Expr, Type)> {
    let (value, _) = arguments.first()?;
    let written = text_of(&arguments.get(1)?.0)?;
    let pattern = Expr::value(Value::SingleQuotedString(patterns::shared(&written)?));
    let parts = [("x", value), ("y", &pattern)];
    match (name, arguments) {
        ("regexp_contains", [_, _]) => Some((build("textregexeq(x, y)", &parts), Type::Bool)),
        ("regexp_extract", [_, _]) if patterns::groups(&written) < 2 => {
            Some((build("(regexp_match(x, y))[1]", &parts), Type::Text))
        }
        ("regexp_replace", [_, _, (with, _)]) if !patterns::may_be_empty(&written) => {
            let with = Expr::value(Value::SingleQuotedString(text_of(with)?.replace("\\0", "\\&")));
            let parts = [("x", value), ("y", &pattern), ("z", &with)];
            Some((build("regexp_replace(x, y, z, 'g')", &parts), Type::Text))
        }
        _ => None,
    }
}

/// A position of 0, and one before the first letter, is the first letter; one below zero counts from the end.
fn substring(mut arguments: Vec<Expr>, rewriter: &mut Rewriter) -> (Expr, Type) {
    let kinds: Vec<Type> = arguments.iter_mut().map(|argument| rewriter.expr(argument)).collect();
    let [value, from, rest @ ..] = arguments.as_slice() else { return (Expr::value(Value::Null), Type::Text) };
    let kind = if kinds.first() == Some(&Type::Bytes) { Type::Bytes } else { Type::Text };
    let from = match whole(from) {
        Some(1..) => from.clone(),
        Some(0) => build("1", &[]),
        _ => build(
            "cast(case when p > 0 then p when p = 0 or p < -length(x) then 1 else length(x) + p + 1 end as integer)",
            &[("p", from), ("x", value)],
        ),
    };
    let done = match rest {
        [] => build("substring(x from p)", &[("x", value), ("p", &from)]),
        [length, ..] => {
            let length =
                if whole(length).is_some() { length.clone() } else { cast(length.clone(), DataType::Integer(None)) };
            build("substring(x from p for n)", &[("x", value), ("p", &from), ("n", &length)])
        }
    };
    (done, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        Functions::read(concat!(include_str!("../bigquery.txt"), include_str!("../shared.txt"))).expect("each line");
    }
}
