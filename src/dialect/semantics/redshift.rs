//! Amazon Redshift.

use std::sync::LazyLock;

use sqlparser::ast::{self, ExactNumberInfo, Value};

use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{AliasScope, Call, CaseRule, NameRules, Semantics, postgres, types};
use crate::dialect::syntax;
use crate::relation::DataType;

/// Redshift. The length of a text is known where it is written, and nowhere else.
#[derive(Debug)]
pub struct Redshift;

const NAMES: NameRules = NameRules {
    case: CaseRule::Ignored,
    lateral_aliases: true,
    aliases_in_where: true,
    aliases_in_group_by: AliasScope::AfterColumns,
    aliases_in_having: AliasScope::AfterColumns,
    whole_rows: false,
    fields: true,
    aggregates_outer_columns: false,
};

pub(super) static SIGNATURES: LazyLock<Result<Signatures, String>> = LazyLock::new(|| {
    let words = Words { data_type: &|name| Redshift.named_type(name), rule: &rule };
    Signatures::read(&[include_str!("redshift.signatures")], &words)
});

/// What `dateadd(…, n, d)` and its like take for a part of a date.
const PARTS_OF_DATES: &[&str] = &[
    "millennium",
    "millennia",
    "mil",
    "mils",
    "century",
    "centuries",
    "c",
    "cent",
    "cents",
    "decade",
    "decades",
    "dec",
    "decs",
    "year",
    "years",
    "y",
    "yr",
    "yrs",
    "quarter",
    "quarters",
    "qtr",
    "qtrs",
    "month",
    "months",
    "mon",
    "mons",
    "week",
    "weeks",
    "w",
    "dayofweek",
    "dow",
    "dw",
    "weekday",
    "dayofyear",
    "doy",
    "dy",
    "yearday",
    "day",
    "days",
    "d",
    "hour",
    "hours",
    "h",
    "hr",
    "hrs",
    "minute",
    "minutes",
    "m",
    "min",
    "mins",
    "second",
    "seconds",
    "s",
    "sec",
    "secs",
    "millisecond",
    "milliseconds",
    "ms",
    "msec",
    "msecs",
    "msecond",
    "mseconds",
    "millisec",
    "millisecs",
    "millisecon",
    "microsecond",
    "microseconds",
    "microsec",
    "microsecs",
    "microsecond",
    "usecond",
    "useconds",
    "us",
    "usec",
    "usecs",
    "timezone",
    "timezone_hour",
    "timezone_minute",
    "epoch",
];

impl Semantics for Redshift {
    fn names(&self) -> &NameRules {
        &NAMES
    }

    fn fills_columns_left_out(&self) -> bool {
        true
    }

    fn pseudo_columns(&self) -> &'static [&'static str] {
        &["oid", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "$path", "$size", "$spectrum_oid"]
    }

    fn values(&self) -> &'static [&'static str] {
        &[
            "user",
            "current_user",
            "session_user",
            "current_role",
            "current_catalog",
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "sysdate",
            "current_user_id",
            "level",
        ]
    }

    fn column_of_values(&self, place: usize) -> Option<String> {
        Some(format!("column{}", place + 1))
    }

    fn keyword_arguments(&self) -> &'static [&'static str] {
        PARTS_OF_DATES
    }

    fn joins_arrays_by_path(&self) -> bool {
        true
    }

    fn data_type(&self, written: &ast::DataType) -> DataType {
        use ast::DataType as Written;
        match written {
            Written::Numeric(ExactNumberInfo::None)
            | Written::Decimal(ExactNumberInfo::None)
            | Written::Dec(ExactNumberInfo::None) => DataType::decimal(18, 0),
            Written::Varbinary(_) | Written::Binary(_) => DataType::Bytes,
            Written::JSON | Written::JSONB | Written::Uuid | Written::Array(_) | Written::Bytea => DataType::Unknown,
            _ => postgres::data_type(written, self),
        }
    }

    fn named_type(&self, name: &str) -> DataType {
        types::parse(name, &syntax::Redshift).map_or(DataType::Unknown, |written| self.data_type(&written))
    }

    fn type_name(&self, data_type: &DataType) -> String {
        match data_type {
            DataType::Bytes => "varbyte".to_owned(),
            DataType::Json | DataType::Array(_) | DataType::Struct(_) | DataType::Map(_) => "super".to_owned(),
            _ => postgres::type_name(data_type),
        }
    }

    fn literal(&self, value: &Value) -> DataType {
        postgres::literal(value).unwrap_or_else(|| match value {
            Value::Number(text, _) => types::decimal_literal(text).unwrap_or_default(),
            _ => DataType::Unknown,
        })
    }

    fn call_with(&self, name: &str, arguments: &[&DataType], literals: &[Option<&str>]) -> Call {
        let Ok(signatures) = &*SIGNATURES else { return Call::UNKNOWN };
        let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
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
