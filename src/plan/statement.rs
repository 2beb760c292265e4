use std::ops::Range;
use std::sync::Arc;

use crate::action::{Origin, Rendered};
use crate::dialect::translate;

/// SQL as it is sent, with a map back to the text that the analyst wrote.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    sql: String,
    embedded: Vec<Embedded>,
}

/// A text of the project inside of a statement.
#[derive(Debug, Clone)]
struct Embedded {
    start: usize,
    text: WarehouseText,
}

/// A rendered text in the SQL of the warehouse that it is sent to.
#[derive(Debug, Clone)]
pub struct WarehouseText {
    /// What is sent.
    pub(super) sql: Arc<str>,
    /// What it was before it was translated.
    pub(super) rendered: Arc<Rendered>,
    /// Whether the two differ in more than the white space around them.
    pub(super) is_translated: bool,
}

impl Statement {
    /// SQL that is trueup's own.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), embedded: Vec::new() }
    }

    /// SQL that is a text of the project and nothing else.
    pub fn text(text: &WarehouseText) -> Self {
        Self::default().then_text(text)
    }

    /// Adds SQL of trueup's own.
    #[must_use]
    pub fn then(mut self, sql: &str) -> Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a text of the project, without the white space around it.
    #[must_use]
    pub fn then_text(mut self, text: &WarehouseText) -> Self {
        self.embedded.push(Embedded { start: self.sql.len(), text: text.clone() });
        self.sql.push_str(&text.sql);
        self
    }

    /// Adds another statement with its map.
    #[must_use]
    pub fn then_statement(mut self, other: &Self) -> Self {
        let offset = self.sql.len();
        let embedded = other.embedded.iter();
        self.embedded.extend(embedded.map(|part| Embedded { start: part.start + offset, text: part.text.clone() }));
        self.sql.push_str(&other.sql);
        self
    }

    /// Adds a semicolon, where a comment at the end cannot swallow it.
    #[must_use]
    pub(super) fn ended(self) -> Self {
        let last_line = self.sql.lines().last().unwrap_or_default();
        let may_be_comment = ["--", "#"].iter().any(|sign| last_line.contains(sign));
        match (self.sql.trim_end().ends_with(';'), may_be_comment) {
            (_, true) => self.then("\n;"),
            (true, false) => self,
            (false, false) => self.then(";"),
        }
    }

    /// The same without these characters at the end, as far as they are there.
    #[must_use]
    pub(super) fn without(mut self, end: &str) -> Self {
        for sign in end.chars().rev() {
            if self.sql.ends_with(sign) {
                self.sql.pop();
            }
        }
        self
    }

    /// The same with others in the place of parts that are as long.
    #[must_use]
    pub(super) fn replaced(&self, pairs: &[(&str, &str)]) -> Self {
        let embedded = self.embedded.iter().map(|part| Embedded { start: part.start, text: part.text.replaced(pairs) });
        Self { sql: replaced(&self.sql, pairs), embedded: embedded.collect() }
    }

    /// What is sent.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Where in the project a byte of the SQL comes from; `None` for what trueup wrote itself.
    pub fn origin(&self, offset: usize) -> Option<Origin> {
        let embedded = self.embedded.iter().rev().find(|embedded| embedded.start <= offset)?;
        let inside = offset - embedded.start;
        (inside <= embedded.text.sql.len()).then(|| embedded.text.origin(inside)).flatten()
    }
}

/// Texts with semicolons between them and behind the last.
pub(super) fn in_order<'t>(texts: impl IntoIterator<Item = &'t WarehouseText>) -> Statement {
    let ended = texts.into_iter().map(|text| Statement::text(text).ended());
    ended.fold(Statement::default(), |all, text| all.then_statement(&text).then("\n"))
}

fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (part, other)| text.replace(part, other))
}

impl WarehouseText {
    /// The same with others in the place of parts that are as long.
    pub(super) fn replaced(&self, pairs: &[(&str, &str)]) -> Self {
        let sql = replaced(&self.sql, pairs).into();
        Self { sql, rendered: Arc::new(self.rendered.replaced(pairs)), is_translated: self.is_translated }
    }

    /// What is sent.
    pub(super) fn sql(&self) -> &str {
        &self.sql
    }

    /// A part of a text that is not translated, as it stands there.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let sql: Arc<str> = self.sql.get(range.clone()).unwrap_or_default().into();
        let skipped = self.skipped();
        let rendered = self.rendered.part(range.start + skipped..range.end + skipped);
        Self { sql, rendered: Arc::new(rendered), is_translated: self.is_translated }
    }

    /// How far into the original an untranslated text begins.
    fn skipped(&self) -> usize {
        self.rendered.text().find(&*self.sql).unwrap_or_default()
    }

    fn origin(&self, offset: usize) -> Option<Origin> {
        let original = self.rendered.text();
        let range: Range<usize> = if self.is_translated {
            translate::origin(original, &self.sql, offset)?
        } else {
            word_at(original, offset + self.skipped())
        };
        self.rendered.origin(range)
    }
}

/// The word that begins at a byte, or one character.
fn word_at(text: &str, offset: usize) -> Range<usize> {
    let rest = text.get(offset..).unwrap_or_default();
    let is_word = |char: &char| char.is_alphanumeric() || *char == '_';
    let word: usize = rest.chars().take_while(is_word).map(char::len_utf8).sum();
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    offset.min(text.len())..(offset + length).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Sources, Span};

    #[test]
    fn parts_of_a_text_know_where_they_come_from() {
        let sql = "  select a from b where c > (select 1) and misspelt\n";
        let file = Sources::default().add("a.sqlx", sql);
        let rendered = Rendered::verbatim(sql, Span::new(file, 0..sql.len()));
        let text = WarehouseText { sql: sql.trim().into(), rendered: Arc::new(rendered), is_translated: false };
        let (before, after) = (text.sql().find("(select").unwrap(), text.sql().find(" and").unwrap());
        let statement = Statement::new("insert into t\n")
            .then_text(&text.part(0..before))
            .then("a_variable")
            .then_text(&text.part(after..text.sql().len()));
        assert_eq!(statement.sql(), "insert into t\nselect a from b where c > a_variable and misspelt");
        let origin =
            |word: &str| statement.origin(statement.sql().find(word).unwrap()).map(|origin| origin.call.range());
        for (word, written) in [("b where", "b where"), ("a_variable", "(select"), ("misspelt", "misspelt")] {
            assert_eq!(origin(word).map(|range| range.start), sql.find(written), "{word}");
        }
    }
}
