//! ALTER, of which Redshift has less than PostgreSQL.

use super::edit::{Edited, Edits};
use super::statement::{Context, Cursor, Name, Refusal, Reply, Step, literal};
use super::storage;

/// Steps, where the text alone does not do.
pub(super) fn alter(
    cursor: &mut Cursor<'_, '_>,
    edits: &mut Edits,
    context: &mut Context<'_>,
) -> Result<Option<Vec<Step>>, Refusal> {
    if !cursor.take("table") {
        let known = ["user", "group", "schema", "database", "default", "procedure", "role"];
        let is_known = cursor.peek().is_some_and(|token| known.iter().any(|word| token.is(word)));
        return if is_known { Ok(None) } else { Err(cursor.error()) };
    }
    if cursor.peek().is_some_and(|token| token.is("if") || token.is("only")) {
        return Err(cursor.error());
    }
    let name = cursor.name()?;
    let mut ahead = cursor.clone();
    if ahead.take("rename to") {
        if context.kind(&name).as_deref() == Some("m") {
            return Err(Refusal::new("0A000", "Materialized views cannot be renamed."));
        }
        return Ok(None);
    }
    if ahead.take("append from") {
        context.outside_transaction("ALTER TABLE APPEND")?;
        return Err(Refusal::limit("ALTER TABLE APPEND"));
    }
    if ahead.take("add") {
        return add(ahead, edits).map(|()| None);
    }
    if ahead.take("alter") {
        if let Some(change) = storage::alter(&name, &mut ahead)? {
            if ahead.peek().is_some() {
                return Err(ahead.error());
            }
            let step =
                Step { text: Edited::new(change, name.range.start), reply: Reply::Tag("ALTER TABLE"), error_at: None };
            return Ok(Some(vec![step]));
        }
        ahead.take("column");
        return widen(&name, ahead, context).map(|()| None);
    }
    let known = ["rename", "drop", "owner"];
    if ahead.peek().is_some_and(|token| known.iter().any(|word| token.is(word))) {
        Ok(None)
    } else {
        Err(ahead.error())
    }
}

/// One column at a time.
fn add(mut cursor: Cursor<'_, '_>, edits: &mut Edits) -> Result<(), Refusal> {
    cursor.take("column");
    if cursor.peek().is_some_and(|token| token.is("if")) {
        return Err(cursor.error());
    }
    let mut depth = 0;
    while let Some(token) = cursor.next() {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth -= 1;
        } else if token.is(",") && depth == 0 {
            return Err(Refusal::syntax(&token));
        } else if token.is("encode") {
            let end = cursor.next().ok_or_else(|| cursor.error())?.range().end;
            edits.remove(token.at..end);
        } else {
            storage::data_type(token, &mut cursor, edits);
        }
    }
    Ok(())
}

/// `alter column … type varchar(n)`: nothing else can be done to a column's type.
fn widen(name: &Name, mut cursor: Cursor<'_, '_>, context: &mut Context<'_>) -> Result<(), Refusal> {
    let column = cursor.name()?.parts.remove(0);
    if !cursor.take("type") {
        return Err(cursor.error());
    }
    context.outside_transaction("ALTER TABLE ALTER COLUMN")?;
    let at = cursor.at();
    let is_text = cursor.take("varchar") || cursor.take("character varying");
    let length = if cursor.take("(") { cursor.next().map(|token| token.text.to_owned()) } else { None };
    let not_text = || Refusal::new("0A000", "ALTER COLUMN TYPE is only supported for VARCHAR columns.").at(at);
    let is_whole = cursor.take(")") && cursor.peek().is_none();
    let length: u32 = length.and_then(|length| length.parse().ok()).filter(|_| is_text).ok_or_else(not_text)?;
    if !is_whole {
        return Err(cursor.error());
    }
    let facts = (context.lookup)(&format!(
        "select a.atttypid = 1043, a.atthasdef, coalesce(redshift.encoding(c.oid, a.attname), ''), \
         redshift.longest(c.oid, a.attname) from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid \
         where c.oid = pg_catalog.to_regclass({}) and a.attname = {}",
        name.literal(),
        literal(&column)
    ));
    let Some(facts) = facts.into_iter().next() else { return Ok(()) };
    let fact = |at: usize| facts.get(at).and_then(Option::as_deref).unwrap_or_default();
    if fact(0) != "t" {
        return Err(not_text());
    }
    if fact(1) == "t" {
        return Err(Refusal::new("0A000", "cannot alter column with a default value").at(at));
    }
    if ["bytedict", "runlength", "text255", "text32k"].contains(&fact(2)) {
        return Err(Refusal::new("0A000", format!("cannot alter column with encoding {}", fact(2))).at(at));
    }
    if fact(3).parse().unwrap_or(0) > length {
        return Err(Refusal::new("22001", "target column size is smaller than the longest value").at(at));
    }
    Ok(())
}
