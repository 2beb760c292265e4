//! An incremental table that is there already, where its step is one job.

use std::iter;

use crate::action::{IncrementalStrategy, OnSchemaChange};
use crate::dialect::Dialect;
use crate::plan::audit::Auditor;
use crate::plan::controls_transactions;
use crate::plan::incremental::{IncrementalWork, STAGED, fit};
use crate::plan::interval::IntervalBatch;
use crate::plan::model::{runs, unique_guard};
use crate::plan::multi_statement::{JobWriter, changes_rows, defines, definitions};
use crate::plan::rows::{NEW_ROWS, StagedRows, TABLE};
use crate::plan::schema_change::{Change, SchemaMismatch};
use crate::plan::script::{FieldExtension, Script, ScriptStatement, column_definition};
use crate::plan::statement::{Statement, WarehouseText, in_order};
use crate::plan::watermark::Watermark;
use crate::relation::{Column, Partitioning, TimeUnit};

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
        let extension = (!change.extended.is_empty()).then(|| FieldExtension {
            table: self.swap.place(&self.target, dialect),
            columns: change.extended.clone(),
        });
        if self.arrival().is_some() && self.partitions.len() > 1 {
            return Err(SchemaMismatch {
                message: format!("new rows of `{}` do not tell which of its `partitions` they belong to", self.name),
                help: "name one, as the table is partitioned by the time at which rows come in".to_owned(),
            });
        }
        if let Some(batch) = &self.batch {
            batch.event(&self.name, &self.columns, dialect)?;
        }
        let mut job = JobWriter::new(dialect);
        self.swap.recover(&mut job);
        let hints: Vec<Statement> = self.watermarks.iter().filter_map(Watermark::hint).collect();
        let mut declarations: Vec<Statement> = self.watermarks.iter().map(Watermark::declaration).collect();
        if !self.partitions.is_empty() && self.arrival().is_none() {
            declarations.push(StagedRows::declare_named(&self.partitions, self.partition_type(dialect).as_deref()));
        }
        let rows = |job: &mut JobWriter<'_>, declarations: &[Statement], change: &Change, within: &[WarehouseText]| {
            job.with(declarations, |job| {
                self.watermarks.iter().for_each(|watermark| watermark.settle(job));
                self.write(job, columns, change, runs(within), dialect);
            });
        };
        // What changes rows is undone with the new rows if it fails, so that the step can be repeated.
        let changes = |text: &WarehouseText| changes_rows(text, dialect);
        let has_own = self.pre_operations.iter().any(|text| controls_transactions(text.sql(), dialect));
        let (within, behind) = if !has_own && self.post_operations.iter().all(changes) {
            (self.post_operations.as_slice(), [].as_slice())
        } else {
            ([].as_slice(), self.post_operations.as_slice())
        };
        let begins = self.pre_operations.iter().position(changes);
        let can_be_undone = |text: &WarehouseText| changes(text) || defines(text, dialect);
        if let Some(begins) = begins.filter(|_| self.pre_operations.iter().all(can_be_undone)) {
            let (before, changing) = self.pre_operations.split_at(begins);
            job.texts(before);
            self.add_columns(&mut job, &change, dialect);
            let written = Change { added: Vec::new(), dropped: Vec::new(), ..change.clone() };
            // What the warehouse says of itself is asked outside of the transaction.
            job.with(&hints, |job| {
                job.in_transaction(true, |job| {
                    job.texts(changing);
                    rows(job, &declarations, &written, within);
                });
            });
            self.drop_columns(&mut job, &change, dialect);
        } else {
            job.texts(&self.pre_operations);
            let declarations: Vec<Statement> = hints.into_iter().chain(declarations).collect();
            rows(&mut job, &declarations, &change, within);
        }
        job.texts(behind);
        let reads = self.estimate(&[], dialect);
        Ok(Script { statements: vec![job.finish()], reads, extension, ..Script::default() })
    }

    /// The query for its columns, behind the statements that it may need.
    pub fn query_behind_pre_operations(&self) -> Statement {
        let query = self.query();
        self.of_found_table(in_order(&self.pre_operations).then_statement(&query))
    }

    /// Scripts that each end in a query of one row and one column: what the query asks its own table.
    pub fn watermarks(&self, dialect: &dyn Dialect) -> Vec<Statement> {
        self.watermarks.iter().map(|watermark| watermark.query(dialect)).collect()
    }

    /// What to ask the warehouse about to know what the step will read, given a literal for each of the watermarks: the
    /// query, and what is read of the table. Which partitions the new rows will touch is not known, so that the latter is
    /// the most that it can be.
    pub fn estimate(&self, values: &[String], dialect: &dyn Dialect) -> Vec<Statement> {
        let of_table = self.reads_own_rows().then(|| self.of_found_table(self.matched()));
        iter::once(self.estimate_of_query(values, dialect)).chain(of_table).collect()
    }

    /// The same of the query alone.
    pub fn estimate_of_query(&self, values: &[String], dialect: &dyn Dialect) -> Statement {
        let of_query = self.source.with(|place| {
            let plain = self.watermarks.get(place).map_or("null", Watermark::plain);
            values.get(place).map_or(plain, String::as_str)
        });
        self.of_found_table(definitions(&self.pre_operations, dialect).then_statement(&of_query))
    }

    /// Whether rows of the table are read to bring in the new ones.
    pub fn reads_own_rows(&self) -> bool {
        self.strategy != IncrementalStrategy::Append
    }

    /// What is asked before the step has to do with a lost table by its other name: what brings it back has not run yet.
    fn of_found_table(&self, asked: Statement) -> Statement {
        if self.swap.is_lost { Statement::new(asked.sql().replace(&self.relation, &self.swap.old)) } else { asked }
    }

    /// The rows of the table that the new ones are compared with, as far as the config tells.
    fn matched(&self) -> Statement {
        let conditions = self.merge_conditions.iter().filter(|condition| !condition.contains(NEW_ROWS));
        let conditions: Vec<String> = conditions.map(|condition| format!("({condition})")).collect();
        let filter = if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
        Statement::new(format!("select * from {} as {TABLE}{filter}", self.relation))
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

    /// The unit of partitions by the time at which rows come in.
    fn arrival(&self) -> Option<TimeUnit> {
        match self.layout.partitioning {
            Some(Partitioning::Time { column: None, unit }) => Some(unit),
            _ => None,
        }
    }

    /// `behind` is what belongs in one transaction with the new rows.
    fn write(
        &self,
        job: &mut JobWriter<'_>,
        columns: &[Column],
        change: &Change,
        behind: Vec<ScriptStatement>,
        dialect: &dyn Dialect,
    ) {
        let staged = dialect.identifier(STAGED);
        let put = |job: &mut JobWriter<'_>, mut statements: Vec<ScriptStatement>| {
            statements.extend(self.auditor.as_ref().map(|auditor| auditor.in_transaction(&staged)));
            statements.extend(behind);
            job.in_transaction(statements.len() > 1, |job| job.push_all(&statements));
        };
        let source = self.source.with(|place| self.watermarks.get(place).map_or("null", Watermark::name));
        let table = change.extend(&self.columns);
        let (source, columns) = rebuilt(source, columns, &table, dialect);
        let mut rows = StagedRows::new(&self.relation, &staged, &change.written, &table, &columns, dialect);
        let fits = fit(&table, &columns, &staged, dialect);
        let is_plain = self.strategy == IncrementalStrategy::Append && fits.is_empty() && self.auditor.is_none();
        if !is_plain {
            // It goes with the job: to drop it would be one more statement that can fail behind the new rows.
            let head = Statement::new(dialect.temporary_table(&staged, &self.options));
            job.run(&head.then_statement(&source));
        }
        job.push_all(&fits);
        if self.strategy == IncrementalStrategy::Merge {
            job.push_all(unique_guard(&staged, &self.unique_key, dialect).as_slice());
        }
        let event = |batch: &IntervalBatch| batch.event(&self.name, &table, dialect).ok().cloned();
        let interval = self.batch.as_ref().and_then(|batch| Some(batch.statements(&event(batch)?, &rows, dialect)));
        if let Some((guard, _)) = &interval {
            job.push(guard);
        }
        self.add_columns(job, change, dialect);
        match self.strategy {
            IncrementalStrategy::Interval(_) => {
                put(job, interval.map(|(_, replace)| replace).unwrap_or_default());
            }
            IncrementalStrategy::Append if is_plain => {
                put(job, vec![ScriptStatement::Count(rows.insert_from(&source))]);
            }
            IncrementalStrategy::Append => put(job, vec![ScriptStatement::Count(rows.insert())]),
            IncrementalStrategy::Merge => {
                let bounds = self.bound(&mut rows, dialect);
                let merge = rows.merge(&self.unique_key, &self.merge_conditions);
                job.with(&bounds, |job| put(job, vec![ScriptStatement::Count(merge)]));
            }
            IncrementalStrategy::DeleteInsert => {
                let bounds = self.bound(&mut rows, dialect);
                let statements = rows.delete_and_insert(&self.unique_key, &self.merge_conditions);
                job.with(&bounds, |job| put(job, statements));
            }
            IncrementalStrategy::InsertOverwrite => {
                let partition = self.partition_by.as_deref().unwrap_or("1");
                let arrival = self.arrival();
                if arrival.is_none() {
                    job.push_all(rows.outside(partition, &self.partitions).as_slice());
                }
                let (variable, statements) = match arrival {
                    Some(unit) => (
                        Some(StagedRows::declare_arrival(unit, self.partitions.first())),
                        rows.overwrite_arrival(&self.merge_conditions),
                    ),
                    None => (
                        self.partitions
                            .is_empty()
                            .then(|| rows.declare_touched(partition, self.partition_type(dialect).as_deref())),
                        rows.overwrite(partition, &self.partitions, &self.merge_conditions),
                    ),
                };
                job.with(variable.as_slice(), |job| put(job, statements));
            }
        }
        job.push_all(self.auditor.as_ref().map(Auditor::forget).as_slice());
        self.drop_columns(job, change, dialect);
    }

    fn add_columns(&self, job: &mut JobWriter<'_>, change: &Change, dialect: &dyn Dialect) {
        self.alter(job, "add", &change.added, |column| column_definition(column, &self.options, dialect));
    }

    fn drop_columns(&self, job: &mut JobWriter<'_>, change: &Change, dialect: &dyn Dialect) {
        self.alter(job, "drop", &change.dropped, |column| dialect.identifier(&column.name));
    }

    /// Where the key holds the column of the partitions, only those are read that the new rows may have a match in. Gives
    /// what declares the variables for that.
    fn bound(&self, rows: &mut StagedRows<'_>, dialect: &dyn Dialect) -> Vec<Statement> {
        let column = self.layout.partitioning.as_ref().and_then(Partitioning::column);
        let key = column.and_then(|column| self.unique_key.iter().find(|key| key.eq_ignore_ascii_case(column)));
        key.map(|key| rows.bound(&dialect.identifier(key), self.type_of(key))).unwrap_or_default()
    }

    fn type_of(&self, column: &str) -> Option<&str> {
        let column = self.columns.iter().find(|known| known.name.eq_ignore_ascii_case(column));
        column.map(|column| column.data_type.as_str())
    }

    /// The type of what the config partitions by, where that is plain.
    fn partition_type(&self, dialect: &dyn Dialect) -> Option<String> {
        let expression = self.partition_by.as_deref()?;
        let start: String = expression.split_whitespace().collect::<String>().to_ascii_lowercase();
        match dialect.partitioning(expression)? {
            Partitioning::Time { .. } if start.starts_with("date(") => Some("date".to_owned()),
            Partitioning::Time { column, .. } => self.type_of(&column?).map(str::to_owned),
            Partitioning::Range { .. } => Some("int64".to_owned()),
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

/// A query whose records have the fields of the table's, and its columns: records go into a table by the order of their
/// fields.
fn rebuilt(query: Statement, columns: &[Column], table: &[Column], dialect: &dyn Dialect) -> (Statement, Vec<Column>) {
    let mut replaced = Vec::new();
    let mut columns = columns.to_vec();
    for column in &mut columns {
        let Some(known) = table.iter().find(|known| known.name.eq_ignore_ascii_case(&column.name)) else { continue };
        let name = dialect.identifier(&column.name);
        if let Some(value) = dialect.rebuild(&name, &column.data_type, &known.data_type) {
            replaced.push(format!("{value} as {name}"));
            column.data_type.clone_from(&known.data_type);
        }
    }
    if replaced.is_empty() {
        return (query, columns);
    }
    let head = format!("select * replace ({}) from (\n", replaced.join(", "));
    (Statement::new(head).then_statement(&query).then("\n)"), columns)
}
