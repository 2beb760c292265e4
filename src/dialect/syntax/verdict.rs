//! Why a statement was refused by the parser: surely the writer's mistake, or only something the parser does not know.

use sqlparser::keywords::Keyword;
use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, TokenizerError};

use super::split::keyword;
use super::{Grammar, Parsed, Problem, Refusal, place};

/// Words with which a statement of any of the warehouses begins.
const LEADING: &str = "abort alter analyse analyze assert attach begin call cancel case checkpoint close cluster comment commit copy create \
    deallocate declare delete desc describe detach discard do drop end execute explain export fetch for force \
    from grant if import insert install listen load lock loop merge move notify pivot pragma prepare raise \
    reassign refresh reindex release repeat reset return revoke rollback savepoint security select set show \
    start summarize table truncate undrop unlisten unload unpivot update use vacuum values while with";

/// Those with which a query or a change of rows begins: these the parser is expected to read.
const OF_ROWS: &[Keyword] = &[
    Keyword::SELECT,
    Keyword::WITH,
    Keyword::FROM,
    Keyword::VALUES,
    Keyword::INSERT,
    Keyword::UPDATE,
    Keyword::DELETE,
    Keyword::MERGE,
];

/// The words between the parts of a query that are worth guessing at when one is misspelt.
const CLAUSES: &str = "from where group order having limit join inner left right full cross union except intersect values using \
    select qualify partition between window offset when then else and all into set over";

/// A text whose words cannot be told.
pub(super) fn of_characters(sql: &str, error: &TokenizerError) -> Problem {
    let start = place::byte(sql, error.location);
    let known = [
        (
            "nterminated string",
            "this string is never closed",
            "close it with its quote; a quote inside is written twice",
        ),
        ("nterminated dollar", "this string is never closed", "close it with the same dollar tag"),
        ("multi-line comment", "this comment is never closed", "close it with `*/`"),
        ("close delimiter", "this quoted name is never closed", "close it with its quote"),
    ];
    let found = known.iter().find(|(words, ..)| error.message.contains(words)).filter(|_| !may_be_raw(sql));
    let (message, help) = match found {
        Some((_, message, help)) => ((*message).to_owned(), Some((*help).to_owned())),
        None => ("not understood from here".to_owned(), Some(lower_first(&error.message))),
    };
    // The error is where the text ends; the place to look at is where the string begins.
    let range = if start < sql.len() { start..sql.len() } else { last_line(sql) };
    Problem { range: place::first_line(sql, range), message, help, certain: found.is_some() }
}

/// Whether raw text or bytes of BigQuery may hold their own quote behind a backslash: the tokenizer takes that for the end.
fn may_be_raw(sql: &str) -> bool {
    let has = |pairs: [&str; 8]| pairs.iter().any(|pair| sql.contains(pair));
    has(["r'", "r\"", "R'", "R\"", "b'", "b\"", "B'", "B\""]) && (sql.contains("\\'") || sql.contains("\\\""))
}

/// A statement that has no tree.
pub(super) fn of_statement(sql: &str, grammar: &dyn Grammar, tokens: &[TokenWithSpan], refusal: &Refusal) -> Parsed {
    let words = Words::new(tokens, refusal);
    if let Some(verdict) = words.brackets().or_else(|| words.leading()) {
        return Parsed::Refused(verdict.problem(sql, &words));
    }
    let of_rows = words.leads_with(OF_ROWS);
    if !of_rows {
        return words.body_of_create().map_or(Parsed::Opaque, |body| match super::statements(grammar, body.to_vec()) {
            Ok(_) => Parsed::Opaque,
            Err(refusal) => match of_statement(sql, grammar, body, &refusal) {
                Parsed::Refused(problem) if problem.certain => Parsed::Refused(problem),
                _ => Parsed::Opaque,
            },
        });
    }
    if words.stops_at(grammar.treeless()) || words.stops_within(grammar.foreign_calls()) {
        return Parsed::Opaque;
    }
    let verdict = words
        .case()
        .or_else(|| words.comma(grammar))
        .or_else(|| words.missing_expression(grammar))
        .or_else(|| words.order_of_clauses())
        .or_else(|| words.by())
        .or_else(|| words.misspelt())
        .or_else(|| words.missing_comma());
    match verdict {
        Some(verdict) => Parsed::Refused(verdict.problem(sql, &words)),
        None => Parsed::Refused(not_understood(sql, tokens, refusal)),
    }
}

