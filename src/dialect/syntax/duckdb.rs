//! DuckDB 1.5.

use std::any::TypeId;

use sqlparser::ast::{BinaryOperator, Expr, Ident};
use sqlparser::dialect::{Dialect, DuckDbDialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::grammar::{Grammar, at_once, enable};
use super::split::keyword;
use super::{comprehension, pivot, prefix_alias};

const BASE: DuckDbDialect = DuckDbDialect;

/// The grammar of DuckDB.
#[derive(Debug)]
pub struct DuckDb;

impl Grammar for DuckDb {
    /// `as materialized` and `as not materialized`, which say how, not what; `filter (a > 0)` without its WHERE; statements that turn
    /// a relation; list comprehensions; and names before values.
    fn prepare(&self, tokens: &mut Vec<TokenWithSpan>) {
        write_where(tokens);
        prefix_alias::rewrite(tokens);
        pivot::rewrite(tokens);
        comprehension::rewrite(tokens);
        if !tokens.iter().any(|token| keyword(&token.token) == Some(Keyword::MATERIALIZED)) {
            return;
        }
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
        let is = |token: Option<&TokenWithSpan>, word| token.and_then(|token| keyword(&token.token)) == Some(word);
        let mut kept: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
        for (index, token) in tokens.iter().enumerate() {
            let before_body = tokens.get(index + 1).is_some_and(|next| next.token == Token::LParen);
            if is(Some(token), Keyword::MATERIALIZED) && before_body {
                if is(kept.last(), Keyword::NOT) {
                    kept.pop();
                }
                if is(kept.last(), Keyword::AS) {
                    continue;
                }
            }
            kept.push(token.clone());
        }
        *tokens = kept;
    }

    fn treeless(&self) -> &'static [&'static str] {
        &[
            "# _",
            "! ,",
            "% )",
            "% offset",
            "* *",
            "* columns",
            "* like",
            ") .",
            "] .",
            "@ (",
            "asof",
            "by name",
            "by position",
            "describe",
            "exclude current",
            "exclude group",
            "exclude no",
            "exclude ties",
            "for _ in",
            "glob",
            "pivot",
            "positional join",
            "show",
            "summarize",
            "unpivot",
            "update extensions",
            "using (",
            "using key",
            "using sample",
        ]
    }
}

/// Puts the word in that `filter (…)` may leave out.
fn write_where(tokens: &mut Vec<TokenWithSpan>) {
    if !tokens.iter().any(|token| keyword(&token.token) == Some(Keyword::FILTER)) {
        return;
    }
    let words: Vec<usize> = (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).collect();
    let starts = words.windows(4).filter_map(|window| {
        let [call, filter, open, first] = [0, 1, 2, 3].map(|at| &tokens[window[at]].token);
        let is_filter = *call == Token::RParen && keyword(filter) == Some(Keyword::FILTER) && *open == Token::LParen;
        (is_filter && keyword(first) != Some(Keyword::WHERE)).then_some(window[3])
    });
    for start in starts.collect::<Vec<_>>().into_iter().rev() {
        tokens.insert(start, TokenWithSpan::new(Token::make_keyword("where"), tokens[start].span));
    }
}

/// An operator that sqlparser does not know, or not as it is here.
enum Infix {
    /// `**`, `^`, `glob`.
    Binary(BinaryOperator),
    /// `in list`.
    InList { negated: bool },
    /// `isnull`.
    IsNull,
}

/// Between `*` and `::`.
const POWER: u8 = 45;

