//! Ways through the tree.

use sqlparser::tokenizer::Span;

use super::{Body, Bound, Distinct, Expr, Grouping, Query, Select, Source, SourceKind, Statement};

/// Every query and every expression of a text, gathered once for all who look through them.
#[derive(Debug)]
pub struct Survey<'a> {
    /// Each query once: those of statements, in WITH, in a FROM, in expressions, and the halves of set operations.
    pub queries: Vec<&'a Query>,
    /// Each expression, also those that stand in another one, which comes before them.
    pub exprs: Vec<&'a Expr>,
}

impl<'a> Survey<'a> {
    /// Goes through all of them.
    pub fn of(bound: &'a Bound) -> Self {
        let queries = bound.queries();
        let mut exprs = Vec::new();
        let mut add = |root: &'a Expr| {
            root.walk(&mut |part| {
                exprs.push(part);
                true
            });
        };
        for query in &queries {
            query.exprs().for_each(&mut add);
        }
        for statement in &bound.statements {
            match statement {
                Statement::Change(changed) => changed.iter().for_each(&mut add),
                Statement::Declare(_, value) => value.iter().for_each(&mut add),
                _ => {}
            }
        }
        bound.sources.iter().flat_map(Source::exprs).for_each(&mut add);
        Self { queries, exprs }
    }

    /// Every SELECT, with the query that it is the body of.
    pub fn selects(&self) -> impl Iterator<Item = (&'a Query, &'a Select)> {
        self.queries.iter().filter_map(|query| Some((*query, query.select()?)))
    }

    /// The expressions that are so.
    pub fn exprs_that(&self, is_so: impl Fn(&Expr) -> bool) -> impl Iterator<Item = &'a Expr> {
        self.exprs.iter().copied().filter(move |expr| is_so(expr))
    }
}

impl Bound {
    fn queries(&self) -> Vec<&Query> {
        let mut open: Vec<&Query> = self.ctes.iter().map(|cte| &cte.query).collect();
        for statement in &self.statements {
            match statement {
                Statement::Query(query) | Statement::Insert { query, .. } | Statement::Create(query) => {
                    open.push(query);
                }
                Statement::Change(exprs) => open.extend(self.queries_in(exprs)),
                Statement::Declare(_, value) => open.extend(self.queries_in(value)),
                Statement::Other => {}
            }
        }
        for source in &self.sources {
            match &source.kind {
                SourceKind::Derived(query) => open.push(query),
                _ => open.extend(self.queries_in(source.exprs())),
            }
        }
        let mut found = Vec::new();
        while let Some(query) = open.pop() {
            found.push(query);
            match &query.body {
                Body::Nested(inner) => open.push(inner),
                Body::SetOperation(operation) => open.extend([&operation.left, &operation.right]),
                Body::Select(_) | Body::Values(_) | Body::Opaque => {}
            }
            open.extend(self.queries_in(query.exprs()));
        }
        found
    }

    /// Those right in some expressions. Most texts have none, which is quickly told.
    fn queries_in<'a>(&self, exprs: impl IntoIterator<Item = &'a Expr>) -> impl Iterator<Item = &'a Query> {
        let may_have = self.has_queries_in_exprs;
        exprs.into_iter().take_while(move |_| may_have).flat_map(Expr::queries)
    }
}

impl Source {
    /// The expressions right in it.
    pub fn exprs(&self) -> &[Expr] {
        match &self.kind {
            SourceKind::Values(exprs) => exprs,
            SourceKind::Turned(turned) => &turned.exprs,
            _ => &[],
        }
    }
}

impl Query {
    /// The SELECT that gives its rows, if it is one without brackets around it.
    pub fn select(&self) -> Option<&Select> {
        match &self.body {
            Body::Select(select) => Some(select),
            _ => None,
        }
    }

    /// The query inside of brackets.
    pub fn without_brackets(&self) -> &Self {
        let mut query = self;
        while let Body::Nested(inner) = &query.body {
            query = inner;
        }
        query
    }

    /// Where its columns are written: the first select list, or all of it.
    pub fn span_of_columns(&self) -> Span {
        let query = self.without_brackets();
        match query.select() {
            Some(select) if !select.projection.is_empty() => {
                Span::union_iter(select.projection.iter().map(|item| item.expr.span))
            }
            _ => query.span,
        }
    }

    /// The expressions right in it, in brackets, and in the halves of set operations.
    #[recursive::recursive]
    pub fn all_exprs(&self) -> Vec<&Expr> {
        let mut exprs: Vec<&Expr> = self.exprs().collect();
        match &self.body {
            Body::Nested(inner) => exprs.extend(inner.all_exprs()),
            Body::SetOperation(operation) => {
                exprs.extend([&operation.left, &operation.right].into_iter().flat_map(Self::all_exprs));
            }
            Body::Select(_) | Body::Values(_) | Body::Opaque => {}
        }
        exprs
    }

    /// The expressions right in it.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let rows: &[Vec<Expr>] = match &self.body {
            Body::Values(rows) => rows,
            _ => &[],
        };
        let of_select = self.select().into_iter().flat_map(Select::exprs);
        self.order_by.iter().chain(&self.limit).chain(of_select).chain(rows.iter().flatten())
    }
}

impl Select {
    /// Those that decide on rows before there are groups: of joins, and WHERE.
    pub fn conditions(&self) -> impl Iterator<Item = &Expr> {
        self.joins.iter().filter_map(|join| join.condition.as_ref()).chain(&self.filter)
    }

    /// The expressions right in it.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        let conditions = self.joins.iter().filter_map(|join| join.condition.as_ref());
        let filters = [&self.filter, &self.having, &self.qualify].into_iter().flatten();
        let distinct: &[Expr] = match &self.distinct {
            Distinct::On(exprs) => exprs,
            Distinct::All | Distinct::Rows => &[],
        };
        let projection = self.projection.iter().map(|item| &item.expr);
        projection.chain(conditions).chain(filters).chain(self.grouping.keys()).chain(distinct)
    }

    /// What an expression stands for that may be a name of the select list.
    pub fn resolved<'a>(&'a self, expr: &'a Expr) -> &'a Expr {
        let mut expr = expr;
        // A column of the list can only stand for one before it.
        for _ in 0..=self.projection.len() {
            match expr.alias().and_then(|place| self.projection.get(place)) {
                Some(item) => expr = &item.expr,
                None => break,
            }
        }
        expr
    }
}

impl Grouping {
    /// The expressions that it names.
    pub fn keys(&self) -> &[Expr] {
        match self {
            Self::By { keys, .. } => keys,
            Self::None | Self::All => &[],
        }
    }
}
