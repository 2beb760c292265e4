use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::files::{SourceFile, Span};
use crate::sqlx::javascript::closing_brace;
use crate::sqlx::{
    Block, BlockKind, ConfigBlock, Input, InputName, Lexeme, LexemeKind, Piece, PieceKind, SqlxFile, Text, config,
    jinja,
};

/// Takes a file apart. With `jinja`, the tags of Jinja are kept whole: a quote or a brace in one means nothing in SQL.
///
/// As in Dataform, nothing in a string or a comment opens or closes a block, and a placeholder in a `--` or `/* */`
/// comment is none. A string that is never closed is no mistake here: the rest of the file is then taken to be in it.
pub fn parse(file: &SourceFile, jinja: bool) -> (SqlxFile, Diagnostics) {
    let text = file.text().as_ref();
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut parser = Parser {
        file,
        text,
        bytes: text.as_bytes(),
        at: start,
        jinja,
        block_end: start,
        unclosed: Unclosed::default(),
        tree: SqlxFile {
            config: None,
            js: Vec::new(),
            statements: Vec::new(),
            pre_operations: Vec::new(),
            post_operations: Vec::new(),
            incremental_where: None,
            inputs: Vec::new(),
            blocks: Vec::new(),
            is_broken: false,
        },
        diagnostics: Diagnostics::default(),
    };
    parser.tree.statements = parser.sql(Place::Top);
    parser.tree.is_broken = parser.diagnostics.has_errors();
    (parser.tree, parser.diagnostics)
}

/// Where SQL stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Block,
}

/// What has been looked for in vain up to the end of the file; so that it is looked for once.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Unclosed {
    comment: bool,
    jinja_expression: bool,
    jinja_statement: bool,
    jinja_comment: bool,
    jinja_raw: bool,
    placeholder: bool,
}

struct Parser<'a> {
    file: &'a SourceFile,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    jinja: bool,
    /// Where the last block ends; a block may start behind it on the same line.
    block_end: usize,
    unclosed: Unclosed,
    tree: SqlxFile,
    diagnostics: Diagnostics,
}

/// Statements as they are put together.
struct Statements {
    done: Vec<Text>,
    pieces: Vec<Piece>,
    lexemes: Vec<Lexeme>,
    start: usize,
    /// Where the verbatim text starts that is not yet a piece.
    verbatim: usize,
    has_jinja: bool,
}

impl Statements {
    fn new(start: usize) -> Self {
        Self { done: Vec::new(), pieces: Vec::new(), lexemes: Vec::new(), start, verbatim: start, has_jinja: false }
    }

    /// Ends the verbatim text at `end`; what follows starts at `next`.
    fn cut(&mut self, file: &SourceFile, end: usize, next: usize) {
        if self.verbatim < end {
            self.pieces.push(Piece { span: file.span(self.verbatim..end), kind: PieceKind::Verbatim });
        }
        self.verbatim = next;
    }

    /// Ends the statement at `end`; the next one starts at `next`.
    fn split(&mut self, file: &SourceFile, end: usize, next: usize) {
        self.cut(file, end, next);
        self.done.push(Text {
            span: file.span(self.start..end),
            pieces: std::mem::take(&mut self.pieces),
            lexemes: std::mem::take(&mut self.lexemes),
            has_jinja: std::mem::take(&mut self.has_jinja),
        });
        self.start = next;
    }
}

/// `input "a" {` and the like, before the body.
struct Head {
    kind: BlockKind,
    keyword: std::ops::Range<usize>,
    names: Vec<InputName>,
    brace: usize,
}

