//! Gaps between the arrivals of each workload on this shard, as planned and as they left.

use std::collections::BTreeMap;

use hdrhistogram::Histogram as Live;
use proofload_core::evidence::{GapEvidence, Histogram};

use super::second::note;

/// By index of the workload.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    workloads: Vec<Rhythm>,
}

/// The arrivals of one workload.
#[derive(Debug)]
struct Rhythm {
    /// Intended and real moment of the last arrival, ns.
    last: Option<(u64, u64)>,
    planned: Live<u64>,
    dispatched: Live<u64>,
}

impl Gaps {
    /// An arrival of a workload left, if later than it should have.
    pub(super) fn note(&mut self, workload: usize, intended_ns: u64, dispatched_ns: u64) {
        while self.workloads.len() <= workload {
            self.workloads.push(Rhythm { last: None, planned: Histogram::live(), dispatched: Histogram::live() });
        }
        let rhythm = &mut self.workloads[workload];
        if let Some((intended_before_ns, dispatched_before_ns)) = rhythm.last.replace((intended_ns, dispatched_ns)) {
            note(&mut rhythm.planned, intended_ns.saturating_sub(intended_before_ns) / 1000);
            note(&mut rhythm.dispatched, dispatched_ns.saturating_sub(dispatched_before_ns) / 1000);
        }
    }

    /// The gaps of every workload that has any.
    pub(super) fn told(&self) -> BTreeMap<usize, GapEvidence> {
        let frozen = |rhythm: &Rhythm| GapEvidence {
            planned: Histogram::freeze(&rhythm.planned),
            dispatched: Histogram::freeze(&rhythm.dispatched),
        };
        let with_gaps = self.workloads.iter().enumerate().filter(|(_, rhythm)| !rhythm.planned.is_empty());
        with_gaps.map(|(workload, rhythm)| (workload, frozen(rhythm))).collect()
    }
}

/// Adds the gaps of another shard.
pub(super) fn add(sum: &mut BTreeMap<usize, GapEvidence>, more: &BTreeMap<usize, GapEvidence>) {
    let both = |one: &Histogram, other: &Histogram| Histogram::freeze(&Histogram::merge([one, other]));
    for (workload, gaps) in more {
        let total = sum.entry(*workload).or_default();
        total.planned = both(&total.planned, &gaps.planned);
        total.dispatched = both(&total.dispatched, &gaps.dispatched);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Arrivals every millisecond, each released at the next multiple of this; what its rhythm is from the planned one.
    fn released_every(ticks_us: u64) -> f64 {
        let mut gaps = Gaps::default();
        for number in 0..1_000 {
            let intended_ns = number * 1_000_000;
            gaps.note(1, intended_ns, intended_ns.next_multiple_of(ticks_us * 1_000));
        }
        let mut sum = BTreeMap::new();
        // Two shards of the same rhythm are of this rhythm.
        add(&mut sum, &gaps.told());
        add(&mut sum, &gaps.told());
        assert_eq!(sum.keys().collect::<Vec<_>>(), [&1]);
        assert_eq!(sum[&1].planned.thaw().len(), 2 * 999);
        sum[&1].distance(Duration::ZERO).unwrap()
    }

    #[test]
    fn arrivals_that_are_released_in_bunches_are_not_in_rhythm() {
        assert!(released_every(100) < 0.01);
        assert!(released_every(5_000) > 0.75);
    }
}
