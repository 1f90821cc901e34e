//! Planted faults of the inference role, so that checks can be shown to say no.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// One thing that can be wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// `slow=DURATION`: every prediction is answered this much later, at no cost in capacity.
    Slow(Duration),
    /// `wrong-scores`: scores are moved on by one class and sum to 1.5.
    WrongScores,
    /// `error-every=N`: each Nth prediction is answered 500.
    ErrorEvery(NonZeroU64),
}

/// A defect this role does not have, or a value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no defect of the inference role ({why}); use one of: {}", Defect::NAMES.join(", "))]
pub struct UnknownDefect {
    text: String,
    why: &'static str,
}

impl Defect {
    /// What `--defect` accepts, with the form of the value.
    pub const NAMES: &[&str] = &["slow=DURATION", "wrong-scores", "error-every=N"];
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(text: &str) -> Result<Self, UnknownDefect> {
        let fail = |why| UnknownDefect { text: text.to_owned(), why };
        match text.split_once('=') {
            None if text == "wrong-scores" => Ok(Self::WrongScores),
            Some(("slow", value)) => {
                duration(value).map(Self::Slow).ok_or_else(|| fail("a duration looks like 200ms or 2s"))
            }
            Some(("error-every", value)) => {
                value.parse().map(Self::ErrorEvery).map_err(|_| fail("N is a whole number from 1"))
            }
            Some(("wrong-scores", _)) => Err(fail("wrong-scores takes no value")),
            None if matches!(text, "slow" | "error-every") => Err(fail("the value is missing")),
            _ => Err(fail("unknown name")),
        }
    }
}

/// `200ms`, `1.5s`, `2m`.
fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let seen = match text.parse::<Defect>() {
            Ok(defect) => format!("{defect:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn reads_each_defect_and_names_the_valid_ones() {
        check("slow=200ms", "Slow(200ms)");
        check("slow=1.5s", "Slow(1.5s)");
        check("wrong-scores", "WrongScores");
        check("error-every=3", "ErrorEvery(3)");
        let tail = "; use one of: slow=DURATION, wrong-scores, error-every=N";
        let no =
            |text: &str, why: &str| check(text, &format!("{text:?} is no defect of the inference role ({why}){tail}"));
        no("slow", "the value is missing");
        no("slow=fast", "a duration looks like 200ms or 2s");
        no("error-every=0", "N is a whole number from 1");
        no("wrong-scores=1", "wrong-scores takes no value");
        no("auth-off", "unknown name");
    }
}
