//! A script to its statements, by its words alone: a block from BEGIN to END is one statement.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The tokens of each statement, without white space at its ends and without the semicolon.
pub(super) fn statements(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut blocks = Blocks::default();
    for (index, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::Whitespace(_) => {}
            Token::SemiColon | Token::EOF if blocks.open.is_empty() => {
                statements.push(trimmed(&tokens[start..index]));
                start = index + 1;
                blocks = Blocks::default();
            }
            token => {
                blocks.see(token, || tokens[index + 1..].iter().map(|next| &next.token).find(|next| is_text(next)));
            }
        }
    }
    statements.push(trimmed(&tokens[start.min(tokens.len())..]));
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// The keyword of an unquoted word.
pub(super) fn keyword(token: &Token) -> Option<Keyword> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

fn is_text(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_))
}

fn trimmed(tokens: &[TokenWithSpan]) -> &[TokenWithSpan] {
    let is_text = |token: &TokenWithSpan| is_text(&token.token) && token.token != Token::EOF;
    let start = tokens.iter().position(is_text).unwrap_or(tokens.len());
    let end = tokens.iter().rposition(is_text).map_or(start, |last| last + 1);
    &tokens[start..end]
}

/// What ends with END.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Holds statements.
    Statements,
    /// A CASE that gives a value.
    Expression,
}

/// The blocks that are open at a token.
#[derive(Debug)]
struct Blocks {
    open: Vec<Block>,
    /// Whether a statement may begin here.
    at_start: bool,
    /// Whether the last word was an END, which the next word only names.
    after_end: bool,
    /// In a CREATE, whose BEGIN does not stand first.
    in_create: bool,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { open: Vec::new(), at_start: true, after_end: false, in_create: false }
    }
}

impl Blocks {
    fn see<'a>(&mut self, token: &Token, next: impl FnOnce() -> Option<&'a Token>) {
        let word = keyword(token);
        let loops = matches!(token, Token::Word(word) if ["loop", "repeat"].iter().any(|loops| word.value.eq_ignore_ascii_case(loops)));
        let at_start = std::mem::replace(&mut self.at_start, false);
        let after_end = std::mem::replace(&mut self.after_end, false);
        match word {
            Some(Keyword::IF | Keyword::WHILE | Keyword::FOR | Keyword::CASE) if after_end => {}
            _ if loops && after_end => {}
            Some(Keyword::CREATE) if at_start && self.open.is_empty() => self.in_create = true,
            Some(Keyword::BEGIN) if at_start || self.in_create => {
                if !begins_transaction(next()) {
                    self.open.push(Block::Statements);
                    self.at_start = true;
                }
            }
            Some(Keyword::IF | Keyword::WHILE | Keyword::FOR | Keyword::CASE) if at_start => {
                self.open.push(Block::Statements);
            }
            _ if loops && at_start => {
                self.open.push(Block::Statements);
                self.at_start = true;
            }
            Some(Keyword::CASE) if !self.open.is_empty() => self.open.push(Block::Expression),
            Some(Keyword::THEN | Keyword::ELSE | Keyword::DO) => {
                self.at_start = self.open.last() == Some(&Block::Statements);
            }
            Some(Keyword::END) if self.open.pop().is_some() => self.after_end = true,
            // `name: begin`, where the name is that of the block.
            _ if at_start && next() == Some(&Token::Colon) => self.at_start = true,
            _ if *token == Token::Colon => self.at_start = at_start,
            _ => self.at_start = !self.open.is_empty() && *token == Token::SemiColon,
        }
    }
}

fn begins_transaction(next: Option<&Token>) -> bool {
    match next {
        None | Some(Token::SemiColon | Token::EOF) => true,
        Some(token) => matches!(
            keyword(token),
            Some(Keyword::TRANSACTION | Keyword::WORK | Keyword::READ | Keyword::ISOLATION | Keyword::NOT)
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::{BigQuery, syntax};

    #[test]
    fn a_block_may_have_a_label() {
        let sql = "declare n int64; count: begin declare more int64; again: loop set n = more; leave again; end loop again; \
                   end count; select n";
        let statements = syntax::read(sql, &BigQuery);
        let starts: Vec<_> = statements.iter().map(|piece| &sql[piece.range.clone()][..6]).collect();
        assert_eq!(starts, ["declar", "count:", "select"]);
    }
}
