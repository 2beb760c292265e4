//! Amazon Redshift.

use std::sync::LazyLock;

use sqlparser::ast::{self, ExactNumberInfo, Value};

use super::meeting::{self, Family};
use super::pattern::Arguments;
use super::signatures::{Rule, Signatures, Words};
use super::{
    AliasScope, Call, CaseRule, Meeting, NameRules, Operand, Outcome, RepeatedAliases, Semantics, pivot, postgres,
    types, unnamed,
};
use crate::dialect::syntax;
use crate::relation::{DataType, Digits};

/// Redshift. The length of a text is known where it is written, and nowhere else.
#[derive(Debug)]
pub struct Redshift;

const NAMES: NameRules = NameRules {
    case: CaseRule::Ignored,
    lateral_aliases: true,
    aliases_in_where: true,
    aliases_in_group_by: AliasScope::AfterColumns,
    aliases_in_having: AliasScope::AfterColumns,
    aliases_in_qualify: AliasScope::AfterColumns,
    whole_rows: AliasScope::Hidden,
    fields: true,
    derived_tables_are_lateral: false,
    orders_by_any_query: false,
    aggregates_outer_columns: false,
    repeated_aliases: RepeatedAliases::TakenOfTables,
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
    "date",
    "timestamp",
    "time",
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
            "current_schema",
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "sysdate",
            "getdate",
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

    /// Most are made WITH NO SCHEMA BINDING.
    fn looks_into_views(&self) -> bool {
        false
    }

    fn is_reserved(&self, name: &str) -> bool {
        super::reserved::REDSHIFT.has(name)
    }

    fn pivoted(&self, value: &ast::ExprWithAlias, aggregate: &ast::ExprWithAlias, is_only: bool) -> Option<String> {
        pivot::redshift(value, aggregate, is_only)
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
            // Whether a zero in front of the point counts as a digit is not known.
            Value::Number(text, _) if text.starts_with(['0', '.']) => SOME_DECIMAL,
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

    fn unnamed(&self, expression: &ast::Expr, _number: usize) -> Option<String> {
        // Its names are those of PostgreSQL, but what has changed there since is not known.
        match expression {
            ast::Expr::Function(_) | ast::Expr::BinaryOp { .. } => unnamed::postgres::name(expression),
            _ => None,
        }
    }

    /// Only what is certain of "Type compatibility and conversion" of the guide: days and times become no numbers and no truth
    /// values by themselves, nor does VARBYTE become anything. In a CASE or a UNION texts are as far from the others as they are in
    /// PostgreSQL ("UNION types character varying and bigint cannot be matched"); in comparisons they become numbers and back.
    /// A literal in a subquery may be of no type yet.
    fn meets(&self, meeting: Meeting, one: &Operand<'_>, other: &Operand<'_>) -> Outcome {
        use Family::{Boolean, Bytes, Moment, Number, Text, Time};
        let Some(families) = Family::of_both(one, other) else { return Outcome::Taken };
        let is_pair = |some: &[Family], others: &[Family]| {
            let is_in = |one, other| some.contains(&one) && others.contains(&other);
            is_in(families.0, families.1) || is_in(families.1, families.0)
        };
        let are_settled = [one, other].iter().all(|side| side.is_settled || !side.data_type.is_text());
        let is_apart =
            is_pair(&[Moment, Time], &[Number, Boolean]) || is_pair(&[Bytes], &[Number, Boolean, Moment, Time]);
        Outcome::refused_if(match meeting {
            _ if meeting::literal_beside(one, other).is_some() || !are_settled => false,
            Meeting::Equality | Meeting::Order | Meeting::Membership => is_apart,
            Meeting::Choice | Meeting::Union => is_apart || is_pair(&[Text], &[Number, Boolean, Moment, Time]),
            Meeting::Sum | Meeting::Difference | Meeting::Product | Meeting::Pattern => false,
        })
    }
}

fn common_of_two(one: &DataType, other: &DataType) -> DataType {
    use DataType::{Date, Decimal, Double, Integer, Null, Text, Timestamp};
    match (one, other) {
        (one, other) if one == other => one.clone(),
        (Null, known) | (known, Null) => known.clone(),
        (Text(_), Text(_)) => DataType::TEXT,
        (Integer { bits: one, .. }, Integer { bits: other, .. }) => Integer { bits: *one.max(other), signed: true },
        (Decimal(_), Decimal(_) | Integer { .. }) | (Integer { .. }, Decimal(_)) => SOME_DECIMAL,
        (Double, number) | (number, Double) if number.is_number() => Double,
        (Date | Timestamp { .. }, Date | Timestamp { .. }) => {
            Timestamp { zoned: [one, other].contains(&&DataType::INSTANT) }
        }
        _ => DataType::Unknown,
    }
}

/// A decimal of which the manual does not say how many digits it has.
const SOME_DECIMAL: DataType = DataType::Decimal(None);

/// What two numbers become; a rule of its own for two decimals. How many digits a whole number counts for is not known, nor what
/// is left of more than there can be.
fn arithmetic(arguments: &Arguments<'_>, decimals: fn(Digits, Digits) -> (i64, i64)) -> DataType {
    use DataType::{Decimal, Double, Integer, Real};
    let [one, other] = arguments.types else { return DataType::Unknown };
    match (one, other) {
        (Integer { bits: one, .. }, Integer { bits: other, .. }) => Integer { bits: *one.max(other), signed: true },
        (Real, Real) => Real,
        (Double | Real, number) | (number, Double | Real) if number.is_number() => Double,
        (Decimal(Some(one)), Decimal(Some(other))) => {
            let (precision, scale) = decimals(*one, *other);
            match (u32::try_from(precision), i32::try_from(scale)) {
                (Ok(precision), Ok(scale)) if precision <= MOST_DIGITS => DataType::decimal(precision, scale),
                _ => SOME_DECIMAL,
            }
        }
        (Decimal(_), Decimal(_) | Integer { .. }) | (Integer { .. }, Decimal(_)) => SOME_DECIMAL,
        _ => DataType::Unknown,
    }
}

/// How many digits a decimal can have at most.
const MOST_DIGITS: u32 = 38;

fn precision(digits: Digits) -> i64 {
    i64::from(digits.precision)
}

fn scale(digits: Digits) -> i64 {
    i64::from(digits.scale)
}

fn sum(arguments: &Arguments<'_>) -> DataType {
    arithmetic(arguments, |one, other| {
        let whole = (precision(one) - scale(one)).max(precision(other) - scale(other));
        let scale = scale(one).max(scale(other));
        (whole + 1 + scale, scale)
    })
}

fn product(arguments: &Arguments<'_>) -> DataType {
    arithmetic(arguments, |one, other| (precision(one) + precision(other) + 1, scale(one) + scale(other)))
}

fn quotient(arguments: &Arguments<'_>) -> DataType {
    arithmetic(arguments, |one, other| {
        let places = (scale(one) + precision(other) - scale(other) + 1).max(4);
        (precision(one) - scale(one) + scale(other) + places, places)
    })
}

/// The sum or the average of decimals has as many digits as there can be.
fn total(arguments: &Arguments<'_>) -> DataType {
    match arguments.types.first() {
        Some(DataType::Decimal(Some(digits))) => DataType::decimal(MOST_DIGITS, digits.scale),
        Some(DataType::Decimal(None)) => SOME_DECIMAL,
        _ => DataType::Unknown,
    }
}

fn some_decimal(_: &Arguments<'_>) -> DataType {
    SOME_DECIMAL
}

fn rule(name: &str) -> Option<Rule> {
    Some(match name {
        "sum" => sum,
        "product" => product,
        "quotient" => quotient,
        "total" => total,
        "decimal" => some_decimal,
        _ => return None,
    })
}
