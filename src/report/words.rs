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
        _ if noun.ends_with('y') && !noun.ends_with("ay") => format!("{}ies", &noun[..noun.len() - 1]),
        _ => format!("{noun}s"),
    };
    format!("{grouped} {plural}")
}

/// `2,000`.
pub fn digits(number: u64) -> String {
    let text = count(usize::try_from(number).unwrap_or(usize::MAX), "row");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// `99.52 %` of a share from 0 to 1; never 100 if something is missing.
pub fn percent(share: f64) -> String {
    // Rounded down.
    let hundredths = (share * 10_000.0).floor() / 100.0;
    format!("{hundredths:.2} %")
}

/// A number of seconds in its longest unit, rounded down: `under a minute`, `12 minutes`, `47 hours`, `3 days`; `countless days` for what is next to infinite.
pub fn length(seconds: u64) -> String {
    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    let (number, noun) = match seconds {
        0..60 => return "under a minute".to_owned(),
        60..HOUR => (seconds / 60, "minute"),
        1_000_000_000_000.. => return "countless days".to_owned(),
        // Of two days somebody may want to know a little more.
        HOUR..172_800 => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), noun)
}

/// The same, not shorter than it is.
pub fn length_at_most(seconds: u64) -> String {
    const HOUR: u64 = 3_600;
    let unit = match seconds {
        0..HOUR => 60,
        HOUR..172_800 => HOUR,
        _ => 24 * HOUR,
    };
    length(seconds.div_ceil(unit).saturating_mul(unit))
}

/// `just now`, `2 hours ago`
pub fn ago(seconds: u64) -> String {
    if seconds < 60 { "just now".to_owned() } else { format!("{} ago", length(seconds)) }
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
        assert_eq!(digits(1_234), "1,234");
        assert_eq!(percent(0.999_999), "99.99 %");
        assert_eq!(length(59), "under a minute");
        assert_eq!(length(3_599), "59 minutes");
        assert_eq!(length(172_799), "47 hours");
        assert_eq!(length(172_800), "2 days");
        assert_eq!(length_at_most(172_800), "2 days");
        assert_eq!(length_at_most(529_200), "7 days");
        assert_eq!(length_at_most(3_601), "2 hours");
        assert_eq!(length_at_most(u64::MAX), "countless days");
        assert_eq!(count(1, "day"), "1 day");
        assert_eq!(byte_count(0), "0 B");
        assert_eq!(byte_count(1536), "1.5 KiB");
        assert_eq!(byte_count(1 << 41), "2 TiB");
        assert_eq!(read_text(10 << 30, Some(0.061)), "10 GiB ($0.06)");
        assert_eq!(money(0.00012), "$0.0001");
        assert_eq!(money(0.000_01), "under $0.0001");
    }
}
