//! The texts of an action in the SQL of the warehouse.

use std::sync::Arc;

use crate::action::Rendered;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::dialect::{Dialect, translate};
use crate::plan::statement::WarehouseText;

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
        Self { from, to, diagnostics: Diagnostics::default(), script: translate::Script::new(from) }
    }

    /// Begins with the texts of another action. They are to be translated in the order in which they run.
    pub(super) fn begin(&mut self) {
        self.script = translate::Script::new(self.from);
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

    pub(super) fn texts<'t>(&mut self, rendered: impl IntoIterator<Item = &'t Rendered>) -> Vec<WarehouseText> {
        let texts = rendered.into_iter().filter(|text| !text.text().trim().is_empty());
        texts.map(|text| self.text(text)).collect()
    }

    /// An expression of the config, such as the one to partition by.
    pub(super) fn expression(&mut self, expression: &str) -> String {
        self.behind("SELECT ", expression)
    }

    /// A condition of the config on the rows of relations with these names.
    pub(super) fn condition(&mut self, condition: &str) -> String {
        self.behind("SELECT 1 FROM t WHERE ", condition)
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