/// What the parser says, as the warning that it is.
pub(super) fn not_understood(sql: &str, tokens: &[TokenWithSpan], refusal: &Refusal) -> Problem {
    let words = Words::new(tokens, refusal);
    let help = match &refusal.error {
        ParserError::RecursionLimitExceeded => "nested too deep".to_owned(),
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            let text = text.split(" at Line:").next().unwrap_or(text);
            let text = text.split(", found:").next().unwrap_or(text);
            // The parser's own words for a token are for those who read its code.
            if text.contains("infix parser") || text.contains(" { ") {
                format!("nothing is known that {} could mean here", words.text(words.stop))
            } else {
                lower_first(text.trim()).replacen("expected: ", "expected ", 1)
            }
        }
    };
    Verdict {
        first: words.stop,
        last: words.stop,
        message: "not understood from here".to_owned(),
        help,
        certain: false,
    }
    .problem(sql, &words)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn last_line(sql: &str) -> std::ops::Range<usize> {
    let end = sql.trim_end().len();
    sql[..end].rfind('\n').map_or(0, |newline| newline + 1)..end
}

/// The place that a message of the parser ends with.
fn location(error: &ParserError) -> Option<Location> {
    let ParserError::ParserError(text) = error else { return None };
    let (_, place) = text.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location::new(line.parse().ok()?, column.trim().parse().ok()?))
}

/// Something to say, with the first and the last word it is about.
struct Verdict {
    first: usize,
    last: usize,
    message: String,
    help: String,
    certain: bool,
}

impl Verdict {
    #[expect(clippy::unnecessary_wraps, reason = "every caller answers with an option")]
    fn sure(first: usize, last: usize, message: impl Into<String>, help: impl Into<String>) -> Option<Self> {
        Some(Self { first, last, message: message.into(), help: help.into(), certain: true })
    }

    fn problem(self, sql: &str, words: &Words) -> Problem {
        let place = |index: usize| words.all.get(index).map(|token| place::range(sql, token.span));
        let end = words.all.last().map_or(sql.len(), |token| place::range(sql, token.span).end);
        let range = match (place(self.first), place(self.last)) {
            (Some(first), Some(last)) => first.start..last.end,
            (Some(first), None) => first.start..end,
            _ => end..end,
        };
        Problem {
            range: place::first_line(sql, range),
            message: self.message,
            help: Some(self.help).filter(|help| !help.is_empty()),
            certain: self.certain,
        }
    }
}

/// The words of a statement, without white space, and the one at which the parser stopped.
struct Words<'a> {
    tokens: &'a [TokenWithSpan],
    all: Vec<&'a TokenWithSpan>,
    stop: usize,
}

