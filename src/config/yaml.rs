use std::cell::Cell;

use serde_yaml::Value as Yaml;

use crate::config::bounds::check_yaml;
use crate::config::{Entry, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::{LineColumn, SourceFile, Span};

/// The tree of a YAML (or JSON) file. An empty file is an empty object.
pub fn parse_yaml(file: &SourceFile) -> Result<Value, Diagnostic> {
    let text = file.text();
    let yaml: Yaml = check_yaml(text).and_then(|()| serde_yaml::from_str(text)).map_err(|error| {
        let place = error.location().map_or(LineColumn { line: 1, column: 1 }, |at| LineColumn {
            line: at.line().max(1),
            column: at.column().max(1),
        });
        let start = file.offset(place);
        not_yaml(file, &error.to_string(), start)
    })?;
    Ok(match yaml {
        Yaml::Null => Value { span: file.span(0..0), kind: ValueKind::Object { entries: Vec::new(), open: false } },
        yaml => Places::new(file).value(yaml, 0..text.len()),
    })
}

/// What the parser says of a text that it stopped reading at `start`, with what people mostly did.
fn not_yaml(file: &SourceFile, message: &str, start: usize) -> Diagnostic {
    let text = file.text();
    let message = message.split(" at line ").next().unwrap_or_default();
    let twice = message.split_once("duplicate entry with key \"").and_then(|(_, key)| key.strip_suffix('"'));
    if let Some(key) = twice {
        let places = Places::new(file);
        let first = places.find_key(key, start..text.len(), None).unwrap_or(start..start);
        let second = places.find_key(key, first.end..text.len(), None).unwrap_or(first.clone());
        return Diagnostic::error(Code::InvalidSettings, format!("`{key}` is given twice"))
            .at(file.span(second), "")
            .at(file.span(first), "the first one")
            .help("take one of them out");
    }
    let diagnostic = Diagnostic::error(Code::InvalidSettings, format!("this is not YAML: {message}"))
        .at(file.span(start..start), "");
    if text.get(start..).is_some_and(|rest| rest.starts_with('\t')) {
        return diagnostic.help("indent by spaces: YAML takes no tabs");
    }
    diagnostic.help(if message.starts_with("mapping values are not allowed") {
        "see whether the lines are indented alike; a value that has `: ` in it needs quotes"
    } else {
        "look at this line and the one before it: brackets and quotes are closed, lines of one block indented alike"
    })
}

/// Finds the places of keys and values, which the YAML parser does not tell, by searching for them in order.
struct Places<'a> {
    file: &'a SourceFile,
    text: &'a str,
    /// How much may still be searched, in bytes. When that is used up, places are those of what is around.
    left: Cell<usize>,
}

type Range = std::ops::Range<usize>;

/// How much is searched in one file, in bytes: what people write needs far less.
const MOST_SEARCHED: usize = 256 << 20;

impl<'a> Places<'a> {
    fn new(file: &'a SourceFile) -> Self {
        Self { file, text: file.text(), left: Cell::new(MOST_SEARCHED) }
    }

