use std::ops::Range;

use crate::action::Origin;
use crate::diagnostic::Diagnostic;
use crate::files::{FileId, Span};

/// Text that came out of a template, with a map back to the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Rendered {
    text: String,
    pieces: Vec<Piece>,
    is_broken: bool,
}

/// A run of rendered text that comes from one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Piece {
    /// Its first byte in the text; it goes on to the start of the next piece.
    start: u32,
    origin: Origin,
    /// Whether it stands in the file byte for byte, so that places inside of it are known.
    verbatim: bool,
}

impl Piece {
    /// The piece in a text that has lost its first `cut` bytes.
    fn behind(self, cut: u32) -> Self {
        if self.start >= cut {
            return Self { start: self.start - cut, ..self };
        }
        let skip = (cut - self.start) as usize;
        let cut_off =
            |span: Span| if self.verbatim { span.part(skip.min(span.range().len())..span.range().len()) } else { span };
        let origin = match self.origin.definition {
            Some(definition) => Origin { definition: Some(cut_off(definition)), ..self.origin },
            None => Origin::here(cut_off(self.origin.call)),
        };
        Self { start: 0, origin, verbatim: self.verbatim }
    }
}

impl Rendered {
    /// Nothing yet, with room for that many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ..Self::default() }
    }

    /// Text that stands in a file byte for byte.
    pub fn verbatim(text: impl Into<String>, span: Span) -> Self {
        let mut rendered = Self::default();
        rendered.push_verbatim(&text.into(), Origin::here(span));
        rendered
    }

    /// Text made from something at that place.
    pub fn computed(text: impl Into<String>, origin: Origin) -> Self {
        let mut rendered = Self::default();
        rendered.push_computed(&text.into(), origin);
        rendered
    }

    /// A text with others in the place of parts of it that are as long, so that places stay where they are.
    #[must_use]
    pub fn replaced(&self, pairs: &[(&str, &str)]) -> Self {
        let text = pairs.iter().fold(self.text.clone(), |text, (part, other)| text.replace(part, other));
        debug_assert_eq!(text.len(), self.text.len());
        Self { text, ..self.clone() }
    }

    /// A text without the white space around it.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.part(start..start + self.text.trim().len())
    }

    /// A range of the text, as a text of its own.
    #[expect(clippy::cast_possible_truncation, reason = "a rendered text is bounded far below 4 GiB")]
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        let start = range.start;
        let text = self.text.get(range).unwrap_or_default().to_owned();
        let first = self.piece_at(start).unwrap_or(0);
        let pieces = self.pieces.iter().skip(first).filter(|piece| (piece.start as usize) < start + text.len());
        let pieces = pieces.map(|piece| piece.behind(start as u32)).collect();
        Self { text, pieces, is_broken: self.is_broken }
    }

    /// Adds text that stands byte for byte at `origin`: in its definition if it has one, else at the call.
    pub fn push_verbatim(&mut self, text: &str, origin: Origin) {
        self.push(text, origin, true);
    }

    /// Adds text made from something at that place.
    pub fn push_computed(&mut self, text: &str, origin: Origin) {
        self.push(text, origin, false);
    }

    #[expect(clippy::cast_possible_truncation, reason = "a rendered text is bounded far below 4 GiB")]
    fn push(&mut self, text: &str, origin: Origin, verbatim: bool) {
        if !text.is_empty() {
            self.pieces.push(Piece { start: self.text.len() as u32, origin, verbatim });
            self.text.push_str(text);
        }
    }

    /// Adds another text with its map.
    #[expect(clippy::cast_possible_truncation, reason = "a rendered text is bounded far below 4 GiB")]
    pub fn append(&mut self, other: &Self) {
        let offset = self.text.len() as u32;
        self.pieces.extend(other.pieces.iter().map(|piece| Piece { start: piece.start + offset, ..*piece }));
        self.text.push_str(&other.text);
        self.is_broken |= other.is_broken;
    }

    /// Notes that something that belongs in here could not be rendered.
    pub fn break_off(&mut self) {
        self.is_broken = true;
    }

    /// Whether something is missing, which has been reported: what is wrong with the text is then of no interest.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a range of the text comes from. A range over several pieces gives the place of its start, up to the end of
    /// its last piece where both lie in the same file; an empty range at the end gives the end of the last piece.
    pub fn origin(&self, range: Range<usize>) -> Option<Origin> {
        let first = self.piece_at(range.start)?;
        let start = self.offset_origin(first, range.start);
        let last = self.piece_at(range.end.saturating_sub(1).max(range.start))?;
        let end = self.offset_origin(last, range.end);
        let join = |start: Span, end: Span| {
            if start.file == end.file && start.start <= end.end {
                Span { end: end.end.max(start.start), ..start }
            } else {
                start
            }
        };
        Some(match (start.definition, end.definition) {
            (Some(from), Some(to)) => Origin { call: start.call, definition: Some(join(from, to)) },
            (Some(_), None) => start,
            _ => Origin::here(join(start.call, end.call)),
        })
    }

    /// Puts a diagnostic on a range of the text where that comes from.
    pub fn place(&self, diagnostic: Diagnostic, range: Range<usize>) -> Diagnostic {
        match self.origin(range) {
            Some(origin) => origin.place(diagnostic, "in the text made here"),
            None => diagnostic,
        }
    }

    /// The files that it comes from: one for each of its pieces, or two.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        let origins = self.pieces.iter().map(|piece| piece.origin);
        origins.flat_map(|origin| [Some(origin.call), origin.definition]).flatten().map(|span| span.file)
    }

    /// Whether a range of the text stands so in a file, and is not computed.
    pub fn is_verbatim(&self, range: Range<usize>) -> bool {
        let first = self.piece_at(range.start).unwrap_or(0);
        self.pieces
            .iter()
            .skip(first)
            .take_while(|piece| (piece.start as usize) < range.end)
            .all(|piece| piece.verbatim)
    }

    fn piece_at(&self, offset: usize) -> Option<usize> {
        self.pieces.partition_point(|piece| piece.start as usize <= offset).checked_sub(1)
    }

    /// The origin of one offset inside of a piece, as an empty span where it is known to the byte.
    fn offset_origin(&self, index: usize, offset: usize) -> Origin {
        let piece = &self.pieces[index];
        if !piece.verbatim {
            return piece.origin;
        }
        let inside = offset - piece.start as usize;
        let at = |span: Span| {
            let offset = inside.min(span.range().len());
            span.part(offset..offset)
        };
        match piece.origin.definition {
            Some(definition) => Origin { definition: Some(at(definition)), ..piece.origin },
            None => Origin::here(at(piece.origin.call)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Sources;

    #[test]
    fn every_byte_knows_where_it_comes_from() {
        let sources = Sources::default();
        let file = sources.add("a.sqlx", "select ${ref('x')} from y");
        let span = |range| Span::new(file, range);
        let mut rendered = Rendered::verbatim("select ", span(0..7));
        rendered.push_computed("\"s\".\"x\"", Origin::here(span(7..18)));
        rendered.push_verbatim(" from y", Origin::here(span(18..25)));
        let call = |range| rendered.origin(range).unwrap().call;
        assert_eq!(call(0..6), span(0..6));
        assert_eq!(call(8..9), span(7..18));
        assert_eq!(call(15..19), span(19..23));
        assert_eq!(call(3..21), span(3..25));
        assert_eq!(call(21..21), span(25..25));
    }
}
