//! How fresh, accurate and cheap relations are, for people.

use std::fmt::Write;

use crate::action::{Age, Kind};
use crate::execute::{Arrivals, LastDone, Newest, RelationStatus, Sight};
use crate::plan::{HistoryFinding, HistoryOutcome};
use crate::report::{Terminal, ago, count, digits, duration, length, percent, read_text};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// The columns behind the name.
const HEADINGS: [&str; 7] = ["newest event", "lag", "to do", "late", "passed over", "accuracy", "last run"];

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "31";

/// A text, part of which may be in a colour.
#[derive(Default)]
struct Cell {
    before: String,
    colored: Option<(&'static str, String)>,
    after: String,
}

/// What is known of a relation, in the order of the headings.
type Cells = [Option<Cell>; HEADINGS.len()];

impl Cell {
    fn plain(text: impl Into<String>) -> Self {
        Self { before: text.into(), ..Self::default() }
    }

    fn width(&self) -> usize {
        let colored = self.colored.as_ref().map_or("", |(_, text)| text);
        [&self.before, colored, &self.after].iter().map(|text| text.chars().count()).sum()
    }

    fn draw(&self, terminal: &Terminal) -> String {
        let colored = self.colored.as_ref().map(|(color, text)| terminal.paint(color, text));
        format!("{}{}{}", self.before, colored.unwrap_or_default(), self.after)
    }
}

/// A line for each; where that is wider than the terminal, a list for each. Columns of which nothing is known are left out.
pub fn status_text(relations: &[RelationStatus<'_>], terminal: &Terminal) -> String {
    let rows: Vec<(String, Cells)> =
        relations.iter().map(|relation| (relation.action.target.to_string(), cells(relation))).collect();
    let known = |column: usize| rows.iter().filter_map(move |(_, cells)| cells.get(column)?.as_ref());
    let shown: Vec<(usize, &str, usize)> = HEADINGS
        .iter()
        .enumerate()
        .filter_map(|(column, heading)| {
            let width = known(column).map(Cell::width).max()?;
            Some((column, *heading, width.max(heading.len())))
        })
        .collect();
    let name_width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let needed = name_width + shown.iter().map(|(.., width)| width + 2).sum::<usize>();
    if terminal.width().is_some_and(|width| width < needed) {
        return lists(&rows, terminal);
    }
    let headings: String = shown.iter().map(|(_, heading, width)| format!("  {heading:<width$}")).collect();
    let mut lines = vec![" ".repeat(name_width) + &headings];
    for (name, cells) in &rows {
        let mut line = format!("{name:<name_width$}");
        for (column, _, width) in &shown {
            let cell = cells.get(*column).and_then(Option::as_ref);
            let (text, length) = cell.map_or((UNKNOWN.to_owned(), 1), |cell| (cell.draw(terminal), cell.width()));
            let _ = write!(line, "  {text}{}", " ".repeat(width.saturating_sub(length)));
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn lists(rows: &[(String, Cells)], terminal: &Terminal) -> String {
    let width = HEADINGS.iter().map(|heading| heading.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, cells) in rows {
        let _ = writeln!(text, "{name}");
        for (heading, cell) in HEADINGS.iter().zip(cells).filter_map(|(heading, cell)| Some((heading, cell.as_ref()?)))
        {
            let _ = writeln!(text, "  {heading:<width$}  {}", cell.draw(terminal));
        }
    }
    text
}

fn cells(relation: &RelationStatus<'_>) -> Cells {
    let (newest, arrivals) = match &relation.sight {
        Sight::NotBuilt => (Some(Cell::plain("not built yet")), None),
        Sight::Timeless => (None, None),
        Sight::Failed(_) => (Some(Cell { colored: Some((RED, "failed".to_owned())), ..Cell::default() }), None),
        Sight::Seen(seen) => {
            let at = seen.newest.as_ref().map_or("none", |newest| without_fraction(&newest.at));
            (Some(Cell::plain(at)), seen.arrivals)
        }
    };
    let comparison = relation.last.comparison.as_ref();
    let found = comparison.and_then(|done| Some((done, done.found.as_ref()?)));
    [
        newest,
        lag(relation),
        to_do(relation),
        arrivals.and_then(late),
        found.and_then(|(_, found)| passed_over(found)),
        found.map(|(done, found)| accuracy(done, found)),
        relation.last.run.as_ref().map(last_run),
    ]
}

/// `3 hours, warn: over 1 hour`
fn lag(relation: &RelationStatus<'_>) -> Option<Cell> {
    let Sight::Seen(seen) = &relation.sight else { return None };
    let before = seen.newest.as_ref().map(|Newest { seconds_ago, .. }| {
        let length = length(seconds_ago.unsigned_abs());
        if *seconds_ago < 0 { format!("{length} ahead") } else { length }
    });
    let (color, word, after) = match relation.age() {
        None => return before.map(Cell::plain),
        Some(Age::Fresh) => (GREEN, "ok", String::new()),
        Some(Age::Old(limit)) => (YELLOW, "warn", format!(": over {limit}")),
        Some(Age::TooOld(limit)) => (RED, "error", format!(": over {limit}")),
    };
    let before = before.map(|before| format!("{before}, ")).unwrap_or_default();
    Some(Cell { before, colored: Some((color, word.to_owned())), after })
}

/// `3 days`, of those that it is kept by.
fn to_do(relation: &RelationStatus<'_>) -> Option<Cell> {
    let (Sight::Seen(seen), Kind::Model(model)) = (&relation.sight, &relation.action.kind) else { return None };
    let number = seen.to_do?;
    let text = count(number, model.intervals()?.width.word());
    Some(if number == 0 { Cell::plain(text) } else { Cell { colored: Some((YELLOW, text)), ..Cell::default() } })
}

/// The share of the rows that came late: never 0 if there is one.
fn late(arrivals: Arrivals) -> Option<Cell> {
    if arrivals.rows == 0 {
        return None;
    }
    let hundredths = (u128::from(arrivals.late) * 10_000).div_ceil(u128::from(arrivals.rows));
    Some(Cell::plain(format!("{}.{:02} %", hundredths / 100, hundredths % 100)))
}

/// `19, 0.48 %`
fn passed_over(found: &HistoryFinding) -> Option<Cell> {
    let late = digits(found.late?);
    let share = found.share_late().filter(|share| *share > 0.0);
    // Never 0 if there is one.
    let share = share.map(|share| format!(", {:.2} %", (share * 10_000.0 - 1e-6).ceil() / 100.0));
    Some(Cell::plain(format!("{late}{}", share.unwrap_or_default())))
}

/// `99.52 %, repaired 2 days ago`, `100.00 % of a part, just now`
fn accuracy(done: &LastDone, found: &HistoryFinding) -> Cell {
    let part = if found.part.is_some() { " of a part" } else { "" };
    let repaired = if done.outcome == HistoryOutcome::Repaired { "repaired " } else { "" };
    Cell::plain(format!("{}{part}, {repaired}{}", percent(found.accuracy), ago(done.seconds_ago)))
}

/// `success 2 hours ago, 209 rows, 1.2 GiB ($0.01), 1.24 s`
fn last_run(done: &LastDone) -> Cell {
    let color = match done.outcome {
        HistoryOutcome::Success | HistoryOutcome::Repaired => GREEN,
        HistoryOutcome::Error | HistoryOutcome::Fail => RED,
        HistoryOutcome::Skipped => YELLOW,
    };
    let rows = done.rows.map(|rows| count(usize::try_from(rows).unwrap_or(usize::MAX), "row"));
    let read = done.bytes_read.filter(|bytes| *bytes > 0).map(|bytes| read_text(bytes, done.cost));
    let took = done.took.filter(|_| done.outcome != HistoryOutcome::Skipped).map(duration);
    let more: String = [rows, read, took].into_iter().flatten().map(|part| format!(", {part}")).collect();
    let after = format!(" {}{more}", ago(done.seconds_ago));
    Cell { before: String::new(), colored: Some((color, done.outcome.word().to_owned())), after }
}

/// A time without fractions of its seconds.
fn without_fraction(at: &str) -> &str {
    // A zone may follow, which is UTC for all.
    at.split_once('.').map_or(at, |(seconds, _)| seconds)
}
