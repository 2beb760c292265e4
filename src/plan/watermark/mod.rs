//! What an incremental text asks its own table, such as `(select max(ts) from ${self()})`. A subquery leaves no partition
//! of what it is compared with unread; a variable does. So the subquery becomes a variable that is set first.
//!
//! The newest value of the column that the table is partitioned by is itself looked for in the newest partition alone,
//! which the warehouse's own list of partitions names. That list may be old, and rows that have just been streamed in are
//! in no partition yet; so it is only a hint: a value found from there on is the greatest there is, as all others are
//! less, and where there is none the whole table is asked.

mod subquery;

use std::ops::Range;

use sqlparser::tokenizer::{Token, Tokenizer};

use crate::dialect::{Dialect, syntax};
use crate::plan::multi_statement::{JobWriter, declare};
use crate::plan::statement::{Statement, WarehouseText};
use crate::relation::{Column, Layout, Target};
use subquery::{Kind, Occurrences};

/// A table that a text may ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnTable<'a> {
    pub(super) target: &'a Target,
    pub(super) columns: &'a [Column],
    pub(super) layout: &'a Layout,
    pub(super) dialect: &'a dyn Dialect,
}

/// A variable for what a text asks its own table.
#[derive(Debug, Clone)]
pub(super) struct Watermark {
    name: String,
    data_type: Option<String>,
    /// The subquery, in parentheses.
    plain: String,
    newest: Option<Newest>,
}

/// How the greatest value is found without a look at all partitions.
#[derive(Debug, Clone)]
struct Newest {
    name: String,
    /// Where the newest partition begins, in parentheses.
    start: String,
    /// The subquery from there on, in parentheses.
    bounded: String,
}

/// A text with places for watermarks.
#[derive(Debug, Clone, Default)]
pub(super) struct Source {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(Statement),
    /// By its place in the list.
    Watermark(usize),
}

impl Source {
    /// Adds SQL of trueup's own.
    pub(super) fn push(&mut self, sql: &str) {
        self.pieces.push(Piece::Text(Statement::new(sql)));
    }

    /// Adds a text of the project. `head` is what stands before it where it is only a part of a query.
    pub(super) fn push_text(
        &mut self,
        head: &str,
        text: &WarehouseText,
        table: &OwnTable<'_>,
        watermarks: &mut Vec<Watermark>,
    ) {
        let mut behind = 0;
        let sql = text.sql();
        for found in find(head, sql, table) {
            let watermark = watermark(&found, sql, table, watermarks.len() + 1);
            let known = watermarks.iter().position(|known| known.plain == watermark.plain);
            let place = known.unwrap_or(watermarks.len());
            if known.is_none() {
                watermarks.push(watermark);
            }
            self.push_part(text, behind..found.range.start);
            behind = found.range.end;
            let Kind::Greatest { projection, calls, .. } = &found.kind else {
                self.pieces.push(Piece::Watermark(place));
                continue;
            };
            self.push("(");
            let mut start = projection.start;
            for call in calls {
                self.push_part(text, start..call.max.start);
                if let Some(column) = &call.column {
                    self.push_part(text, call.max.end..column.start);
                }
                self.pieces.push(Piece::Watermark(place));
                start = call.column.as_ref().unwrap_or(&call.max).end;
            }
            self.push_part(text, start..projection.end);
            self.push(")");
        }
        self.push_part(text, behind..sql.len());
    }

    /// The same with others in the place of parts that are as long.
    pub(super) fn replaced(&self, pairs: &[(&str, &str)]) -> Self {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(text.replaced(pairs)),
            Piece::Watermark(place) => Piece::Watermark(*place),
        };
        Self { pieces: self.pieces.iter().map(piece).collect() }
    }

    fn push_part(&mut self, text: &WarehouseText, range: Range<usize>) {
        self.pieces.push(Piece::Text(Statement::text(&text.part(range))));
    }

    /// The text with something in the place of each watermark.
    pub(super) fn with<'t>(&'t self, say: impl Fn(usize) -> &'t str) -> Statement {
        self.pieces.iter().fold(Statement::default(), |all, piece| match piece {
            Piece::Text(text) => all.then_statement(text),
            Piece::Watermark(place) => all.then(say(*place)),
        })
    }
}

impl Watermark {
    /// Its variable.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What stands for it where there are no variables.
    pub(super) fn plain(&self) -> &str {
        &self.plain
    }

