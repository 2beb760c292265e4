//! Statements: what of them is queries and names.

use sqlparser::ast::{self, ConditionalStatements, FromTable, MergeAction, MergeInsertKind, TableFactor, TableObject};

use super::scope::Scope;
use super::{Binder, around};
use crate::analysis::bound::{Columns, Expr, Statement};

impl Binder<'_> {
    pub(super) fn statement(&mut self, statement: &ast::Statement) -> Statement {
        match statement {
            ast::Statement::Query(query) => Statement::Query(self.query(query)),
            ast::Statement::Insert(insert) => self.insert(insert),
            ast::Statement::Update(update) => self.update(update),
            ast::Statement::Delete(delete) => self.delete(delete),
            ast::Statement::Merge(merge) => self.merge(merge),
            ast::Statement::CreateView(view) => {
                let query = self.query(&view.query);
                let columns = if view.columns.is_empty() { query.columns.clone() } else { Columns::unknown() };
                self.made(&view.name, columns);
                Statement::Create(query)
            }
            ast::Statement::CreateTable(table) => {
                let query = table.query.as_ref().map(|query| self.query(query));
                let own = query.as_ref().filter(|_| table.columns.is_empty());
                let columns = own.map_or_else(Columns::unknown, |query| query.columns.clone());
                self.made(&table.name, columns);
                query.map_or(Statement::Other, Statement::Create)
            }
            ast::Statement::Declare { stmts } => {
                let names = stmts.iter().flat_map(|declare| &declare.names);
                self.variables.names.extend(names.map(|name| name.value.to_lowercase()));
                Statement::Other
            }
            ast::Statement::If(block) => {
                let blocks = std::iter::once(&block.if_block).chain(&block.elseif_blocks).chain(&block.else_block);
                self.blocks(blocks)
            }
            ast::Statement::While(block) => self.blocks([&block.while_block]),
            ast::Statement::StartTransaction { statements, .. } => {
                let seen = self.variables.names.clone();
                self.nested(statements);
                self.variables.names = seen;
                Statement::Other
            }
            _ => {
                self.relations_made.clear();
                Statement::Other
            }
        }
    }

    fn blocks<'b>(&mut self, blocks: impl IntoIterator<Item = &'b ast::ConditionalStatementBlock>) -> Statement {
        let mut conditions = Vec::new();
        for block in blocks {
            self.scopes.push(Scope { is_open: true, ..Scope::default() });
            conditions.extend(self.exprs(&block.condition));
            self.scopes.pop();
            match &block.conditional_statements {
                ConditionalStatements::Sequence { statements } => self.nested(statements),
                ConditionalStatements::BeginEnd(block) => self.nested(&block.statements),
            }
        }
        Statement::Change(conditions)
    }

    fn nested(&mut self, statements: &[ast::Statement]) {
        for statement in statements {
            let bound = self.statement(statement);
            self.bound.statements.push(bound);
        }
    }

    /// Notes that the script has made a relation of that name.
    fn made(&mut self, name: &ast::ObjectName, columns: Columns) {
        let path = self.path_of(name);
        self.bound.made.push(path.clone());
        self.relations_made.retain(|(other, _)| *other != path);
        self.relations_made.push((path, columns));
    }

    pub(super) fn path_of(&self, name: &ast::ObjectName) -> Vec<String> {
        let parts = name.0.iter().filter_map(|part| part.as_ident());
        parts
            .flat_map(|part| match part.quote_style {
                Some('`') => part.value.split('.').map(str::to_owned).collect(),
                _ => vec![self.name(part)],
            })
            .collect()
    }

    fn insert(&mut self, insert: &ast::Insert) -> Statement {
        let TableObject::TableName(name) = &insert.table else { return Statement::Other };
        let target = TableFactor::Table {
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
        };
        let source = self.relation(&target);
        let span = source.span;
        let into = self.add_source(source);
        self.scopes.push(Scope { sources: vec![into], ..Scope::default() });
        let columns: Vec<Expr> = insert.columns.iter().map(|name| self.assigned(name)).collect();
        self.scopes.pop();
        let Some(source) = &insert.source else { return Statement::Other };
        let query = self.query(source);
        Statement::Insert { into, columns, query, span }
    }

    /// A column that gets a value.
    fn assigned(&mut self, name: &ast::ObjectName) -> Expr {
        let parts: Vec<&ast::Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let names: Vec<String> = parts.iter().map(|part| self.name(part)).collect();
        self.path(&names, around(parts.iter().map(|part| part.span)))
    }

    fn update(&mut self, update: &ast::Update) -> Statement {
        self.scopes.push(Scope::default());
        let mut joins = self.from(std::slice::from_ref(&update.table));
        if let Some(ast::UpdateTableFromKind::BeforeSet(from) | ast::UpdateTableFromKind::AfterSet(from)) = &update.from
        {
            joins.extend(self.from(from));
        }
        let mut exprs = self.assignments(&update.assignments);
        exprs.extend(self.exprs(&update.selection));
        self.scopes.pop();
        exprs.extend(joins.into_iter().filter_map(|join| join.condition));
        Statement::Change(exprs)
    }

    /// The values that columns of the target get.
    fn assignments(&mut self, assignments: &[ast::Assignment]) -> Vec<Expr> {
        let mut exprs = Vec::new();
        for assignment in assignments {
            exprs.push(self.expr(&assignment.value));
        }
        exprs
    }

    fn delete(&mut self, delete: &ast::Delete) -> Statement {
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

    fn merge(&mut self, merge: &ast::Merge) -> Statement {
        self.scopes.push(Scope::default());
        for factor in [&merge.table, &merge.source] {
            let source = self.relation(factor);
            let id = self.add_source(source);
            self.scope().sources.push(id);
        }
        let mut exprs = vec![self.expr(&merge.on)];
        for clause in &merge.clauses {
            exprs.extend(self.exprs(&clause.predicate));
            match &clause.action {
                MergeAction::Insert(insert) => {
                    if let MergeInsertKind::Values(values) = &insert.kind {
                        exprs.extend(self.exprs(values.rows.iter().flat_map(|row| &row.content)));
                    }
                }
                MergeAction::Update(update) => {
                    if let ast::MergeUpdateKind::Set(assignments) = &update.kind {
                        exprs.extend(self.assignments(assignments));
                    }
                }
                MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
            }
        }
        self.scopes.pop();
        Statement::Change(exprs)
    }

    /// A relation that an earlier statement of the script has made.
    pub(super) fn made_before(&self, path: &[String]) -> Option<Columns> {
        let is_it = |made: &[String]| {
            made.len() == path.len() && made.iter().zip(path).all(|(one, other)| self.is_same(one, other))
        };
        self.relations_made.iter().find(|(made, _)| is_it(made)).map(|(_, columns)| columns.clone())
    }
}
