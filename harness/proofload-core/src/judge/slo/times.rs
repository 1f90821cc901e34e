//! Mean and longest time of requests or jobs. What was never answered is later than any time, so a single one of
//! these breaks the rule: the mean of the lucky ones would hide it.

use super::super::finding::{Figure, Finding, Outcome};
use super::super::statistics::design_effect;
use super::{Stretch, Z, no_samples};
use crate::evidence::{Histogram, Second, micros_to_ms};
use crate::scenario::Bound;

/// Fewest answers that a mean or a longest time is judged on.
const SAMPLES_MIN: u64 = 10;

pub(super) fn judge(stretch: Option<&Stretch<'_>>, bound: Bound) -> Finding {
    let Some(stretch) = stretch else { return no_samples("no request was measured") };
    let due = stretch.sum(|second| second.due);
    if due == 0 {
        return no_samples("no request was due in this stretch");
    }
    let (value, interval, limit) = match bound {
        Bound::Mean(limit) => {
            let (mean, interval) = mean_ms(stretch);
            (mean, interval, limit)
        }
        Bound::Max(limit) => (longest_ms(stretch), None, limit),
        Bound::Percentile { .. } | Bound::Min(_) => return no_samples("a time has no such bound"),
    };
    let beyond = stretch.sum(|second: &Second| second.broken + second.dropped);
    let outcome = match value {
        _ if beyond > 0 => Outcome::Fail,
        Some(value) if value > limit => Outcome::Fail,
        _ if due < SAMPLES_MIN => Outcome::Inconclusive,
        _ => Outcome::Pass,
    };
    let message = match beyond {
        0 => format!("of {due}, all answered"),
        _ => format!("{beyond} of {due} were never answered, and are later than any time"),
    };
    Finding {
        figure: Some(Figure { value: value.filter(|_| beyond == 0), interval, limit, unit: "ms".to_owned() }),
        samples: due,
        needed: (outcome == Outcome::Inconclusive).then(|| SAMPLES_MIN - due),
        ..no_samples(&message)
    }
    .with(outcome)
}

fn longest_ms(stretch: &Stretch<'_>) -> Option<f64> {
    let all = Histogram::merge(stretch.seconds.iter().map(|second| &second.response));
    (!all.is_empty()).then(|| micros_to_ms(all.max()))
}

/// The mean, with the interval that the central limit theorem gives it on the effective sample size.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn mean_ms(stretch: &Stretch<'_>) -> (Option<f64>, Option<(f64, f64)>) {
    let n = stretch.sum(|second| second.answered) as f64;
    if n <= 0.0 {
        return (None, None);
    }
    let mean = stretch.sum(|second| second.response_sum_us) as f64 / n;
    let squares: f64 = stretch.seconds.iter().map(|second| second.response_squares_us2).sum();
    let variance = (squares / n - mean * mean).max(0.0);
    let half = Z * (variance / n * design_effect(&stretch.blocks(None)).estimate).sqrt();
    (Some(mean / 1e3), Some(((mean - half).max(0.0) / 1e3, (mean + half) / 1e3)))
}
