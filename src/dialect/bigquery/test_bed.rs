//! Unit tests on BigQuery: their schema, types of rows that are loaded, and the comparison of rows.

use crate::dialect::bigquery::types;
use crate::dialect::{BigQuery, ComparedColumn, Comparison, Dialect, TestBed};

/// "The maximum standard SQL query length is 1024.00K characters": <https://cloud.google.com/bigquery/quotas#query_jobs>.
const LONGEST_STATEMENT: usize = 1 << 20;

/// Types whose values are all values of those behind them, too.
const LADDERS: [&[&str]; 2] = [&["INT64", "NUMERIC", "BIGNUMERIC"], &["DATE", "DATETIME", "TIMESTAMP"]];

impl TestBed for BigQuery {
    /// What is left of a test that was killed is gone the day after.
    fn create_schema(&self, schema: &str) -> String {
        format!("create schema {schema} options(default_table_expiration_days = 1)")
    }

    fn longest_statement(&self) -> usize {
        LONGEST_STATEMENT
    }

    fn type_for(&self, of_duckdb: &str) -> Option<String> {
        types::for_duckdb(of_duckdb)
    }

    /// There is no EXCEPT ALL, and lists, structs and JSON have no `=`: equal rows are numbered, and those beyond the number
    /// that the other table has are too many.
    fn difference(&self, comparison: &Comparison<'_>) -> String {
        let names: Vec<String> = comparison.columns.iter().map(|column| self.identifier(column.name)).collect();
        let (actual, expected): (Vec<String>, Vec<String>) =
            names.iter().zip(&comparison.columns).map(|(name, column)| compared(name, column)).unzip();
        let side = |sign: &str, values: &[String], table: &str| {
            let values = values.iter().zip(&names).map(|(value, name)| format!("{value} as {name}"));
            format!("select '{sign}' as trueup_sign, {} from {table}", values.collect::<Vec<_>>().join(", "))
        };
        let (names, ordered) = (names.join(", "), names.join(" nulls last, "));
        let (expected, actual) = (side("-", &expected, &comparison.expected), side("+", &actual, &comparison.actual));
        let count = |sign: &str| format!("count(if(trueup_sign = '{sign}', 1, null)) over (partition by trueup_row)");
        let (missing, unexpected) = (count("-"), count("+"));
        format!(
            "select trueup_sign, {names} from (\n\
             select *, row_number() over (partition by trueup_row, trueup_sign) as trueup_number,\n\
             least({missing}, {unexpected}) as trueup_matched\n\
             from (select *, to_json_string(struct({names})) as trueup_row from (\n{expected}\nunion all\n{actual}\n))\n\
             ) where trueup_number > trueup_matched\n\
             order by {ordered} nulls last, trueup_sign desc"
        )
    }
}

/// A column of what came out and of what was expected, both of one type that can be grouped.
fn compared(name: &str, column: &ComparedColumn<'_>) -> (String, String) {
    let both = |value: String| (value.clone(), value);
    let (is, should) = (types::bare(column.is), types::bare(column.should));
    let json = |value: &str| format!("if({name} is null, null, to_json_string({value}))");
    let is_text = should == "STRING" && is != "STRING";
    if is == "FLOAT64" || should == "FLOAT64" {
        // A sum of floats depends on the order in which they come, so their last digits do not count.
        return both(format!("format('%.12g', cast({name} as float64) + 0.0)"));
    }
    match (types::compares(&is), types::compares(&should)) {
        (true, _) if is == should => both(name.to_owned()),
        (true, _) if is_text => (name.to_owned(), format!("cast({name} as {is})")),
        (true, true) => match higher(&is, &should) {
            Some(higher) => both(format!("cast({name} as {higher})")),
            None => both(json(name)),
        },
        (false, _) if is_text && is != "GEOGRAPHY" => {
            (json(&format!("to_json({name})")), json(&format!("parse_json({name})")))
        }
        _ => both(json(name)),
    }
}

/// The one of two types that holds the values of both.
fn higher<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    LADDERS.into_iter().find_map(|ladder| {
        let step = |data_type: &str| ladder.iter().position(|known| *known == data_type);
        Some(if step(one)? > step(other)? { one } else { other })
    })
}
