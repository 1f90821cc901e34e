//! `claim: steady`: is the system within its limit, and not just this run?

use super::super::finding::Outcome;
use super::super::statistics::{DesignEffect, EarlyStopping, warm_up};
use super::Stretch;
use super::percentile::{Counts, Decided};
use crate::evidence::Second;

/// Fewest seconds from which dependence can be estimated.
const SECONDS_MIN: usize = 10;

/// Passes, fails, or says how many more samples would decide.
pub(super) fn judge(
    stretch: &Stretch<'_>,
    counts: &Counts,
    (share, confidence): (f64, f64),
    effect: DesignEffect,
) -> Decided {
    let seconds = stretch.seconds.iter().filter(|second| second.due > 0).count();
    if seconds < SECONDS_MIN {
        let undecided = format!("; a steady claim needs {SECONDS_MIN} seconds or more of hold");
        return Decided { outcome: Outcome::Inconclusive, needed: None, undecided };
    }
    let rule = EarlyStopping { share, confidence, effect };
    match rule.decide(counts.due, counts.late) {
        Some(true) => return Decided::sure(Outcome::Pass),
        Some(false) => return Decided::sure(Outcome::Fail),
        None => {}
    }
    let needed = rule.needed(counts.due, counts.late);
    let undecided = match needed {
        Some(needed) => format!("; about {needed} more samples would decide"),
        None => "; the share lies too near the limit for any number of samples to decide soon".to_owned(),
    };
    Decided { outcome: Outcome::Inconclusive, needed, undecided }
}

/// The stretch without its warm-up, and how many seconds that is.
pub(super) fn without_warm_up<'r>(stretch: &Stretch<'r>) -> (Option<Stretch<'r>>, u64) {
    let answered: Vec<&Second> = stretch.seconds.iter().copied().filter(|second| second.answered > 0).collect();
    #[expect(clippy::cast_precision_loss, reason = "sums of a second are far below 2^53")]
    let means: Vec<f64> =
        answered.iter().map(|second| second.response_sum_us as f64 / second.answered as f64).collect();
    let cut = warm_up(&means);
    if cut == 0 {
        return (None, 0);
    }
    let first = answered[cut].at;
    let seconds: Vec<&Second> = stretch.seconds.iter().copied().filter(|second| second.at >= first).collect();
    let cut_s = stretch.seconds.len() - seconds.len();
    (Some(Stretch { seconds, from_ns: u64::from(first) * 1_000_000_000, ..*stretch }), cut_s as u64)
}
