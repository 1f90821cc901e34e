//! Data files: read once, shared by every pass; which row a pass uses is decided by its number alone.

use std::path::Path;
use std::sync::Arc;

use proofload_core::data::{FILE_BYTES_MAX, Table, no_such_column, row};
use proofload_core::scenario::{DataPick, DataSet};

use super::flow::Pass;

/// The rows of one data set.
#[derive(Debug, Clone)]
pub(crate) struct LoadedData {
    name: String,
    pick: DataPick,
    table: Arc<Table>,
}

/// Reads the files of all data sets. `folder` is where the scenario lies.
///
/// # Errors
/// A sentence with the place of the first mistake, or the column that a flow uses and the file does not have.
pub(crate) fn load_data(sets: &[DataSet], folder: &Path) -> Result<Vec<LoadedData>, String> {
    sets.iter().map(|set| load_set(set, folder)).collect()
}

fn load_set(set: &DataSet, folder: &Path) -> Result<LoadedData, String> {
    let path = folder.join(&set.file);
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| format!("data set `{}`: {name} cannot be read: {error}", set.name);
    let length = std::fs::metadata(&path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX as u64 {
        return Err(format!("data set `{}`: {name} has {length} bytes; a data file holds at most 256 MiB", set.name));
    }
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        format!("{name}:{line}: this line is not UTF-8 text; save the file as UTF-8")
    })?;
    let table = Table::parse(&name, &text).map_err(|problem| problem.to_string())?;
    if let Some(column) = set.columns.iter().find(|column| !table.columns().contains(column)) {
        return Err(no_such_column(&set.name, column, &table));
    }
    Ok(LoadedData { name: set.name.clone(), pick: set.pick, table: Arc::new(table) })
}

/// The value of a column in the row of a pass.
pub(super) fn value(sets: &[LoadedData], seed: u64, pass: Pass, (set, column): (&str, &str)) -> Option<String> {
    let set = sets.iter().find(|candidate| candidate.name == set)?;
    let row = row(set.pick, set.table.rows(), seed, (pass.workload, pass.iteration));
    set.table.cell(row, column).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("users.csv"), content).unwrap();
        let set = DataSet {
            name: "users".to_owned(),
            file: "users.csv".to_owned(),
            pick: DataPick::Cycle,
            columns: vec!["email".to_owned()],
        };
        let told = match load_data(&[set], folder.path()) {
            Err(error) => error.replace(&format!("{}/", folder.path().display()), ""),
            Ok(sets) => {
                let pass = |iteration| Pass { workload: 0, iteration, intended_ns: 0 };
                let value = |iteration| value(&sets, 1, pass(iteration), ("users", "email")).unwrap();
                (0..4).map(value).collect::<Vec<_>>().join(" ")
            }
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn a_file_is_read_or_refused_with_its_place() {
        check(b"email,age\na@x,1\nb@x,2\n", "a@x b@x a@x b@x");
        check(
            b"mail,age\na@x,1\n",
            "`{{data users.email}}` is used, and the data file of `users` has no column `email`; did you mean `mail`?",
        );
        check(b"email\na@x\n\xff\n", "users.csv:3: this line is not UTF-8 text; save the file as UTF-8");
        check(b"email\n\"a@x\n", "users.csv:2:1: this quote is never closed");
        let missing =
            DataSet { name: "u".to_owned(), file: "no.csv".to_owned(), pick: DataPick::Cycle, columns: vec![] };
        let told = load_data(&[missing], Path::new("/nowhere")).unwrap_err();
        assert!(told.starts_with("data set `u`: /nowhere/no.csv cannot be read: "), "{told}");
    }
}
