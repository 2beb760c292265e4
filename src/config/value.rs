use crate::files::Span;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// From its first to its last byte.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind,
}

/// What a configuration is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Any number; JavaScript and YAML have no other.
    Number(f64),
    /// Text, with its escapes resolved.
    String(String),
    /// `[…]`
    Array(Vec<Value>),
    /// `{…}`, in the order written.
    Object(Vec<Entry>),
    /// JavaScript that has to be evaluated before its value is known.
    Expression,
}

/// One `key: value` of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The name, without quotes.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What it holds.
    pub value: Value,
}

impl Value {
    /// Whether its value can be read off the text: there is no JavaScript anywhere inside.
    pub fn is_literal(&self) -> bool {
        match &self.kind {
            ValueKind::Expression => false,
            ValueKind::Array(items) => items.iter().all(Self::is_literal),
            ValueKind::Object(entries) => entries.iter().all(|entry| entry.value.is_literal()),
            _ => true,
        }
    }

    /// The entry of an object; the last one where a key is repeated, as in JavaScript.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            ValueKind::Object(entries) => entries.iter().rev().find(|entry| entry.key == key),
            _ => None,
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
            ValueKind::Object(_) => "an object",
            ValueKind::Expression => "an expression",
        }
    }
}
