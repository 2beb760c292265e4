use crate::format::token::{Token, TokenKind};

/// Brackets nested deeper than this are not laid out, so that no file can use up the stack.
const MAX_DEPTH: usize = 100;

/// A token, or what stands in brackets.
#[derive(Debug)]
pub(super) enum Node<'a> {
    Token(Token<'a>),
    Group(Group<'a>),
}

/// From `(` to `)`, or from `case` to `end`.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) open: Token<'a>,
    pub(super) content: Vec<Node<'a>>,
    pub(super) close: Token<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn first(&self) -> &Token<'a> {
        match self {
            Self::Token(token) => token,
            Self::Group(group) => &group.open,
        }
    }

    pub(super) fn last(&self) -> &Token<'a> {
        match self {
            Self::Token(token) => token,
            Self::Group(group) => &group.close,
        }
    }

    pub(super) fn token(&self) -> Option<&Token<'a>> {
        match self {
            Self::Token(token) => Some(token),
            Self::Group(_) => None,
        }
    }

    /// Whether it is that word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.token().is_some_and(|token| token.is(word))
    }

    /// Whether it is one of those signs.
    pub(super) fn is_kind(&self, kind: TokenKind) -> bool {
        self.token().is_some_and(|token| token.kind == kind)
    }

    /// Calls `each` with every token in it, in order.
    pub(super) fn walk(&self, each: &mut impl FnMut(&Token<'a>)) {
        match self {
            Self::Token(token) => each(token),
            Self::Group(group) => {
                each(&group.open);
                for node in &group.content {
                    node.walk(each);
                }
                each(&group.close);
            }
        }
    }
}

impl Group<'_> {
    pub(super) fn is_case(&self) -> bool {
        self.open.kind == TokenKind::Word
    }

    /// The first word in it.
    pub(super) fn starts_with(&self, words: &[&str]) -> bool {
        let first = self.content.iter().find(|node| !node.first().is_aside());
        !self.is_case() && first.is_some_and(|node| words.iter().any(|word| node.is(word)))
    }

    /// Whether it is a query in brackets.
    pub(super) fn is_query(&self) -> bool {
        if self.starts_with(&["select", "with", "from"]) {
            return true;
        }
        let first = self.content.iter().find(|node| !node.first().is_aside());
        let is_list = self.content.iter().any(|node| node.is_kind(TokenKind::Comma));
        !is_list && matches!(first, Some(Node::Group(group)) if group.is_query())
    }

    /// Whether the author broke a line in it.
    pub(super) fn has_lines(&self) -> bool {
        self.close.starts_line()
            || self.content.iter().any(|node| node.first().starts_line())
            || has_lines(&self.content)
    }
}

/// Whether lines end in or between nodes; what stands before the first does not count.
pub(super) fn has_lines(nodes: &[Node<'_>]) -> bool {
    let mut found = false;
    let mut is_first = true;
    let mut each = |token: &Token<'_>| {
        found |= token.starts_line() && !is_first || token.text.contains(['\n', '\r']);
        is_first = false;
    };
    for node in nodes {
        node.walk(&mut each);
    }
    found
}

/// Puts together what brackets hold together; `None` if they do not match.
pub(super) fn build<'a>(tokens: &[Token<'a>]) -> Option<Vec<Node<'a>>> {
    let mut open: Vec<(Token<'a>, Vec<Node<'a>>)> = Vec::new();
    let mut nodes = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let member = before.is_some_and(|before| before.text.ends_with('.') && before.kind == TokenKind::Symbol);
        if token.kind == TokenKind::Open || token.is("case") && !member {
            open.push((*token, std::mem::take(&mut nodes)));
            if open.len() > MAX_DEPTH {
                return None;
            }
            continue;
        }
        let of_case = token.is("end") && !member && open.last().is_some_and(|(open, _)| open.is("case"));
        if token.kind != TokenKind::Close && !of_case {
            nodes.push(Node::Token(*token));
            continue;
        }
        let (opening, outer) = open.pop()?;
        let closing = match opening.text {
            "(" => ")",
            "[" => "]",
            "{" => "}",
            _ => token.text,
        };
        if closing != token.text || opening.is("case") != of_case {
            return None;
        }
        let content = std::mem::replace(&mut nodes, outer);
        nodes.push(Node::Group(Group { open: opening, content, close: *token }));
    }
    open.is_empty().then_some(nodes)
}
