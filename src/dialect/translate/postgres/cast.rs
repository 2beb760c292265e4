//! Types and casts.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ArrayElemTypeDef, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, Spanned, TimezoneInfo, Value,
    visit_expressions,
};

use super::expr::text_of;
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// What NUMERIC means without its digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numeric {
    pub(crate) precision: u64,
    pub(crate) scale: i64,
}

/// DuckDB's word for a type; `false` where there is none.
pub(crate) fn data_type(data_type: &mut DataType, numeric: Numeric) -> bool {
    let replaced = match data_type {
        // Eight bytes, not DuckDB's four.
        DataType::Float(ExactNumberInfo::Precision(digits)) if *digits < 25 => DataType::Real,
        DataType::Float(_) | DataType::Float8 | DataType::DoublePrecision => DataType::Double(ExactNumberInfo::None),
        DataType::Float4 => DataType::Real,
        DataType::Numeric(digits) | DataType::Decimal(digits) | DataType::Dec(digits) => {
            DataType::Decimal(match digits {
                ExactNumberInfo::None => ExactNumberInfo::PrecisionAndScale(numeric.precision, numeric.scale),
                ExactNumberInfo::Precision(precision) => ExactNumberInfo::PrecisionAndScale(*precision, 0),
                digits @ ExactNumberInfo::PrecisionAndScale(..) => *digits,
            })
        }
        DataType::Varchar(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::Nvarchar(_)
        | DataType::Text => DataType::Varchar(None),
        DataType::JSONB | DataType::JSON => DataType::JSON,
        DataType::Bytea | DataType::Varbinary(_) => DataType::Blob(None),
        DataType::Timestamp(None, zone) | DataType::Time(None, zone)
            if matches!(zone, TimezoneInfo::WithoutTimeZone) =>
        {
            match data_type {
                DataType::Time(..) => DataType::Time(None, TimezoneInfo::None),
                _ => DataType::Timestamp(None, TimezoneInfo::None),
            }
        }
        DataType::Timestamp(None, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            DataType::Timestamp(None, TimezoneInfo::WithTimeZone)
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => return self::data_type(element, numeric),
        DataType::Custom(name, modifiers) => {
            let name = name.to_string().to_ascii_lowercase();
            match (name.as_str(), modifiers.as_slice()) {
                ("super", []) => DataType::JSON,
                ("bpchar" | "nchar" | "nvarchar", _) => DataType::Varchar(None),
                ("varbyte", _) => DataType::Blob(None),
                ("bool", []) => DataType::Boolean,
                _ => return false,
            }
        }
        DataType::Bool
        | DataType::Boolean
        | DataType::SmallInt(_)
        | DataType::Int2(_)
        | DataType::Int(_)
        | DataType::Int4(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::Int8(_)
        | DataType::Real
        | DataType::Double(ExactNumberInfo::None)
        | DataType::Date
        | DataType::Time(None, TimezoneInfo::None)
        | DataType::Timestamp(None, TimezoneInfo::None)
        | DataType::Uuid
        | DataType::Interval { fields: None, precision: None } => return true,
        _ => return false,
    };
    *data_type = replaced;
    true
}

/// An explicit cast whose operand is not yet translated.
pub(crate) fn cast(expr: &mut Expr, rewriter: &mut Rewriter) -> Type {
    let Expr::Cast { kind, expr: operand, data_type, format } = expr else { return Type::Unknown };
    let is_constant = constant(operand);
    let from = rewriter.expr(operand);
    let place = operand.span();
    if format.is_some() {
        rewriter.missing(place, "CAST with FORMAT");
    }
    let length = length(data_type);
    let is_name = matches!(data_type, DataType::Custom(..));
    let mut target = data_type.clone();
    rewriter.data_type(&mut target, place);
    let to = if is_name && target == DataType::JSON { Type::Json } else { Type::of(&target) };
    if from == Type::Interval && to == Type::Text {
        rewriter.missing(place, "text of an interval");
    }
    let operand = operand.as_ref().clone();
    let try_cast = !matches!(kind, CastKind::Cast | CastKind::DoubleColon);
    if to == Type::Int
        && !try_cast
        && let Some(text) = text_of(&operand).filter(|text| !is_whole(text))
    {
        let message = format!("the text `'{text}'` is no whole number");
        rewriter.problem(place, message, Some("cast it to a decimal or a double first".to_owned()));
    }
    let convert = |operand| converted(operand, &from, &to, &target, try_cast);
    let converted = match to {
        Type::Int | Type::Decimal if !is_constant => rewriter.rules.number(operand, &from, &target, &convert),
        _ => convert(operand),
    };
    *expr = match (length, &to) {
        (Some(length), Type::Text) => {
            let is_padded = is_padded(data_type);
            let length = Expr::value(Value::Number(length.to_string(), false));
            // Blanks at the end of CHAR mean nothing.
            let cut = if is_padded { "rtrim(left(x, n), ' ')" } else { "left(x, n)" };
            build(cut, &[("x", &converted), ("n", &length)])
        }
        _ => converted,
    };
    to
}

/// Whether the value is calculated from literals alone.
pub(crate) fn constant(expr: &Expr) -> bool {
    let of_literals = |expr: &Expr| match expr {
        Expr::Value(_) | Expr::UnaryOp { .. } | Expr::BinaryOp { .. } | Expr::Nested(_) | Expr::Cast { .. } => {
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Break(()),
    };
    visit_expressions(expr, of_literals).is_continue()
}

/// A value of one type as one of another, translated.
pub(crate) fn converted(operand: Expr, from: &Type, to: &Type, target: &DataType, try_cast: bool) -> Expr {
    let plain = |operand: Expr| Expr::Cast {
        kind: if try_cast { CastKind::TryCast } else { CastKind::Cast },
        expr: Box::new(operand),
        data_type: target.clone(),
        format: None,
    };
    match (from, to) {
        (Type::TimestampTz, Type::Text) => build("cast(x at time zone 'UTC' as varchar) || '+00'", &[("x", &operand)]),
        (Type::TimestampTz, Type::Timestamp) => build("x at time zone 'UTC'", &[("x", &operand)]),
        (Type::TimestampTz, Type::Date | Type::Time) => plain(build("x at time zone 'UTC'", &[("x", &operand)])),
        (Type::Timestamp | Type::Date, Type::TimestampTz) => {
            build("cast(x as timestamp) at time zone 'UTC'", &[("x", &operand)])
        }
        (_, Type::TimestampTz) if text_of(&operand).is_some_and(|text| !has_zone(text)) => {
            build("cast(x as timestamp) at time zone 'UTC'", &[("x", &operand)])
        }
        // `20240131`, as both write it without dashes.
        (_, Type::Date | Type::Timestamp) if text_of(&operand).is_some_and(is_compact_date) => {
            let text = text_of(&operand).unwrap_or_default();
            let dashed = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
            plain(Expr::value(Value::SingleQuotedString(dashed)))
        }
        (_, Type::TimestampTz) if text_of(&operand).is_some() => {
            let text = with_seconds(text_of(&operand).unwrap_or_default());
            plain(Expr::value(Value::SingleQuotedString(text)))
        }
        (Type::Json, Type::Json) => operand,
        (Type::Json, Type::Array(_)) | (Type::Text, Type::Json) => plain(operand),
        (Type::Json, _) => plain(build("json_extract_string(x, '$')", &[("x", &operand)])),
        // DuckDB rounds a text with a fraction.
        (Type::Text, Type::Int) if text_of(&operand).is_none_or(|text| !is_whole(text)) => {
            plain(build(WHOLE, &[("x", &operand)]))
        }
        (Type::Unknown, Type::Int) if matches!(operand, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
            let text = plain(build(WHOLE, &[("x", &build("cast(x as varchar)", &[("x", &operand)]))]));
            let number = plain(operand.clone());
            build("case when typeof(x) = 'VARCHAR' then t else n end", &[("x", &operand), ("t", &text), ("n", &number)])
        }
        (_, Type::Json) => build("to_json(x)", &[("x", &operand)]),
        // A whole number of eight bytes has no point.
        (Type::Float, Type::Text) => build("regexp_replace(cast(x as varchar), '[.]0$', '')", &[("x", &operand)]),
        (Type::Unknown, Type::Text) if !is_value(&operand) => build(
            "case when typeof(x) in ('DOUBLE', 'FLOAT') then regexp_replace(cast(x as varchar), '[.]0$', '') else cast(x as varchar) end",
            &[("x", &operand)],
        ),
        _ => plain(operand),
    }
}

/// A text, or one that no cast to a whole number reads in place of a text that is none.
const WHOLE: &str = r"regexp_replace(x, '(?s)^.*[^-+0-9\s].*$', 'not a whole number: \0')";

fn is_whole(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn is_value(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(_))
}

/// Whether the text of a moment says its zone.
fn has_zone(text: &str) -> bool {
    let time = text.get(10..).unwrap_or_default();
    time.contains(['+', '-']) || time.chars().any(char::is_alphabetic) && !time.trim().starts_with('T')
}

/// `2024-01-31 10:30+01` with the seconds that DuckDB asks for before a zone.
fn with_seconds(text: &str) -> String {
    let minutes = text.get(11..16).is_some_and(|time| time.bytes().filter(|letter| *letter == b':').count() == 1);
    match (text.get(..16), text.get(16..)) {
        (Some(moment), Some(zone)) if minutes && zone.trim_start().starts_with(['+', '-']) => {
            format!("{moment}:00{zone}")
        }
        _ => text.to_owned(),
    }
}

fn is_compact_date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether blanks fill a text of this type.
fn is_padded(data_type: &DataType) -> bool {
    match data_type {
        DataType::Char(_) | DataType::Character(_) => true,
        DataType::Custom(name, _) => name.to_string().eq_ignore_ascii_case("bpchar"),
        _ => false,
    }
}

/// The number of letters after which a cast to text cuts.
fn length(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Char(None) | DataType::Character(None) => Some(1),
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::CharVarying(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::Char(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::Character(Some(CharacterLength::IntegerLength { length, .. }))
        | DataType::Nvarchar(Some(CharacterLength::IntegerLength { length, .. })) => Some(*length),
        DataType::Custom(name, modifiers) if name.to_string().eq_ignore_ascii_case("bpchar") => {
            modifiers.first().and_then(|length| length.parse().ok())
        }
        _ => None,
    }
}