    /// Counts a search over so many bytes. Whether there is anything left for another one.
    fn searched(&self, bytes: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(bytes));
        self.left.get() > 0
    }

    /// `within` is where the value must lie: from behind its key to the next key of the same object.
    fn value(&self, yaml: Yaml, within: Range) -> Value {
        let span = self.trimmed(within.clone());
        let start = span.range().start;
        let kind = match yaml {
            Yaml::Null => ValueKind::Null,
            Yaml::Bool(bool) => ValueKind::Bool(bool),
            Yaml::Number(number) => ValueKind::Number(number.as_f64().unwrap_or(f64::NAN)),
            Yaml::String(text) => {
                let is_plain = self.text.get(start..).is_some_and(|rest| rest.starts_with(&text));
                let span = if is_plain { self.file.span(start..start + text.len()) } else { span };
                return Value { span, kind: ValueKind::String(text) };
            }
            Yaml::Tagged(tagged) => return self.value(tagged.value, within),
            Yaml::Sequence(items) => {
                let in_brackets = self.text.get(start..).is_some_and(|rest| rest.starts_with('['));
                let mut start = if in_brackets { start + 1 } else { within.start };
                let items = items.into_iter().map(|item| {
                    let place = scalar(&item).and_then(|text| self.find(&text, start..within.end));
                    let value = self.value(item, place.unwrap_or_else(|| self.behind_dash(start)..within.end));
                    start = end(&value);
                    value
                });
                ValueKind::Array(items.collect())
            }
            Yaml::Mapping(entries) => {
                let mut start = within.start;
                let mut keys: Vec<(String, Range, Yaml)> = Vec::new();
                for (key, value) in entries {
                    let key = scalar(&key).unwrap_or_default();
                    // In a block all keys stand in one column; what is in between belongs to one of them.
                    let column = keys.first().and_then(|(_, first, _)| self.column(first.start));
                    let range = column
                        .and_then(|column| self.find_key(&key, start..within.end, Some(column)))
                        .or_else(|| self.find_key(&key, start..within.end, None))
                        .unwrap_or(start..start);
                    start = range.end;
                    keys.push((key, range, value));
                }
                let ends: Vec<usize> =
                    keys.iter().skip(1).map(|(_, range, _)| range.start).chain([within.end]).collect();
                let entries = keys.into_iter().zip(ends).map(|((key, range, value), end)| Entry {
                    key,
                    key_span: self.file.span(range.clone()),
                    value: self.value(value, range.end..end.max(range.end)),
                });
                ValueKind::Object { entries: entries.collect(), open: false }
            }
        };
        self.closed(Value { span, kind })
    }

    /// A list or an object in brackets ends at its bracket.
    fn closed(&self, value: Value) -> Value {
        let (start, end) = (value.span.range().start, end(&value));
        let (before, behind) = self.text.split_at_checked(end).unwrap_or_default();
        let rest = behind.trim_start_matches([' ', '\n', '\r', '\t', ',', '"', '\'']);
        let bracket = match before.as_bytes().get(start) {
            Some(b'{') => '}',
            Some(b'[') => ']',
            _ => return value,
        };
        if !rest.starts_with(bracket) {
            return value;
        }
        Value { span: self.file.span(start..self.text.len() - rest.len() + 1), ..value }
    }

    /// The column of a byte (from 0) if nothing but blanks and dashes of lists is before it in its line.
    fn column(&self, at: usize) -> Option<usize> {
        let line = self.text.get(..at)?.rsplit('\n').next().unwrap_or_default();
        if !self.searched(line.len()) {
            return None;
        }
        line.trim_start_matches(['-', ' ', '"', '\'']).is_empty().then_some(line.len())
    }

    /// Where the next item of a list begins: behind blanks, comments, and the dash or the comma.
    fn behind_dash(&self, from: usize) -> usize {
        let mut rest = self.text.get(from..).unwrap_or_default();
        loop {
            let next = rest.trim_start_matches([' ', '\n', '\r', '\t', ':', ',', '}', ']', '"', '\'']);
            let next = match next.strip_prefix("- ").or_else(|| next.strip_prefix("-\n")) {
                Some(behind) => behind,
                None if next.starts_with('#') => next.split_once('\n').map_or("", |(_, behind)| behind),
                None => break self.text.len() - next.len(),
            };
            rest = next;
        }
    }

    /// A key: the word with a colon behind it, and not the tail of another word; in that column if one is given.
    fn find_key(&self, key: &str, within: Range, column: Option<usize>) -> Option<Range> {
        let mut start = within.start;
        while let Some(range) = self.find(key, start..within.end) {
            let behind = self.text[range.end..].trim_start_matches(['"', '\'', ' ']);
            if behind.starts_with(':') && (column.is_none() || self.column(range.start) == column) {
                return Some(range);
            }
            start = range.end;
        }
        None
    }

    /// A whole word, outside of comments.
    fn find(&self, word: &str, within: Range) -> Option<Range> {
        let mut start = within.start;
        while !word.is_empty() && self.searched(0) {
            let found = self.text.get(start..within.end)?.find(word);
            self.searched(found.unwrap_or(within.end - start));
            let at = start + found?;
            let range = at..at + word.len();
            let line = self.text[..at].rsplit('\n').next().unwrap_or_default();
            self.searched(line.len());
            let in_comment = line.trim_start().starts_with('#') || line.contains(" #");
            let is_word = |char: char| char.is_alphanumeric() || char == '_';
            let joined = self.text[..at].chars().next_back().is_some_and(is_word)
                || self.text[range.end..].chars().next().is_some_and(is_word);
            if !in_comment && !joined {
                return Some(range);
            }
            start = range.end;
        }
        None
    }

    /// What is left of a range without the punctuation and space around a value, and without a trailing comment.
    fn trimmed(&self, within: Range) -> Span {
        let text = self.text.get(within.clone()).filter(|_| self.searched(0)).unwrap_or_default();
        let skipped = text.len() - text.trim_start_matches([' ', '\n', '\r', '\t', ':', '"', '\'']).len();
        let rest = &text[skipped..];
        let around: &[char] = &[' ', '\n', '\r', '\t', ',', '"', '\''];
        let kept = if rest.starts_with(['{', '[']) {
            rest.trim_end_matches(around).len()
        } else {
            let line = rest.lines().next().unwrap_or_default();
            self.searched(line.len());
            let line = line.split(" #").next().unwrap_or_default().trim_end_matches(around);
            line.trim_end_matches(|char| "}] ,\"'\t\r".contains(char)).len()
        };
        let start = within.start + skipped;
        self.file.span(start..start + kept)
    }
}

