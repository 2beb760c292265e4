//! A table that is made or refilled by an INSERT of its own, where a step is one job: what it sends depends on the columns
//! of its query.

use crate::dialect::Dialect;
use crate::plan::audit::Auditor;
use crate::plan::incremental::STAGED;
use crate::plan::model::{Build, CREATE_OR_REPLACE, unique_guard};
use crate::plan::multi_statement::JobWriter;
use crate::plan::rows::StagedRows;
use crate::plan::schema_change::SchemaMismatch;
use crate::plan::script::{Script, ScriptStatement, column_definition};
use crate::plan::statement::{Statement, WarehouseText, in_order};
use crate::plan::swap::{self, Swap};
use crate::relation::{Column, PhysicalOptions, RelationKind};

/// What is known before the query's columns are.
#[derive(Debug)]
pub struct FillWork {
    name: String,
    swap: Swap,
    query: Statement,
    pre_operations: Vec<WarehouseText>,
    post_operations: Vec<WarehouseText>,
    unique_key: Vec<String>,
    options: PhysicalOptions,
    auditor: Option<Auditor>,
    way: Way,
    pub(super) is_marked: bool,
    reads: Vec<Statement>,
}

/// How the table comes to its rows.
#[derive(Debug)]
enum Way {
    /// The table stays, and its rows are replaced.
    InPlace {
        columns: Vec<Column>,
        /// What the config says of the table and its columns.
        said: Vec<ScriptStatement>,
    },
    /// A new table takes the place of what is there.
    Beside {
        existing: Option<RelationKind>,
        /// What stands behind the columns of the new table.
        clauses: String,
        said: Vec<ScriptStatement>,
        /// Grants and row access policies of what is there.
        handed_over: Vec<ScriptStatement>,
    },
}

impl FillWork {
    pub(super) fn new(
        build: &Build<'_>,
        pre_operations: Vec<WarehouseText>,
        query: &WarehouseText,
        post_operations: Vec<WarehouseText>,
        handed_over: Vec<ScriptStatement>,
        estimate: Statement,
        dialect: &dyn Dialect,
    ) -> Self {
        let target = &build.action.target;
        let way = match build.existing.filter(|_| build.is_refilled(dialect)) {
            Some(table) => {
                let options = build.said_of_table(dialect).map(ScriptStatement::run);
                let said = options.into_iter().chain(build.descriptions(target, dialect)).collect();
                Way::InPlace { columns: table.columns.clone(), said }
            }
            None => Way::Beside {
                existing: build.existing.map(|existing| existing.kind),
                clauses: build.clauses(dialect).before,
                said: build.descriptions(&swap::new(target, dialect), dialect),
                handed_over,
            },
        };
        Self {
            name: target.name.clone(),
            swap: build.swap.clone(),
            query: Statement::text(query),
            pre_operations,
            post_operations,
            unique_key: build.model.distinct_key().unwrap_or_default().to_vec(),
            options: build.model.options.clone(),
            auditor: build.auditor.clone(),
            way,
            is_marked: build.is_marked,
            reads: vec![estimate],
        }
    }

    /// The query.
    pub fn query(&self) -> &Statement {
        &self.query
    }

    /// The query for its columns, behind the statements that it may need.
    pub fn query_behind_pre_operations(&self) -> Statement {
        in_order(&self.pre_operations).then_statement(&self.query)
    }

    /// What to ask the warehouse about to know what the step will read.
    pub fn estimate(&self) -> &[Statement] {
        &self.reads
    }

    /// The columns of the table, if it stays. Where those of the query cannot be known before it runs, they stand for them
    /// in what is shown of the plan.
    pub fn columns(&self) -> &[Column] {
        match &self.way {
            Way::InPlace { columns, .. } => columns,
            Way::Beside { .. } => &[],
        }
    }

