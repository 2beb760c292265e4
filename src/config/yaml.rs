use serde_yaml::Value as Yaml;

use crate::config::{Entry, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::{LineColumn, SourceFile, Span};

/// The tree of a YAML (or JSON) file. An empty file is an empty object.
pub fn parse_yaml(file: &SourceFile) -> Result<Value, Diagnostic> {
    let text = file.text();
    let yaml: Yaml = serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map_or(LineColumn { line: 1, column: 1 }, |at| LineColumn {
            line: at.line().max(1),
            column: at.column().max(1),
        });
        let start = file.offset(place);
        not_yaml(file, &error.to_string(), start)
    })?;
    Ok(match yaml {
        Yaml::Null => Value { span: file.span(0..0), kind: ValueKind::Object { entries: Vec::new(), open: false } },
        yaml => Places { file, text }.value(yaml, 0..text.len()),
    })
}

/// What the parser says of a text that it stopped reading at `start`, with what people mostly did.
fn not_yaml(file: &SourceFile, message: &str, start: usize) -> Diagnostic {
    let text = file.text();
    let message = message.split(" at line ").next().unwrap_or_default();
    let twice = message.split_once("duplicate entry with key \"").and_then(|(_, key)| key.strip_suffix('"'));
    if let Some(key) = twice {
        let places = Places { file, text };
        let first = places.find_key(key, start..text.len()).unwrap_or(start..start);
        let second = places.find_key(key, first.end..text.len()).unwrap_or(first.clone());
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
}

type Range = std::ops::Range<usize>;

impl Places<'_> {
    /// `within` is where the value must lie: from behind its key to the next key of the same object.
    fn value(&self, yaml: Yaml, within: Range) -> Value {
        let span = self.trimmed(within.clone());
        let kind = match yaml {
            Yaml::Null => ValueKind::Null,
            Yaml::Bool(bool) => ValueKind::Bool(bool),
            Yaml::Number(number) => ValueKind::Number(number.as_f64().unwrap_or(f64::NAN)),
            Yaml::String(text) => ValueKind::String(text),
            Yaml::Tagged(tagged) => return self.value(tagged.value, within),
            Yaml::Sequence(items) => {
                let mut start = within.start;
                let items = items.into_iter().map(|item| {
                    let place = scalar(&item).and_then(|text| self.find(&text, start..within.end));
                    let range = place.unwrap_or(start..within.end);
                    if scalar(&item).is_some() {
                        start = range.end;
                    }
                    self.value(item, range)
                });
                ValueKind::Array(items.collect())
            }
            Yaml::Mapping(entries) => {
                let mut start = within.start;
                let mut keys: Vec<(String, Range, Yaml)> = Vec::new();
                for (key, value) in entries {
                    let key = scalar(&key).unwrap_or_default();
                    let range = self.find_key(&key, start..within.end).unwrap_or(start..start);
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
        Value { span, kind }
    }

    /// A key: the word with a colon behind it, and not the tail of another word.
    fn find_key(&self, key: &str, within: Range) -> Option<Range> {
        let mut start = within.start;
        while let Some(range) = self.find(key, start..within.end) {
            let behind = self.text[range.end..].trim_start_matches(['"', '\'', ' ']);
            if behind.starts_with(':') {
                return Some(range);
            }
            start = range.end;
        }
        None
    }

    /// A whole word, outside of comments.
    fn find(&self, word: &str, within: Range) -> Option<Range> {
        let mut start = within.start;
        while !word.is_empty() {
            let at = start + self.text.get(start..within.end)?.find(word)?;
            let range = at..at + word.len();
            let line = self.text[..at].rsplit('\n').next().unwrap_or_default();
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
        let text = self.text.get(within.clone()).unwrap_or_default();
        let skipped = text.len() - text.trim_start_matches([' ', '\n', '\r', '\t', ':', '"', '\'']).len();
        let rest = &text[skipped..];
        let around: &[char] = &[' ', '\n', '\r', '\t', ',', '"', '\''];
        let kept = if rest.starts_with(['{', '[']) {
            rest.trim_end_matches(around).len()
        } else {
            let line = rest.lines().next().unwrap_or_default();
            let line = line.split(" #").next().unwrap_or_default().trim_end_matches(around);
            line.trim_end_matches(|char| "}] ,\"'\t\r".contains(char)).len()
        };
        let start = within.start + skipped;
        self.file.span(start..start + kept)
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
    fn what_is_not_yaml_is_shown_at_its_line() {
        let sources = Sources::default();
        let id = sources.add("trueup.yaml", "name: a\nvars: [\n");
        let error = parse_yaml(sources.get(id)).unwrap_err();
        assert!(error.message.starts_with("this is not YAML"), "{error:?}");
    }
}
