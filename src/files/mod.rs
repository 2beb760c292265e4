//! Source text: files, places in them, and the one door to the disk.

mod revision;
mod source;
mod span;
mod system;
mod watch;

pub use revision::{Revision, RevisionError};
pub use source::{LineColumn, SourceFile, Sources};
pub use span::{FileId, Span};
pub use system::{Disk, FileSystem, Memory, max_size};
pub use watch::Watch;
