//! From lines and columns, which count characters, to bytes.

use std::ops::Range;

use sqlparser::tokenizer::{Location, Span, TokenWithSpan};

/// The byte at a line and column, both counted from one; the end of the text for a place beyond it.
pub(super) fn byte(sql: &str, location: Location) -> usize {
    let mut start = 0;
    for _ in 1..location.line {
        match sql[start..].find('\n') {
            Some(length) => start += length + 1,
            None => return sql.len(),
        }
    }
    let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(usize::MAX);
    sql[start..].char_indices().nth(column).map_or(sql.len(), |(offset, _)| start + offset)
}

/// The bytes of a span. The span of nothing is the end of the text.
pub(super) fn range(sql: &str, span: Span) -> Range<usize> {
    if span.start.line == 0 {
        return sql.trim_end().len()..sql.trim_end().len();
    }
    let start = byte(sql, span.start);
    start..byte(sql, span.end).max(start)
}

/// From the first of the tokens to the last.
pub(super) fn of_tokens(sql: &str, tokens: &[TokenWithSpan]) -> Range<usize> {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => range(sql, Span::new(first.span.start, last.span.end)),
        _ => sql.len()..sql.len(),
    }
}

/// As much of a range as stands on its first line.
pub(super) fn first_line(sql: &str, range: Range<usize>) -> Range<usize> {
    let length = sql.get(range.clone()).and_then(|text| text.find('\n'));
    range.start..length.map_or(range.end, |length| range.start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let sql = "select 'äö', a\nfrom 日本 x";
        assert_eq!(&sql[byte(sql, Location::new(1, 14))..][..1], "a");
        assert_eq!(&sql[byte(sql, Location::new(2, 9))..], "x");
        assert_eq!(byte(sql, Location::new(7, 1)), sql.len());
    }
}
