//! The language of a `.sqlx` file: SQL with `${…}` in it, and blocks in braces between the SQL.
//!
//! [`parse`] takes a file apart and never fails: what is wrong comes as diagnostics beside the tree. Nothing is
//! evaluated here, but what is literal can be read without a JavaScript engine:
//! [`Value::is_literal`](crate::config::Value::is_literal) for a config, [`simple_value`] for `${ref("orders")}`.

mod call;
mod config;
mod javascript;
mod jinja;
mod parser;
#[cfg(test)]
mod tiling;
mod tree;

pub use call::{SimpleCall, SimpleText, SimpleValue, simple_value};
pub use config::ConfigBlock;
pub use javascript::{Literal, literals};
pub(crate) use javascript::{TokenKind, Tokens};
pub use parser::parse;
pub use tree::{Block, BlockKind, Input, InputName, Lexeme, LexemeKind, Piece, PieceKind, SqlxFile, Text};
