//! Files of one JSON object a line: going through them, and reading fields that loggers write as text or number.

use serde_json::{Map, Value};

use super::{Recorded, Wrong, shown};

/// Largest number of bytes or tokens an entry may name; beyond it the file is wrong.
const COUNT_MAX: u64 = 1 << 40;

/// Reads every line that is not blank; the error names the first that is wrong.
pub(super) fn each(text: &str, entry: fn(&Line) -> Result<Recorded, String>) -> Result<Vec<Recorded>, Wrong> {
    let mut recorded = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let read = Line::parse(line).and_then(|line| entry(&line));
        recorded.push(read.map_err(|message| (number, message))?);
    }
    Ok(recorded)
}

/// One object of a log.
pub(super) struct Line(Map<String, Value>);

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        match serde_json::from_str(line) {
            Ok(Value::Object(object)) => Ok(Line(object)),
            Ok(_) => Err("this line is not a JSON object; one object a line is expected".to_owned()),
            Err(error) => {
                Err(format!("this line is not JSON (column {}); one object a line is expected", error.column()))
            }
        }
    }

    /// A text; absent if it is not there, null, empty or `-`, which loggers write for nothing.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !matches!(*text, "" | "-"))
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| {
            format!("`{name}` is not there or empty; log it, or leave out requests that were never well formed")
        })
    }

    /// A count of bytes or tokens.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, String> {
        let number = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if matches!(text.as_str(), "" | "-") => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
        };
        match number {
            Some(number) if number <= COUNT_MAX => Ok(Some(number)),
            _ => Err(format!(
                "`{name}` is {}, and a whole number from 0 to 2^40 is expected",
                shown(&self.0[name].to_string())
            )),
        }
    }

    /// Whole numbers in a list.
    pub(super) fn counts(&self, name: &str) -> Result<Vec<u64>, String> {
        let wrong = || format!("`{name}` is not a list of whole numbers");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(|id| id.as_u64().ok_or_else(wrong)).collect(),
            Some(_) => Err(wrong()),
        }
    }

    /// Decimal units (seconds, milliseconds) in nanoseconds; exact, for loggers write decimals that doubles lack.
    pub(super) fn decimal_ns(&self, name: &str, unit_ns: i128) -> Result<Option<i128>, String> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if matches!(text.as_str(), "" | "-") => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let wrong = || format!("`{name}` is {}, and a time such as 1700000000.123 is expected", shown(&text));
        super::time::decimal_ns(&text, unit_ns).map(Some).ok_or_else(wrong)
    }
}
