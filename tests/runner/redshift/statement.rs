//! What becomes of a statement: its text for the PostgreSQL behind, or why Redshift refuses it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::edit::{Edited, Edits};
use super::late_binding::{self, View};
use super::lexer::{self, Token};
use super::{alter, load, refused, storage};

/// A statement for the server behind.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) text: Edited,
    pub(super) reply: Reply,
    /// Where the client is told that the mistake is, if the statement is an error.
    pub(super) error_at: Option<usize>,
}

/// What the client hears of it.
#[derive(Debug)]
pub(super) enum Reply {
    /// What the server says.
    Same,
    /// Nothing.
    Hidden,
    /// This tag and no rows.
    Tag(&'static str),
    /// The server asks for these bytes.
    Load(Vec<u8>),
    /// What the server gives goes into a file.
    Unload(PathBuf),
}

impl Step {
    pub(super) fn hidden(sql: impl Into<String>) -> Self {
        Self { text: Edited::new(sql, 0), reply: Reply::Hidden, error_at: None }
    }

    fn same(text: Edited) -> Self {
        Self { text, reply: Reply::Same, error_at: None }
    }
}

/// A statement that Redshift does not take, or the stand-in.
#[derive(Debug)]
pub(super) struct Refusal {
    /// SQLSTATE
    pub(super) state: &'static str,
    pub(super) message: String,
    pub(super) detail: String,
    pub(super) at: Option<usize>,
}

impl Refusal {
    pub(super) fn new(state: &'static str, message: impl Into<String>) -> Self {
        Self { state, message: message.into(), detail: String::new(), at: None }
    }

    /// As the parser of PostgreSQL says it.
    pub(super) fn syntax(token: &Token<'_>) -> Self {
        Self { at: Some(token.at), ..Self::new("42601", format!("syntax error at or near \"{}\"", token.text)) }
    }

    /// What Redshift takes and the stand-in does not.
    pub(super) fn limit(what: &str) -> Self {
        Self::new("0A000", format!("the stand-in for Redshift does not know {what}"))
    }

    pub(super) fn at(self, at: usize) -> Self {
        Self { at: Some(at), ..self }
    }

    /// A statement that fails with it: the server undoes the transaction as it does for any other.
    pub(super) fn step(&self) -> Step {
        let (state, message, detail) = (literal(self.state), literal(&self.message), literal(&self.detail));
        Step {
            text: Edited::new(format!("select redshift.refuse({state}, {message}, {detail})"), 0),
            reply: Reply::Same,
            error_at: self.at,
        }
    }
}

/// What is known when a statement comes.
pub(super) struct Context<'a> {
    /// Whether a transaction is open, or others come in the same message.
    pub(super) in_transaction: bool,
    /// The folder in place of S3.
    pub(super) files: &'a Path,
    /// Asks the server in the session's own transaction.
    pub(super) lookup: &'a mut dyn FnMut(&str) -> Vec<Vec<Option<String>>>,
    /// Where the first syntax error of a query is, and what is said of it.
    pub(super) check: &'a mut dyn FnMut(&str) -> Option<(usize, String)>,
}

impl Context<'_> {
    pub(super) fn outside_transaction(&self, what: &str) -> Result<(), Refusal> {
        if self.in_transaction {
            return Err(Refusal::new("25001", format!("{what} cannot run inside a transaction block")));
        }
        Ok(())
    }

    /// `r`, `v`, `m`, or nothing.
    pub(super) fn kind(&mut self, relation: &Name) -> Option<String> {
        let sql = format!(
            "select relkind::text from pg_catalog.pg_class where oid = pg_catalog.to_regclass({})",
            relation.literal()
        );
        (self.lookup)(&sql).into_iter().next()?.into_iter().next()?
    }

    fn views(&mut self) -> Vec<View> {
        let rows = (self.lookup)(late_binding::LIST);
        rows.into_iter().filter_map(View::from_row).collect()
    }
}

/// A text as PostgreSQL reads it where backslashes escape.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A relation, with its schema if that is named.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) parts: Vec<String>,
    pub(super) range: Range<usize>,
}

impl Name {
    /// `"schema"."name"`
    pub(super) fn quoted(&self) -> String {
        let parts = self.parts.iter().map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
        parts.collect::<Vec<_>>().join(".")
    }

    pub(super) fn literal(&self) -> String {
        literal(&self.quoted())
    }
}

