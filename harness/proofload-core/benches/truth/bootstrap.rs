//! A second opinion on the interval of a percentile: the share of late requests, resampled in stretches of the hold (the
//! circular block bootstrap: Künsch 1989, Politis & Romano 1992), each of which carries the dependence between its
//! requests along. It holds the truth less often than order statistics on n/D do, so the judge goes by those alone.

use proofload_core::judge::statistics::Block;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How many holds are put together anew; 10 of them lie beyond each end of an interval at 99 %.
const RESAMPLES: usize = 2_000;
/// So many stretches make a hold: longer ones keep more of the memory of a queue, fewer tell less of the scatter.
const STRETCHES: usize = 10;
/// Everything is drawn from one seed, so that judging again gives the same.
const SEED: u64 = 0x626f_6f74_7374_7261;

/// Which seconds each of the resampled holds begins its stretches at; one draw serves every limit of a hold.
#[derive(Debug, Clone)]
pub(crate) struct Resamples {
    length: usize,
    /// [`STRETCHES`] of every hold, one hold after the other.
    starts: Vec<usize>,
}

impl Resamples {
    /// For a hold of so many seconds; `None` where it is shorter than its stretches are many.
    pub(crate) fn of(seconds: usize) -> Option<Self> {
        let length = seconds / STRETCHES;
        if length == 0 {
            return None;
        }
        let mut rng = ChaCha8Rng::seed_from_u64(SEED);
        let starts = (0..RESAMPLES * STRETCHES).map(|_| below(&mut rng, seconds)).collect();
        Some(Self { length, starts })
    }

    /// The share of resampled holds in which at most `late_share` of the requests are late.
    pub(crate) fn at_most(&self, blocks: &[Block], late_share: f64) -> f64 {
        // A stretch is late by its late ones less those allowed; running sums give each in one step.
        let excess = |block: &Block| block.late - late_share * block.due;
        let mut running = Vec::with_capacity(blocks.len() + self.length + 1);
        let mut sum = 0.0;
        running.push(sum);
        for block in blocks.iter().chain(blocks.iter().take(self.length)) {
            sum += excess(block);
            running.push(sum);
        }
        let stretch = |start: &usize| running[start + self.length] - running[*start];
        let holds = self.starts.chunks_exact(STRETCHES);
        let within = holds.filter(|starts| starts.iter().map(stretch).sum::<f64>() <= 0.0).count();
        real(within) / real(RESAMPLES)
    }
}

/// A number below `end`, each as probable as the other but for one part in 2^32.
fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    let end = end as u64;
    usize::try_from((u64::from(rng.next_u32()) * end) >> 32).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn real(count: usize) -> f64 {
    count as f64
}
