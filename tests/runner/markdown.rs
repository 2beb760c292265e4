//! Markdown files as tests: headings, and the fenced blocks under them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;
use similar::TextDiff;
use walkdir::WalkDir;

/// A fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The nearest heading above it; empty if there is none.
    pub(crate) heading: String,
    /// The file that it is: a line above it that is nothing but a name in backticks.
    pub(crate) file: Option<String>,
    /// The word behind the fence: `sqlx`, `console`, `output`.
    pub(crate) language: String,
    /// The backticks that it stands between.
    fence: String,
    /// The lines between the fences, in the text of the Markdown file.
    pub(crate) body: Range<usize>,
}

impl Block {
    /// What stands between the fences.
    pub(crate) fn text<'a>(&self, markdown: &'a str) -> &'a str {
        &markdown[self.body.clone()]
    }
}

/// The blocks of a Markdown file, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(Block, &str)> = None;
    let mut heading = "";
    let mut above = "";
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end();
        let ticks = words.len() - words.trim_start_matches('`').len();
        if let Some((mut block, fence)) = open.take() {
            if words == fence {
                block.body.end = at;
                blocks.push(block);
                above = "";
            } else {
                open = Some((block, fence));
            }
        } else if ticks >= 3 {
            let (fence, language) = words.split_at(ticks);
            let file = above.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            let file = file.filter(|name| !name.contains('`')).map(str::to_owned);
            let start = at + line.len();
            let block = Block {
                heading: heading.to_owned(),
                file,
                language: language.trim().to_owned(),
                fence: fence.to_owned(),
                body: start..start,
            };
            open = Some((block, fence));
        } else if let Some(title) = words.trim_start_matches('#').strip_prefix(' ').filter(|_| words.starts_with('#')) {
            heading = title;
            above = "";
        } else if !words.is_empty() {
            above = words;
        }
        at += line.len();
    }
    blocks
}

/// Every Markdown file under a folder of the repository, in order of path.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let all =
        WalkDir::new(top).sort_by_file_name().into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    all.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Several tests may stand in one file.
static REWRITING: Mutex<()> = Mutex::new(());

/// Compares what blocks should hold with what was found. With `UPDATE` set, the file is rewritten instead.
///
/// `same` tells whether a difference counts.
pub(crate) fn compare(
    path: &Path,
    text: &str,
    found: &[(Block, String)],
    same: impl Fn(&str, &str) -> bool,
) -> Result<(), Failed> {
    let different: Vec<&(Block, String)> =
        found.iter().filter(|(block, found)| !same(block.text(text), found)).collect();
    if different.is_empty() {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        let _guard = REWRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = std::fs::read_to_string(path)?;
        for (block, found) in different {
            if found.lines().any(|line| line == block.fence) {
                return Err(format!("this needs a longer fence than {}:\n{found}", block.fence).into());
            }
            // Another test may have moved the block; its fence and what it held are still the same.
            let old = &text[..block.body.end];
            let occurrence = blocks(text).iter().position(|other| other.body == block.body);
            let place = occurrence.and_then(|index| blocks(&current).get(index).map(|block| block.body.clone()));
            current.replace_range(place.ok_or_else(|| format!("this block is gone:\n{old}"))?, found);
        }
        std::fs::write(path, current)?;
        return Ok(());
    }
    let mut message = String::new();
    for (block, found) in different {
        let expected = block.text(text);
        let name = block.file.as_deref().unwrap_or(&block.language);
        let line = text[..block.body.start].lines().count() + 1;
        let diff = TextDiff::from_lines(expected, found.as_str());
        let place = format!("{}:{line}: `{name}`", path.display());
        message += &diff.unified_diff().header(&place, "as found (UPDATE=1 takes it over)").to_string();
    }
    Err(message.into())
}

/// The name of a Markdown file in the names of its tests: `language::refs`.
pub(crate) fn stem(path: &Path, folder: &str) -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let inside = path.strip_prefix(top).unwrap_or(path).with_extension("");
    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("::")
}
