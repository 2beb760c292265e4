use std::cell::OnceCell;
use std::ops::Range;

use crate::files::{SourceFile, Span};

/// Code that is put together from pieces of a file, with a map back.
#[derive(Debug, Default)]
pub(super) struct Generated {
    text: String,
    /// Start in the text, and where the piece stands in the file.
    copied: Vec<(usize, Span)>,
    /// Where its lines start, once somebody has asked: code that makes ten thousand actions asks as often.
    line_starts: OnceCell<Vec<usize>>,
}

impl Generated {
    /// Adds text that stands in no file.
    pub(super) fn push(&mut self, text: &str) {
        self.line_starts.take();
        self.text.push_str(text);
    }

    /// Adds a piece of a file.
    pub(super) fn copy(&mut self, file: &SourceFile, span: Span) {
        self.line_starts.take();
        self.copied.push((self.text.len(), span));
        self.text.push_str(&file.text()[span.range()]);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts a text of the same length in the place of another.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &str) {
        debug_assert_eq!(range.len(), with.len());
        self.line_starts.take();
        self.text.replace_range(range, with);
    }

    /// Where a line (from 1) and column (from 1) of the text stand in the file; `None` for what stands in no file.
    pub(super) fn origin(&self, line: usize, column: usize) -> Option<Span> {
        let starts = self.line_starts.get_or_init(|| {
            let breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(breaks).collect()
        });
        let start = *starts.get(line.checked_sub(1)?)?;
        let rest = self.text.get(start..)?;
        let offset = start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(byte, _)| byte);
        let word = self.text[offset..].chars().take_while(|char| char.is_alphanumeric() || *char == '_');
        let word: usize = word.map(char::len_utf8).sum();
        self.span(offset..offset + word)
    }

    /// Where a range of the text stands in the file; `None` if it does not start in a piece of the file. What lies
    /// beyond the end of that piece is cut off.
    pub(super) fn span(&self, range: Range<usize>) -> Option<Span> {
        let piece = self.copied.partition_point(|(begin, _)| *begin <= range.start).checked_sub(1)?;
        let (begin, span) = self.copied[piece];
        let length = span.range().len();
        let inside = range.start - begin;
        (inside <= length).then(|| span.part(inside..(range.end - begin).clamp(inside, length)))
    }

    /// Cuts a range of the text where its pieces meet: each with its place in the file if it has one.
    pub(super) fn split(&self, range: Range<usize>) -> Vec<(Range<usize>, Option<Span>)> {
        let mut parts = Vec::new();
        let mut start = range.start;
        let first = self.copied.partition_point(|(begin, _)| *begin <= start).saturating_sub(1);
        for &(begin, span) in &self.copied[first..] {
            if start >= range.end || begin >= range.end {
                break;
            }
            if begin > start {
                parts.push((start..begin, None));
                start = begin;
            }
            let end = (begin + span.range().len()).min(range.end);
            if start < end {
                parts.push((start..end, Some(span.part(start - begin..end - begin))));
                start = end;
            }
        }
        if start < range.end {
            parts.push((start..range.end, None));
        }
        parts
    }
}
