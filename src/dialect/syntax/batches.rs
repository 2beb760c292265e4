//! A query that only lists rows, cut into several that are short enough to be understood.

use std::ops::Range;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::{Problem, split, verdict};
use crate::dialect::Dialect;

/// How long a text may be that is cut, in bytes: its words take some fifty times as much while it is.
const LONGEST: usize = 32 << 20;

/// How long a batch is, two rows aside, and how many rows it may have: longer lists have no translation.
const LENGTH: usize = 32 << 10;
const MOST_ROWS: usize = 200;

/// Some rows of a query, as a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The bytes of which it is made, in order.
    pub parts: Vec<Range<usize>>,
    /// How many of its first rows it has only for the names of their columns: they are those of the first batch.
    pub repeated: usize,
}

/// Cuts `select … union all select …` or `select * from unnest([…])`. Columns are named in the first batch.
pub fn batches(sql: &str, dialect: &dyn Dialect) -> Result<Vec<Batch>, Problem> {
    let problem = |message: &str| Problem {
        range: 0..sql.lines().next().map_or(0, str::len),
        message: message.to_owned(),
        help: Some("write them as `select … union all select …` or as `select * from unnest([…])`".to_owned()),
        certain: false,
    };
    if sql.len() > LONGEST {
        return Err(problem(&format!("rows of more than {} MiB are not looked at", LONGEST >> 20)));
    }
    let tokens = Tokenizer::new(dialect.grammar(), sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| verdict::of_characters(sql, &error))?;
    let words = Words::of(sql, &tokens);
    let cut = words.by_union().or_else(|| words.by_element());
    cut.ok_or_else(|| problem("so many rows are only understood where they are listed"))
}

/// The tokens of a text that are no white space.
struct Words<'a> {
    words: Vec<Word<'a>>,
    length: usize,
}

#[derive(Debug, Clone)]
struct Word<'a> {
    token: &'a Token,
    range: Range<usize>,
    /// How many brackets are open around it; a bracket stands within itself.
    depth: usize,
}

impl<'a> Words<'a> {
    fn of(sql: &str, tokens: &'a [TokenWithSpan]) -> Self {
        let mut cursor = Cursor { sql, at: Location::new(1, 1), byte: 0 };
        let (mut words, mut depth) = (Vec::new(), 0_usize);
        for TokenWithSpan { token, span } in tokens {
            if matches!(token, Token::Whitespace(_) | Token::EOF | Token::SemiColon) {
                continue;
            }
            let start = cursor.go(span.start);
            let range = start..cursor.go(span.end);
            let opens = matches!(token, Token::LParen | Token::LBracket | Token::LBrace);
            let closes = matches!(token, Token::RParen | Token::RBracket | Token::RBrace);
            depth += usize::from(opens);
            words.push(Word { token, range, depth });
            depth = depth.saturating_sub(usize::from(closes));
        }
        Self { words, length: sql.len() }
    }

    fn keyword(&self, at: usize) -> Option<Keyword> {
        self.words.get(at).and_then(|word| split::keyword(word.token))
    }

    /// Queries with UNION ALL between them, and nothing that is about all of them.
    fn by_union(&self) -> Option<Vec<Batch>> {
        let (mut queries, mut start) = (Vec::new(), 0);
        for (at, word) in self.words.iter().enumerate().filter(|(_, word)| word.depth == 0) {
            match split::keyword(word.token) {
                Some(Keyword::UNION) if self.keyword(at + 1) == Some(Keyword::ALL) => {
                    queries.push(self.words.get(start)?.range.start..self.words.get(at.checked_sub(1)?)?.range.end);
                    start = at + 2;
                }
                Some(
                    Keyword::UNION
                    | Keyword::EXCEPT
                    | Keyword::INTERSECT
                    | Keyword::ORDER
                    | Keyword::LIMIT
                    | Keyword::OFFSET
                    | Keyword::WITH,
                ) => return None,
                _ => {}
            }
        }
        queries.push(self.words.get(start)?.range.start..self.words.last()?.range.end);
        let batches = grouped(&queries).into_iter().map(|range| Batch { parts: vec![range], repeated: 0 });
        (queries.len() > 1).then(|| batches.collect())
    }

