//! Names of BigQuery with parts that begin with a digit: `project.2024_raw.events`, `my-1st-project.raw.events`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

use super::split::keyword;

/// Makes words of such parts, which the tokenizer takes for numbers.
pub(super) fn join_digits(tokens: &mut Vec<TokenWithSpan>) {
    if !tokens.iter().any(|token| matches!(token.token, Token::Number(..))) {
        return;
    }
    let mut joined = Vec::with_capacity(tokens.len());
    let mut before = None;
    let mut rest = tokens.as_slice();
    while let Some(first) = rest.first() {
        let is_table = matches!(
            before,
            Some(Keyword::FROM | Keyword::JOIN | Keyword::INTO | Keyword::UPDATE | Keyword::TABLE | Keyword::USING)
        );
        let length = if starts_name(&first.token) { name_length(rest, is_table) } else { 1 };
        let (name, behind) = rest.split_at(length);
        if name.iter().any(|token| matches!(token.token, Token::Number(..))) && length > 1 {
            joined.extend(parts(name));
        } else {
            joined.extend_from_slice(name);
        }
        if !matches!(first.token, Token::Whitespace(_)) {
            before = keyword(&first.token);
        }
        rest = behind;
    }
    *tokens = joined;
}

/// Whether a name may begin here. Behind the other words `.5` is a number.
fn starts_name(token: &Token) -> bool {
    let Token::Word(word) = token else { return false };
    !matches!(
        word.keyword,
        Keyword::ALL
            | Keyword::AND
            | Keyword::BETWEEN
            | Keyword::BY
            | Keyword::CASE
            | Keyword::DISTINCT
            | Keyword::ELSE
            | Keyword::HAVING
            | Keyword::IN
            | Keyword::INTERVAL
            | Keyword::LIKE
            | Keyword::LIMIT
            | Keyword::NOT
            | Keyword::OFFSET
            | Keyword::ON
            | Keyword::OR
            | Keyword::QUALIFY
            | Keyword::RETURN
            | Keyword::SELECT
            | Keyword::THEN
            | Keyword::WHEN
            | Keyword::WHERE
    )
}

/// How many tokens the name has, with nothing between them. Only that of a table may hold dashes.
fn name_length(tokens: &[TokenWithSpan], is_table: bool) -> usize {
    let is_part = |token: &TokenWithSpan| match token.token {
        Token::Word(_) | Token::Number(..) | Token::Period => true,
        Token::Minus => is_table,
        _ => false,
    };
    let parted = tokens.windows(2).position(|pair| pair[0].span.end != pair[1].span.start);
    let joined = &tokens[..parted.map_or(tokens.len(), |last| last + 1)];
    joined.iter().take_while(|token| is_part(token)).count()
}

/// The tokens of a name as they should have been.
fn parts(name: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut parts: Vec<TokenWithSpan> = Vec::new();
    for token in name {
        match &token.token {
            Token::Word(word) if word.quote_style.is_none() => add(&mut parts, &word.value, token.span),
            Token::Number(digits, is_long) => {
                let mut start = token.span.start;
                for piece in digits.split_inclusive('.') {
                    let text = piece.trim_end_matches('.');
                    let end = Location::new(start.line, start.column + text.len() as u64);
                    if !text.is_empty() {
                        add(&mut parts, text, Span::new(start, end));
                    }
                    start = end;
                    if piece.ends_with('.') {
                        start.column += 1;
                        parts.push(TokenWithSpan::new(Token::Period, Span::new(end, start)));
                    }
                }
                if *is_long {
                    add(&mut parts, "L", Span::new(start, token.span.end));
                }
            }
            _ => parts.push(token.clone()),
        }
    }
    parts
}

/// Adds a piece of text to the part that it continues, or as one of its own.
fn add(parts: &mut Vec<TokenWithSpan>, text: &str, span: Span) {
    let is_text = |token: &Token| match token {
        Token::Word(word) => {
            word.quote_style != Some('`') || word.value.starts_with(|first: char| first.is_ascii_digit())
        }
        Token::Number(..) => true,
        _ => false,
    };
    let continued = parts.pop_if(|last| is_text(&last.token));
    let (text, start) = match &continued {
        Some(TokenWithSpan { token: Token::Word(Word { value, .. }) | Token::Number(value, _), span }) => {
            (format!("{value}{text}"), span.start)
        }
        _ => (text.to_owned(), span.start),
    };
    let behind_dash = parts.last().is_some_and(|last| last.token == Token::Minus);
    let token = if behind_dash && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Token::Number(text, false)
    } else {
        let is_odd = text.starts_with(|first: char| first.is_ascii_digit()) && !behind_dash;
        Token::make_word(&text, is_odd.then_some('`'))
    };
    parts.push(TokenWithSpan::new(token, Span::new(start, span.end)));
}
