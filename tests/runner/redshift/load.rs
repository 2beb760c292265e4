//! COPY and UNLOAD, with a folder in the place of S3: `s3://bucket/prefix` is what begins with `bucket/prefix` in it.

use std::fs;
use std::path::PathBuf;

use super::edit::{Edited, Edits};
use super::lexer::{self, Kind};
use super::statement::{Context, Cursor, Refusal, Reply, Step, literal};
use super::{late_binding, statement};

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Values with a sign between them.
    #[default]
    Delimited,
    Csv,
    /// A JSON object on each line.
    Json,
}

/// What COPY and UNLOAD are told.
#[derive(Default)]
struct Options {
    format: Format,
    delimiter: Option<String>,
    null: Option<String>,
    skipped: usize,
    header: bool,
    overwrites: bool,
    has_role: bool,
}

impl Options {
    fn read(cursor: &mut Cursor<'_, '_>) -> Result<Self, Refusal> {
        let mut options = Self::default();
        while cursor.peek().is_some() {
            if cursor.take("iam_role") {
                options.has_role = true;
                if !cursor.take("default") {
                    text(cursor)?;
                }
            } else if cursor.take("credentials") || cursor.take("region") {
                cursor.skip(&["as"]);
                options.has_role = true;
                text(cursor)?;
            } else if cursor.take("format") {
                cursor.skip(&["as"]);
            } else if cursor.take("csv") {
                options.format = Format::Csv;
            } else if cursor.take("json") {
                cursor.skip(&["as"]);
                options.format = Format::Json;
                if cursor.peek().is_some_and(|token| token.kind == Kind::Text) && text(cursor)? != "auto" {
                    return Err(Refusal::limit("JSON paths"));
                }
            } else if cursor.take("ignoreheader") {
                cursor.skip(&["as"]);
                let count = cursor.next().and_then(|token| token.text.parse().ok());
                options.skipped = count.ok_or_else(|| cursor.error())?;
            } else if cursor.take("delimiter") {
                cursor.skip(&["as"]);
                options.delimiter = Some(text(cursor)?);
            } else if cursor.take("null") {
                cursor.skip(&["as"]);
                options.null = Some(text(cursor)?);
            } else if cursor.take("header") {
                options.header = true;
            } else if cursor.take("allowoverwrite") {
                options.overwrites = true;
            } else if cursor.take("parallel") {
                cursor.next();
            } else if cursor.take("parquet") || cursor.take("avro") || cursor.take("orc") {
                return Err(Refusal::limit("files that are neither CSV nor JSON"));
            } else {
                return Err(cursor.error());
            }
        }
        if !options.has_role {
            return Err(Refusal::new("42601", "CREDENTIALS argument is required but not provided"));
        }
        Ok(options)
    }

    /// As PostgreSQL's COPY reads and writes it.
    fn words(&self) -> String {
        let delimiter =
            self.delimiter.clone().unwrap_or_else(|| if self.format == Format::Csv { "," } else { "|" }.to_owned());
        let mut words = format!("format csv, delimiter {}", literal(&delimiter));
        if let Some(null) = &self.null {
            words += &format!(", null {}", literal(null));
        }
        words
    }
}

fn text(cursor: &mut Cursor<'_, '_>) -> Result<String, Refusal> {
    match cursor.peek() {
        Some(token) if token.kind == Kind::Text => {
            cursor.next();
            Ok(token.content())
        }
        _ => Err(cursor.error()),
    }
}

fn path(cursor: &mut Cursor<'_, '_>, context: &Context<'_>) -> Result<PathBuf, Refusal> {
    let address = text(cursor)?;
    match address.strip_prefix("s3://") {
        Some(key) if !key.split('/').any(|part| part == "..") => Ok(context.files.join(key)),
        _ => Err(Refusal::limit(&format!("the place {address}"))),
    }
}

