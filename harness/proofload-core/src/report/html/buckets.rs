//! Seconds of a step folded into at most [`BUCKETS_MAX`] stretches, so that an hour draws as fast as a minute.

use crate::baseline::StepTimes;
use crate::evidence::{Histogram, Second, StepEvidence, Sum};

/// Most stretches of a drawing; each is about eight pixels wide.
pub(super) const BUCKETS_MAX: u32 = 120;

/// Some seconds in a row of one step.
pub(super) struct Bucket {
    pub(super) from_s: u32,
    pub(super) to_s: u32,
    pub(super) due: u64,
    pub(super) answered: u64,
    pub(super) errors: u64,
    /// Broken and dropped.
    pub(super) unanswered: u64,
    pub(super) response: hdrhistogram::Histogram<u64>,
}

/// How many seconds one bucket holds, for an axis of this length.
pub(super) fn bucket_s(axis_s: u32) -> u32 {
    const SIZES: &[u32] = &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    SIZES.iter().copied().find(|size| axis_s.div_ceil(*size) <= BUCKETS_MAX).unwrap_or(axis_s.div_ceil(BUCKETS_MAX))
}

/// Folds a step; stretches in which nothing was due are left out.
pub(super) fn fold(step: &StepEvidence, size_s: u32) -> Vec<Bucket> {
    let seconds: Vec<&Second> = step.seconds.iter().filter(|second| second.due > 0).collect();
    let mut times = Sum::new();
    let bucket = |seconds: &[&Second]| {
        let from_s = seconds[0].at / size_s * size_s;
        let mut bucket = Bucket::empty(from_s, from_s.saturating_add(size_s));
        for second in seconds {
            bucket.due += second.due;
            bucket.answered += second.answered;
            bucket.errors += second.errors;
            bucket.unanswered += second.broken + second.dropped;
            times.add(&second.response);
        }
        bucket.response = times.take();
        bucket
    };
    seconds.chunk_by(|one, next| one.at / size_s == next.at / size_s).map(bucket).collect()
}

impl Bucket {
    /// A stretch in which nothing happened.
    pub(super) fn empty(from_s: u32, to_s: u32) -> Self {
        let response = Histogram::live();
        Self { from_s, to_s, due: 0, answered: 0, errors: 0, unanswered: 0, response }
    }

    /// All buckets as one, for the whole run.
    pub(super) fn sum(buckets: &[Bucket]) -> Self {
        let mut sum = Self::empty(0, 0);
        for bucket in buckets {
            sum.count(bucket);
            sum.response.add(&bucket.response).expect("a resizing histogram takes every value");
        }
        sum
    }

    /// All of a step in an accepted run.
    pub(super) fn of_times(step: &StepTimes) -> Self {
        let response = step.response.thaw();
        let answered = response.len();
        let unanswered = step.due.saturating_sub(answered);
        Self { due: step.due, answered, unanswered, response, ..Self::empty(0, 0) }
    }

    /// Adds another's counts, and leaves its histogram.
    pub(super) fn count(&mut self, other: &Bucket) {
        self.due += other.due;
        self.answered += other.answered;
        self.errors += other.errors;
        self.unanswered += other.unanswered;
    }

    /// The middle of the stretch, in seconds.
    pub(super) fn middle_s(&self) -> f64 {
        f64::midpoint(f64::from(self.from_s), f64::from(self.to_s))
    }

    /// Per second of the stretch.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    pub(super) fn rate(&self, count: u64) -> f64 {
        count as f64 / f64::from((self.to_s - self.from_s).max(1))
    }

    /// The value at a share of all that were *due*, ms; `None` where that share was never answered. So a stretch
    /// without answers cannot look fast.
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    pub(super) fn quantile_ms(&self, share: f64) -> Option<f64> {
        let rank = (self.due as f64 * share).ceil().max(1.0);
        let answered = self.response.len();
        if answered == 0 || rank > answered as f64 {
            return None;
        }
        Some(self.response.value_at_quantile(rank / answered as f64) as f64 / 1e3)
    }
}
