//! How late rows are, as a picture.

use std::fmt::Write;

use crate::execute::Lateness;
use crate::report::{count, read_text};

/// How wide the longest bar is.
const WIDTH: u64 = 24;

/// A line for each length of time up to the one in which all rows have come. `cost` is what a look at all of the table costs, where
/// that is known.
pub fn lateness_text(name: &str, found: &Lateness, cost: Option<f64>) -> String {
    let number = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "row");
    if found.rows == 0 {
        return format!("{name}: no row has both times\n");
    }
    let mut text = format!("{name}: {} by how late they came\n", number(found.rows));
    let _ = writeln!(text, "  {:<10}  {:<bar$}  {:>9}  {:>9}", "lookback", "     rows", "keeps", "reads", bar = 36);
    let mut before = 0;
    for step in &found.steps {
        let new = step.came.saturating_sub(before);
        let bar = "█".repeat(usize::try_from((new * WIDTH).div_ceil(found.rows)).unwrap_or_default());
        let number = number(new);
        let _ = writeln!(
            text,
            "  {:<10}  {:<36}  {:>9}  {:>9}",
            step.name,
            format!("{:>9} {bar}", number.split(' ').next().unwrap_or_default()),
            percent(step.came, found.rows),
            percent(step.young, found.rows),
        );
        before = step.came;
        if step.came == found.rows {
            break;
        }
    }
    let late = found.rows.saturating_sub(before);
    if late > 0 {
        let _ = writeln!(text, "  later       {:>9}", number(late));
    }
    if found.early > 0 {
        let _ = writeln!(text, "  {} came before the event, as the clocks have it", number(found.early));
    }
    if found.untimed > 0 {
        let _ = writeln!(text, "  not counted: {} without one of the times", number(found.untimed));
    }
    if let Some(bytes) = found.bytes {
        let _ = writeln!(text, "  to read all of the table: {}", read_text(bytes, cost));
    }
    text
}

/// `99.52 %`, rounded down: never 100 if something is missing.
fn percent(part: u64, all: u64) -> String {
    let hundredths = part.saturating_mul(10_000) / all.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
