use std::hash::{Hash, Hasher};
use std::ops::Range;

use serde::{Deserialize, Serialize};
/// Which of the [`Sources`](crate::files::Sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId(pub(super) u32);

/// The number of a file is another one when a file is added before it, so that it is left out: a hash that is kept for
/// another compilation takes in the path.
impl Hash for FileId {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A run of bytes in a source file. Order is by file, then place.
///
/// `u32` holds offsets of files up to 4 GiB; [`Sources`](crate::files::Sources) takes none larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes `range` of `file`.
    #[expect(clippy::cast_possible_truncation, reason = "no source file is larger than u32::MAX, see Sources::add")]
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, start: range.start as u32, end: range.end as u32 }
    }

    /// As a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this one to the end of `other`, which lies in the same file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end, ..self }
    }

    /// The bytes `range`, counted from the start of this span.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        let start = self.start as usize;
        Self::new(self.file, start + range.start..start + range.end)
    }

    /// The empty span at the start of this one.
    #[must_use]
    pub fn at_start(self) -> Self {
        Self { end: self.start, ..self }
    }
}
