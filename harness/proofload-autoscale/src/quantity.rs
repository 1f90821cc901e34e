//! Kubernetes quantities as whole thousandths: `500m`, `70`, `2Gi`, `1.5`, `1e3`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A quantity in thousandths: `Milli(1500)` is 1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Milli(pub i64);

impl<'de> Deserialize<'de> for Milli {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = scalar_text(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A YAML scalar as the text that was meant: `10`, `1.5`, `true` and `"10"` alike.
pub(crate) fn scalar_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        serde_json::Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(D::Error::custom(format!("expected one value, found {other}"))),
    }
}

/// A text that is no Kubernetes quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a quantity; write a number with an optional suffix, such as 500m, 2, 1.5 or 512Mi")]
pub struct QuantityError {
    /// What was written.
    pub text: String,
}

impl Milli {
    /// A whole number.
    pub const fn whole(n: i64) -> Self {
        Self(n.saturating_mul(1000))
    }

    /// The value as Go's `float64(MilliValue())`.
    #[expect(clippy::cast_precision_loss, reason = "Go's controller converts the same way; the goldens reach i64::MAX")]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// A scaler's floating value, formatted as KEDA does: three decimals; NaN, infinities and negatives become 0.
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted of a huge value")]
    pub fn from_scaler(value: f64) -> Self {
        if value.is_finite() && value > 0.0 { Self((value * 1000.0).round() as i64) } else { Self(0) }
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1000 == 0 { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

impl FromStr for Milli {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text).ok_or_else(|| QuantityError { text: text.to_owned() })
    }
}

/// Rounds up to a thousandth, as `MilliValue()` does.
fn parse(text: &str) -> Option<Milli> {
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits_end);
    let (numerator, denominator) = factor(suffix)?;
    let (mantissa, decimals) = decimal(number)?;
    let dividend = mantissa.checked_mul(1000)?.checked_mul(numerator)?;
    let divisor = denominator.checked_mul(10_i128.checked_pow(decimals)?)?;
    let up = i128::from(dividend % divisor > 0);
    Some(Milli(i64::try_from(dividend / divisor + up).unwrap_or(i64::MAX)))
}

/// `12.50` is (1250, 2).
fn decimal(number: &str) -> Option<(i128, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.trim_start_matches(['+', '-']).is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    Some((digits.parse().ok()?, u32::try_from(fraction.len()).ok()?))
}

fn factor(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => return exponent(suffix),
    })
}

fn exponent(suffix: &str) -> Option<(i128, i128)> {
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let scale = 10_i128.checked_pow(power.unsigned_abs().min(30))?;
    Some(if power < 0 { (1, scale) } else { (scale, 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(text.parse::<Milli>().ok().map(|q| q.0), expected, "{text}");
    }

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        check("500m", Some(500));
        check("2", Some(2000));
        check("1.5", Some(1500));
        check("0.0005", Some(1));
        check("2Gi", Some(2_147_483_648_000));
        check("1e3", Some(1_000_000));
        check("12E-1", Some(1200));
        check("10n", Some(1));
        check("1E", Some(i64::MAX));
        check("-1", Some(-1000));
        check("", None);
        check("AA", None);
        check("1Gb", None);
        check(".", None);
    }

    #[test]
    fn scaler_values_keep_three_decimals_and_no_nonsense() {
        assert_eq!(Milli::from_scaler(5.5), Milli(5500));
        assert_eq!(Milli::from_scaler(f64::NAN), Milli(0));
        assert_eq!(Milli::from_scaler(-3.0), Milli(0));
        assert_eq!(Milli(2222).to_string(), "2222m");
    }
}
