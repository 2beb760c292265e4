use crate::format::Style;
use crate::format::printer::Printer;
use crate::format::token::{Gap, Token, TokenKind, is_delicate};
use crate::format::tree::{self, Node};

/// What the SQL of a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Statements, with `;` between them.
    Statements,
    /// A condition.
    Condition,
}

/// SQL laid out, without an end of line behind it.
pub(super) fn format(tokens: &[Token<'_>], content: Content, indent: usize, style: Style) -> String {
    let mut printer = Printer::new(indent, style);
    let statements: Vec<&[Token<'_>]> = tokens.split_inclusive(|token| token.kind == TokenKind::Semicolon).collect();
    if tokens.iter().any(is_delicate) || statements.iter().any(|statement| is_script(statement)) {
        lines(&mut printer, tokens, indent);
        return printer.text;
    }
    for (at, statement) in statements.into_iter().enumerate() {
        if let Some(first) = statement.first().filter(|first| at > 0 && first.starts_line()) {
            printer.line(indent, first);
        }
        match tree::build(&commas_first(statement)) {
            Some(nodes) if content == Content::Condition => condition(&mut printer, &nodes, indent),
            Some(nodes) => match query_start(&nodes) {
                Some(start) => with_query(&mut printer, &nodes, start, indent),
                None => lines(&mut printer, statement, indent),
            },
            None => lines(&mut printer, statement, indent),
        }
    }
    printer.text
}

/// A statement whose query starts at that node.
fn with_query<'a>(printer: &mut Printer<'a>, nodes: &[Node<'a>], start: usize, indent: usize) {
    let ends = nodes.last().is_some_and(|node| node.is_kind(TokenKind::Semicolon));
    let (nodes, end) = nodes.split_at(nodes.len() - usize::from(ends));
    let (head, query) = nodes.split_at(start);
    let mut tokens = Vec::new();
    for node in head {
        node.walk(&mut |token| tokens.push(*token));
    }
    lines(printer, &tokens, indent);
    let Some(first) = query.first().map(Node::first) else { return };
    if !head.is_empty() && !first.starts_line() && printer.is_one_line(query) {
        printer.flat(query);
    } else {
        printer.line(indent, first);
        printer.query(query, indent);
    }
    printer.flat(end);
}

/// Puts commas before the comments that stand before them: a comment ends its line, and so does a comma.
pub(super) fn commas_first<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut moved: Vec<Token<'a>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let comments = moved.iter().rev().take_while(|token| token.is_plain_comment()).count();
        let start = moved.len() - comments;
        let follows_code = start.checked_sub(1).and_then(|before| moved.get(before)).is_some_and(|before| {
            !before.is_aside() && !matches!(before.kind, TokenKind::Open | TokenKind::Comma | TokenKind::Semicolon)
        });
        let ends_line = moved[start..].iter().any(|comment| comment.kind == TokenKind::LineComment);
        if token.kind == TokenKind::Comma && ends_line && follows_code {
            moved.insert(start, Token { gap: Gap::None, blanks: "", ..*token });
        } else {
            let after_comment = moved.last().is_some_and(|last| last.kind == TokenKind::LineComment);
            let gap = if after_comment { token.gap.max(Gap::Line) } else { token.gap };
            moved.push(Token { gap, ..*token });
        }
    }
    moved
}

fn words<'a, 't>(statement: &'t [Token<'a>]) -> impl Iterator<Item = &'t Token<'a>> {
    statement.iter().filter(|token| !token.is_aside())
}

/// Whether statements stand within this one.
fn is_script(statement: &[Token<'_>]) -> bool {
    let mut words = words(statement);
    let Some(first) = words.next() else { return false };
    let is = |token: &Token<'_>, list: &[&str]| list.iter().any(|word| token.is(word));
    let transaction = ["transaction", "work", "isolation", "read"];
    match words.next() {
        _ if is(first, &["if", "loop", "while", "for", "repeat", "do", "case", "end"]) => true,
        Some(second) if first.is("begin") => second.kind != TokenKind::Semicolon && !is(second, &transaction),
        _ if first.is("create") => statement.iter().any(|token| is(token, &["procedure", "function", "trigger"])),
        _ => false,
    }
}

/// Where the query of a statement starts, if it has one: at once, or behind `create … as` or `insert into …`.
fn query_start(nodes: &[Node<'_>]) -> Option<usize> {
    let first = nodes.iter().find(|node| !node.first().is_aside())?;
    let is_query = |node: &Node<'_>| match node {
        Node::Token(token) => token.is("select") || token.is("with") || token.is("from"),
        Node::Group(group) => group.is_query(),
    };
    if is_query(first) {
        return Some(0);
    }
    let follows_as =
        |at: usize| at.checked_sub(1).and_then(|before| nodes.get(before)).is_some_and(|node| node.is("as"));
    let all = nodes.iter().enumerate();
    if first.is("create") {
        all.filter(|(at, node)| follows_as(*at) && is_query(node)).map(|(at, _)| at).next()
    } else if first.is("insert") {
        all.filter(|(_, node)| is_query(node) && !node.is("from")).map(|(at, _)| at).next()
    } else {
        None
    }
}

fn condition<'a>(printer: &mut Printer<'a>, nodes: &[Node<'a>], indent: usize) {
    if printer.is_one_line(nodes) {
        printer.flat(nodes);
    } else {
        printer.conditions(nodes, indent, indent);
    }
}

/// Statements in the lines in which they were written, at that indentation.
fn lines<'a>(printer: &mut Printer<'a>, tokens: &[Token<'a>], indent: usize) {
    let starts = |(at, token): &(usize, &Token<'a>)| *at == 0 || token.starts_line();
    let least = tokens.iter().enumerate().filter(starts).map(|(_, token)| token.indent).min().unwrap_or(0);
    for (at, token) in tokens.iter().enumerate() {
        let own = indent + token.indent.saturating_sub(least);
        printer.token_as_written(token, own, at == 0);
    }
}
