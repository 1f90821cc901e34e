//! Response times of the last second, for the live view alone: what is judged is in the histograms. They are counted in
//! buckets, so that those of several shards add up exactly to those of all.

use std::collections::BTreeMap;

use proofload_core::evidence::{MICROS_MAX, micros_to_ms};
use proofload_core::live::Percentiles;
use serde::{Deserialize, Serialize};

/// So many ticks are looked at together: a second of them, so that a few requests a second show something each time.
const TICKS: usize = 4;
/// Every power of two is cut into so many buckets, as HdrHistogram does it: the middle of one is within 0.4 % of all of
/// it. Times below twice as many µs have a bucket each.
const PART: u64 = 128;
/// Buckets of all times up to a day.
const BUCKETS: usize = bucket_of(MICROS_MAX) as usize + 1;

/// The response times of the last few ticks.
pub(super) struct Recent {
    /// How many since the last tick, by bucket.
    now: Vec<u32>,
    /// Those of the ticks before, oldest first.
    before: [RecentTimes; TICKS - 1],
}

/// Counts of response times, by bucket, ascending; buckets without any are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RecentTimes(Vec<(u16, u32)>);

impl Recent {
    pub(super) fn new() -> Self {
        Self { now: vec![0; BUCKETS], before: Default::default() }
    }

    /// Counts a response time, µs.
    pub(super) fn note(&mut self, micros: u64) {
        self.now[usize::from(bucket_of(micros.min(MICROS_MAX)))] += 1;
    }

    /// The times of the last ticks, this one included.
    pub(super) fn take(&mut self) -> RecentTimes {
        let counted = self.now.iter().zip(0..).filter(|(count, _)| **count > 0);
        let now = RecentTimes(counted.map(|(count, bucket)| (bucket, *count)).collect());
        self.now.fill(0);
        let all = RecentTimes::sum(self.before.iter().chain([&now]));
        self.before.rotate_left(1);
        self.before[TICKS - 2] = now;
        all
    }
}

impl RecentTimes {
    /// All of several together.
    pub(super) fn sum<'t>(all: impl IntoIterator<Item = &'t RecentTimes>) -> Self {
        let mut sums = BTreeMap::new();
        for (bucket, count) in all.into_iter().flat_map(|times| &times.0) {
            let sum: &mut u32 = sums.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
        Self(sums.into_iter().collect())
    }

    /// Percentiles of what was counted; `None` without any request.
    pub(crate) fn percentiles(&self) -> Option<Percentiles> {
        let all: u64 = self.0.iter().map(|(_, count)| u64::from(*count)).sum();
        let at = |percent: u64| {
            let rank = (all * percent).div_ceil(100);
            let mut seen = 0;
            let (bucket, _) = self.0.iter().find(|(_, count)| {
                seen += u64::from(*count);
                seen >= rank
            })?;
            Some(micros_to_ms(middle_us(*bucket)))
        };
        Some(Percentiles { p50_ms: at(50)?, p95_ms: at(95)?, p99_ms: at(99)? })
    }
}

/// The bucket of a time of at most a day.
#[expect(clippy::cast_possible_truncation, reason = "37 bits of time have fewer than 4,000 buckets")]
const fn bucket_of(micros: u64) -> u16 {
    let doublings = (2 * PART - 1).leading_zeros() - (micros | (2 * PART - 1)).leading_zeros();
    (doublings as u64 * PART + (micros >> doublings)) as u16
}

/// The middle of a bucket, µs.
fn middle_us(bucket: u16) -> u64 {
    let bucket = u64::from(bucket).min(BUCKETS as u64);
    match (bucket / PART).saturating_sub(1) {
        0 => bucket,
        doublings => ((bucket % PART + PART) << doublings) + (1 << (doublings - 1)),
    }
}

#[cfg(test)]
mod tests {
    use proofload_core::plan::draw;

    use super::*;

    fn noted(micros: impl Iterator<Item = u64>) -> Recent {
        let mut recent = Recent::new();
        micros.for_each(|micros| recent.note(micros));
        recent
    }

    /// p50, p95 and p99 to a hundredth of a ms.
    fn told(times: &RecentTimes) -> Option<String> {
        times.percentiles().map(|times| format!("{:.2} {:.2} {:.2}", times.p50_ms, times.p95_ms, times.p99_ms))
    }

    #[test]
    fn ranks_are_those_of_what_was_noted() {
        let check = |micros: &mut dyn Iterator<Item = u64>, expected: Option<&str>| {
            assert_eq!(told(&noted(micros).take()).as_deref(), expected);
        };
        check(&mut std::iter::empty(), None);
        check(&mut std::iter::once(0), Some("0.00 0.00 0.00"));
        check(&mut std::iter::once(7_000), Some("6.99 6.99 6.99"));
        check(&mut (1..=100).rev(), Some("0.05 0.10 0.10"));
        check(&mut (1..=100).rev().map(|ms| ms * 1000), Some("50.05 94.98 99.07"));
        check(&mut (0..5_000).map(|number| if number < 4_900 { 1_000 } else { 9_000 }), Some("1.00 1.00 8.99"));
        check(&mut std::iter::once(u64::MAX), Some("86167781.38 86167781.38 86167781.38"));
    }

    #[test]
    fn a_bucket_is_never_far_from_what_is_in_it() {
        for power in 0..37 {
            for micros in [1 << power, (1 << power) + 1, (1 << power) * 3 / 2, (2 << power) - 1]
                .map(|micros| micros.min(MICROS_MAX))
            {
                let middle_us = middle_us(bucket_of(micros));
                assert!(middle_us.abs_diff(micros) * 250 <= micros, "{micros} is told as {middle_us}");
            }
        }
        assert!((0..2 * PART).all(|micros| u64::from(bucket_of(micros)) == micros));
    }

    #[test]
    fn a_time_is_forgotten_after_a_second_of_ticks() {
        let mut recent = noted(std::iter::once(7_000));
        assert!((0..TICKS).all(|_| told(&recent.take()).is_some()));
        assert_eq!(told(&recent.take()), None);
    }

    #[test]
    fn many_shards_tell_together_what_one_would() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to a few seconds")]
        let micros = |number: u64| (draw(1, number).powi(6) * 4e6) as u64;
        let of_shard =
            |index: u64, of: u64| noted((0..20_000).filter(|number| number % of == index).map(micros)).take();
        let one = of_shard(0, 1);
        for of in [2, 3, 64] {
            let shards: Vec<RecentTimes> = (0..of).map(|index| of_shard(index, of)).collect();
            assert_eq!(RecentTimes::sum(&shards), one, "{of} shards");
            assert_ne!(RecentTimes::sum(&shards[1..]), one, "a shard that is missing shows");
        }
        // The worst of each shard would not be it: here every second shard is slow.
        let slow = RecentTimes::sum([&noted([1_000; 99].into_iter()).take(), &noted([9_000; 1].into_iter()).take()]);
        assert_eq!(told(&slow).unwrap(), "1.00 1.00 1.00");
    }

    #[test]
    fn counting_allocates_nothing() {
        let mut recent = Recent::new();
        let counted = allocation_counter::measure(|| (0..100_000).for_each(|micros| recent.note(micros)));
        assert_eq!(counted.count_total, 0);
    }
}
