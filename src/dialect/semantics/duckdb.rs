//! DuckDB 1.5.

use std::sync::LazyLock;

use sqlparser::ast::{self, Value};

use super::meeting::{self, Family};
use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{
    AliasScope, Call, CaseRule, Meeting, NameRules, Operand, Outcome, RepeatedAliases, RepeatedColumns, Semantics,
    pivot, types, unnamed,
};
use crate::dialect::syntax;
use crate::relation::{DataType, Digits, Field};

/// The embedded engine.
#[derive(Debug)]
pub struct DuckDb;

const NAMES: NameRules = NameRules {
    case: CaseRule::Ignored,
    lateral_aliases: true,
    aliases_in_where: true,
    aliases_in_group_by: AliasScope::AfterColumns,
    aliases_in_having: AliasScope::AfterColumns,
    aliases_in_qualify: AliasScope::AfterColumns,
    whole_rows: AliasScope::AfterColumns,
    fields: true,
    derived_tables_are_lateral: true,
    orders_by_any_query: true,
    aggregates_outer_columns: false,
    repeated_aliases: RepeatedAliases::Taken,
};

pub(super) static SIGNATURES: LazyLock<Result<Signatures, String>> = LazyLock::new(|| {
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

    fn values(&self) -> &'static [&'static str] {
        &["user", "current_user", "session_user", "current_role", "current_catalog", "current_schema"]
    }

    fn names_elements_by_alias(&self) -> bool {
        false
    }

    fn spreads_items(&self) -> bool {
        true
    }

    fn calls_fields_by_name(&self) -> bool {
        false
    }

    fn puts_using_first(&self) -> bool {
        false
    }

    fn column_of_values(&self, place: usize) -> Option<String> {
        Some(format!("col{place}"))
    }

    fn groups_by_order_keys(&self) -> bool {
        true
    }

    fn repeated_columns(&self) -> RepeatedColumns {
        RepeatedColumns::Numbered
    }

    fn is_reserved(&self, name: &str) -> bool {
        super::reserved::DUCKDB.has(name)
    }

    fn pivoted(&self, value: &ast::ExprWithAlias, aggregate: &ast::ExprWithAlias, is_only: bool) -> Option<String> {
        pivot::duckdb(value, aggregate, is_only, unnamed::duckdb::name)
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
        let name = name.trim();
        if let Some(element) = name.strip_suffix("[]") {
            return self.named_type(element).array();
        }
        if let Some(entry) = inside(name, "MAP(") {
            let [key, value] = types::split(entry)[..] else { return DataType::Unknown };
            return DataType::Map(Box::new((self.named_type(key), self.named_type(value))));
        }
        if let Some(fields) = inside(name, "STRUCT(") {
            let fields = types::split(fields).into_iter().map(|written| {
                let (name, data_type) = field(written)?;
                Some(Field { name: Some(name.into()), data_type: self.named_type(data_type) })
            });
            return fields.collect::<Option<_>>().map_or(DataType::Unknown, DataType::Struct);
        }
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

    /// A NULL that nothing asks another type of is of this one.
    fn in_a_table(&self, data_type: DataType) -> DataType {
        if data_type == DataType::Null { DataType::INT } else { data_type }
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

    fn unnamed(&self, expression: &ast::Expr, _number: usize) -> Option<String> {
        unnamed::duckdb::name(expression)
    }

    /// Where it asks whether two values are the same, and in the halves of a UNION, DuckDB casts at any price: the statement is
    /// taken, and without such a cast the first value fails. All else has to have a type that both come to by themselves. JSON
    /// goes with everything, and a literal text is read as what it stands beside.
    fn meets(&self, meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> Outcome {
        use Family::{Boolean, Bytes, Json, Map, Number, Struct, Text, Uuid};
        let literal = meeting::literal_beside(one, other);
        let Some(families) = Family::of_both(one, other) else { return Outcome::Taken };
        let is_none_of = |pairs: &[(Family, Family)]| {
            families.0 != families.1 && !pairs.contains(&families) && !pairs.contains(&(families.1, families.0))
        };
        if [families.0, families.1].contains(&Json) && meeting != Meeting::Pattern {
            return Outcome::Taken;
        }
        let is_bound_to_fail = match (meeting, literal) {
            (Meeting::Sum | Meeting::Difference | Meeting::Product | Meeting::Pattern, _) => {
                return Outcome::refused_if(meeting::has_no_operator(meeting, one, other));
            }
            (Meeting::Equality | Meeting::Order, Some((text, family))) => {
                family.is_some_and(|family| family.cannot_be(text))
            }
            (_, Some(_)) => false,
            (Meeting::Equality | Meeting::Union, None) => {
                let has_text = [families.0, families.1].contains(&Text);
                !has_text && is_none_of(&[(Boolean, Number), (Bytes, Uuid), (Map, Struct)])
            }
            // Whole numbers are truth values, too, and among several values they may be what the others come to.
            (Meeting::Choice | Meeting::Order | Meeting::Membership, None) => {
                return Outcome::refused_if(is_none_of(&[(Boolean, Number)]));
            }
        };
        if is_bound_to_fail { Outcome::Fails } else { Outcome::Taken }
    }

    /// Numbers are true if they are not zero, and texts are read.
    fn takes_as_condition(&self, data_type: &DataType) -> Outcome {
        use Family::{Array, Bytes, Interval, Map, Moment, Struct, Time, Uuid};
        let family = Family::of(data_type);
        let fails = matches!(family, Some(Array | Bytes | Interval | Map | Moment | Struct | Time | Uuid));
        if fails { Outcome::Fails } else { Outcome::Taken }
    }

    fn passes_nulls_on(&self) -> bool {
        true
    }
}

/// What stands in the brackets of a type that begins with such a word.
fn inside<'n>(name: &'n str, word: &str) -> Option<&'n str> {
    let start = name.get(..word.len())?;
    name[word.len()..].strip_suffix(')').filter(|_| start.eq_ignore_ascii_case(word))
}

/// The name and the type of a field.
fn field(written: &str) -> Option<(String, &str)> {
    let Some(quoted) = written.strip_prefix('"') else {
        return written.split_once(' ').map(|(name, data_type)| (name.to_owned(), data_type));
    };
    // Within quotes a quote is two.
    let is_end =
        |at: &usize| quoted[*at + 1..].starts_with(' ') && quoted[..*at].matches('"').count().is_multiple_of(2);
    let end = quoted.match_indices('"').map(|(at, _)| at).find(is_end)?;
    Some((quoted[..end].replace("\"\"", "\""), &quoted[end + 1..]))
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
    use DataType::{Array, Date, Decimal, Double, Integer, Null, Real, Struct, Timestamp};
    match (one, other) {
        (one, other) if one == other => one.clone(),
        (Null, known) | (known, Null) => known.clone(),
        (Integer { .. }, Integer { .. }) => common_integer(one, other),
        (Decimal(_) | Integer { .. }, Decimal(_) | Integer { .. }) => common_decimal(one, other),
        (Double, number) | (number, Double) if number.is_number() => Double,
        (Real, number) | (number, Real) if number.is_number() => Real,
        (Date | Timestamp { .. }, Date | Timestamp { .. }) => {
            let zoned = [one, other].contains(&&DataType::INSTANT);
            Timestamp { zoned }
        }
        (Array(one), Array(other)) => common_of_two(one, other).array(),
        (Struct(one), Struct(other)) => types::common_struct(one, other, common_of_two),
        _ => DataType::Unknown,
    }
}

/// Where there are too many digits, those behind the point give way to those before it, unless these are of a whole number.
fn common_decimal(one: &DataType, other: &DataType) -> DataType {
    let (Some(first), Some(second)) = (as_decimal(one), as_decimal(other)) else { return DataType::Unknown };
    let whole = |digits: Digits| digits.precision.saturating_sub(digits.scale.unsigned_abs());
    let whole = whole(first).max(whole(second));
    let scale = first.scale.max(second.scale);
    let has_integer = [one, other].iter().any(|side| matches!(side, DataType::Integer { .. }));
    let room = if has_integer { MOST_DIGITS } else { MOST_DIGITS.saturating_sub(whole) };
    let precision = (whole + scale.unsigned_abs()).min(MOST_DIGITS);
    DataType::decimal(precision, scale.min(i32::try_from(room).unwrap_or(scale)))
}

/// A literal takes on the type of the other side if that is large enough. What could be one leaves it open.
fn common_integer(one: &DataType, other: &DataType) -> DataType {
    let (DataType::Integer { bits, signed }, DataType::Integer { bits: other_bits, signed: other_signed }) =
        (one, other)
    else {
        return DataType::Unknown;
    };
    let (small, large) = (bits.min(other_bits), bits.max(other_bits));
    match (signed, other_signed) {
        (true, true) if *large == 32 && *small < 32 => DataType::Unknown,
        (true, true) => DataType::Integer { bits: *large, signed: true },
        (false, false) => DataType::Integer { bits: *large, signed: false },
        _ => DataType::Unknown,
    }
}

/// A number as a decimal without loss.
fn as_decimal(data_type: &DataType) -> Option<Digits> {
    match data_type {
        DataType::Decimal(digits) => *digits,
        DataType::Integer { bits, signed } => {
            let precision = match bits {
                8 => 3,
                16 => 5,
                32 => 10,
                64 if *signed => 19,
                64 => 20,
                128 if *signed => MOST_DIGITS,
                _ => return None,
            };
            Some(Digits { precision, scale: 0 })
        }
        _ => None,
    }
}

/// How many digits a decimal can have at most, and up to how many it is kept in 64 bits.
const MOST_DIGITS: u32 = 38;
const DIGITS_OF_64_BITS: u32 = 18;

/// The decimal that holds the values of both, with so many digits more in front of the point.
fn widest(one: &DataType, other: &DataType, more: u32) -> DataType {
    let (Some(one), Some(other)) = (as_decimal(one), as_decimal(other)) else { return DataType::Unknown };
    let whole = |digits: Digits| i64::from(digits.precision) - i64::from(digits.scale);
    let scale = one.scale.max(other.scale);
    let Ok(precision) = u32::try_from(whole(one).max(whole(other)) + i64::from(scale)) else {
        return DataType::Unknown;
    };
    let widest = one.precision.max(other.precision);
    let precision = precision.max(widest) + more;
    let is_cut = more > 0 && precision > DIGITS_OF_64_BITS && widest <= DIGITS_OF_64_BITS;
    DataType::decimal(if is_cut { DIGITS_OF_64_BITS } else { precision.min(MOST_DIGITS) }, scale)
}

/// `+` and `-`.
fn sum(arguments: &Arguments<'_>) -> DataType {
    let [one, other] = arguments.types else { return DataType::Unknown };
    widest(one, other, 1)
}

/// `concat`: lists make a list, all else makes a text.
fn concatenated(arguments: &Arguments<'_>) -> DataType {
    let is_plain =
        |data_type: &&DataType| data_type.is_number() || data_type.is_text() || **data_type == DataType::Date;
    if arguments.types.iter().all(is_plain) { DataType::TEXT } else { DataType::Unknown }
}

/// `%`. Where there are too many digits for a decimal, it is done with floats.
fn remainder(arguments: &Arguments<'_>) -> DataType {
    let [one, other] = arguments.types else { return DataType::Unknown };
    match widest(one, other, 0) {
        DataType::Decimal(Some(digits)) if digits.precision >= MOST_DIGITS && one != other => DataType::Unknown,
        known => known,
    }
}

/// `*`.
fn product(arguments: &Arguments<'_>) -> DataType {
    let [one, other] = arguments.types else { return DataType::Unknown };
    let (Some(one), Some(other)) = (as_decimal(one), as_decimal(other)) else { return DataType::Unknown };
    let (precision, scale) = (one.precision + other.precision, one.scale + other.scale);
    let is_cut = precision > DIGITS_OF_64_BITS
        && one.precision.max(other.precision) <= DIGITS_OF_64_BITS
        && i64::from(scale) < i64::from(DIGITS_OF_64_BITS);
    DataType::decimal(if is_cut { DIGITS_OF_64_BITS } else { precision.min(MOST_DIGITS) }, scale)
}

/// `/`: floats of 32 bits stay so among themselves and with whole numbers.
fn quotient(arguments: &Arguments<'_>) -> DataType {
    if arguments.types.contains(&&DataType::Real) { DataType::Unknown } else { DataType::Double }
}

/// `sum(price)`: as many digits as there can be.
fn total(arguments: &Arguments<'_>) -> DataType {
    match arguments.types.first() {
        Some(DataType::Decimal(Some(digits))) => DataType::decimal(MOST_DIGITS, digits.scale),
        _ => DataType::Unknown,
    }
}

/// `round(price, 2)`: it is the number that says how many digits are left.
fn rounded(arguments: &Arguments<'_>) -> DataType {
    let Some(DataType::Decimal(Some(digits))) = arguments.types.first() else { return DataType::Unknown };
    let places = if arguments.types.len() == 1 {
        Some(0)
    } else {
        arguments.literal(1).and_then(|text| text.parse::<i32>().ok())
    };
    places.map_or(DataType::Unknown, |places| DataType::decimal(digits.precision, places.clamp(0, digits.scale)))
}

fn rule(name: &str) -> Option<Rule> {
    Some(match name {
        "row" => types::row,
        "sum" => sum,
        "remainder" => remainder,
        "product" => product,
        "total" => total,
        "rounded" => rounded,
        "concatenated" => concatenated,
        "quotient" => quotient,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `DESCRIBE` and `duckdb_columns()` have them.
    const REPORTED: &[&str] = &[
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(18,3)",
        "DECIMAL(10,2)",
        "VARCHAR",
        "BLOB",
        "DATE",
        "TIME",
        "TIME WITH TIME ZONE",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP_S",
        "TIMESTAMP_MS",
        "TIMESTAMP_NS",
        "INTERVAL",
        "JSON",
        "UUID",
        "BIT",
        "BIGNUM",
        "INTEGER[]",
        "BIGINT[][]",
        "DECIMAL(10,2)[]",
        "TIMESTAMP WITH TIME ZONE[]",
        "STRUCT(a INTEGER, \"b c\" VARCHAR, d DECIMAL(2,1)[])",
        "STRUCT(\"a, b\" INTEGER, \"q\"\"r\" INTEGER)",
        "STRUCT(\"a) b\" INTEGER, \"\"\" \"\"\" DATE)",
        "STRUCT(a STRUCT(b TIMESTAMP WITH TIME ZONE))[]",
        "STRUCT(m MAP(VARCHAR, INTEGER))",
        "MAP(VARCHAR, INTEGER)",
        "MAP(VARCHAR, INTEGER)[]",
        "MAP(VARCHAR, STRUCT(x INTEGER[]))",
        "MAP(VARCHAR, MAP(INTEGER, DATE[]))",
    ];

    #[test]
    fn types_are_read_as_duckdb_writes_them() {
        for name in REPORTED {
            let data_type = DuckDb.named_type(name);
            assert!(!data_type.is_vague(), "{name}");
            assert_eq!(DuckDb.type_name(&data_type), *name);
            assert_eq!(DuckDb.named_type(&DuckDb.type_name(&data_type)), data_type);
        }
        for name in ["INTEGER[3]", "ENUM('a', 'b')", "UNION(num INTEGER)"] {
            assert_eq!(DuckDb.named_type(name), DataType::Unknown, "{name}");
        }
    }
}
