//! Numbers of bytes as people write them.

/// `1073741824`, `500 MB`, `1.5 TiB`: units of 1000 have no `i`. `None` if it is none of these.
pub fn parse_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 10] = [
        ("b", 1.0),
        ("kb", 1e3),
        ("mb", 1e6),
        ("gb", 1e9),
        ("tb", 1e12),
        ("pb", 1e15),
        ("kib", 1024.0),
        ("mib", 1024.0 * 1024.0),
        ("gib", 1024.0 * 1024.0 * 1024.0),
        ("tib", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ];
    let text = text.trim();
    let digits = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    if unit.is_empty() {
        return number.parse().ok();
    }
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    whole(number.parse::<f64>().ok()? * factor)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn whole(bytes: f64) -> Option<u64> {
    (0.0..1e18).contains(&bytes).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_known() {
        assert_eq!(parse_bytes("10"), Some(10));
        assert_eq!(parse_bytes("1.5 KiB"), Some(1536));
        assert_eq!(parse_bytes("2TB"), Some(2_000_000_000_000));
        assert_eq!(parse_bytes("1 tib"), Some(1 << 40));
        assert_eq!(parse_bytes("1.5"), None);
        assert_eq!(parse_bytes("many"), None);
        assert_eq!(parse_bytes("-1 GB"), None);
    }
}
