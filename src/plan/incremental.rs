//! An incremental table that is there already: new rows are staged, checked, and brought in.

use crate::action::{IncrementalStrategy, OnSchemaChange};
use crate::dialect::{Dialect, Undoing, Upsert};
use crate::plan::audit::Auditor;
use crate::plan::interval::IntervalBatch;
use crate::plan::model::unique_guard;
use crate::plan::rows::StagedRows;
use crate::plan::schema_change::{Change, SchemaMismatch};
use crate::plan::script::column_definition;
use crate::plan::statement::{Statement, WarehouseText};
use crate::plan::swap::Swap;
use crate::plan::watermark::{Source, Watermark};
use crate::plan::{Script, ScriptStatement, post_operations, pre_operations};
use crate::relation::{Column, Layout, PhysicalOptions, Target};

/// The new rows while they are checked. Temporary, so each session has its own.
pub(super) const STAGED: &str = "trueup_new_rows";

/// What is known before the query's columns are.
#[derive(Debug, Clone)]
pub struct IncrementalWork {
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) relation: String,
    pub(super) lock: Option<String>,
    pub(super) columns: Vec<Column>,
    pub(super) layout: Layout,
    pub(super) swap: Swap,
    pub(super) query: Statement,
    pub(super) filter: Option<Statement>,
    /// The query and its filter with places for the watermarks. For a step that is one job.
    pub(super) source: Source,
    pub(super) watermarks: Vec<Watermark>,
    pub(super) pre_operations: Vec<WarehouseText>,
    pub(super) post_operations: Vec<WarehouseText>,
    pub(super) strategy: IncrementalStrategy,
    pub(super) on_schema_change: OnSchemaChange,
    pub(super) unique_key: Vec<String>,
    pub(super) partition_by: Option<String>,
    /// Those that are replaced; empty for those that the new rows touch.
    pub(super) partitions: Vec<String>,
    pub(super) options: PhysicalOptions,
    pub(super) merge_conditions: Vec<String>,
    pub(super) auditor: Option<Auditor>,
    /// Which interval is replaced, where the strategy is that.
    pub(super) batch: Option<Box<IntervalBatch>>,
}

impl IncrementalWork {
    /// Statements that cannot be in the transaction, and run before it.
    pub fn before(&self, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        pre_operations(&self.pre_operations, dialect).0
    }

    /// Statements that must run before the query's columns can be told: it may use what they make.
    pub fn pre_operations(&self, dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let lock = self.lock.as_ref().map(ScriptStatement::run);
        lock.into_iter().chain(pre_operations(&self.pre_operations, dialect).1).collect()
    }

    /// The same with others in the place of parts of its texts that are as long.
    pub(super) fn replaced(&self, pairs: &[(&str, &str)]) -> Self {
        let texts = |texts: &[WarehouseText]| texts.iter().map(|text| text.replaced(pairs)).collect();
        Self {
            query: self.query.replaced(pairs),
            filter: self.filter.as_ref().map(|filter| filter.replaced(pairs)),
            source: self.source.replaced(pairs),
            pre_operations: texts(&self.pre_operations),
            post_operations: texts(&self.post_operations),
            ..self.clone()
        }
    }

    /// The columns of the table as they were when the run was planned.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The query whose columns [`finish`](Self::finish) needs.
    pub fn query(&self) -> Statement {
        Statement::default().then_query(self)
    }

    /// The statements that make columns of the table long enough for those of the query, which must run before the
    /// transaction where the warehouse wants it so.
    pub fn widen(&self, query_columns: &[Column], dialect: &dyn Dialect) -> Vec<ScriptStatement> {
        let widened = self.columns.iter().zip(self.widened(query_columns, dialect));
        let widened = widened.filter(|(before, after)| before != &after);
        let statement = |after: Column| {
            let (relation, name) = (&self.relation, dialect.identifier(&after.name));
            ScriptStatement::run(format!("alter table {relation} alter column {name} type {}", after.data_type))
        };
        widened.map(|(_, after)| statement(after)).collect()
    }

    /// The columns of the table as they are when [`widen`](Self::widen) has run.
    fn widened(&self, query_columns: &[Column], dialect: &dyn Dialect) -> Vec<Column> {
        let widened = |table: &Column| {
            let query = query_columns.iter().find(|query| query.name.eq_ignore_ascii_case(&table.name));
            let wider = query.and_then(|query| dialect.widened(&table.data_type, &query.data_type));
            let wider = wider.filter(|_| self.on_schema_change != OnSchemaChange::Fail);
            Column { name: table.name.clone(), data_type: wider.unwrap_or_else(|| table.data_type.clone()) }
        };
        self.columns.iter().map(widened).collect()
    }

