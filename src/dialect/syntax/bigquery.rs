//! BigQuery: GoogleSQL with its scripts and pipes.

use std::any::TypeId;

use sqlparser::ast::{CastKind, Expr, Ident, ObjectName, Statement, TableFactor};
use sqlparser::dialect::{BigQueryDialect, Dialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::grammar::{Grammar, at_once, enable};
use super::{ordered_groups, path};

const BASE: BigQueryDialect = BigQueryDialect;

/// The grammar of BigQuery.
#[derive(Debug)]
pub struct BigQuery;

impl Grammar for BigQuery {
    fn prepare(&self, tokens: &mut Vec<TokenWithSpan>) {
        path::join_digits(tokens);
        ordered_groups::expand(tokens);
    }

    fn treeless(&self) -> &'static [&'static str] {
        &[
            "with (",
            "|> distinct",
            "|> select distinct",
            "|> window",
            "full union",
            "full outer union",
            "left union",
            "left outer union",
            "corresponding",
        ]
    }

    /// A question to a graph is in GQL.
    fn foreign_calls(&self) -> &'static [&'static str] {
        &["graph_table"]
    }

    /// A join with an array needs no condition, and `t.items` may be one.
    fn allows_join_without_condition(&self, joined: &TableFactor) -> bool {
        match joined {
            TableFactor::Derived { .. } => false,
            TableFactor::Table { name, args: None, .. } => name.0.len() > 1,
            _ => true,
        }
    }
}

impl Dialect for BigQuery {
    fn dialect(&self) -> TypeId {
        TypeId::of::<BigQueryDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        BASE.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_column_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        BASE.is_column_alias(keyword, parser)
    }

    fn parse_statement(&self, parser: &mut Parser) -> Option<Result<Statement, ParserError>> {
        BASE.parse_statement(parser)
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let [first, second, third, fourth] = parser.peek_tokens_ref().map(|token| &token.token);
        match (first, second, third, fourth) {
            (Token::Word(word), Token::Lt, _, _) if word.keyword == Keyword::ARRAY => Some(typed_array(parser)),
            (Token::Word(word), Token::Period, Token::Word(_), Token::LParen) if is(word, "safe") => {
                Some(safe_call(parser))
            }
            (Token::Word(word), Token::Word(_), _, _) if is(word, "model") || is(word, "table") => {
                is_argument(parser).then(|| relation(parser))
            }
            (Token::Word(word), text, _, _) if (is(word, "br") || is(word, "rb")) && is_string(text) => {
                Some(raw_bytes(parser))
            }
            _ => at_once(parser),
        }
    }

    enable! {
        require_interval_qualifier
        supports_column_definition_trailing_commas
        supports_comma_separated_trim
        supports_create_table_multi_schema_info_sources
        supports_execute_immediate
        supports_from_first_select
        supports_bitwise_shift_operators
        supports_group_by_expr
        supports_lambda_functions
        supports_match_recognize
        supports_named_fn_args_with_rarrow_operator
        supports_parenthesized_set_variables
        supports_pipe_operator
        supports_projection_trailing_commas
        supports_select_expr_star
        supports_select_wildcard_except
        supports_select_wildcard_replace
        supports_string_literal_backslash_escape
        supports_struct_literal
        supports_table_versioning
        supports_triple_quoted_string
        supports_window_clause_named_window_reference
        supports_window_function_null_treatment_arg
    }
}

/// `array<T>[…]`, which the parser would read as two comparisons: the array, cast to the type.
fn typed_array(parser: &mut Parser) -> Result<Expr, ParserError> {
    let data_type = parser.parse_data_type()?;
    if parser.peek_token_ref().token != Token::LBracket {
        return parser.expected_ref("[", parser.peek_token_ref());
    }
    let expr = Box::new(parser.parse_prefix()?);
    Ok(Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None })
}

/// `safe.f(…)`, whatever else the parser takes `f` for.
fn safe_call(parser: &mut Parser) -> Result<Expr, ParserError> {
    let safe = parser.parse_identifier()?;
    parser.expect_token(&Token::Period)?;
    let function = parser.parse_identifier()?;
    parser.parse_function(ObjectName::from(vec![safe, function]))
}

/// `model d.m` and `table d.t`, arguments of a table function: the word stands before the name as a prefix.
fn relation(parser: &mut Parser) -> Result<Expr, ParserError> {
    let prefix = parser.parse_identifier()?;
    let name = parser.parse_object_name(true)?;
    let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
    Ok(Expr::Prefixed { prefix, value: Box::new(Expr::CompoundIdentifier(parts)) })
}

/// Whether the next word stands after a bracket or a comma within a call; elsewhere `model m` is a column and its alias.
fn is_argument(parser: &mut Parser) -> bool {
    parser.prev_token();
    let opens = matches!(parser.peek_token_ref().token, Token::LParen);
    parser.advance_token();
    opens || parser.peek_keyword(Keyword::TABLE)
}

fn is(word: &Word, text: &str) -> bool {
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text)
}

/// `rb'…'`, which the parser would read as a column and its alias: the letters stand before the text as a prefix.
fn raw_bytes(parser: &mut Parser) -> Result<Expr, ParserError> {
    let prefix = parser.parse_identifier()?;
    Ok(Expr::Prefixed { prefix, value: Box::new(parser.parse_prefix()?) })
}

fn is_string(token: &Token) -> bool {
    matches!(
        token,
        Token::DoubleQuotedString(_)
            | Token::SingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
    )
}
