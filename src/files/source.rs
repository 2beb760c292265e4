use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::files::{FileId, FileSystem, Span};

/// One file of a project, as read.
#[derive(Debug)]
pub struct SourceFile {
    id: FileId,
    path: Arc<str>,
    text: Arc<str>,
    line_starts: OnceLock<Vec<u32>>,
}

/// A place for people: both count from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl SourceFile {
    /// Which one it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// Relative to the project's root, with forward slashes.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The name of the file without its folders and its ending.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The bytes `range` of this file.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.id, range)
    }

    /// All of it.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// The line and column of a byte; one past the end of the text gives the end of the text.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let offset = offset.min(self.text.len());
        let starts = self.line_starts();
        let line = starts.partition_point(|&start| start as usize <= offset);
        let start = starts[line - 1] as usize;
        LineColumn { line, column: self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1 }
    }

    /// The byte at which a line (from 1) and a column (from 1, in characters) stand; a place beyond the end of its line
    /// gives that end.
    pub fn offset(&self, place: LineColumn) -> usize {
        let starts = self.line_starts();
        let Some(&start) = starts.get(place.line.saturating_sub(1)) else { return self.text.len() };
        let line = self.text[start as usize..].split('\n').next().unwrap_or_default();
        let column = place.column.saturating_sub(1);
        start as usize + line.char_indices().nth(column).map_or(line.len(), |(byte, _)| byte)
    }

    #[expect(clippy::cast_possible_truncation, reason = "no source file is larger than u32::MAX, see Sources::add")]
    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect()
        })
    }
}

/// Every file that a compilation has read. Grows only, also while it is shared: what code requires is read when it runs.
#[derive(Debug, Default)]
pub struct Sources {
    files: boxcar::Vec<SourceFile>,
    by_path: Mutex<BTreeMap<Arc<str>, FileId>>,
    size: AtomicUsize,
}

/// How much a project's files may hold together, in bytes.
const MOST_READ: usize = 128 << 20;

impl Sources {
    /// Takes a file in. Text beyond 4 GiB is cut off. A path that is there already keeps its first text.
    pub fn add(&self, path: &str, text: impl Into<Arc<str>>) -> FileId {
        let mut by_path = self.by_path.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = by_path.get(path) {
            return id;
        }
        let mut text: Arc<str> = text.into();
        if u32::try_from(text.len()).is_err() {
            text = text.chars().take(u32::MAX as usize / 4).collect::<String>().into();
        }
        let path: Arc<str> = path.into();
        let file = |at: usize| SourceFile {
            id: FileId(u32::try_from(at).unwrap_or(u32::MAX)),
            path: Arc::clone(&path),
            text,
            line_starts: OnceLock::new(),
        };
        let id = FileId(u32::try_from(self.files.push_with(file)).unwrap_or(u32::MAX));
        by_path.insert(path, id);
        id
    }

    /// Reads a file and takes it in. An error of kind `QuotaExceeded` if that makes too much of all files together.
    pub fn take(&self, files: &dyn FileSystem, path: &str) -> io::Result<FileId> {
        self.take_text(path, files.read(path)?.into())
    }

    /// Takes a text that has been read in, with the same error.
    pub fn take_text(&self, path: &str, text: Arc<str>) -> io::Result<FileId> {
        let size = self.size.fetch_add(text.len(), Ordering::Relaxed).saturating_add(text.len());
        if size > MOST_READ { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(self.add(path, text)) }
    }

    /// The file at that path, read if it has not been read before.
    pub fn read(&self, files: &dyn FileSystem, path: &str) -> io::Result<&SourceFile> {
        if let Some(file) = self.find(path) {
            return Ok(file);
        }
        self.take(files, path).map(|id| self.get(id))
    }

    /// The file of that id.
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The file at that path, relative to the project's root.
    pub fn find(&self, path: &str) -> Option<&SourceFile> {
        let id = self.by_path.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        id.map(|id| self.get(id))
    }

    /// All of them, in the order read.
    pub fn iter(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().map(|(_, file)| file)
    }

    /// The one that was read first.
    pub fn first(&self) -> Option<&SourceFile> {
        self.files.get(0)
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters() {
        let sources = Sources::default();
        let id = sources.add("a.sqlx", "sélect 1\r\n\nfrom");
        let file = sources.get(id);
        let place = |offset| file.line_column(offset);
        assert_eq!(place(0), LineColumn { line: 1, column: 1 });
        assert_eq!(place(3), LineColumn { line: 1, column: 3 });
        assert_eq!(place(12), LineColumn { line: 3, column: 1 });
        assert_eq!(place(99), LineColumn { line: 3, column: 5 });
        for offset in [0, 1, 3, 11, 12, 16] {
            assert_eq!(file.offset(place(offset)), offset);
        }
    }
}
