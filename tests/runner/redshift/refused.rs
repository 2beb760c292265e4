//! What Redshift does not have, seen in the words of a statement. The README names the pages of the manual.

use super::late_binding::relations;
use super::lexer::{Kind, Token};
use super::statement::Refusal;

/// Functions of PostgreSQL that Redshift lacks.
const FUNCTIONS: [&str; 45] = [
    "array_agg",
    "array_to_string",
    "bit_length",
    "clock_timestamp",
    "corr",
    "covar_pop",
    "covar_samp",
    "current_query",
    "div",
    "every",
    "format",
    "generate_subscripts",
    "hashtext",
    "hashtextextended",
    "json_agg",
    "json_build_object",
    "jsonb_agg",
    "jsonb_build_object",
    "overlay",
    "parse_ident",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_blocking_pids",
    "pg_my_temp_schema",
    "pg_postmaster_start_time",
    "pg_sleep",
    "pg_trigger_depth",
    "pg_try_advisory_lock",
    "quote_nullable",
    "regexp_matches",
    "regexp_split_to_array",
    "regexp_split_to_table",
    "row_to_json",
    "setseed",
    "string_agg",
    "string_to_array",
    "to_json",
    "to_jsonb",
    "to_regclass",
    "transaction_timestamp",
    "txid_current",
    "unnest",
    "width_bucket",
    "xml_agg",
];

const TYPES: [&str; 13] = [
    "bigserial",
    "bytea",
    "cidr",
    "hstore",
    "inet",
    "json",
    "jsonb",
    "money",
    "serial",
    "smallserial",
    "tsquery",
    "tsvector",
    "xml",
];

/// Functions that run on the leader node alone.
const LEADER: [&str; 7] = [
    "current_schema",
    "current_schemas",
    "generate_series",
    "has_database_privilege",
    "has_schema_privilege",
    "has_table_privilege",
    "pg_get_viewdef",
];

/// Words that follow each other in no statement of Redshift. The one that is pointed at has a star.
const PHRASES: [&str; 18] = [
    "*on conflict",
    "is *distinct from",
    "is not *distinct from",
    "create *unlogged",
    "on *commit drop",
    "on *commit delete",
    "on *commit preserve",
    "distinct *on (",
    "filter *( where",
    "*lateral (",
    "array *[",
    "from ( *values",
    "create *publication",
    "create *trigger",
    "create *rule",
    "create *sequence",
    "create *extension",
    "create *domain",
];

pub(super) fn check(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    for phrase in PHRASES {
        let words: Vec<&str> = phrase.split(' ').collect();
        let matches = |window: &&[Token<'_>]| {
            window.iter().zip(&words).all(|(token, word)| token.is(word.trim_start_matches('*')))
        };
        let pointed = words.iter().position(|word| word.starts_with('*')).unwrap_or_default();
        if let Some(window) = tokens.windows(words.len()).find(matches) {
            return Err(Refusal::syntax(&window[pointed]));
        }
    }
    let word = |at: usize| tokens.get(at).map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
    let is_index = word(1) == "index" || word(1) == "unique" && word(2) == "index";
    match word(0).as_str() {
        "create" if is_index => {
            let message = "SQL command \"CREATE INDEX\" not supported on Redshift tables.";
            return Err(Refusal::new("0A000", message));
        }
        "do" | "listen" | "notify" | "reindex" | "cluster" | "savepoint" | "release" => {
            return Err(Refusal::syntax(&tokens[0]));
        }
        "merge" => merge(tokens)?,
        "delete" => delete(tokens)?,
        "insert" | "update" => {
            if let Some(token) = tokens.iter().find(|token| token.is("returning")) {
                return Err(Refusal::syntax(token));
            }
        }
        "lock" => {
            if let Some(token) = tokens.iter().find(|token| token.is("in")) {
                return Err(Refusal::syntax(token));
            }
        }
        _ => {}
    }
    if tokens.iter().any(|token| token.is("qualify")) {
        return Err(Refusal::limit("QUALIFY"));
    }
    if tokens.windows(2).any(|pair| pair[0].is("within") && pair[1].is("group")) {
        return Err(Refusal::limit("WITHIN GROUP"));
    }
    functions_and_types(tokens)
}

