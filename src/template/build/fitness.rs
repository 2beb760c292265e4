//! Whether an action is called and made up as its type wants it.

use crate::diagnostic::{Code, Diagnostic, article};
use crate::files::Span;
use crate::relation::Target;
use crate::sqlx::{BlockKind, SqlxFile};
use crate::template::build::Builder;
use crate::template::config::{ActionConfig, KindConfig, MaterializationConfig};

impl<'a> Builder<'a> {
    /// No dots in a name, but for what the settings say: that is looked at there.
    pub(super) fn check_name(&mut self, name: &'a Target, span: Span, schema_span: Span) {
        let defaults = &self.project.settings.defaults;
        let own = |part: &'a Option<String>, defaults: &[&Option<String>]| {
            part.as_deref().filter(|_| !defaults.contains(&part))
        };
        let parts = [
            (own(&name.database, &[&defaults.database]), "a database", span),
            (own(&name.schema, &[&defaults.schema, &defaults.assertion_schema]), "a schema", schema_span),
            (Some(name.name.as_str()), "an action", span),
        ];
        // Dataform 1 and 2 took them.
        let is_old = self.project.settings.core.is_some_and(|core| core.major < 3);
        let (diagnostic, verb): (fn(Code, String) -> Diagnostic, &str) =
            if is_old { (Diagnostic::warning, "should not") } else { (Diagnostic::error, "cannot") };
        for (part, what, span) in parts {
            if let Some(part) = part.filter(|part| part.contains('.')) {
                self.diagnostics.push(
                    diagnostic(Code::UnfitAction, format!("the name of {what} {verb} have a dot in it: `{part}`"))
                        .at(span, "")
                        .help("give it a `name`, and its `schema` by itself"),
                );
            }
        }
    }

    /// Blocks that the type of the file has no use for.
    pub(super) fn check_blocks(&mut self, sqlx: &SqlxFile, config: &ActionConfig) {
        let (word, fits): (&str, &[BlockKind]) = match &config.kind {
            KindConfig::Model(model) => match model.materialization {
                MaterializationConfig::Incremental(_) => (
                    "an incremental table",
                    &[BlockKind::PreOperations, BlockKind::PostOperations, BlockKind::IncrementalWhere],
                ),
                MaterializationConfig::Table => ("a table", &[BlockKind::PreOperations, BlockKind::PostOperations]),
                MaterializationConfig::View { .. } => {
                    ("a view", &[BlockKind::PreOperations, BlockKind::PostOperations])
                }
            },
            KindConfig::Operations { .. } => ("operations", &[]),
            KindConfig::Declaration => ("a declaration", &[]),
            KindConfig::Assertion => ("an assertion", &[]),
            KindConfig::Test { .. } => ("a test", &[BlockKind::Input]),
            KindConfig::DataPreparation(_) => ("a data preparation", &[]),
            KindConfig::Notebook => ("a notebook", &[]),
            KindConfig::Unknown => return,
        };
        let is_dataform = self.project.settings.core.is_some();
        for block in &sqlx.blocks {
            let head = Span { start: block.keyword.end, ..block.body.at_start() };
            if is_dataform && block.kind != BlockKind::Input && self.project.sources.text(head) != " {" {
                let keyword = block.kind.keyword();
                let message = format!("Dataform takes this `{keyword}` for SQL");
                let help = format!("write `{keyword} {{`, with one space");
                self.diagnostics
                    .push(Diagnostic::warning(Code::BlockSpacing, message).at(block.keyword, "").help(help));
            }
            let everywhere = matches!(block.kind, BlockKind::Config | BlockKind::Js);
            if !everywhere && !fits.contains(&block.kind) {
                let keyword = block.kind.keyword();
                let message = format!("{word} has no use for {} `{keyword}` block", article(keyword));
                let help = match block.kind {
                    BlockKind::IncrementalWhere => "it belongs to `type: \"incremental\"`",
                    BlockKind::Input => "it belongs to `type: \"test\"`",
                    _ => "it belongs to a table, a view or an incremental table",
                };
                self.diagnostics
                    .push(Diagnostic::error(Code::MisplacedBlock, message).at(block.keyword, "").help(help));
            }
        }
        if matches!(config.kind, KindConfig::Declaration)
            && let Some(unused) =
                sqlx.statements.iter().flat_map(|text| &text.pieces).find_map(|piece| self.first_line(piece.span))
        {
            self.diagnostics.push(
                Diagnostic::warning(Code::UnusedSql, "a declaration runs nothing, so this SQL has no effect")
                    .at(unused, "")
                    .help("take it out, or give the file another `type`"),
            );
        }
        let several = matches!(config.kind, KindConfig::Operations { .. } | KindConfig::Declaration);
        if let [first, second, ..] = sqlx.statements.as_slice()
            && !several
        {
            let between = Span { start: first.span.end, ..second.span.at_start() };
            let separator = self.project.sources.text(between).find("---").map(|at| between.part(at..at + 3));
            self.diagnostics.push(
                Diagnostic::error(
                    Code::MisplacedBlock,
                    format!("{word} holds one statement, and `---` begins another"),
                )
                .at(separator.unwrap_or(between), "")
                .help("only `type: \"operations\"` may hold more than one"),
            );
        }
    }

    /// The first line of SQL that is no comment.
    fn first_line(&self, span: Span) -> Option<Span> {
        let text = self.project.sources.text(span);
        let start = behind_comments(text)?;
        let line = text[start..].lines().next().unwrap_or_default().trim_end();
        Some(span.part(start..start + line.len()))
    }
}

/// Where SQL begins that is no comment.
fn behind_comments(text: &str) -> Option<usize> {
    let mut rest = text.trim_start();
    loop {
        let ends = [("--", "\n"), ("#", "\n"), ("/*", "*/"), ("{#", "#}")];
        let comment = ends.into_iter().find(|(opening, _)| rest.starts_with(opening));
        let Some((_, end)) = comment else { break };
        rest = rest.split_once(end).map_or("", |(_, behind)| behind.trim_start());
    }
    Some(text.len() - rest.len()).filter(|_| !rest.is_empty())
}
