//! A join that has no condition where the warehouse asks for one.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Join, JoinConstraint, JoinOperator, Query, Select, SetExpr, Spanned, Statement, TableFactor, Visit, Visitor,
};

use super::{Grammar, Problem, place};

/// One problem for each such join.
pub(super) fn without_condition(sql: &str, statement: &Statement, grammar: &dyn Grammar) -> Vec<Problem> {
    let mut joins = Joins { sql, grammar, problems: Vec::new() };
    let _ = statement.visit(&mut joins);
    joins.problems
}

struct Joins<'a> {
    sql: &'a str,
    grammar: &'a dyn Grammar,
    problems: Vec<Problem>,
}

impl Visitor for Joins<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.body(&query.body);
        ControlFlow::Continue(())
    }
}

impl Joins<'_> {
    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                self.body(right);
            }
            _ => {}
        }
    }

    fn select(&mut self, select: &Select) {
        for join in select.from.iter().flat_map(|table| &table.joins) {
            if needs_condition(&join.join_operator) && !self.grammar.allows_join_without_condition(&join.relation) {
                self.problems.push(self.problem(join));
            }
        }
    }

    fn problem(&self, join: &Join) -> Problem {
        let range = place::range(self.sql, join.relation.span());
        let name = match &join.relation {
            TableFactor::Table { name, .. } => format!("the join of `{name}`"),
            _ => "this join".to_owned(),
        };
        Problem {
            range: place::first_line(self.sql, range),
            message: format!("{name} has no condition"),
            help: Some("add `on` or `using`, or write `cross join`".to_owned()),
            certain: true,
        }
    }
}

fn needs_condition(operator: &JoinOperator) -> bool {
    matches!(
        operator,
        JoinOperator::Join(JoinConstraint::None)
            | JoinOperator::Inner(JoinConstraint::None)
            | JoinOperator::Left(JoinConstraint::None)
            | JoinOperator::LeftOuter(JoinConstraint::None)
            | JoinOperator::Right(JoinConstraint::None)
            | JoinOperator::RightOuter(JoinConstraint::None)
            | JoinOperator::FullOuter(JoinConstraint::None)
    )
}
