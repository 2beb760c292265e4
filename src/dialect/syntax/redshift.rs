//! Amazon Redshift: PostgreSQL 8 with a grammar grown its own way.

use std::any::TypeId;

use sqlparser::ast::{
    ColumnOption, Expr, Ident, IdentityParameters, IdentityProperty, IdentityPropertyFormatKind, IdentityPropertyKind,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence, RedshiftSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::{Grammar, at_once, enable};
use super::split::keyword;
use super::storage;

const BASE: RedshiftSqlDialect = RedshiftSqlDialect {};
const POSTGRES: PostgreSqlDialect = PostgreSqlDialect {};

/// The grammar of Redshift.
#[derive(Debug)]
pub struct Redshift;

impl Grammar for Redshift {
    /// Takes out of CREATE how rows lie on the disks and when views are made anew.
    fn prepare(&self, tokens: &mut Vec<TokenWithSpan>) {
        if tokens.iter().any(storage::begins) {
            storage::remove(tokens);
        }
        add_from(tokens);
    }

    fn treeless(&self) -> &'static [&'static str] {
        &["object_transform", "remove duplicates", "top"]
    }
}

/// `delete t` as `delete from t`.
fn add_from(tokens: &mut Vec<TokenWithSpan>) {
    let mut at_start = true;
    let mut place = None;
    for (index, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::Whitespace(_) => continue,
            _ if at_start && keyword(&token.token) == Some(Keyword::DELETE) => {
                let next = tokens[index + 1..].iter().find(|next| !matches!(next.token, Token::Whitespace(_)));
                if next.is_some_and(|next| {
                    matches!(next.token, Token::Word(_)) && keyword(&next.token) != Some(Keyword::FROM)
                }) {
                    place = Some((index + 1, token.span));
                }
            }
            _ => {}
        }
        at_start = token.token == Token::SemiColon;
    }
    if let Some((place, span)) = place {
        tokens.insert(place, TokenWithSpan::new(Token::make_keyword("FROM"), span));
        add_from(tokens);
    }
}

impl Dialect for Redshift {
    /// Most of what the parser asks this for is shared with PostgreSQL.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        BASE.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        BASE.is_reserved_for_identifier(keyword)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        POSTGRES.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRES.prec_value(precedence)
    }

    /// `approximate count(…)`: the word stands before the call as a prefix.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let prefix = match parser.peek_tokens_ref() {
            [word, TokenWithSpan { token: Token::Word(_), .. }, TokenWithSpan { token: Token::LParen, .. }] => {
                match &word.token {
                    Token::Word(name)
                        if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("approximate") =>
                    {
                        Ident::with_span(word.span, &name.value)
                    }
                    _ => return at_once(parser),
                }
            }
            _ => return at_once(parser),
        };
        parser.advance_token();
        Some(parser.parse_prefix().map(|value| Expr::Prefixed { prefix, value: Box::new(value) }))
    }

    /// `identity(seed, step)` of a column.
    fn parse_column_option(
        &self,
        parser: &mut Parser,
    ) -> Result<Option<Result<Option<ColumnOption>, ParserError>>, ParserError> {
        if !parser.parse_keyword(Keyword::IDENTITY) {
            return Ok(None);
        }
        parser.expect_token(&Token::LParen)?;
        let seed = parser.parse_expr()?;
        parser.expect_token(&Token::Comma)?;
        let increment = parser.parse_expr()?;
        parser.expect_token(&Token::RParen)?;
        let parameters = IdentityPropertyFormatKind::FunctionCall(IdentityParameters { seed, increment });
        let property = IdentityProperty { parameters: Some(parameters), order: None };
        Ok(Some(Ok(Some(ColumnOption::Identity(IdentityPropertyKind::Identity(property))))))
    }

    enable! {
        allow_extract_custom
        allow_extract_single_quotes
        convert_type_before_value
        supports_array_typedef_with_brackets
        supports_bitwise_shift_operators
        supports_comma_separated_trim
        supports_comment_on
        supports_connect_by
        supports_create_table_like_parenthesized
        supports_explain_with_utility_options
        supports_geometric_types
        supports_group_by_expr
        supports_interval_options
        supports_nested_comments
        supports_notnull_operator
        supports_order_by_all
        supports_outer_join_operator
        supports_partiql
        supports_select_exclude
        supports_select_wildcard_exclude
        supports_select_wildcard_with_alias
        supports_string_escape_constant
        supports_string_literal_backslash_escape
        supports_string_literal_concatenation_with_newline
        supports_top_before_distinct
        supports_unpivot_expr
        supports_window_function_null_treatment_arg
    }
}
