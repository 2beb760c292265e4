use std::ops::Range;

use crate::format::printer::{Printer, STEP, conditions, items};
use crate::format::token::{Gap, TokenKind, must_break};
use crate::format::tree::Node;

/// What stands behind the words of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What stands before the first clause.
    Bare,
    /// `union all` and the like, and a query in brackets.
    SetOperator,
    /// Items, each on a line of its own.
    Select,
    /// Queries with names.
    With,
    /// Conditions.
    Where,
    /// A table, and conditions behind `on`.
    Join,
    /// Items, on one line if they fit.
    List,
}

/// A part of a query, from its first word to the next clause.
struct Clause<'a, 'n> {
    kind: Kind,
    /// Which nodes it is made of.
    range: Range<usize>,
    head: &'n [Node<'a>],
    content: &'n [Node<'a>],
    /// Comments, tags and templates at the end, each on a line of its own.
    tail: &'n [Node<'a>],
}

impl<'a> Printer<'a> {
    /// A query, each clause on a line of its own. The line of the first one is started.
    pub(super) fn query(&mut self, nodes: &[Node<'a>], indent: usize) {
        if self.is_one_line(nodes) {
            self.flat(nodes);
            return;
        }
        for branch in
            clauses(nodes).chunk_by(|before, next| before.kind != Kind::With && next.kind != Kind::SetOperator)
        {
            let is_operator = branch[0].kind == Kind::SetOperator;
            let (operator, clauses) = branch.split_at(usize::from(is_operator));
            for clause in operator {
                self.with_tail(clause, indent);
            }
            let (Some(first), Some(last)) = (clauses.first(), clauses.last()) else { continue };
            let select = &nodes[first.range.start..last.range.end];
            self.line(indent, select[0].first());
            if self.is_one_line(select) {
                self.flat(select);
            } else {
                for clause in clauses {
                    self.with_tail(clause, indent);
                }
            }
        }
    }

    fn with_tail(&mut self, clause: &Clause<'a, '_>, indent: usize) {
        let all = [clause.head, clause.content, clause.tail];
        let Some(first) = all.into_iter().flatten().next().map(Node::first) else { return };
        self.line(indent, first);
        self.clause(clause, indent);
        let mut open_tags = open_tags(clause.content);
        for node in clause.tail {
            let is_closing = open_tags > 0 && TagRole::of(node) != TagRole::Opens;
            let is_inner = !clause.head.is_empty() && node.first().indent > first.indent;
            self.line(if is_inner || is_closing { indent + STEP } else { indent }, node.first());
            self.flat(std::slice::from_ref(node));
            open_tags = (open_tags + TagRole::of(node).step()).max(0);
        }
    }

    fn clause(&mut self, clause: &Clause<'a, '_>, indent: usize) {
        let inner = indent + STEP;
        for (at, node) in clause.head.iter().enumerate() {
            if at > 0 && self.must_break(node.first()) {
                self.line(inner, node.first());
            }
            self.flat(std::slice::from_ref(node));
        }
        let content = self.asides_of_line(clause.content);
        let Some(first) = content.first() else { return };
        let starts_line = content.len() < clause.content.len()
            || clause.head.last().is_some_and(|head| must_break(head.last(), first.first()));
        match clause.kind {
            Kind::With => self.with(content, indent),
            Kind::Join => self.join(content, inner),
            Kind::Where => {
                if starts_line {
                    self.line(inner, first.first());
                }
                self.conditions(content, inner, inner);
            }
            Kind::Select if starts_line || items(content).len() > 1 => self.list(content, inner),
            Kind::List if starts_line || !self.fits(content, 0) && items(content).len() > 1 => {
                self.list(content, inner);
            }
            Kind::Bare | Kind::SetOperator | Kind::Select | Kind::List => self.expression(content, indent, 0),
        }
    }

    fn with(&mut self, nodes: &[Node<'a>], indent: usize) {
        for (at, item) in items(nodes).iter().enumerate() {
            if let Some(first) = item.nodes.first().filter(|_| at > 0) {
                self.line(indent, first.first());
            }
            self.item(item, indent);
        }
    }

    fn join(&mut self, nodes: &[Node<'a>], indent: usize) {
        let on = nodes.iter().position(|node| node.is("on") || node.is("using")).unwrap_or(nodes.len());
        let (table, condition) = nodes.split_at(on);
        let Some(first) = condition.first().map(Node::first) else {
            self.expression(table, indent, 0);
            return;
        };
        if first.is("using") {
            self.expression(table, indent, 0);
            self.expression(condition, indent, 0);
            return;
        }
        let is_single = conditions(condition).len() == 1;
        if is_single && first.gap < Gap::Line && self.fits(nodes, 0) {
            self.flat(nodes);
            return;
        }
        self.expression(table, indent, 0);
        self.line(indent, first);
        self.conditions(condition, indent, indent);
    }
}

/// What a tag of Jinja does with the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagRole {
    Opens,
    Closes,
    Other,
}

impl TagRole {
    fn of(node: &Node<'_>) -> Self {
        let Some(token) = node.token().filter(|token| token.kind == TokenKind::Tag) else { return Self::Other };
        let code = token.text.trim_start_matches(['{', '%', '-', '+']).trim_start();
        match code.split(|at: char| !at.is_ascii_alphabetic()).next() {
            Some("if" | "for") => Self::Opens,
            Some("endif" | "endfor") => Self::Closes,
            _ => Self::Other,
        }
    }

    fn step(self) -> i32 {
        match self {
            Self::Opens => 1,
            Self::Closes => -1,
            Self::Other => 0,
        }
    }
}

/// How many tags are still open behind nodes.
fn open_tags(nodes: &[Node<'_>]) -> i32 {
    nodes.iter().fold(0, |open, node| (open + TagRole::of(node).step()).max(0))
}

fn clauses<'a, 'n>(nodes: &'n [Node<'a>]) -> Vec<Clause<'a, 'n>> {
    let mut starts: Vec<(usize, Kind, usize)> = Vec::new();
    let mut at = 0;
    let mut is_pipe = false;
    while at < nodes.len() {
        let last = starts.last().map(|(_, kind, _)| *kind);
        let starts_pipe = nodes[at].first().text == "|>";
        is_pipe |= starts_pipe;
        // What belongs to an operator of a pipe stays with it.
        match head(nodes, at, last).filter(|_| starts_pipe || !is_pipe) {
            Some((kind, length)) => {
                starts.push((at, kind, length));
                at += length;
            }
            None => at += 1,
        }
    }
    if starts.first().is_none_or(|(start, ..)| *start > 0) {
        starts.insert(0, (0, Kind::Bare, 0));
    }
    let ends = starts.iter().skip(1).map(|(start, ..)| *start).chain([nodes.len()]);
    let clause = |((start, kind, length), end): (&(usize, Kind, usize), usize)| {
        let (head, content) = nodes[*start..end].split_at(*length);
        let is_tail = |node: &&Node<'a>| node.token().is_some_and(|token| token.is_aside() && token.starts_line());
        let mut tail = content.len() - content.iter().rev().take_while(is_tail).count();
        // What follows a comma is an item, and what starts the query stands on a line of its own in any case.
        let is_first = *start == 0 && *length == 0 && content.first().is_some_and(|node| node.first().is_aside());
        if tail == 1 && is_first {
            tail = 0;
        } else if tail
            .checked_sub(1)
            .and_then(|last| content.get(last))
            .is_some_and(|node| node.is_kind(TokenKind::Comma))
        {
            let item = content[tail..].iter().position(|node| node.is_kind(TokenKind::Template));
            tail += item.map_or(0, |item| item + 1);
        }
        let (content, tail) = content.split_at(tail);
        Clause { kind: *kind, range: *start..end, head, content, tail }
    };
    starts.iter().zip(ends).map(clause).collect()
}

/// The clause that starts there, and how many nodes its head has. `last` is the one before it.
fn head(nodes: &[Node<'_>], at: usize, last: Option<Kind>) -> Option<(Kind, usize)> {
    let node = nodes.get(at)?;
    let before = at.checked_sub(1).and_then(|before| nodes.get(before));
    if before.is_some_and(|before| node.first().gap == Gap::None && !before.is_kind(TokenKind::BlockComment)) {
        return None;
    }
    if node.token().is_some_and(|token| token.text == "|>") {
        let (kind, length) = head(nodes, at + 1, last).unwrap_or((Kind::List, 0));
        return Some((kind, length + 1));
    }
    if !node.is_kind(TokenKind::Word) || nodes.get(at + 1).is_some_and(is_member) {
        return None;
    }
    let is =
        |place: usize, words: &[&str]| nodes.get(at + place).is_some_and(|node| words.iter().any(|word| node.is(word)));
    let was = |words: &[&str]| before.is_some_and(|before| words.iter().any(|word| before.is(word)));
    let start = |kind, length| Some((kind, length));
    let text = node.first().text.to_ascii_lowercase();
    match text.as_str() {
        "select" => start(Kind::Select, select_head(nodes, at)),
        "with" if only_asides(&nodes[..at]) => start(Kind::With, 1 + usize::from(is(1, &["recursive"]))),
        "from" if !was(&["distinct"]) => start(Kind::List, 1),
        "where" | "having" | "qualify" => start(Kind::Where, 1),
        "limit" => start(Kind::List, 1),
        "offset" if last == Some(Kind::List) && !was(&["with", "as", "and", "on"]) && is_number(nodes.get(at + 1)) => {
            start(Kind::List, 1)
        }
        "fetch" if is(1, &["first", "next"]) => start(Kind::List, 2),
        "group" | "order" | "partition" if is(1, &["by"]) => start(Kind::List, 2),
        "rows" | "range" if is(1, &["between", "unbounded", "current"]) => start(Kind::List, 1),
        "window" if is(2, &["as"]) => start(Kind::List, 1),
        "start" if is(1, &["with"]) => start(Kind::Where, 2),
        "connect" if is(1, &["by"]) => start(Kind::Where, 2),
        "union" | "intersect" | "except" => {
            let is_star = before.is_some_and(|before| before.last().text.ends_with('*'));
            let by_name = 1 + usize::from(is(1, &["all", "distinct"]));
            let is_named = is(by_name, &["by"]) && is(by_name + 1, &["name"]);
            if is_star { None } else { start(Kind::SetOperator, by_name + if is_named { 2 } else { 0 }) }
        }
        "join" => start(Kind::Join, 1),
        "natural" | "inner" | "left" | "right" | "full" | "cross" | "outer" | "asof" | "semi" | "anti"
        | "positional" => {
            let words = (1..4).find(|place| is(*place, &["join"]));
            let modifiers = ["inner", "left", "right", "full", "cross", "outer", "semi", "anti"];
            words.filter(|end| (1..*end).all(|place| is(place, &modifiers))).map(|end| (Kind::Join, end + 1))
        }
        _ => None,
    }
}

/// Whether a node continues the name before it.
fn is_member(node: &Node<'_>) -> bool {
    node.first().gap == Gap::None && matches!(node.first().kind, TokenKind::Symbol | TokenKind::Template)
}

fn is_number(node: Option<&Node<'_>>) -> bool {
    node.is_some_and(|node| {
        let text = node.first().text;
        text.starts_with(|first: char| first.is_ascii_digit()) || node.is_kind(TokenKind::Template)
    })
}

fn only_asides(nodes: &[Node<'_>]) -> bool {
    nodes.iter().all(|node| node.first().is_aside())
}

/// `select distinct on (…)`, `select as struct`, `select top 10`.
fn select_head(nodes: &[Node<'_>], at: usize) -> usize {
    let is =
        |place: usize, words: &[&str]| nodes.get(at + place).is_some_and(|node| words.iter().any(|word| node.is(word)));
    let mut length = 1;
    if is(length, &["distinct", "all"]) {
        length += 1;
        if is(length, &["on"]) && matches!(nodes.get(at + length + 1), Some(Node::Group(_))) {
            length += 2;
        }
    }
    if is(length, &["as"]) && is(length + 1, &["struct", "value"]) {
        length += 2;
    }
    if is(length, &["top"]) && is_number(nodes.get(at + length + 1)) {
        length += 2;
    }
    length
}
