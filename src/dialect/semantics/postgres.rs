//! PostgreSQL 15.

use std::sync::LazyLock;

use sqlparser::ast::{self, Value};

use super::meeting::{self, Family};
use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{
    AliasScope, Call, CaseRule, Meeting, NameRules, Operand, Outcome, RepeatedAliases, Semantics, types, unnamed,
};
use crate::dialect::syntax;
use crate::relation::{DataType, Digits};

/// PostgreSQL. A `varchar` without a limit is told from `text` by nothing that matters, so here they are one.
#[derive(Debug)]
pub struct Postgres;

const NAMES: NameRules = NameRules {
    case: CaseRule::FoldsToLower,
    lateral_aliases: false,
    aliases_in_where: false,
    aliases_in_group_by: AliasScope::AfterColumns,
    aliases_in_having: AliasScope::Hidden,
    aliases_in_qualify: AliasScope::AfterColumns,
    whole_rows: AliasScope::AfterColumns,
    fields: false,
    derived_tables_are_lateral: false,
    orders_by_any_query: false,
    aggregates_outer_columns: false,
    repeated_aliases: RepeatedAliases::TakenOfTables,
};

pub(super) static SIGNATURES: LazyLock<Result<Signatures, String>> = LazyLock::new(|| {
    let words = Words { data_type: &|name| Postgres.named_type(name), rule: &rule };
    Signatures::read(&[include_str!("postgres.signatures")], &words)
});

impl Semantics for Postgres {
    fn names(&self) -> &NameRules {
        &NAMES
    }

    fn groups_by_primary_key(&self) -> bool {
        true
    }

    fn unnests_structs(&self) -> bool {
        true
    }

    fn fills_columns_left_out(&self) -> bool {
        true
    }

    fn pseudo_columns(&self) -> &'static [&'static str] {
        &["ctid", "oid", "xmin", "xmax", "cmin", "cmax", "tableoid"]
    }

    fn values(&self) -> &'static [&'static str] {
        &[
            "user",
            "current_user",
            "session_user",
            "system_user",
            "current_role",
            "current_catalog",
            "current_schema",
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
        ]
    }

    fn column_of_values(&self, place: usize) -> Option<String> {
        Some(format!("column{}", place + 1))
    }

    fn is_reserved(&self, name: &str) -> bool {
        super::reserved::POSTGRES.has(name)
    }

    fn data_type(&self, written: &ast::DataType) -> DataType {
        use ast::DataType as Written;
        match written {
            Written::JSONB => DataType::Named("jsonb".into()),
            Written::Regclass => DataType::Named("regclass".into()),
            Written::TsVector => DataType::Named("tsvector".into()),
            Written::TsQuery => DataType::Named("tsquery".into()),
            // Whatever the number of brackets: an array of arrays is an array.
            Written::Array(
                ast::ArrayElemTypeDef::SquareBracket(element, _) | ast::ArrayElemTypeDef::Qualified(element, _),
            ) => match self.data_type(element) {
                inner @ DataType::Array(_) => inner,
                element => element.array(),
            },
            _ => data_type(written, self),
        }
    }

    fn named_type(&self, name: &str) -> DataType {
        types::parse(name, &syntax::Postgres).map_or(DataType::Unknown, |written| self.data_type(&written))
    }

    fn type_name(&self, data_type: &DataType) -> String {
        match data_type {
            DataType::Null | DataType::Text(None) => "text".to_owned(),
            DataType::Array(element) => format!("{}[]", self.type_name(element)),
            _ => type_name(data_type),
        }
    }

    fn literal(&self, value: &Value) -> DataType {
        literal(value).unwrap_or(DataType::Decimal(None))
    }

    /// A NULL that nothing asks another type of is of this one.
    fn in_a_table(&self, data_type: DataType) -> DataType {
        if data_type == DataType::Null { DataType::TEXT } else { data_type }
    }

    fn call_with(&self, name: &str, arguments: &[&DataType], literals: &[Option<&str>]) -> Call {
        let Ok(signatures) = &*SIGNATURES else { return Call::UNKNOWN };
        let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
        signatures.call(name, &Arguments { types: arguments, literals }, self)
    }

    fn common(&self, types: &[&DataType]) -> Option<DataType> {
        let mut types = types.iter().copied();
        let first = types.next()?.clone();
        types.try_fold(first, |one, other| common_of_two(&one, other))
    }

    fn unnamed(&self, expression: &ast::Expr, _number: usize) -> Option<String> {
        unnamed::postgres::name(expression)
    }

    /// Every pair of types of one family has its operators and a type that both come to, and no other pair has. A literal text
    /// is read as what it stands beside, also where a span is taken from a moment.
    fn meets(&self, meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> Outcome {
        if let (Meeting::Difference, Some((text, Some(Family::Moment | Family::Time)))) =
            (meeting, meeting::literal_beside(one, other))
        {
            return Outcome::refused_if(meeting::is_span(text));
        }
        if matches!(meeting, Meeting::Sum | Meeting::Difference | Meeting::Product | Meeting::Pattern) {
            return Outcome::refused_if(meeting::has_no_operator(meeting, one, other));
        }
        if let Some((text, family)) = meeting::literal_beside(one, other) {
            return Outcome::refused_if(family.is_some_and(|family| family.cannot_be(text)));
        }
        let Some((one, other)) = Family::of_both(one, other) else { return Outcome::Taken };
        // A time of day becomes an interval by itself.
        let is_clock = |family| matches!(family, Family::Time | Family::Interval);
        Outcome::refused_if(one != other && !(is_clock(one) && is_clock(other)))
    }

    fn takes_as_condition(&self, data_type: &DataType) -> Outcome {
        Outcome::refused_if(Family::of(data_type).is_some_and(|family| family != Family::Boolean))
    }
}

