//! How an outcome looks wherever it is drawn: a class that colours it, and a sign that says it without colour.

use crate::judge::Outcome;

pub(super) fn look(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Pass => ("pass", "✓"),
        Outcome::Fail => ("fail", "✗"),
        Outcome::Inconclusive => ("inconclusive", "?"),
        Outcome::Invalid => ("invalid", "!"),
        Outcome::NotJudged => ("not-judged", "–"),
        Outcome::Warning => ("warning", "▲"),
    }
}
