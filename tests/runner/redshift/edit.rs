//! A statement whose text was changed, with the way back to the places of the text that was sent.

use std::ops::Range;

/// Changes of a text, which do not overlap.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, "");
    }

    /// Whether nothing else is done there.
    pub(super) fn is_free(&self, range: &Range<usize>) -> bool {
        self.0.iter().all(|(other, _)| other.end <= range.start || range.end <= other.start)
    }

    /// The changed part of a text.
    pub(super) fn apply(mut self, sql: &str, part: Range<usize>) -> Edited {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut edited = Edited::default();
        let mut at = part.start;
        for (range, text) in self.0 {
            if range.start < at || range.end > part.end {
                continue;
            }
            edited.keep(sql, at..range.start);
            edited.add(&text, range.start);
            at = range.end;
        }
        edited.keep(sql, at..part.end);
        edited
    }
}

/// A text with its pieces.
#[derive(Debug, Default, Clone)]
pub(super) struct Edited {
    pub(super) text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
struct Piece {
    /// Its first byte in the new text.
    start: usize,
    /// In the old text.
    origin: usize,
    /// Whether each byte comes from the one beside it there.
    is_verbatim: bool,
}

impl Edited {
    /// A text that stands for all that begins at this byte.
    pub(super) fn new(text: impl Into<String>, origin: usize) -> Self {
        Self { text: text.into(), pieces: vec![Piece { start: 0, origin, is_verbatim: false }] }
    }

    pub(super) fn add(&mut self, text: &str, origin: usize) {
        self.pieces.push(Piece { start: self.text.len(), origin, is_verbatim: false });
        self.text += text;
    }

    fn keep(&mut self, sql: &str, range: Range<usize>) {
        self.pieces.push(Piece { start: self.text.len(), origin: range.start, is_verbatim: true });
        self.text += &sql[range];
    }

    /// The byte of the old text that a byte of the new one comes from.
    pub(super) fn origin(&self, at: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|piece| piece.start <= at);
        piece.map_or(0, |piece| piece.origin + if piece.is_verbatim { at - piece.start } else { 0 })
    }
}
