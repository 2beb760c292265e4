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

impl Semantics for Redshift {
    fn names(&self) -> &NameRules {
        &NAMES
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
