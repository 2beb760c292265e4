//! Statements.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ColumnOption, CreateTableLikeKind, CreateTableOptions, Expr, FromTable, MergeAction,
    MergeInsertKind, MergeUpdateKind, ObjectName, Reset, ResetStatement, Set, SetExpr, Spanned, Statement, TableFactor,
    TableObject, UpdateTableFromKind, Value,
};

use super::Rewriter;
use super::call::simple_name;
use crate::dialect::translate::functions::{bracketed, build_query};
use crate::dialect::translate::types::Type;

impl Rewriter<'_> {
    /// The statements that stand in its place.
    #[recursive::recursive]
    pub(crate) fn statement(&mut self, mut statement: Statement) -> Vec<Statement> {
        self.begin(&statement);
        let rules = self.rules;
        if let Some(done) = rules.statement(&mut statement, self) {
            return done;
        }
        match &mut statement {
            Statement::Query(query) => {
                self.query(query);
            }
            Statement::CreateTable(create) => {
                // Where and how the rows lie on the disk does not change them.
                create.partition_by = None;
                create.cluster_by = None;
                create.order_by = None;
                create.diststyle = None;
                create.distkey = None;
                create.sortkey = None;
                create.backup = None;
                create.table_options = CreateTableOptions::None;
                let copied = match create.like.take() {
                    Some(CreateTableLikeKind::Plain(like) | CreateTableLikeKind::Parenthesized(like)) => {
                        Some((like.name, "select * from t limit 0"))
                    }
                    None => create.clone.take().map(|name| (name, "select * from t")),
                };
                if let Some((name, text)) = copied {
                    let mut query = build_query(text, &[]);
                    if let SetExpr::Select(select) = query.body.as_mut()
                        && let Some(TableFactor::Table { name: source, .. }) =
                            select.from.first_mut().map(|from| &mut from.relation)
                    {
                        *source = name;
                    }
                    create.query = Some(Box::new(query));
                }
                if create.external || create.version.is_some() {
                    self.missing(create.name.span(), "CREATE TABLE of this form");
                }
                let mut columns = Vec::new();
                for column in &mut create.columns {
                    self.data_type(&mut column.data_type, column.name.span);
                    columns.push((column.name.value.clone(), Type::of(&column.data_type)));
                    let mut options = std::mem::take(&mut column.options);
                    for option in &mut options {
                        if let ColumnOption::Default(value) = &mut option.option {
                            self.expr(value);
                            let plain = std::mem::replace(value, Expr::value(Value::Null));
                            *value = bracketed(plain);
                        }
                    }
                    options.retain(|option| {
                        matches!(option.option, ColumnOption::Null | ColumnOption::NotNull | ColumnOption::Default(_))
                    });
                    column.options = options;
                }
                // Warehouses hold keys to be true but do not enforce them: DuckDB would.
                create.constraints.clear();
                let mut known = (!columns.is_empty()).then_some(columns);
                if let Some(query) = &mut create.query {
                    let columns = self.query(query);
                    known = known.or(columns);
                }
                let name = known_name(&create.name);
                self.scopes.name(&name, known);
            }
            Statement::CreateView(create) => {
                create.options = CreateTableOptions::None;
                create.cluster_by.clear();
                create.with_no_schema_binding = false;
                create.comment = None;
                // The rows are the same, only fresher.
                create.materialized = false;
                for column in &mut create.columns {
                    column.options = None;
                }
                let columns = self.query(&mut create.query);
                let name = known_name(&create.name);
                self.scopes.name(&name, columns);
            }
            Statement::Insert(insert) => {
                if insert.overwrite
                    || insert.on.is_some()
                    || insert.partitioned.is_some()
                    || insert.ignore
                    || insert.replace_into
                {
                    self.missing(insert.insert_token.0.span, "INSERT of this form");
                }
                if !matches!(insert.table, TableObject::TableName(_)) {
                    self.missing(insert.insert_token.0.span, "INSERT into a function or query");
                }
                insert.into = true;
                if let Some(query) = &mut insert.source {
                    self.inserting = matches!(*query.body, SetExpr::Values(_));
                    self.query(query);
                    self.inserting = false;
                }
            }
            Statement::Update(update) => {
                self.scopes.open();
                self.table_with_joins(&mut update.table);
                if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
                    &mut update.from
                {
                    for table in from {
                        self.table_with_joins(table);
                    }
                }
                for assignment in &mut update.assignments {
                    self.assignment(assignment);
                }
                if let Some(condition) = &mut update.selection {
                    self.expr(condition);
                }
                self.scopes.close();
            }
            Statement::Delete(delete) => {
                self.scopes.open();
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &mut delete.from;
                for table in from {
                    self.table_with_joins(table);
                }
                for table in delete.using.iter_mut().flatten() {
                    self.table_with_joins(table);
                }
                if let Some(condition) = &mut delete.selection {
                    self.expr(condition);
                }
                self.scopes.close();
                if let FromTable::WithoutKeyword(from) = &delete.from {
                    delete.from = FromTable::WithFromKeyword(from.clone());
                }
            }
            Statement::Merge(merge) => {
                merge.into = true;
                self.scopes.open();
                self.table(&mut merge.table);
                self.table(&mut merge.source);
                self.expr(&mut merge.on);
                for clause in &mut merge.clauses {
                    if let Some(condition) = &mut clause.predicate {
                        self.expr(condition);
                    }
                    match &mut clause.action {
                        MergeAction::Insert(insert) => {
                            match &mut insert.kind {
                                MergeInsertKind::Values(values) => {
                                    for value in values.rows.iter_mut().flat_map(|row| &mut row.content) {
                                        self.expr(value);
                                    }
                                }
                                kind @ MergeInsertKind::Row => *kind = MergeInsertKind::Wildcard,
                                MergeInsertKind::Wildcard => {}
                            }
                            if let Some(condition) = &mut insert.insert_predicate {
                                self.expr(condition);
                            }
                        }
                        MergeAction::Update(update) => {
                            if let MergeUpdateKind::Set(assignments) = &mut update.kind {
                                for assignment in assignments {
                                    self.assignment(assignment);
                                }
                            }
                        }
                        MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
                    }
                }
                self.scopes.close();
            }
            Statement::Truncate(truncate) => {
                truncate.table = true;
                if truncate.partitions.is_some() {
                    self.missing(sqlparser::tokenizer::Span::empty(), "TRUNCATE of partitions");
                }
            }
            Statement::Drop { .. }
            | Statement::AlterTable(_)
            | Statement::Commit { .. }
            | Statement::Rollback { savepoint: None, .. } => {}
            Statement::StartTransaction { statements, exception: None, .. } if statements.is_empty() => {}
            Statement::CreateSchema { with, options, default_collate_spec, clone: None, .. } => {
                *with = None;
                *options = None;
                *default_collate_spec = None;
            }
            // Who may do what, and what a table is for, is no matter of rows.
            Statement::Grant(_)
            | Statement::Revoke(_)
            | Statement::Comment { .. }
            | Statement::Analyze(_)
            | Statement::Vacuum(_) => {
                return Vec::new();
            }
            Statement::Set(Set::SingleAssignment { variable, .. }) if has_no_effect(variable) => return Vec::new(),
            Statement::Reset(ResetStatement { reset: Reset::ConfigurationParameter(variable) })
                if has_no_effect(variable) =>
            {
                return Vec::new();
            }
            other => {
                let text = other.to_string();
                let words: Vec<_> = text.split_whitespace().take(2).collect();
                let what = format!("statement `{}`", words.join(" "));
                self.missing(sqlparser::tokenizer::Span::empty(), &what);
            }
        }
        vec![statement]
    }
}

