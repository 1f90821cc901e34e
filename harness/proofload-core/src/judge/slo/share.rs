//! Shares: of requests that went wrong, of checks that did not hold. What is judged is this run's own share.

use super::super::CONFIDENCE;
use super::super::finding::{Figure, Finding, Outcome};
use super::super::statistics::at_least_late;
use super::{Stretch, Z, no_samples};
use crate::evidence::Second;

pub(super) fn errors(stretch: Option<&Stretch<'_>>, max: f64) -> Finding {
    let due = stretch.map_or(0, |stretch| stretch.sum(|second| second.due));
    let wrong = |second: &Second| second.errors + second.broken + second.dropped;
    match stretch {
        Some(stretch) if due > 0 => {
            let bad = stretch.sum(wrong);
            share_at_most(bad, due, max, &format!("{bad} of {due} went wrong"))
        }
        _ => no_samples("no request was due in this stretch"),
    }
}

/// Judges the share of bad ones among `due`, which must not be 0.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(in crate::judge) fn share_at_most(bad: u64, due: u64, max: f64, message: &str) -> Finding {
    let share = bad as f64 / due as f64;
    // Below 1/max samples a single error would break the rule, so none shows little.
    let enough = max <= 0.0 || due as f64 * max >= 1.0;
    let outcome = match (share > max * (1.0 + 1e-9), enough) {
        (true, true) => Outcome::Fail,
        (true, false) if at_least_late(due as f64, bad as f64, 1.0 - max) <= 1.0 - CONFIDENCE => Outcome::Fail,
        (false, true) => Outcome::Pass,
        _ => Outcome::Inconclusive,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 10^9")]
    let needed = (!enough).then(|| (1.0 / max).ceil() as u64 - due);
    Finding {
        figure: Some(Figure {
            value: Some(share * 100.0),
            interval: Some(wilson(share, due as f64)),
            limit: max * 100.0,
            unit: "%".to_owned(),
        }),
        samples: due,
        needed,
        ..no_samples(message)
    }
    .with(outcome)
}

/// Wilson's score interval of a share (Wilson 1927), in percent.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0) * 100.0, (centre + half).min(1.0) * 100.0)
}
