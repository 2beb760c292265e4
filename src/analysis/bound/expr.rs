use sqlparser::tokenizer::Span;

use std::sync::Arc;

use crate::analysis::bound::{Origin, Query, SourceId};
use crate::dialect::semantics::FunctionKind;
use crate::relation::{DataType, Nullability};

/// An expression.
#[derive(Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub data_type: DataType,
    /// Whether it can be NULL.
    pub nullable: Nullability,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    /// A column of something in a FROM.
    Column {
        /// Of what.
        source: SourceId,
        /// Its place there; `None` if it is not known to be there, and cannot be elsewhere.
        column: Option<usize>,
        /// As it is written.
        name: Arc<str>,
        /// How many queries further out that FROM is.
        levels: usize,
        /// Whether the name of the source stands before it.
        is_qualified: bool,
    },
    /// A column of the same select list, by its place.
    Alias(usize),
    /// A whole row.
    Row(SourceId),
    /// A value inside of a struct.
    Field {
        /// The struct.
        of: Box<Expr>,
        /// Its name.
        name: String,
    },
    /// A parameter of a lambda.
    Parameter {
        /// How many parameters there are before it, in lambdas around it too.
        number: usize,
        /// Where its values come from.
        origins: Vec<Origin>,
    },
    /// A function without a name: what it gives.
    Lambda(Box<Expr>),
    /// A value as it is written: its text.
    Literal(String),
    /// A name that is bound to nothing here: a variable, a mistake that is told elsewhere, or unknown.
    Unbound,
    /// A function or an operator.
    Call(Box<Call>),
    /// A query that gives one value.
    Subquery(Box<Query>),
    /// Whether a query gives any row.
    Exists(Box<Query>),
    /// Whether a value is among those that a query gives.
    InSubquery {
        /// The value.
        value: Box<Expr>,
        /// The query.
        query: Box<Query>,
        /// Whether it is the opposite.
        is_negated: bool,
    },
    /// The elements of an array that a query gives.
    ArrayOf(Box<Query>),
    /// A value as another type.
    Cast {
        /// The value.
        value: Box<Expr>,
        /// Whether what cannot be cast is NULL.
        is_safe: bool,
    },
    /// Something that is made of these.
    Other(Vec<Expr>),
}

/// A call of a function or an operator.
#[derive(Debug)]
pub struct Call {
    /// In lower case, as it is written, without quotes; the sign of an operator.
    pub name: String,
    /// How it comes by its value. An aggregate with a window is [`FunctionKind::Window`].
    pub kind: FunctionKind,
    /// In their order.
    pub arguments: Vec<Expr>,
    /// Whether each value counts once.
    pub is_distinct: bool,
    /// FILTER, ORDER BY and other expressions inside of it.
    pub clauses: Vec<Expr>,
    /// OVER.
    pub window: Option<Window>,
    /// What of it is not in here, as it is written: directions of ORDER BY, frames, units.
    pub detail: String,
}

/// The rows that a window function sees.
#[derive(Debug, Default)]
pub struct Window {
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<Expr>,
}

impl Expr {
    /// Of which nothing is known.
    pub fn unknown(span: Span) -> Self {
        Self::other(Vec::new(), span)
    }

    /// Something of unknown type that is made of these.
    pub fn other(parts: Vec<Self>, span: Span) -> Self {
        Self { kind: ExprKind::Other(parts), data_type: DataType::Unknown, nullable: Nullability::Unknown, span }
    }

    /// The expressions right below it, but for those in queries.
    pub fn children(&self) -> Vec<&Self> {
        let mut children = Vec::new();
        self.each_child(&mut |child| children.push(child));
        children
    }

