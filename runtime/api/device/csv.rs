//! Comma-separated values (RFC 4180), as spreadsheets write them.

/// A record, with the line on which it begins, from 1.
pub type Record = (usize, Result<Vec<String>, &'static str>);

/// Every record of a text; empty lines are none.
pub fn records(text: &str) -> impl Iterator<Item = Record> {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    std::iter::from_fn(move || {
        while let Some(behind) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            (rest, line) = (behind, line + 1);
        }
        if rest.is_empty() {
            return None;
        }
        let start = line;
        let (cells, behind) = record(rest);
        line += rest[..rest.len() - behind.len()].matches('\n').count();
        rest = behind;
        Some((start, cells))
    })
}

/// The cells of the first record, and what follows it. One that is malformed ends with its line.
fn record(text: &str) -> (Result<Vec<String>, &'static str>, &str) {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let cell = match rest.strip_prefix('"') {
            Some(quoted) => match quoted_cell(quoted) {
                Ok((cell, behind)) => (cell, behind),
                Err(why) => return (Err(why), after_line(rest)),
            },
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let end_of_text =
                    if rest[end..].starts_with(',') { end } else { rest[..end].trim_end_matches('\r').len() };
                (rest[..end_of_text].to_owned(), &rest[end..])
            }
        };
        cells.push(cell.0);
        let behind = cell.1;
        if let Some(next) = behind.strip_prefix(',') {
            rest = next;
            continue;
        }
        return match behind.strip_prefix("\r\n").or_else(|| behind.strip_prefix('\n')) {
            Some(next) => (Ok(cells), next),
            None if behind.is_empty() || behind == "\r" => (Ok(cells), ""),
            None => (Err("something follows the quotes of a cell"), after_line(behind)),
        };
    }
}

/// What follows the opening quotes.
fn quoted_cell(text: &str) -> Result<(String, &str), &'static str> {
    let (mut cell, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('"').ok_or("quotes are not closed")?;
        cell.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(behind) => {
                cell.push('"');
                rest = behind;
            }
            None => return Ok((cell, rest)),
        }
    }
}

fn after_line(text: &str) -> &str {
    text.find('\n').map_or("", |end| &text[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, Option<Vec<String>>)> {
        records(text).map(|(line, cells)| (line, cells.ok())).collect()
    }

    fn cells(line: usize, cells: &[&str]) -> (usize, Option<Vec<String>>) {
        (line, Some(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        assert_eq!(read("a,b\r\n1,2\r\n"), [cells(1, &["a", "b"]), cells(2, &["1", "2"])]);
        assert_eq!(read("\u{feff}a,,\n\n\nb"), [cells(1, &["a", "", ""]), cells(4, &["b"])]);
        assert_eq!(read("\"x, \"\"y\"\"\",z\n"), [cells(1, &["x, \"y\"", "z"])]);
        assert_eq!(read("\"two\nlines\",1\nnext"), [cells(1, &["two\nlines", "1"]), cells(3, &["next"])]);
        assert_eq!(read("a\r"), [cells(1, &["a"])]);
        assert_eq!(read(""), []);
    }

    #[test]
    fn a_malformed_record_costs_its_line() {
        assert_eq!(read("\"a\"b,c\nd,e"), [(1, None), cells(2, &["d", "e"])]);
        assert_eq!(read("\"open\nd,e"), [(1, None), cells(2, &["d", "e"])]);
    }
}
