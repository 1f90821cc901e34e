//! The one place that reads clocks. Everything on a run's time axis is nanoseconds since the axis began.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time axis of a run; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock {
    zero: Instant,
}

impl RunClock {
    /// An axis that begins `ahead` from now: the moment of the first possible arrival.
    pub(crate) fn starting_in(ahead: Duration) -> Self {
        Self { zero: now() + ahead }
    }

    /// An axis that begins at `zero`.
    pub(crate) fn starting_at(zero: Instant) -> Self {
        Self { zero }
    }

    /// Nanoseconds since the axis began; 0 before it.
    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(now().saturating_duration_since(self.zero).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the axis began; negative before it.
    pub(crate) fn now_ms(self) -> i64 {
        let now = now();
        match now.checked_duration_since(self.zero) {
            Some(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            None => -i64::try_from(self.zero.duration_since(now).as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// The instant that lies `at_ns` after the axis began.
    pub(crate) fn instant(self, at_ns: u64) -> Instant {
        self.zero + Duration::from_nanos(at_ns)
    }
}

/// Now, on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "this module is where the clock is read")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// One moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    /// On the monotonic clock.
    pub(crate) monotonic: Instant,
    /// On the wall clock, since 1970.
    pub(crate) wall: Duration,
}

/// Longest time between two looks at the monotonic clock that still counts as one moment.
const ONE_MOMENT: Duration = Duration::from_micros(200);

/// Now, on both clocks. A thread that was put aside between the two readings tries again, a few times.
pub(crate) fn both() -> Moments {
    let mut best: Option<(Duration, Moments)> = None;
    for _ in 0..5 {
        let before = now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let took = now().saturating_duration_since(before);
        if best.is_none_or(|(shortest, _)| took < shortest) {
            best = Some((took, Moments { monotonic: before + took / 2, wall }));
        }
        if took <= ONE_MOMENT {
            break;
        }
    }
    best.expect("the loop runs at least once").1
}

/// Now, in milliseconds since 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
