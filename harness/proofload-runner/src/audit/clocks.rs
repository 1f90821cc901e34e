//! Whether the wall clock and the monotonic clock stay together. Slewing moves both; a step, a suspended machine or a
//! broken timer parts them. MLPerf `LoadGen` refuses a run whose clocks differ by more than 1 %.

use crate::clock::Moments;

/// Both clocks as read before.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    first: Option<Moments>,
    last: Option<Moments>,
    step_ms: f64,
}

/// How far the clocks have come apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Apart {
    /// Largest difference that came up between two readings, ms.
    pub(super) step_ms: f64,
    /// Difference since the first reading as a share of the time since.
    pub(super) drift: f64,
}

impl Clocks {
    /// Compares with earlier readings; `None` on the first.
    pub(super) fn read(&mut self, now: Moments) -> Option<Apart> {
        let last = self.last.replace(now);
        let first = *self.first.get_or_insert(now);
        self.step_ms = self.step_ms.max(apart_s(last?, now).abs() * 1e3);
        let passed_s = now.monotonic.saturating_duration_since(first.monotonic).as_secs_f64();
        let drift = if passed_s > 0.0 { apart_s(first, now).abs() / passed_s } else { 0.0 };
        Some(Apart { step_ms: self.step_ms, drift })
    }
}

/// By how much more the wall clock moved than the monotonic one, s.
fn apart_s(from: Moments, to: Moments) -> f64 {
    let monotonic_s = to.monotonic.saturating_duration_since(from.monotonic).as_secs_f64();
    to.wall.as_secs_f64() - from.wall.as_secs_f64() - monotonic_s
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_either_way_shows_as_a_step_and_in_the_drift() {
        let start = Moments { monotonic: crate::clock::now(), wall: Duration::from_secs(1_000_000) };
        let at = |monotonic_s: f64, wall_s: f64| Moments {
            monotonic: start.monotonic + Duration::from_secs_f64(monotonic_s),
            wall: start.wall + Duration::from_secs_f64(wall_s),
        };
        let told = |readings: &[Moments]| {
            let mut clocks = Clocks::default();
            assert_eq!(clocks.read(start), None);
            let last = readings.iter().filter_map(|now| clocks.read(*now)).last().unwrap();
            format!("step {:.0} ms, drift {:.1} %", last.step_ms, last.drift * 100.0)
        };
        assert_eq!(told(&[at(1.0, 1.0), at(2.0, 2.0)]), "step 0 ms, drift 0.0 %");
        assert_eq!(told(&[at(1.0, 6.0), at(10.0, 15.0)]), "step 5000 ms, drift 50.0 %");
        assert_eq!(told(&[at(1.0, 1.0), at(2.0, 1.5)]), "step 500 ms, drift 25.0 %");
        // Forth and back again: the step stays, the drift is gone.
        assert_eq!(told(&[at(1.0, 2.0), at(2.0, 2.0)]), "step 1000 ms, drift 0.0 %");
    }
}
