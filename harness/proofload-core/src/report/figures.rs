//! What a finding's figure says to a reader: value, limit, interval, margin, and which finding comes first.

use super::words;
use crate::judge::{Figure, Finding, Group, Outcome};

/// Findings by how much they ask of the reader: failures first, what holds last.
pub(super) fn ranked(findings: &[Finding]) -> Vec<&Finding> {
    let mut ranked: Vec<&Finding> = findings.iter().collect();
    ranked.sort_by_key(|finding| match finding.outcome {
        Outcome::Fail => 0,
        Outcome::Invalid => 1,
        Outcome::Inconclusive => 2,
        Outcome::Warning => 3,
        Outcome::NotJudged => 4,
        Outcome::Pass => 5,
    });
    ranked
}

/// Only a rate is held against a floor; everything else against a ceiling.
fn has_floor(figure: &Figure) -> bool {
    figure.unit == "/s"
}

/// The measured value.
pub(super) fn value(figure: &Figure) -> String {
    match figure.value {
        Some(value) => words::value(value, &figure.unit),
        None if figure.unit == "ms" => "never answered".to_owned(),
        None => "not seen".to_owned(),
    }
}

/// `≤ 300 ms`.
pub(super) fn limit(figure: &Figure) -> String {
    let sign = if has_floor(figure) { '≥' } else { '≤' };
    format!("{sign} {}", words::value(figure.limit, &figure.unit))
}

/// `198 to 231 ms`; `None` where no interval can be given.
pub(super) fn interval(figure: &Figure) -> Option<String> {
    figure.interval.map(|interval| interval_of(interval, &figure.unit))
}

/// The same of any two values.
pub(super) fn interval_of((low, high): (f64, f64), unit: &str) -> String {
    let (low, high) = (words::value(low, unit), words::value(high, unit));
    // One unit is enough where both have the same.
    let unit = high.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let low = if unit.is_empty() { &low } else { low.strip_suffix(unit).unwrap_or(&low) };
    format!("{low} to {high}")
}

/// Room to the limit as a share of it; negative beyond it.
pub(super) fn margin(figure: &Figure) -> Option<f64> {
    let room = figure.value? - figure.limit;
    let room = if has_floor(figure) { room } else { -room };
    let share = room / figure.limit * 100.0;
    share.is_finite().then_some(share)
}

/// By how much a finding's value keeps its limit; `None` without a sample.
pub(super) fn margin_of(finding: &Finding) -> Option<String> {
    let measured = finding.samples > 0 || finding.group == Group::Validity;
    finding.figure.as_ref().filter(|_| measured).and_then(margin_words)
}

/// `12 % inside`, `71 % over`, `9 times the limit`, `none allowed`; `None` where nothing was measured.
fn margin_words(figure: &Figure) -> Option<String> {
    let beyond = if has_floor(figure) { "short" } else { "over" };
    let share = match margin(figure) {
        Some(share) => share,
        None if figure.value? > figure.limit => return Some("none allowed".to_owned()),
        None => return Some("as required".to_owned()),
    };
    let size = words::digits(share.abs());
    Some(match share {
        _ if share.abs() < 0.05 => "at the limit".to_owned(),
        _ if share <= -200.0 => format!("{} times the limit", words::digits(1.0 - share / 100.0)),
        _ if share < 0.0 => format!("{size} % {beyond}"),
        _ => format!("{size} % inside"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Option<f64>, limit: f64, unit: &str, expected: &str) {
        let figure = Figure { value, interval: None, limit, unit: unit.to_owned() };
        let words = margin_words(&figure).unwrap_or_else(|| "-".to_owned());
        assert_eq!(words, expected, "{figure:?}");
    }

    #[test]
    fn margins_say_by_how_much() {
        check(Some(150.0), 300.0, "ms", "50 % inside");
        check(Some(513.0), 300.0, "ms", "71 % over");
        check(Some(30_000.0), 300.0, "ms", "100 times the limit");
        check(Some(300.0), 300.0, "ms", "at the limit");
        check(None, 300.0, "ms", "-");
        check(Some(3.0), 0.0, "jobs", "none allowed");
        check(Some(0.0), 0.0, "jobs", "as required");
        check(Some(36.0), 40.0, "/s", "10 % short");
        check(Some(44.0), 40.0, "/s", "10 % inside");
    }
}
