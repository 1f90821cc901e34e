//! Interval of a percentile by order statistics (Hahn & Meeker 1991, §5.2), on the effective sample size.

use super::beta::at_most_late;
use super::effect::DesignEffect;
use crate::judge::CONFIDENCE;

/// So many times the values that an interval takes at the upper end of what dependence may be must be there. Near the
/// least, just the runs would have one whose dependence was estimated too low, and theirs hold too seldom.
const ROOM: f64 = 2.0;

/// The ranks between which the value at `share` of `total` dependent values lies with [`CONFIDENCE`]; `None` where
/// the upper one lies beyond all values, or where dependence may leave too few of them to say.
pub fn rank_interval(total: f64, share: f64, effect: DesignEffect) -> Option<(f64, f64)> {
    ranks(total / ROOM, share, effect.upper)?;
    ranks(total, share, effect.estimate)
}

fn ranks(total: f64, share: f64, effect: f64) -> Option<(f64, f64)> {
    let effective = total / effect;
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // Of n values, the number at or below the percentile is binomial with `share`: its two quantiles are the ranks.
    let low = quantile(effective, share, tail)?;
    let high = quantile(effective, share, 1.0 - tail)? + 1.0;
    (high <= effective).then(|| ((low * effect).clamp(1.0, total), (high * effect).clamp(1.0, total)))
}

/// The real k at which a binomial distribution function of n trials with `share` reaches `probability`, by bisection;
/// `None` where it is reached only at n itself.
fn quantile(n: f64, share: f64, probability: f64) -> Option<f64> {
    const STEPS: u32 = 60;
    let at_most = |k: f64| at_most_late(n, k, 1.0 - share);
    let (mut low, mut high) = (0.0, (n - 1.0).max(0.0));
    if at_most(high) < probability {
        return None;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if at_most(middle) < probability { low = middle } else { high = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total: f64, share: f64, estimate: f64, expected: Option<(f64, f64)>) {
        let got = rank_interval(total, share, DesignEffect { estimate, upper: estimate });
        let near = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 5.0 && (b - d).abs() < 5.0;
        let same = match (got, expected) {
            (Some(got), Some(expected)) => near(got, expected),
            (got, expected) => got == expected,
        };
        assert!(same, "{total} {share} {estimate}: {got:?}, expected {expected:?}");
    }

    #[test]
    fn ranks_lie_about_the_percentile() {
        // `facts/load-tools.md` §4: n = 10,000, p99, 99 %: 9,900 ± 26.
        check(10_000.0, 0.99, 1.0, Some((9_874.0, 9_926.0)));
        // Four times the dependence, twice the width.
        check(10_000.0, 0.99, 4.0, Some((9_848.0, 9_952.0)));
        check(100.0, 0.5, 1.0, Some((37.0, 63.5)));
        check(100.0, 0.99, 1.0, None);
        check(1.0, 0.5, 1.0, None);
    }

    #[test]
    fn where_dependence_may_leave_too_few_nothing_is_said() {
        let of = |upper: f64| rank_interval(2_000.0, 0.99, DesignEffect { estimate: 1.0, upper });
        assert!(of(1.0).is_some());
        assert_eq!(of(2.0), None);
    }
}