impl Rewriter<'_> {
    /// `SET column = value`. DuckDB takes no name of a table before the column.
    fn assignment(&mut self, assignment: &mut Assignment) {
        match &mut assignment.target {
            AssignmentTarget::ColumnName(name) => {
                let of_target = name.0.first().and_then(|part| part.as_ident()).is_some_and(|first| {
                    self.scopes.innermost().first().is_some_and(|target| target.name.eq_ignore_ascii_case(&first.value))
                });
                if name.0.len() == 2 && of_target {
                    name.0.remove(0);
                } else if name.0.len() > 1 {
                    let place = name.span();
                    self.missing(place, "SET of a field");
                }
            }
            AssignmentTarget::Tuple(_) => self.missing(assignment.value.span(), "SET of several columns at once"),
        }
        self.expr(&mut assignment.value);
    }
}

/// Settings of a session of PostgreSQL or Redshift that change how long a statement takes, never its rows.
const WITHOUT_EFFECT: [&str; 18] = [
    "analyze_threshold_percent",
    "application_name",
    "client_min_messages",
    "effective_cache_size",
    "enable_result_cache_for_session",
    "idle_in_transaction_session_timeout",
    "jit",
    "lock_timeout",
    "maintenance_work_mem",
    "max_parallel_workers_per_gather",
    "mv_enable_aqmv_for_session",
    "query_group",
    "random_page_cost",
    "statement_timeout",
    "synchronous_commit",
    "temp_buffers",
    "wlm_query_slot_count",
    "work_mem",
];

fn has_no_effect(setting: &ObjectName) -> bool {
    let name = setting.to_string().to_ascii_lowercase();
    WITHOUT_EFFECT.contains(&name.as_str())
}

fn known_name(name: &ObjectName) -> String {
    if name.0.len() == 1 { simple_name(name) } else { name.to_string() }
}
