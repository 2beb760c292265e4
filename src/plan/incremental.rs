//! An incremental table that is there already: new rows are staged, checked, and brought in.

use crate::action::{IncrementalStrategy, OnSchemaChange};
use crate::dialect::Dialect;
use crate::plan::model::{run, runs, unique_guard};
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::{Script, ScriptStatement};
use crate::relation::Column;

/// The new rows while they are checked. Temporary, so each session has its own.
const STAGED: &str = "trueup_new_rows";

/// A column that no table has: the table's own stand beside it in one condition.
const TOUCHED: &str = "trueup_touched";

/// What is known before the query's columns are.
#[derive(Debug)]
pub struct IncrementalWork {
    pub(super) name: String,
    pub(super) relation: String,
    pub(super) columns: Vec<Column>,
    pub(super) query: WarehouseText,
    pub(super) filter: Option<String>,
    pub(super) pre_operations: Vec<WarehouseText>,
    pub(super) post_operations: Vec<WarehouseText>,
    pub(super) strategy: IncrementalStrategy,
    pub(super) on_schema_change: OnSchemaChange,
    pub(super) unique_key: Vec<String>,
    pub(super) partition_by: Option<String>,
    pub(super) merge_conditions: Vec<String>,
}

/// The columns of the query and of the table differ in a way that `onSchemaChange` does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaMismatch {
    /// What differs.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl IncrementalWork {
    /// Statements that must run before the query's columns can be told: it may use what they make.
    pub fn pre_operations(&self) -> Vec<ScriptStatement> {
        runs(&self.pre_operations)
    }

    /// The columns of the table as they were when the run was planned.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The query whose columns [`finish`](Self::finish) needs.
    pub fn query(&self) -> Statement {
        Statement::default().then_query(self)
    }

    /// The statements behind the pre-operations, given the columns of the query; all of them belong in one transaction.
    pub fn finish(&self, query_columns: &[Column], dialect: &dyn Dialect) -> Result<Script, SchemaMismatch> {
        let change = self.compare(query_columns)?;
        let relation = &self.relation;
        let staged = dialect.identifier(STAGED);
        let mut statements = vec![ScriptStatement::Run(
            Statement::new(format!("create or replace temporary table {staged} as\n")).then_query(self),
        )];
        statements.extend(self.fit(query_columns, &staged, dialect));
        for column in &change.added {
            let (name, data_type) = (dialect.identifier(&column.name), &column.data_type);
            statements.push(run(format!("alter table {relation} add column {name} {data_type}")));
        }
        for column in &change.dropped {
            statements.push(run(format!("alter table {relation} drop column {}", dialect.identifier(&column.name))));
        }
        let quoted: Vec<String> = change.written.iter().map(|column| dialect.identifier(&column.name)).collect();
        match self.strategy {
            IncrementalStrategy::Append => {}
            IncrementalStrategy::Merge => statements.extend(unique_guard(&staged, &self.unique_key, dialect)),
            IncrementalStrategy::InsertOverwrite => {
                let partition = self.partition_by.as_deref().unwrap_or("1");
                // A partition of NULL is one like any other.
                statements.push(run(format!(
                    "delete from {relation} where exists (select 1 from (select distinct {partition} as {TOUCHED} from \
                     {staged}) as touched where touched.{TOUCHED} is not distinct from ({partition}))"
                )));
            }
        }
        statements.push(ScriptStatement::Count(match self.strategy {
            IncrementalStrategy::Merge => self.merge(&quoted, &staged, dialect),
            IncrementalStrategy::Append | IncrementalStrategy::InsertOverwrite => {
                let columns = quoted.join(", ");
                Statement::new(format!("insert into {relation} ({columns}) select {columns} from {staged}"))
            }
        }));
        statements.push(run(format!("drop table {staged}")));
        statements.extend(runs(&self.post_operations));
        Ok(Script { statements, in_transaction: true })
    }

    /// Gives the new rows the types of the table, so that a key is compared as it will be kept. A value that would not be
    /// the same there is refused, not rounded.
    fn fit(&self, query_columns: &[Column], staged: &str, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let mut statements = Vec::new();
        for table in &self.columns {
            let same_name = |column: &&Column| column.name.eq_ignore_ascii_case(&table.name);
            let Some(query) = query_columns.iter().find(same_name) else { continue };
            if query.data_type == table.data_type {
                continue;
            }
            let name = dialect.identifier(&query.name);
            let (from, to) = (&query.data_type, &table.data_type);
            statements.push(ScriptStatement::Guard {
                query: Statement::new(format!(
                    "select {name} from {staged} where try_cast(try_cast({name} as {to}) as {from}) is distinct from {name} \
                     limit 5"
                )),
                message: format!("`{}` is {to} in the table, and not all values of the query ({from}) fit", table.name),
                help: "cast the column in the query, or build the table anew with --full-refresh".to_owned(),
            });
            statements.push(run(format!("alter table {staged} alter column {name} set data type {to}")));
        }
        statements
    }

    /// NULLs in a key are equal to each other, so that such a row is updated and not added again on each run.
    fn merge(&self, columns: &[String], staged: &str, dialect: &dyn Dialect) -> Statement {
        let relation = &self.relation;
        let keys = self.unique_key.iter().map(|key| {
            let key = dialect.identifier(key);
            format!("DATAFORM_DEST.{key} is not distinct from DATAFORM_SOURCE.{key}")
        });
        let conditions = self.merge_conditions.iter().map(|condition| format!("({condition})"));
        let on: Vec<String> = keys.chain(conditions).collect();
        let is_key =
            |column: &String| self.unique_key.iter().any(|key| dialect.identifier(key).eq_ignore_ascii_case(column));
        let updates = columns.iter().filter(|column| !is_key(column));
        let updates: Vec<String> = updates.map(|column| format!("{column} = DATAFORM_SOURCE.{column}")).collect();
        let values: Vec<String> = columns.iter().map(|column| format!("DATAFORM_SOURCE.{column}")).collect();
        let update = if updates.is_empty() {
            String::new()
        } else {
            format!("when matched then update set {}\n", updates.join(", "))
        };
        Statement::new(format!(
            "merge into {relation} as DATAFORM_DEST\nusing {staged} as DATAFORM_SOURCE\non {}\n{update}when not matched then \
             insert ({}) values ({})",
            on.join(" and "),
            columns.join(", "),
            values.join(", "),
        ))
    }

    fn compare(&self, query: &[Column]) -> Result<Change, SchemaMismatch> {
        let has = |columns: &[Column], name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let new: Vec<&Column> = query.iter().filter(|column| !has(&self.columns, &column.name)).collect();
        let missing: Vec<&Column> = self.columns.iter().filter(|column| !has(query, &column.name)).collect();
        let names = |columns: &[&Column]| {
            columns.iter().map(|column| format!("`{}`", column.name)).collect::<Vec<_>>().join(", ")
        };
        // A query that gives nothing but NULL has no type of its own.
        let retyped: Vec<String> = query
            .iter()
            .filter(|column| !column.data_type.contains("NULL"))
            .filter_map(|column| {
                let of_table = self.columns.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name))?;
                let (name, was, is) = (&column.name, &of_table.data_type, &column.data_type);
                (was != is).then(|| format!("`{name}` is {is} in the query and {was} in the table"))
            })
            .collect();
        let mismatch = |message: String, help: &str| Err(SchemaMismatch { message, help: help.to_owned() });
        let rebuild = "build the table anew with --full-refresh";
        match self.on_schema_change {
            OnSchemaChange::Fail if !(new.is_empty() && missing.is_empty() && retyped.is_empty()) => {
                let mut parts = Vec::new();
                if !new.is_empty() {
                    parts.push(format!("the query has {} and the table has not", names(&new)));
                }
                if !missing.is_empty() {
                    parts.push(format!("the table has {} and the query has not", names(&missing)));
                }
                parts.extend(retyped);
                mismatch(
                    format!("the columns of `{}` changed: {}", self.name, parts.join("; ")),
                    "build the table anew with --full-refresh, or let `onSchemaChange` be \"EXTEND\" or \"SYNCHRONIZE\"",
                )
            }
            OnSchemaChange::Ignore | OnSchemaChange::Extend if !missing.is_empty() => mismatch(
                format!("the query of `{}` no longer gives {}", self.name, names(&missing)),
                "put it back, drop it with `onSchemaChange: \"SYNCHRONIZE\"`, or build the table anew with --full-refresh",
            ),
            OnSchemaChange::Synchronize
                if missing
                    .iter()
                    .any(|column| self.unique_key.iter().any(|key| key.eq_ignore_ascii_case(&column.name))) =>
            {
                mismatch(format!("the unique key of `{}` is no longer in its query", self.name), rebuild)
            }
            OnSchemaChange::Ignore | OnSchemaChange::Fail => {
                Ok(Change { added: Vec::new(), dropped: Vec::new(), written: self.columns.clone() })
            }
            OnSchemaChange::Extend | OnSchemaChange::Synchronize => Ok(Change {
                added: new.into_iter().cloned().collect(),
                dropped: missing.into_iter().cloned().collect(),
                written: query.to_vec(),
            }),
        }
    }
}

/// What becomes of the table's columns.
struct Change {
    added: Vec<Column>,
    dropped: Vec<Column>,
    /// Those that new rows are written to.
    written: Vec<Column>,
}

impl Statement {
    fn then_query(self, work: &IncrementalWork) -> Self {
        match &work.filter {
            None => self.then_text(&work.query),
            Some(filter) => {
                self.then("select * from (\n").then_text(&work.query).then(&format!("\n) as subquery\nwhere {filter}"))
            }
        }
    }
}
