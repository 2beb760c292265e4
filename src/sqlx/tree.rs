use crate::files::Span;
use crate::sqlx::ConfigBlock;

/// A `.sqlx` file, taken apart.
#[derive(Debug, Clone)]
pub struct SqlxFile {
    /// The last `config { … }`.
    pub config: Option<ConfigBlock>,
    /// What stands between the braces of each `js { … }`, in order.
    pub js: Vec<Span>,
    /// The SQL outside of all blocks, split at `---`. Never empty; a statement may be.
    pub statements: Vec<Text>,
    /// The statements of the last `pre_operations { … }`; none without such a block.
    pub pre_operations: Vec<Text>,
    /// The statements of the last `post_operations { … }`; none without such a block.
    pub post_operations: Vec<Text>,
    /// The last `incremental_where { … }`.
    pub incremental_where: Option<Text>,
    /// Each `input "…" { … }`, in order.
    pub inputs: Vec<Input>,
    /// Every block of the file in order, those without effect included.
    pub blocks: Vec<Block>,
    /// Whether a block or a placeholder is never closed. What stands behind its opening may then be anything.
    pub is_broken: bool,
}

impl SqlxFile {
    /// The last block of that kind: the one that counts, where only one does.
    pub fn block(&self, kind: BlockKind) -> Option<&Block> {
        self.blocks.iter().rev().find(|block| block.kind == kind)
    }
}

/// SQL with placeholders. White space is as written; nothing is trimmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// From the start of the statement to its end. Blocks that stand in between are inside of it, but in no piece.
    pub span: Span,
    /// In order. No piece is empty, and no verbatim one goes on exactly where the one before it ends.
    pub pieces: Vec<Piece>,
    /// What must stay whole, in order: strings, quoted names, comments, tags of Jinja and placeholders. A placeholder or
    /// a tag in one of the others is no lexeme of its own.
    pub lexemes: Vec<Lexeme>,
    /// Whether there is anything for Jinja to do. Always false for a file that is read without Jinja.
    pub has_jinja: bool,
}

/// A part of a [`Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// All of it; of a placeholder also the `${` and the `}`.
    pub span: Span,
    /// What it is.
    pub kind: PieceKind,
}

/// What a [`Piece`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// SQL, its strings and comments, and Jinja.
    Verbatim,
    /// `${…}`
    Placeholder {
        /// What stands between the braces.
        expression: Span,
    },
}

/// A part of a [`Text`] in which blanks mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lexeme {
    /// All of it, with its quotes, brackets or dashes. A comment to the end of its line is without the line's end.
    pub span: Span,
    /// What it is.
    pub kind: LexemeKind,
}

/// What a [`Lexeme`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexemeKind {
    /// A string or a quoted name. One that is never closed goes to the end of the file, or of its line if it opens with a
    /// backtick.
    Quoted,
    /// `-- …` or `# …`
    LineComment,
    /// `/* … */`
    BlockComment,
    /// `{{ … }}`, `{% … %}` or `{# … #}`
    Tag,
    /// `${…}`
    Placeholder,
}

/// `input "a", "b" { … }`: rows that stand for a relation in a unit test.
#[derive(Debug, Clone)]
pub struct Input {
    /// The quoted names, in order; one at least.
    pub names: Vec<InputName>,
    /// The word `input`.
    pub keyword: Span,
    /// The query.
    pub body: Text,
}

/// One of the quoted names of an [`Input`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputName {
    /// Without the quotes.
    pub name: String,
    /// Without the quotes.
    pub span: Span,
}

/// A block in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Which one.
    pub kind: BlockKind,
    /// Its first word.
    pub keyword: Span,
    /// From the keyword to the closing brace, or to the end of the file if it is never closed.
    pub span: Span,
    /// What stands between the braces.
    pub body: Span,
}

/// The blocks that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockKind {
    /// `config { type: "table" }`: an object of JavaScript.
    Config,
    /// `incremental_where { ts > … }`: a condition.
    IncrementalWhere,
    /// `input "orders" { select … }`: a query.
    Input,
    /// `js { const x = 1 }`: statements of JavaScript.
    Js,
    /// `post_operations { … }`: statements of SQL.
    PostOperations,
    /// `pre_operations { … }`: statements of SQL.
    PreOperations,
}

impl BlockKind {
    /// The word that opens it.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::IncrementalWhere => "incremental_where",
            Self::Input => "input",
            Self::Js => "js",
            Self::PostOperations => "post_operations",
            Self::PreOperations => "pre_operations",
        }
    }

    /// The block that such a word opens.
    pub(super) fn from_keyword(word: &str) -> Option<Self> {
        [Self::Config, Self::IncrementalWhere, Self::Input, Self::Js, Self::PostOperations, Self::PreOperations]
            .into_iter()
            .find(|kind| kind.keyword() == word)
    }

    /// Whether the braces hold JavaScript and not SQL.
    pub(super) fn is_javascript(self) -> bool {
        matches!(self, Self::Config | Self::Js)
    }

    /// Whether a second one puts the first out of effect.
    pub(super) fn is_single(self) -> bool {
        !matches!(self, Self::Js | Self::Input)
    }

    /// Whether `---` may split what it holds.
    pub(super) fn holds_one_statement(self) -> bool {
        matches!(self, Self::IncrementalWhere | Self::Input)
    }
}
