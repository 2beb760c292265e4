//! How tables lie: `diststyle`, `distkey`, `sortkey`, `encode` and `backup` are taken off the text, checked, and kept beside.

use super::edit::Edits;
use super::lexer::Token;
use super::statement::{Cursor, Name, Refusal, literal};

/// What is said of one table.
#[derive(Debug, Default)]
pub(super) struct Storage {
    style: Option<String>,
    dist_key: Option<String>,
    /// `None` where nothing is said, empty for `auto`.
    sort_keys: Option<Vec<String>>,
    is_interleaved: bool,
    no_backup: bool,
    /// Columns and the names of encodings.
    encodings: Vec<(String, String)>,
}

const STYLES: [&str; 4] = ["auto", "even", "key", "all"];

const ENCODINGS: [&str; 14] = [
    "auto",
    "az64",
    "bytedict",
    "delta",
    "delta32k",
    "lzo",
    "mostly8",
    "mostly16",
    "mostly32",
    "raw",
    "runlength",
    "text255",
    "text32k",
    "zstd",
];

impl Storage {
    /// Takes one attribute of a table. Gives whether there was one.
    fn take(&mut self, cursor: &mut Cursor<'_, '_>) -> Result<bool, Refusal> {
        let mut before = cursor.clone();
        if cursor.take("backup") {
            self.no_backup = cursor.take("no");
            if !self.no_backup && !cursor.take("yes") {
                return Err(cursor.error());
            }
        } else if cursor.take("diststyle") {
            self.style = Some(word(cursor, &STYLES)?);
        } else if cursor.take("distkey") {
            let mut names = cursor.names()?;
            if names.len() > 1 || self.dist_key.is_some() {
                return Err(Refusal::new("42601", "only one column can be the DISTKEY").at(before.at()));
            }
            self.dist_key = names.pop();
        } else if cursor.take("sortkey auto") {
            self.sort_keys = Some(Vec::new());
        } else if ["compound sortkey", "interleaved sortkey", "sortkey"].iter().any(|words| cursor.take(words)) {
            self.is_interleaved = before.take("interleaved");
            self.sort_keys = Some(cursor.names()?);
        } else if cursor.take("encode") {
            word(cursor, &["auto"])?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What the manual says of keys that do not go together.
    fn check(&self) -> Result<(), Refusal> {
        let error = |message: &str| Err(Refusal::new("42601", message));
        let style = self.style.as_deref();
        if self.dist_key.is_some() && style.is_some_and(|style| style != "key") {
            return error("DISTSTYLE must be KEY where a DISTKEY is declared");
        }
        if self.dist_key.is_none() && style == Some("key") {
            return error("DISTSTYLE KEY needs a DISTKEY column");
        }
        let keys = self.sort_keys.as_ref().map_or(0, Vec::len);
        if self.is_interleaved && keys > 8 {
            return error("an interleaved SORTKEY can have no more than 8 columns");
        }
        if keys > 400 {
            return error("a SORTKEY can have no more than 400 columns");
        }
        Ok(())
    }

    /// The statement that keeps it.
    fn keep(&self, name: &Name, only_if_new: bool) -> String {
        let or_null = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), literal);
        let sort_keys = self.sort_keys.as_ref().map(|keys| {
            let keys: Vec<String> = keys.iter().map(|key| literal(key)).collect();
            format!("array[{}]::text[]", keys.join(", "))
        });
        let encodings: serde_json::Map<String, serde_json::Value> =
            self.encodings.iter().map(|(column, encoding)| (column.clone(), encoding.clone().into())).collect();
        format!(
            "select redshift.keep_storage({}, {}, {}, {}, {}, {}, {}, {only_if_new})",
            name.literal(),
            or_null(self.style.as_deref()),
            or_null(self.dist_key.as_deref()),
            sort_keys.unwrap_or_else(|| "null".to_owned()),
            self.is_interleaved,
            self.no_backup,
            literal(&serde_json::Value::Object(encodings).to_string()),
        )
    }
}

fn word(cursor: &mut Cursor<'_, '_>, known: &[&str]) -> Result<String, Refusal> {
    let found =
        cursor.peek().map(|token| token.text.to_ascii_lowercase()).filter(|word| known.contains(&word.as_str()));
    let found = found.ok_or_else(|| cursor.error())?;
    cursor.next();
    Ok(found)
}

/// Takes attributes for as long as there are any, off the text too.
fn attributes(cursor: &mut Cursor<'_, '_>, storage: &mut Storage, edits: &mut Edits) -> Result<(), Refusal> {
    loop {
        let before = cursor.clone();
        if !storage.take(cursor)? {
            return Ok(());
        }
        remove(&before, cursor, edits);
    }
}

/// Takes what stands between two places off the text.
fn remove(before: &Cursor<'_, '_>, after: &Cursor<'_, '_>, edits: &mut Edits) {
    let taken = &before.tokens[..before.tokens.len() - after.tokens.len()];
    if let (Some(first), Some(last)) = (taken.first(), taken.last()) {
        edits.remove(first.at..last.range().end);
    }
}