/// The one that stands next, how many words it is, and how strongly it binds.
fn infix(parser: &Parser) -> Option<(Infix, usize, u8)> {
    let is = |token: &Token, name: &str| match token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(name),
        _ => false,
    };
    let is_list = |token: &Token| !matches!(token, Token::LParen | Token::EOF);
    let sign = |sign: &str| Infix::Binary(BinaryOperator::Custom(sign.to_owned()));
    let like = BASE.prec_value(Precedence::Like);
    let between = BASE.prec_value(Precedence::Between);
    let next: [&Token; 3] = parser.peek_tokens_ref().map(|token| &token.token);
    match next {
        [Token::Caret, ..] => Some((Infix::Binary(BinaryOperator::BitwiseXor), 1, POWER)),
        [Token::Mul, Token::Mul, _] => Some((sign("**"), 2, POWER)),
        [first, Token::SingleQuotedString(_) | Token::LParen | Token::Word(_), _] if is(first, "glob") => {
            Some((sign("~~~"), 1, like))
        }
        [first, ..] if is(first, "isnull") => Some((Infix::IsNull, 1, BASE.prec_value(Precedence::Is))),
        [first, list, _] if is(first, "in") && is_list(list) => Some((Infix::InList { negated: false }, 1, between)),
        [first, second, list] if is(first, "not") && is(second, "in") && is_list(list) => {
            Some((Infix::InList { negated: true }, 2, between))
        }
        _ => None,
    }
}

impl Dialect for DuckDb {
    fn dialect(&self) -> TypeId {
        TypeId::of::<DuckDbDialect>()
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

    /// In `t positional join u` the word is no alias.
    fn is_table_alias(&self, keyword: &Keyword, parser: &mut Parser) -> bool {
        let is_positional = match &parser.get_current_token().token {
            Token::Word(word) => word.value.eq_ignore_ascii_case("positional"),
            _ => false,
        };
        BASE.is_table_alias(keyword, parser) && !(is_positional && parser.peek_keyword(Keyword::JOIN))
    }

    /// `e'…'`, and `#1`, the first column of FROM.
    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let [Token::Sharp, Token::Number(..)] = parser.peek_tokens_ref().map(|token| &token.token) {
            let sign = parser.next_token();
            let prefix = Ident::with_span(sign.span, "#");
            let value = parser.parse_value();
            return Some(value.map(|value| Expr::Prefixed { prefix, value: Box::new(Expr::Value(value)) }));
        }
        let is_escaped = matches!(parser.peek_token_ref().token, Token::EscapedStringLiteral(_));
        if is_escaped { Some(parser.parse_value().map(Expr::Value)) } else { at_once(parser) }
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        infix(parser).map(|(_, _, precedence)| Ok(precedence))
    }

    fn parse_infix(&self, parser: &mut Parser, left: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
        let (infix, words, _) = infix(parser)?;
        (0..words).for_each(|_| parser.advance_token());
        let expr = Box::new(left.clone());
        Some(match infix {
            Infix::Binary(op) => {
                let right = parser.parse_subexpr(precedence).map(Box::new);
                right.map(|right| Expr::BinaryOp { left: expr, op, right })
            }
            Infix::InList { negated } => {
                let list = parser.parse_subexpr(precedence).map(Box::new);
                list.map(|array_expr| Expr::InUnnest { expr, array_expr, negated })
            }
            Infix::IsNull => Ok(Expr::IsNull(expr)),
        })
    }

    enable! {
        allow_extract_custom
        allow_extract_single_quotes
        support_map_literal_syntax
        supports_array_typedef_with_brackets
        supports_bitwise_shift_operators
        supports_comma_separated_trim
        supports_comment_on
        supports_create_index_with_clause
        supports_detach
        supports_dictionary_syntax
        supports_explain_with_utility_options
        supports_factorial_operator
        supports_filter_during_aggregation
        supports_from_first_select
        supports_group_by_expr
        supports_install
        supports_lambda_functions
        supports_load_extension
        supports_named_fn_args_with_assignment_operator
        supports_named_fn_args_with_eq_operator
        supports_named_fn_args_with_rarrow_operator
        supports_notnull_operator
        supports_numeric_literal_underscores
        supports_order_by_all
        supports_select_wildcard_exclude
        supports_select_wildcard_rename
        supports_select_wildcard_replace
        supports_string_escape_constant
        supports_table_versioning
        supports_trailing_commas
        supports_values_as_table_factor
        supports_window_clause_named_window_reference
        supports_window_function_null_treatment_arg
    }
}
