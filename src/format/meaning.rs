use crate::format::token::{self, Token, TokenKind};
use crate::format::{config, keywords, object};
use crate::sqlx::{Block, BlockKind, SqlxFile, Text};

/// What must stay the same of a file, whatever its blanks are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    blocks: Vec<BlockMeaning>,
    /// Those outside of blocks, and those of each kind of block.
    statements: Vec<Vec<Words>>,
}

#[derive(Debug, PartialEq, Eq)]
struct BlockMeaning {
    kind: BlockKind,
    head: Vec<String>,
    /// Of a config that is laid out.
    config: Option<Words>,
    /// What stays as it is.
    text: Option<String>,
}

/// A statement.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    /// Each token, and whether it stands right behind another one where a blank would make a difference.
    code: Vec<(String, bool)>,
    comments: Vec<String>,
}

pub(super) fn of(text: &str, tree: &SqlxFile) -> Meaning {
    let statements = |texts: &[Text]| texts.iter().map(|statement| of_statement(text, tree, statement)).collect();
    let inputs = tree.inputs.iter().map(|input| of_statement(text, tree, &input.body)).collect();
    Meaning {
        blocks: tree.blocks.iter().map(|block| of_block(text, block)).collect(),
        statements: vec![
            statements(&tree.statements),
            statements(&tree.pre_operations),
            statements(&tree.post_operations),
            statements(tree.incremental_where.as_slice()),
            inputs,
        ],
    }
}

fn of_block(text: &str, block: &Block) -> BlockMeaning {
    let head =
        text[block.span.start as usize..block.body.start as usize].trim_end_matches('{').split_ascii_whitespace();
    let tokens = if block.kind == BlockKind::Config { config::tokens(object(text, block)) } else { None };
    let is_raw = block.kind == BlockKind::Js || block.kind == BlockKind::Config && tokens.is_none();
    let config = tokens.map(|tokens| {
        let mut words = Words::default();
        words.add(&tokens);
        // To JavaScript, blanks between these tokens are nothing.
        words.code.iter_mut().for_each(|(_, is_glued)| *is_glued = false);
        words
    });
    BlockMeaning {
        kind: block.kind,
        head: head.map(str::to_owned).collect(),
        config,
        text: is_raw.then(|| text[block.body.range()].to_owned()),
    }
}

fn of_statement(text: &str, tree: &SqlxFile, statement: &Text) -> Words {
    let span = statement.span.range();
    let mut words = Words::default();
    let mut at = span.start;
    let holes = tree.blocks.iter().map(|block| block.span.range());
    let holes = holes.filter(|hole| span.start <= hole.start && hole.end <= span.end);
    for hole in holes {
        words.add(&token::tokens(text, at..hole.start, &statement.lexemes));
        at = hole.end;
    }
    words.add(&token::tokens(text, at..span.end, &statement.lexemes));
    words
}

impl Words {
    fn add(&mut self, tokens: &[Token<'_>]) {
        let mut before: Option<&Token<'_>> = None;
        for token in tokens {
            if token.is_plain_comment() {
                self.comments.push(spelled(token));
            } else {
                let is_glued = before.is_some_and(|before| token::is_glued(before, token));
                self.code.push((spelled(token), is_glued));
            }
            before = Some(token);
        }
    }
}

fn spelled(token: &Token<'_>) -> String {
    if keywords::is_reserved(token) {
        token.text.to_ascii_lowercase()
    } else if matches!(token.kind, TokenKind::LineComment | TokenKind::Quoted) {
        // A string that is never closed may end the file.
        token.text.trim_ascii_end().to_owned()
    } else {
        token.text.to_owned()
    }
}
