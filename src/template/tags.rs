//! Takes the tags that fail out of a Jinja text, so that what is behind them can be looked at too.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

/// What stands in the place of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Blanked {
    /// The bytes that are replaced.
    pub(super) range: Range<usize>,
    /// As long as what it replaces, with the same lines.
    pub(super) text: String,
    /// Variables that the tag would have set: that they are missing is no mistake of its own.
    pub(super) names: Vec<String>,
}

struct Tag<'a> {
    range: Range<usize>,
    /// Where its closing mark begins.
    end: usize,
    is_block: bool,
    tokens: Vec<(Token<'a>, Range<usize>)>,
}

/// Makes the tag at the byte `at` do nothing. `None` if the text cannot do without it, as without the start of a macro.
pub(super) fn blank(text: &str, at: usize, syntax: SyntaxConfig) -> Option<Blanked> {
    let tag = tag_at(text, at, syntax)?;
    let blanked = |range: Range<usize>, with: &str| {
        let rest = text.as_bytes().get(range.start + with.len()..range.end)?;
        let spaces = rest.iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' });
        Some(Blanked { text: with.chars().chain(spaces).collect(), range, names: Vec::new() })
    };
    let mut words = tag.tokens.iter().filter_map(|(token, range)| match token {
        Token::Ident(word) => Some((*word, range)),
        _ => None,
    });
    if !tag.is_block {
        return blanked(tag.range, "");
    }
    let (keyword, place) = words.next()?;
    match keyword {
        "if" => blanked(place.end..tag.end, " 1"),
        "elif" => blanked(place.end..tag.end, " 0"),
        "for" => blanked(words.find(|(word, _)| *word == "in")?.1.end..tag.end, "[]"),
        "do" => blanked(tag.range, ""),
        "set" => {
            let equals = tag.tokens.iter().find(|(token, _)| matches!(token, Token::Assign))?.1.start;
            let names = words.take_while(|(_, range)| range.start < equals).map(|(name, _)| name.to_owned()).collect();
            Some(Blanked { names, ..blanked(tag.range, "")? })
        }
        _ => None,
    }
}

/// The tag around a place. One that is not closed ends where its end would be looked for.
fn tag_at(text: &str, at: usize, syntax: SyntaxConfig) -> Option<Tag<'_>> {
    let mut open: Option<Tag<'_>> = None;
    for (token, span) in tokenize(text, false, syntax).map_while(Result::ok) {
        let range = span.start_offset as usize..span.end_offset as usize;
        match token {
            Token::VariableStart | Token::BlockStart => {
                let is_block = matches!(token, Token::BlockStart);
                open = Some(Tag { end: range.end, range, is_block, tokens: Vec::new() });
            }
            Token::VariableEnd | Token::BlockEnd => {
                if let Some(tag) = open.take().filter(|tag| at < range.end && tag.range.start <= at) {
                    return Some(Tag { range: tag.range.start..range.end, end: range.start, ..tag });
                }
            }
            _ => {
                if let Some(tag) = &mut open {
                    tag.tokens.push((token, range));
                }
            }
        }
    }
    let mut tag = open.filter(|tag| tag.range.start <= at)?;
    let start = tag.range.end;
    let inside = text.get(start..)?;
    let closer = if tag.is_block { "%}" } else { "}}" };
    let next = ["{{", "{%", "{#"].into_iter().filter_map(|opener| inside.find(opener)).min();
    let closed = inside.find(closer).filter(|end| next.is_none_or(|next| *end < next));
    tag.end = start + closed.or(next)?;
    tag.range.end = tag.end + closed.map_or(0, |_| closer.len());
    tag.tokens.retain(|(_, range)| range.end <= tag.end);
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, at: &str) -> Option<String> {
        let Blanked { range, text: with, .. } = blank(text, text.find(at)?, SyntaxConfig::default())?;
        assert_eq!(range.len(), with.len());
        Some(format!("{}{with}{}", &text[..range.start], &text[range.end..]))
    }

    #[test]
    fn lengths_and_lines_stay() {
        let blank = |text: &str, at: &str| without(text, at).unwrap();
        assert_eq!(blank("a {{- x\n.y }} b {{ z }}", "x"), "a      \n      b {{ z }}");
        assert_eq!(blank("{% if é %}b{% endif %}", "é"), "{% if 1  %}b{% endif %}");
        assert_eq!(blank("{% for a, b in c(1) -%}b{% endfor %}", "c"), "{% for a, b in[]    -%}b{% endfor %}");
        assert_eq!(blank("{% set a = b %}{{ a }}", "b"), "               {{ a }}");
        assert_eq!(blank("{{ a( }} {{ b }}", "}}"), "         {{ b }}");
        assert_eq!(blank("{{ a {{ b }}", "{{ b"), "     {{ b }}");
        assert_eq!(blank("{% if a( %} {% endif %}", "%}"), "{% if 1  %} {% endif %}");
    }

    #[test]
    fn what_the_text_needs_is_left() {
        for text in ["{% macro x() %}{% endmacro %}", "{% set a %}x{% endset %}", "x", "{% foo x %}", "{{ \"x"] {
            assert_eq!(without(text, "x"), None, "{text}");
        }
    }

    #[test]
    fn a_tag_that_sets_says_what() {
        let names = blank("{% set a, b = c %}", 3, SyntaxConfig::default()).unwrap().names;
        assert_eq!(names, ["a", "b"]);
    }
}
