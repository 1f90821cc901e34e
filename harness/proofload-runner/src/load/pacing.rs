//! Waiting until an arrival is due: timerfd on Linux (measured 36–46 µs late at the median, `facts/load-engine.md`
//! §2.2), never a spin and never tokio's timer, which is a millisecond late.

use std::time::Instant;

use tokio_timerfd::Delay;

/// Sleeps until absolute moments of the monotonic clock.
pub(super) struct Pacer {
    delay: Delay,
}

impl Pacer {
    /// A pacer; fails if the kernel gives no timer.
    pub(super) fn new(first: Instant) -> std::io::Result<Self> {
        Ok(Self { delay: Delay::new(first)? })
    }

    /// Returns at `due`, or at once if that has passed.
    pub(super) async fn until(&mut self, due: Instant) -> std::io::Result<()> {
        self.delay.reset(due);
        (&mut self.delay).await
    }
}
