//! SQL text to a tree, and what is surely wrong with it.
//!
//! Unknown is not wrong: what the parser does not read is an error only where the warehouse would surely refuse it too.
//! Everything but the first pass of the parser runs only on a text that it has refused.

mod batches;
mod bigquery;
mod comprehension;
mod duckdb;
mod grammar;
mod join;
mod limits;
mod nested;
mod ordered_groups;
mod path;
mod pivot;
mod place;
mod plain;
mod postgres;
mod prefix_alias;
mod print;
mod redshift;
mod split;
mod storage;
mod unions;
mod verdict;

use std::ops::Range;

use sqlparser::ast::{Expr, Statement};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

use crate::dialect::Dialect;

pub use batches::{Batch, batches};
pub use bigquery::BigQuery;
pub use duckdb::DuckDb;
pub use grammar::Grammar;
pub use postgres::Postgres;
pub use redshift::Redshift;

/// Something about a piece of SQL that its writer should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the SQL text.
    pub range: Range<usize>,
    /// Lower case, no full stop, names in backticks.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the warehouse would surely refuse it. Otherwise it is only not understood.
    pub certain: bool,
}

/// One statement of a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Bytes of the script, without the semicolon.
    pub range: Range<usize>,
    /// What it says.
    pub parsed: Parsed,
}

/// What is known of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// All of it.
    Tree(Box<Statement>),
    /// That the warehouse may well know it, though there is no tree for it: a procedure, a grant, an option of a table.
    Opaque,
    /// Where it ceases to be understood.
    Refused(Problem),
}

/// The statements of a text, or the place from which it is not understood.
///
/// What sqlparser has no tree for stands in the tree as something near it: `approximate count(…)`, `model m` and `rb'…'`
/// as [`sqlparser::ast::Expr::Prefixed`], BigQuery's `array<T>[…]` as the cast of an array, GROUP BY of DuckDB's PIVOT as its
/// DEFAULT ON NULL, its `#1` as [`sqlparser::ast::Expr::Prefixed`] again.
pub fn parse(sql: &str, dialect: &dyn Dialect) -> Result<Vec<Statement>, Problem> {
    let grammar = dialect.grammar();
    statements(grammar, tokens(sql, grammar)?).or_else(|refusal| {
        let tokens = tokens(sql, grammar)?;
        let problem = pieces(sql, grammar, &tokens).into_iter().find_map(|piece| match piece.parsed {
            Parsed::Tree(_) => None,
            Parsed::Opaque => Some(Problem {
                message: format!("`{}` of this form is only understood as a whole", first_words(sql, &piece.range)),
                range: place::first_line(sql, piece.range),
                help: None,
                certain: false,
            }),
            Parsed::Refused(problem) => Some(problem),
        });
        Err(problem.unwrap_or_else(|| verdict::not_understood(sql, &tokens, &refusal)))
    })
}

/// As many words as name a statement.
fn first_words(sql: &str, range: &Range<usize>) -> String {
    let words: Vec<_> = sql.get(range.clone()).unwrap_or_default().split_whitespace().take(2).collect();
    words.join(" ").to_lowercase()
}

/// Everything worth saying of a text, in the order of its places.
pub fn check(sql: &str, dialect: &dyn Dialect) -> Vec<Problem> {
    understand(sql, dialect).problems
}

/// What is known of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The statements that are understood.
    pub statements: Vec<Statement>,
    /// Everything worth saying of it, in the order of its places.
    pub problems: Vec<Problem>,
    /// The number of all its words, understood or not: the same whatever its layout, its comments, and the case of its keywords.
    pub print: u64,
}

impl Understood {
    /// Of a text that nobody looks into.
    pub fn unread(sql: &str) -> Self {
        Self { statements: Vec::new(), problems: Vec::new(), print: print::of_letters(sql) }
    }
}

/// Takes a text apart as far as it is understood.
pub fn understand(sql: &str, dialect: &dyn Dialect) -> Understood {
    let grammar = dialect.grammar();
    let tokens = match tokens(sql, grammar) {
        Ok(tokens) => tokens,
        Err(problem) => return Understood { problems: vec![problem], ..Understood::unread(sql) },
    };
    let print = print::of_words(&tokens);
    let of_tree = |statement: &Statement| join::without_condition(sql, statement, grammar);
    let lacks_condition = nested::lacks_condition(&tokens);
    if let Ok(statements) = statements(grammar, tokens) {
        let problems = statements.iter().filter(|_| lacks_condition).flat_map(of_tree).collect();
        return Understood { statements, problems, print };
    }
    let (mut statements, mut problems) = (Vec::new(), Vec::new());
    for piece in read(sql, dialect) {
        match piece.parsed {
            Parsed::Tree(statement) => {
                problems.extend(of_tree(&statement));
                statements.push(*statement);
            }
            Parsed::Opaque => {}
            Parsed::Refused(problem) => problems.push(problem),
        }
    }
    Understood { statements, problems, print }
}

