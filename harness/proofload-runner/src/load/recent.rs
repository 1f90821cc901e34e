//! The last few response times, for the live view alone: what is judged is in the histograms.

use proofload_core::evidence::micros_to_ms;

/// How many are kept; a power of two.
const KEPT: usize = 1024;

/// The last response times since somebody looked.
pub(super) struct Recent {
    micros: Vec<u64>,
    seen: usize,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { micros: vec![0; KEPT], seen: 0 }
    }

    /// Keeps a response time, µs, in place of the oldest one.
    pub(super) fn note(&mut self, micros: u64) {
        self.micros[self.seen % KEPT] = micros;
        self.seen += 1;
    }

    /// The time below which 95 % of them lie, ms, and forgets them; `None` without any.
    pub(super) fn take_p95_ms(&mut self) -> Option<f64> {
        let kept = &mut self.micros[..self.seen.min(KEPT)];
        self.seen = 0;
        let rank = (kept.len() * 95).div_ceil(100).checked_sub(1)?;
        Some(micros_to_ms(*kept.select_nth_unstable(rank).1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p95_ms(micros: impl Iterator<Item = u64>) -> Option<f64> {
        let mut recent = Recent::new();
        micros.for_each(|micros| recent.note(micros));
        let p95_ms = recent.take_p95_ms();
        assert_eq!(recent.take_p95_ms(), None, "looked at once");
        p95_ms
    }

    #[test]
    fn of_the_last_ones_the_95th_in_100() {
        assert_eq!(p95_ms(std::iter::empty()), None);
        assert_eq!(p95_ms(std::iter::once(7_000)), Some(7.0));
        assert_eq!(p95_ms((1..=100).rev().map(|ms| ms * 1000)), Some(95.0));
        assert_eq!(p95_ms((0..5_000).map(|number| if number < 3_000 { 9_000 } else { 1_000 })), Some(1.0));
    }
}
