use std::fmt::Write;

use comfy_table::{Cell, Color, Table, presets};

use crate::adapter::Rows;
use crate::relation::Column;

/// How NULL is told from the text `NULL`.
const NULL: &str = "(null)";

/// Values longer than this are cut, so that a row stays on a line.
const WIDEST: usize = 40;

/// Rows as a small table; NULL is told from the text `NULL` by its brackets.
pub fn rows_table(rows: &Rows) -> String {
    draw(rows.columns.iter().map(|column| column.name.clone()).collect(), &rows.rows, false, false)
}

/// Rows as a table; where that is wider than `width`, each row as a list of its values, one a line. `types` are what is said of
/// the columns besides their names, if anything.
pub fn rows_text(rows: &Rows, types: &[String], width: Option<usize>) -> String {
    let with_type = |(place, column): (usize, &Column)| match types.get(place) {
        Some(data_type) => format!("{}\n{data_type}", column.name),
        None => column.name.clone(),
    };
    let table = draw(rows.columns.iter().enumerate().map(with_type).collect(), &rows.rows, false, false);
    let needed = table.lines().next().map_or(0, |line| line.chars().count());
    if width.is_none_or(|width| needed <= width) { table } else { rows_list(rows, types) }
}

fn rows_list(rows: &Rows, types: &[String]) -> String {
    let with_type = |(place, column): (usize, &Column)| match types.get(place) {
        Some(data_type) => format!("{} ({data_type})", column.name),
        None => column.name.clone(),
    };
    let names: Vec<String> = rows.columns.iter().enumerate().map(with_type).collect();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (number, row) in (1..).zip(&rows.rows) {
        let _ = writeln!(text, "── row {number}");
        for (name, value) in names.iter().zip(row) {
            let value = value.as_deref().map_or_else(|| NULL.to_owned(), cut);
            let _ = writeln!(text, "{name:<longest$}  {value}");
        }
    }
    text
}

/// Rows whose first value is `-` for missing or `+` for unexpected; they are red and green with `color`.
pub fn diff_table(rows: &Rows, color: bool) -> String {
    let mut header: Vec<String> = rows.columns.iter().map(|column| column.name.clone()).collect();
    if let Some(first) = header.first_mut() {
        first.clear();
    }
    draw(header, &rows.rows, true, color)
}

fn draw(header: Vec<String>, rows: &[Vec<Option<String>>], is_diff: bool, color: bool) -> String {
    let mut table = Table::new();
    table.force_no_tty().load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    if color {
        table.enforce_styling();
    }
    for row in rows {
        let sign = row.first().and_then(Option::as_deref).filter(|_| is_diff);
        let cells = row.iter().map(|value| {
            let cell = Cell::new(value.as_deref().map_or_else(|| NULL.to_owned(), cut));
            match sign {
                Some("-") if color => cell.fg(Color::Red),
                Some("+") if color => cell.fg(Color::Green),
                _ => cell,
            }
        });
        table.add_row(cells);
    }
    table.to_string() + "\n"
}

fn cut(text: &str) -> String {
    let text = text.replace('\n', "⏎");
    if text.chars().count() <= WIDEST {
        return text;
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_do_not_fit_become_lists() {
        let column = |name: &str| Column { name: name.to_owned(), data_type: "text".to_owned() };
        let row = vec![Some("1".to_owned()), None];
        let rows = Rows { columns: vec![column("id"), column("description")], rows: vec![row] };
        assert_eq!(rows_text(&rows, &[], Some(10)), "── row 1\nid           1\ndescription  (null)\n");
        assert_eq!(rows_text(&rows, &[], Some(80)), rows_table(&rows));
        assert_eq!(rows_text(&rows, &[], None), rows_table(&rows));
    }
}