/// Where a text ceases to be understood, also if it is of a form that the warehouse is known to take.
pub fn end_of_understanding(sql: &str, dialect: &dyn Dialect) -> Option<Problem> {
    let grammar = dialect.grammar();
    let tokens = tokens(sql, grammar).ok()?;
    let refusal = statements(grammar, tokens.clone()).err()?;
    Some(verdict::not_understood(sql, &tokens, &refusal))
}

/// The bytes of a part of the tree that was made from `sql`.
pub fn range(sql: &str, span: Span) -> Range<usize> {
    place::range(sql, span)
}

/// The statements of a script one by one, each with what is known of it.
pub fn read(sql: &str, dialect: &dyn Dialect) -> Vec<Piece> {
    let grammar = dialect.grammar();
    let tokens = match tokens(sql, grammar) {
        Ok(tokens) => tokens,
        Err(problem) => return vec![Piece { range: 0..sql.len(), parsed: Parsed::Refused(problem) }],
    };
    pieces(sql, grammar, &tokens)
}

/// The words of a text; fails where even these cannot be told.
fn tokens(sql: &str, grammar: &dyn Grammar) -> Result<Vec<TokenWithSpan>, Problem> {
    limits::check_length(sql)?;
    let told = || Tokenizer::new(grammar, sql).tokenize_with_location();
    let tokens = plain::tokens(sql, grammar).map_or_else(told, Ok);
    let tokens = tokens.map_err(|error| verdict::of_characters(sql, &error))?;
    limits::check(sql, &tokens)?;
    Ok(tokens)
}

/// The condition that a text is, where it is understood.
pub fn condition(sql: &str, dialect: &dyn Dialect) -> Option<Expr> {
    let grammar = dialect.grammar();
    let tokens = tokens(sql, grammar).ok().filter(|tokens| !unions::may_be_long(tokens))?;
    let mut parser = parser(grammar, tokens);
    let condition = parser.parse_expr().ok()?;
    (parser.peek_token_ref().token == Token::EOF).then_some(condition)
}

fn parser(grammar: &dyn Grammar, mut tokens: Vec<TokenWithSpan>) -> Parser<'_> {
    grammar.prepare(&mut tokens);
    nested::bracket(&mut tokens);
    let depth = limits::recursion(&tokens);
    Parser::new(grammar).with_recursion_limit(depth).with_tokens_with_locations(tokens)
}

/// Every statement up to the end of the text. The parser's own loop stops in silence at the word END.
fn statements(grammar: &dyn Grammar, tokens: Vec<TokenWithSpan>) -> Result<Vec<Statement>, Refusal> {
    let may_be_long = unions::may_be_long(&tokens);
    let parse = || {
        let mut parser = parser(grammar, tokens);
        to_end(&mut parser).map_err(|error| Refusal { reached: parser.peek_token_ref().span.start, error })
    };
    if may_be_long { unions::parse(parse) } else { parse() }
}

/// Why the parser stopped, and where it was then.
struct Refusal {
    error: ParserError,
    reached: Location,
}

fn to_end(parser: &mut Parser) -> Result<Vec<Statement>, ParserError> {
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(statements);
        }
        statements.push(parser.parse_statement()?);
        if !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
            return parser.expected_ref("the end of the statement", parser.peek_token_ref());
        }
    }
}

fn pieces(sql: &str, grammar: &dyn Grammar, tokens: &[TokenWithSpan]) -> Vec<Piece> {
    split::statements(tokens)
        .into_iter()
        .map(|tokens| {
            let range = place::of_tokens(sql, tokens);
            let parsed = match statements(grammar, tokens.to_vec()) {
                Ok(mut statements) if statements.len() == 1 => Parsed::Tree(Box::new(statements.remove(0))),
                Ok(_) => Parsed::Opaque,
                Err(error) => verdict::of_statement(sql, grammar, tokens, &error),
            };
            Piece { range, parsed }
        })
        .collect()
}
