//! The one place of this crate that reads the clock.

use std::time::Instant;

/// Now, on the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "this module is where the crate reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