/// Tokens that are taken one by one.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a, 't> {
    pub(super) tokens: &'t [Token<'a>],
    /// Behind the last byte.
    pub(super) end: usize,
}

impl<'a> Cursor<'a, '_> {
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.first().copied()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    /// Takes these words if they come next.
    pub(super) fn take(&mut self, words: &str) -> bool {
        let words: Vec<&str> = words.split(' ').collect();
        let found =
            self.tokens.len() >= words.len() && words.iter().zip(self.tokens).all(|(word, token)| token.is(word));
        if found {
            self.tokens = &self.tokens[words.len()..];
        }
        found
    }

    /// Takes what is there of these words.
    pub(super) fn skip(&mut self, words: &[&str]) {
        while words.iter().any(|word| self.take(word)) {}
    }

    pub(super) fn name(&mut self) -> Result<Name, Refusal> {
        let first = self.next().filter(Token::is_name).ok_or_else(|| self.error())?;
        let mut name = Name { parts: vec![first.name()], range: first.range() };
        while self.peek().is_some_and(|token| token.is(".")) {
            self.next();
            let part = self.next().filter(Token::is_name).ok_or_else(|| self.error())?;
            name.parts.push(part.name());
            name.range.end = part.range().end;
        }
        Ok(name)
    }

    /// `(a, b)`
    pub(super) fn names(&mut self) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        if !self.take("(") {
            return Err(self.error());
        }
        loop {
            names.push(self.name()?.parts.remove(0));
            if self.take(")") {
                return Ok(names);
            }
            if !self.take(",") {
                return Err(self.error());
            }
        }
    }

    /// The place of the next token.
    pub(super) fn at(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    pub(super) fn error(&self) -> Refusal {
        let at_end = || Refusal::new("42601", "syntax error at end of input").at(self.end);
        self.peek().map_or_else(at_end, |token| Refusal::syntax(&token))
    }
}

/// Turns the statement in this range into what the server behind is sent.
pub(super) fn translate(sql: &str, range: Range<usize>, context: &mut Context<'_>) -> Result<Vec<Step>, Refusal> {
    let all = lexer::read(sql);
    let tokens: Vec<Token<'_>> = all.into_iter().filter(|token| range.contains(&token.at)).collect();
    let mut edits = Edits::default();
    refused::check(&tokens)?;
    let mut cursor = Cursor { tokens: &tokens, end: range.end };
    let plain = |edits: Edits| vec![Step::same(edits.apply(sql, range.clone()))];
    let first = cursor.next().map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
    match first.as_str() {
        "create" => {
            if cursor.take("materialized view") {
                let storage = storage::materialized_view(&mut cursor, &mut edits)?;
                if late_binding::reads_any(&tokens, &context.views()) {
                    return Err(Refusal::new("0A000", "Materialized views cannot be created on late-binding views."));
                }
                query(sql, &tokens, context, &mut edits)?;
                return Ok(with_storage(plain(edits), storage));
            }
            let replaces = cursor.take("or replace");
            let is_temporary =
                ["local temporary", "local temp", "temporary", "temp"].iter().any(|word| cursor.take(word));
            if cursor.take("table") {
                let (storage, has_query) = storage::table(&mut cursor, &mut edits)?;
                if has_query {
                    query(sql, &tokens, context, &mut edits)?;
                } else {
                    names(&tokens, &mut edits);
                }
                let mut steps = plain(edits);
                if has_query {
                    // Its tag has no number: https://github.com/dbcli/pgcli/pull/1321
                    steps[0].reply = Reply::Tag("SELECT");
                }
                return Ok(with_storage(steps, storage));
            }
            if !is_temporary && cursor.take("view") {
                if late_binding::is_late(&tokens) {
                    return late_binding::create(sql, cursor, &tokens, replaces, context);
                }
                query(sql, &tokens, context, &mut edits)?;
                return Ok(plain(edits));
            }
            names(&tokens, &mut edits);
        }
        "alter" => {
            let steps = alter::alter(&mut cursor, &mut edits, context)?;
            names(&tokens, &mut edits);
            return Ok(steps.unwrap_or_else(|| plain(edits)));
        }
        "comment" => {
            if cursor.take("on view") {
                let word = tokens[2].range();
                if context.kind(&cursor.name()?).as_deref() == Some("m") {
                    edits.replace(word, "materialized view");
                }
            } else if cursor.take("on materialized") {
                return Err(Refusal::syntax(&tokens[2]));
            }
            names(&tokens, &mut edits);
        }
        "copy" => return load::copy(&mut cursor, context),
        "unload" => return load::unload(&mut cursor, context),
        "vacuum" => {
            context.outside_transaction("VACUUM")?;
            cursor.skip(&["full", "sort only", "delete only", "reindex", "recluster"]);
            let relation = if cursor.peek().is_some() { cursor.name()?.quoted() } else { String::new() };
            return Ok(vec![Step::same(Edited::new(format!("vacuum {relation}"), range.start))]);
        }
        "truncate" => {
            cursor.take("table");
            let text = format!("truncate {}", cursor.name()?.quoted());
            let mut steps = vec![Step::same(Edited::new(text, range.start))];
            if context.in_transaction {
                steps.push(Step::hidden("commit"));
            }
            return Ok(steps);
        }
        "set" | "show" | "reset" => set(&first, &mut cursor, &mut edits)?,
        _ => query(sql, &tokens, context, &mut edits)?,
    }
    Ok(plain(edits))
}

