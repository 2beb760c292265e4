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
use crate::relation::Column;

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
        job.texts(&self.pre_operations);
        self.write(&mut job, columns, &change, dialect);
        job.texts(&self.post_operations);
        Ok(Script { statements: vec![job.finish()], ..Script::default() })
    }

    /// The query for its columns, behind the statements that it may need.
    pub fn query_behind_pre_operations(&self) -> Statement {
        in_order(&self.pre_operations).then_statement(&self.query())
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
        let rows = StagedRows::new(&self.relation, &staged, &change.written, &self.columns, columns, dialect);
        let fits = fit(&self.columns, columns, &staged, dialect);
        let is_plain = self.strategy == IncrementalStrategy::Append && fits.is_empty();
        if !is_plain {
            let head = Statement::new(dialect.temporary_table(&staged, &self.options));
            job.run(&head.then_statement(&self.query()));
        }
        fits.iter().for_each(|statement| job.push(statement));
        if self.strategy == IncrementalStrategy::Merge {
            unique_guard(&staged, &self.unique_key, dialect).iter().for_each(|guard| job.push(guard));
        }
        self.alter(job, "add", &change.added, |column| column_definition(column, &self.options, dialect));
        match self.strategy {
            IncrementalStrategy::Append if is_plain => job.count(&rows.insert_from(&self.query())),
            IncrementalStrategy::Append => job.count(&rows.insert()),
            IncrementalStrategy::Merge => job.count(&rows.merge(&self.unique_key, &self.merge_conditions)),
            IncrementalStrategy::DeleteInsert => {
                let statements = rows.delete_and_insert(&self.unique_key, &self.merge_conditions);
                in_transaction(job, |job| statements.iter().for_each(|statement| job.push(statement)));
            }
            IncrementalStrategy::InsertOverwrite => {
                let partition = self.partition_by.as_deref().unwrap_or("1");
                let statements = rows.overwrite(partition, &self.merge_conditions);
                job.begin_block();
                job.run(&rows.declare_touched(partition));
                in_transaction(job, |job| statements.iter().for_each(|statement| job.push(statement)));
                job.end_block();
            }
        }
        self.alter(job, "drop", &change.dropped, |column| dialect.identifier(&column.name));
        if !is_plain {
            job.run(&Statement::new(format!("drop table {staged}")));
        }
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

fn in_transaction(job: &mut JobWriter<'_>, write: impl FnOnce(&mut JobWriter<'_>)) {
    job.run(&Statement::new("begin transaction"));
    write(job);
    job.run(&Statement::new("commit transaction"));
}
