//! What things cost: one ready replica for as long as it is there, and what costs the same whatever the load.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::source::suggest;

/// The prices of an environment. A run keeps a copy, so that it is judged again by the prices it was run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// A code such as `USD` or a sign such as `€`; only shown.
    pub currency: String,
    /// Of one ready replica, by workload, `Deployment/name`.
    pub replicas: BTreeMap<String, Price>,
    /// Of what is there whatever the load, by a name of its author's.
    pub fixed: BTreeMap<String, Price>,
}

/// Money for a length of time, written `0.55/h` or `200/month`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    amount: f64,
    per: Per,
}

/// The time that a price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
    Day,
    Month,
}

/// Every time a price may be for, by its word.
const PERS: &[(&str, Per)] =
    &[("s", Per::Second), ("min", Per::Minute), ("h", Per::Hour), ("day", Per::Day), ("month", Per::Month)];

/// A year of 8,760 hours has twelve months.
const HOURS_PER_MONTH: f64 = 730.0;
/// Above every price there is, and far below what sums cannot hold.
const PRICE_MAX: f64 = 1e12;

impl Price {
    /// The same price for an hour.
    pub fn per_hour(self) -> f64 {
        match self.per {
            Per::Second => self.amount * 3600.0,
            Per::Minute => self.amount * 60.0,
            Per::Hour => self.amount,
            Per::Day => self.amount / 24.0,
            Per::Month => self.amount / HOURS_PER_MONTH,
        }
    }

    /// Reads `0.55/h`.
    ///
    /// # Errors
    /// What is wrong, and what to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let shape = || (format!("`{text}` is not a price"), Some("write one such as 0.55/h or 200/month".to_owned()));
        let (amount, unit) = text.split_once('/').ok_or_else(shape)?;
        let amount: f64 = amount.trim().parse().map_err(|_| shape())?;
        let unit = unit.trim();
        let Some((_, per)) = PERS.iter().find(|(word, _)| *word == unit) else {
            return Err((format!("`{text}` is a price for no known time"), suggest(unit, words())));
        };
        if !(0.0..=PRICE_MAX).contains(&amount) {
            let help = "a price lies between 0 and 10^12".to_owned();
            return Err((format!("`{text}` is out of range"), Some(help)));
        }
        Ok(Self { amount, per: *per })
    }
}

fn words() -> impl Iterator<Item = &'static str> {
    PERS.iter().map(|(word, _)| *word)
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = PERS.iter().find(|(_, per)| *per == self.per).map_or("h", |(word, _)| word);
        write!(f, "{}/{word}", self.amount)
    }
}

impl FromStr for Price {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|(wrong, _)| wrong)
    }
}

/// A price is kept as it was written: a text loses no digit, where a number read from JSON may.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Price {
    fn schema_name() -> Cow<'static, str> {
        "Price".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "a price such as 0.55/h or 200/month; a month is 730 hours",
            "pattern": r"^\s*[0-9.]+\s*/\s*(s|min|h|day|month)\s*$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let told = match Price::parse(text) {
            Ok(price) => format!("{price} = {:.4} an hour", price.per_hour()),
            Err((wrong, help)) => format!("{wrong}; {}", help.unwrap_or_default()),
        };
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn prices_read_as_lists_of_prices_have_them() {
        check("0.55/h", "0.55/h = 0.5500 an hour");
        check(" 200 / month ", "200/month = 0.2740 an hour");
        check("2/s", "2/s = 7200.0000 an hour");
        check("1.5/min", "1.5/min = 90.0000 an hour");
        check("12/day", "12/day = 0.5000 an hour");
        check("0/h", "0/h = 0.0000 an hour");
        check("50", "`50` is not a price; write one such as 0.55/h or 200/month");
        check("cheap/h", "`cheap/h` is not a price; write one such as 0.55/h or 200/month");
        check("50/mont", "`50/mont` is a price for no known time; did you mean `month`?");
        check("50/fortnight", "`50/fortnight` is a price for no known time; known: s, min, h, day, month");
        for text in ["-1/h", "NaN/h", "inf/h", "1e13/h"] {
            check(text, &format!("`{text}` is out of range; a price lies between 0 and 10^12"));
        }
    }

    #[test]
    fn a_price_is_stored_as_it_was_written() {
        let stored = serde_json::to_string(&"0.1/day".parse::<Price>().unwrap()).unwrap();
        assert_eq!(stored, "\"0.1/day\"");
        assert_eq!(serde_json::from_str::<Price>(&stored).unwrap().to_string(), "0.1/day");
        assert!(serde_json::from_str::<Price>("\"0.1/year\"").is_err());
    }
}
