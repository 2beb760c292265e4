//! What is known of the type of a value, in words that all warehouses share.

use sqlparser::ast::{ArrayElemTypeDef, DataType, TimezoneInfo};

/// The type of an expression as far as the SQL text alone tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Type {
    /// The text does not tell, for instance for a column of a table that another statement made.
    #[default]
    Unknown,
    Bool,
    Int,
    Float,
    Decimal,
    Text,
    Bytes,
    Date,
    Time,
    /// Without a zone.
    Timestamp,
    /// A point in time.
    TimestampTz,
    Interval,
    Json,
    Array(Box<Type>),
    /// Fields in order, names as written.
    Struct(Vec<(String, Type)>),
}

impl Type {
    /// The type that a table of functions means by this word (`int`, `array<text>`, …).
    pub(crate) fn named(word: &str) -> Option<Self> {
        if let Some(element) = word.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>')) {
            return Some(Self::Array(Box::new(Self::named(element)?)));
        }
        Some(match word {
            "any" => Self::Unknown,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "decimal" => Self::Decimal,
            "text" => Self::Text,
            "bytes" => Self::Bytes,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::TimestampTz,
            "interval" => Self::Interval,
            "json" => Self::Json,
            "array" => Self::Array(Box::default()),
            "struct" => Self::Struct(Vec::new()),
            _ => return None,
        })
    }

    /// What is known of a type in DuckDB's words.
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Bool | DataType::Boolean => Self::Bool,
            DataType::TinyInt(_)
            | DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Int4(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
            | DataType::Int64
            | DataType::HugeInt
            | DataType::UBigInt => Self::Int,
            DataType::Float(_)
            | DataType::Float4
            | DataType::Float8
            | DataType::Float64
            | DataType::Real
            | DataType::Double(_)
            | DataType::DoublePrecision => Self::Float,
            DataType::Decimal(_) | DataType::Numeric(_) | DataType::Dec(_) => Self::Decimal,
            DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Character(_)
            | DataType::CharacterVarying(_)
            | DataType::CharVarying(_)
            | DataType::Text
            | DataType::String(_) => Self::Text,
            DataType::Blob(_) | DataType::Bytea | DataType::Bytes(_) | DataType::Varbinary(_) => Self::Bytes,
            DataType::Date => Self::Date,
            DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Self::Time,
            DataType::Timestamp(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => Self::TimestampTz,
            DataType::Timestamp(..) | DataType::Datetime(_) => Self::Timestamp,
            DataType::Interval { .. } => Self::Interval,
            DataType::JSON | DataType::JSONB => Self::Json,
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element)) => {
                Self::Array(Box::new(Self::of(element)))
            }
            DataType::Struct(fields, _) => Self::Struct(
                fields
                    .iter()
                    .map(|field| {
                        let name = field.field_name.as_ref().map_or_else(String::new, |name| name.value.clone());
                        (name, Self::of(&field.field_type))
                    })
                    .collect(),
            ),
            _ => Self::Unknown,
        }
    }

    /// Whether a value of this type fits where a table of functions wants `wanted`.
    pub(crate) fn fits(&self, wanted: &Self) -> bool {
        match (wanted, self) {
            (Self::Unknown, _) | (Self::Struct(_), Self::Struct(_)) => true,
            (Self::Array(wanted), Self::Array(element)) => element.fits(wanted),
            _ => self == wanted,
        }
    }

    /// The type that holds values of both, as a CASE or a set operation finds it.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Int, Self::Decimal) | (Self::Decimal, Self::Int) => Self::Decimal,
            (Self::Int | Self::Decimal, Self::Float) | (Self::Float, Self::Int | Self::Decimal) => Self::Float,
            (Self::Array(one), Self::Array(other)) => Self::Array(Box::new(one.and(*other))),
            _ => Self::Unknown,
        }
    }

    /// Whether the structs in both, if there are any, have fields of the same names: DuckDB puts structs together by the
    /// names of their fields, and not by their order.
    pub(crate) fn has_fields_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Struct(one), Self::Struct(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|((name, kind), (other_name, other_kind))| {
                        name.eq_ignore_ascii_case(other_name) && kind.has_fields_of(other_kind)
                    })
            }
            (Self::Array(one), Self::Array(other)) => one.has_fields_of(other),
            _ => true,
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Decimal)
    }

    /// The type of the elements of an array.
    pub(crate) fn element(&self) -> Self {
        if let Self::Array(element) = self { (**element).clone() } else { Self::Unknown }
    }

    /// The type of a field of a struct. Letter case does not matter.
    pub(crate) fn field(&self, name: &str) -> Self {
        let Self::Struct(fields) = self else { return Self::Unknown };
        fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, kind)| kind.clone())
            .unwrap_or_default()
    }
}
