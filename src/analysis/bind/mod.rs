//! Finds out what each name of a text means, and what type each expression has: from sqlparser's tree to [`Bound`].
//!
//! What is not understood becomes something of which nothing is known; the rest is bound all the same.

mod call;
mod change;
mod expr;
mod from;
mod lambda;
mod origins;
mod pipe;
mod pivot;
mod query;
mod scope;
mod select;
mod spread;
mod star;
mod statement;

use std::collections::BTreeSet;

use sqlparser::ast;
use sqlparser::tokenizer::Span;

use crate::analysis::bound::{Bound, Columns, Cte, CteId, Key, Source, SourceId, SourceKind, Statement};
use crate::dialect::semantics::{NameRules, RepeatedColumns, Semantics};
use lambda::Parameter;
use scope::Scope;

/// What is known of the relations that a text reads.
pub trait Relations {
    /// What stands at that path, if the project knows it.
    fn find(&self, path: &[String]) -> Option<Known>;

    /// Whether a statement of the project may give it other columns.
    fn may_be_altered(&self, _path: &[String]) -> bool {
        false
    }
}

/// A relation that the project knows.
#[derive(Debug)]
pub struct Known {
    /// An action, or the table of the model itself.
    pub kind: SourceKind,
    /// Its columns.
    pub columns: Columns,
    /// Its keys.
    pub keys: Vec<Key>,
    /// Whether all rows are there that these say something of.
    pub is_whole: bool,
}

/// Names in lower case that a text may use without a FROM.
#[derive(Debug, Default, Clone)]
pub struct Variables {
    /// Those that are declared in it, or before it in the same script.
    pub names: BTreeSet<String>,
    /// Whether there may be others.
    pub is_open: bool,
}

impl Variables {
    /// Whether one may be called so, in lower case.
    pub(super) fn may_have(&self, name: &str) -> bool {
        self.is_open || self.names.contains(name)
    }

    /// Takes in those of another part of the script.
    pub(super) fn add(&mut self, others: Self) {
        self.names.extend(others.names);
        self.is_open |= others.is_open;
    }
}

/// Binds the statements of a text. `rules` are those of the semantics, unless the project knows better.
pub fn bind(
    statements: &[ast::Statement],
    semantics: &dyn Semantics,
    rules: &NameRules,
    relations: &dyn Relations,
    variables: Variables,
) -> Bound {
    let mut binder = Binder::new(semantics, rules, relations, variables);
    for statement in statements {
        let mut statement = binder.statement(statement);
        if let Statement::Query(query) | Statement::Create(query) = &mut statement {
            query.columns = binder.settled(std::mem::take(&mut query.columns));
        }
        binder.bound.statements.push(statement);
    }
    binder.bound
}

/// Binds a condition on the rows of a query that gives these columns. What it leaves of them is the one statement.
pub fn bind_condition(
    condition: &ast::Expr,
    columns: Columns,
    semantics: &dyn Semantics,
    rules: &NameRules,
    relations: &dyn Relations,
    variables: Variables,
) -> Bound {
    let mut binder = Binder::new(semantics, rules, relations, variables);
    let query = binder.filtered(columns, FILTERED, condition);
    binder.bound.statements.push(Statement::Query(query));
    binder.bound
}

/// What a query is called whose rows a condition chooses from, as it is in the statement of a run.
const FILTERED: &str = "subquery";

struct Binder<'a> {
    semantics: &'a dyn Semantics,
    rules: &'a NameRules,
    relations: &'a dyn Relations,
    variables: Variables,
    bound: Bound,
    /// Those of the queries around, the innermost last.
    scopes: Vec<Scope>,
    /// The parameters of the lambdas around, the innermost last.
    parameters: Vec<Parameter>,
    /// The names of WITH that can be seen, the innermost last.
    visible_ctes: Vec<CteId>,
    /// What earlier statements of the script have made, by path.
    relations_made: Vec<(Vec<String>, Columns)>,
}

impl<'a> Binder<'a> {
    fn new(
        semantics: &'a dyn Semantics,
        rules: &'a NameRules,
        relations: &'a dyn Relations,
        variables: Variables,
    ) -> Self {
        Self {
            semantics,
            rules,
            relations,
            variables,
            bound: Bound::default(),
            scopes: Vec::new(),
            parameters: Vec::new(),
            visible_ctes: Vec::new(),
            relations_made: Vec::new(),
        }
    }
}

impl Binder<'_> {
    fn add_source(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.bound.sources.len()).unwrap_or(u32::MAX));
        self.bound.sources.push(source);
        id
    }

    fn add_cte(&mut self, cte: Cte) -> CteId {
        let id = CteId(u32::try_from(self.bound.ctes.len()).unwrap_or(u32::MAX));
        self.bound.ctes.push(cte);
        id
    }

    fn source(&self, id: SourceId) -> &Source {
        self.bound.source(id)
    }

    fn source_mut(&mut self, id: SourceId) -> &mut Source {
        &mut self.bound.sources[id.0 as usize]
    }

    /// The columns of a query as others see them: what is of no type yet, a NULL, has one there.
    fn settled(&self, mut columns: Columns) -> Columns {
        for column in &mut columns.known {
            column.data_type = self.semantics.in_a_table(std::mem::take(&mut column.data_type));
        }
        columns
    }

    /// The same for the query around one in a FROM.
    fn settled_in_from(&self, columns: Columns) -> Columns {
        let mut columns = if self.semantics.passes_nulls_on() { columns } else { self.settled(columns) };
        if self.semantics.repeated_columns() == RepeatedColumns::Numbered {
            columns.rename_repeated();
        }
        columns
    }

    fn name(&self, identifier: &ast::Ident) -> String {
        self.rules.case.name(identifier)
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        self.rules.case.is_same(one, other)
    }
}

/// The place of several, from the first to the last.
fn around(spans: impl IntoIterator<Item = Span>) -> Span {
    Span::union_iter(spans)
}
