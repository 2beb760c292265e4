//! How deep a text may nest: trees are parsed, walked, printed and dropped by recursion.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Problem, place, split, unions};

/// How deep the parser may call itself; a bracket takes one to three of them. A thread's usual two megabytes hold about a
/// thousand of these calls, but hardly ninety where a statement holds another.
pub(super) fn recursion(tokens: &[TokenWithSpan]) -> usize {
    let nests_statements = tokens.windows(2).any(|pair| match split::keyword(&pair[0].token) {
        Some(Keyword::BEGIN | Keyword::WHILE | Keyword::EXPLAIN | Keyword::PREPARE) => true,
        // Not the function of that name.
        Some(Keyword::IF) => pair[1].token != Token::LParen,
        _ => false,
    });
    if nests_statements { 60 } else { 300 }
}

/// How long a text may be, in bytes: its tree takes some hundred times as much.
const LONGEST: usize = 1 << 20;

/// How many words and signs a text may have: a list of numbers takes more than anything else of its length.
const MOST_WORDS: usize = 400_000;

/// A problem with a text that is too long to be taken apart.
pub(super) fn check_length(sql: &str) -> Result<(), Problem> {
    if sql.len() <= LONGEST {
        return Ok(());
    }
    Err(too_long(sql, format!("a text of more than {} MiB is not looked at", LONGEST >> 20)))
}

fn too_long(sql: &str, message: String) -> Problem {
    let help = "data belongs into a table or a file; split what is one model into several";
    let range = 0..sql.lines().next().map_or(0, str::len);
    Problem { range, message, help: Some(help.to_owned()), certain: false }
}

/// How many brackets may be open at once.
const NESTING: usize = 90;

/// How many operators may follow each other within one pair of brackets: a chain of them is a tree as deep as it is long.
const CHAIN: usize = 1000;

/// How many queries may be put together by UNION ALL, of which halves can be made; of others no more than [`unions::CHAIN`].
const UNIONS: usize = 20_000;

/// The operators of one pair of brackets.
#[derive(Default)]
struct Level {
    unions: usize,
    /// Whether not all of these are UNION ALL.
    has_others: bool,
    /// Since the last comma or clause.
    operators: usize,
}

/// A problem at the first token that stands too deep.
pub(super) fn check(sql: &str, tokens: &[TokenWithSpan]) -> Result<(), Problem> {
    let is_word = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    if tokens.len() > MOST_WORDS && tokens.iter().filter(is_word).count() > MOST_WORDS {
        return Err(too_long(sql, format!("a text of more than {MOST_WORDS} words is not looked at")));
    }
    let mut outer = Vec::new();
    let mut level = Level::default();
    let mut before = None;
    for (number, token) in tokens.iter().enumerate() {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        let word = split::keyword(&token.token);
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => outer.push(std::mem::take(&mut level)),
            Token::RParen | Token::RBracket | Token::RBrace => level = outer.pop().unwrap_or_default(),
            Token::Lt if matches!(before, Some(Keyword::ARRAY | Keyword::STRUCT | Keyword::RANGE)) => {
                outer.push(std::mem::take(&mut level));
            }
            Token::Comma | Token::SemiColon => level.operators = 0,
            Token::Word(_) => match word {
                Some(Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS) => {
                    level.unions += 1;
                    level.has_others |= !is_union_all(&tokens[number..]);
                }
                Some(Keyword::AND | Keyword::OR | Keyword::JOIN) => level.operators += 1,
                Some(Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::THEN | Keyword::ELSE) => {
                    level.operators = 0;
                }
                _ => {}
            },
            Token::SingleQuotedString(_) | Token::Number(..) | Token::Period => {}
            _ => level.operators += 1,
        }
        before = word;
        let message = if outer.len() > NESTING {
            "nested too deep to be understood"
        } else if level.operators > CHAIN || level.unions > if level.has_others { unions::CHAIN } else { UNIONS } {
            "too many operators in a row to be understood"
        } else {
            continue;
        };
        return Err(Problem {
            range: place::range(sql, token.span),
            message: message.to_owned(),
            help: Some("split it into named parts of a WITH clause, or use IN with a list".to_owned()),
            certain: false,
        });
    }
    Ok(())
}

/// Whether these words begin with UNION ALL, and columns are matched by their places.
fn is_union_all(tokens: &[TokenWithSpan]) -> bool {
    let words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut words = words.map(|token| split::keyword(&token.token));
    words.next() == Some(Some(Keyword::UNION))
        && words.next() == Some(Some(Keyword::ALL))
        && words.next() != Some(Some(Keyword::BY))
}
