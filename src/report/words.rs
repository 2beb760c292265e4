use std::time::Duration;

/// `1 view`, `2 views`, `2,000 rows`.
pub fn count(number: usize, noun: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let plural = match noun {
        _ if number == 1 || noun.ends_with('s') => noun.to_owned(),
        _ if noun.ends_with('y') => format!("{}ies", &noun[..noun.len() - 1]),
        _ => format!("{noun}s"),
    };
    format!("{grouped} {plural}")
}

/// `3 ms`, `1.24 s`, `2 min 5 s`.
pub fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match duration.as_secs() {
        0 => format!("{millis} ms"),
        1..=59 => format!("{:.2} s", duration.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `0 B`, `1.5 MiB`, `2 TiB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn byte_count(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let number = if size >= 100.0 || unit == 0 { format!("{size:.0}") } else { format!("{size:.1}") };
    format!("{} {}", number.strip_suffix(".0").unwrap_or(&number), UNITS[unit])
}

/// `$1.25`; less than a cent as `$0.0031`.
pub fn money(amount: f64) -> String {
    match amount {
        amount if amount == 0.0 || amount >= 0.01 => format!("${amount:.2}"),
        amount if amount >= 0.0001 => format!("${amount:.4}"),
        _ => "under $0.0001".to_owned(),
    }
}

/// `1.2 GiB ($0.01)`: what is read, and what it costs where that is known.
pub fn read_text(bytes: u64, cost: Option<f64>) -> String {
    let cost = cost.map(|cost| format!(" ({})", money(cost))).unwrap_or_default();
    format!("{}{cost}", byte_count(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_words_for_people() {
        assert_eq!(count(1, "view"), "1 view");
        assert_eq!(count(1_234_567, "row"), "1,234,567 rows");
        assert_eq!(count(0, "query"), "0 queries");
        assert_eq!(duration(Duration::from_millis(1240)), "1.24 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(byte_count(0), "0 B");
        assert_eq!(byte_count(1536), "1.5 KiB");
        assert_eq!(byte_count(1 << 41), "2 TiB");
        assert_eq!(read_text(10 << 30, Some(0.061)), "10 GiB ($0.06)");
        assert_eq!(money(0.00012), "$0.0001");
        assert_eq!(money(0.000_01), "under $0.0001");
    }
}
