//! Quantities as people write them: `250ms`, `40/s`, `0.1%`, `2MiB`, `1s..3s`.
//!
//! Each type parses from text in one place and cannot hold nonsense afterwards.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A length of time, `250ms`, `1.5s`, `2m`, `1h`; resolution 1 µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// How often something happens, `40/s`, `90/m`, `0.5/s`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate {
    /// Occurrences per second; finite and not negative.
    pub per_second: f64,
}

/// A share of a whole, written `0.1%` or `0.001`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ratio(pub f64);

/// A number of bytes, `200KiB`, `2MiB`, `1500B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A time to think: one length, or a range drawn evenly, `1s..3s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanRange {
    /// Shortest.
    pub from: Span,
    /// Longest; never below `from`.
    pub to: Span,
}

/// A size, or a range of sizes, `200KiB..2MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BytesRange {
    /// Smallest.
    pub from: Bytes,
    /// Largest; never below `from`.
    pub to: Bytes,
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration; write a number and a unit, such as 250ms, 1.5s, 2m or 1h");
        let (number, unit) = split_unit(text).ok_or_else(wrong)?;
        let seconds = match unit {
            "us" | "µs" => number / 1e6,
            "ms" => number / 1e3,
            "s" => number,
            "m" | "min" => number * 60.0,
            "h" => number * 3600.0,
            _ => return Err(wrong()),
        };
        // A year bounds every sum of stages far below the range of integer nanoseconds.
        if !(0.0..=31_536_000.0).contains(&seconds) {
            return Err(format!("`{text}` is out of range; a duration lies between 0 and one year"));
        }
        Ok(Span(Duration::from_secs_f64(seconds)))
    }
}

impl FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write a number per unit, such as 40/s or 90/m");
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let per_second = match unit.trim() {
            "s" => number,
            "m" | "min" => number / 60.0,
            "h" => number / 3600.0,
            _ => return Err(wrong()),
        };
        if !(0.0..=10_000_000.0).contains(&per_second) {
            return Err(format!("`{text}` is out of range; a rate lies between 0 and 10 million per second"));
        }
        Ok(Rate { per_second })
    }
}

impl FromStr for Ratio {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a share; write a percentage such as 0.1%, or a number from 0 to 1");
        let value = match text.trim().strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0,
            None => text.trim().parse::<f64>().map_err(|_| wrong())?,
        };
        if (0.0..=1.0).contains(&value) { Ok(Ratio(value)) } else { Err(wrong()) }
    }
}

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size; write a number and a unit, such as 1500B, 200KiB or 2MiB");
        let (number, unit) = split_unit(text).ok_or_else(wrong)?;
        let factor = match unit {
            "B" => 1.0,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            _ => return Err(wrong()),
        };
        let bytes = number * factor;
        if !(0.0..=1e15).contains(&bytes) {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie in 0..=1e15")]
        Ok(Bytes(bytes as u64))
    }
}

impl FromStr for SpanRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (from.trim().parse()?, to.trim().parse()?);
        if from > to {
            return Err(format!("`{text}` runs backwards; write the shorter time first"));
        }
        Ok(SpanRange { from, to })
    }
}

impl FromStr for BytesRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from, to) = (from.trim().parse()?, to.trim().parse()?);
        if from > to {
            return Err(format!("`{text}` runs backwards; write the smaller size first"));
        }
        Ok(BytesRange { from, to })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        match micros {
            0 => write!(f, "0s"),
            _ if micros.is_multiple_of(3_600_000_000) => write!(f, "{}h", micros / 3_600_000_000),
            _ if micros.is_multiple_of(60_000_000) => write!(f, "{}m", micros / 60_000_000),
            _ if micros >= 1_000_000 => write!(f, "{}s", self.0.as_secs_f64()),
            _ if micros >= 1_000 => write!(f, "{}ms", self.0.as_secs_f64() * 1e3),
            _ => write!(f, "{micros}us"),
        }
    }
}

fn split_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let at = text.find(|c: char| c.is_alphabetic() || c == 'µ')?;
    let number = text[..at].trim().parse().ok()?;
    Some((number, text[at..].trim()))
}

/// Reads a scalar through `FromStr`, so that the message is ours and the place is the parser's.
macro_rules! text_type {
    ($name:ident, $title:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "title": $title, "pattern": $pattern })
            }
        }
    };
}

text_type!(Span, "a duration such as 250ms, 1.5s, 2m or 1h", r"^\s*[0-9.]+\s*(us|µs|ms|s|m|min|h)\s*$");
text_type!(Rate, "a rate such as 40/s or 90/m", r"^\s*[0-9.]+\s*/\s*(s|m|min|h)\s*$");
text_type!(Bytes, "a size such as 200KiB", r"^\s*[0-9.]+\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)\s*$");
text_type!(BytesRange, "a size or a range such as 200KiB..2MiB", r"^[^.]+(\.[0-9]+[^.]+)?(\.\..+)?$");
text_type!(SpanRange, "a duration or a range such as 1s..3s", r"^[^.]+(\.\.[^.]+)?$");

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "title": "a share such as 0.1% or 0.001" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: FromStr<Err = String> + fmt::Debug>(text: &str, expected: &str) {
        let got = text.parse::<T>().map_or_else(|error| error, |value| format!("{value:?}"));
        assert!(got.starts_with(expected), "{text}: {got}");
    }

    #[test]
    fn quantities_read_as_people_write_them() {
        check::<Span>("250ms", "Span(250ms)");
        check::<Span>("1.5s", "Span(1.5s)");
        check::<Span>("2m", "Span(120s)");
        check::<Span>("5", "`5` is not a duration");
        check::<Span>("-1s", "`-1s` is out of range");
        check::<Span>("5 parsecs", "`5 parsecs` is not a duration");
        check::<Rate>("40/s", "Rate { per_second: 40.0 }");
        check::<Rate>("90/m", "Rate { per_second: 1.5 }");
        check::<Rate>("40", "`40` is not a rate");
        check::<Rate>("NaN/s", "`NaN/s` is out of range");
        check::<Ratio>("0.1%", "Ratio(0.001)");
        check::<Ratio>("0.5", "Ratio(0.5)");
        check::<Ratio>("120%", "`120%` is not a share");
        check::<Bytes>("2MiB", "Bytes(2097152)");
        check::<Bytes>("2", "`2` is not a size");
        check::<BytesRange>("1KiB..2KiB", "BytesRange { from: Bytes(1024), to: Bytes(2048) }");
        check::<BytesRange>("1.5KiB", "BytesRange { from: Bytes(1536), to: Bytes(1536) }");
        check::<BytesRange>("2KiB..1KiB", "`2KiB..1KiB` runs backwards");
        check::<SpanRange>("1s..3s", "SpanRange { from: Span(1s), to: Span(3s) }");
        check::<SpanRange>("3s..1s", "`3s..1s` runs backwards");
    }
}
