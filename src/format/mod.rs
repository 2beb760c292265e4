//! `.sqlx` files laid out: the same text with other blanks.
//!
//! [`format`] moves words from line to line, and changes nothing that has a meaning. Strings, quoted names, comments,
//! placeholders and tags of Jinja stay as they are, and so do the blocks of JavaScript. Each result is read again and
//! compared with what was there (`meaning.rs`); where the two are not the same, or a second pass would change the text
//! again, the file is left alone.

mod config;
mod keywords;
mod meaning;
mod printer;
mod query;
mod statement;
mod token;
mod tree;

use std::ops::Range;

use crate::diagnostic::Diagnostics;
use crate::files::{SourceFile, Sources};
use crate::format::printer::{LINE, STEP};
use crate::format::statement::Content;
use crate::format::token::{Gap, Token};
use crate::sqlx::{self, Block, BlockKind, SqlxFile, Text};

/// How often a text is laid out until it stays as it is. Most do at the first time.
const PASSES: usize = 4;

/// How keywords are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Keywords {
    /// As they are
    #[default]
    Keep,
    /// In lower case
    Lower,
    /// In upper case
    Upper,
}

/// Why a file is left as it is.
#[derive(Debug)]
pub enum Unformatted {
    /// Something in it is never closed, or the like.
    Mistakes(Diagnostics),
    /// The result would not mean the same, or not stay the same: a mistake of the formatter.
    Unsafe,
}

#[derive(Debug, Clone, Copy)]
struct Style {
    keywords: Keywords,
    line_end: &'static str,
}

/// The text of a file, laid out. With `jinja`, the tags of Jinja are kept whole. What it gives, it gives again for its own
/// result.
pub fn format(file: &SourceFile, jinja: bool, keywords: Keywords) -> Result<String, Unformatted> {
    let (tree, diagnostics) = sqlx::parse(file, jinja);
    if diagnostics.has_errors() {
        return Err(Unformatted::Mistakes(diagnostics));
    }
    let meaning = meaning::of(file.text(), &tree);
    let mut text = lay_out(file.text(), &tree, keywords);
    for _ in 0..PASSES {
        let sources = Sources::default();
        let (again, diagnostics) = sqlx::parse(sources.get(sources.add(file.path(), text.as_str())), jinja);
        if diagnostics.has_errors() || meaning::of(&text, &again) != meaning {
            return Err(Unformatted::Unsafe);
        }
        let next = lay_out(&text, &again, keywords);
        if next == text {
            return Ok(text);
        }
        text = next;
    }
    Err(Unformatted::Unsafe)
}

/// A part of a file that stands on lines of its own.
struct Part {
    text: String,
    /// The blanks before it.
    gap: Gap,
    is_block: bool,
    /// Whether it is nothing but comments.
    is_note: bool,
}

fn lay_out(text: &str, tree: &SqlxFile, keywords: Keywords) -> String {
    let first_line = text.split('\n').next().unwrap_or_default();
    let style = Style { keywords, line_end: if first_line.ends_with('\r') { "\r\n" } else { "\n" } };
    let mut out = String::new();
    if text.starts_with('\u{feff}') {
        out.push('\u{feff}');
    }
    let start = out.len();
    let mut before: Option<Part> = None;
    for part in parts(text, tree, style) {
        if let Some(before) = &before {
            let spans_lines =
                part.is_block && part.text.contains('\n') || before.is_block && before.text.contains('\n');
            let is_same_line = part.gap < Gap::Line && part.is_note && before.is_block;
            let is_apart = part.gap == Gap::EmptyLine || spans_lines && !before.is_note && !is_same_line;
            match part.gap {
                _ if is_apart => out.push_str(&style.line_end.repeat(2)),
                _ if is_same_line => out.push(' '),
                _ => out.push_str(style.line_end),
            }
        }
        out.push_str(&part.text);
        before = Some(part);
    }
    if out.len() > start && !out.ends_with('\n') {
        out.push_str(style.line_end);
    }
    out
}

