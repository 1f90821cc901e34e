//! The lays between arrivals: whether the load left in the rhythm that the plan has, not only on time on the whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Histogram;
use super::histogram::distribution;

/// Fewest gaps that a rhythm is told from.
const GAPS_MIN: u64 = 100;
/// No machine keeps shorter gaps than this apart: scheduler, kernel and network bunch them anyway.
const KEPT_LEAST: Duration = Duration::from_micros(100);

/// Gaps between one arrival of an open workload and the next, on the shard that both belong to, µs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapEvidence {
    /// As the plan has them.
    pub planned: Histogram,
    /// As they were between the moments at which the two were dispatched.
    pub dispatched: Histogram,
}

impl GapEvidence {
    /// How far the gaps that were kept are from those that were planned: the distance of Kolmogorov (1933) and Smirnov
    /// between their distributions, a share; differences shorter than a tolerance do not count, as in the distance of
    /// Lévy (1925). The tolerance is a quarter of the mean gap, but no shorter than any machine keeps gaps apart and
    /// no shorter than `seen`, which is what the rules of the scenario could see at all.
    ///
    /// The plan is known to the nanosecond, so the distance is compared with a line of its own and not with the
    /// critical value of a sample, `1.63/√n` at 1 %. `None` with too few gaps.
    pub fn distance(&self, seen: Duration) -> Option<f64> {
        let (planned, dispatched) = (self.planned.thaw(), self.dispatched.thaw());
        if planned.len().min(dispatched.len()) < GAPS_MIN {
            return None;
        }
        let quarter = Duration::from_secs_f64(planned.mean() / 4e6);
        let tolerance = quarter.max(KEPT_LEAST).max(seen);
        let tolerance_us = u64::try_from(tolerance.as_micros()).unwrap_or(u64::MAX);
        let (planned, dispatched) = (distribution(&planned), distribution(&dispatched));
        Some(above(&planned, &dispatched, tolerance_us).max(above(&dispatched, &planned, tolerance_us)))
    }
}

/// By how much the first distribution function lies above the second at most, where the second may be as late as this.
fn above(first: &[(u64, f64)], second: &[(u64, f64)], tolerance_us: u64) -> f64 {
    let second_at = |value: u64| match second.partition_point(|(at, _)| *at <= value) {
        0 => 0.0,
        known => second[known - 1].1,
    };
    first.iter().map(|(at, share)| share - second_at(at.saturating_add(tolerance_us))).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(gaps_us: impl Iterator<Item = u64>) -> Histogram {
        let mut live = Histogram::live();
        gaps_us.for_each(|gap| live.record(gap).unwrap());
        Histogram::freeze(&live)
    }

    /// The distance in percent, whole.
    fn check(planned: impl Iterator<Item = u64>, dispatched: impl Iterator<Item = u64>, expected: Option<u32>) {
        let gaps = GapEvidence { planned: of(planned), dispatched: of(dispatched) };
        let percent = gaps.distance(Duration::ZERO).map(|distance| format!("{:.0}", distance * 100.0));
        assert_eq!(percent, expected.map(|expected| expected.to_string()), "{gaps:?}");
    }

    #[test]
    fn a_rhythm_that_is_kept_has_no_distance_and_bunches_have() {
        let even = || std::iter::repeat_n(1_000, 1_000);
        check(even(), even(), Some(0));
        // Jitter within the tolerance of a quarter.
        check(even(), (0..1_000).map(|k| 800 + k % 400), Some(0));
        // Released in tens every ten milliseconds.
        check(even(), (0..1_000).map(|k| if k % 10 == 0 { 10_000 } else { 0 }), Some(90));
        // Bunches of two.
        check(even(), (0..1_000).map(|k| if k % 2 == 0 { 2_000 } else { 0 }), Some(50));
        check(std::iter::repeat_n(1_000, 99), std::iter::repeat_n(0, 99), None);
    }

    #[test]
    fn gaps_of_chance_are_held_against_gaps_of_chance() {
        // Exponential gaps by the quantiles of their distribution, and the same in another order.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "gaps are positive and short")]
        let gap = |mean: f64, k: u32| (-mean * (1.0 - (f64::from(k) + 0.5) / 1e3).ln()) as u64;
        let exponential = |mean: f64| (0..1_000).map(move |k| gap(mean, k));
        check(exponential(1_000.0), exponential(1_000.0), Some(0));
        check(exponential(10_000.0), std::iter::repeat_n(10_000, 1_000), Some(53));
    }

    #[test]
    fn what_no_rule_could_see_does_not_count() {
        let gaps = GapEvidence {
            planned: of(std::iter::repeat_n(1_000, 1_000)),
            dispatched: of((0..1_000).map(|k| if k % 2 == 0 { 2_000 } else { 0 })),
        };
        let percent = |seen_us: u64| gaps.distance(Duration::from_micros(seen_us)).unwrap() * 100.0;
        assert_eq!((percent(0).round(), percent(999).round(), percent(1_000).round()), (50.0, 50.0, 0.0));
    }
}
