//! What a warehouse's grammar adds to sqlparser's own dialect of it.

use sqlparser::ast::{Expr, TableFactor};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::TokenWithSpan;

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

/// An error where a word stands for an expression that none of the warehouses takes for a name. The parser would take it for
/// one, and stop much later.
pub(super) fn refuse_reserved(parser: &Parser) -> Option<Result<Expr, ParserError>> {
    let token = parser.peek_token_ref();
    let reserved = matches!(
        keyword(&token.token)?,
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
    );
    reserved.then(|| parser.expected_ref("an expression", token))
}

/// Switches features of [`Dialect`] on.
macro_rules! enable {
    ($($feature:ident)*) => {
        $(fn $feature(&self) -> bool { true })*
    };
}

pub(super) use enable;
