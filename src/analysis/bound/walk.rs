//! Ways through the tree.

use sqlparser::tokenizer::Span;

use super::{Body, Bound, Distinct, Expr, Grouping, Query, Select, Source, SourceKind, Statement};

impl Bound {
    /// Every query in it, once: those of statements, in WITH, in a FROM, in expressions, and the halves of set operations.
    pub fn queries(&self) -> Vec<&Query> {
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

    /// Every expression in it that is so, wherever it stands in another one.
    pub fn exprs_that(&self, is_so: &dyn Fn(&Expr) -> bool) -> Vec<&Expr> {
        let mut found = Vec::new();
        self.every_expr(&mut |part| found.extend(is_so(part).then_some(part)));
        found
    }

    /// Visits every expression in it, wherever it stands in another one.
    pub fn every_expr<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        let mut roots: Vec<&Expr> = self.queries().into_iter().flat_map(Query::exprs).collect();
        for statement in &self.statements {
            match statement {
                Statement::Change(exprs) => roots.extend(exprs),
                Statement::Declare(_, value) => roots.extend(value),
                _ => {}
            }
        }
        for source in &self.sources {
            roots.extend(source.exprs());
        }
        for root in roots {
            root.walk(&mut |part| {
                visit(part);
                true
            });
        }
    }

    /// Every SELECT in it, with the query that it is the body of.
    pub fn selects(&self) -> impl Iterator<Item = (&Query, &Select)> {
        self.queries().into_iter().filter_map(|query| Some((query, query.select()?)))
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
        let mut exprs = self.exprs();
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
    pub fn exprs(&self) -> Vec<&Expr> {
        let mut exprs: Vec<&Expr> = self.order_by.iter().chain(&self.limit).collect();
        match &self.body {
            Body::Select(select) => exprs.extend(select.exprs()),
            Body::Values(rows) => exprs.extend(rows.iter().flatten()),
            Body::SetOperation(_) | Body::Nested(_) | Body::Opaque => {}
        }
        exprs
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
