use crate::format::token::{Gap, Token, TokenKind, has_space, must_break, must_not_break};
use crate::format::tree::{Group, Node, has_lines};
use crate::format::{Style, keywords};

/// How long a line may become before what is in it is broken.
pub(super) const LINE: usize = 100;
/// How far what belongs to something is indented under it.
pub(super) const STEP: usize = 2;

/// Text as it is laid out.
pub(super) struct Printer<'a> {
    pub(super) text: String,
    style: Style,
    previous: Option<Token<'a>>,
    /// Whether nothing is on the line yet.
    is_start: bool,
    column: usize,
    /// How far the line is indented.
    pub(super) indent: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(indent: usize, style: Style) -> Self {
        Self { text: String::new(), style, previous: None, is_start: true, column: indent, indent }
    }

    /// Puts text at the start of the first line.
    pub(super) fn start_with(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
        self.is_start = false;
    }

    /// Writes a token, behind a blank if there is to be one.
    pub(super) fn token(&mut self, token: &Token<'a>) {
        if !self.is_start && self.previous.is_some_and(|previous| previous.kind == TokenKind::LineComment) {
            self.end_line(self.indent);
        }
        let has_space = self.previous.is_some_and(|previous| has_space(&previous, token));
        self.write(if has_space { " " } else { "" }, token);
    }

    /// Writes a token with the blanks that stood before it; if it starts a line, at that indentation.
    pub(super) fn token_as_written(&mut self, token: &Token<'a>, indent: usize, is_first: bool) {
        if self.is_start {
            self.indent = indent;
            self.column = indent;
        } else if token.starts_line() && !is_first {
            if token.gap == Gap::EmptyLine {
                self.text.push_str(self.style.line_end);
            }
            self.end_line(indent);
        }
        self.write(token.blanks, token);
    }

    fn write(&mut self, blanks: &str, token: &Token<'a>) {
        if self.is_start {
            self.text.push_str(&" ".repeat(self.indent));
        } else {
            self.text.push_str(blanks);
            self.column += blanks.chars().count();
        }
        let text = keywords::spell(token, self.style.keywords);
        self.text.push_str(&text);
        self.column = match text.rsplit_once(['\n', '\r']) {
            Some((_, last)) => last.chars().count(),
            None => self.column + text.chars().count(),
        };
        self.previous = Some(*token);
        self.is_start = false;
    }

    fn end_line(&mut self, indent: usize) {
        self.text.push_str(self.style.line_end);
        self.is_start = true;
        self.indent = indent;
        self.column = indent;
    }

    /// Starts a line for that token, unless one is started already, or none may end here.
    pub(super) fn line(&mut self, indent: usize, next: &Token<'a>) {
        if self.is_start {
            self.indent = indent;
            self.column = indent;
            return;
        }
        let Some(previous) = self.previous else { return };
        if must_not_break(&previous, next) {
            return;
        }
        let opens = previous.kind == TokenKind::Open || previous.is("select");
        if next.gap == Gap::EmptyLine && !opens && next.kind != TokenKind::Close {
            self.text.push_str(self.style.line_end);
        }
        self.end_line(indent);
    }

    pub(super) fn must_break(&self, next: &Token<'a>) -> bool {
        self.previous.is_some_and(|previous| must_break(&previous, next))
    }

    pub(super) fn flat(&mut self, nodes: &[Node<'a>]) {
        for node in nodes {
            node.walk(&mut |token| self.token(token));
        }
    }

    /// Whether nodes can be written on the rest of the line and leave room for so many characters.
    pub(super) fn fits(&self, nodes: &[Node<'a>], room: usize) -> bool {
        let mut measure = Measure { previous: self.previous.filter(|_| !self.is_start), width: 0, is_whole: true };
        measure.nodes(nodes, true) && self.column + measure.width + room <= LINE
    }

    /// Whether the author wrote it on one line, and it fits.
    pub(super) fn is_one_line(&self, nodes: &[Node<'a>]) -> bool {
        !has_lines(nodes) && self.fits(nodes, 0)
    }

    /// Whether a group fits, with what stands behind it on the line in any case.
    fn group_fits(&self, group: &Group<'a>, rest: &[Node<'a>]) -> bool {
        let mut measure = Measure { previous: self.previous.filter(|_| !self.is_start), width: 0, is_whole: true };
        if !measure.group(group) {
            return false;
        }
        for node in rest.iter().take_while(|node| !node.first().starts_line()) {
            if node.first().kind != TokenKind::LineComment {
                measure.token(node.first());
            }
            if matches!(node, Node::Group(_)) {
                break;
            }
        }
        self.column + measure.width <= LINE
    }

    /// An expression, on one line if it fits. What must have a line of its own is put at `base`.
    pub(super) fn expression(&mut self, nodes: &[Node<'a>], base: usize, room: usize) {
        let starts_line = nodes.first().is_some_and(|node| self.must_break(node.first()));
        if !starts_line && self.fits(nodes, room) {
            self.flat(nodes);
        } else if conditions(nodes).len() > 1 {
            self.conditions(nodes, base, base + STEP);
        } else {
            self.pieces(nodes, base);
        }
    }

    /// Conditions, each with its `and` or `or` on a line of its own at `indent`.
    pub(super) fn conditions(&mut self, nodes: &[Node<'a>], base: usize, indent: usize) {
        for (at, condition) in conditions(nodes).into_iter().enumerate() {
            if at > 0 {
                self.line(indent, condition[0].first());
            }
            if conditions(condition).len() > 1 || !self.fits(condition, 0) {
                self.pieces(condition, if at > 0 { indent } else { base });
            } else {
                self.expression(condition, indent, 0);
            }
        }
    }

    /// An expression that does not fit: lines end where they did, and groups are broken.
    fn pieces(&mut self, nodes: &[Node<'a>], base: usize) {
        let mut only_asides = true;
        for (at, node) in nodes.iter().enumerate() {
            let first = node.first();
            if self.must_break(first) {
                self.line(if only_asides || first.is_aside() { base } else { base + STEP }, first);
            } else if at > 0 && first.starts_line() && !only_asides {
                self.line(base + STEP, first);
            }
            only_asides &= first.is_aside();
            match node {
                Node::Token(token) => self.token(token),
                Node::Group(group) => self.group(group, nodes.get(at + 1..).unwrap_or_default()),
            }
        }
    }

    fn group(&mut self, group: &Group<'a>, rest: &[Node<'a>]) {
        if group.content.is_empty() || self.group_fits(group, rest) {
            self.token(&group.open);
            self.flat(&group.content);
            self.token(&group.close);
            return;
        }
        self.token(&group.open);
        let outer = self.indent;
        let content = self.asides_of_line(&group.content);
        let inner = outer + STEP;
        if group.is_case() {
            self.case(content, inner);
        } else if let Some(first) = content.first() {
            self.line(inner, first.first());
            if group.is_query() || group.starts_with(&["partition", "order"]) {
                self.query(content, inner);
            } else if items(content).len() > 1 {
                self.list(content, inner);
            } else if !self.fits(content, 0) && conditions(content).len() > 1 {
                self.conditions(content, inner, inner);
            } else {
                self.list(content, inner);
            }
        }
        self.line(outer, &group.close);
        self.token(&group.close);
    }

    /// Writes the comments that stand on the line behind what opens something. The result is what is left.
    pub(super) fn asides_of_line<'n>(&mut self, nodes: &'n [Node<'a>]) -> &'n [Node<'a>] {
        let is_comment = |node: &Node<'a>| node.first().is_comment() && !node.first().starts_line();
        let count = nodes.iter().take_while(|node| is_comment(node)).count();
        let (comments, rest) = nodes.split_at(count);
        if rest.first().is_none_or(|next| !next.first().starts_line()) {
            return nodes;
        }
        self.flat(comments);
        rest
    }

    /// Items with commas between them, each on a line of its own.
    pub(super) fn list(&mut self, nodes: &[Node<'a>], indent: usize) {
        for (at, item) in items(nodes).iter().enumerate() {
            if let Some(first) = item.nodes.first().map(Node::first)
                && (at == 0 || !item.follows_its_comma)
            {
                self.line(indent, first);
            }
            self.item(item, indent);
        }
    }

    /// An item with its comma and the comments behind that.
    pub(super) fn item(&mut self, item: &Item<'a, '_>, indent: usize) {
        self.expression(item.nodes, indent, usize::from(item.comma.is_some()));
        if let Some(comma) = item.comma {
            if self.must_break(comma) {
                self.line(indent, comma);
            }
            self.token(comma);
            self.flat(item.comments);
        }
    }

    /// What stands between `case` and `end`.
    fn case(&mut self, nodes: &[Node<'a>], indent: usize) {
        let is_branch = |node: &Node<'a>| node.is("when") || node.is("else");
        let mut start = 0;
        for end in 1..=nodes.len() {
            if nodes.get(end).is_none_or(is_branch) {
                let branch = &nodes[start..end];
                if is_branch(&branch[0]) {
                    self.line(indent, branch[0].first());
                }
                self.expression(branch, indent, 0);
                start = end;
            }
        }
    }
}

/// The width of what is written on one line.
struct Measure<'a> {
    previous: Option<Token<'a>>,
    width: usize,
    /// Whether no line has ended yet, within a string or a placeholder.
    is_whole: bool,
}

impl<'a> Measure<'a> {
    /// Adds nodes; whether they may stand on one line. A comment may be the last of all.
    fn nodes(&mut self, nodes: &[Node<'a>], is_end: bool) -> bool {
        let last = nodes.len().saturating_sub(1);
        nodes.iter().enumerate().all(|(at, node)| match node {
            Node::Token(token) if token.kind == TokenKind::LineComment => is_end && at == last && !token.starts_line(),
            Node::Token(token) => self.token(token),
            Node::Group(group) => self.group(group),
        })
    }

    fn group(&mut self, group: &Group<'a>) -> bool {
        let is_laid_out = if group.is_case() {
            group.content.iter().filter(|node| node.is("when")).count() > 1 && group.has_lines()
        } else if group.open.text == "{" {
            group.has_lines()
        } else {
            group.is_query() && group.has_lines()
        };
        !is_laid_out && self.token(&group.open) && self.nodes(&group.content, false) && self.token(&group.close)
    }

    fn token(&mut self, token: &Token<'a>) -> bool {
        if self.previous.is_some_and(|previous| must_break(&previous, token)) {
            return false;
        }
        if self.is_whole {
            let space = self.previous.is_some_and(|previous| has_space(&previous, token));
            let mut lines = token.text.split(['\n', '\r']);
            self.width += usize::from(space) + lines.next().map_or(0, |line| line.chars().count());
            self.is_whole = lines.next().is_none();
        }
        self.previous = Some(*token);
        true
    }
}

/// What stands between two commas.
pub(super) struct Item<'a, 'n> {
    pub(super) nodes: &'n [Node<'a>],
    comma: Option<&'n Token<'a>>,
    /// Behind the comma on its line.
    comments: &'n [Node<'a>],
    /// Whether it stands on the line of the comma before it, and that comma begins the line.
    follows_its_comma: bool,
}

pub(super) fn items<'a, 'n>(nodes: &'n [Node<'a>]) -> Vec<Item<'a, 'n>> {
    let mut items = Vec::new();
    let mut rest = nodes;
    let mut follows_its_comma = false;
    loop {
        let Some(end) = rest.iter().position(|node| node.is_kind(TokenKind::Comma)) else {
            if !rest.is_empty() || items.is_empty() {
                items.push(Item { nodes: rest, comma: None, comments: &[], follows_its_comma });
            }
            return items;
        };
        let (nodes, behind) = rest.split_at(end);
        let comma = behind.first().and_then(Node::token);
        let behind = behind.get(1..).unwrap_or_default();
        let is_comment = |node: &&Node<'a>| node.first().is_comment() && !node.first().starts_line();
        let count = behind.iter().take_while(is_comment).count();
        let ends_line = behind.get(count).is_none_or(|next| next.first().starts_line());
        let (comments, next) = behind.split_at(if ends_line { count } else { 0 });
        items.push(Item { nodes, comma, comments, follows_its_comma });
        let is_first = comma.zip(nodes.last()).is_some_and(|(comma, before)| must_break(before.last(), comma));
        follows_its_comma = is_first && next.first().is_some_and(|next| !next.first().starts_line());
        rest = next;
    }
}

/// Parts that start with `and` or `or`, but for the first one.
pub(super) fn conditions<'a, 'n>(nodes: &'n [Node<'a>]) -> Vec<&'n [Node<'a>]> {
    let mut parts = Vec::new();
    let (mut start, mut between) = (0, false);
    for (at, node) in nodes.iter().enumerate() {
        if node.is("between") {
            between = true;
        } else if node.is("and") && between {
            between = false;
        } else if at > start && (node.is("and") || node.is("or")) {
            parts.push(&nodes[start..at]);
            start = at;
        }
    }
    parts.push(&nodes[start..]);
    parts
}
