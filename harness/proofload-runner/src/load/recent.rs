//! The last few response times, for the live view alone: what is judged is in the histograms.

use proofload_core::evidence::micros_to_ms;
use proofload_core::live::Percentiles;

/// How many are kept; a power of two.
const KEPT: usize = 1024;
/// So many ticks are looked at together: a second of them, so that a few requests a second show something each time.
const TICKS: usize = 4;

/// The last response times of the last few ticks.
pub(super) struct Recent {
    micros: Vec<u64>,
    /// Where percentiles are looked for, so that the ring keeps its order.
    sorted: Vec<u64>,
    seen: usize,
    /// How many had been seen at each of the last ticks, oldest first.
    ticks: [usize; TICKS],
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { micros: vec![0; KEPT], sorted: Vec::with_capacity(KEPT), seen: 0, ticks: [0; TICKS] }
    }

    /// Keeps a response time, µs, in place of the oldest one.
    pub(super) fn note(&mut self, micros: u64) {
        self.micros[self.seen % KEPT] = micros;
        self.seen += 1;
    }

    /// Percentiles of the last ticks, this one included; `None` without any request.
    pub(super) fn take(&mut self) -> Option<Percentiles> {
        let from = self.ticks[0].max(self.seen.saturating_sub(KEPT));
        self.ticks.rotate_left(1);
        self.ticks[TICKS - 1] = self.seen;
        self.sorted.clear();
        self.sorted.extend((from..self.seen).map(|number| self.micros[number % KEPT]));
        self.sorted.sort_unstable();
        let last = self.sorted.len().checked_sub(1)?;
        let at = |percent: usize| {
            let rank = (self.sorted.len() * percent).div_ceil(100).saturating_sub(1).min(last);
            micros_to_ms(self.sorted[rank])
        };
        Some(Percentiles { p50_ms: at(50), p95_ms: at(95), p99_ms: at(99) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(micros: impl Iterator<Item = u64>) -> Recent {
        let mut recent = Recent::new();
        micros.for_each(|micros| recent.note(micros));
        recent
    }

    fn told(recent: &mut Recent) -> Option<(f64, f64, f64)> {
        recent.take().map(|times| (times.p50_ms, times.p95_ms, times.p99_ms))
    }

    #[test]
    fn ranks_are_those_of_what_was_noted() {
        let check = |micros: &mut dyn Iterator<Item = u64>, expected| assert_eq!(told(&mut noted(micros)), expected);
        check(&mut std::iter::empty(), None);
        check(&mut std::iter::once(7_000), Some((7.0, 7.0, 7.0)));
        check(&mut (1..=100).rev().map(|ms| ms * 1000), Some((50.0, 95.0, 99.0)));
        // The newest 1,024 stay.
        check(&mut (0..5_000).map(|number| if number < 3_000 { 9_000 } else { 1_000 }), Some((1.0, 1.0, 1.0)));
    }

    #[test]
    fn a_time_is_forgotten_after_a_second_of_ticks() {
        let mut recent = noted(std::iter::once(7_000));
        assert!((0..TICKS).all(|_| told(&mut recent) == Some((7.0, 7.0, 7.0))));
        assert_eq!(told(&mut recent), None);
    }
}
