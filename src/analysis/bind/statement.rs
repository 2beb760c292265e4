//! Statements: what of them is queries and names.

use sqlparser::ast::{self, ConditionalStatements};

use super::Binder;
use super::scope::{Scope, Sight};
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
                let is_as_read = view.columns.is_empty() && !view.if_not_exists;
                let columns = if is_as_read { query.columns.clone() } else { Columns::unknown() };
                self.made(&view.name, columns);
                Statement::Create(query)
            }
            ast::Statement::CreateTable(table) => {
                let query = table.query.as_ref().map(|query| self.query(query));
                let own = query.as_ref().filter(|_| table.columns.is_empty() && !table.if_not_exists);
                let columns = own.map_or_else(Columns::unknown, |query| query.columns.clone());
                self.made(&table.name, columns);
                query.map_or(Statement::Other, Statement::Create)
            }
            ast::Statement::AlterTable(table) => {
                self.made(&table.name, Columns::unknown());
                Statement::Other
            }
            ast::Statement::Declare { stmts } => {
                let names = stmts.iter().flat_map(|declare| &declare.names);
                let names: Vec<String> = names.map(|name| name.value.to_lowercase()).collect();
                let value = stmts.iter().find_map(|declare| match &declare.assignment {
                    Some(ast::DeclareAssignment::Default(value) | ast::DeclareAssignment::Expr(value)) => Some(value),
                    _ => None,
                });
                // There is no query around it that a query in it could see.
                self.scopes.push(Scope { is_open: true, sight: Sight::None, ..Scope::default() });
                let value = value.map(|value| self.expr(value));
                self.scopes.pop();
                self.variables.names.extend(names.iter().cloned());
                Statement::Declare(names, value)
            }
            ast::Statement::If(block) => {
                let blocks = std::iter::once(&block.if_block).chain(&block.elseif_blocks).chain(&block.else_block);
                self.blocks(blocks)
            }
            ast::Statement::Case(block) => {
                let value = self.conditions(&block.match_expr);
                let branches = self.blocks(block.when_blocks.iter().chain(&block.else_block));
                self.bound.statements.push(Statement::Change(value));
                branches
            }
            ast::Statement::While(block) => self.blocks([&block.while_block]),
            ast::Statement::StartTransaction { statements, exception, .. } => {
                let seen = self.variables.names.clone();
                match exception {
                    None => self.nested(statements),
                    Some(handlers) => {
                        self.perhaps(statements);
                        for handler in handlers {
                            self.perhaps(&handler.statements);
                        }
                    }
                }
                self.variables.names = seen;
                Statement::Other
            }
            _ => {
                // It may change what earlier statements have made.
                for (_, columns) in &mut self.relations_made {
                    *columns = Columns::unknown();
                }
                Statement::Other
            }
        }
    }

    fn blocks<'b>(&mut self, blocks: impl IntoIterator<Item = &'b ast::ConditionalStatementBlock>) -> Statement {
        let mut conditions = Vec::new();
        for block in blocks {
            conditions.extend(self.conditions(&block.condition));
            match &block.conditional_statements {
                ConditionalStatements::Sequence { statements } => self.perhaps(statements),
                ConditionalStatements::BeginEnd(block) => self.perhaps(&block.statements),
            }
        }
        Statement::Change(conditions)
    }

    /// What decides which statements run.
    fn conditions<'e>(&mut self, exprs: impl IntoIterator<Item = &'e ast::Expr>) -> Vec<Expr> {
        self.scopes.push(Scope { is_open: true, ..Scope::default() });
        let bound = self.exprs(exprs);
        self.scopes.pop();
        bound
    }

    /// Statements that may not run, or not to their end. What they make is not known behind them.
    fn perhaps(&mut self, statements: &[ast::Statement]) {
        let before = self.relations_made.clone();
        self.nested(statements);
        for made in self.relations_made.iter_mut().filter(|made| !before.contains(made)) {
            made.1 = Columns::unknown();
        }
    }

    pub(super) fn nested(&mut self, statements: &[ast::Statement]) {
        for statement in statements {
            let bound = self.statement(statement);
            self.bound.statements.push(bound);
        }
    }

    /// Notes that the script has made a relation of that name, or has changed it.
    fn made(&mut self, name: &ast::ObjectName, columns: Columns) {
        let path = self.path_of(name);
        self.bound.made.push(path.clone());
        self.relations_made.retain(|(other, _)| *other != path);
        self.relations_made.push((path, columns));
    }

    pub(super) fn path_of(&self, name: &ast::ObjectName) -> Vec<String> {
        self.parts_of(name.0.iter().filter_map(|part| part.as_ident()))
    }

    /// The parts of a path, of which several may stand in one pair of quotes.
    pub(super) fn parts_of<'n>(&self, identifiers: impl Iterator<Item = &'n ast::Ident>) -> Vec<String> {
        identifiers
            .flat_map(|part| match part.quote_style {
                Some('`') => part.value.split('.').map(str::to_owned).collect(),
                _ => vec![self.name(part)],
            })
            .collect()
    }

    /// A relation that an earlier statement of the script has made.
    pub(super) fn made_before(&self, path: &[String]) -> Option<Columns> {
        let is_it = |made: &[String]| {
            made.len() == path.len() && made.iter().zip(path).all(|(one, other)| self.is_same(one, other))
        };
        self.relations_made.iter().find(|(made, _)| is_it(made)).map(|(_, columns)| columns.clone())
    }
}