/// The types that PostgreSQL and Redshift write alike.
pub(super) fn data_type(written: &ast::DataType, dialect: &dyn Semantics) -> DataType {
    use ast::DataType as Written;
    match written {
        Written::Numeric(digits) | Written::Decimal(digits) | Written::Dec(digits) => {
            DataType::Decimal(types::digits(digits))
        }
        Written::Float(ast::ExactNumberInfo::Precision(bits)) if *bits <= 24 => DataType::Real,
        Written::Float(_) => DataType::Double,
        Written::Char(length) | Written::Character(length) => {
            DataType::Char(Some(length.as_ref().map_or(Some(1), |length| types::characters(Some(length))).unwrap_or(1)))
        }
        Written::Custom(name, arguments) => {
            let name = name.to_string().to_lowercase();
            let number = |place: usize| arguments.get(place).and_then(|text| text.parse().ok());
            match name.strip_prefix("pg_catalog.").unwrap_or(&name) {
                "bpchar" => DataType::Char(number(0)),
                "int4range" => DataType::Range(Box::new(DataType::INT)),
                "int8range" => DataType::Range(Box::new(DataType::BIGINT)),
                "numrange" => DataType::Range(Box::new(DataType::Decimal(None))),
                "daterange" => DataType::Range(Box::new(DataType::Date)),
                "tsrange" => DataType::Range(Box::new(DataType::TIMESTAMP)),
                "tstzrange" => DataType::Range(Box::new(DataType::INSTANT)),
                known @ ("bit" | "box" | "cidr" | "circle" | "geometry" | "inet" | "jsonpath" | "line" | "lseg"
                | "macaddr" | "money" | "name" | "oid" | "path" | "point" | "polygon" | "regtype"
                | "super" | "xml" | "hllsketch") => DataType::Named(known.into()),
                "geography" => DataType::Geography,
                "varbyte" => DataType::Bytes,
                _ => DataType::Unknown,
            }
        }
        _ => types::read(written, dialect),
    }
}

/// What PostgreSQL and Redshift call alike.
pub(super) fn type_name(data_type: &DataType) -> String {
    let zone = |zoned: &bool| if *zoned { "with time zone" } else { "without time zone" };
    match data_type {
        DataType::Unknown => "unknown".to_owned(),
        DataType::Null => "text".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Integer { bits: 8 | 16, .. } => "smallint".to_owned(),
        DataType::Integer { bits: 64 | 128, .. } => "bigint".to_owned(),
        DataType::Integer { .. } => "integer".to_owned(),
        DataType::Decimal(None) => "numeric".to_owned(),
        DataType::Decimal(Some(Digits { precision, scale })) => format!("numeric({precision},{scale})"),
        DataType::Real => "real".to_owned(),
        DataType::Double => "double precision".to_owned(),
        DataType::Text(None) => "character varying".to_owned(),
        DataType::Text(Some(length)) => format!("character varying({length})"),
        DataType::Char(None) => "bpchar".to_owned(),
        DataType::Char(Some(length)) => format!("character({length})"),
        DataType::Bytes => "bytea".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Time { zoned } => format!("time {}", zone(zoned)),
        DataType::Timestamp { zoned } => format!("timestamp {}", zone(zoned)),
        DataType::Interval => "interval".to_owned(),
        DataType::Json => "json".to_owned(),
        DataType::Uuid => "uuid".to_owned(),
        DataType::Geography => "geography".to_owned(),
        DataType::Array(element) => format!("{}[]", type_name(element)),
        DataType::Struct(_) => "record".to_owned(),
        DataType::Map(_) => "jsonb".to_owned(),
        DataType::Range(element) => match &**element {
            DataType::Integer { bits: 64, .. } => "int8range",
            DataType::Integer { .. } => "int4range",
            DataType::Date => "daterange",
            DataType::Timestamp { zoned: true } => "tstzrange",
            DataType::Timestamp { .. } => "tsrange",
            _ => "numrange",
        }
        .to_owned(),
        DataType::Named(name) => name.to_string(),
    }
}

