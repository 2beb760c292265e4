//! Where the code of a Jinja tag ends.

/// The end of the Jinja code from `start` on: behind the first `close` that is not in a string.
pub(super) fn code_end(text: &str, start: usize, close: &[u8]) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut string = None;
    loop {
        let byte = *bytes.get(at)?;
        match string {
            Some(_) if byte == b'\\' => at += 1,
            Some(quote) if byte == quote => string = None,
            None if matches!(byte, b'\'' | b'"') => string = Some(byte),
            None if bytes[at..].starts_with(close) => return Some(at + 2),
            _ => {}
        }
        at += 1;
    }
}

/// The end of the first `{% endraw %}` at `start` or behind it.
pub(super) fn end_of_raw(text: &str, start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += text.get(at..)?.find("{%")? + 2;
        let tag = text.get(at..)?.trim_start_matches(['-', '+']).trim_start();
        if let Some(behind) = tag.strip_prefix("endraw")
            && let Some(behind) = behind.trim_start().trim_start_matches(['-', '+']).strip_prefix("%}")
        {
            return Some(text.len() - behind.len());
        }
    }
}
