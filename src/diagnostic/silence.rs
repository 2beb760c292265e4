//! Comments that silence a check at one place: `-- trueup: ignore fan-out`.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity, did_you_mean};
use crate::files::{SourceFile, Sources};

const MARK: &str = "trueup: ignore ";

/// What comments begin with, of SQL, JavaScript, YAML and Jinja; and those that go on to a sign of their own.
const OPENINGS: [&str; 5] = ["--", "//", "#", "/*", "{#"];
const BLOCKS: [(&str, &str); 2] = [("/*", "*/"), ("{#", "#}")];

/// A code that a comment names.
struct Silence<'a> {
    file: &'a SourceFile,
    /// As it is written.
    name: &'a str,
    /// The check of that name, if there is one.
    check: Option<Code>,
    /// Where.
    place: Range<usize>,
    /// The line of the comment and the next one of code.
    lines: [Range<usize>; 2],
}

impl Diagnostics {
    /// Leaves out what comments silence; of comments that silence nothing it is told.
    pub fn silence(&mut self, sources: &Sources) {
        let silences: Vec<Silence<'_>> = sources.iter().flat_map(silences).collect();
        if silences.is_empty() {
            return;
        }
        let silenced =
            |silence: &Silence<'_>, found: &Diagnostic| silence.check == Some(found.code) && silence.is_about(found);
        let mut useless: Vec<&Silence<'_>> = silences.iter().collect();
        useless.retain(|silence| !self.found.iter().any(|found| silenced(silence, found)));
        self.found.retain(|found| !silences.iter().any(|silence| silenced(silence, found)));
        // What is not read is not looked at.
        let is_broken = |file: &SourceFile| {
            let is_of = |found: &Diagnostic| found.span().is_some_and(|span| span.file == file.id());
            let stops = |found: &Diagnostic| found.severity == Severity::Error || found.code == Code::SqlNotUnderstood;
            self.found.iter().any(|found| is_of(found) && stops(found))
        };
        useless.retain(|silence| !is_broken(silence.file) || silence.check.is_none());
        let told: Vec<Diagnostic> = useless.into_iter().map(Silence::describe).collect();
        self.found.extend(told);
    }
}

impl Silence<'_> {
    /// Whether one of the places of a diagnostic begins on these lines.
    fn is_about(&self, found: &Diagnostic) -> bool {
        found.labels.iter().any(|label| {
            let start = label.span.range().start;
            label.span.file == self.file.id() && self.lines.iter().any(|line| line.contains(&start))
        })
    }

    fn describe(&self) -> Diagnostic {
        let name = self.name;
        let place = self.file.span(self.place.clone());
        let near = || did_you_mean(name, Code::CHECKS.iter().map(|code| code.name()));
        let (message, help) = match (self.check, name.parse::<Code>()) {
            (Some(_), _) => (format!("`{name}` has nothing to silence here"), None),
            (None, Ok(_)) => (format!("`{name}` cannot be silenced"), Some("correct what it says".to_owned())),
            (None, Err(())) => (format!("there is no check `{name}`"), near()),
        };
        Diagnostic::warning(Code::UselessIgnore, message)
            .at(place, "")
            .help(help.unwrap_or_else(|| "take the comment out".to_owned()))
    }
}

/// The codes that the comments of a file silence.
fn silences(file: &SourceFile) -> Vec<Silence<'_>> {
    let text: &str = file.text();
    let mut found = Vec::new();
    for (mark, _) in text.match_indices(MARK) {
        let before = text[..mark].trim_end_matches([' ', '\t']);
        if !OPENINGS.iter().any(|opening| before.ends_with(opening)) {
            continue;
        }
        let lines = [line_at(text, mark), next_line_of_code(text, mark)];
        let names = names(text, mark + MARK.len());
        found.extend(names.into_iter().map(|place| {
            let name = &text[place.clone()];
            let check = Code::CHECKS.iter().copied().find(|code| code.name() == name);
            Silence { file, name, check, place, lines: lines.clone() }
        }));
    }
    found
}

/// Names with commas between them. What else stands in the comment is for people.
fn names(text: &str, mut at: usize) -> Vec<Range<usize>> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    let mut names = Vec::new();
    loop {
        let rest = &text[at..];
        let start = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let rest = &text[start..];
        // The sign that ends a comment may follow at once.
        let word = rest.split(|char| !is_part(char)).next().unwrap_or_default();
        let end = start + word.trim_end_matches('-').len();
        if end == start {
            return names;
        }
        names.push(start..end);
        match text[end..].trim_start_matches([' ', '\t']).strip_prefix(',') {
            Some(behind) => at = text.len() - behind.len(),
            None => return names,
        }
    }
}

/// The line that a byte is in, with its end.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    start..text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// The first line behind a comment that is not blank and does not begin with another comment.
fn next_line_of_code(text: &str, mark: usize) -> Range<usize> {
    let before = text[..mark].trim_end_matches([' ', '\t']);
    let block = BLOCKS.iter().find(|(opening, _)| before.ends_with(opening));
    let end = block.and_then(|(_, closing)| text[mark..].find(closing)).unwrap_or_default();
    let mut line = line_at(text, mark + end);
    while line.end < text.len() {
        line = line_at(text, line.end);
        let words = text[line.clone()].trim_start();
        if let Some((_, closing)) = BLOCKS.iter().find(|(opening, _)| words.starts_with(opening)) {
            let start = line.end - words.len();
            let end = text[start..].find(closing).map_or(text.len(), |length| start + length + closing.len());
            line = line_at(text, end);
            if !text[end..line.end].trim().is_empty() {
                return line;
            }
        } else if !words.is_empty() && !OPENINGS.iter().any(|opening| words.starts_with(opening)) {
            return line;
        }
    }
    line.end..line.end
}
