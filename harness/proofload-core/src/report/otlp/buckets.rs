//! From a histogram of microseconds to exponential buckets of seconds: bucket `i` holds what lies above `base^i` and at
//! most at `base^(i + 1)`, where `base` is 2^(2^-scale).

use hdrhistogram::Histogram as Live;

/// Most buckets, as `OpenTelemetry`'s own libraries keep them.
const BUCKETS_MAX: i64 = 160;
/// Finest scale that is tried: finer than the three digits that were recorded.
const SCALE_MAX: i32 = 8;
/// Coarsest scale; every time that can be recorded lies in a few of its buckets.
const SCALE_MIN: i32 = -2;

/// Exponential buckets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) scale: i32,
    /// Recorded as zero.
    pub(super) zeros: u64,
    /// Index of the first bucket.
    pub(super) offset: i64,
    pub(super) counts: Vec<u64>,
}

/// The finest buckets of which there are not too many.
pub(super) fn buckets(times: &Live<u64>) -> Buckets {
    let values = || times.iter_recorded().map(|value| (value.value_iterated_to(), value.count_at_value()));
    let zeros = values().filter(|(micros, _)| *micros == 0).map(|(_, count)| count).sum();
    let some = || values().filter(|(micros, _)| *micros > 0);
    let (Some((low, _)), Some((high, _))) = (some().next(), some().last()) else {
        return Buckets { scale: 0, zeros, offset: 0, counts: vec![] };
    };
    let fits = |scale: &i32| index(high, *scale) - index(low, *scale) < BUCKETS_MAX;
    let scale = (SCALE_MIN..=SCALE_MAX).rev().find(fits).unwrap_or(SCALE_MIN);
    let offset = index(low, scale);
    let size = usize::try_from(index(high, scale) - offset + 1).unwrap_or(1);
    let mut counts = vec![0; size];
    for (micros, count) in some() {
        // Indices grow with values, so none lies outside.
        let place = usize::try_from(index(micros, scale) - offset).unwrap_or(0).min(size - 1);
        counts[place] += count;
    }
    Buckets { scale, zeros, offset, counts }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a logarithm of a time is small")]
fn index(micros: u64, scale: i32) -> i64 {
    let octaves = libm::log2(micros as f64 / 1e6);
    libm::ceil(libm::ldexp(octaves, scale)) as i64 - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(micros: &[u64]) -> Live<u64> {
        let mut live = crate::evidence::Histogram::live();
        for micros in micros {
            live.record(*micros).unwrap();
        }
        live
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "indices and times of a test are small")]
    fn times_fall_between_the_bounds_of_their_buckets() {
        for micros in [1, 7, 999, 1_000_000, 1_000_001, 86_400_000_000] {
            for scale in [SCALE_MIN, 0, 3, SCALE_MAX] {
                let base = libm::exp2(libm::exp2(f64::from(-scale)));
                let at = index(micros, scale);
                let bound = |index: i64| libm::pow(base, index as f64);
                let seconds = micros as f64 / 1e6;
                let slack = 1.0 + 1e-12;
                assert!(bound(at) < seconds * slack && seconds <= bound(at + 1) * slack, "{micros} µs at {scale}");
            }
        }
    }

    #[test]
    fn buckets_are_few_and_hold_every_time() {
        let wide: Vec<u64> = (0..37).map(|power| 1u64 << power.min(36)).chain([0, 0, 0]).collect();
        let folded = buckets(&live(&wide));
        assert_eq!((folded.zeros, folded.counts.iter().sum::<u64>()), (3, 37));
        assert!(folded.counts.len() <= 160 && folded.scale >= 2, "{folded:?}");
        assert_eq!(buckets(&live(&[1_000_000; 5])), Buckets { scale: 8, zeros: 0, offset: 0, counts: vec![5] });
        assert_eq!(buckets(&live(&[])).counts, Vec::<u64>::new());
    }
}
