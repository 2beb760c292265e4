//! Tables with the rows that a test gives.

use serde_json::{Map, Value};

use crate::adapter::{Adapter, DuckDb};
use crate::dialect::{self, Dialect};
use crate::execute::Failure;
use crate::execute::step::failure;
use crate::execute::unit_test::TestRun;
use crate::plan::{Fixture, FixtureRows, RowBatch, Statement};
use crate::relation::{Column, JobOptions, Target};

impl TestRun<'_> {
    pub(super) fn make(&mut self, fixture: &Fixture) -> Result<(), Failure> {
        self.begin(&fixture.table);
        if let Some(schema) = &fixture.schema {
            self.execute(schema)?;
        }
        match &fixture.rows {
            FixtureRows::Query(query) => self.make_of_query(&fixture.table, &fixture.clauses, query),
            FixtureRows::Embedded(batches) => self.load(fixture, batches),
        }
    }

    pub(super) fn make_of_query(&mut self, table: &Target, clauses: &str, query: &Statement) -> Result<(), Failure> {
        let head = format!("create or replace table {} {clauses}as\n", self.dialect.relation(table));
        self.execute(&Statement::new(head).then_statement(query))
    }

    /// Works out the rows in an embedded engine, and brings them in.
    fn load(&mut self, fixture: &Fixture, batches: &[RowBatch]) -> Result<(), Failure> {
        let WorkedOut { columns, rows } = work_out(batches)?;
        let definition = |column: &Column| {
            let data_type = self.bed.type_for(&column.data_type).ok_or_else(|| {
                let message = format!(
                    "column `{}` is of type {}, which nothing there has the values of",
                    column.name, column.data_type
                );
                Failure { help: Some("cast it to another type".to_owned()), ..Failure::from_message(message) }
            })?;
            Ok(format!("{} {data_type}", self.dialect.identifier(&column.name)))
        };
        let columns = columns.iter().map(definition).collect::<Result<Vec<_>, Failure>>()?.join(", ");
        let table = &fixture.table;
        let create =
            format!("create or replace table {} ({columns}) {}", self.dialect.relation(table), fixture.clauses);
        self.execute(&Statement::new(create.trim_end()))?;
        self.session.load(table, &rows).map_err(Failure::from)
    }

    /// Begins with the work on a table.
    pub(super) fn begin(&mut self, table: &Target) {
        let owner = self.owner_of(table);
        self.session.begin_step(&owner, &JobOptions::default());
    }

    /// Whose the jobs are that work on a table: what one test sends is not what another one sends, even if it is the same.
    pub(super) fn owner_of(&self, table: &Target) -> Target {
        Target { name: format!("{}.{}", self.owner.name, table.name), ..self.owner.clone() }
    }
}

/// Rows that the embedded engine has worked out.
struct WorkedOut {
    columns: Vec<Column>,
    /// An object of JSON each.
    rows: Vec<Map<String, Value>>,
}

fn work_out(batches: &[RowBatch]) -> Result<WorkedOut, Failure> {
    let engine = DuckDb::in_memory(&[]).map_err(|error| Failure::from_message(error.to_string()))?;
    let mut session = engine.session().map_err(Failure::from)?;
    session.execute("set timezone = 'UTC'").map_err(Failure::from)?;
    let mut parts = Vec::new();
    for (at, RowBatch { query, repeated }) in batches.iter().enumerate() {
        let statement = Statement::new(format!("create temp table batch_{at} as\n")).then_statement(query);
        session.execute(statement.sql()).map_err(|error| failure(error, &statement))?;
        parts.push(format!("(select * from batch_{at} offset {repeated})"));
    }
    let all = parts.join(" union all ");
    let columns = session.describe(&all).map_err(Failure::from)?;
    let values = columns.iter().map(|column| {
        let name = dialect::DuckDb.identifier(&column.name);
        // JSON has no bytes.
        if column.data_type == "BLOB" { format!("to_base64({name}) as {name}") } else { name }
    });
    let select = format!("select {} from ({all})", values.collect::<Vec<_>>().join(", "));
    let rows = session.query_json(&select, usize::MAX).map_err(Failure::from)?;
    Ok(WorkedOut { columns, rows })
}
