//! Waiting until an arrival is due: timerfd on Linux (measured 36–46 µs late at the median, `facts/load-engine.md`
//! §2.2), never tokio's timer, which is a millisecond late, and a spin only where the environment asks for it.

use std::time::{Duration, Instant};

use proofload_core::environment::Pacing;
use tokio_timerfd::Delay;

use crate::clock;

/// How long before an arrival the spin begins; until then the kernel wakes the thread, which is late by less.
const SPIN: Duration = Duration::from_millis(1);

/// Sleeps until absolute moments of the monotonic clock.
pub(super) struct Pacer {
    delay: Delay,
    pacing: Pacing,
}

impl Pacer {
    /// A pacer; fails if the kernel gives no timer.
    pub(super) fn new(first: Instant, pacing: Pacing) -> std::io::Result<Self> {
        Ok(Self { delay: Delay::new(first)?, pacing })
    }

    /// Returns at `due`, or at once if that has passed.
    pub(super) async fn until(&mut self, due: Instant) -> std::io::Result<()> {
        match self.pacing {
            Pacing::Timer => self.sleep_until(due).await,
            Pacing::Spin => {
                if let Some(begins) = due.checked_sub(SPIN).filter(|begins| *begins > clock::now()) {
                    self.sleep_until(begins).await?;
                }
                while clock::now() < due {
                    // Lets the passes of this thread go on, and looks at their sockets.
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        }
    }

    async fn sleep_until(&mut self, due: Instant) -> std::io::Result<()> {
        self.delay.reset(due);
        (&mut self.delay).await
    }
}
