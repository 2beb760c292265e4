//! BigQuery: GoogleSQL.

use std::sync::LazyLock;

use sqlparser::ast::{self, Value};

use super::meeting::{self, Family};
use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{
    AliasScope, Call, CaseRule, Meeting, NameRules, NullRule, Operand, Outcome, RepeatedAliases, Semantics, pivot,
    types,
};
use crate::dialect::syntax;
use crate::relation::DataType;

/// Google's BigQuery. What a column says of lengths and digits is gone as soon as something is made of it, so types have none.
#[derive(Debug)]
pub struct BigQuery;

const NAMES: NameRules = NameRules {
    case: CaseRule::Ignored,
    lateral_aliases: false,
    aliases_in_where: false,
    aliases_in_group_by: AliasScope::BeforeColumns,
    aliases_in_having: AliasScope::BeforeColumns,
    aliases_in_qualify: AliasScope::BeforeColumns,
    whole_rows: AliasScope::BeforeColumns,
    fields: true,
    derived_tables_are_lateral: false,
    orders_by_any_query: false,
    aggregates_outer_columns: true,
    repeated_aliases: RepeatedAliases::Refused,
};

/// See <https://docs.cloud.google.com/bigquery/docs/column-aliases>. The columns of FROM go before them, as GoogleSQL's own tests of
/// lateral references have it.
const NAMES_WITH_REUSED_ALIASES: NameRules = NameRules { lateral_aliases: true, aliases_in_where: true, ..NAMES };

/// `NUMERIC`.
const NUMERIC: (u32, i32) = (38, 9);
/// `BIGNUMERIC`, which has a part of a 77th digit, too.
const BIGNUMERIC: (u32, i32) = (76, 38);

pub(super) static SIGNATURES: LazyLock<Result<Signatures, String>> = LazyLock::new(|| {
    let words = Words { data_type: &|name| BigQuery.named_type(name), rule: &rule };
    Signatures::read(&[include_str!("bigquery.signatures")], &words)
});

