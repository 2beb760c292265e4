//! PostgreSQL, up to version 18.

use std::any::TypeId;

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::{Grammar, at_once, enable};

const BASE: PostgreSqlDialect = PostgreSqlDialect {};

/// The grammar of PostgreSQL.
#[derive(Debug)]
pub struct Postgres;

impl Grammar for Postgres {
    /// `f(months := 1)` is an older way to write `f(months => 1)`, which the parser takes for an operator.
    fn prepare(&self, tokens: &mut Vec<TokenWithSpan>) {
        for token in tokens.iter_mut().filter(|token| token.token == Token::Assignment) {
            token.token = Token::RArrow;
        }
    }

    fn treeless(&self) -> &'static [&'static str] {
        &[
            ") as",
            "at local",
            "between symmetric",
            "both _ from",
            "by distinct",
            "collate",
            "conflict on constraint",
            "cycle",
            "default values",
            "do nothing",
            "document",
            "exclude current",
            "exclude group",
            "exclude no",
            "exclude ties",
            "is unknown",
            "isnull",
            "leading from",
            "no key",
            "not unknown",
            "notnull",
            "only",
            "overriding",
            "placing",
            "rows from",
            "search breadth",
            "search depth",
            "trailing from",
            "variadic",
            "xmlelement",
            "xmlparse",
        ]
    }
}

impl Dialect for Postgres {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
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

    fn is_custom_operator_part(&self, ch: char) -> bool {
        BASE.is_custom_operator_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        BASE.is_reserved_for_identifier(keyword)
    }

    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        BASE.is_table_alias(keyword, parser)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        BASE.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        BASE.prec_value(precedence)
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        at_once(parser)
    }

    enable! {
        allow_extract_custom
        allow_extract_single_quotes
        supports_alter_column_type_using
        supports_alter_user_as_alter_role
        supports_aliased_function_args
        supports_array_typedef_with_brackets
        supports_bitwise_shift_operators
        supports_comma_separated_trim
        supports_comment_on
        supports_comment_optimizer_hint
        supports_create_index_with_clause
        supports_create_table_like_parenthesized
        supports_empty_projections
        supports_exclude_constraint
        supports_explain_with_utility_options
        supports_factorial_operator
        supports_filter_during_aggregation
        supports_geometric_types
        supports_group_by_expr
        supports_group_by_with_modifier
        supports_insert_table_alias
        supports_interval_options
        supports_listen_notify
        supports_load_extension
        supports_named_fn_args_with_assignment_operator
        supports_named_fn_args_with_colon_operator
        supports_named_fn_args_with_expr_name
        supports_named_fn_args_with_rarrow_operator
        supports_nested_comments
        supports_notnull_operator
        supports_numeric_literal_underscores
        supports_order_by_using_operator
        supports_parenthesized_set_variables
        supports_select_wildcard_with_alias
        supports_set_names
        supports_string_escape_constant
        supports_string_literal_concatenation_with_newline
        supports_unicode_string_literal
        supports_window_clause_named_window_reference
        supports_xml_expressions
    }
}
