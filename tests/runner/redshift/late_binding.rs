//! Views `with no schema binding`. In the database behind there is a view without columns, which has the name, the owner, the
//! privileges and the comment; the query is kept as text and put in where the view is read.

use super::edit::{Edited, Edits};
use super::lexer::{self, Token};
use super::statement::{Context, Cursor, Name, Refusal, Reply, Step, literal, names, units};

/// All that there are: schema, name, text.
pub(super) const LIST: &str = "select n.nspname, c.relname, l.query from redshift.late_binding l \
    join pg_catalog.pg_class c on c.oid = l.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace";

/// How many views may stand on each other.
const DEPTH: usize = 32;

#[derive(Debug, Clone)]
pub(super) struct View {
    schema: String,
    name: String,
    query: String,
}

impl View {
    pub(super) fn from_row(row: Vec<Option<String>>) -> Option<Self> {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        Some(Self { schema: next()?, name: next()?, query: next()? })
    }
}

/// Whether a CREATE VIEW ends in `with no schema binding`.
pub(super) fn is_late(tokens: &[Token<'_>]) -> bool {
    let words = ["with", "no", "schema", "binding"];
    let start = tokens.len().saturating_sub(words.len());
    tokens[start..].len() == words.len() && tokens[start..].iter().zip(words).all(|(token, word)| token.is(word))
}

/// `cursor` stands at the name.
pub(super) fn create(
    sql: &str,
    mut cursor: Cursor<'_, '_>,
    tokens: &[Token<'_>],
    replaces: bool,
    context: &mut Context<'_>,
) -> Result<Vec<Step>, Refusal> {
    let name = cursor.name()?;
    let columns = if cursor.peek().is_some_and(|token| token.is("(")) { cursor.names()? } else { Vec::new() };
    if !cursor.take("as") {
        return Err(cursor.error());
    }
    let start = cursor.at();
    let end = tokens[tokens.len() - 5].range().end;
    let inside = &cursor.tokens[..cursor.tokens.len() - 4];
    if let Some(bare) = relations(inside).into_iter().find(|relation| relation.parts.len() == 1) {
        let message = "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING.";
        return Err(Refusal::new("0A000", message).at(bare.range.start));
    }
    let mut query = sql[start..end].to_owned();
    let mut edits = Edits::default();
    names(inside, &mut edits);
    units(inside, &mut edits);
    let plain = edits.apply(sql, start..end);
    if let Some((at, message)) = (context.check)(&plain.text) {
        return Err(Refusal::new("42601", message).at(plain.origin(at)));
    }
    if !columns.is_empty() {
        let columns: Vec<String> =
            columns.iter().map(|column| format!("\"{}\"", column.replace('"', "\"\""))).collect();
        query = format!("select * from ({query}\n) as query ({})", columns.join(", "));
    }
    let placeholder = format!("create view {} as select where redshift.unbound({})", name.quoted(), name.literal());
    let is_there = replaces && context.kind(&name).is_some();
    let text = if is_there { "select 1".to_owned() } else { placeholder };
    let keep = format!("select redshift.keep_late_binding({}, {})", name.literal(), literal(&query));
    Ok(vec![
        Step { text: Edited::new(text, name.range.start), reply: Reply::Tag("CREATE VIEW"), error_at: None },
        Step::hidden(keep),
    ])
}

/// The relations that a query reads, but for those that it names itself.
pub(super) fn relations(tokens: &[Token<'_>]) -> Vec<Name> {
    let own = own_names(tokens);
    let mut relations = sources(tokens);
    relations.retain(|relation| relation.parts.len() > 1 || !own.contains(&relation.parts[0]));
    relations
}

/// The names in `with a as (…)`.
fn own_names(tokens: &[Token<'_>]) -> Vec<String> {
    let mut own = Vec::new();
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_name()) {
        let rest = &tokens[at + 1..];
        let rest = match rest.first() {
            // `a (x, y) as (`
            Some(open) if open.is("(") => {
                rest.iter().position(|token| token.is(")")).map_or(rest, |close| &rest[close + 1..])
            }
            _ => rest,
        };
        if rest.len() > 1 && rest[0].is("as") && rest[1].is("(") {
            own.push(token.name());
        }
    }
    own
}

/// The names behind FROM, JOIN and USING.
fn sources(tokens: &[Token<'_>]) -> Vec<Name> {
    const ENDS: [&str; 16] = [
        "where",
        "group",
        "order",
        "having",
        "limit",
        "union",
        "select",
        "on",
        "set",
        "window",
        "qualify",
        "except",
        "intersect",
        "minus",
        "when",
        "returning",
    ];
    let mut found = Vec::new();
    // For each bracket that is open: whether sources stand in it, and whether one may begin here.
    let mut open = vec![(false, false)];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let Some(inner) = open.last_mut() else { break };
        if ["from", "join", "using"].iter().any(|word| token.is(word)) {
            *inner = (true, true);
        } else if ENDS.iter().any(|word| token.is(word)) {
            *inner = (false, false);
        } else if token.is(",") {
            inner.1 = inner.0;
        } else if token.is("(") {
            let begins = inner.1;
            inner.1 = false;
            open.push((begins, begins));
        } else if token.is(")") {
            open.pop();
        } else if inner.1 && token.is_name() {
            inner.1 = false;
            let mut cursor = Cursor { tokens: &tokens[at - 1..], end: 0 };
            if let Ok(name) = cursor.name() {
                at = tokens.len() - cursor.tokens.len();
                // A function is no relation.
                if !cursor.peek().is_some_and(|token| token.is("(")) {
                    found.push(name);
                }
            }
        } else {
            inner.1 = false;
        }
    }
    found
}

/// Puts the queries of views in the place of their names.
pub(super) fn expand(
    sql: &str,
    tokens: &[Token<'_>],
    views: &[View],
    edits: &mut Edits,
    depth: usize,
) -> Result<(), Refusal> {
    let mut read = Vec::new();
    for relation in sources(tokens) {
        let [schema, name] = relation.parts.as_slice() else { continue };
        let Some(view) = views.iter().find(|view| view.schema == *schema && view.name == *name) else { continue };
        if depth > DEPTH {
            return Err(Refusal::new("54001", "stack depth limit exceeded"));
        }
        let inner = lexer::read(&view.query);
        let mut inner_edits = Edits::default();
        names(&inner, &mut inner_edits);
        units(&inner, &mut inner_edits);
        expand(&view.query, &inner, views, &mut inner_edits, depth + 1)?;
        let query = inner_edits.apply(&view.query, 0..view.query.len()).text;
        let has_alias = tokens.iter().find(|token| token.at >= relation.range.end).is_some_and(is_alias);
        let alias = if has_alias { String::new() } else { format!(" as \"{name}\"") };
        edits.replace(relation.range, format!("({query}\n){alias}"));
        read.push(view);
    }
    // `schema.view.column`
    for window in tokens.windows(5) {
        let [schema, dot, name, other_dot, _] = window else { continue };
        let is_column = dot.is(".") && other_dot.is(".") && schema.is_name() && name.is_name();
        if is_column && read.iter().any(|view| view.schema == schema.name() && view.name == name.name()) {
            let range = schema.at..name.at;
            if edits.is_free(&range) && !sql.is_empty() {
                edits.remove(range);
            }
        }
    }
    Ok(())
}

/// Whether a query reads one of these.
pub(super) fn reads_any(tokens: &[Token<'_>], views: &[View]) -> bool {
    let is_read = |view: &View| relations(tokens).iter().any(|name| name.parts == [view.schema.as_str(), &view.name]);
    views.iter().any(is_read)
}

fn is_alias(token: &Token<'_>) -> bool {
    const KEYWORDS: [&str; 26] = [
        "where",
        "join",
        "left",
        "right",
        "inner",
        "full",
        "cross",
        "on",
        "group",
        "order",
        "having",
        "limit",
        "union",
        "using",
        "natural",
        "except",
        "intersect",
        "minus",
        "window",
        "offset",
        "qualify",
        "with",
        "set",
        "values",
        "select",
        "when",
    ];
    token.is_name() && !KEYWORDS.iter().any(|word| token.is(word))
}
