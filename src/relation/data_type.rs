use serde::{Deserialize, Serialize};

/// The type of a value, in words that all warehouses share. How each of them writes it is the dialect's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum DataType {
    /// Nobody knows.
    #[default]
    Unknown,
    /// That of the literal `NULL`.
    Null,
    /// True or false.
    Boolean,
    /// Whole numbers.
    Integer {
        /// 8, 16, 32, 64 or 128.
        bits: u8,
        /// Whether there are negative ones.
        signed: bool,
    },
    /// Numbers with a fixed number of digits behind the point.
    Decimal(Option<Digits>),
    /// Floating point of 32 bits.
    Real,
    /// Floating point of 64 bits.
    Double,
    /// Characters, up to so many if there is a limit.
    Text(Option<u32>),
    /// Exactly so many characters, filled up with blanks.
    Char(Option<u32>),
    /// Bytes.
    Bytes,
    /// A day.
    Date,
    /// A time of day.
    Time {
        /// Whether it has an offset from UTC.
        zoned: bool,
    },
    /// A day and a time of day.
    Timestamp {
        /// Whether it is a point in time, whatever the zone. Without, it is what a clock on a wall shows.
        zoned: bool,
    },
    /// A span of time.
    Interval,
    /// JSON that is kept as text, or in the only form that the warehouse has.
    Json,
    /// A universally unique identifier.
    Uuid,
    /// Points, lines and areas on the globe.
    Geography,
    /// Values of one type, in order.
    Array(Box<DataType>),
    /// Named values.
    Struct(Vec<Field>),
    /// Keys and values.
    Map(Box<(DataType, DataType)>),
    /// From one value to another.
    Range(Box<DataType>),
    /// Any other, by its name in lower case.
    Named(Box<str>),
}

/// How many digits a decimal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digits {
    /// All of them.
    pub precision: u32,
    /// Those behind the point.
    pub scale: i32,
}

/// A value inside of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// `None` where BigQuery has one without.
    pub name: Option<Box<str>>,
    /// Its type.
    pub data_type: DataType,
}

/// Whether a value can be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Nullability {
    /// It surely is never NULL.
    NotNull,
    /// Nobody knows.
    #[default]
    Unknown,
    /// It can be, from what the SQL says: behind a left join, of a column that is declared so, the NULL itself.
    Nullable,
}

impl DataType {
    /// Whole numbers of 64 bits.
    pub const BIGINT: Self = Self::Integer { bits: 64, signed: true };
    /// Whole numbers of 32 bits.
    pub const INT: Self = Self::Integer { bits: 32, signed: true };
    /// Text of any length.
    pub const TEXT: Self = Self::Text(None);
    /// What a clock on a wall shows.
    pub const TIMESTAMP: Self = Self::Timestamp { zoned: false };
    /// A point in time.
    pub const INSTANT: Self = Self::Timestamp { zoned: true };

    /// A decimal of so many digits.
    pub fn decimal(precision: u32, scale: i32) -> Self {
        Self::Decimal(Some(Digits { precision, scale }))
    }

    /// Values of this type, in order.
    #[must_use]
    pub fn array(self) -> Self {
        Self::Array(Box::new(self))
    }

    /// Whether it, or a part of it, is not known.
    pub fn is_vague(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Array(element) | Self::Range(element) => element.is_vague(),
            Self::Struct(fields) => fields.iter().any(|field| field.data_type.is_vague()),
            Self::Map(entry) => entry.0.is_vague() || entry.1.is_vague(),
            _ => false,
        }
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Decimal(_) | Self::Real | Self::Double)
    }

    /// Whether it says when: a day, or a moment of one.
    pub fn is_moment(&self) -> bool {
        matches!(self, Self::Date | Self::Timestamp { .. })
    }

    /// Whether it is text, of whatever length.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Char(_))
    }
}

impl Nullability {
    /// `not_null` or `nullable`, if it is known.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::NotNull => Some("not_null"),
            Self::Nullable => Some("nullable"),
            Self::Unknown => None,
        }
    }

    /// Of a value that is NULL as soon as one of these is.
    pub fn of_any(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().max().unwrap_or(Self::NotNull)
    }

    /// Of a value that is NULL only if all of these are.
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().min().unwrap_or(Self::Nullable)
    }
}
