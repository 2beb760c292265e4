//! What a warehouse's grammar adds to sqlparser's own dialect of it.

use sqlparser::ast::{Expr, ObjectName, TableFactor};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::keyword;

/// A dialect of sqlparser's, and what that trait has no word for.
pub trait Grammar: Dialect + Sync {
    /// Takes out, or writes in another way, what the parser cannot read and that changes nothing of what a statement means.
    fn prepare(&self, _tokens: &mut Vec<TokenWithSpan>) {}

    /// Phrases of the warehouse that the parser has no tree for, in lower case, a space between two words, `_`
    /// for any word. A statement in which the parser stops at one of them is taken as it is.
    fn treeless(&self) -> &'static [&'static str] {
        &[]
    }

    /// Functions, in lower case, in whose brackets another language is written, which the parser has no tree for either.
    fn foreign_calls(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a comma may stand before FROM.
    fn allows_comma_before_from(&self) -> bool {
        self.supports_projection_trailing_commas() || self.supports_trailing_commas()
    }

    /// Whether such a relation may be joined without ON or USING.
    fn allows_join_without_condition(&self, _joined: &TableFactor) -> bool {
        false
    }
}

/// What is told by its first tokens: a value, a column, a call, CASE, and words that none of the warehouses takes for a name,
/// which the parser would take for one, and stop much later. Most expressions are such, and the parser would try whether they
/// begin with a type before it takes them for what they are.
pub(super) fn at_once(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let [first, second, third] = parser.peek_tokens_ref();
    match &first.token {
        Token::Number(..) | Token::SingleQuotedString(_) => Some(parser.parse_value().map(Expr::Value)),
        Token::Word(word) => {
            // The parser has a keyword of its own for each of many words that are none to a warehouse.
            let is_any = word.keyword == Keyword::NoKeyword;
            match (&second.token, &third.token) {
                // `a (+)` of an outer join.
                (Token::LParen, Token::Plus) | (_, Token::Arrow) if is_any => None,
                (Token::LParen, third) if is_any || is_function(word.keyword) && *third != Token::Plus => {
                    Some(call(parser))
                }
                (second, _) if (is_any || is_column(word.keyword)) && ends_column(second) => {
                    Some(parser.parse_identifier().map(Expr::Identifier))
                }
                _ => special(parser),
            }
        }
        _ => None,
    }
}

/// What begins with a word that has a meaning of its own.
fn special(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    match keyword(&parser.peek_token_ref().token)? {
        Keyword::CASE => {
            parser.advance_token();
            Some(parser.parse_case_expr())
        }
        Keyword::NULL | Keyword::TRUE | Keyword::FALSE => Some(parser.parse_value().map(Expr::Value)),
        word => is_never_name(word).then(|| parser.expected_ref("an expression", parser.peek_token_ref())),
    }
}

/// Common functions that are called like any other one.
fn is_function(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::ABS
            | Keyword::AVG
            | Keyword::COALESCE
            | Keyword::COUNT
            | Keyword::DENSE_RANK
            | Keyword::FIRST_VALUE
            | Keyword::LAG
            | Keyword::LAST_VALUE
            | Keyword::LEAD
            | Keyword::LOWER
            | Keyword::MAX
            | Keyword::MIN
            | Keyword::NULLIF
            | Keyword::RANK
            | Keyword::ROW_NUMBER
            | Keyword::SUM
            | Keyword::UPPER
    )
}

/// Common names of columns, of which none is the beginning of a longer type.
fn is_column(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::CATEGORY
            | Keyword::CHANNEL
            | Keyword::COUNT
            | Keyword::DATA
            | Keyword::DATE
            | Keyword::DAY
            | Keyword::EVENT
            | Keyword::HOUR
            | Keyword::ID
            | Keyword::KEY
            | Keyword::LANGUAGE
            | Keyword::LOCATION
            | Keyword::MONTH
            | Keyword::NAME
            | Keyword::REGION
            | Keyword::SIZE
            | Keyword::SOURCE
            | Keyword::STATUS
            | Keyword::TYPE
            | Keyword::URL
            | Keyword::VALUE
            | Keyword::VERSION
            | Keyword::WEEK
            | Keyword::YEAR
    )
}

fn call(parser: &mut Parser) -> Result<Expr, ParserError> {
    let name = parser.parse_identifier()?;
    parser.parse_function(ObjectName::from(vec![name]))
}

/// Whether the word before such a token is a column by itself, or the first part of its name.
fn ends_column(token: &Token) -> bool {
    match token {
        Token::Comma
        | Token::Period
        | Token::RParen
        | Token::SemiColon
        | Token::EOF
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::LtEq
        | Token::Gt
        | Token::GtEq
        | Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div => true,
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        _ => false,
    }
}

fn is_never_name(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::AND
            | Keyword::DISTINCT
            | Keyword::ELSE
            | Keyword::END
            | Keyword::FROM
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::LIMIT
            | Keyword::ON
            | Keyword::OR
            | Keyword::ORDER
            | Keyword::THEN
            | Keyword::UNION
            | Keyword::WHEN
            | Keyword::WHERE
    )
}

/// Switches features of [`Dialect`] on.
macro_rules! enable {
    ($($feature:ident)*) => {
        $(fn $feature(&self) -> bool { true })*
    };
}

pub(super) use enable;