    /// Declares where to look first. What it finds may be old.
    pub(super) fn hint(&self) -> Option<Statement> {
        let newest = self.newest.as_ref()?;
        Some(declare(&newest.name, self.data_type.as_deref(), &newest.start))
    }

    /// Behind that.
    pub(super) fn declaration(&self) -> Statement {
        let value = self.newest.as_ref().map_or(&self.plain, |newest| &newest.bounded);
        declare(&self.name, self.data_type.as_deref(), value)
    }

    /// Behind both.
    pub(super) fn settle(&self, job: &mut JobWriter<'_>) {
        if self.newest.is_some() {
            let Self { name, plain, .. } = self;
            job.run(&Statement::new(format!("if {name} is null then\nset {name} = {plain};\nend if")));
        }
    }

    /// A script whose last statement gives the value.
    pub(super) fn query(&self, dialect: &dyn Dialect) -> Statement {
        let mut job = JobWriter::new(dialect);
        let declarations: Vec<Statement> = self.hint().into_iter().chain([self.declaration()]).collect();
        job.with(&declarations, |job| {
            self.settle(job);
            job.run(&Statement::new(format!("select {0} as {0}", self.name)));
        });
        job.into_text()
    }
}

fn watermark(found: &Found, sql: &str, table: &OwnTable<'_>, number: usize) -> Watermark {
    let dialect = table.dialect;
    let name = format!("trueup_watermark_{number}");
    let (column, data_type, start) = match &found.kind {
        Kind::Greatest { column, data_type, start, .. } => (column, data_type, start),
        Kind::Value(data_type) => {
            let plain = sql.get(found.range.clone()).unwrap_or_default().to_owned();
            return Watermark { name, data_type: data_type.clone(), plain, newest: None };
        }
    };
    // A name that the table shares with its column would mean a whole row.
    let alias = if column.eq_ignore_ascii_case(&table.target.name) { " as own" } else { "" };
    let relation = format!("{}{alias}", dialect.relation(table.target));
    let column = dialect.identifier(column);
    let newest_name = format!("trueup_newest_{number}");
    let newest = Newest {
        bounded: format!("(select max({column}) from {relation} where {column} >= {newest_name})"),
        start: start.clone(),
        name: newest_name,
    };
    let plain = format!("(select max({column}) from {relation})");
    Watermark { name, data_type: Some(data_type.clone()), plain, newest: Some(newest) }
}

/// A subquery that can be a variable.
struct Found {
    /// With its parentheses.
    range: Range<usize>,
    kind: Kind,
}

type Words = Vec<(Token, Range<usize>)>;

/// The subqueries in a text that ask nothing but its own table, and can be asked before it.
fn find(head: &str, sql: &str, table: &OwnTable<'_>) -> Vec<Found> {
    if !sql.contains(table.target.name.as_str()) || !sql.to_ascii_lowercase().contains("select") {
        return Vec::new();
    }
    let Ok(statements) = syntax::parse(&format!("{head}{sql}"), table.dialect) else { return Vec::new() };
    let words = words(sql, table.dialect);
    let mut regions = Vec::new();
    let mut open = Vec::new();
    for (at, (token, range)) in words.iter().enumerate() {
        match token {
            Token::LParen => open.push(at),
            Token::RParen => {
                let Some(start) = open.pop() else { return Vec::new() };
                if words.get(start + 1).is_some_and(|(token, _)| is_word(token, "select")) {
                    regions.push((start..at + 1, words[start].1.start..range.end));
                }
            }
            _ => {}
        }
    }
    let queries = regions.into_iter().filter_map(|(place, range)| {
        let query = subquery::parse(sql.get(range.start + 1..range.end - 1)?, table.dialect)?;
        Some((place, range, query))
    });
    let queries: Vec<_> = queries.collect();
    let mut found: Vec<Found> = queries
        .iter()
        .filter(|(_, _, query)| {
            let regions = queries.iter().filter(|(_, _, other)| other == query).count();
            Occurrences::of(query, &statements) == Occurrences { all: regions, scalar: regions }
        })
        .filter_map(|(place, range, query)| {
            let kind = subquery::kind(query, &words[place.clone()], table)?;
            Some(Found { range: range.clone(), kind })
        })
        .collect();
    found.sort_by_key(|found| found.range.start);
    found
}

fn words(sql: &str, dialect: &dyn Dialect) -> Words {
    let tokens = Tokenizer::new(dialect.grammar(), sql).tokenize_with_location().unwrap_or_default();
    let tokens = tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    tokens.map(|token| (token.token, syntax::range(sql, token.span))).collect()
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}