fn with_storage(mut steps: Vec<Step>, storage: String) -> Vec<Step> {
    steps.push(Step::hidden(storage));
    steps
}

/// Folds quoted names, as Redshift does where `enable_case_sensitive_identifier` is off.
pub(super) fn names(tokens: &[Token<'_>], edits: &mut Edits) {
    for token in tokens.iter().filter(|token| token.kind == lexer::Kind::Quoted) {
        let folded = token.text.to_ascii_lowercase();
        if folded != token.text && edits.is_free(&token.range()) {
            edits.replace(token.range(), folded);
        }
    }
}

/// What a query needs: late-binding views are put in, units of time become texts.
fn query(sql: &str, tokens: &[Token<'_>], context: &mut Context<'_>, edits: &mut Edits) -> Result<(), Refusal> {
    names(tokens, edits);
    refused::check_leader_functions(tokens)?;
    if tokens.iter().any(|token| token.is("from") || token.is("using")) {
        let views = context.views();
        late_binding::expand(sql, tokens, &views, edits, 0)?;
    }
    units(tokens, edits);
    Ok(())
}

/// `dateadd(day, …)` is `dateadd('day', …)` behind.
pub(super) fn units(tokens: &[Token<'_>], edits: &mut Edits) {
    for window in tokens.windows(4) {
        let [function, open, unit, comma] = window else { continue };
        let takes_unit = ["dateadd", "datediff"].iter().any(|name| function.is(name));
        if takes_unit && open.is("(") && comma.is(",") && unit.kind == lexer::Kind::Word {
            edits.replace(unit.range(), format!("'{}'", unit.text));
        }
    }
}

/// Settings of Redshift that PostgreSQL does not have.
const OWN: [&str; 12] = [
    "query_group",
    "enable_result_cache_for_session",
    "wlm_query_slot_count",
    "analyze_threshold_percent",
    "auto_analyze",
    "describe_field_name_in_uppercase",
    "enable_numeric_rounding",
    "error_on_nondeterministic_update",
    "json_serialization_enable",
    "json_serialization_parse_nested_strings",
    "mv_enable_aqmv_for_session",
    "use_fips_ssl",
];

/// Settings that both have.
const SHARED: [&str; 7] =
    ["timezone", "statement_timeout", "datestyle", "extra_float_digits", "search_path", "session", "client_encoding"];

fn set(first: &str, cursor: &mut Cursor<'_, '_>, edits: &mut Edits) -> Result<(), Refusal> {
    cursor.skip(&["local"]);
    if cursor.take("session authorization") {
        return Ok(());
    }
    cursor.skip(&["session"]);
    let Some(token) = cursor.next() else { return Ok(()) };
    let name = token.name();
    if OWN.contains(&name.as_str()) {
        edits.replace(token.range(), format!("redshift.{name}"));
    } else if !SHARED.contains(&name.as_str()) && name != "application_name" && name != "all" {
        return Err(Refusal::new("42704", format!("unrecognized configuration parameter \"{name}\"")));
    } else if name == "search_path" && first == "set" {
        // Where what the stand-in adds is found.
        edits.replace(cursor.end..cursor.end, ", redshift, pg_catalog");
    }
    Ok(())
}
