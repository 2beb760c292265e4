//! The texts of an action in the SQL of the warehouse.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::{Dialect, syntax, translate};
use crate::plan::statement::{Statement, WarehouseText};

/// Turns texts of the project's dialect into those of the warehouse's.
#[derive(Debug)]
pub(super) struct Translator<'a> {
    pub(super) from: &'a dyn Dialect,
    pub(super) to: &'a dyn Dialect,
    pub(super) diagnostics: Diagnostics,
    /// What the texts of the action have declared so far.
    script: translate::Script<'a>,
}

impl<'a> Translator<'a> {
    pub(super) fn new(from: &'a dyn Dialect, to: &'a dyn Dialect) -> Self {
        Self { from, to, diagnostics: Diagnostics::default(), script: translate::Script::new(from, to) }
    }

    /// Begins with the texts of another action. They are to be translated in the order in which they run.
    pub(super) fn begin(&mut self) {
        self.script = translate::Script::new(self.from, self.to);
    }

    /// Where it cannot be translated the mistake is noted, and the text is empty.
    pub(super) fn text(&mut self, rendered: &Rendered) -> WarehouseText {
        let is_translated = self.from.name() != self.to.name();
        let sql: Arc<str> = if is_translated {
            match self.script.translate(rendered.text()) {
                Ok(sql) => sql.trim().trim_end_matches(';').into(),
                Err(problems) => {
                    for problem in problems {
                        let diagnostic = Diagnostic::error(Code::Untranslatable, problem.message);
                        self.diagnostics.push(
                            rendered
                                .place(diagnostic, problem.range)
                                .help(problem.help.unwrap_or_else(|| translate::ADVICE.to_owned())),
                        );
                    }
                    "".into()
                }
            }
        } else {
            rendered.text().trim().into()
        };
        WarehouseText { sql, rendered: Arc::new(rendered.clone()), is_translated }
    }

    /// A query, and the statements behind it, where a script stands in its place.
    pub(super) fn query(&mut self, rendered: &Rendered) -> (WarehouseText, Vec<WarehouseText>) {
        let parts = statements(rendered, self.from);
        match parts.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let first = self.text(&rendered.part(first.clone()));
                (first, rest.iter().map(|range| self.text(&rendered.part(range.clone()))).collect())
            }
            // What stands behind it goes into other statements too.
            Some((only, _)) if self.to.capabilities().multi_statements => {
                (self.text(&rendered.part(only.clone())), Vec::new())
            }
            _ => (self.text(rendered), Vec::new()),
        }
    }

    /// A query that becomes a part of other statements, without what stands behind it.
    pub(super) fn query_alone(&mut self, rendered: &Rendered) -> WarehouseText {
        let first = statements(rendered, self.from).into_iter().next().unwrap_or_default();
        self.text(&rendered.part(first))
    }

    /// The query of an incremental table, which becomes a part of other statements: nothing may stand behind it.
    pub(super) fn only_query(&mut self, rendered: &Rendered) -> WarehouseText {
        let Some(second) = statements(rendered, self.from).into_iter().nth(1) else { return self.query(rendered).0 };
        let message = "new rows of an incremental table come from one statement, and here another begins";
        let diagnostic = rendered.place(Diagnostic::error(Code::UnfitAction, message), second);
        self.diagnostics.push(diagnostic.help("put it into `post_operations`"));
        self.query(rendered).0
    }

    pub(super) fn texts<'t>(&mut self, rendered: impl IntoIterator<Item = &'t Rendered>) -> Vec<WarehouseText> {
        let texts = rendered.into_iter().filter(|text| !text.text().trim().is_empty());
        // What has no equal and no effect on rows, such as VACUUM, is translated to nothing.
        texts.map(|text| self.text(text)).filter(|text| !text.sql.is_empty()).collect()
    }

    /// The same, each statement by itself where a job is made of them.
    pub(super) fn statements(&mut self, rendered: &[Rendered]) -> Vec<WarehouseText> {
        if !self.to.capabilities().multi_statements {
            return self.texts(rendered);
        }
        let says_something = |part: &Rendered| !syntax::read(part.text(), self.from).is_empty();
        let parts = rendered.iter().flat_map(|text| {
            let ranges = statements(text, self.from).into_iter();
            ranges.map(|range| text.part(range)).filter(says_something)
        });
        let parts: Vec<Rendered> = parts.collect();
        self.texts(&parts)
    }

    /// An expression of the config, such as the one to partition by.
    pub(super) fn expression(&mut self, expression: &str) -> String {
        self.behind("SELECT ", expression)
    }

    /// A condition of the config on the rows of relations with these names.
    pub(super) fn condition(&mut self, condition: &str) -> String {
        self.behind("SELECT 1 FROM t WHERE ", condition)
    }

    /// Which rows of a query count.
    pub(super) fn filter(&mut self, filter: &Rendered) -> Statement {
        if self.from.name() == self.to.name() {
            return Statement::text(&self.text(filter));
        }
        Statement::new(self.condition(filter.text().trim()))
    }

    /// Translates the end of a statement: what stands behind `head`, which is the same in all dialects.
    fn behind(&mut self, head: &str, tail: &str) -> String {
        if self.from.name() == self.to.name() {
            return tail.to_owned();
        }
        let translated = self.script.translate(&format!("{head}{tail}")).ok();
        let tail_of = |sql: &str| {
            let sql = sql.trim().trim_end_matches(';');
            let keyword = head.split_whitespace().last().unwrap_or_default();
            sql.to_ascii_uppercase().find(&format!("{keyword} ")).map(|at| sql[at + keyword.len() + 1..].to_owned())
        };
        if let Some(tail) = translated.as_deref().and_then(tail_of) {
            return tail;
        }
        let message = format!("`{tail}` in a config has no translation");
        self.diagnostics.push(Diagnostic::error(Code::Untranslatable, message).help(translate::ADVICE));
        String::new()
    }
}

/// Where the statements of a text are. One that has no semicolon is not read.
pub(super) fn statements(rendered: &Rendered, dialect: &dyn Dialect) -> Vec<Range<usize>> {
    let text = rendered.text();
    if !text.contains(';') {
        return iter::once(0..text.len()).collect();
    }
    let pieces = syntax::read(text, dialect).into_iter().map(|piece| piece.range);
    pieces.filter(|range| text.get(range.clone()).is_some_and(|statement| !statement.trim().is_empty())).collect()
}
