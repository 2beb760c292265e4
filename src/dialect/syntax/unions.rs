//! Long chains of UNION ALL, such as lists of rows. The parser makes a tree of them that is as deep as the chain is long, and
//! what walks through trees calls itself; here halves are made of it, which give the same rows.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, SetExpr, SetOperator, SetQuantifier, Statement, Table, VisitMut, VisitorMut};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::TokenWithSpan;

use super::split::keyword;

/// How many may be a chain as the parser makes it. In a recursive query the last one is not like the others, so that short
/// chains are better left alone.
pub(super) const CHAIN: usize = 250;

/// The stack on which a tree as deep as the longest chain can be dropped.
const STACK: usize = 32 << 20;

/// Parses where a chain may be long.
pub(super) fn parse<E>(parse: impl FnOnce() -> Result<Vec<Statement>, E>) -> Result<Vec<Statement>, E> {
    stacker::grow(STACK, || {
        let mut statements = parse()?;
        // There is nothing that ends the walk.
        let _ = statements.visit(&mut Halves);
        Ok(statements)
    })
}

/// Whether a text may hold a long chain.
pub(super) fn may_be_long(tokens: &[TokenWithSpan]) -> bool {
    tokens.iter().filter(|token| keyword(&token.token) == Some(Keyword::UNION)).count() > CHAIN
}

struct Halves;

impl VisitorMut for Halves {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if length(&query.body) > CHAIN {
            let nothing = SetExpr::Table(Box::new(Table { table_name: None, schema_name: None }));
            let chain = std::mem::replace(&mut *query.body, nothing);
            *query.body = halved(links(chain));
        }
        ControlFlow::Continue(())
    }
}

/// How many queries are chained.
fn length(mut chain: &SetExpr) -> usize {
    let mut length = 1;
    while let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier: SetQuantifier::All, .. } = chain {
        (length, chain) = (length + 1, left);
    }
    length
}

/// These queries, in their order.
fn links(mut chain: SetExpr) -> Vec<SetExpr> {
    let mut links = Vec::new();
    loop {
        match chain {
            SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier: SetQuantifier::All, right } => {
                links.push(*right);
                chain = *left;
            }
            first => {
                links.push(first);
                links.reverse();
                return links;
            }
        }
    }
}

fn halved(mut links: Vec<SetExpr>) -> SetExpr {
    if links.len() == 1 {
        return links.remove(0);
    }
    let right = links.split_off(links.len() / 2);
    SetExpr::SetOperation {
        left: Box::new(halved(links)),
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        right: Box::new(halved(right)),
    }
}