impl Parser<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The first byte at `start` or behind it that is one of `stops`, or the end.
    fn find(&self, start: usize, stops: &[u8]) -> usize {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.iter().position(|byte| stops.contains(byte)).map_or(self.bytes.len(), |length| start + length)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        self.file.span(start..end)
    }

    /// SQL up to the end of the file or, in a block, to its closing brace, at which this stops.
    fn sql(&mut self, place: Place) -> Vec<Text> {
        let mut out = Statements::new(self.at);
        let mut depth = 0_usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            let lexeme = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80.. => {
                    self.word(place, &mut out);
                    None
                }
                b'\'' | b'"' => {
                    self.string(byte, &mut out);
                    Some(LexemeKind::Quoted)
                }
                b'`' => {
                    self.quoted_identifier(&mut out);
                    Some(LexemeKind::Quoted)
                }
                b'$' => self.placeholder(&mut out).then_some(LexemeKind::Placeholder),
                b'-' if self.rest().starts_with(b"--") => {
                    self.separator_or_comment(&mut out).then_some(LexemeKind::LineComment)
                }
                b'/' if self.rest().starts_with(b"/*") => {
                    self.block_comment(&mut out).then_some(LexemeKind::BlockComment)
                }
                b'#' if self.is_hash_comment() => {
                    self.hash_comment(&mut out);
                    Some(LexemeKind::LineComment)
                }
                b'{' if self.jinja_tag(&mut out) => Some(LexemeKind::Tag),
                b'}' if place == Place::Block && depth == 0 => break,
                _ => {
                    match byte {
                        b'{' => depth += 1,
                        b'}' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.at += 1;
                    None
                }
            };
            let span = |kind| Lexeme { span: self.span(start, self.at.min(self.bytes.len())), kind };
            out.lexemes.extend(lexeme.map(span));
        }
        self.at = self.at.min(self.bytes.len());
        out.split(self.file, self.at, self.at);
        out.done
    }

    /// A word, or a block if it opens one.
    fn word(&mut self, place: Place, out: &mut Statements) {
        let start = self.at;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..);
        let length = self.rest().iter().position(|byte| !is_word(byte)).unwrap_or(self.bytes.len() - start);
        let end = start + length;
        if place == Place::Top
            && let Some(head) = self.head(start, end)
        {
            out.cut(self.file, start, start);
            self.block(head);
            out.verbatim = self.at;
            self.block_end = self.at;
        } else {
            self.at = end;
        }
    }

    /// Whether the word from `start` to `end` opens a block.
    ///
    /// Dataform wants one space before the brace and then takes the word anywhere, even as the tail of another. Here it
    /// must be a whole word; with any other white space it must also be the first one of its line.
    fn head(&mut self, start: usize, end: usize) -> Option<Head> {
        let kind = BlockKind::from_keyword(self.text.get(start..end)?)?;
        let after = |at: usize| self.find_not_blank(at);
        let mut names = Vec::new();
        let mut at = end;
        if kind == BlockKind::Input {
            loop {
                let quote = after(at);
                let name_end = self.input_name_end(quote)?;
                let span = self.span(quote + 1, name_end);
                names.push(InputName { name: self.text.get(quote + 1..name_end)?.to_owned(), span });
                at = name_end + 1;
                if self.byte(after(at)) != b',' {
                    break;
                }
                at = after(at) + 1;
            }
        }
        let brace = after(at);
        if self.byte(brace) != b'{' {
            return None;
        }
        let one_space = brace == at + 1 && self.byte(at) == b' ';
        if !one_space && !self.is_first_of_line(start) {
            return None;
        }
        // `js {{ x }}` is a word before a tag; `js {{{ x }}}` is a block that holds one.
        let tag = self.jinja_end(brace).is_some();
        if tag && self.jinja_end(brace + 1).is_none() {
            return None;
        }
        Some(Head { kind, keyword: start..end, names, brace })
    }

    fn find_not_blank(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len())
    }

    /// The closing quote of a name that opens at `quote`.
    fn input_name_end(&self, quote: usize) -> Option<usize> {
        let mark = self.byte(quote);
        if !matches!(mark, b'"' | b'\'') {
            return None;
        }
        let end = self.find(quote + 1, &[mark, b'\n', b'\r', b'\\']);
        (self.byte(end) == mark && end > quote + 1).then_some(end)
    }

    /// Whether only blanks stand before it, on its line or behind the last block.
    fn is_first_of_line(&self, at: usize) -> bool {
        let before = self.text.get(self.block_end..at).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    /// Reads the block from its brace on.
    fn block(&mut self, head: Head) {
        let Head { kind, names, brace, .. } = head;
        let keyword = self.span(head.keyword.start, head.keyword.end);
        self.at = brace + 1;
        let mut statements = Vec::new();
        if kind.is_javascript() {
            self.at = closing_brace(self.text, self.at).unwrap_or(self.bytes.len());
        } else {
            statements = self.sql(Place::Block);
        }
        let body = self.span(brace + 1, self.at);
        let closed = self.at < self.bytes.len();
        if closed {
            self.at += 1;
        } else if !self.unclosed.placeholder {
            self.diagnostics.push(
                Diagnostic::error(Code::Unterminated, format!("this `{}` block is never closed", kind.keyword()))
                    .at(keyword, "the block starts here")
                    .help("add the missing `}`"),
            );
        }
        let block = Block { kind, keyword, span: self.span(head.keyword.start, self.at), body };
        if kind.is_single()
            && let Some(earlier) = self.tree.block(kind)
        {
            self.diagnostics.push(duplicate(earlier, &block));
        }
        self.tree.blocks.push(block);
        if kind.holds_one_statement()
            && let Some(second) = statements.get(1)
        {
            self.diagnostics.push(second_statement(kind, second, self.file));
        }
        match kind {
            BlockKind::Config => {
                let object = self.span(brace, self.at);
                let text = self.text.get(object.range()).unwrap_or_default();
                let value = config::parse(text, object);
                self.tree.config = Some(ConfigBlock { span: block.span, keyword, object, value });
            }
            BlockKind::Js => self.tree.js.push(body),
            BlockKind::PreOperations => self.tree.pre_operations = statements,
            BlockKind::PostOperations => self.tree.post_operations = statements,
            BlockKind::IncrementalWhere => self.tree.incremental_where = statements.into_iter().next(),
            BlockKind::Input => {
                let inputs = statements.into_iter().next().map(|body| Input { names, keyword, body });
                self.tree.inputs.extend(inputs);
            }
        }
    }

    /// At a `$`: a placeholder, or just the sign. The rest of the file behind one that is never closed is text. Whether
    /// there is a whole one.
    fn placeholder(&mut self, out: &mut Statements) -> bool {
        let start = self.at;
        if self.byte(start + 1) != b'{' {
            self.at += 1;
            return false;
        }
        let close = closing_brace(self.text, start + 2);
        if let Some(close) = close {
            self.at = close + 1;
            out.cut(self.file, start, self.at);
            let kind = PieceKind::Placeholder { expression: self.span(start + 2, close) };
            out.pieces.push(Piece { span: self.span(start, self.at), kind });
        } else {
            self.at = self.bytes.len();
            self.unclosed.placeholder = true;
            self.diagnostics.push(
                Diagnostic::error(Code::Unterminated, "this `${` is never closed")
                    .at(self.span(start, start + 2), "the placeholder starts here")
                    .help("add the missing `}`"),
            );
        }
        close.is_some()
    }

    /// At a quote: to the end of the string.
    fn string(&mut self, quote: u8, out: &mut Statements) {
        let closing: &[u8] = if self.is_triple(quote) { &[quote; 3] } else { &[quote] };
        self.at += closing.len();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' if matches!(self.byte(self.at + 1), next if next == b'\\' || next == quote) => self.at += 2,
                _ if byte == quote && self.rest().starts_with(closing) => {
                    self.at += closing.len();
                    // A quote in a string may be doubled.
                    if closing.len() == 3 || self.byte(self.at) != quote {
                        return;
                    }
                    self.at += 1;
                }
                b'$' => _ = self.placeholder(out),
                b'{' if self.jinja_tag(out) => {}
                _ => self.at += 1,
            }
        }
    }

    /// Whether a string of BigQuery opens here, in three quotes, and not one in single quotes that starts with a doubled
    /// one. The two end at the same places but for `''''`, which is a string of one quote if nothing is glued to it.
    fn is_triple(&self, quote: u8) -> bool {
        let quotes = self.rest().iter().take(5).take_while(|&&byte| byte == quote).count();
        let next = self.byte(self.at + quotes);
        let alone = next == 0 || next.is_ascii_whitespace() || b"),;|:]}+=<>!".contains(&next);
        let behind = self.rest().get(3..).unwrap_or_default();
        quotes >= 3 && !(quotes == 4 && alone) && behind.windows(3).any(|three| three == [quote; 3])
    }

    /// At a backtick: to the next one. It does not go beyond its line; one that is alone there is just a character.
    fn quoted_identifier(&mut self, out: &mut Statements) {
        self.at += 1;
        if !matches!(self.byte(self.find(self.at, b"`$\n\r")), b'`' | b'$') {
            return;
        }
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' | b'\r' => return,
                b'`' => {
                    self.at += 1;
                    return;
                }
                b'$' => _ = self.placeholder(out),
                b'{' if self.jinja_tag(out) => {}
                _ => self.at += 1,
            }
        }
    }

    /// At `--`: three dashes that end their line split two statements; anything else is a comment. Whether it
    /// is one.
    fn separator_or_comment(&mut self, out: &mut Statements) -> bool {
        let before = self.text.get(out.verbatim..self.at).unwrap_or_default();
        let end = out.verbatim + before.trim_end_matches(is_blank).len();
        if self.rest().starts_with(b"---")
            && let Some(behind) = self.text.get(self.at + 3..)
            && let behind = behind.trim_start_matches(is_blank)
            && (behind.is_empty() || behind.starts_with(['\n', '\r']))
        {
            self.at = self.bytes.len() - behind.len();
            out.split(self.file, end, self.at);
            return false;
        }
        while self.at < self.bytes.len() && !matches!(self.byte(self.at), b'\n' | b'\r') {
            if self.byte(self.at) != b'{' || !self.jinja_tag(out) {
                self.at += 1;
            }
        }
        true
    }

    /// At `/*`: to the first `*/`. One that is never closed is text, as in Dataform. Whether it is closed.
    fn block_comment(&mut self, out: &mut Statements) -> bool {
        let start = self.at;
        self.at += 2;
        if self.unclosed.comment {
            return false;
        }
        while self.at < self.bytes.len() {
            if self.rest().starts_with(b"*/") {
                self.at += 2;
                return true;
            }
            if self.byte(self.at) != b'{' || !self.jinja_tag(out) {
                self.at += 1;
            }
        }
        self.unclosed.comment = true;
        self.at = start + 2;
        false
    }

    /// Whether a comment of BigQuery starts with this `#`, and it is not a temporary table or an operator of another
    /// warehouse: a blank follows, or it is the first of its line and no `#>`, `#-`, `#=` or `#1`.
    fn is_hash_comment(&self) -> bool {
        match self.byte(self.at + 1) {
            b' ' | b'\t' => true,
            b'>' | b'-' | b'=' | b'0'..=b'9' => false,
            _ => self.is_first_of_line(self.at),
        }
    }

    /// At `#`: to the end of the line. Dataform does not know these comments, and projects may rely on a `ref` in one:
    /// placeholders count, but quotes and keywords do not.
    fn hash_comment(&mut self, out: &mut Statements) {
        while self.at < self.bytes.len() && !matches!(self.byte(self.at), b'\n' | b'\r') {
            match self.byte(self.at) {
                b'$' => _ = self.placeholder(out),
                b'{' if self.jinja_tag(out) => {}
                _ => self.at += 1,
            }
        }
    }

    /// At a brace: goes over the tag of Jinja that opens here, if one does. One that is never closed is text here, and
    /// Jinja says what is wrong with it.
    fn jinja_tag(&mut self, out: &mut Statements) -> bool {
        out.has_jinja |= self.jinja && matches!(self.byte(self.at + 1), b'{' | b'%' | b'#');
        let end = self.jinja_end(self.at);
        self.at = end.unwrap_or(self.at);
        end.is_some()
    }

    /// The end of the tag that opens at `start`, if one does.
    fn jinja_end(&mut self, start: usize) -> Option<usize> {
        if !self.jinja || self.byte(start) != b'{' {
            return None;
        }
        match self.byte(start + 1) {
            b'#' if !self.unclosed.jinja_comment => {
                let length = self.text.get(start + 2..)?.find("#}");
                self.unclosed.jinja_comment = length.is_none();
                Some(start + 2 + length? + 2)
            }
            b'{' if !self.unclosed.jinja_expression => {
                let end = jinja::code_end(self.text, start + 2, b"}}");
                self.unclosed.jinja_expression = end.is_none();
                end
            }
            b'%' if !self.unclosed.jinja_statement => {
                let end = jinja::code_end(self.text, start + 2, b"%}");
                self.unclosed.jinja_statement = end.is_none();
                let end = end?;
                let name = |tag: &str| tag.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim() == "raw";
                if self.unclosed.jinja_raw || !name(self.text.get(start + 2..end - 2)?) {
                    return Some(end);
                }
                let raw = jinja::end_of_raw(self.text, end);
                self.unclosed.jinja_raw = raw.is_none();
                raw.or(Some(end))
            }
            _ => None,
        }
    }
}

