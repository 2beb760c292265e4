//! What the types of all dialects have in common.

use sqlparser::ast::{self, ArrayElemTypeDef, CharacterLength, ExactNumberInfo, TimezoneInfo};
use sqlparser::dialect::Dialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::Semantics;
use super::pattern::Arguments;
use crate::relation::{DataType, Digits, Field};

/// The type that a text names.
pub(super) fn parse(name: &str, grammar: &dyn Dialect) -> Option<ast::DataType> {
    let mut parser = Parser::new(grammar).try_with_sql(name).ok()?;
    let parsed = parser.parse_data_type().ok()?;
    (parser.peek_token_ref().token == Token::EOF).then_some(parsed)
}

/// The types that all dialects write alike. Those inside of it are the dialect's.
pub(super) fn read(written: &ast::DataType, dialect: &dyn Semantics) -> DataType {
    use ast::DataType as Written;
    match written {
        Written::Bool | Written::Boolean => DataType::Boolean,
        Written::SmallInt(_) | Written::Int2(_) => DataType::Integer { bits: 16, signed: true },
        Written::Int(_) | Written::Integer(_) | Written::Int4(_) => DataType::INT,
        Written::BigInt(_) | Written::Int8(_) => DataType::BIGINT,
        Written::Real | Written::Float4 => DataType::Real,
        Written::Double(_) | Written::DoublePrecision | Written::Float8 => DataType::Double,
        Written::Varchar(length)
        | Written::CharVarying(length)
        | Written::CharacterVarying(length)
        | Written::Nvarchar(length) => DataType::Text(characters(length.as_ref())),
        Written::Text => DataType::TEXT,
        Written::Bytea => DataType::Bytes,
        Written::Date => DataType::Date,
        Written::Time(_, zone) => DataType::Time { zoned: is_zoned(*zone) },
        Written::Timestamp(_, zone) => DataType::Timestamp { zoned: is_zoned(*zone) },
        Written::Interval { .. } => DataType::Interval,
        Written::JSON => DataType::Json,
        Written::Bit(_) => DataType::Named("bit".into()),
        Written::Uuid => DataType::Uuid,
        Written::Array(
            ArrayElemTypeDef::AngleBracket(element)
            | ArrayElemTypeDef::SquareBracket(element, None)
            | ArrayElemTypeDef::Qualified(element, None),
        ) => dialect.data_type(element).array(),
        Written::Struct(fields, _) => DataType::Struct(
            fields
                .iter()
                .map(|field| Field {
                    name: field.field_name.as_ref().map(|name| name.value.as_str().into()),
                    data_type: dialect.data_type(&field.field_type),
                })
                .collect(),
        ),
        Written::Map(key, value, _) => DataType::Map(Box::new((dialect.data_type(key), dialect.data_type(value)))),
        _ => DataType::Unknown,
    }
}

/// A limit of characters; `None` where there is none that is a number.
pub(super) fn characters(length: Option<&CharacterLength>) -> Option<u32> {
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => u32::try_from(*length).ok(),
        Some(CharacterLength::Max) | None => None,
    }
}

/// Digits as written. Without a scale there are none behind the point.
pub(super) fn digits(written: &ExactNumberInfo) -> Option<Digits> {
    let (precision, scale) = match written {
        ExactNumberInfo::None => return None,
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    Some(Digits { precision: u32::try_from(precision).ok()?, scale: i32::try_from(scale).ok()? })
}

/// The type of a number as it is written with a point, with as many digits as stand there.
pub(super) fn decimal_literal(text: &str) -> Option<DataType> {
    let (whole, places) = text.split_once('.').filter(|_| !text.contains(['e', 'E']))?;
    let precision = whole.len() + places.len();
    Some(DataType::decimal(u32::try_from(precision).ok()?, i32::try_from(places.len()).ok()?))
}

/// The parts between commas that stand in no bracket and in no quotes.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let mut quote = None;
    text.split(|letter: char| {
        match (letter, quote) {
            ('"' | '`', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('(' | '<' | '[', None) => depth += 1,
            (')' | '>' | ']', None) => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0 && quote.is_none()
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

/// The type that two structs come to: their fields one by one, if none of them has two names.
pub(super) fn common_struct(one: &[Field], other: &[Field], common: fn(&DataType, &DataType) -> DataType) -> DataType {
    let is_same = |one: &Field, other: &Field| match (&one.name, &other.name) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => true,
    };
    if one.len() != other.len() || !one.iter().zip(other).all(|(one, other)| is_same(one, other)) {
        return DataType::Unknown;
    }
    let field = |(one, other): (&Field, &Field)| Field {
        name: one.name.clone().or_else(|| other.name.clone()),
        data_type: common(&one.data_type, &other.data_type),
    };
    DataType::Struct(one.iter().zip(other).map(field).collect())
}

/// `row(…)`, `(1, 'x')`: a struct whose fields have no names.
pub(super) fn row(arguments: &Arguments<'_>) -> DataType {
    let field = |data_type: &&DataType| Field { name: None, data_type: (*data_type).clone() };
    DataType::Struct(arguments.types.iter().map(field).collect())
}

fn is_zoned(zone: TimezoneInfo) -> bool {
    matches!(zone, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz)
}

/// Whether an argument has the type that a table of functions names. One that is named without a length stands for all.
pub(super) fn is_same(wanted: &DataType, argument: &DataType) -> bool {
    match (wanted, argument) {
        (DataType::Text(None), DataType::Text(_))
        | (DataType::Char(None), DataType::Char(_))
        | (DataType::Decimal(None), DataType::Decimal(_)) => true,
        (DataType::Array(wanted), DataType::Array(argument)) => is_same(wanted, argument),
        _ => wanted == argument,
    }
}

/// Whether a value of a type could become one of another without a cast. It is rather too often true than not: where nothing
/// fits exactly, all that could be meant have to agree.
pub(super) fn takes(wanted: &DataType, given: &DataType) -> bool {
    use DataType::{
        Array, Boolean, Bytes, Char, Date, Decimal, Double, Integer, Map, Named, Range, Real, Struct, Text, Time,
        Timestamp, Unknown,
    };
    let width = |data_type: &DataType| match data_type {
        Boolean => 0,
        Integer { bits, .. } => *bits,
        Decimal(_) => 200,
        Real => 201,
        _ => 202,
    };
    match (wanted, given) {
        (Integer { .. } | Decimal(_) | Real | Double, Boolean | Integer { .. } | Decimal(_) | Real | Double) => {
            width(given) <= width(wanted)
        }
        // Text can be a literal, which becomes what is wanted; and nearly all can become text.
        (_, Text(_) | Char(_) | Named(_) | Unknown)
        | (Text(_) | Char(_) | Unknown, _)
        | (Timestamp { zoned: false }, Date | Timestamp { zoned: false })
        | (Timestamp { zoned: true }, Date | Timestamp { .. })
        | (Struct(_), Struct(_))
        | (Map(_), Map(_))
        | (Bytes, Bytes)
        | (Time { .. }, Time { .. }) => true,
        (Array(wanted), Array(given)) | (Range(wanted), Range(given)) => takes(wanted, given),
        _ => wanted == given,
    }
}
