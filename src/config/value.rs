use crate::files::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// From its first token to its last.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind,
}

/// What a [`Value`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A finite number, a minus in front of it included.
    Number(f64),
    /// In quotes, or in backticks without `${…}`.
    String(String),
    /// `[…]`
    Array(Vec<Value>),
    /// `{…}`
    Object {
        /// Those that have a plain key, in order. Of two with the same key the last one counts.
        entries: Vec<Entry>,
        /// Whether it has others too: a computed key, a spread, a method, a shorthand.
        open: bool,
    },
    /// Anything else, and what does not parse: JavaScript must evaluate it.
    Expression,
}

/// A key of an object with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Without quotes.
    pub key: String,
    /// With its quotes.
    pub key_span: Span,
    /// What is behind the colon.
    pub value: Value,
}

/// One step down into a [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// Into an object.
    Name(&'a str),
    /// Into an array, from 0.
    Index(usize),
}

impl Value {
    /// Whether the tree says all: nothing in it must be evaluated.
    pub fn is_literal(&self) -> bool {
        match &self.kind {
            ValueKind::Expression => false,
            ValueKind::Array(items) => items.iter().all(Self::is_literal),
            ValueKind::Object { entries, open } => !open && entries.iter().all(|entry| entry.value.is_literal()),
            _ => true,
        }
    }

    /// The entry of that key, if this is an object that has it in plain sight.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            ValueKind::Object { entries, .. } => entries.iter().rev().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The keys in it that a later one of the same object puts out of effect, each with that one.
    pub fn overridden(&self) -> Vec<(&Entry, &Entry)> {
        match &self.kind {
            ValueKind::Object { entries, .. } => {
                let later = |(at, entry): (usize, &'_ Entry)| {
                    entries[at + 1..].iter().rev().find(|later| later.key == entry.key)
                };
                let own = entries.iter().enumerate().filter_map(|(at, entry)| Some((entry, later((at, entry))?)));
                own.chain(entries.iter().flat_map(|entry| entry.value.overridden())).collect()
            }
            ValueKind::Array(items) => items.iter().flat_map(Self::overridden).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it is that string, in any case of letters.
    pub fn is_text(&self, text: &str) -> bool {
        matches!(&self.kind, ValueKind::String(own) if own.eq_ignore_ascii_case(text))
    }

    /// The value at the end of a path of keys and indices.
    pub fn get(&self, path: &[Key<'_>]) -> Option<&Self> {
        path.iter().try_fold(self, |value, step| value.step(*step))
    }

    /// The value nearest to the end of a path: where the tree knows no more, the last one that it does know. A place for
    /// a diagnostic on a value that was evaluated.
    pub fn nearest(&self, path: &[Key<'_>]) -> &Self {
        let mut value = self;
        for step in path {
            let Some(next) = value.step(*step) else { break };
            value = next;
        }
        value
    }

    /// The same with each key once: at the place of the first, with the value of the last, as JavaScript has it.
    #[must_use]
    pub fn without_overridden(&self) -> Self {
        let kind = match &self.kind {
            ValueKind::Array(items) => ValueKind::Array(items.iter().map(Self::without_overridden).collect()),
            ValueKind::Object { entries, open } => {
                let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
                for entry in entries {
                    let entry = Entry { value: entry.value.without_overridden(), ..entry.clone() };
                    match kept.iter_mut().find(|known| known.key == entry.key) {
                        Some(known) => *known = entry,
                        None => kept.push(entry),
                    }
                }
                ValueKind::Object { entries: kept, open: *open }
            }
            other => other.clone(),
        };
        Self { span: self.span, kind }
    }

    /// The same without places; what would have to be evaluated is `null`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.kind {
            ValueKind::Null | ValueKind::Expression => Json::Null,
            ValueKind::Bool(bool) => Json::Bool(*bool),
            ValueKind::Number(number) => number_to_json(*number),
            ValueKind::String(text) => Json::String(text.clone()),
            ValueKind::Array(items) => items.iter().map(Self::to_json).collect(),
            ValueKind::Object { entries, .. } => {
                Json::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect())
            }
        }
    }

    fn step(&self, key: Key<'_>) -> Option<&Self> {
        match (key, &self.kind) {
            (Key::Name(name), _) => self.entry(name).map(|entry| &entry.value),
            (Key::Index(index), ValueKind::Array(items)) => items.get(index),
            (Key::Index(_), _) => None,
        }
    }

    /// `a string`, `a list`, …: what it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            ValueKind::Null => "null",
            ValueKind::Bool(_) => "a boolean",
            ValueKind::Number(_) => "a number",
            ValueKind::String(_) => "a string",
            ValueKind::Array(_) => "a list",
            ValueKind::Object { .. } => "an object",
            ValueKind::Expression => "an expression",
        }
    }
}

/// A whole number without a fraction, as JavaScript writes it.
#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
fn number_to_json(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { (number as i64).into() } else { number.into() }
}