    /// The whole step, pre and post operations included, given the columns of the query; `None` if they cannot be known
    /// before it runs.
    pub fn in_one(&self, columns: Option<&[Column]>, dialect: &dyn Dialect) -> Result<Script, SchemaMismatch> {
        let columns = columns.ok_or_else(|| SchemaMismatch {
            message: format!(
                "the columns of `{}` cannot be known, since its query needs what the pre-operations make",
                self.name
            ),
            help: "make that in another action".to_owned(),
        })?;
        let mut job = JobWriter::new(dialect);
        self.swap.recover(&mut job);
        job.texts(&self.pre_operations);
        match &self.way {
            Way::InPlace { columns: table, said } => {
                self.refill(&mut job, table, columns, said, dialect)?;
            }
            Way::Beside { existing, clauses, said, handed_over } => {
                let definitions = columns.iter().map(|column| column_definition(column, &self.options, dialect));
                let definitions = definitions.collect::<Vec<_>>().join(", ");
                let new = &self.swap.new;
                let create = format!("{CREATE_OR_REPLACE} table {new} ({definitions}) {clauses}");
                job.run(&Statement::new(create.trim_end()));
                // Before there is a row that somebody could see.
                job.push_all(handed_over);
                job.count(&StagedRows::new(new, "", columns, columns, columns, dialect).insert_from(&self.query));
                job.push_all(unique_guard(new, &self.unique_key, dialect).as_slice());
                job.push_all(said);
                job.push_all(self.auditor.as_ref().map(|auditor| auditor.before_publishing(new)).as_slice());
                self.swap.publish(*existing, &mut job);
            }
        }
        job.push_all(self.auditor.as_ref().map(Auditor::forget).as_slice());
        job.operations(&self.post_operations);
        let reads = self.reads.clone();
        Ok(Script { statements: vec![job.finish()], reads, ..Script::default() })
    }

    /// Readers see the old rows or the new ones.
    fn refill(
        &self,
        job: &mut JobWriter<'_>,
        table: &[Column],
        query: &[Column],
        said: &[ScriptStatement],
        dialect: &dyn Dialect,
    ) -> Result<(), SchemaMismatch> {
        let find = |columns: &[Column], name: &str| {
            columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).cloned()
        };
        let retyped = query.iter().find_map(|column| {
            let was = find(table, &column.name)?.data_type;
            (!dialect.same_type(&was, &column.data_type)).then_some((column, was))
        });
        if let Some((column, was)) = retyped {
            return Err(SchemaMismatch {
                message: format!(
                    "`{}` of `{}` is {} in the query and {was} in the table, which keeps its columns for what is granted on them",
                    column.name, self.name, column.data_type
                ),
                help: "cast it in the query, or drop the table by hand".to_owned(),
            });
        }
        let relation = &self.swap.relation;
        let added = query.iter().filter(|column| find(table, &column.name).is_none());
        let added: Vec<String> =
            added.map(|column| format!("add column {}", column_definition(column, &self.options, dialect))).collect();
        let dropped = table.iter().filter(|column| find(query, &column.name).is_none());
        let dropped: Vec<String> =
            dropped.map(|column| format!("drop column {}", dialect.identifier(&column.name))).collect();
        let alter = |job: &mut JobWriter<'_>, changes: &[String]| {
            if !changes.is_empty() {
                job.run(&Statement::new(format!("alter table {relation} {}", changes.join(", "))));
            }
        };
        let staged = dialect.identifier(STAGED);
        let head = Statement::new(dialect.temporary_table(&staged, &self.options));
        job.run(&head.then_statement(&self.query));
        job.push_all(unique_guard(&staged, &self.unique_key, dialect).as_slice());
        alter(job, &added);
        // With it the table is marked as unfinished, if it has to be.
        job.push_all(said);
        let rows = StagedRows::new(relation, &staged, query, query, query, dialect);
        let truncate = ScriptStatement::run(format!("truncate table {relation}"));
        let audit = self.auditor.as_ref().map(|auditor| auditor.in_transaction(&staged));
        job.transaction(
            &[truncate, ScriptStatement::Count(rows.insert())].into_iter().chain(audit).collect::<Vec<_>>(),
        );
        alter(job, &dropped);
        Ok(())
    }
}