fn functions_and_types(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word) {
        let name = token.text.to_ascii_lowercase();
        let is_call = tokens.get(at + 1).is_some_and(|next| next.is("("));
        let previous = at.checked_sub(1).map(|before| &tokens[before]);
        let is_member = previous.is_some_and(|token| token.is("."));
        if is_call && !is_member && FUNCTIONS.contains(&name.as_str()) {
            return Err(Refusal::new("42883", format!("function {name}() does not exist")).at(token.at));
        }
        let is_cast = previous.is_some_and(|token| token.is("as") || token.is(":"));
        if is_cast && TYPES.contains(&name.as_str()) && !tokens.get(at + 1).is_some_and(|next| next.is("(")) {
            return Err(Refusal::new("42704", format!("type \"{name}\" does not exist")).at(token.at));
        }
    }
    Ok(())
}

/// "Specified types or functions not supported on Redshift tables"
pub(super) fn check_leader_functions(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    let is_call = |at: usize| tokens.get(at + 1).is_some_and(|next| next.is("("));
    let mut calls = tokens.iter().enumerate().filter(|(at, _)| is_call(*at)).map(|(_, token)| token);
    let Some(call) = calls.find(|token| LEADER.iter().any(|name| token.is(name))) else { return Ok(()) };
    let reads_only = tokens.first().is_some_and(|token| token.is("select") || token.is("with"));
    let on_leader = |relation: &Vec<String>| match relation.as_slice() {
        [schema, _] => ["pg_catalog", "information_schema"].contains(&schema.as_str()),
        [name] => name.starts_with("pg_"),
        _ => false,
    };
    if reads_only && relations(tokens).iter().all(|relation| on_leader(&relation.parts)) {
        return Ok(());
    }
    Err(Refusal {
        detail: format!("Function \"{}()\" not supported.", call.text.to_ascii_lowercase()),
        ..Refusal::new("0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables.")
    })
}

/// `delete from t as a` and `delete from t a` are no statements there.
fn delete(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    if let Some(token) = tokens.iter().find(|token| token.is("returning")) {
        return Err(Refusal::syntax(token));
    }
    let rest = behind_name(tokens.iter().skip_while(|token| token.is("delete") || token.is("from")));
    match rest {
        Some(token) if !(token.is("using") || token.is("where")) => Err(Refusal::syntax(token)),
        _ => Ok(()),
    }
}

/// The first token behind the name that these begin with.
fn behind_name<'t, 'a>(tokens: impl Iterator<Item = &'t Token<'a>>) -> Option<&'t Token<'a>> {
    let mut tokens = tokens.peekable();
    loop {
        tokens.next()?;
        if tokens.next_if(|token| token.is(".")).is_none() {
            return tokens.next();
        }
    }
}

fn merge(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    let mut cursor = super::statement::Cursor { tokens, end: tokens.last().map_or(0, |token| token.range().end) };
    if !cursor.take("merge into") {
        return Err(cursor.error());
    }
    let target = cursor.name()?;
    if !cursor.take("using") {
        return Err(cursor.error());
    }
    if cursor.peek().is_some_and(|token| token.is("(")) {
        return Err(Refusal::syntax(&tokens[tokens.len() - cursor.tokens.len()]));
    }
    let source = cursor.name()?;
    if source.parts == target.parts {
        return Err(Refusal::new("0A000", "Source and target relation cannot be the same in MERGE."));
    }
    if tokens.windows(2).any(|pair| pair[0].is("remove") && pair[1].is("duplicates")) {
        return Err(Refusal::limit("REMOVE DUPLICATES"));
    }
    let positions: Vec<usize> = (0..tokens.len()).filter(|at| tokens[*at].is("when")).collect();
    let clause = |at: usize, words: &[&str]| {
        words.iter().zip(tokens.get(at + 1..).unwrap_or_default()).all(|(word, token)| token.is(word))
    };
    match positions.as_slice() {
        [first, second] if clause(*first, &["matched", "then"]) && clause(*second, &["not", "matched", "then"]) => {
            Ok(())
        }
        [] => Err(cursor.error()),
        [first, ..] => Err(Refusal::syntax(&tokens[*first])),
    }
}