/// The blocks, the SQL between them and the `---` between statements, in order.
fn parts(text: &str, tree: &SqlxFile, style: Style) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut blocks = tree.blocks.iter().peekable();
    for (number, statement) in tree.statements.iter().enumerate() {
        let span = statement.span.range();
        if number > 0 {
            let start = text[at..span.start].find("---").map_or(at, |length| at + length);
            parts.push(Part { text: "---".to_owned(), gap: gap(text, start), is_block: false, is_note: false });
            at = span.start;
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut inner: Vec<&Block> = Vec::new();
        while let Some(block) = blocks.next_if(|block| block.span.range().start < span.end) {
            ranges.push(at..block.span.range().start);
            inner.push(block);
            at = block.span.range().end;
        }
        ranges.push(at..span.end);
        at = span.end;
        let segments: Vec<Vec<Token<'_>>> =
            ranges.iter().map(|range| token::tokens(text, range.clone(), &statement.lexemes)).collect();
        let has_code = |tokens: &&Vec<Token<'_>>| tokens.iter().any(|token| !token.is_aside());
        let is_interrupted = segments.iter().filter(has_code).count() > 1;
        let mut inner = inner.into_iter();
        for (range, tokens) in ranges.iter().zip(&segments) {
            if let Some(first) = tokens.first() {
                let written = text[range.clone()].trim_ascii();
                let text = if is_interrupted {
                    written.to_owned()
                } else {
                    statement::format(tokens, Content::Statements, 0, style)
                };
                let is_note = tokens.iter().all(Token::is_comment);
                parts.push(Part { text, gap: first.gap, is_block: false, is_note });
            }
            if let Some(block) = inner.next() {
                let start = block.span.range().start;
                let (gap, text) = (gap(text, start), self::block(text, tree, block, style));
                parts.push(Part { text, gap, is_block: true, is_note: false });
            }
        }
    }
    parts
}

/// The blanks before a place.
fn gap(text: &str, at: usize) -> Gap {
    let before = &text[..at];
    let blanks = &before[before.trim_ascii_end().len()..];
    match blanks.matches('\n').count().max(blanks.matches('\r').count()) {
        0 if blanks.is_empty() => Gap::None,
        0 => Gap::Space,
        1 => Gap::Line,
        _ => Gap::EmptyLine,
    }
}

fn block(text: &str, tree: &SqlxFile, block: &Block, style: Style) -> String {
    let written = &text[block.span.range()];
    let head = text[block.span.start as usize..block.body.start as usize].trim_end_matches('{');
    let head = head.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    match block.kind {
        BlockKind::Js => written.to_owned(),
        BlockKind::Config => config::format(&head, object(text, block), style).unwrap_or_else(|| written.to_owned()),
        _ => match statements(tree, block) {
            Some(statements) => sql_block(text, &head, block, statements, style),
            // A block without effect.
            None => written.to_owned(),
        },
    }
}

/// A block from its opening brace on.
fn object<'a>(text: &'a str, block: &Block) -> &'a str {
    &text[block.body.start as usize - 1..block.span.end as usize]
}

/// The SQL in a block; `None` for one that a later one puts out of effect.
fn statements<'a>(tree: &'a SqlxFile, block: &Block) -> Option<&'a [Text]> {
    let is_last = || tree.block(block.kind).is_some_and(|last| last.span == block.span);
    match block.kind {
        BlockKind::PreOperations if is_last() => Some(&tree.pre_operations),
        BlockKind::PostOperations if is_last() => Some(&tree.post_operations),
        BlockKind::IncrementalWhere if is_last() => tree.incremental_where.as_ref().map(std::slice::from_ref),
        BlockKind::Input => {
            let input = tree.inputs.iter().find(|input| input.keyword == block.keyword)?;
            Some(std::slice::from_ref(&input.body))
        }
        _ => None,
    }
}

