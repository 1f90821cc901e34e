//! Which payload of a set each use takes.

use crate::plan::{draw, mix};
use crate::scenario::Pick;
use crate::trace::TraceEntry;

/// One use of a payload set.
#[derive(Debug, Clone, Copy)]
pub struct Use<'t> {
    /// Index of the workload.
    pub workload: usize,
    /// Number of the pass within its workload, over all shards.
    pub iteration: u64,
    /// Number of this use within the pass, from 0.
    pub number: u32,
    /// The entry that the pass replays.
    pub entry: Option<&'t TraceEntry>,
}

/// Picks payloads of one set. A pick depends on the seed and the [`Use`] alone, never on what was picked before, so
/// several generators agree without asking each other.
#[derive(Debug, Clone)]
pub struct Picker {
    pick: Pick,
    /// Cumulated weights, the last is 1.
    cumulated: Vec<f64>,
    seed: u64,
}

impl Picker {
    /// A picker over `count` payloads; `count` must not be 0.
    pub fn new(pick: Pick, count: usize, seed: u64) -> Self {
        let weight = |k: usize| match pick {
            #[expect(clippy::cast_precision_loss, reason = "no folder holds 2^53 files")]
            Pick::Zipf { exponent } => libm::pow(k as f64 + 1.0, -exponent),
            _ => 1.0,
        };
        let total: f64 = (0..count).map(weight).sum();
        let mut sum = 0.0;
        let cumulated = (0..count)
            .map(|k| {
                sum += weight(k) / total;
                sum
            })
            .collect();
        Self { pick, cumulated, seed }
    }

    /// The index of the payload that this use takes. Without an entry, [`Pick::Trace`] cycles.
    pub fn pick(&self, of: Use<'_>) -> usize {
        match (self.pick, of.entry) {
            (Pick::Trace, Some(entry)) => self.modulo(content_key(entry)),
            (Pick::Cycle | Pick::Trace, _) => self.modulo(of.iteration.wrapping_add(u64::from(of.number))),
            (Pick::Uniform | Pick::Zipf { .. }, _) => {
                let point = draw(self.seed, draw_number(of));
                self.cumulated.partition_point(|sum| *sum < point).min(self.cumulated.len() - 1)
            }
        }
    }

    fn modulo(&self, number: u64) -> usize {
        let count = self.cumulated.len() as u64;
        usize::try_from(number % count).expect("below the length of a list")
    }
}

/// What two entries share if they carried the same content: their hash ids, else their path.
pub(super) fn content_key(entry: &TraceEntry) -> u64 {
    if entry.hash_ids.is_empty() {
        return entry.path.iter().flat_map(|path| path.bytes()).fold(0, |key, byte| mix(key ^ u64::from(byte), 0));
    }
    entry.hash_ids.iter().fold(0, |key, id| mix(key ^ id, 0))
}

/// A number of its own for each use.
fn draw_number(of: Use<'_>) -> u64 {
    mix(mix(mix(of.workload as u64, 0) ^ of.iteration, 0) ^ u64::from(of.number), 0)
}
