//! INSERT, UPDATE, DELETE and MERGE: the columns that they write to, and what they write there.

use sqlparser::ast::{self, AssignmentTarget, FromTable, MergeAction, MergeClauseKind, TableFactor, TableObject};

use super::from::plain;
use super::scope::Scope;
use super::{Binder, around};
use crate::analysis::bound::{Expr, Source, SourceId, SourceKind, Statement};

impl Binder<'_> {
    pub(super) fn insert(&mut self, insert: &ast::Insert) -> Statement {
        let TableObject::TableName(name) = &insert.table else { return Statement::Other };
        let mut source = self.relation(&table(name));
        if let Some(given) = &insert.table_alias {
            source.name = Some(self.name(&given.alias));
        }
        let span = source.span;
        let into = self.add_source(source);
        self.open_if_altered(into);
        let columns: Vec<Expr> = insert.columns.iter().map(|name| self.assigned(into, name)).collect();
        if let Some(ast::OnInsert::OnConflict(conflict)) = &insert.on {
            let exprs = self.on_conflict(into, conflict);
            self.bound.statements.push(Statement::Change(exprs));
        }
        let Some(source) = &insert.source else { return Statement::Other };
        let query = self.query(source);
        Statement::Insert { into, columns, query, span }
    }

    /// What becomes of a row that is there already: values can be taken of it, and of `excluded`, the one that is not inserted.
    fn on_conflict(&mut self, into: SourceId, conflict: &ast::OnConflict) -> Vec<Expr> {
        let mut exprs = Vec::new();
        if let Some(ast::ConflictTarget::Columns(columns)) = &conflict.conflict_target {
            exprs.extend(columns.iter().map(|column| self.assigned(into, &column.clone().into())));
        }
        if let ast::OnConflictAction::DoUpdate(update) = &conflict.action {
            let Source { columns, span, .. } = self.source(into);
            let excluded = plain(SourceKind::Opaque, columns.clone(), *span);
            let excluded = self.add_source(Source { name: Some("excluded".to_owned()), ..excluded });
            self.scopes.push(Scope { sources: vec![into], ranges: vec![excluded], ..Scope::default() });
            exprs.extend(self.assignments(into, &update.assignments));
            exprs.extend(self.exprs(&update.selection));
            self.scopes.pop();
        }
        exprs
    }

    pub(super) fn update(&mut self, update: &ast::Update) -> Statement {
        self.scopes.push(Scope::default());
        let mut joins = self.from(std::slice::from_ref(&update.table));
        let target = self.scope().sources.first().copied();
        if let Some(ast::UpdateTableFromKind::BeforeSet(from) | ast::UpdateTableFromKind::AfterSet(from)) = &update.from
        {
            joins.extend(self.from(from));
        }
        let mut exprs = Vec::new();
        if let Some(target) = target {
            self.open_if_altered(target);
            exprs.extend(self.assignments(target, &update.assignments));
        }
        exprs.extend(self.exprs(&update.selection));
        self.scopes.pop();
        exprs.extend(joins.into_iter().filter_map(|join| join.condition));
        Statement::Change(exprs)
    }

    pub(super) fn delete(&mut self, delete: &ast::Delete) -> Statement {
        self.scopes.push(Scope::default());
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut joins = self.from(from);
        if let Some(using) = &delete.using {
            joins.extend(self.from(using));
        }
        let mut exprs = self.exprs(&delete.selection);
        self.scopes.pop();
        exprs.extend(joins.into_iter().filter_map(|join| join.condition));
        Statement::Change(exprs)
    }

    pub(super) fn merge(&mut self, merge: &ast::Merge) -> Statement {
        self.scopes.push(Scope::default());
        let [target, source] = [&merge.table, &merge.source].map(|factor| {
            let source = self.relation(factor);
            let id = self.add_source(source);
            self.scope().sources.push(id);
            id
        });
        self.open_if_altered(target);
        let mut exprs = vec![self.expr(&merge.on)];
        self.scopes.pop();
        for clause in &merge.clauses {
            // Where nothing matches, there is no row of the target.
            let is_new =
                matches!(clause.clause_kind, MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget);
            let (sources, ranges) =
                if is_new { (vec![source], vec![target]) } else { (vec![target, source], Vec::new()) };
            self.scopes.push(Scope { sources, ranges, ..Scope::default() });
            exprs.extend(self.exprs(&clause.predicate));
            match &clause.action {
                MergeAction::Insert(insert) => exprs.extend(self.merge_insert(target, source, insert)),
                MergeAction::Update(update) => {
                    exprs.extend(match &update.kind {
                        ast::MergeUpdateKind::Set(assignments) => self.assignments(target, assignments),
                        ast::MergeUpdateKind::Wildcard => vec![self.row(source, update.update_token.0.span)],
                    });
                }
                MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
            }
            self.scopes.pop();
        }
        Statement::Change(exprs)
    }

    /// The row that it takes as it is; or a statement of its own, an INSERT of one row.
    fn merge_insert(&mut self, into: SourceId, source: SourceId, insert: &ast::MergeInsertExpr) -> Option<Expr> {
        let columns = insert.columns.iter().map(|name| self.assigned(into, name)).collect();
        let span = insert.kind_token.0.span;
        let ast::MergeInsertKind::Values(values) = &insert.kind else { return Some(self.row(source, span)) };
        let query = self.rows(values, span);
        self.bound.statements.push(Statement::Insert { into, columns, query, span });
        None
    }

    /// The columns of the target that get a value, and the values.
    fn assignments(&mut self, target: SourceId, assignments: &[ast::Assignment]) -> Vec<Expr> {
        let mut exprs = Vec::new();
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => exprs.push(self.assigned(target, name)),
                AssignmentTarget::Tuple(names) => exprs.extend(names.iter().map(|name| self.assigned(target, name))),
            }
            exprs.push(self.expr(&assignment.value));
        }
        exprs
    }

    /// A column that gets a value. Nothing but the target is in sight; `a.b` is a field of its column `a`, unless it is itself
    /// called `a`.
    fn assigned(&mut self, target: SourceId, name: &ast::ObjectName) -> Expr {
        let parts: Vec<&ast::Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let names: Vec<String> = parts.iter().map(|part| self.name(part)).collect();
        let span = around(parts.iter().map(|part| part.span));
        let only_target = vec![Scope { sources: vec![target], ..Scope::default() }];
        let around = std::mem::replace(&mut self.scopes, only_target);
        let expr = match names.split_first() {
            Some((column, fields)) if !self.names_column_of(target, &names) => {
                let column = self.column(column, parts[0].span);
                self.fields(column, fields, span)
            }
            _ => self.path(&names, span),
        };
        self.scopes = around;
        expr
    }

    /// Whether the name of the source stands before that of a column.
    fn names_column_of(&self, id: SourceId, parts: &[String]) -> bool {
        parts.len() > 1 && (self.is_called(id, &parts[0]) || self.path_length(id, parts).is_some())
    }

    /// The table may have columns that its query does not give.
    fn open_if_altered(&mut self, target: SourceId) {
        let may_be_altered = self.relations.may_be_altered(&self.source(target).path);
        self.source_mut(target).columns.is_open |= may_be_altered;
    }
}

/// A table that is named without anything around it.
fn table(name: &ast::ObjectName) -> TableFactor {
    TableFactor::Table {
        name: name.clone(),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
