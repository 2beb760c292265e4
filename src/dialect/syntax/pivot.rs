//! DuckDB's own PIVOT and UNPIVOT, `pivot t on x in ('a', 'b') using sum(y) group by z`, as those that the parser knows:
//! `from t pivot (sum(y) for x in ('a', 'b') default on null ((z)))`. GROUP BY stands where only Snowflake has something.
//! What has another form stays as it is. <https://duckdb.org/docs/stable/sql/statements/pivot>

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::split::keyword;

/// So many of them are looked at in one text. Each looks for its own end.
const MOST: usize = 200;

/// Rewrites all of them. A text with more than anybody writes stays as it is.
pub(super) fn rewrite(tokens: &mut Vec<TokenWithSpan>) {
    let count = tokens.iter().filter(|token| turn(token).is_some()).count();
    if count == 0 || count > MOST {
        return;
    }
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        let written = match turn(&tokens[at]) {
            Some(turn) if begins_statement(rest) => match turn {
                Turn::Pivot => pivot(rest),
                Turn::Unpivot => unpivot(rest),
            },
            Some(Turn::Pivot) => with_groups(rest),
            _ => None,
        };
        if let Some((length, written)) = written {
            tokens.splice(at..at + length, written);
        }
        at += 1;
    }
}

enum Turn {
    Pivot,
    Unpivot,
}

fn turn(token: &TokenWithSpan) -> Option<Turn> {
    let Token::Word(word) = &token.token else { return None };
    let is = |names: [&str; 2]| names.iter().any(|name| word.value.eq_ignore_ascii_case(name));
    match word.quote_style {
        None if is(["pivot", "pivot_wider"]) => Some(Turn::Pivot),
        None if is(["unpivot", "pivot_longer"]) => Some(Turn::Unpivot),
        _ => None,
    }
}

/// Whether it stands before what it turns. In a FROM it stands behind that, before a bracket.
fn begins_statement(tokens: &[TokenWithSpan]) -> bool {
    let word = |place: usize| tokens.get(place).and_then(|token| keyword(&token.token));
    let is_query = matches!(word(2), Some(Keyword::SELECT | Keyword::FROM | Keyword::WITH | Keyword::VALUES));
    match tokens.get(1).map(|token| &token.token) {
        Some(Token::LParen) => is_query,
        Some(Token::Word(_)) => !matches!(word(1), Some(Keyword::INCLUDE | Keyword::EXCLUDE)),
        Some(Token::SingleQuotedString(_)) => true,
        _ => false,
    }
}

/// How many tokens there are before one of these words, or the end of the query.
fn until(tokens: &[TokenWithSpan], words: &[Keyword]) -> usize {
    let mut depth = 0_usize;
    let is_end = |token: &TokenWithSpan| {
        keyword(&token.token).is_some_and(|word| {
            let ends =
                matches!(word, Keyword::ORDER | Keyword::LIMIT | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT);
            ends || words.contains(&word)
        })
    };
    for (place, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace | Token::SemiColon | Token::EOF if depth == 0 => {
                return place;
            }
            Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
            _ if depth == 0 && is_end(token) => return place,
            _ => {}
        }
    }
    tokens.len()
}

/// The parts between commas outside of brackets.
fn items(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let mut depth = 0_i32;
    let is_comma = |token: &TokenWithSpan| {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
            _ => {}
        }
        depth == 0 && token.token == Token::Comma
    };
    tokens.split(is_comma).filter(|item| !item.is_empty()).collect()
}

/// Behind a word that stands there.
fn behind<'t>(tokens: &'t [TokenWithSpan], words: &[Keyword]) -> Option<&'t [TokenWithSpan]> {
    let starts = words.iter().zip(tokens).all(|(word, token)| keyword(&token.token) == Some(*word));
    if starts { tokens.get(words.len()..) } else { None }
}

/// What stands in one pair of brackets.
fn inside(tokens: &[TokenWithSpan]) -> Option<&[TokenWithSpan]> {
    let [open, inner @ .., close] = tokens else { return None };
    let is_one = open.token == Token::LParen && close.token == Token::RParen && until(inner, &[]) == inner.len();
    is_one.then_some(inner)
}

