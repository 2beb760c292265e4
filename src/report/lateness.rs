//! How late rows are, as a picture.

use std::fmt::Write;

use crate::execute::Lateness;
use crate::report::count;

/// How wide the longest bar is.
const WIDTH: u64 = 24;

/// A line for each length of time up to the one in which all rows have come.
pub fn lateness_text(name: &str, found: &Lateness) -> String {
    let rows = usize::try_from(found.rows).unwrap_or(usize::MAX);
    if found.rows == 0 {
        return format!("{name}: no row has both times\n");
    }
    let mut text = format!("{name}: {} by how late they came\n", count(rows, "row"));
    let _ = writeln!(text, "  {:<10}  {:<bar$}  {:>9}  {:>9}", "lookback", "     rows", "keeps", "reads", bar = 36);
    let mut before = 0;
    for step in &found.steps {
        let new = step.came.saturating_sub(before);
        let bar = "█".repeat(usize::try_from((new * WIDTH).div_ceil(found.rows)).unwrap_or_default());
        let number = count(usize::try_from(new).unwrap_or(usize::MAX), "row");
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
        let _ = writeln!(text, "  later       {:>9}", count(usize::try_from(late).unwrap_or(usize::MAX), "row"));
    }
    text
}

/// `99.52 %`, rounded down: never 100 if something is missing.
fn percent(part: u64, all: u64) -> String {
    let hundredths = part.saturating_mul(10_000) / all.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