/// The type of a literal; `None` for a number that is not whole, or too large for that.
pub(super) fn literal(value: &Value) -> Option<DataType> {
    Some(match value {
        Value::Number(text, _) => {
            let text = text.replace('_', "");
            match text.parse::<i64>() {
                Ok(value) if i32::try_from(value).is_ok() => DataType::INT,
                Ok(_) => DataType::BIGINT,
                Err(_) => return None,
            }
        }
        Value::SingleQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::UnicodeStringLiteral(_)
        | Value::DollarQuotedString(_) => DataType::TEXT,
        Value::Boolean(_) => DataType::Boolean,
        Value::Null => DataType::Null,
        _ => DataType::Unknown,
    })
}

/// The same type without a limit of characters or digits.
fn unlimited(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Text(_) => DataType::TEXT,
        DataType::Char(_) => DataType::Char(None),
        DataType::Decimal(_) => DataType::Decimal(None),
        DataType::Array(element) => unlimited(element).array(),
        other => other.clone(),
    }
}

/// The numbers in the order in which one becomes the other.
fn rank(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Integer { bits, .. } => *bits,
        DataType::Decimal(_) => 200,
        DataType::Real => 201,
        _ => 202,
    }
}

fn common_of_two(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType::{Char, Date, Decimal, Null, Text, Timestamp, Unknown};
    Some(match (one, other) {
        (Unknown, _) | (_, Unknown) => Unknown,
        (one, other) if one == other => one.clone(),
        (Text(_), Text(_)) => DataType::TEXT,
        (Char(_), Char(_)) => Char(None),
        (Decimal(_), Decimal(_)) => Decimal(None),
        (Char(_), Text(_)) | (Text(_), Char(_)) => Unknown,
        // A text here can only be a literal.
        (Null | Text(None), known) | (known, Null | Text(None)) => unlimited(known),
        (one, other) if one.is_number() && other.is_number() => {
            unlimited(if rank(one) < rank(other) { other } else { one })
        }
        (Date | Timestamp { .. }, Date | Timestamp { .. }) => {
            Timestamp { zoned: [one, other].contains(&&DataType::INSTANT) }
        }
        (one, other) => match (Family::of(one), Family::of(other)) {
            (Some(one), Some(other)) if one != other => return None,
            _ => Unknown,
        },
    })
}

/// Without an ELSE there is a NULL, which has no limits. Whether there is one shows if there is one result only.
fn case(arguments: &Arguments<'_>) -> DataType {
    match Postgres.common(arguments.types) {
        Some(common) if arguments.types.len() == 1 => unlimited(&common),
        Some(common) if common == unlimited(&common) => common,
        _ => DataType::Unknown,
    }
}

/// What two numbers become.
fn arithmetic(arguments: &Arguments<'_>) -> DataType {
    match arguments.types {
        [one, other] if !(one.is_number() && other.is_number()) => DataType::Unknown,
        [DataType::Real, DataType::Real] => DataType::Real,
        [one, other] if rank(one).max(rank(other)) > rank(&DataType::Decimal(None)) => DataType::Double,
        [one, other] => unlimited(if rank(one) < rank(other) { other } else { one }),
        _ => DataType::Unknown,
    }
}

/// What comes out of a group or a window has no limits.
fn bare(arguments: &Arguments<'_>) -> DataType {
    unlimited(&first(arguments))
}

/// An array of what is in a group.
fn collected(arguments: &Arguments<'_>) -> DataType {
    unlimited(&array(arguments))
}

/// An array of arrays is an array of what these hold.
fn array(arguments: &Arguments<'_>) -> DataType {
    match Postgres.common(arguments.types) {
        Some(array @ DataType::Array(_)) => array,
        Some(DataType::Null) => DataType::TEXT.array(),
        Some(element) => element.array(),
        None => DataType::Unknown,
    }
}

/// The type of the first argument.
fn first(arguments: &Arguments<'_>) -> DataType {
    arguments.types.first().map(|first| (*first).clone()).unwrap_or_default()
}

/// The same, if the other is of no other type that is known.
fn same(arguments: &Arguments<'_>) -> DataType {
    match arguments.types {
        [one, other] if one == other || matches!(other, DataType::Text(_)) => (*one).clone(),
        _ => DataType::Unknown,
    }
}

fn rule(name: &str) -> Option<Rule> {
    Some(match name {
        "arithmetic" => arithmetic,
        "array" => array,
        "bare" => bare,
        "case" => case,
        "collected" => collected,
        "first" => first,
        "same" => same,
        _ => return None,
    })
}