fn sql_block(text: &str, head: &str, block: &Block, statements: &[Text], style: Style) -> String {
    let is_condition = block.kind == BlockKind::IncrementalWhere;
    let content = if is_condition { Content::Condition } else { Content::Statements };
    let sql = |statement: &Text, indent: usize| {
        let tokens = token::tokens(text, statement.span.range(), &statement.lexemes);
        statement::format(&tokens, content, indent, style)
    };
    if let [statement] = statements
        && !text[block.body.range()].contains(['\n', '\r'])
    {
        let sql = sql(statement, 0);
        let line = if sql.is_empty() { format!("{head} {{}}") } else { format!("{head} {{ {sql} }}") };
        if line.chars().count() <= LINE && !line.contains(['\n', '\r']) {
            return line;
        }
    }
    let mut out = format!("{head} {{");
    let mut at = block.body.start as usize;
    for (number, statement) in statements.iter().enumerate() {
        let span = statement.span.range();
        if number > 0 {
            let start = text[at..span.start].find("---").map_or(at, |length| at + length);
            out.push_str(&style.line_end.repeat(if gap(text, start) == Gap::EmptyLine { 2 } else { 1 }));
            out.push_str(&" ".repeat(STEP));
            out.push_str("---");
        }
        at = span.end;
        let sql = sql(statement, STEP);
        if !sql.is_empty() {
            let start = span.start + text[span.clone()].len() - text[span.clone()].trim_ascii_start().len();
            let is_apart = number > 0 && gap(text, start) == Gap::EmptyLine;
            out.push_str(&style.line_end.repeat(if is_apart { 2 } else { 1 }));
            out.push_str(&sql);
        }
    }
    out.push_str(style.line_end);
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What means something to the formatter.
    const WORDS: &[&str] = &[
        " ",
        " ",
        " ",
        " ",
        " ",
        "\n",
        "\n",
        "\n",
        "\n\n",
        "\n    ",
        "\t",
        "\r\n",
        "select",
        "select",
        "from",
        "from",
        "where",
        "and",
        "or",
        "between",
        "with",
        "as",
        "(",
        "(",
        ")",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ",",
        ",",
        ";",
        "case",
        "when",
        "then",
        "else",
        "end",
        "union all",
        "group by",
        "order by",
        "limit",
        "left join",
        "join",
        "on",
        "over",
        "a",
        "b",
        "x",
        "1",
        "*",
        ".",
        "=",
        "<=",
        "-",
        "||",
        "::",
        "'a'",
        "'a\nb'",
        "\"q\"",
        "`p`",
        "'",
        "-- c\n",
        "\n-- own\n",
        "/* c */",
        "/*\n c */",
        "# c\n",
        "${ref(\"a\")}",
        "${x}",
        "${\n  y\n}",
        "{{ ref('a') }}",
        "{{ x }}",
        "{% if a %}",
        "{% endif %}",
        "\n{% if a %}\n",
        "\n{% endif %}\n",
        "{# n #}",
        "\n---\n",
        "create table t as",
        "insert into t",
        "delete from",
        "config { type: \"table\" }",
        "\nconfig {type:'a', b: [1,2], // c\n c: {}}\n",
        "\njs { const a = 1 }\n",
        "\npre_operations {",
        "\ninput \"a\" {",
        "\nincremental_where {",
        "\n}\n",
        "|>",
        "é",
        "$$",
    ];

    /// SQL in which brackets match.
    fn sql() -> impl Strategy<Value = String> {
        let words: Vec<&'static str> = WORDS
            .iter()
            .copied()
            .filter(|word| !word.contains(['(', ')', '[', ']', '{', '}', '$']) || word.contains("${ref"))
            .filter(|word| !matches!(*word, "'" | "case" | "end"))
            .collect();
        let word = proptest::sample::select(words).prop_map(str::to_owned);
        word.prop_recursive(4, 80, 12, |inner| {
            let some = proptest::collection::vec(inner, 1..12).prop_map(|parts| parts.concat());
            prop_oneof![
                4 => some.clone(),
                2 => some.clone().prop_map(|some| format!("({some})")),
                1 => some.clone().prop_map(|some| format!(" (select {some})")),
                1 => some.prop_map(|some| format!(" case when {some} then 1 end ")),
            ]
        })
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            1 => any::<String>(),
            3 => proptest::collection::vec(proptest::sample::select(WORDS), 0..60).prop_map(|words| words.concat()),
            3 => sql().prop_map(|sql| format!("select {sql}")),
            1 => sql().prop_map(|sql| format!("with a as ({sql}) select {sql}")),
            1 => sql().prop_map(|sql| format!("incremental_where {{ {sql}\n}}")),
        ]
    }

    fn formatted(text: &str, jinja: bool, keywords: Keywords) -> Result<String, Unformatted> {
        let sources = Sources::default();
        format(sources.get(sources.add("a.sqlx", text)), jinja, keywords)
    }

    fn letters(text: &str) -> Vec<char> {
        let mut letters: Vec<char> = text.to_lowercase().chars().filter(|char| !char.is_whitespace()).collect();
        letters.sort_unstable();
        letters
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_result_has_the_same_letters_and_stays_as_it_is(text in text(), jinja: bool) {
            for keywords in [Keywords::Keep, Keywords::Upper] {
                if let Ok(once) = formatted(&text, jinja, keywords) {
                    prop_assert_eq!(letters(&once), letters(&text));
                    prop_assert_eq!(&formatted(&once, jinja, keywords).ok(), &Some(once));
                }
            }
        }
    }

    #[test]
    fn line_ends_stay_as_they_are() {
        let text = "config {\r\n type: 'table' }\r\nselect a,\r\n  b\r\nfrom t\r\n";
        let expected = "config {\r\n  type: 'table'\r\n}\r\n\r\nselect\r\n  a,\r\n  b\r\nfrom t\r\n";
        assert_eq!(formatted(text, true, Keywords::Keep).ok().as_deref(), Some(expected));
    }
}