/// Where the last thing in a value ends.
fn end(value: &Value) -> usize {
    let own = value.span.range().end;
    match &value.kind {
        ValueKind::Array(items) => items.iter().map(end).max().unwrap_or(own),
        ValueKind::Object { entries, .. } => {
            entries.iter().map(|entry| end(&entry.value).max(entry.key_span.range().end)).max().unwrap_or(own)
        }
        _ => own,
    }
}

fn scalar(yaml: &Yaml) -> Option<String> {
    match yaml {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Number(number) => Some(number.to_string()),
        Yaml::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;
    use crate::files::Sources;

    #[test]
    fn keys_and_values_are_found_where_they_stand() {
        let text = "name: shop # name: x\nvars:\n  name: \"a\"\nlist: [one, two]\nenvs: { dev: { name: b } }\n";
        let sources = Sources::default();
        let id = sources.add("trueup.yaml", text);
        let tree = parse_yaml(sources.get(id)).unwrap();
        let at = |path: &[&str]| {
            let entry = path.iter().fold(None, |value: Option<&Entry>, key| {
                Some(value.map_or(&tree, |entry| &entry.value).entry(key).unwrap())
            });
            let entry = entry.unwrap();
            (entry.key_span.start, sources.text(entry.value.span))
        };
        assert_eq!(at(&["name"]), (0, "shop"));
        assert_eq!(at(&["vars", "name"]), (29, "a"));
        assert_eq!(at(&["list"]), (39, "[one, two]"));
        assert_eq!(at(&["envs", "dev", "name"]).1, "b");
    }

    #[test]
    fn keys_of_a_list_of_objects_are_found_in_their_own_item() {
        let text = "# two\nlist:\n  - name: a\n    fields: [{ name: x, note: y }, { name: z }]\n    note: b\n  # the other\n  \
                    - name: a\n    note: |\n      c\n";
        let sources = Sources::default();
        let id = sources.add("graph.yaml", text);
        let tree = parse_yaml(sources.get(id)).unwrap();
        let line = |path: &[Key<'_>], key: &str| {
            let entry = tree.get(path).and_then(|value| value.entry(key)).unwrap();
            let place = sources.get(id).line_column(entry.key_span.start as usize);
            (place.line, place.column)
        };
        let (list, fields) = (Key::Name("list"), Key::Name("fields"));
        assert_eq!(line(&[list, Key::Index(0)], "name"), (3, 5));
        assert_eq!(line(&[list, Key::Index(0), fields, Key::Index(0)], "note"), (4, 25));
        assert_eq!(line(&[list, Key::Index(0), fields, Key::Index(1)], "name"), (4, 38));
        assert_eq!(line(&[list, Key::Index(0)], "note"), (5, 5));
        assert_eq!(
            sources.text(tree.get(&[list, Key::Index(0), fields, Key::Index(0)]).unwrap().span),
            "{ name: x, note: y }"
        );
        assert_eq!(line(&[list, Key::Index(1)], "name"), (7, 5));
        assert_eq!(line(&[list, Key::Index(1)], "note"), (8, 5));
        assert_eq!(sources.text(tree.get(&[list, Key::Index(1)]).unwrap().span), "name: a");
    }

    #[test]
    fn what_is_not_yaml_is_shown_at_its_line() {
        let sources = Sources::default();
        let id = sources.add("trueup.yaml", "name: a\nvars: [\n");
        let error = parse_yaml(sources.get(id)).unwrap_err();
        assert!(error.message.starts_with("this is not YAML"), "{error:?}");
    }
}