/// White space of ECMAScript that ends no line.
fn is_blank(at: char) -> bool {
    at == '\u{feff}' || at.is_whitespace() && !matches!(at, '\n' | '\r' | '\u{85}')
}

fn duplicate(earlier: &Block, block: &Block) -> Diagnostic {
    let name = block.kind.keyword();
    Diagnostic::warning(Code::DuplicateBlock, format!("this `{name}` block has no effect"))
        .at(earlier.keyword, "")
        .at(block.keyword, "a later one takes its place")
        .help("put the contents of both into one block")
}

fn second_statement(kind: BlockKind, second: &Text, file: &SourceFile) -> Diagnostic {
    // The dashes stand right before the second statement.
    let start = second.span.start as usize;
    let dashes = file.text().get(..start).and_then(|before| before.rfind("---")).unwrap_or(start);
    Diagnostic::error(Code::MisplacedBlock, format!("`{}` holds one statement only", kind.keyword()))
        .at(file.span(dashes..dashes + 3), "a second one starts here")
        .help("take the `---` out")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::sqlx::tiling;

    /// What means something to the lexer, so that random texts get deep into it.
    const WORDS: &[&str] = &[
        "config",
        "js",
        "incremental_where",
        "pre_operations",
        "input",
        " ",
        " ",
        "\n",
        "\r\n",
        "{",
        "{",
        "}",
        "}",
        "${",
        "$",
        "'",
        "'",
        "\"",
        "\"",
        "'''",
        "`",
        "\\",
        "--",
        "---",
        "---",
        "/*",
        "*/",
        "//",
        "/",
        "#",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "raw",
        "endraw",
        ",",
        ":",
        "[",
        "]",
        "(",
        ")",
        "a",
        "1",
        "-",
        "...",
        "x: 1",
        "é",
        "\u{a0}",
        "\u{feff}",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            proptest::collection::vec(proptest::sample::select(WORDS), 0..60).prop_map(|words| words.concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_is_tiled_by_its_tree(text in text(), jinja: bool) {
            tiling::check(&text, jinja);
        }
    }
}
