use comfy_table::{Cell, Color, Table, presets};

use crate::adapter::Rows;

/// Values longer than this are cut, so that a row stays on a line.
const WIDEST: usize = 40;

/// Rows as a small table; NULL is told from the text `NULL` by its brackets.
pub fn rows_table(rows: &Rows) -> String {
    draw(rows.columns.iter().map(|column| column.name.clone()).collect(), &rows.rows, false, false)
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
            let cell = Cell::new(value.as_deref().map_or_else(|| "(null)".to_owned(), cut));
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
