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

/// Now, in milliseconds since 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
