//! Rows of values that passes use: CSV with a head line (RFC 4180) or JSON lines, from text to a table.

mod csv;
mod json_lines;

use crate::plan::mix;
use crate::scenario::DataPick;
use crate::source::{Problem, suggest};

/// Most bytes one file may have; places in it are kept as 32-bit numbers.
pub const FILE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Rows of named columns. Compact: one text and where each cell of it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<String>,
    text: String,
    ends: Vec<u32>,
}

impl Table {
    /// Reads a file by its name: `.jsonl` and `.ndjson` are JSON lines, everything else is CSV.
    ///
    /// # Errors
    /// The first mistake with its line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let extension = file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let problem =
            |(line, column, message): Mistake| Problem { file: file.to_owned(), line, column, message, help: None };
        if text.len() > FILE_BYTES_MAX {
            let message = format!("{} bytes are too many; a data file holds at most 256 MiB", text.len());
            return Err(problem((0, 0, message)));
        }
        let table = match extension.as_deref() {
            Some("jsonl" | "ndjson") => json_lines::parse(text),
            _ => csv::parse(text),
        };
        let table = table.map_err(problem)?;
        if table.rows() == 0 {
            return Err(problem((0, 0, "there is no row in it, so nothing could be picked".to_owned())));
        }
        Ok(table)
    }

    /// How many rows there are; never 0.
    pub fn rows(&self) -> usize {
        self.ends.len() / self.columns.len().max(1)
    }

    /// The names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The value of a column in a row; `None` where there is no such column or row.
    pub fn cell(&self, row: usize, column: &str) -> Option<&str> {
        let column = self.columns.iter().position(|name| name == column)?;
        let index = row.checked_mul(self.columns.len())?.checked_add(column)?;
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text.get(start..end)
    }

    fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(u32::try_from(self.text.len()).expect("256 MiB of cells cannot be written in 4 GiB"));
    }
}

/// Line and column from 1, and what is wrong there.
type Mistake = (u64, u64, String);

/// The row that a pass uses, the same for every use within it: `cycle` by the number of the pass, `uniform` by a draw
/// from seed, workload and iteration. `rows` must not be 0.
pub fn row(pick: DataPick, rows: usize, seed: u64, (workload, iteration): (usize, u64)) -> usize {
    let number = match pick {
        DataPick::Cycle => iteration,
        DataPick::Uniform => mix(mix(mix(seed, 0x0064_6174_6121), workload as u64), iteration),
    };
    usize::try_from(number % rows as u64).expect("a remainder of a usize is one")
}

/// What is wrong with a use of a column that a table does not have, in a sentence.
pub fn no_such_column(set: &str, column: &str, table: &Table) -> String {
    let help = suggest(column, table.columns().iter().map(String::as_str));
    let help = help.map_or(String::new(), |help| format!("; {help}"));
    format!("`{{{{data {set}.{column}}}}}` is used, and the data file of `{set}` has no column `{column}`{help}")
}