/// Behind the word COPY.
pub(super) fn copy(cursor: &mut Cursor<'_, '_>, context: &mut Context<'_>) -> Result<Vec<Step>, Refusal> {
    let table = cursor.name()?;
    let mut columns = if cursor.peek().is_some_and(|token| token.is("(")) { cursor.names()? } else { Vec::new() };
    if !cursor.take("from") {
        return Err(cursor.error());
    }
    let prefix = path(cursor, context)?;
    let options = Options::read(cursor)?;
    let names = format!(
        "select attname from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass({}) and attnum > 0 \
         and not attisdropped order by attnum",
        table.literal()
    );
    if columns.is_empty() {
        columns = (context.lookup)(&names).into_iter().filter_map(|row| row.into_iter().next()?).collect();
    }
    let files = files(&prefix);
    if files.is_empty() {
        let message = "The specified S3 prefix does not exist";
        let key = prefix.strip_prefix(context.files).unwrap_or(&prefix).display().to_string();
        return Err(Refusal { detail: key, ..Refusal::new("XX000", message) });
    }
    let mut data = String::new();
    for file in files {
        let content = fs::read_to_string(&file).map_err(|error| Refusal::new("XX000", error.to_string()))?;
        for line in content.lines().skip(options.skipped).filter(|line| !line.is_empty()) {
            let line = if options.format == Format::Json { json_line(line, &columns)? } else { line.to_owned() };
            data += &line;
            data.push('\n');
        }
    }
    let words = if options.format == Format::Json { "format csv".to_owned() } else { options.words() };
    let columns: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.replace('"', "\"\""))).collect();
    let list = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let text = format!("copy {}{list} from stdin with ({words})", table.quoted());
    let step =
        Step { text: Edited::new(text, table.range.start), reply: Reply::Load(data.into_bytes()), error_at: None };
    Ok(vec![step])
}

/// A file, or all that begin so, in order.
fn files(prefix: &std::path::Path) -> Vec<PathBuf> {
    let folder = if prefix.is_dir() { prefix } else { prefix.parent().unwrap_or(prefix) };
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let begins = |path: &PathBuf| path.to_string_lossy().starts_with(&*prefix.to_string_lossy()) && path.is_file();
    let mut files: Vec<PathBuf> = entries.filter(begins).collect();
    files.sort();
    files
}

/// `json 'auto'`: keys are names of columns.
fn json_line(line: &str, columns: &[String]) -> Result<String, Refusal> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line).map_err(|error| Refusal::new("XX000", format!("Invalid JSON: {error}")))?;
    let value = |column: &String| match object.iter().find(|(key, _)| key.eq_ignore_ascii_case(column)) {
        None | Some((_, serde_json::Value::Null)) => String::new(),
        Some((_, serde_json::Value::String(text))) => format!("\"{}\"", text.replace('"', "\"\"")),
        Some((_, other)) => format!("\"{}\"", other.to_string().replace('"', "\"\"")),
    };
    Ok(columns.iter().map(value).collect::<Vec<_>>().join(","))
}

/// Behind the word UNLOAD.
pub(super) fn unload(cursor: &mut Cursor<'_, '_>, context: &mut Context<'_>) -> Result<Vec<Step>, Refusal> {
    if !cursor.take("(") {
        return Err(cursor.error());
    }
    let at = cursor.at();
    let query = text(cursor)?;
    if !cursor.take(")") || !cursor.take("to") {
        return Err(cursor.error());
    }
    let prefix = path(cursor, context)?;
    let options = Options::read(cursor)?;
    if options.format == Format::Json {
        return Err(Refusal::limit("UNLOAD to JSON"));
    }
    let file = PathBuf::from(format!("{}0000_part_00", prefix.display()));
    if file.exists() && !options.overwrites {
        let message = "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, \
                       manually removing the target files in S3, or using the ALLOWOVERWRITE option.";
        return Err(Refusal::new("XX000", message));
    }
    let tokens = lexer::read(&query);
    let mut edits = Edits::default();
    statement::names(&tokens, &mut edits);
    statement::units(&tokens, &mut edits);
    let views = (context.lookup)(late_binding::LIST).into_iter().filter_map(late_binding::View::from_row);
    late_binding::expand(&query, &tokens, &views.collect::<Vec<_>>(), &mut edits, 0)?;
    let query = edits.apply(&query, 0..query.len()).text;
    let header = if options.header { ", header" } else { "" };
    let text = format!("copy ({query}) to stdout with ({}{header})", options.words());
    Ok(vec![Step { text: Edited::new(text, at), reply: Reply::Unload(file), error_at: None }])
}