/// What `date_trunc(d, …)` and its like take for a part of a date, and `normalize` for a form.
const PARTS_OF_DATES: &[&str] = &[
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "dayofweek",
    "dayofyear",
    "week",
    "isoweek",
    "month",
    "quarter",
    "year",
    "isoyear",
    "date",
    "time",
    "datetime",
    "nanosecond",
    "nfc",
    "nfkc",
    "nfd",
    "nfkd",
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

impl Semantics for BigQuery {
    fn names(&self) -> &NameRules {
        &NAMES
    }

    fn names_with_reused_aliases(&self) -> Option<&NameRules> {
        Some(&NAMES_WITH_REUSED_ALIASES)
    }

    fn pseudo_columns(&self) -> &'static [&'static str] {
        &["_partitiontime", "_partitiondate", "_table_suffix", "_file_name"]
    }

    /// The parser knows the other functions of the moment as such.
    fn values(&self) -> &'static [&'static str] {
        &["current_datetime"]
    }

    fn keyword_arguments(&self) -> &'static [&'static str] {
        PARTS_OF_DATES
    }

    fn joins_arrays_by_path(&self) -> bool {
        true
    }

    fn unnests_structs(&self) -> bool {
        true
    }

    fn unpivots_value_first(&self) -> bool {
        true
    }

    /// "CREATE TABLE columns must be named"; of a view, too.
    fn wants_names_of_columns(&self) -> bool {
        true
    }

    /// "Lexical structure" of the reference: reserved words are no identifiers unless they stand in backticks.
    fn refuses_reserved_names(&self) -> bool {
        true
    }

    fn is_reserved(&self, name: &str) -> bool {
        super::reserved::BIGQUERY.has(name)
    }

    fn pivoted(&self, value: &ast::ExprWithAlias, aggregate: &ast::ExprWithAlias, is_only: bool) -> Option<String> {
        pivot::bigquery(value, aggregate, is_only)
    }

    fn data_type(&self, written: &ast::DataType) -> DataType {
        use ast::DataType as Written;
        match written {
            Written::TinyInt(_)
            | Written::SmallInt(_)
            | Written::Int(_)
            | Written::Integer(_)
            | Written::BigInt(_)
            | Written::Int64 => DataType::BIGINT,
            Written::Float64 | Written::Float(_) => DataType::Double,
            Written::Numeric(_) | Written::Decimal(_) => DataType::decimal(NUMERIC.0, NUMERIC.1),
            Written::BigNumeric(_) | Written::BigDecimal(_) => DataType::decimal(BIGNUMERIC.0, BIGNUMERIC.1),
            Written::String(_) => DataType::TEXT,
            Written::Bytes(_) => DataType::Bytes,
            Written::Datetime(_) => DataType::TIMESTAMP,
            Written::Timestamp(..) => DataType::INSTANT,
            Written::Custom(name, arguments) => match name.to_string().to_lowercase().as_str() {
                "geography" => DataType::Geography,
                "byteint" => DataType::BIGINT,
                "range" => match arguments.first().map(|element| self.named_type(element)) {
                    Some(element) if arguments.len() == 1 => DataType::Range(Box::new(element)),
                    _ => DataType::Unknown,
                },
                _ => DataType::Unknown,
            },
            _ => types::read(written, self),
        }
    }

    fn named_type(&self, name: &str) -> DataType {
        let is_range = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("range<"));
        if let Some(element) = name.get(6..).and_then(|rest| rest.strip_suffix('>')).filter(|_| is_range) {
            return DataType::Range(Box::new(self.named_type(element)));
        }
        types::parse(name, &syntax::BigQuery).map_or(DataType::Unknown, |written| self.data_type(&written))
    }

    fn type_name(&self, data_type: &DataType) -> String {
        match data_type {
            DataType::Unknown => "UNKNOWN".to_owned(),
            DataType::Boolean => "BOOL".to_owned(),
            DataType::Null | DataType::Integer { .. } => "INT64".to_owned(),
            DataType::Decimal(Some(digits)) if digits.scale > NUMERIC.1 => "BIGNUMERIC".to_owned(),
            DataType::Decimal(_) => "NUMERIC".to_owned(),
            DataType::Real | DataType::Double => "FLOAT64".to_owned(),
            DataType::Text(_) | DataType::Char(_) | DataType::Uuid => "STRING".to_owned(),
            DataType::Bytes => "BYTES".to_owned(),
            DataType::Date => "DATE".to_owned(),
            DataType::Time { .. } => "TIME".to_owned(),
            DataType::Timestamp { zoned: false } => "DATETIME".to_owned(),
            DataType::Timestamp { zoned: true } => "TIMESTAMP".to_owned(),
            DataType::Interval => "INTERVAL".to_owned(),
            DataType::Json | DataType::Map(_) => "JSON".to_owned(),
            DataType::Geography => "GEOGRAPHY".to_owned(),
            DataType::Array(element) => format!("ARRAY<{}>", self.type_name(element)),
            DataType::Range(element) => format!("RANGE<{}>", self.type_name(element)),
            DataType::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| {
                        let name = field.name.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
                        format!("{name}{}", self.type_name(&field.data_type))
                    })
                    .collect();
                format!("STRUCT<{}>", fields.join(", "))
            }
            DataType::Named(name) => name.to_uppercase(),
        }
    }

    fn literal(&self, value: &Value) -> DataType {
        match value {
            Value::Number(text, _) if text.parse::<i64>().is_ok() => DataType::BIGINT,
            Value::Number(text, _) if text.contains(['.', 'e', 'E']) => DataType::Double,
            Value::SingleQuotedString(_)
            | Value::DoubleQuotedString(_)
            | Value::TripleSingleQuotedString(_)
            | Value::TripleDoubleQuotedString(_)
            | Value::SingleQuotedRawStringLiteral(_)
            | Value::DoubleQuotedRawStringLiteral(_)
            | Value::TripleSingleQuotedRawStringLiteral(_)
            | Value::TripleDoubleQuotedRawStringLiteral(_) => DataType::TEXT,
            Value::SingleQuotedByteStringLiteral(_)
            | Value::DoubleQuotedByteStringLiteral(_)
            | Value::TripleSingleQuotedByteStringLiteral(_)
            | Value::TripleDoubleQuotedByteStringLiteral(_) => DataType::Bytes,
            Value::Boolean(_) => DataType::Boolean,
            Value::Null => DataType::Null,
            _ => DataType::Unknown,
        }
    }

    /// A NULL that nothing asks another type of is of this one.
    fn in_a_table(&self, data_type: DataType) -> DataType {
        if data_type == DataType::Null { DataType::BIGINT } else { data_type }
    }

    fn call_with(&self, name: &str, arguments: &[&DataType], literals: &[Option<&str>]) -> Call {
        let Ok(signatures) = &*SIGNATURES else { return Call::UNKNOWN };
        let arguments = Arguments { types: arguments, literals };
        match name.strip_prefix("safe.") {
            Some(name) => Call { nulls: NullRule::Always, ..signatures.call(name, &arguments, self) },
            None => signatures.call(name, &arguments, self),
        }
    }

    fn common(&self, types: &[&DataType]) -> Option<DataType> {
        let mut types = types.iter().copied();
        let first = types.next()?.clone();
        types.try_fold(first, |one, other| common_of_two(&one, other))
    }

    fn unnamed(&self, _expression: &ast::Expr, number: usize) -> Option<String> {
        Some(format!("f{number}_"))
    }

    /// There is a common supertype within a family, and none across. A literal text becomes a moment, or bytes, and nothing
    /// else. See "Conversion rules" of the reference.
    fn meets(&self, meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> Outcome {
        if matches!(meeting, Meeting::Sum | Meeting::Difference | Meeting::Product | Meeting::Pattern) {
            return Outcome::refused_if(meeting::has_no_operator(meeting, one, other));
        }
        if let Some((text, family)) = meeting::literal_beside(one, other) {
            return Outcome::refused_if(match family {
                Some(family @ (Family::Moment | Family::Time)) => family.cannot_be(text),
                None | Some(Family::Text | Family::Bytes) => false,
                Some(_) => true,
            });
        }
        match (one.data_type, other.data_type) {
            // A date or what a clock on a wall shows is no point in time.
            (DataType::Timestamp { zoned: true }, known) | (known, DataType::Timestamp { zoned: true })
                if known.is_moment() =>
            {
                Outcome::refused_if(*known != DataType::INSTANT)
            }
            _ => Outcome::refused_if(Family::of_both(one, other).is_some_and(|(one, other)| one != other)),
        }
    }

    fn takes_as_condition(&self, data_type: &DataType) -> Outcome {
        Outcome::refused_if(Family::of(data_type).is_some_and(|family| family != Family::Boolean))
    }
}

