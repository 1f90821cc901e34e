//! CSV by RFC 4180: a head line, commas, quotes doubled within quotes, lines ended by LF or CRLF.

use super::{Mistake, Table};

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Result<Table, Mistake> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, column: 1 };
    let columns = reader.record()?;
    check_columns(&columns)?;
    let mut table = Table { columns, ..Table::default() };
    while !reader.rest.is_empty() {
        let line = reader.line;
        let record = reader.record()?;
        // An empty line is no row, unless an empty cell is all that a row has.
        if record == [""] && table.columns.len() > 1 {
            continue;
        }
        if record.len() != table.columns.len() {
            let (has, wants) = (record.len(), table.columns.len());
            return Err((line, 1, format!("this row has {has} cells, and the head line names {wants} columns")));
        }
        for cell in &record {
            table.push(cell);
        }
    }
    Ok(table)
}

fn check_columns(columns: &[String]) -> Result<(), Mistake> {
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return Err((1, 1, format!("column {} has no name; the first line names the columns", index + 1)));
        }
        if columns[..index].contains(column) {
            return Err((1, 1, format!("two columns are called `{column}`")));
        }
    }
    Ok(())
}

struct Reader<'t> {
    rest: &'t str,
    line: u64,
    column: u64,
}

impl Reader<'_> {
    /// One record, past its line end.
    fn record(&mut self) -> Result<Vec<String>, Mistake> {
        let mut cells = Vec::new();
        loop {
            cells.push(if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? });
            match self.rest.chars().next() {
                Some(',') => self.skip(1),
                _ if self.line_end() => return Ok(cells),
                _ => {
                    let message = "a comma or the end of the line must follow a closing quote".to_owned();
                    return Err((self.line, self.column, message));
                }
            }
        }
    }

    fn plain(&mut self) -> Result<String, Mistake> {
        let end = self.rest.find([',', '\n', '\r', '"']).unwrap_or(self.rest.len());
        let cell = self.rest[..end].to_owned();
        self.skip(end);
        if self.rest.starts_with('"') {
            let message =
                "a quote stands inside a cell without quotes; put the cell in quotes and double it".to_owned();
            return Err((self.line, self.column, message));
        }
        Ok(cell)
    }

    fn quoted(&mut self) -> Result<String, Mistake> {
        let opened = (self.line, self.column);
        self.skip(1);
        let mut cell = String::new();
        loop {
            let Some(end) = self.rest.find('"') else {
                return Err((opened.0, opened.1, "this quote is never closed".to_owned()));
            };
            cell.push_str(&self.rest[..end]);
            self.skip(end + 1);
            if !self.rest.starts_with('"') {
                return Ok(cell);
            }
            cell.push('"');
            self.skip(1);
        }
    }

    /// Takes a line end; the end of the text is one too.
    fn line_end(&mut self) -> bool {
        let length = match self.rest.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            [] => 0,
            _ => return false,
        };
        self.rest = &self.rest[length..];
        self.line += 1;
        self.column = 1;
        true
    }

    /// Goes on by so many bytes of this cell, which may hold line ends.
    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        for c in passed.chars() {
            (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Table;

    fn check(text: &str, expected: &str) {
        let told = match Table::parse("users.csv", text) {
            Err(problem) => problem.to_string(),
            Ok(table) => {
                let row = |row: usize| {
                    let cells: Vec<&str> = table.columns().iter().map(|name| table.cell(row, name).unwrap()).collect();
                    cells.join("|")
                };
                format!("{}: {}", table.columns().join("|"), (0..table.rows()).map(row).collect::<Vec<_>>().join(" / "))
            }
        };
        assert_eq!(told, expected, "{text:?}");
    }

    #[test]
    fn csv_is_read_as_rfc_4180_says() {
        check("a,b\n1,2\n3,4\n", "a|b: 1|2 / 3|4");
        check("a,b\r\n1,2\r\n3,4", "a|b: 1|2 / 3|4");
        check("\u{feff}a\n1\n", "a: 1");
        check("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "a|b: x,y|say \"hi\"");
        check("a,b\n\"two\nlines\",é\n,\n", "a|b: two\nlines|é / |");
        check("a,b\n1,2\n\n3,4\n\n", "a|b: 1|2 / 3|4");
        check("a\n1\n\n2\n", "a: 1 /  / 2");
    }

    #[test]
    fn mistakes_have_their_place() {
        check("", "users.csv:1:1: column 1 has no name; the first line names the columns");
        check("a,b\n", "users.csv:0:0: there is no row in it, so nothing could be picked");
        check("a,a\n1,2\n", "users.csv:1:1: two columns are called `a`");
        check("a,b\n1,2\n1\n", "users.csv:3:1: this row has 1 cells, and the head line names 2 columns");
        check("a,b\n1,\"2\n3,4\n", "users.csv:2:3: this quote is never closed");
        check(
            "a,b\n1,2\"\n",
            "users.csv:2:4: a quote stands inside a cell without quotes; put the cell in quotes and double it",
        );
        check("a,b\n\"x\ny\"z,2\n", "users.csv:3:3: a comma or the end of the line must follow a closing quote");
    }
}
