use crate::config::time_span::{FORM, TimeSpan};
use crate::config::{Entry, Value, ValueKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::files::Span;

/// More than these would be no help.
const MOST_KEYS_IN_HELP: usize = 12;

const A_TIME_SPAN: &str = "a length of time";

/// A value that was understood, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// Reads an object key by key. What is not asked for by the time of [`finish`](Self::finish) is an unknown key.
///
/// Every getter gives `None` where the key is missing or its value is of the wrong type; the latter is reported.
#[derive(Debug)]
pub struct Reader<'a> {
    what: &'a str,
    entries: &'a [Entry],
    unknown: Code,
    invalid: Code,
    /// Some of them more than once.
    asked: Vec<&'a str>,
    lists_only: bool,
    diagnostics: Diagnostics,
}

impl<'a> Reader<'a> {
    /// Of an object; anything else is reported and read as an empty one. `what` is its name in messages, as in
    /// "unknown key in {what}". `unknown` and `invalid` are the codes for keys and values.
    pub fn new(value: &'a Value, what: &'a str, unknown: Code, invalid: Code) -> Self {
        let mut diagnostics = Diagnostics::default();
        let entries = if let ValueKind::Object { entries, .. } = &value.kind {
            entries.as_slice()
        } else {
            diagnostics.push(wrong_type(invalid, what, "an object", value));
            &[]
        };
        Self { what, entries, unknown, invalid, asked: Vec::new(), lists_only: false, diagnostics }
    }

    /// Whether a list of strings must be a list: one string does not count as a list of one.
    #[must_use]
    pub fn lists_only(self, lists_only: bool) -> Self {
        Self { lists_only, ..self }
    }

    /// Whether it is read as strictly as that.
    pub fn is_strict(&self) -> bool {
        self.lists_only
    }

    /// How much has been found wrong so far.
    pub fn count_of_problems(&self) -> usize {
        self.diagnostics.len()
    }

    /// A reader of an object inside this one.
    fn inner(&self, value: &'a Value, what: &'a str) -> Self {
        Self::new(value, what, self.unknown, self.invalid).lists_only(self.lists_only)
    }

