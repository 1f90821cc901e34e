//! A thread that does nothing but beat. The monotonic clock goes on while a process is stopped (SIGSTOP, a frozen
//! control group, a paused virtual machine), so a gap between two beats shows what no thread inside could feel.

use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proofload_core::evidence::Standstill;

use super::wait_until;
use crate::clock::{self, RunClock};

/// The time between two beats.
const BEAT: Duration = Duration::from_millis(10);

/// Beats from the start of the axis until told to stop; keeps the longest gap.
pub(super) fn beat(clock: RunClock, stop: &Receiver<()>, longest: &Mutex<Option<Standstill>>) {
    let mut last = clock.instant(0);
    let mut stopped = wait_until(last, stop);
    last = last.max(clock::now());
    while !stopped {
        stopped = wait_until(last + BEAT, stop);
        let now = clock::now();
        let gap = Standstill {
            at_ms: clock.now_ns() / 1_000_000,
            lasted_ms: now.saturating_duration_since(last).as_secs_f64() * 1e3,
        };
        let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
        if longest.is_none_or(|longest| gap.lasted_ms > longest.lasted_ms) {
            *longest = Some(gap);
        }
        last = now;
    }
}