impl<'a> Words<'a> {
    fn new(tokens: &'a [TokenWithSpan], refusal: &Refusal) -> Self {
        let all: Vec<_> =
            tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF)).collect();
        let stop = location(&refusal.error)
            .or(Some(refusal.reached).filter(|place| place.line > 0))
            .and_then(|place| all.iter().position(|token| token.span.start >= place))
            .unwrap_or(all.len());
        Self { tokens, all, stop }
    }

    fn token(&self, index: usize) -> Option<&'a Token> {
        self.all.get(index).map(|token| &token.token)
    }

    fn keyword(&self, index: usize) -> Option<Keyword> {
        self.token(index).and_then(keyword)
    }

    fn before_stop(&self) -> Option<usize> {
        self.stop.checked_sub(1)
    }

    /// An unquoted word that no warehouse has a meaning for, so that it can only be a name.
    fn name(&self, index: usize) -> Option<&'a str> {
        match self.token(index)? {
            Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::NoKeyword => Some(&word.value),
            _ => None,
        }
    }

    fn text(&self, index: usize) -> String {
        self.token(index).map_or_else(|| "the end".to_owned(), |token| format!("`{token}`"))
    }

    fn leads_with(&self, keywords: &[Keyword]) -> bool {
        let first = (0..self.all.len()).find(|index| self.token(*index) != Some(&Token::LParen)).unwrap_or(0);
        self.keyword(first).is_some_and(|keyword| keywords.contains(&keyword))
    }

    /// Whether one of the phrases begins at the stop or at most four words before it.
    fn stops_at(&self, phrases: &[&str]) -> bool {
        let begins = |phrase: &str, start: usize| {
            phrase.split(' ').enumerate().all(|(offset, word)| {
                self.token(start + offset).is_some_and(|token| match token {
                    _ if word == "_" => true,
                    Token::Word(found) => found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word),
                    token => token.to_string() == word,
                })
            })
        };
        (self.stop.saturating_sub(4)..=self.stop).any(|start| phrases.iter().any(|phrase| begins(phrase, start)))
    }

    /// Whether the stop is within the brackets of a call of one of the functions.
    fn stops_within(&self, functions: &[&str]) -> bool {
        let mut open = Vec::new();
        for index in 0..self.stop.min(self.all.len()) {
            match self.token(index) {
                Some(Token::LParen) => open.push(index),
                Some(Token::RParen) => drop(open.pop()),
                _ => {}
            }
        }
        let is_one = |before: usize| match self.token(before) {
            Some(Token::Word(word)) => {
                word.quote_style.is_none() && functions.iter().any(|name| word.value.eq_ignore_ascii_case(name))
            }
            _ => false,
        };
        open.into_iter().filter_map(|index| index.checked_sub(1)).any(is_one)
    }

    fn leading(&self) -> Option<Verdict> {
        let word = self.name(0)?;
        let near = nearest(word, LEADING)?;
        Verdict::sure(0, 0, format!("no statement begins with `{word}`"), format!("did you mean `{near}`?"))
    }

    fn brackets(&self) -> Option<Verdict> {
        let mut open: Vec<(usize, &Token)> = Vec::new();
        for (index, token) in self.all.iter().enumerate() {
            let opener = match token.token {
                Token::LParen | Token::LBracket | Token::LBrace => {
                    open.push((index, &token.token));
                    continue;
                }
                Token::RParen => Token::LParen,
                Token::RBracket => Token::LBracket,
                Token::RBrace => Token::LBrace,
                _ => continue,
            };
            match open.pop() {
                Some((_, found)) if *found == opener => {}
                // `[1, 5)` is a range in the text of some warehouses, but never in their SQL.
                Some((first, found)) => {
                    let message = format!("`{found}` is closed by `{}`", token.token);
                    return Verdict::sure(
                        first,
                        index,
                        message,
                        "close brackets in the order in which they were opened",
                    );
                }
                None => {
                    let message = format!("nothing is open that `{}` could close", token.token);
                    return Verdict::sure(index, index, message, "remove it, or add the bracket that opens it");
                }
            }
        }
        let (index, token) = open.pop()?;
        Verdict::sure(index, index, format!("`{token}` is never closed"), "add the bracket that closes it")
    }

    /// The query in `create … as query`.
    fn body_of_create(&self) -> Option<&'a [TokenWithSpan]> {
        if self.keyword(0) != Some(Keyword::CREATE) {
            return None;
        }
        let relation = (1..6).any(|index| matches!(self.keyword(index), Some(Keyword::TABLE | Keyword::VIEW)));
        let routine = (1..6).any(|index| matches!(self.keyword(index), Some(Keyword::FUNCTION | Keyword::PROCEDURE)));
        if !relation || routine {
            return None;
        }
        let mut depth = 0_usize;
        for (index, token) in self.all.iter().enumerate() {
            match token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && self.keyword(index) == Some(Keyword::AS) {
                let start = self.all.get(index + 1)?.span.start;
                let first = self.tokens.iter().position(|token| token.span.start == start)?;
                return Some(&self.tokens[first..]);
            }
        }
        None
    }

    fn case(&self) -> Option<Verdict> {
        let mut open = Vec::new();
        for index in 0..self.all.len() {
            // A name after a dot or AS may be any word.
            let named = index.checked_sub(1).is_some_and(|before| {
                self.token(before) == Some(&Token::Period) || self.keyword(before) == Some(Keyword::AS)
            });
            match self.keyword(index) {
                Some(Keyword::CASE) if !named => open.push(index),
                Some(Keyword::END) if !named => drop(open.pop()),
                _ => {}
            }
        }
        let index = open.pop()?;
        Verdict::sure(index, index, "this `case` has no `end`", "add `end` after its last branch")
    }

    /// The stop and the few words around it: the parser may have taken a keyword for a name and gone on, or have gone back.
    fn near_stop(&self) -> impl Iterator<Item = usize> {
        let last = (self.stop + 4).min(self.all.len());
        self.stop.saturating_sub(3).max(1)..=last
    }

    fn comma(&self, grammar: &dyn Grammar) -> Option<Verdict> {
        self.near_stop().filter(|index| self.token(index - 1) == Some(&Token::Comma)).find_map(|index| {
            let ends = match self.keyword(index) {
                Some(Keyword::FROM) => !grammar.allows_comma_before_from(),
                Some(Keyword::WHERE | Keyword::GROUP | Keyword::ORDER | Keyword::HAVING) => {
                    !grammar.supports_trailing_commas()
                }
                _ => self.token(index) == Some(&Token::RParen) && !grammar.allows_comma_before_from(),
            };
            ends.then_some(())?;
            Verdict::sure(index - 1, index - 1, format!("a comma before {}", self.text(index)), "remove the comma")
        })
    }

    fn missing_expression(&self, grammar: &dyn Grammar) -> Option<Verdict> {
        self.near_stop().find_map(|index| {
            let before = self.token(index - 1)?;
            if !asks_for_expression(before) || self.token(index).is_some_and(|token| !is_no_expression(token)) {
                return None;
            }
            let may_be_empty = keyword(before) == Some(Keyword::SELECT) && grammar.supports_empty_projections();
            let is_name = index > 1 && matches!(self.token(index - 2), Some(Token::Period));
            let ends_type = *before == Token::Gt && self.may_end_type(index - 1);
            if may_be_empty || is_name || ends_type {
                return None;
            }
            let what = if keyword(before) == Some(Keyword::FROM) { "a table" } else { "an expression" };
            let message = format!("{what} is missing between {} and {}", self.text(index - 1), self.text(index));
            let help = match keyword(before) {
                Some(Keyword::SELECT) => "name at least one column, or `*`".to_owned(),
                _ => format!("write it, or take {} out", self.text(index - 1)),
            };
            Verdict::sure(index - 1, index.min(self.all.len() - 1), message, help)
        })
    }

    /// Whether `>` may be the end of a type: `array<int64>`.
    fn may_end_type(&self, end: usize) -> bool {
        let begins = |index: usize| {
            self.token(index + 1) == Some(&Token::Lt)
                && matches!(self.token(index), Some(Token::Word(word)) if word.quote_style.is_none())
                && matches!(self.keyword(index), Some(Keyword::ARRAY | Keyword::RANGE | Keyword::STRUCT))
        };
        (0..end).any(begins)
    }

    fn order_of_clauses(&self) -> Option<Verdict> {
        let rank = |keyword| match keyword {
            Keyword::FROM => Some(1),
            Keyword::WHERE => Some(2),
            Keyword::GROUP => Some(3),
            Keyword::HAVING => Some(4),
            Keyword::ORDER => Some(6),
            Keyword::LIMIT => Some(7),
            _ => None,
        };
        let stopped = self.keyword(self.stop)?;
        let stop_rank = rank(stopped)?;
        // Backwards from the stop to the SELECT that it belongs to, past what stands in brackets.
        let mut depth = 0_usize;
        let mut later = None;
        for index in (0..self.stop).rev() {
            match self.token(index)? {
                Token::RParen | Token::RBracket | Token::RBrace => depth += 1,
                Token::LParen | Token::LBracket | Token::LBrace => depth = depth.checked_sub(1)?,
                Token::VerticalBarRightAngleBracket => return None,
                token if depth == 0 => match keyword(token) {
                    Some(Keyword::SELECT) => break,
                    Some(
                        Keyword::UNION
                        | Keyword::EXCEPT
                        | Keyword::INTERSECT
                        | Keyword::MINUS
                        | Keyword::CONFLICT
                        | Keyword::UPDATE
                        | Keyword::DELETE
                        | Keyword::MERGE,
                    ) => return None,
                    Some(keyword) if rank(keyword).is_some_and(|rank| rank >= stop_rank) => {
                        later = Some(keyword);
                    }
                    _ => {}
                },
                _ => {}
            }
            if index == 0 {
                return None;
            }
        }
        let clause = later?;
        let (stopped, clause) = (in_full(stopped), in_full(clause));
        if stopped == clause {
            let message = format!("a second `{stopped}` in one query");
            return Verdict::sure(self.stop, self.stop, message, "join the two into one");
        }
        let message = format!("`{stopped}` after `{clause}`");
        Verdict::sure(self.stop, self.stop, message, format!("move `{stopped}` before `{clause}`"))
    }

    /// GROUP or ORDER without its BY.
    fn by(&self) -> Option<Verdict> {
        [Some(self.stop), self.before_stop()].into_iter().flatten().find_map(|index| {
            let word = self.keyword(index).filter(|word| matches!(word, Keyword::GROUP | Keyword::ORDER))?;
            let within = index.checked_sub(1).and_then(|before| self.keyword(before)) == Some(Keyword::WITHIN);
            if within || self.keyword(index + 1) == Some(Keyword::BY) || self.name(index + 1).is_none() {
                return None;
            }
            let word = format!("{word:?}").to_lowercase();
            Verdict::sure(index, index, format!("`{word}` without `by`"), format!("write `{word} by`"))
        })
    }

    /// A name at the stop, or just before it, that is nearly the word that would go on there.
    fn misspelt(&self) -> Option<Verdict> {
        let at_stop = self.name(self.stop).map(|name| (self.stop, name));
        let before = self
            .before_stop()
            .filter(|_| self.goes_on_after_alias())
            .and_then(|index| Some((index, self.name(index)?)));
        let (index, word) = [at_stop, before].into_iter().flatten().find(|(index, word)| {
            let qualified = index.checked_sub(1).and_then(|before| self.token(before)) == Some(&Token::Period)
                || matches!(self.token(index + 1), Some(Token::Period));
            !qualified && nearest(word, CLAUSES).is_some()
        })?;
        let near = nearest(word, CLAUSES)?;
        Verdict::sure(index, index, format!("`{word}` makes no sense here"), format!("did you mean `{near}`?"))
    }

    /// Whether what stands at the stop cannot follow an alias in any grammar.
    fn goes_on_after_alias(&self) -> bool {
        match self.token(self.stop) {
            Some(Token::Number(..) | Token::SingleQuotedString(_) | Token::Mul | Token::LParen) => true,
            Some(Token::Word(word)) => {
                word.quote_style.is_some()
                    || matches!(word.keyword, Keyword::NoKeyword | Keyword::BY | Keyword::ALL | Keyword::SELECT)
            }
            _ => false,
        }
    }

    /// `select a b c from t`: three names in a row.
    fn missing_comma(&self) -> Option<Verdict> {
        let start = self.stop.checked_sub(2)?;
        let row = (start..=self.stop).all(|index| self.name(index).is_some());
        let follows = matches!(self.keyword(self.stop + 1), Some(Keyword::FROM))
            || matches!(self.token(self.stop + 1), Some(Token::Comma));
        let begins = start.checked_sub(1).is_some_and(|before| {
            self.keyword(before) == Some(Keyword::SELECT)
                || matches!(self.token(before), Some(Token::Comma | Token::Period))
        });
        if !(row && follows && begins) {
            return None;
        }
        let message = format!("a comma is missing before {}", self.text(self.stop));
        Verdict::sure(self.stop, self.stop, message, "separate columns with commas; a column takes one alias")
    }
}

