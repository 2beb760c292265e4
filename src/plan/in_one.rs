//! An incremental table that is there already, where its step is one job.

use std::iter;

use crate::action::{IncrementalStrategy, OnSchemaChange};
use crate::dialect::Dialect;
use crate::plan::incremental::{IncrementalWork, STAGED, fit};
use crate::plan::model::unique_guard;
use crate::plan::multi_statement::JobWriter;
use crate::plan::rows::StagedRows;
use crate::plan::schema_change::{Change, SchemaMismatch};
use crate::plan::script::{Script, column_definition};
use crate::plan::statement::{Statement, in_order};
use crate::relation::{Column, Partitioning};

impl IncrementalWork {
    /// The whole step, pre and post operations included, given the columns of the query. Where these cannot be known
    /// before it runs, the columns of the table are written, unless something has to be done if they differ.
    pub fn in_one(&self, columns: Option<&[Column]>, dialect: &dyn Dialect) -> Result<Script, SchemaMismatch> {
        let columns = match columns {
            Some(columns) => columns,
            None if self.on_schema_change == OnSchemaChange::Ignore => &self.columns,
            None => return Err(self.unknown_columns()),
        };
        let change =
            Change::between(&self.name, &self.columns, columns, &self.unique_key, self.on_schema_change, dialect)?;
        let mut job = JobWriter::new(dialect);
        self.swap.recover(&mut job);
        job.texts(&self.pre_operations);
        self.write(&mut job, columns, &change, dialect);
        job.texts(&self.post_operations);
        let reads = self.estimate(&[], dialect);
        Ok(Script { statements: vec![job.finish()], reads, ..Script::default() })
    }

    /// The query for its columns, behind the statements that it may need.
    pub fn query_behind_pre_operations(&self) -> Statement {
        let query = self.query();
        let behind = in_order(&self.pre_operations).then_statement(&query);
        // The statement that brings a lost table back does not run with it.
        if self.swap.is_lost { Statement::new(behind.sql().replace(&self.relation, &self.swap.old)) } else { behind }
    }

    /// Queries of one row and one column each, which give the literals that stand in the query for what it reads of its
    /// own table.
    pub fn watermarks(&self, _dialect: &dyn Dialect) -> Vec<Statement> {
        Vec::new()
    }

    /// What to ask the warehouse about to know what the step will read, given a literal for each of the watermarks: the
    /// query, and what is read of the table.
    pub fn estimate(&self, _values: &[String], _dialect: &dyn Dialect) -> Vec<Statement> {
        let of_query = self.query_behind_pre_operations();
        let of_table = Statement::new(format!("select * from {}", self.relation));
        let reads_table = self.strategy != IncrementalStrategy::Append;
        iter::once(of_query).chain(reads_table.then_some(of_table)).collect()
    }

    fn unknown_columns(&self) -> SchemaMismatch {
        SchemaMismatch {
            message: format!(
                "whether the columns of `{}` changed cannot be known, since its query needs what the pre-operations make",
                self.name
            ),
            help: "make that in another action, or leave `onSchemaChange` out".to_owned(),
        }
    }

    fn write(&self, job: &mut JobWriter<'_>, columns: &[Column], change: &Change, dialect: &dyn Dialect) {
        let staged = dialect.identifier(STAGED);
        let mut rows = StagedRows::new(&self.relation, &staged, &change.written, &self.columns, columns, dialect);
        let fits = fit(&self.columns, columns, &staged, dialect);
        let is_plain = self.strategy == IncrementalStrategy::Append && fits.is_empty();
        if !is_plain {
            let head = Statement::new(dialect.temporary_table(&staged, &self.options));
            job.run(&head.then_statement(&self.query()));
        }
        job.push_all(&fits);
        if self.strategy == IncrementalStrategy::Merge {
            job.push_all(unique_guard(&staged, &self.unique_key, dialect).as_slice());
        }
        self.alter(job, "add", &change.added, |column| column_definition(column, &self.options, dialect));
        match self.strategy {
            IncrementalStrategy::Append if is_plain => job.count(&rows.insert_from(&self.query())),
            IncrementalStrategy::Append => job.count(&rows.insert()),
            IncrementalStrategy::Merge => {
                let bounds = self.bound(&mut rows, dialect);
                let merge = rows.merge(&self.unique_key, &self.merge_conditions);
                job.with(&bounds, |job| job.count(&merge));
            }
            IncrementalStrategy::DeleteInsert => {
                let bounds = self.bound(&mut rows, dialect);
                let statements = rows.delete_and_insert(&self.unique_key, &self.merge_conditions);
                job.with(&bounds, |job| job.transaction(&statements));
            }
            IncrementalStrategy::InsertOverwrite => {
                let partition = self.partition_by.as_deref().unwrap_or("1");
                let conditions = &self.merge_conditions;
                let (variable, statements) =
                    if let Some(Partitioning::Time { column: None, unit }) = self.layout.partitioning {
                        (StagedRows::declare_arrival(unit), rows.overwrite_arrival(conditions))
                    } else {
                        (rows.declare_touched(partition), rows.overwrite(partition, conditions))
                    };
                job.with(&[variable], |job| job.transaction(&statements));
            }
        }
        self.alter(job, "drop", &change.dropped, |column| dialect.identifier(&column.name));
        if !is_plain {
            job.run(&Statement::new(format!("drop table {staged}")));
        }
    }

    /// Where the key holds the column of the partitions, only those are read that the new rows may have a match in. Gives
    /// what declares the variables for that.
    fn bound(&self, rows: &mut StagedRows<'_>, dialect: &dyn Dialect) -> Vec<Statement> {
        let column = self.layout.partitioning.as_ref().and_then(Partitioning::column);
        let key = column.and_then(|column| self.unique_key.iter().find(|key| key.eq_ignore_ascii_case(column)));
        key.map(|key| rows.bound(&dialect.identifier(key))).unwrap_or_default()
    }

    /// In one statement, since each counts against a quota of updates to a table.
    fn alter(&self, job: &mut JobWriter<'_>, verb: &str, columns: &[Column], say: impl Fn(&Column) -> String) {
        if !columns.is_empty() {
            let changes = columns.iter().map(|column| format!("{verb} column {}", say(column)));
            let changes = changes.collect::<Vec<_>>().join(", ");
            job.run(&Statement::new(format!("alter table {} {changes}", self.relation)));
        }
    }
}
