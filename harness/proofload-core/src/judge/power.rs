//! How small an effect a run can show: the late shares of a system that a percentile rule would nearly surely pass or
//! fail, for the number of samples that a plan gives it. Exact binomial tails (Clopper & Pearson 1934 invert the same
//! sums; the rules themselves are in `slo/`), with independent samples: a dependence by D leaves `n/D` of them.

use super::CONFIDENCE;
use super::slo::samples_least;
use super::statistics::{at_least_late, at_most_late};
use crate::scenario::Claim;

/// "Nearly surely".
pub const POWER: f64 = 0.9;
/// Halvings of a share between two others: far below what anybody reads.
const HALVINGS: u32 = 60;

/// What a percentile rule can tell apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detectable {
    /// A system with so small a late share, or a smaller one, passes with probability [`POWER`]; `None` if not even one
    /// that is never late passes.
    pub passes_at: Option<f64>,
    /// A system with so large a late share, or a larger one, fails with probability [`POWER`]; `None` if not even one
    /// that is always late fails.
    pub fails_at: Option<f64>,
}

/// What a rule on a percentile can tell apart with `samples` independent samples.
pub fn detectable(samples: u64, share: f64, claim: Claim) -> Detectable {
    let (passes_up_to, fails_from) = thresholds(samples, share, claim);
    #[expect(clippy::cast_precision_loss, reason = "a plan is far below 2^53")]
    let (n, count) = (samples as f64, |late: u64| late as f64);
    // Passing grows less likely with the late share of the system, failing more so.
    let passes = |late_share: f64, late: u64| at_most_late(n, count(late), 1.0 - late_share);
    let fails = |late_share: f64, late: u64| at_least_late(n, count(late), 1.0 - late_share);
    Detectable {
        passes_at: passes_up_to.map(|late| last(&|late_share| passes(late_share, late) >= POWER)),
        fails_at: fails_from.map(|late| 1.0 - last(&|good_share| fails(1.0 - good_share, late) >= POWER)),
    }
}

/// The most late samples with which the rule passes, and the fewest with which it fails.
fn thresholds(samples: u64, share: f64, claim: Claim) -> (Option<u64>, Option<u64>) {
    #[expect(clippy::cast_precision_loss, reason = "a plan is far below 2^53")]
    let (n, count) = (samples as f64, |late: u64| late as f64);
    let improbable = 1.0 - CONFIDENCE;
    let fails_surely = || first(samples, &|late| at_least_late(n, count(late), share) <= improbable);
    match claim {
        Claim::Run if samples < samples_least(share, claim, CONFIDENCE) => (None, fails_surely()),
        Claim::Run => {
            let fails_from = first(samples, &|late| count(late) > (1.0 - share) * n * (1.0 + 1e-9));
            (fails_from.map_or(Some(samples), |fails| fails.checked_sub(1)), fails_from)
        }
        Claim::Steady => {
            let too_many = first(samples, &|late| at_most_late(n, count(late), share) > improbable);
            (too_many.map_or(Some(samples), |many| many.checked_sub(1)), fails_surely())
        }
    }
}

/// The fewest late samples of which `holds` says yes; it says yes of all larger ones then.
fn first(samples: u64, holds: &dyn Fn(u64) -> bool) -> Option<u64> {
    let (mut low, mut high) = (0, samples + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    (low <= samples).then_some(low)
}

/// The largest share of which `holds` says yes; it says yes of 0 and of all smaller ones.
fn last(holds: &dyn Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "a thousand samples")]
mod tests {
    use super::super::Outcome;
    use super::*;

    /// Probability of each number of late samples, by Pascal's recurrence: no beta function.
    fn binomial(n: usize, late_share: f64) -> Vec<f64> {
        let mut row = vec![1.0];
        for _ in 0..n {
            let mut next = vec![0.0; row.len() + 1];
            for (late, chance) in row.iter().enumerate() {
                next[late] += chance * (1.0 - late_share);
                next[late + 1] += chance * late_share;
            }
            row = next;
        }
        row
    }

    /// What the rule says of so many late samples, by the words of `design.md` §4 and sums alone.
    fn outcome(at_limit: &[f64], late: usize, (n, share, claim): (u64, f64, Claim)) -> Outcome {
        let improbable = 1.0 - CONFIDENCE;
        let at_most: f64 = at_limit[..=late].iter().sum();
        let at_least: f64 = at_limit[late..].iter().sum();
        let allowed = (1.0 - share) * n as f64 + 1e-9;
        match claim {
            Claim::Run if n as f64 * (1.0 - share) >= 10.0 - 1e-9 => {
                if late as f64 <= allowed {
                    Outcome::Pass
                } else {
                    Outcome::Fail
                }
            }
            Claim::Steady if at_most <= improbable => Outcome::Pass,
            _ if at_least <= improbable => Outcome::Fail,
            _ => Outcome::Inconclusive,
        }
    }

    /// How likely a system with this late share gets this outcome: every number of late samples, one by one.
    fn chance(wanted: Outcome, rule: (u64, f64, Claim), late_share: f64) -> f64 {
        let samples = usize::try_from(rule.0).unwrap();
        let (chances, at_limit) = (binomial(samples, late_share), binomial(samples, 1.0 - rule.1));
        let judged = |late: usize| outcome(&at_limit, late, rule) == wanted;
        chances.iter().enumerate().filter(|(late, _)| judged(*late)).map(|(_, chance)| chance).sum()
    }

    fn check(n: u64, share: f64, claim: Claim) {
        let rule = (n, share, claim);
        let found = detectable(n, share, claim);
        let hair = 1e-6;
        match found.passes_at {
            Some(at) => {
                assert!(chance(Outcome::Pass, rule, at - hair) >= POWER, "{rule:?} passes below {at}");
                assert!(chance(Outcome::Pass, rule, at + hair) < POWER, "{rule:?} does not pass above {at}");
            }
            None => assert!(chance(Outcome::Pass, rule, 0.0) < POWER, "{rule:?} never passes"),
        }
        match found.fails_at {
            Some(at) => {
                assert!(chance(Outcome::Fail, rule, at + hair) >= POWER, "{rule:?} fails above {at}");
                assert!(chance(Outcome::Fail, rule, at - hair) < POWER, "{rule:?} does not fail below {at}");
            }
            None => assert!(chance(Outcome::Fail, rule, 1.0) < POWER, "{rule:?} never fails"),
        }
    }

    #[test]
    fn shares_are_those_found_by_summing_over_every_count() {
        for n in [3, 30, 89, 90, 200, 400, 1_000] {
            for share in [0.5, 0.9, 0.95, 0.99] {
                check(n, share, Claim::Run);
                check(n, share, Claim::Steady);
            }
        }
    }

    #[test]
    fn more_samples_tell_smaller_effects_apart() {
        let of = |n| detectable(n, 0.95, Claim::Steady);
        let (few, many) = (of(400), of(4_000));
        assert!(few.passes_at < many.passes_at && many.passes_at < Some(0.05));
        assert!(few.fails_at > many.fails_at && many.fails_at > Some(0.05));
        assert_eq!(of(89).passes_at, None, "the fewest that pass are 90");
        assert_eq!(detectable(0, 0.95, Claim::Run), Detectable { passes_at: None, fails_at: None });
    }
}