fn asks_for_expression(token: &Token) -> bool {
    match token {
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq | Token::Plus | Token::Div => true,
        token => matches!(
            keyword(token),
            Some(
                Keyword::WHERE
                    | Keyword::AND
                    | Keyword::OR
                    | Keyword::NOT
                    | Keyword::ON
                    | Keyword::HAVING
                    | Keyword::BY
                    | Keyword::WHEN
                    | Keyword::THEN
                    | Keyword::ELSE
                    | Keyword::SELECT
                    | Keyword::FROM
            )
        ),
    }
}

fn is_no_expression(token: &Token) -> bool {
    match token {
        Token::RParen | Token::Comma | Token::SemiColon => true,
        token => matches!(
            keyword(token),
            Some(
                Keyword::AND
                    | Keyword::OR
                    | Keyword::WHERE
                    | Keyword::GROUP
                    | Keyword::ORDER
                    | Keyword::HAVING
                    | Keyword::LIMIT
                    | Keyword::FROM
                    | Keyword::WHEN
                    | Keyword::THEN
                    | Keyword::ELSE
                    | Keyword::END
                    | Keyword::UNION
            )
        ),
    }
}

fn in_full(clause: Keyword) -> String {
    match clause {
        Keyword::GROUP | Keyword::ORDER => format!("{clause:?} by").to_lowercase(),
        clause => format!("{clause:?}").to_lowercase(),
    }
}

/// The word that this one is probably meant to be.
fn nearest<'a>(word: &str, words: &'a str) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let far = if word.chars().count() < 3 {
        0
    } else if word.chars().count() < 7 {
        1
    } else {
        2
    };
    if words.split(' ').any(|candidate| candidate == word) {
        return None;
    }
    words
        .split(' ')
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
