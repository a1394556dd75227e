//! What commands print: tables for people, JSON for scripts.

use clap::Args;
use serde_json::Value;

/// In which form a command answers.
#[derive(Args, Debug, Clone)]
pub struct Form {
    /// Prints the server's answer as JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Rows of the same columns, as wide as they need to be.
pub fn table<const N: usize>(columns: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| shown(&cell))).collect();
    let mut widths = columns.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(columns);
    rows.iter().for_each(|row| text += &line(std::array::from_fn(|column| row[column].as_str())));
    text
}

/// Fields of one thing, a line each, in the order in which the server has them.
pub fn fields(object: &Value) -> String {
    let fields: Vec<_> = object.as_object().into_iter().flatten().map(|(name, value)| (name, cell(value))).collect();
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    fields.iter().map(|(name, value)| format!("{name:width$}  {}\n", shown(value))).collect()
}

/// On one line of a terminal, whatever the text says to it.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// A value of JSON as people read it; nothing where there is none.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

pub fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need_to_be_and_nothing_reaches_the_terminal_as_a_command() {
        let rows = [["a".to_owned(), "x".to_owned()], ["längre".to_owned(), "\u{1b}[2J".to_owned()]];
        assert_eq!(table(["id", "name"], rows), "id      name\na       x\nlängre  \u{FFFD}[2J\n");
    }
}