/// Reads on from `create table`. Gives the statement that keeps the storage, and whether a query makes the table.
pub(super) fn table(cursor: &mut Cursor<'_, '_>, edits: &mut Edits) -> Result<(String, bool), Refusal> {
    let only_if_new = cursor.take("if not exists");
    let name = cursor.name()?;
    let mut storage = Storage::default();
    if cursor.take("(") {
        columns(cursor, &mut storage, edits)?;
    }
    attributes(cursor, &mut storage, edits)?;
    let has_query = cursor.take("as");
    if !has_query && cursor.peek().is_some() {
        return Err(cursor.error());
    }
    storage.check()?;
    Ok((storage.keep(&name, only_if_new), has_query))
}

/// The same from `create materialized view`.
pub(super) fn materialized_view(cursor: &mut Cursor<'_, '_>, edits: &mut Edits) -> Result<String, Refusal> {
    let name = cursor.name()?;
    let mut storage = Storage::default();
    attributes(cursor, &mut storage, edits)?;
    let before = cursor.clone();
    if cursor.take("auto refresh") {
        word(cursor, &["yes", "no"])?;
        remove(&before, cursor, edits);
    }
    if !cursor.take("as") {
        return Err(cursor.error());
    }
    storage.check()?;
    Ok(storage.keep(&name, false))
}

/// Columns and constraints between brackets, of which the first is taken already.
fn columns(cursor: &mut Cursor<'_, '_>, storage: &mut Storage, edits: &mut Edits) -> Result<(), Refusal> {
    loop {
        let before = cursor.clone();
        let first = cursor.peek().ok_or_else(|| cursor.error())?;
        let is_constraint = ["constraint", "primary", "unique", "foreign"].iter().any(|word| first.is(word));
        let column = cursor.next().map(|token| token.name()).unwrap_or_default();
        let mut depth = 0;
        loop {
            let at = cursor.clone();
            let token = cursor.next().ok_or_else(|| cursor.error())?;
            if token.is("(") {
                depth += 1;
            } else if depth == 0 && (token.is(",") || token.is(")")) {
                if is_constraint {
                    // Declared and not enforced, as on Redshift; what is left of the list must not end in a comma.
                    remove(&before, &at, edits);
                    edits.replace(first.at..first.at, "check (true)");
                }
                if token.is(")") {
                    return Ok(());
                }
                break;
            } else if token.is(")") {
                depth -= 1;
            } else if !is_constraint {
                column_attribute(&column, token, &at, cursor, storage, edits)?;
            }
        }
    }
}

fn column_attribute(
    column: &str,
    token: Token<'_>,
    at: &Cursor<'_, '_>,
    cursor: &mut Cursor<'_, '_>,
    storage: &mut Storage,
    edits: &mut Edits,
) -> Result<(), Refusal> {
    if token.is("distkey") {
        storage.dist_key = Some(column.to_owned());
    } else if token.is("sortkey") {
        storage.sort_keys = Some(vec![column.to_owned()]);
    } else if token.is("encode") {
        storage.encodings.push((column.to_owned(), word(cursor, &ENCODINGS)?));
    } else if token.is("primary") {
        cursor.take("key");
    } else if token.is("references") {
        cursor.name()?;
        if cursor.peek().is_some_and(|token| token.is("(")) {
            cursor.names()?;
        }
    } else if !token.is("unique") {
        data_type(token, cursor, edits);
        return Ok(());
    }
    remove(at, cursor, edits);
    Ok(())
}

/// Types that Redshift reads as others: `text` is `varchar(256)`.
pub(super) fn data_type(token: Token<'_>, cursor: &mut Cursor<'_, '_>, edits: &mut Edits) {
    let has_length = cursor.peek().is_some_and(|next| next.is("("));
    if token.is("text") || token.is("varchar") && !has_length {
        edits.replace(token.range(), "varchar(256)");
    } else if token.is("max") {
        edits.replace(token.range(), "65535");
    }
}

/// `alter diststyle …`, `alter distkey …`, `alter … sortkey …`, `alter column … encode …`, behind the word ALTER. Gives the
/// statement that keeps it.
pub(super) fn alter(name: &Name, cursor: &mut Cursor<'_, '_>) -> Result<Option<String>, Refusal> {
    let name = name.literal();
    let change = |what: &str, value: String| Ok(Some(format!("select redshift.change_{what}({name}, {value})")));
    if cursor.take("distkey") {
        let key = cursor.name()?.parts.remove(0);
        return change("distribution", format!("'key', {}", literal(&key)));
    }
    if cursor.take("diststyle") {
        let style = word(cursor, &STYLES)?;
        let key = if cursor.take("distkey") { literal(&cursor.name()?.parts.remove(0)) } else { "null".to_owned() };
        return change("distribution", format!("'{style}', {key}"));
    }
    if cursor.take("sortkey auto") || cursor.take("sortkey none") {
        return change("sort_keys", "null".to_owned());
    }
    if cursor.take("compound sortkey") || cursor.take("sortkey") {
        let keys: Vec<String> = cursor.names()?.iter().map(|key| literal(key)).collect();
        return change("sort_keys", format!("array[{}]", keys.join(", ")));
    }
    if cursor.take("encode auto") {
        return change("encodings", "'{}'".to_owned());
    }
    let mut ahead = cursor.clone();
    if ahead.take("column") {
        let column = ahead.name()?.parts.remove(0);
        if ahead.take("encode") {
            let encoding = word(&mut ahead, &ENCODINGS)?;
            cursor.tokens = ahead.tokens;
            return change("encoding", format!("{}, '{encoding}'", literal(&column)));
        }
    }
    Ok(None)
}