/// What is turned, and how many tokens that and the words around it are.
fn source(tokens: &[TokenWithSpan]) -> Option<(&[TokenWithSpan], &[TokenWithSpan])> {
    let tokens = tokens.get(1..)?;
    let end = until(tokens, &[Keyword::ON, Keyword::JOIN, Keyword::USING]);
    let rest = behind(&tokens[end..], &[Keyword::ON])?;
    Some((&tokens[..end], rest))
}

fn pivot(tokens: &[TokenWithSpan]) -> Option<(usize, Vec<TokenWithSpan>)> {
    let (source, rest) = source(tokens)?;
    let (columns, rest) = rest.split_at(until(rest, &[Keyword::USING, Keyword::GROUP]));
    let (aggregates, rest) = match behind(rest, &[Keyword::USING]) {
        Some(rest) => rest.split_at(until(rest, &[Keyword::GROUP])),
        None => (&rest[..0], rest),
    };
    let (groups, rest) = match behind(rest, &[Keyword::GROUP, Keyword::BY]) {
        Some(rest) => rest.split_at(until(rest, &[])),
        None => (&rest[..0], rest),
    };
    if columns.is_empty() || !items(aggregates).iter().all(|item| is_call(item)) {
        return None;
    }
    let mut written = Written::new(tokens.first()?.span);
    written.word("FROM");
    written.all(source);
    written.word("PIVOT");
    written.sign(Token::LParen);
    if aggregates.is_empty() {
        written.word("count");
        written.in_brackets(|written| written.sign(Token::Mul));
    } else {
        written.all(aggregates);
    }
    written.word("FOR");
    written.columns(&items(columns))?;
    written.groups(groups);
    written.sign(Token::RParen);
    Some((tokens.len() - rest.len(), written.tokens))
}

fn unpivot(tokens: &[TokenWithSpan]) -> Option<(usize, Vec<TokenWithSpan>)> {
    let (source, rest) = source(tokens)?;
    let (columns, rest) = rest.split_at(until(rest, &[Keyword::INTO]));
    let mut written = Written::new(tokens.first()?.span);
    let (name, values, rest) = match behind(rest, &[Keyword::INTO]) {
        Some(rest) => {
            let name = behind(rest, &[Keyword::NAME])?.get(..1)?;
            let rest = behind(rest.get(2..)?, &[Keyword::VALUE])?;
            let (values, rest) = rest.split_at(until(rest, &[]));
            (name.to_vec(), values.to_vec(), rest)
        }
        None => (vec![written.made("name")], vec![written.made("value")], rest),
    };
    if columns.is_empty() {
        return None;
    }
    written.word("FROM");
    written.all(source);
    written.word("UNPIVOT");
    written.sign(Token::LParen);
    if items(&values).len() > 1 {
        written.in_brackets(|written| written.all(&values));
    } else {
        written.all(&values);
    }
    written.word("FOR");
    written.all(&name);
    written.word("IN");
    written.in_brackets(|written| {
        if columns.first().is_some_and(|first| first.token == Token::Mul) {
            written.word("columns");
            written.in_brackets(|written| written.all(columns));
        } else {
            written.all(columns);
        }
    });
    written.sign(Token::RParen);
    Some((tokens.len() - rest.len(), written.tokens))
}

/// `pivot (sum(y) for x in ('a') group by z)` behind what it turns.
fn with_groups(tokens: &[TokenWithSpan]) -> Option<(usize, Vec<TokenWithSpan>)> {
    let inner = tokens.get(2..).filter(|_| tokens.get(1).is_some_and(|next| next.token == Token::LParen))?;
    let before = until(inner, &[Keyword::GROUP]);
    let groups = behind(&inner[before..], &[Keyword::GROUP, Keyword::BY])?;
    let (groups, rest) = groups.split_at(until(groups, &[]));
    let mut written = Written::new(inner.get(before)?.span);
    written.all(&tokens[..before + 2]);
    written.groups(groups);
    Some((tokens.len() - rest.len(), written.tokens))
}