    /// Visits these.
    fn each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match &self.kind {
            ExprKind::Column { .. }
            | ExprKind::Alias(_)
            | ExprKind::Row(_)
            | ExprKind::Parameter { .. }
            | ExprKind::Literal(_)
            | ExprKind::Unbound
            | ExprKind::Subquery(_)
            | ExprKind::Exists(_)
            | ExprKind::ArrayOf(_) => {}
            ExprKind::Field { of: one, .. }
            | ExprKind::Lambda(one)
            | ExprKind::InSubquery { value: one, .. }
            | ExprKind::Cast { value: one, .. } => visit(one),
            ExprKind::Other(parts) => parts.iter().for_each(visit),
            ExprKind::Call(call) => {
                call.arguments.iter().chain(&call.clauses).for_each(&mut *visit);
                if let Some(window) = &call.window {
                    window.partition_by.iter().chain(&window.order_by).for_each(visit);
                }
            }
        }
    }

    /// The query in it, if it is made of one.
    pub fn query(&self) -> Option<&Query> {
        match &self.kind {
            ExprKind::Subquery(query)
            | ExprKind::Exists(query)
            | ExprKind::ArrayOf(query)
            | ExprKind::InSubquery { query, .. } => Some(query),
            _ => None,
        }
    }

    /// Visits it and all below it, but for queries, from the outside in. Below those for which `visit` gives false nothing is visited.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self) -> bool) {
        if visit(self) {
            self.each_child(&mut |child| child.walk(visit));
        }
    }

    /// Whether something in it, outside of queries, is so.
    pub fn any(&self, is_so: &dyn Fn(&Self) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |expr| {
            found |= is_so(expr);
            !found
        });
        found
    }

    /// Whether it holds an aggregate that is not over a window.
    pub fn is_aggregated(&self) -> bool {
        self.any(&|expr| expr.call().is_some_and(|call| call.kind == FunctionKind::Aggregate))
    }

    /// The queries right in it.
    pub fn queries(&self) -> Vec<&Query> {
        let mut found = Vec::new();
        self.walk(&mut |part| {
            found.extend(part.query());
            true
        });
        found
    }

    /// The parts of a condition that all have to be true.
    pub fn conjuncts(&self) -> Vec<&Self> {
        match self.call_of("and") {
            Some(call) => call.arguments.iter().flat_map(Self::conjuncts).collect(),
            None => vec![self],
        }
    }

    /// Whether it reads columns, and all of them are of queries further out.
    pub fn is_of_outer_queries(&self) -> bool {
        let is_own = |part: &Self| {
            matches!(part.kind, ExprKind::Column { levels: 0, .. } | ExprKind::Row(_) | ExprKind::Alias(_))
        };
        let is_outer = |part: &Self| matches!(part.kind, ExprKind::Column { levels: 1.., .. });
        self.any(&is_outer) && !self.any(&is_own)
    }

    /// The aggregate of the query that it stands in, if it is one: one of outer columns alone is of an outer query.
    pub fn aggregate(&self) -> Option<&Call> {
        self.call().filter(|call| call.kind == FunctionKind::Aggregate && !self.is_of_outer_queries())
    }

    /// The place in the select list, if it stands for a column of that.
    pub fn alias(&self) -> Option<usize> {
        match self.kind {
            ExprKind::Alias(place) => Some(place),
            _ => None,
        }
    }

    /// The call, if it is one.
    pub fn call(&self) -> Option<&Call> {
        match &self.kind {
            ExprKind::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The call of that name, if it is one.
    pub fn call_of(&self, name: &str) -> Option<&Call> {
        self.call().filter(|call| call.name == name)
    }

    /// The column, if it is one.
    pub fn column(&self) -> Option<(SourceId, Option<usize>)> {
        match &self.kind {
            ExprKind::Column { source, column, .. } => Some((*source, *column)),
            _ => None,
        }
    }

    /// Whether two expressions say the same, wherever they stand.
    pub fn is_same(&self, other: &Self) -> bool {
        let parts = |one: &Self, other: &Self| {
            let (one, other) = (one.children(), other.children());
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
        };
        match (&self.kind, &other.kind) {
            (ExprKind::Column { name, .. }, ExprKind::Column { name: other_name, .. }) => {
                let is_known = self.column().is_some_and(|(_, place)| place.is_some());
                self.column() == other.column() && (is_known || name.eq_ignore_ascii_case(other_name))
            }
            (ExprKind::Alias(one), ExprKind::Alias(other))
            | (ExprKind::Parameter { number: one, .. }, ExprKind::Parameter { number: other, .. }) => one == other,
            (ExprKind::Row(one), ExprKind::Row(other)) => one == other,
            (ExprKind::Literal(one), ExprKind::Literal(other)) => one == other,
            (ExprKind::Lambda(one), ExprKind::Lambda(other)) => one.is_same(other),
            (ExprKind::Field { name, .. }, ExprKind::Field { name: other_name, .. }) => {
                name.eq_ignore_ascii_case(other_name) && parts(self, other)
            }
            (ExprKind::Call(one), ExprKind::Call(call)) => {
                let head = |call: &Call| (call.name.clone(), call.is_distinct, call.kind, call.detail.clone());
                head(one) == head(call) && parts(self, other)
            }
            (ExprKind::Cast { is_safe, .. }, ExprKind::Cast { is_safe: other_safe, .. }) => {
                is_safe == other_safe && self.data_type == other.data_type && parts(self, other)
            }
            _ => false,
        }
    }
}