    /// The elements of a list that is all that a query reads.
    fn by_element(&self) -> Option<Vec<Batch>> {
        let is_head = self.keyword(0) == Some(Keyword::SELECT)
            && *self.words.get(1)?.token == Token::Mul
            && self.keyword(2) == Some(Keyword::FROM)
            && self.keyword(3) == Some(Keyword::UNNEST);
        let open = self.words.iter().position(|word| *word.token == Token::LBracket)?;
        let close = self.words.iter().rposition(|word| *word.token == Token::RBracket)?;
        // What is left is the bracket, and a name for the list.
        let is_tail = self.words.len() - close <= 4 && self.words[close + 1..].iter().all(|word| word.depth <= 1);
        if !is_head || !is_tail || self.words[open].depth != 2 || self.words[close].depth != 2 || close == open + 1 {
            return None;
        }
        let (mut elements, mut start) = (Vec::new(), open + 1);
        for at in open + 1..=close {
            let word = &self.words[at];
            if at == close || word.depth == 2 && *word.token == Token::Comma {
                elements.push(self.words.get(start)?.range.start..self.words[at - 1].range.end);
                start = at + 1;
            }
        }
        let tail = elements.last()?.end..self.length;
        let second = elements.get(1).map_or(tail.start, |second| second.start);
        let batches = grouped(&elements).into_iter().enumerate().map(|(at, rows)| match at {
            0 => Batch { parts: vec![0..rows.end, tail.clone()], repeated: 0 },
            _ => Batch { parts: vec![0..second, rows, tail.clone()], repeated: 1 },
        });
        Some(batches.collect())
    }
}

/// Ranges that follow each other, several as one.
fn grouped(rows: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut count = 0;
    for row in rows {
        if let Some(group) = groups.last_mut().filter(|group| count < MOST_ROWS && row.end - group.start <= LENGTH) {
            group.end = row.end;
            count += 1;
        } else {
            groups.push(row.clone());
            count = 1;
        }
    }
    groups
}

/// Turns lines and columns that come in order into bytes.
struct Cursor<'a> {
    sql: &'a str,
    at: Location,
    byte: usize,
}

impl Cursor<'_> {
    fn go(&mut self, to: Location) -> usize {
        for char in self.sql[self.byte..].chars() {
            if (self.at.line, self.at.column) >= (to.line, to.column) {
                break;
            }
            self.byte += char.len_utf8();
            self.at = if char == '\n' {
                Location::new(self.at.line + 1, 1)
            } else {
                Location::new(self.at.line, self.at.column + 1)
            };
        }
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::BigQuery;

    fn queries(sql: &str) -> Vec<(String, usize)> {
        let text = |batch: &Batch| batch.parts.iter().map(|part| &sql[part.clone()]).collect::<String>();
        batches(sql, &BigQuery).into_iter().flatten().map(|batch| (text(&batch), batch.repeated)).collect()
    }

    #[test]
    fn queries_are_cut_between_them() {
        let one = "select 'ä union all' as a -- union all\n";
        let long = vec![one; MOST_ROWS + 1].join("union all ");
        let cut = queries(&long);
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[1], ("select 'ä union all' as a".to_owned(), 0));
        assert_eq!(cut[0].0.matches("as a").count(), MOST_ROWS);
    }

    #[test]
    fn lists_are_cut_between_their_elements() {
        let rest = vec!["(2, [3, 4])"; MOST_ROWS].join(", ");
        let cut = queries(&format!("select * from unnest([struct(1 as a, [2] as b), {rest}]) as x"));
        assert_eq!(cut[1], ("select * from unnest([struct(1 as a, [2] as b), (2, [3, 4])]) as x".to_owned(), 1));
    }

    #[test]
    fn what_is_about_all_rows_is_not_cut() {
        assert_eq!(queries("select 1 as a union all select 2 order by a"), []);
        assert_eq!(queries("select count(*) from unnest([1, 2])"), []);
        assert_eq!(queries("select * from unnest([1, 2]) where x > [1][0]"), []);
    }
}