/// `sum(y)`, `sum(y) as total`, `sum(y) total`
fn is_call(item: &[TokenWithSpan]) -> bool {
    let [function, rest @ ..] = item else { return false };
    let is_word = |token: &TokenWithSpan| matches!(token.token, Token::Word(_));
    let closing = rest.get(1..).map(|inner| until(inner, &[]) + 2);
    let Some((brackets, alias)) = closing.and_then(|end| Some((rest.get(..end)?, &rest[end..]))) else { return false };
    let alias = behind(alias, &[Keyword::AS]).unwrap_or(alias);
    is_word(function) && inside(brackets).is_some() && alias.len() < 2 && alias.iter().all(is_word)
}

struct Written {
    tokens: Vec<TokenWithSpan>,
    /// The place of what is made up.
    span: Span,
}

impl Written {
    fn new(span: Span) -> Self {
        Self { tokens: Vec::new(), span }
    }

    fn made(&self, word: &str) -> TokenWithSpan {
        TokenWithSpan::new(Token::make_word(word, None), self.span)
    }

    fn word(&mut self, word: &str) {
        self.tokens.push(self.made(word));
    }

    fn sign(&mut self, sign: Token) {
        self.tokens.push(TokenWithSpan::new(sign, self.span));
    }

    fn all(&mut self, tokens: &[TokenWithSpan]) {
        self.tokens.extend_from_slice(tokens);
    }

    fn in_brackets(&mut self, write: impl FnOnce(&mut Self)) {
        self.sign(Token::LParen);
        write(self);
        self.sign(Token::RParen);
    }

    /// What is turned, and its values: each with each of several columns. Without values these are any.
    fn columns(&mut self, items: &[&[TokenWithSpan]]) -> Option<()> {
        let mut columns = Vec::new();
        let mut lists: Option<Vec<&[TokenWithSpan]>> = Some(Vec::new());
        for item in items {
            let end = until(item, &[Keyword::IN]);
            columns.push(&item[..end]);
            match behind(&item[end..], &[Keyword::IN]) {
                Some(values) => {
                    let values = inside(values)?;
                    lists = lists.map(|lists| [lists, vec![values]].concat());
                }
                None if end == item.len() => lists = None,
                None => return None,
            }
        }
        if let [only] = columns.as_slice() {
            self.all(only);
        } else {
            self.in_brackets(|written| written.list(&columns));
        }
        self.word("IN");
        match lists.as_deref() {
            None => self.in_brackets(|written| written.word("ANY")),
            Some([only]) => self.in_brackets(|written| written.all(only)),
            Some(lists) => {
                const MANY: usize = 10_000;
                let lists: Vec<Vec<&[TokenWithSpan]>> = lists.iter().map(|values| self::items(values)).collect();
                if lists.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul)? > MANY {
                    return None;
                }
                let mut rows: Vec<Vec<&[TokenWithSpan]>> = vec![Vec::new()];
                for values in &lists {
                    let longer =
                        |row: &Vec<_>| values.iter().map(|value| [row.as_slice(), &[*value]].concat()).collect();
                    rows = rows.iter().flat_map(|row| -> Vec<_> { longer(row) }).collect();
                }
                self.in_brackets(|written| {
                    for (place, row) in rows.iter().enumerate() {
                        if place > 0 {
                            written.sign(Token::Comma);
                        }
                        written.in_brackets(|written| written.list(row));
                    }
                });
            }
        }
        Some(())
    }

    fn list(&mut self, items: &[&[TokenWithSpan]]) {
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.sign(Token::Comma);
            }
            self.all(item);
        }
    }

    fn groups(&mut self, groups: &[TokenWithSpan]) {
        if !groups.is_empty() {
            for word in ["DEFAULT", "ON", "NULL"] {
                self.word(word);
            }
            self.in_brackets(|written| written.in_brackets(|written| written.all(groups)));
        }
    }
}
