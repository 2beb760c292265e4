//! Types.

use sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, Ident, StructBracketKind, TimezoneInfo};

/// DuckDB's word for a type; `false` where there is none.
pub(crate) fn translate(data_type: &mut DataType) -> bool {
    *data_type = match data_type {
        DataType::Int64
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::SmallInt(_)
        | DataType::TinyInt(_) => DataType::BigInt(None),
        DataType::Float64 => DataType::Double(ExactNumberInfo::None),
        DataType::Numeric(info) | DataType::Decimal(info) => DataType::Decimal(exact(*info, 9)),
        // DuckDB's decimals have 38 digits where BigQuery's have 76; what does not fit is an error there.
        DataType::BigNumeric(info) | DataType::BigDecimal(info) => match info {
            ExactNumberInfo::Precision(digits) | ExactNumberInfo::PrecisionAndScale(digits, _) if *digits > 38 => {
                return false;
            }
            info => DataType::Decimal(exact(*info, 18)),
        },
        DataType::Bool | DataType::Boolean => DataType::Boolean,
        DataType::String(_) | DataType::Varchar(_) => DataType::Varchar(None),
        DataType::Bytes(_) => DataType::Blob(None),
        DataType::Date => DataType::Date,
        DataType::Time(..) => DataType::Time(None, TimezoneInfo::None),
        DataType::Datetime(_) => DataType::Timestamp(None, TimezoneInfo::None),
        DataType::Timestamp(..) => DataType::Timestamp(None, TimezoneInfo::Tz),
        DataType::JSON => DataType::JSON,
        DataType::Interval { .. } => DataType::Interval { fields: None, precision: None },
        DataType::Custom(name, arguments)
            if arguments.is_empty() && name.to_string().eq_ignore_ascii_case("byteint") =>
        {
            DataType::BigInt(None)
        }
        DataType::Array(ArrayElemTypeDef::AngleBracket(element) | ArrayElemTypeDef::SquareBracket(element, _)) => {
            let mut element = element.clone();
            if !translate(&mut element) {
                return false;
            }
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, None))
        }
        DataType::Struct(fields, _) => {
            let mut fields = fields.clone();
            for (place, field) in fields.iter_mut().enumerate() {
                if !translate(&mut field.field_type) {
                    return false;
                }
                field.options = None;
                let name = field.field_name.get_or_insert_with(|| Ident::new(format!("_field_{}", place + 1)));
                name.quote_style = Some('"');
            }
            DataType::Struct(fields, StructBracketKind::Parentheses)
        }
        _ => return false,
    };
    true
}

fn exact(info: ExactNumberInfo, scale: i64) -> ExactNumberInfo {
    match info {
        ExactNumberInfo::None => ExactNumberInfo::PrecisionAndScale(38, scale),
        ExactNumberInfo::Precision(digits) => ExactNumberInfo::PrecisionAndScale(digits, 0),
        both @ ExactNumberInfo::PrecisionAndScale(..) => both,
    }
}
