//! JSON lines: one object per line; the keys of the first are the columns.

use serde_json::{Map, Value};

use super::{Mistake, Table};

/// Reads the whole text; empty lines are none.
pub(super) fn parse(text: &str) -> Result<Table, Mistake> {
    let mut table = Table::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, written) in (1u64..).zip(text.lines()) {
        if written.trim().is_empty() {
            continue;
        }
        let object = object(line, written)?;
        if table.columns.is_empty() {
            table.columns = object.keys().cloned().collect();
        }
        enter(&mut table, line, &object)?;
    }
    Ok(table)
}

fn object(line: u64, written: &str) -> Result<Map<String, Value>, Mistake> {
    let object: Map<String, Value> = serde_json::from_str(written).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        (line, error.column().max(1) as u64, format!("not a JSON object: {message}"))
    })?;
    if object.is_empty() {
        return Err((line, 1, "this object has no keys, so the row has no values".to_owned()));
    }
    Ok(object)
}

fn enter(table: &mut Table, line: u64, object: &Map<String, Value>) -> Result<(), Mistake> {
    let columns = std::mem::take(&mut table.columns);
    for column in &columns {
        match object.get(column) {
            Some(Value::String(text)) => table.push(text),
            Some(other) => table.push(&other.to_string()),
            None => return Err((line, 1, format!("this row has no `{column}`, which the first one has"))),
        }
    }
    table.columns = columns;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::data::Table;

    fn check(text: &str, expected: &str) {
        let told = match Table::parse("users.jsonl", text) {
            Err(problem) => problem.to_string(),
            Ok(table) => {
                let cell = |row: usize| table.cell(row, "name").unwrap_or("-");
                format!(
                    "{}: {}",
                    table.columns().join("|"),
                    (0..table.rows()).map(cell).collect::<Vec<_>>().join(" / ")
                )
            }
        };
        assert_eq!(told, expected, "{text:?}");
    }

    #[test]
    fn lines_are_objects_with_the_keys_of_the_first() {
        check("{\"name\":\"a\",\"age\":3}\n\n{\"age\":4,\"name\":\"b\",\"more\":1}\n", "name|age: a / b");
        check("{\"name\":{\"first\":\"é\"}}", "name: {\"first\":\"é\"}");
        check("", "users.jsonl:0:0: there is no row in it, so nothing could be picked");
        check("{\"name\":1}\n{\"nam\":2}", "users.jsonl:2:1: this row has no `name`, which the first one has");
        check("{}", "users.jsonl:1:1: this object has no keys, so the row has no values");
        check("{\"name\":1}\n[1]", "users.jsonl:2:1: not a JSON object: invalid type: sequence, expected a map");
        check("{\"name\":}", "users.jsonl:1:9: not a JSON object: expected value");
    }
}
