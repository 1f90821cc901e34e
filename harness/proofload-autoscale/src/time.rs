//! The virtual clock: a point in cluster time, in milliseconds from any origin the caller likes.

use serde::{Deserialize, Serialize};

/// A point in cluster time, in milliseconds. The origin is the caller's; only differences matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterTime(i64);

impl ClusterTime {
    /// The point `ms` milliseconds after the origin.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the origin.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long ago `self` was at `now`, in milliseconds; negative when it lies ahead.
    pub const fn age_ms(self, now: Self) -> i64 {
        now.0.saturating_sub(self.0)
    }

    /// The point `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Seconds, as manifests give them, in milliseconds.
pub const fn seconds(s: i32) -> i64 {
    s as i64 * 1000
}