    /// The statements behind the pre-operations and the widening, given the columns of the query; all of them belong in
    /// one transaction.
    pub fn finish(&self, query_columns: &[Column], dialect: &dyn Dialect) -> Result<Script, SchemaMismatch> {
        let table = self.widened(query_columns, dialect);
        let change =
            Change::between(&self.name, &table, query_columns, &self.unique_key, self.on_schema_change, dialect)?;
        let relation = &self.relation;
        let staged = dialect.identifier(STAGED);
        let head = dialect.temporary_table(&staged, &self.options);
        let mut statements = Vec::new();
        if self.auditor.is_some() && dialect.capabilities().undoing == Undoing::Whole {
            // It may be there from a try that another transaction was in the way of.
            statements.push(ScriptStatement::run(format!("drop table if exists {staged}")));
        }
        statements.push(ScriptStatement::Run(Statement::new(head).then_query(self)));
        statements.extend(fit(&table, query_columns, &staged, dialect));
        if self.strategy == IncrementalStrategy::Merge {
            statements.extend(unique_guard(&staged, &self.unique_key, dialect));
        }
        if self.auditor.is_some() {
            statements.extend(mark(dialect).iter().copied().map(ScriptStatement::run));
        }
        for column in &change.added {
            let definition = column_definition(column, &self.options, dialect);
            statements.push(ScriptStatement::run(format!("alter table {relation} add column {definition}")));
        }
        for column in &change.dropped {
            let name = dialect.identifier(&column.name);
            statements.push(ScriptStatement::run(format!("alter table {relation} drop column {name}")));
        }
        let partitions = dialect.make_partitions(relation, &self.target, &staged, &self.options);
        statements.extend(partitions.map(ScriptStatement::run));
        let rows = StagedRows::new(relation, &staged, &change.written, &table, query_columns, dialect);
        match self.strategy {
            IncrementalStrategy::Append => statements.push(ScriptStatement::Count(rows.insert())),
            IncrementalStrategy::InsertOverwrite => {
                let partition = self.partition_by.as_deref().unwrap_or("1");
                statements.extend(rows.outside(partition, &self.partitions));
                statements.extend(rows.overwrite(partition, &self.partitions, &self.merge_conditions));
            }
            IncrementalStrategy::Merge => match dialect.capabilities().upsert {
                Upsert::Merge => {
                    statements.push(ScriptStatement::Count(rows.merge(&self.unique_key, &self.merge_conditions)));
                }
                Upsert::DeleteAndInsert => {
                    statements.extend(rows.delete_and_insert(&self.unique_key, &self.merge_conditions));
                }
            },
            IncrementalStrategy::DeleteInsert => {
                statements.extend(rows.delete_and_insert(&self.unique_key, &self.merge_conditions));
            }
            IncrementalStrategy::Interval(_) => {
                if let Some(batch) = &self.batch {
                    let event = batch.event(&self.name, &table, dialect)?;
                    let (guard, replace) = batch.statements(event, &rows, dialect);
                    statements.push(guard);
                    statements.extend(replace);
                }
            }
        }
        if let Some(auditor) = &self.auditor {
            let undo = back_to_mark(dialect).iter().copied().map(Statement::new);
            statements.extend([auditor.behind_change(undo.collect(), &staged), auditor.forget()]);
        }
        statements.push(ScriptStatement::run(format!("drop table {staged}")));
        statements.extend(dialect.missing_indexes(&self.target, &self.options).map(ScriptStatement::from));
        let (within, after) = post_operations(&self.post_operations, dialect);
        statements.extend(within);
        Ok(Script { statements, in_transaction: true, after, ..Script::default() })
    }
}

/// Keeps what is staged from being undone with what comes then. Nothing that lasts has been changed so far.
fn mark(dialect: &dyn Dialect) -> &'static [&'static str] {
    match dialect.capabilities().undoing {
        Undoing::Whole => &["commit", "begin transaction"],
        Undoing::ToSavepoint => &["savepoint trueup_staged"],
    }
}

fn back_to_mark(dialect: &dyn Dialect) -> &'static [&'static str] {
    match dialect.capabilities().undoing {
        Undoing::Whole => &["rollback", "begin transaction"],
        Undoing::ToSavepoint => &["rollback to savepoint trueup_staged"],
    }
}

/// Gives the new rows the types of the table, so that a key is compared as it will be kept. A value that would not be
/// the same there is refused, not rounded.
pub(super) fn fit(
    table: &[Column],
    query_columns: &[Column],
    staged: &str,
    dialect: &dyn Dialect,
) -> Vec<ScriptStatement> {
    let capabilities = dialect.capabilities();
    let mut statements = Vec::new();
    for table in table {
        let same_name = |column: &&Column| column.name.eq_ignore_ascii_case(&table.name);
        let Some(query) = query_columns.iter().find(same_name) else { continue };
        let is_the_same = dialect.same_type(&query.data_type, &table.data_type);
        if is_the_same || ![query, table].iter().all(|column| dialect.compares(&column.data_type)) {
            continue;
        }
        let name = dialect.identifier(&query.name);
        let (from, to) = (&query.data_type, &table.data_type);
        let there_and_back = dialect.cast_if_possible(&dialect.cast_if_possible(&name, to), from);
        let differs = capabilities.null_safe.different(&there_and_back, &name);
        statements.push(ScriptStatement::Guard {
            query: Statement::new(format!("select {name} from {staged} where {differs} limit 5")),
            message: format!("`{}` is {to} in the table, and not all values of the query ({from}) fit", table.name),
            help: "cast the column in the query, or build the table anew with --full-refresh".to_owned(),
        });
        if capabilities.retypes_columns {
            statements.push(ScriptStatement::run(format!(
                "alter table {staged} alter column {name} set data type {to} using cast({name} as {to})"
            )));
        }
    }
    statements
}

impl Statement {
    fn then_query(self, work: &IncrementalWork) -> Self {
        match &work.filter {
            None => self.then_statement(&work.query),
            Some(filter) => self
                .then("select * from (\n")
                .then_statement(&work.query)
                .then("\n) as subquery\nwhere ")
                .then_statement(filter),
        }
    }
}
