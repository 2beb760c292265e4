//! What must hold for the tree of any text whatever: every byte of the file is in one place of the tree, and in one only.

use std::ops::Range;

use crate::files::Sources;
use crate::sqlx::{BlockKind, PieceKind, SqlxFile, Text, literals, parse, simple_value};

/// Parses a text and panics if the tree does not tile it.
pub(crate) fn check(text: &str, jinja: bool) {
    let sources = Sources::default();
    let id = sources.add("a.sqlx", text);
    let (tree, diagnostics) = parse(sources.get(id), jinja);
    let tiling = Tiling { text, tree: &tree };
    tiling.check(diagnostics.iter().count());
    let found = literals(text);
    assert!(
        found.windows(2).all(|pair| pair[0].content.end <= pair[1].content.start),
        "literals in disorder: {text:?}"
    );
    let _ = simple_value(text);
}

struct Tiling<'a> {
    text: &'a str,
    tree: &'a SqlxFile,
}

impl Tiling<'_> {
    fn check(&self, diagnostics: usize) {
        let start = if self.text.starts_with('\u{feff}') { 3 } else { 0 };
        let blocks: Vec<Range<usize>> = self.tree.blocks.iter().map(|block| block.span.range()).collect();
        self.statements(&self.tree.statements, &blocks, start..self.text.len());
        for block in &self.tree.blocks {
            assert_eq!(self.part(block.keyword.range()), block.kind.keyword());
            assert!(self.part(block.span.range()).starts_with(block.kind.keyword()));
            assert!(self.part(0..block.body.start as usize).ends_with('{'));
            let closing = self.part(block.body.end as usize..block.span.end as usize);
            assert!(
                closing == "}" || closing.is_empty() && block.span.end as usize == self.text.len() && diagnostics > 0
            );
        }
        for (kind, statements) in [
            (BlockKind::PreOperations, &self.tree.pre_operations),
            (BlockKind::PostOperations, &self.tree.post_operations),
        ] {
            assert_eq!(self.tree.block(kind).is_some(), !statements.is_empty());
            if let Some(block) = self.tree.block(kind) {
                self.statements(statements, &[], block.body.range());
            }
        }
        let of_kind = |kind| self.tree.blocks.iter().filter(move |block| block.kind == kind);
        let inputs = of_kind(BlockKind::Input).zip(&self.tree.inputs).map(|(block, input)| (block, &input.body));
        let filter = self.tree.block(BlockKind::IncrementalWhere).zip(self.tree.incremental_where.as_ref());
        for (block, body) in inputs.chain(filter) {
            assert!(body.span.end == block.body.end || diagnostics > 0);
            self.statements(std::slice::from_ref(body), &[], block.body.start as usize..body.span.end as usize);
        }
        assert_eq!(of_kind(BlockKind::Input).count(), self.tree.inputs.len());
        assert!(of_kind(BlockKind::Js).map(|block| block.body).eq(self.tree.js.iter().copied()));
        let config = self.tree.config.as_ref().map(|config| config.span);
        assert_eq!(config, self.tree.block(BlockKind::Config).map(|block| block.span));
    }

    /// Statements, the separators between them and the holes tile `range`.
    fn statements(&self, statements: &[Text], holes: &[Range<usize>], range: Range<usize>) {
        let mut tiles = holes.to_vec();
        let mut at = range.start;
        for (index, statement) in statements.iter().enumerate() {
            let span = statement.span.range();
            if index > 0 {
                let blank = |at: char| at.is_whitespace() || at == '\u{feff}';
                assert_eq!(self.part(at..span.start).trim_matches(blank), "---", "{:?}", self.text);
                tiles.push(at..span.start);
            } else {
                assert_eq!(at, span.start);
            }
            at = span.end;
            for piece in &statement.pieces {
                let part = self.part(piece.span.range());
                assert!(!part.is_empty(), "an empty piece: {:?}", self.text);
                assert!(span.start <= piece.span.start as usize && piece.span.end as usize <= span.end);
                if let PieceKind::Placeholder { expression } = piece.kind {
                    assert_eq!(part, format!("${{{}}}", self.part(expression.range())));
                }
                tiles.push(piece.span.range());
            }
            for pair in statement.pieces.windows(2) {
                let both = pair.iter().all(|piece| piece.kind == PieceKind::Verbatim);
                assert!(!both || pair[0].span.end < pair[1].span.start, "pieces in two: {:?}", self.text);
            }
        }
        assert_eq!(at, range.end, "{:?}", self.text);
        tiles.sort_by_key(|tile| tile.start);
        let mut at = range.start;
        for tile in tiles {
            assert_eq!(tile.start, at, "a byte is lost or seen twice: {:?}", self.text);
            at = tile.end;
        }
        assert_eq!(at, range.end, "{:?}", self.text);
    }

    fn part(&self, range: Range<usize>) -> &str {
        &self.text[range]
    }
}
