//! `|> aggregate … group and order by a, b desc` of BigQuery, which is short for `group by a asc, b desc`.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::split::keyword;

/// Writes it in full.
pub(super) fn expand(tokens: &mut Vec<TokenWithSpan>) {
    let has_pipes = tokens.iter().any(|token| token.token == Token::VerticalBarRightAngleBracket);
    if !has_pipes {
        return;
    }
    let is_space = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    let words: Vec<usize> = (0..tokens.len()).filter(|place| !is_space(&tokens[*place])).collect();
    let mut is_left_out = vec![false; tokens.len()];
    let mut is_ascending = vec![false; tokens.len()];
    for (start, four) in words.windows(4).enumerate() {
        let keywords = four.iter().map(|place| keyword(&tokens[*place].token));
        if keywords.eq([Keyword::GROUP, Keyword::AND, Keyword::ORDER, Keyword::BY].map(Some)) {
            (is_left_out[four[1]], is_left_out[four[2]]) = (true, true);
            for last in ends_of_items(tokens, &words[start + 4..]) {
                is_ascending[last] = !matches!(keyword(&tokens[last].token), Some(Keyword::ASC | Keyword::DESC));
            }
        }
    }
    let mut written = Vec::with_capacity(tokens.len());
    for (place, token) in std::mem::take(tokens).into_iter().enumerate() {
        let end = token.span.end;
        written.extend((!is_left_out[place]).then_some(token));
        if is_ascending[place] {
            written.push(TokenWithSpan::new(Token::make_keyword("ASC"), Span::new(end, end)));
        }
    }
    *tokens = written;
}

/// The last word of each item of a list, up to the end of the operator.
fn ends_of_items(tokens: &[TokenWithSpan], words: &[usize]) -> Vec<usize> {
    let (mut ends, mut last, mut depth) = (Vec::new(), None, 0_usize);
    for place in words {
        match &tokens[*place].token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth > 0 => depth -= 1,
            Token::Comma if depth == 0 => {
                ends.extend(last);
                continue;
            }
            Token::VerticalBarRightAngleBracket | Token::RParen | Token::SemiColon | Token::EOF if depth == 0 => break,
            _ => {}
        }
        last = Some(*place);
    }
    ends.extend(last);
    ends
}
