//! DuckDB 1.5.

use std::sync::LazyLock;

use sqlparser::ast::{self, Value};

use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{AliasScope, Call, CaseRule, NameRules, Semantics, types};
use crate::dialect::syntax;
use crate::relation::DataType;

/// The embedded engine.
#[derive(Debug)]
pub struct DuckDb;

const NAMES: NameRules = NameRules {
    case: CaseRule::Ignored,
    lateral_aliases: true,
    aliases_in_where: true,
    aliases_in_group_by: AliasScope::AfterColumns,
    aliases_in_having: AliasScope::AfterColumns,
    whole_rows: true,
    fields: true,
    aggregates_outer_columns: false,
};

static SIGNATURES: LazyLock<Result<Signatures, String>> = LazyLock::new(|| {
    let words = Words { data_type: &|name| DuckDb.named_type(name), rule: &rule };
    Signatures::read(&[include_str!("duckdb.signatures")], &words)
});

impl Semantics for DuckDb {
    fn names(&self) -> &NameRules {
        &NAMES
    }

    fn pseudo_columns(&self) -> &'static [&'static str] {
        &["rowid", "filename", "file_row_number"]
    }

    fn puts_using_first(&self) -> bool {
        false
    }

    fn column_of_values(&self, place: usize) -> Option<String> {
        Some(format!("col{place}"))
    }

    fn data_type(&self, written: &ast::DataType) -> DataType {
        use ast::DataType as Written;
        match written {
            Written::TinyInt(_) => DataType::Integer { bits: 8, signed: true },
            Written::HugeInt => DataType::Integer { bits: 128, signed: true },
            Written::UTinyInt => DataType::Integer { bits: 8, signed: false },
            Written::USmallInt => DataType::Integer { bits: 16, signed: false },
            Written::UBigInt => DataType::Integer { bits: 64, signed: false },
            Written::UHugeInt => DataType::Integer { bits: 128, signed: false },
            Written::Numeric(digits) | Written::Decimal(digits) | Written::Dec(digits) => {
                types::digits(digits).map_or(DataType::decimal(18, 3), |digits| DataType::Decimal(Some(digits)))
            }
            Written::Float(_) => DataType::Real,
            Written::Varchar(_)
            | Written::Char(_)
            | Written::Character(_)
            | Written::CharVarying(_)
            | Written::CharacterVarying(_)
            | Written::Nvarchar(_)
            | Written::String(_) => DataType::TEXT,
            Written::Blob(_) | Written::Binary(_) | Written::Varbinary(_) | Written::Bytes(_) => DataType::Bytes,
            Written::Datetime(_) => DataType::TIMESTAMP,
            Written::Custom(name, arguments) if arguments.is_empty() => {
                match name.to_string().to_lowercase().as_str() {
                    "uinteger" => DataType::Integer { bits: 32, signed: false },
                    "hugeint" => DataType::Integer { bits: 128, signed: true },
                    "uhugeint" => DataType::Integer { bits: 128, signed: false },
                    name @ ("timestamp_s" | "timestamp_ms" | "timestamp_ns" | "bit" | "geometry" | "time_ns"
                    | "bignum" | "variant") => DataType::Named(name.into()),
                    _ => DataType::Unknown,
                }
            }
            _ => types::read(written, self),
        }
    }

    fn named_type(&self, name: &str) -> DataType {
        types::parse(name, &syntax::DuckDb).map_or(DataType::Unknown, |written| self.data_type(&written))
    }

    fn type_name(&self, data_type: &DataType) -> String {
        match data_type {
            DataType::Unknown => "UNKNOWN".to_owned(),
            DataType::Boolean => "BOOLEAN".to_owned(),
            DataType::Integer { bits, signed } => {
                let name = match bits {
                    8 => "TINYINT",
                    16 => "SMALLINT",
                    64 => "BIGINT",
                    128 => "HUGEINT",
                    _ => "INTEGER",
                };
                format!("{}{name}", if *signed { "" } else { "U" })
            }
            DataType::Null => "INTEGER".to_owned(),
            DataType::Decimal(None) => "DECIMAL(18,3)".to_owned(),
            DataType::Decimal(Some(digits)) => format!("DECIMAL({},{})", digits.precision, digits.scale),
            DataType::Real => "FLOAT".to_owned(),
            DataType::Double => "DOUBLE".to_owned(),
            DataType::Text(_) | DataType::Char(_) => "VARCHAR".to_owned(),
            DataType::Bytes => "BLOB".to_owned(),
            DataType::Date => "DATE".to_owned(),
            DataType::Time { zoned } => format!("TIME{}", if *zoned { " WITH TIME ZONE" } else { "" }),
            DataType::Timestamp { zoned } => format!("TIMESTAMP{}", if *zoned { " WITH TIME ZONE" } else { "" }),
            DataType::Interval => "INTERVAL".to_owned(),
            DataType::Json => "JSON".to_owned(),
            DataType::Uuid => "UUID".to_owned(),
            DataType::Geography => "GEOMETRY".to_owned(),
            DataType::Array(element) => format!("{}[]", self.type_name(element)),
            DataType::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| {
                        let name = field.name.as_deref().map(|name| format!("{} ", identifier(name)));
                        format!("{}{}", name.unwrap_or_default(), self.type_name(&field.data_type))
                    })
                    .collect();
                format!("STRUCT({})", fields.join(", "))
            }
            DataType::Map(entry) => format!("MAP({}, {})", self.type_name(&entry.0), self.type_name(&entry.1)),
            DataType::Range(element) => self.type_name(element),
            DataType::Named(name) => name.to_uppercase(),
        }
    }

    fn literal(&self, value: &Value) -> DataType {
        match value {
            Value::Number(text, _) => number(text),
            Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::DollarQuotedString(_) => {
                DataType::TEXT
            }
            Value::Boolean(_) => DataType::Boolean,
            Value::Null => DataType::Null,
            _ => DataType::Unknown,
        }
    }

    fn call_with(&self, name: &str, arguments: &[&DataType], literals: &[Option<&str>]) -> Call {
        let Ok(signatures) = &*SIGNATURES else { return Call::UNKNOWN };
        signatures.call(name, &Arguments { types: arguments, literals }, self)
    }

    fn common(&self, types: &[&DataType]) -> Option<DataType> {
        let mut types = types.iter().copied();
        let first = types.next()?.clone();
        Some(types.fold(first, |one, other| common_of_two(&one, other)))
    }

    fn unnamed(&self, _expression: &ast::Expr, _number: usize) -> Option<String> {
        None
    }

    fn compares(&self, one: &DataType, other: &DataType) -> Option<bool> {
        (one == other && !one.is_vague()).then_some(true)
    }
}

/// A name in a type, with quotes where it needs them.
fn identifier(name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
        && name.starts_with(|first: char| !first.is_ascii_digit());
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The type of a number as it is written.
fn number(text: &str) -> DataType {
    let text = text.replace('_', "");
    if text.contains(['e', 'E']) {
        return DataType::Double;
    }
    if text.contains('.') {
        return match types::decimal_literal(&text) {
            Some(DataType::Decimal(Some(digits))) if digits.precision > 38 => DataType::Double,
            known => known.unwrap_or_default(),
        };
    }
    match text.parse::<u128>() {
        Ok(value) if value <= 0x7fff_ffff => DataType::INT,
        Ok(value) if value <= u128::from(u64::MAX / 2) => DataType::BIGINT,
        Ok(value) if value <= u128::MAX / 2 => DataType::Integer { bits: 128, signed: true },
        _ => DataType::Unknown,
    }
}

fn common_of_two(one: &DataType, other: &DataType) -> DataType {
    match (one, other) {
        (one, other) if one == other => one.clone(),
        (DataType::Null, known) | (known, DataType::Null) => known.clone(),
        _ => DataType::Unknown,
    }
}

fn rule(_name: &str) -> Option<Rule> {
    None
}
