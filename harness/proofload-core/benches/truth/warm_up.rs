//! What `warm_up: auto` is worth: of holds that were warm from the start, it must let no more pass than without it; of
//! holds that began cold, it should judge what comes after.

use proofload_core::judge::statistics::Block;

use super::queues::{Queue, Running, real};
use super::steady::{Case, decide_blocks, enter, without_warm_up};

/// By how much longer every service takes while a system is cold.
const COLD: f64 = 3.0;
/// The part of a hold that is cold, where any is.
const COLD_PART: f64 = 0.1;
/// How much room a system has whose passing is power.
const ROOM: f64 = 1.6;

/// What came of a rule with and without the cut; counts of runs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    /// Passed exactly at the limit.
    pub(crate) false_passes: u32,
    /// Failed with a limit of 1.6 times the true percentile.
    pub(crate) failed_with_room: u32,
    /// Passed with it.
    pub(crate) passed_with_room: u32,
}

/// The same runs, judged whole and without what MSER-5 takes for warm-up.
pub(crate) fn simulate(case: &Case, is_cold: bool, runs: u32) -> (Counted, Counted) {
    let (mut whole, mut cut) = (Counted::default(), Counted::default());
    for run in 0..runs {
        let (tight, roomy) = measure(case, is_cold, 1 + u64::from(run) * 7919);
        whole.count(case.share, &tight, &roomy);
        cut.count(case.share, without_warm_up(&tight), without_warm_up(&roomy));
    }
    (whole, cut)
}

impl Counted {
    fn count(&mut self, share: f64, tight: &[Block], roomy: &[Block]) {
        self.false_passes += u32::from(decide_blocks(share, tight) == Some(true));
        match decide_blocks(share, roomy) {
            Some(true) => self.passed_with_room += 1,
            Some(false) => self.failed_with_room += 1,
            None => {}
        }
    }
}

fn measure(case: &Case, is_cold: bool, seed: u64) -> (Vec<Block>, Vec<Block>) {
    let mut running = if is_cold {
        Running::new(case.queue, case.utilisation, seed)
    } else {
        Running::warm(case.queue, case.utilisation, seed)
    };
    let began = running.next().0;
    let requests = f64::from(case.hold.requests);
    let per_second = requests / real(case.hold.seconds);
    let mut tight = vec![Block::default(); case.hold.seconds];
    let mut roomy = tight.clone();
    loop {
        let (at, took) = running.next();
        let since = at - began;
        running.slowness = if is_cold && since < requests * COLD_PART { COLD } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times grow from 0")]
        let second = (since / per_second) as usize;
        let Some(block) = tight.get_mut(second) else { return (tight, roomy) };
        enter(block, took, case.limit);
        enter(&mut roomy[second], took, case.limit * ROOM);
    }
}

/// The queues of the table, each at two utilisations.
pub(crate) const QUEUES: [(Queue, &str); 3] = [
    (Queue::Mm1, "M/M/1"),
    (Queue::MlognormalOne, "M/G/1, G lognormal"),
    (Queue::Bulk, "batch arrivals of 8, M service"),
];