/// Numbers are in the order in which one becomes the other.
fn rank(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Integer { .. } => 0,
        DataType::Decimal(Some(digits)) if digits.scale > NUMERIC.1 => 2,
        DataType::Decimal(_) => 1,
        _ => 3,
    }
}

fn common_of_two(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType::{Date, Decimal, Double, Null, Struct, Text, Timestamp, Unknown};
    Some(match (one, other) {
        (Unknown, _) | (_, Unknown) => Unknown,
        (one, other) if one == other => one.clone(),
        (Null, known) | (known, Null) => known.clone(),
        // A literal with a point becomes the decimal that it stands beside; a column does not.
        (Decimal(_), Double) | (Double, Decimal(_)) => Unknown,
        (one, other) if one.is_number() && other.is_number() => {
            if rank(one) < rank(other) { other } else { one }.clone()
        }
        (Struct(one), Struct(other)) => {
            types::common_struct(one, other, |one, other| common_of_two(one, other).unwrap_or_default())
        }
        (Date, Timestamp { zoned: false }) | (Timestamp { zoned: false }, Date) => DataType::TIMESTAMP,
        // A text here can only be a literal.
        (Text(_), known) | (known, Text(_)) if is_moment(known) => known.clone(),
        (one, other) if one.is_moment() && other.is_moment() => return None,
        (one, other) => match (Family::of(one), Family::of(other)) {
            (Some(one), Some(other)) if one != other => return None,
            _ => Unknown,
        },
    })
}

/// What an operator makes of two numbers. A FLOAT64 that is a literal becomes the NUMERIC that it stands beside; beside any
/// other one the NUMERIC becomes a FLOAT64. See `EXPLICIT_OR_LITERAL` in `public/cast.cc` of `GoogleSQL`.
fn number(arguments: &Arguments<'_>) -> DataType {
    use DataType::{Decimal, Double, Null, Unknown};
    let [one, other] = arguments.types else { return Unknown };
    let of_float = |place, decimal: &DataType| match arguments.literal(place) {
        Some(_) => decimal.clone(),
        None => Double,
    };
    match (one, other) {
        (Double, Decimal(_)) => of_float(0, other),
        (Decimal(_), Double) => of_float(1, one),
        (Null, Null) => Unknown,
        _ => common_of_two(one, other).unwrap_or_default(),
    }
}

fn is_moment(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date | DataType::Time { .. } | DataType::Timestamp { .. })
}

fn rule(name: &str) -> Option<Rule> {
    match name {
        "number" => Some(number),
        "row" => Some(types::row),
        _ => None,
    }
}