    /// The value of a key as it was written; `null` counts as missing.
    pub fn raw(&mut self, key: &'a str) -> Option<&'a Value> {
        self.asked.push(key);
        let entry = self.entries.iter().rev().find(|entry| entry.key == key)?;
        (entry.value.kind != ValueKind::Null).then_some(&entry.value)
    }

    /// Whether the key is there at all. Counts as asking for it.
    pub fn has(&mut self, key: &'a str) -> bool {
        self.raw(key).is_some()
    }

    fn typed<T>(
        &mut self,
        key: &'a str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let value = self.raw(key)?;
        if let Some(read) = read(value) {
            return Some(Spanned { value: read, span: value.span });
        }
        // A list of the wrong things is a list: the first wrong thing says more.
        let culprit = match &value.kind {
            ValueKind::Array(items) if expected.ends_with("list of strings") => {
                items.iter().find(|item| as_string(item).is_none()).unwrap_or(value)
            }
            _ => value,
        };
        self.diagnostics.push(wrong_type(self.invalid, &format!("`{key}`"), expected, culprit));
        None
    }

    /// A string.
    pub fn string(&mut self, key: &'a str) -> Option<Spanned<String>> {
        self.typed(key, "a string", as_string)
    }

    /// A string or a number, as text: ports, dates and versions in YAML.
    pub fn text(&mut self, key: &'a str) -> Option<Spanned<String>> {
        self.typed(key, "a string", as_text)
    }

    /// `true` or `false`; also as a string, as Dataform takes it.
    pub fn bool(&mut self, key: &'a str) -> Option<Spanned<bool>> {
        self.typed(key, "true or false", |value| match &value.kind {
            ValueKind::Bool(bool) => Some(*bool),
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A whole number of 0 or more; also as a string.
    pub fn count(&mut self, key: &'a str) -> Option<Spanned<u64>> {
        self.typed(key, "a whole number", |value| u64::try_from(whole(value)?).ok())
    }

    /// The same where less than 0 says as much as 0.
    pub fn count_if_any(&mut self, key: &'a str) -> Option<Spanned<u64>> {
        self.typed(key, "a whole number", |value| Some(u64::try_from(whole(value)?).unwrap_or_default()))
    }

    /// A length of time, such as `2 days` or `90m`.
    pub fn time_span(&mut self, key: &'a str) -> Option<Spanned<TimeSpan>> {
        let Spanned { value: text, span } = self.typed(key, A_TIME_SPAN, as_string)?;
        match TimeSpan::parse(&text) {
            Ok(value) => Some(Spanned { value, span }),
            Err(help) => {
                self.refuse(span, format!("`{key}` is {A_TIME_SPAN}, and `{text}` is none"), Some(help));
                None
            }
        }
    }

    /// The keys that are there, for an object that may have any.
    pub fn keys(&self) -> Vec<&'a str> {
        self.entries.iter().map(|entry| entry.key.as_str()).collect()
    }

    /// The value of a key, without asking for it.
    pub fn peek(&self, key: &str) -> Option<&'a Value> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// A list of strings; also one string for a list of one, but for [`lists_only`](Self::lists_only).
    pub fn strings(&mut self, key: &'a str) -> Option<Spanned<Vec<Spanned<String>>>> {
        if self.lists_only { self.typed(key, "a list of strings", as_strings) } else { self.string_or_strings(key) }
    }

    /// A list of strings, or one string for a list of one.
    pub fn string_or_strings(&mut self, key: &'a str) -> Option<Spanned<Vec<Spanned<String>>>> {
        self.typed(key, "a string or a list of strings", |value| {
            as_strings(value).or_else(|| as_string(value).map(|text| vec![Spanned { value: text, span: value.span }]))
        })
    }

    /// A list of anything.
    pub fn list(&mut self, key: &'a str) -> Option<&'a [Value]> {
        self.typed(key, "a list", |value| match &value.kind {
            ValueKind::Array(items) => Some(items.as_slice()),
            _ => None,
        })
        .map(|list| list.value)
    }

    /// The entries of an object with any keys, in the order written.
    pub fn entries(&mut self, key: &'a str) -> Option<&'a [Entry]> {
        self.typed(key, "an object", |value| match &value.kind {
            ValueKind::Object { entries, .. } => Some(entries.as_slice()),
            _ => None,
        })
        .map(|entries| entries.value)
    }

    /// An object whose values are strings or numbers, read as text.
    pub fn texts(&mut self, key: &'a str) -> Option<Vec<(String, Spanned<String>)>> {
        let entries = self.entries(key)?;
        let mut texts = Vec::new();
        for entry in entries {
            match as_text(&entry.value) {
                Some(value) => texts.push((entry.key.clone(), Spanned { value, span: entry.value.span })),
                None => self.diagnostics.push(wrong_type(
                    self.invalid,
                    &format!("`{key}.{}`", entry.key),
                    "a string",
                    &entry.value,
                )),
            }
        }
        Some(texts)
    }

    /// One of a few words, in any case of letters.
    pub fn one_of<T: Copy>(&mut self, key: &'a str, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let word = self.string(key)?;
        if let Some((_, found)) = words.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word.value)) {
            return Some(Spanned { value: *found, span: word.span });
        }
        let names: Vec<String> = words.iter().map(|(name, _)| format!("`{name}`")).collect();
        let near = did_you_mean(&word.value, words.iter().map(|(name, _)| *name));
        self.diagnostics.push(
            Diagnostic::error(self.invalid, format!("`{key}` cannot be `{}`", word.value))
                .at(word.span, format!("expected one of {}", names.join(", ")))
                .help(near.unwrap_or_else(|| format!("write one of these words as the `{key}`"))),
        );
        None
    }

    /// Reads an object inside this one, and takes over what is found wrong in it.
    pub fn object<T>(
        &mut self,
        key: &'a str,
        what: &'a str,
        read: impl FnOnce(&mut Reader<'a>) -> T,
    ) -> Option<Spanned<T>> {
        let value = self.raw(key)?;
        let mut inner = self.inner(value, what);
        let result = read(&mut inner);
        self.diagnostics.extend(inner.finish());
        Some(Spanned { value: result, span: value.span })
    }

    /// Reads one value of a list or a map as an object, and takes over what is found wrong in it.
    pub fn item<T>(&mut self, value: &'a Value, what: &'a str, read: impl FnOnce(&mut Reader<'a>) -> T) -> T {
        let mut inner = self.inner(value, what);
        let result = read(&mut inner);
        self.diagnostics.extend(inner.finish());
        result
    }

    /// Says that a value is not what it should be.
    pub fn refuse(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.diagnostics.push(Diagnostic::error(self.invalid, message).at(span, "").maybe_help(help));
    }

    /// Says something about a value that does not keep the project from compiling.
    pub fn warn(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.diagnostics.push(Diagnostic::warning(self.invalid, message).at(span, "").maybe_help(help));
    }

    /// Says that a value is not of the type that is expected there.
    pub fn refuse_type(&mut self, what: &str, expected: &str, value: &Value) {
        self.diagnostics.push(wrong_type(self.invalid, what, expected, value));
    }

    /// Says of a key that nobody asked for where it belongs.
    pub fn elsewhere(&mut self, key: &'a str, help: &str) {
        if let Some(entry) = self.entries.iter().find(|entry| entry.key == key && !self.asked.contains(&key)) {
            self.asked.push(key);
            let message = format!("`{key}` has no meaning in {}", self.what);
            self.diagnostics.push(self.misplaced(entry, message).help(help));
        }
    }

    /// Takes every key that is still there as known.
    pub fn allow_rest(&mut self) {
        self.asked.extend(self.entries.iter().map(|entry| entry.key.as_str()));
    }

    /// What was found wrong, unknown keys included.
    pub fn finish(mut self) -> Diagnostics {
        let nulls = self.entries.iter().filter(|entry| self.lists_only && entry.value.kind == ValueKind::Null);
        for entry in nulls {
            self.diagnostics.push(
                Diagnostic::error(self.invalid, format!("`{}` is null", entry.key))
                    .at(entry.value.span, "")
                    .help("leave the key out, or give it a value"),
            );
        }
        let unknown: Vec<&Entry> =
            self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())).collect();
        if !unknown.is_empty() {
            self.asked.sort_unstable();
            self.asked.dedup();
        }
        for entry in unknown {
            let near = did_you_mean(&entry.key, self.asked.iter().copied());
            let known = || match self.asked.len() {
                ..=MOST_KEYS_IN_HELP => {
                    let keys = self.asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                    format!("the keys are {keys}")
                }
                _ => format!("`trueup explain {}` says where all keys are listed", self.unknown),
            };
            self.diagnostics.push(
                self.misplaced(entry, format!("unknown key `{}` in {}", entry.key, self.what))
                    .help(near.unwrap_or_else(known)),
            );
        }
        self.diagnostics
    }

    /// Of a key that does not belong there. Dataform does not look at one that says nothing.
    fn misplaced(&self, entry: &Entry, message: String) -> Diagnostic {
        let says_nothing = match &entry.value.kind {
            ValueKind::Array(items) => items.is_empty(),
            ValueKind::Object { entries, open } => entries.is_empty() && !open,
            _ => false,
        };
        let diagnostic = if self.lists_only && says_nothing { Diagnostic::warning } else { Diagnostic::error };
        diagnostic(self.unknown, message).at(entry.key_span, "")
    }
}

fn wrong_type(code: Code, what: &str, expected: &str, value: &Value) -> Diagnostic {
    Diagnostic::error(code, format!("{what} must be {expected}"))
        .at(value.span, format!("this is {}", value.describe()))
        .help(format!("write it {}", form(expected)))
}

/// How a value that is `expected` is written, in a config and in YAML alike.
fn form(expected: &str) -> &'static str {
    match expected {
        "a string" | "the name of an action" => "in quotes: `\"…\"`",
        "a string or a list of strings" => "in quotes, or as a list of such: `\"…\"` or `[\"…\", \"…\"]`",
        "an object" => "as `{ key: value }`",
        "true or false" => "as `true` or `false`, without quotes",
        A_TIME_SPAN => FORM,
        "a whole number" => "in digits, without quotes and without a fraction",
        "a string, a number or a boolean" => "as `\"…\"`, a number, `true` or `false`",
        _ => "in square brackets: `[\"…\", \"…\"]`",
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
fn whole(value: &Value) -> Option<i64> {
    match &value.kind {
        ValueKind::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => Some(*number as i64),
        ValueKind::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn as_string(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn as_text(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        ValueKind::Number(number) => Some(number.to_string()),
        ValueKind::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

fn as_strings(value: &Value) -> Option<Vec<Spanned<String>>> {
    let ValueKind::Array(items) = &value.kind else { return None };
    // A comma too many in a list of JavaScript leaves a hole.
    let items = items.iter().filter(|item| item.kind != ValueKind::Null);
    items.map(|item| as_string(item).map(|text| Spanned { value: text, span: item.span })).collect()
}
